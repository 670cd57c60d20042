"""Suprema against closed forms, dense searches and points that come within a hair of them."""

import math

import pytest
import torch

from companion.activations import gaussian, logistic, tanh
from companion.diagonal import bounds
from companion.diagonal.rnn import DiagonalRNN, sensitivities
from companion.diagonal.suprema import (
    curvature_programme,
    directional_derivatives,
    drive_suprema,
    lipschitz_suprema,
    product_lipschitz_suprema,
    realise,
)


def test_tanh_in_closed_form():
    for alpha in (0.5, 0.7, 1.3):
        expected = [bounds.mu_0(t, alpha) for t in range(1, 6)]
        assert lipschitz_suprema(5, alpha, tanh).tolist() == pytest.approx(expected, rel=1e-10)


def test_two_steps_of_tanh_at_every_angle():
    """M_2 is the largest of c r + s + a s (1 - r^2) over 0 <= r < 1, at r = c / (2 a s) or 1."""
    alpha, count = 0.3, 91
    angles = torch.linspace(0.0, math.pi / 2, count, dtype=torch.float64)
    c, s = angles.cos(), angles.sin()
    r = (c / (2 * alpha * s)).clamp(max=1.0)
    expected = c * r + s + alpha * s * (1 - r**2)
    found = drive_suprema(1, alpha, tanh, directions=count)
    assert torch.equal(found[0], s)
    assert torch.allclose(found[1], expected, rtol=2e-7)


def test_the_defaults():
    assert drive_suprema(1, 0.5, tanh).shape == (2, 361)
    usual = curvature_programme(1, 0.5, tanh)
    named = curvature_programme(1, 0.5, tanh, nodes=401, directions=46)
    assert torch.equal(usual[0], named[0]) and torch.equal(usual[1], named[1])
    u, X = realise(0.5, torch.ones(3), torch.ones(3), tanh, dimension=4)
    assert u.tolist() == [1e4, 0.0, 0.0, 0.0] and X.shape == (1, 3, 4)


def test_suprema_are_at_most_the_formulas_and_often_attained(shape):
    for alpha in (0.3, 1.1):
        best, product = (
            lipschitz_suprema(6, alpha, shape),
            product_lipschitz_suprema(6, alpha, shape),
        )
        for t in range(1, 7):
            assert float(best[t - 1]) <= bounds.lipschitz_sharper(t, alpha, shape) * (1 + 1e-9)
            assert float(product[t - 1]) <= bounds.product_lipschitz_sharper(t, alpha, shape)
    assert float(best[0]) == pytest.approx(shape.sigma_1, rel=1e-9)


def random_problems(generator, count, steps, unit):
    draw = {"generator": generator, "dtype": torch.float64}
    w = 0.7 * (2.0 * torch.rand(count, **draw) - 1.0)
    s = 1.5 * unit * torch.randn(count, steps, **draw)
    x = 2.0 * torch.rand(count, steps, **draw) - 1.0
    return w, s, x, 2 * math.pi * torch.rand(count, **draw)


@pytest.mark.parametrize("scale", [(1.0, 1.0), (5.0, 0.3)])
def test_no_random_point_exceeds_the_suprema(generator, shape, scale):
    scaled = shape.rescaled(*scale)
    unit = scaled.sigma_0 / scaled.sigma_1
    problems = random_problems(generator, 20_000, 3, unit)
    state, speed, bend = directional_derivatives(*problems, scaled)
    w, _, _, angle = problems
    first, second = curvature_programme(3, 0.7, scaled, nodes=201, directions=31)
    rates = angle.cos() * state + w * speed, 2 * angle.cos() * speed + w * bend
    for values, limit in (
        (speed, lipschitz_suprema(3, 0.7, scaled)[-1]),
        (rates[0], product_lipschitz_suprema(3, 0.7, scaled)[-1]),
        (bend, first[-1]),
        (rates[1], second[-1]),
    ):
        ratio = float(values.abs().max() / limit)
        assert 0.3 < ratio < 1.0


def slow_programme(t, alpha, shape, nodes, directions):
    """The dynamic programme written as loops over numbers."""
    unit = shape.sigma_0 / shape.sigma_1
    s = [unit * (-12.0 + 24.0 * k / (nodes - 1)) for k in range(nodes)]
    at = torch.tensor(s, dtype=torch.float64)
    v, f, g = ([abs(float(y)) for y in d(at)] for d in (shape.value, shape.first, shape.second))
    states, products = [0.0] * t, [0.0] * t
    for j in range(directions):
        c, n = (fn(math.pi / 2 * j / (directions - 1)) for fn in (math.cos, math.sin))
        Y, D, E = [n], [0.0], [0.0]
        for k in range(t):
            inner = [2 * c * d + alpha * e for d, e in zip(D, E, strict=True)]
            E = [
                max(g[i] * y * y + f[i] * q for y, q in zip(Y, inner, strict=True))
                for i in range(nodes)
            ]
            D = [f[i] * max(Y) for i in range(nodes)]
            Y = [c * v[i] + n + alpha * D[i] for i in range(nodes)]
            states[k] = max(states[k], *E)
            products[k] = max(
                products[k], *(2 * c * d + alpha * e for d, e in zip(D, E, strict=True))
            )
    return states, products


