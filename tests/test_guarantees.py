"""Promised errors against numbers worked out by hand; wrong arguments are refused."""

import math

import pytest
import torch

from companion.activations import Activation, tanh
from companion.diagonal import bounds, guarantees

MADE = Activation("made", torch.sin, torch.cos, torch.sin, 2.0, 0.5, 0.7, 1.1)


@pytest.mark.parametrize(
    "found, expected",
    [
        (guarantees.sampling_printed(50, 0.2, 3.0), 6.0 * math.sqrt(math.log(5.0) / 50)),
        (guarantees.sampling_constructed(50, 0.2, 3.0), 6.0 * math.sqrt(math.log(10.0) / 50)),
        (guarantees.sampling_infimum(50, 0.2, 3.0), 3.0 * math.sqrt(math.log(5.0) / 50)),
        (guarantees.mirrored_linearisation(50, 9.0, 2.0), 9.0 * 8.0 / 300.0),
        (
            guarantees.linearisation_sharper(3, 1.3, MADE),
            bounds.smoothness_sharper(3, 1.3, MADE) / 2,
        ),
    ],
)
def test_formula(found, expected):
    assert found == pytest.approx(expected, rel=1e-13)


def test_linearisation_as_printed():
    steep = bounds.product_lipschitz_printed(3, 1.3, MADE)
    bent = bounds.product_smoothness_printed(3, 1.3, MADE, alpha=0.4, dimension=3)
    found = guarantees.linearisation_printed(3, 1.3, MADE, alpha=0.4, dimension=3)
    assert found == pytest.approx(2 * steep * steep * 0.7 + 2 * bent * 0.5, rel=1e-13)


def test_linearisation_corrected_takes_the_step_before():
    steep = bounds.product_lipschitz_corrected(2, 1.3, MADE)
    bent = bounds.product_smoothness_corrected(2, 1.3, MADE)
    found = guarantees.linearisation_corrected(3, 1.3, MADE)
    assert found == pytest.approx(0.7 + 0.7 * steep * steep + 0.25 * bent, rel=1e-13)


def test_the_orders_of_the_linearisation_bounds():
    for t in (1, 4, 9):
        sharper = guarantees.linearisation_sharper(t, 0.7, tanh)
        assert sharper <= guarantees.linearisation_corrected(t, 0.7, tanh)


@pytest.mark.parametrize(
    "width, delta", [(0, 0.1), (2.5, 0.1), (10, 0.0), (10, 1.0), (10, math.nan)]
)
def test_arguments_are_checked(width, delta):
    for promise in (
        guarantees.sampling_printed,
        guarantees.sampling_constructed,
        guarantees.sampling_infimum,
    ):
        with pytest.raises(ValueError, match="width|delta"):
            promise(width, delta, 1.0)
    if width < 1:
        with pytest.raises(ValueError, match="width"):
            guarantees.mirrored_linearisation(width, 1.0, 1.0)
