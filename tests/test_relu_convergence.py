"""What the learning theorem of paper B prescribes, against values worked out by hand."""

import math

import pytest
import torch

from companion.relu.complexity import arctangent, exponential, polynomial
from companion.relu.concept_classes import Term
from companion.relu.convergence import (
    feature_size,
    prescribe,
    printed_complexity,
    target_norm,
)
from companion.relu.infinite_width import kernel, limit_of_inputs

ONE = torch.tensor([1.0, 0.0], dtype=torch.float64)


def term(*coefficients, place=1):
    return Term((place,), ONE, polynomial(*coefficients))


def pair(series, *places):
    return Term(places, torch.full((2 * len(places),), 0.3, dtype=torch.float64), series)


def geometry(L):
    """P and kappa by their definitions: the orthogonal kernel's angles, step by step."""
    v, K, P = L**-3.0, 1.0, 1.0
    for step in range(1, L + 1):
        rho = K / (1 + step * v)  # K^{l-1}/Q_l, with K^0 = 1
        angle = math.acos(rho)
        P *= 1 - angle / math.pi
        K = (1 + step * v) * (math.sin(angle) + rho * (math.pi - angle)) / math.pi
    return P, math.sqrt(2) * P**1.5 / (6 * math.pi**1.5 * math.sqrt(1 + L**-2.0))


@pytest.mark.parametrize("L", [1, 2, 5, 9])
def test_the_feature_size_is_the_kernel_on_the_diagonal(L):
    X = torch.nn.functional.normalize(torch.randn(1, L, 3, dtype=torch.float64), dim=-1)
    assert feature_size(L) == pytest.approx(kernel(X).item(), rel=1e-12)
    assert limit_of_inputs(X).kernel.item() == pytest.approx(feature_size(L), rel=1e-12)


@pytest.mark.parametrize("L, place", [(1, 1), (4, 1), (4, 3), (6, 6)])
def test_a_term_of_one_input(L, place):
    P, kappa = geometry(L)
    powers = 2 * place**0.5 + 3**0.75 * 5 * place**1.5
    wanted = 7 / math.sqrt(L * P / 2) + (L / place) ** 0.75 * powers / math.sqrt(kappa)
    assert target_norm([term(-7, 2, 0, -5, place=place)], L) == pytest.approx(wanted, rel=1e-9)


def test_a_term_of_several_inputs():
    P, kappa = geometry(6)
    wanted = (2**0.75 * 4 * 6 / (P * 3)) / math.sqrt(kappa)
    found = target_norm([pair(polynomial(0, 0, 4), 1, 5, 2)], 6)
    assert found == pytest.approx(wanted, rel=1e-9)


def test_constants_are_taken_together():
    lone = target_norm([term(0, 1)], 4)
    assert target_norm([term(3, 1), term(-3, 1, place=2)], 4) == pytest.approx(
        lone + target_norm([term(0, 1, place=2)], 4), rel=1e-12
    )


def test_the_printed_complexity_adds_the_terms_of_both_classes():
    # (10): L^3.5 (1 + 3 sqrt(L)); (12): the smaller of two, worked out for z^2, L = 4, N = 2,
    # l_0 = 1.
    one = 4**3.5 * (1 + 3 * 2)
    few = 4**2 * (1 + 4**3 * 100**2 * math.sqrt(2) * 4)
    near = 4**3.5 * (1 + 2 * (2 * 2) ** 2)
    found = printed_complexity([term(0, 3), pair(polynomial(0, 0, 1), 2, 3)], 4)
    assert found == pytest.approx(one + min(few, near), rel=1e-12)


def test_the_reach_is_the_distance_of_the_ends():
    close, apart = (pair(polynomial(0, 0, 1), 1, last) for last in (2, 6))
    near = 8**3.5 * (1 + 2 * (2**5 * math.sqrt(8)) ** 2)
    assert printed_complexity([apart], 8) == pytest.approx(near, rel=1e-12)
    assert printed_complexity([close], 8) < near


def test_the_prescriptions():
    U, L = target_norm([term(0, 3)], 4), 4
    wanted = math.e / (math.e - 1) * (2 * feature_size(L) * U**2 + 2 + math.log(20)) / 0.03
    plan = prescribe(0.03, 0.05, [term(0, 3)], L)
    assert plan.samples == math.ceil(wanted)
    assert plan.step_size == pytest.approx(plan.samples / feature_size(L))
    printed = prescribe(0.03, 0.05, [term(0, 3)], L, theorem="printed")
    assert printed.samples == math.ceil((4 * 4**3.5 * 7) ** 2 / 0.03)


def test_the_largest_admissible_delta_and_length_one():
    assert prescribe(0.5, math.exp(-1.0), [term(0, 1)], 1).samples > 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"epsilon": 0.0}, r"epsilon must lie in \(0, 1\), got 0.0"),
        ({"epsilon": 1.0}, r"epsilon must lie in \(0, 1\), got 1.0"),
        ({"delta": 0.0}, r"delta must lie in \(0, 1/e\], got 0.0"),
        ({"delta": 0.4}, r"delta must lie in \(0, 1/e\], got 0.4"),
        ({"terms": []}, "terms must hold at least one term"),
        ({"terms": [term(0, 1, place=3)]}, "positions must not exceed length = 2, got 3"),
        ({"theorem": "best"}, "theorem must be one of 'printed', 'sharper'; got 'best'"),
        ({"length": 0}, "length"),
        ({"length": 1.5}, "length"),
    ],
)
def test_bad_input_is_named(change, message):
    given = {"epsilon": 0.1, "delta": 0.1, "terms": [term(0, 1)], "length": 2} | change
    with pytest.raises(ValueError, match=message):
        prescribe(**given)


@pytest.mark.parametrize("theorem", ["printed", "sharper"])
def test_a_series_that_diverges_is_explained(theorem):
    target = [Term((4,), ONE, arctangent)]
    with pytest.raises(ValueError, match="no finite number .* converges for |z| < 2 only"):
        prescribe(0.1, 0.1, target, 4, theorem=theorem)


def test_a_number_beyond_floating_point_is_refused():
    target = [Term((1,), ONE, exponential)]
    with pytest.raises(ValueError, match="at length 400000 .* floating-point range"):
        prescribe(0.1, 0.1, target, 400_000, theorem="printed")