def test_curvature_programme(shape):
    found = curvature_programme(3, 0.7, shape, nodes=17, directions=5)
    expected = slow_programme(3, 0.7, shape, 17, 5)
    assert found[0].tolist() == pytest.approx(expected[0], rel=1e-12)
    assert found[1].tolist() == pytest.approx(expected[1], rel=1e-12)


def test_the_programme_is_sharper_and_its_grid_fine_enough(shape):
    fine = curvature_programme(2, 0.7, shape, nodes=801, directions=16)
    usual = curvature_programme(2, 0.7, shape, directions=16)
    for part, formula in zip(
        range(2), (bounds.smoothness_sharper, bounds.product_smoothness_sharper), strict=True
    ):
        assert torch.allclose(usual[part], fine[part], rtol=1e-2)
        for t in range(1, 3):
            assert float(fine[part][t - 1]) <= formula(t, 0.7, shape) * (1 + 1e-12)


def test_directional_derivatives_are_those_of_the_state(generator, shape):
    """Realised in two coordinates, differentiated by automatic differentiation."""
    w, s, x, angle = random_problems(generator, 5, 4, 1.0)
    found = directional_derivatives(w, s, x, angle, shape)
    for k in range(5):
        u, X = realise(float(w[k]), s[k], x[k], shape, dimension=3, length=1e7)
        move = torch.zeros(3, dtype=torch.float64)
        move[1] = angle[k].sin()

        def state(step, k=k, u=u, X=X, move=move):
            h = step.new_zeros(())
            for inputs in X[0]:
                h = shape.value((w[k] + step * angle[k].cos()) * h + (u + step * move) @ inputs)
            return h

        zero = torch.zeros((), dtype=torch.float64)
        first = torch.autograd.functional.jacobian(state, zero)
        second = torch.autograd.functional.hessian(state, zero)
        for mine, exact in zip(found, (state(zero), first, second), strict=True):
            assert float(mine[k]) == pytest.approx(float(exact), rel=1e-6, abs=1e-8)


def worst_sequence(t, alpha, shape):
    """Pre-activations that attain the recursion at its best angle, found on a grid."""
    suprema = drive_suprema(t, alpha, shape)
    place = int(suprema[t - 1].argmax())
    angle = math.pi / 2 * place / (suprema.shape[1] - 1)
    unit = shape.sigma_0 / shape.sigma_1
    grid = unit * torch.linspace(-12, 12, 48_001, dtype=torch.float64)
    slope = shape.first(grid)
    good = (slope >= 0) & (shape.value(grid) >= 0)
    s = []
    for k in range(t - 1):
        value = math.cos(angle) * shape.value(grid) + alpha * slope * suprema[k, place]
        s.append(grid[torch.where(good, value, -math.inf).argmax()])
    return torch.stack([*s, grid[slope.argmax()]])


@pytest.mark.parametrize("shape", [tanh, logistic, gaussian], ids=lambda s: s.name)
@pytest.mark.parametrize("dimension", [2, 8])
def test_inputs_in_the_unit_ball_come_close_to_the_supremum(shape, dimension):
    s = worst_sequence(5, 0.3, shape)
    u, X = realise(0.3, s, torch.ones(5, dtype=s.dtype), shape, dimension=dimension)
    assert float(X.norm(dim=-1).max()) <= 1 + 1e-12
    unit = DiagonalRNN(torch.full((1,), 0.3, dtype=s.dtype), u[None], [1.0], shape)
    in_w, in_u = sensitivities(unit, X)
    size = math.hypot(float(in_w[0, -1, 0]), float(in_u[0, -1, 0].norm()))
    best = float(lipschitz_suprema(5, 0.3, shape)[-1])
    assert 0.9999 * best < size <= best * (1 + 1e-9)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: drive_suprema(0, 0.5, tanh), "t must be at least 1"),
        (lambda: drive_suprema(2, -0.5, tanh), "alpha_m must be positive"),
        (lambda: drive_suprema(2, 0.5, tanh, directions=2), "directions must be at least 3"),
        (lambda: curvature_programme(2, 0.5, tanh, nodes=2), "nodes must be at least 3"),
        (lambda: curvature_programme(2, 0.5, tanh, directions=2), "directions must be at least 3"),
        (
            lambda: realise(0.5, torch.ones(2), torch.ones(2), tanh, dimension=1),
            "dimension must be at least 2",
        ),
        (
            lambda: realise(0.5, 3.0 * torch.ones(1), torch.ones(1), tanh, dimension=2, length=2.0),
            "length must be at least 3, got 2",
        ),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
