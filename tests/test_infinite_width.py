"""The limit against closed forms, plain sums over nodes, and very wide networks."""

import math

import pytest
import torch

from companion.activations import gaussian, logistic, tanh
from companion.diagonal import infinite_width
from companion.diagonal.infinite_width import (
    Sobol,
    Trapezoid,
    default_rule,
    joined,
    kernel,
    limit_outputs,
    separable_kernel,
    span,
)
from companion.diagonal.ntk import gram
from companion.diagonal.rnn import DiagonalRNN, sensitivities, symmetric_initialisation

COARSE = Trapezoid(0.4)


@pytest.fixture
def inputs(generator):
    X = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64)
    return X / X.norm(dim=-1, keepdim=True)


def moments(nodes):
    u, weights = nodes
    return (
        float(weights.sum()),
        (weights[:, None] * u).sum(0),
        (weights[:, None, None] * u[:, :, None] * u[:, None, :]).sum(0),
    )


@pytest.mark.parametrize("dimension, step", [(1, 0.3), (2, 0.3), (2, 0.7), (3, 0.7)])
def test_the_trapezoid_rule_has_the_gaussian_moments(dimension, step):
    for nodes in Trapezoid(step).node_sets(dimension):
        mass, mean, second = moments(nodes)
        assert mass == pytest.approx(1.0, abs=1e-13)
        assert float(mean.abs().max()) < 1e-13
        assert torch.allclose(second, torch.eye(dimension, dtype=torch.float64), atol=1e-12)


def test_the_two_grids_interleave():
    (one, _), (two, _) = Trapezoid(0.5, radius=2.0).node_sets(1)
    assert torch.allclose(one[:, 0], torch.arange(-4, 5, dtype=torch.float64) * 0.5)
    assert torch.allclose(two[:, 0], torch.arange(-4, 4, dtype=torch.float64) * 0.5 + 0.25)


def test_nodes_stay_in_the_ball_and_reach_its_edge():
    u, _ = Trapezoid(0.25, radius=3.0).node_sets(2)[0]
    farthest = float(u.norm(dim=1).max())
    assert farthest == 3.0
    assert len(u) == sum(i * i + j * j <= 144 for i in range(-12, 13) for j in range(-12, 13))


def test_sobol_points_are_gaussian_and_replicates_independent():
    sets = Sobol(count=1024, replicates=3, seed=4).node_sets(2)
    assert len(sets) == 3
    for nodes in sets:
        mass, mean, second = moments(nodes)
        assert mass == pytest.approx(1.0, abs=1e-12)
        assert float(mean.abs().max()) < 0.02
        assert torch.allclose(second, torch.eye(2, dtype=torch.float64), atol=0.05)
    assert not torch.equal(sets[0][0], sets[1][0])
    again = Sobol(count=1024, replicates=3, seed=4).node_sets(2)
    assert torch.equal(again[2][0], sets[2][0])
    shifted = Sobol(count=1024, replicates=3, seed=5).node_sets(2)
    assert torch.equal(shifted[0][0], sets[1][0])


def test_the_default_rule():
    assert [default_rule(d) for d in (1, 2, 3, 4)] == [
        Trapezoid(0.1),
        Trapezoid(0.1),
        Trapezoid(0.35),
        Sobol(4096, 8, 0),
    ]
    assert Trapezoid() == Trapezoid(0.1, 8.5)


def gaussian_expectation(quadratic):
    """E exp(-u^T Q u / 2) for standard normal u."""
    eye = torch.eye(len(quadratic), dtype=torch.float64)
    return float(torch.linalg.det(eye + quadratic)) ** -0.5


def test_the_first_step_in_closed_form(inputs):
    """For the Gaussian, kappa_1 is x.x' times E (u.x)(u.x') exp(-((u.x)^2 + (u.x')^2)/2)."""
    found = kernel(inputs, alpha=0.5, activation=gaussian).value[0]
    for j in range(3):
        for k in range(3):
            x, y = inputs[j, 0], inputs[k, 0]
            quadratic = torch.outer(x, x) + torch.outer(y, y)
            precision = torch.eye(2, dtype=torch.float64) + quadratic
            covariance = float(x @ torch.linalg.inv(precision) @ y)
            expected = float(x @ y) * covariance * gaussian_expectation(quadratic)
            assert float(found[j, k]) == pytest.approx(expected, rel=1e-11)


