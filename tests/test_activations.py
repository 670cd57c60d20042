"""Derivatives against automatic differentiation, constants against dense grids and closed forms."""

import math

import pytest
import torch

from companion.activations import Activation, activation, gaussian, logistic, tanh

GRID = torch.linspace(-9.0, 9.0, 180_001, dtype=torch.float64)
REFERENCE = {
    "tanh": lambda s: (torch.exp(s) - torch.exp(-s)) / (torch.exp(s) + torch.exp(-s)),
    "logistic": lambda s: 1.0 / (1.0 + torch.exp(-s)),
    "Gaussian": lambda s: torch.exp(-0.5 * s * s),
}


def derivatives(function, points):
    """First and second derivative by automatic differentiation."""
    s = points.clone().requires_grad_()
    (first,) = torch.autograd.grad(function(s).sum(), s, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), s)
    return first.detach(), second


def third(shape, points):
    """Third derivative, from the second by automatic differentiation."""
    s = points.clone().requires_grad_()
    return torch.autograd.grad(shape.second(s).sum(), s)[0]


def test_values_and_derivatives(shape):
    points = torch.linspace(-4.0, 4.0, 33, dtype=torch.float64)
    first, second = derivatives(REFERENCE[shape.name], points)
    assert torch.allclose(shape.value(points), REFERENCE[shape.name](points), rtol=1e-13)
    assert torch.allclose(shape.first(points), first, rtol=1e-10, atol=1e-14)
    assert torch.allclose(shape.second(points), second, rtol=1e-10, atol=1e-14)


def test_constants_are_the_suprema(shape):
    for function, constant in (
        (shape.value, shape.sigma_0),
        (shape.first, shape.sigma_1),
        (shape.second, shape.sigma_2),
        (lambda s: third(shape, s), shape.sigma_3),
    ):
        largest = float(function(GRID).abs().max())
        assert largest <= constant * (1 + 1e-14)
        assert largest == pytest.approx(constant, rel=2e-4)


def test_constants_to_the_last_digit():
    assert (tanh.sigma_0, tanh.sigma_1, tanh.sigma_2) == (1.0, 1.0, 4 / (3 * math.sqrt(3)))
    assert (logistic.sigma_0, logistic.sigma_1) == (1.0, 0.25)
    assert logistic.sigma_2 == pytest.approx(tanh.sigma_2 / 8, rel=1e-15)
    assert (gaussian.sigma_0, gaussian.sigma_1, gaussian.sigma_2) == (1.0, math.exp(-0.5), 1.0)


def test_third_derivatives_to_the_last_digit():
    assert (tanh.sigma_3, logistic.sigma_3) == (2.0, 0.125)
    peak = torch.tensor([math.sqrt(3 - math.sqrt(6))], dtype=torch.float64)
    assert gaussian.sigma_3 == pytest.approx(float(third(gaussian, peak)), rel=1e-14)


def test_rescaling(shape):
    a, b = 0.3, 2.5
    scaled = shape.rescaled(a, b)
    points = torch.linspace(-2.0, 2.0, 17, dtype=torch.float64)
    first, second = derivatives(lambda s: a * REFERENCE[shape.name](b * s), points)
    assert torch.allclose(scaled.value(points), a * shape.value(b * points), rtol=1e-14)
    assert torch.allclose(scaled.first(points), first, rtol=1e-10, atol=1e-14)
    assert torch.allclose(scaled.second(points), second, rtol=1e-10, atol=1e-14)
    assert scaled.sigma_0 == pytest.approx(a * shape.sigma_0, rel=1e-15)
    assert scaled.sigma_1 == pytest.approx(a * b * shape.sigma_1, rel=1e-15)
    assert scaled.sigma_2 == pytest.approx(a * b * b * shape.sigma_2, rel=1e-15)
    assert scaled.sigma_3 == pytest.approx(a * b * b * b * shape.sigma_3, rel=1e-15)


def test_rescaling_twice(shape):
    twice, once = shape.rescaled(0.5, 2.0).rescaled(3.0, 0.2), shape.rescaled(1.5, 0.4)
    assert twice.sigma_0 == pytest.approx(once.sigma_0, rel=1e-15)
    assert twice.sigma_1 == pytest.approx(once.sigma_1, rel=1e-15)
    assert twice.sigma_2 == pytest.approx(once.sigma_2, rel=1e-15)


def test_names():
    assert activation("tanh") is tanh
    assert activation("logistic") is logistic
    assert activation("gaussian") is gaussian


@pytest.mark.parametrize("amplitude, slope", [(0.0, 1.0), (1.0, -2.0), (math.nan, 1.0), ("x", 1.0)])
def test_rescaling_refuses(amplitude, slope):
    with pytest.raises(ValueError, match="amplitude|slope"):
        tanh.rescaled(amplitude, slope)


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="tanh, logistic, gaussian; got 'swish'"):
        activation("swish")


def test_value_and_derivative_in_one_go(shape):
    s = torch.linspace(-30, 30, 2001, dtype=torch.float64)
    plain = Activation("plain", shape.value, shape.first, shape.second, *[1.0] * 3)
    for either in (shape, plain, shape.rescaled(0.3, 1.7), plain.rescaled(2.0, 0.4)):
        value, first = either.value_and_first(s)
        assert torch.equal(value, either.value(s))
        assert torch.allclose(first, either.first(s), rtol=1e-14, atol=0.0)