def loop_over_nodes(X, alpha, activation, nodes, j, k, t):
    """The kernel as the sum it is, with one unit at a time."""
    total = 0.0
    for u, weight in zip(*nodes, strict=True):
        for w in (alpha, -alpha):
            unit = DiagonalRNN(torch.tensor([w], dtype=X.dtype), u[None], [1.0], activation)
            in_w, in_u = sensitivities(unit, X)
            product = in_w[j, t, 0] * in_w[k, t, 0] + in_u[j, t, 0] @ in_u[k, t, 0]
            total += float(weight) / 2 * float(product)
    return total


def test_kernel_is_the_average_over_both_signs_and_all_nodes(inputs):
    rule = Trapezoid(1.6, radius=4.0)
    axes = span(inputs)
    expected = [
        loop_over_nodes(inputs @ axes, 0.7, tanh, nodes, 0, 1, 3) for nodes in rule.node_sets(2)
    ]
    found = kernel(inputs, alpha=0.7, activation=tanh, rule=rule)
    assert float(found.value[3, 0, 1]) == pytest.approx(sum(expected) / 2, rel=1e-12)
    assert float(found.error[3, 0, 1]) == pytest.approx(
        abs(expected[0] - expected[1]) / 2, rel=1e-9
    )


def test_two_rules_agree(inputs):
    one = kernel(inputs, alpha=0.7, activation=logistic).value
    two = kernel(inputs, alpha=0.7, activation=logistic, rule=Trapezoid(0.33)).value
    assert torch.allclose(one, two, rtol=1e-12)


def test_wide_networks_approach_the_limit(inputs, generator, shape):
    wide = symmetric_initialisation(20_000, 2, 0.7, shape, generator)
    limit = kernel(inputs, alpha=0.7, activation=shape, rule=COARSE).value
    assert float((gram(wide, inputs) - limit).abs().max()) < 0.06


def test_sobol_points_meet_the_trapezoid_rule_within_their_error(inputs):
    exact = kernel(inputs, alpha=0.5, activation=logistic, rule=COARSE).value
    found = kernel(inputs, alpha=0.5, activation=logistic, rule=Sobol(count=512))
    misses = (found.value - exact).abs() / found.error
    assert float(misses.max()) < 6.0 and float(misses.mean()) > 0.05
    assert float(found.error.max()) < 1e-3


def test_other_inputs_and_the_span(inputs):
    """A kernel sees inputs only through their span, however many coordinates they have."""
    basis, _ = torch.linalg.qr(torch.randn(7, 2, dtype=torch.float64))
    settings = {"alpha": 0.5, "activation": gaussian, "rule": COARSE}
    both = kernel(inputs, inputs[1:], **settings).value
    assert torch.allclose(both, kernel(inputs, **settings).value[:, :, 1:], rtol=1e-9)
    assert span(inputs @ basis.T).shape == (7, 2)
    embedded = kernel(inputs @ basis.T, **settings).value
    assert torch.allclose(embedded, kernel(inputs, **settings).value, rtol=1e-6)
    assert span(torch.zeros(1, 2, 3, dtype=torch.float64)).shape == (3, 1)
    assert span(1e-9 * inputs).shape == span(1e9 * inputs).shape == (2, 2)


def separable_by_hand(X, alpha, activation, nodes):
    """Kernel of the class (8) from conditional means, with dense features."""
    u, weights = nodes
    means_w, given_u = [], 0.0
    for w in (alpha, -alpha):
        same = torch.full((len(u),), w, dtype=u.dtype)
        unit = DiagonalRNN(same, u, torch.ones_like(same), activation)
        in_w, in_u = sensitivities(unit, X)
        means_w.append((in_w * weights).sum(-1))
        given_u = given_u + in_u / 2
    total = torch.einsum("jtia,ktia,i->tjk", given_u, given_u, weights)
    return total + sum(torch.einsum("jt,kt->tjk", mean, mean) / 2 for mean in means_w)


def test_separable_kernel(inputs, monkeypatch):
    settings = {"alpha": 0.6, "activation": logistic, "rule": Trapezoid(0.8)}
    axes = span(inputs)
    sets = Trapezoid(0.8).node_sets(2)
    expected = sum(separable_by_hand(inputs @ axes, 0.6, logistic, nodes) for nodes in sets) / 2
    assert torch.allclose(separable_kernel(inputs, **settings).value, expected, rtol=1e-11)
    crossed = separable_kernel(inputs, inputs[1:], **settings).value
    assert torch.allclose(crossed, expected[:, :, 1:], rtol=1e-9)
    monkeypatch.setattr(infinite_width, "FEATURES_AT_ONCE", 600)
    assert torch.allclose(separable_kernel(inputs, **settings).value, expected, rtol=1e-11)


def test_separable_is_below_the_kernel(inputs, shape):
    settings = {"alpha": 0.7, "activation": shape, "rule": COARSE}
    gap = kernel(inputs, **settings).value - separable_kernel(inputs, **settings).value
    assert float(torch.linalg.eigvalsh(gap).min()) > -1e-12
    assert float(gap.abs().max()) > 1e-3


def transport(w, u):
    return torch.tanh(w + u[:, 0]), torch.sin(u) * w[:, None]


def test_limit_outputs(inputs, monkeypatch):
    nodes = COARSE.node_sets(2)
    expected = 0.0
    for u, weights in nodes:
        for w in (0.7, -0.7):
            same = torch.full((len(u),), w, dtype=u.dtype)
            unit = DiagonalRNN(same, u, torch.ones_like(same), tanh)
            in_w, in_u = sensitivities(unit, inputs)
            v_w, v_u = transport(same, u)
            pairing = in_w * v_w + (in_u * v_u).sum(-1)
            expected = expected + (pairing * weights).sum(-1) / 4
    settings = {"alpha": 0.7, "activation": tanh, "rule": COARSE}
    found = limit_outputs(inputs, transport, **settings)
    assert torch.allclose(found.value, expected, rtol=1e-11)
    assert found.error.shape == (3, 4) and float(found.error.max()) < 0.05
    by_default = limit_outputs(inputs[:1], transport, alpha=0.7, activation=tanh).value
    assert torch.allclose(by_default, expected[:1], rtol=0.01)
    monkeypatch.setattr(infinite_width, "FEATURES_AT_ONCE", 500)
    assert torch.allclose(limit_outputs(inputs, transport, **settings).value, expected, rtol=1e-11)


def test_blocks_hold_both_units_of_a_node(inputs, monkeypatch):
    assert 8 * infinite_width.FEATURES_AT_ONCE == 64 * 2**20  # bytes
    of_a_node = 2 * 3 * 4 * 3  # both signs of w, inputs, times, coordinates and w
    monkeypatch.setattr(infinite_width, "FEATURES_AT_ONCE", 5 * of_a_node)
    assert [part.stop - part.start for part in infinite_width._blocks(inputs, 7)] == [5, 5]
    monkeypatch.setattr(infinite_width, "FEATURES_AT_ONCE", 1)
    assert len(infinite_width._blocks(inputs, 7)) == 7


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: kernel(x, alpha=0.0, activation=tanh), "alpha must be positive"),
        (lambda x: kernel(x[0], alpha=1.0, activation=tanh), "X must have shape"),
        (lambda x: kernel(x, x[:, 1:], alpha=1.0, activation=tanh), "other must have shape"),
        (lambda x: Trapezoid(0.0).node_sets(1), "step must be positive"),
        (lambda x: Trapezoid(1.0, -1.0).node_sets(1), "radius must be positive"),
        (lambda x: Sobol(replicates=1).node_sets(1), "replicates must be at least 2"),
        (lambda x: Sobol(count=0).node_sets(1), "count must be at least 1"),
        (
            lambda x: joined(lambda w, u: (w[1:], u), torch.ones(3), torch.ones(3, 2)),
            "transport's v_w must have shape",
        ),
        (
            lambda x: joined(lambda w, u: (w, u[:, 0]), torch.ones(3), torch.ones(3, 2)),
            "transport's v_u must have shape",
        ),
    ],
)
def test_wrong_arguments_are_named(inputs, call, message):
    with pytest.raises(ValueError, match=message):
        call(inputs)


def test_uniform_numbers_at_the_edge_stay_finite(monkeypatch):
    class Edge:
        """An engine whose points lie on the edge of the cube."""

        def __init__(self, *_, **__):
            pass

        def draw(self, count, dtype):
            return torch.zeros(count, 1, dtype=dtype)

    monkeypatch.setattr(torch.quasirandom, "SobolEngine", Edge)
    u, _ = Sobol(count=2).node_sets(1)[0]
    assert math.isfinite(float(u[0, 0])) and float(u[0, 0]) < -30.0
