"""The Gram matrix and the linearised network against gradients of the outputs."""

import pytest
import torch

from companion.diagonal import ntk
from companion.diagonal.ntk import gram, last_gram, linearised_outputs, tangent_features
from companion.diagonal.rnn import outputs, sensitivities, symmetric_initialisation


def output_gradients(rnn, X, t):
    """Gradients of F_t at every input, by automatic differentiation, (n, m (d + 1))."""
    w, u = rnn.w.clone().requires_grad_(), rnn.u.clone().requires_grad_()
    values = outputs(rnn.at(w, u), X)[:, t - 1]
    rows = [torch.autograd.grad(value, (w, u), retain_graph=True) for value in values]
    return torch.stack([torch.cat([in_w, in_u.flatten()]) for in_w, in_u in rows])


def test_features_stack_the_sensitivities(problem):
    rnn, X, _ = problem
    in_w, in_u = sensitivities(rnn, X)
    features = tangent_features(rnn, X)
    assert torch.equal(features[..., 0], in_w) and torch.equal(features[..., 1:], in_u)


def test_gram_is_that_of_the_output_gradients(problem):
    rnn, X, _ = problem
    found = gram(rnn, X)
    assert found.shape == (5, 4, 4)
    for t in range(1, 6):
        rows = output_gradients(rnn, X, t)
        assert torch.allclose(found[t - 1], rows @ rows.T, rtol=1e-11)


def test_gram_between_two_sets_and_with_weights(problem):
    rnn, X, _ = problem
    features = tangent_features(rnn, X)
    weights = torch.linspace(0.5, 2.0, rnn.width, dtype=torch.float64)
    expected = torch.einsum("jtia,ktia,i->tjk", features, features[1:], weights)
    assert torch.allclose(gram(rnn, X, X[1:], weights=weights), expected, rtol=1e-12)


def test_output_weights_enter_by_their_square(problem):
    rnn, X, _ = problem
    tripled = type(rnn)(rnn.w, rnn.u, -3.0 * rnn.c, rnn.activation)
    assert torch.allclose(gram(tripled, X), 9.0 * gram(rnn, X), rtol=1e-12)


@pytest.mark.parametrize("budget", [1, 40, 64])
@pytest.mark.parametrize("tile", [1, 3, 4])
def test_blocks_of_units_and_tiles_add_up(problem, monkeypatch, budget, tile):
    rnn, X, _ = problem
    whole, crossed = gram(rnn, X), gram(rnn, X, X[:3])
    monkeypatch.setattr(ntk, "BLOCK", budget)
    monkeypatch.setattr(ntk, "TILE", tile)
    assert torch.allclose(gram(rnn, X), whole, rtol=1e-13, atol=1e-15)
    assert torch.allclose(gram(rnn, X, X[:3]), crossed, rtol=1e-13, atol=1e-15)
    assert torch.equal(gram(rnn, X), gram(rnn, X).transpose(1, 2))


def recorded_blocks(monkeypatch):
    """Widths of the blocks, and sizes of their features, of the next calls."""
    steps, sizes = ntk.sensitivity_steps, []

    def recorded(part, inputs, scale):
        for features in steps(part, inputs, scale):
            sizes.append((part.width, features.numel()))
            yield features

    monkeypatch.setattr(ntk, "sensitivity_steps", recorded)
    return sizes


@pytest.mark.parametrize("units", [1, 2, 3])
def test_a_block_holds_no_more_than_its_budget(problem, monkeypatch, units):
    assert 4 * ntk.BLOCK == 2**20 and ntk.TILE == 64  # a mebibyte in float32
    rnn, X, _ = problem
    entries = len(X) * (rnn.dimension + 1)  # of one unit
    sizes = recorded_blocks(monkeypatch)
    for budget, taken in ((units * entries, units), ((units + 1) * entries - 1, units), (1, 1)):
        monkeypatch.setattr(ntk, "BLOCK", budget)
        sizes.clear()
        gram(rnn, X)
        assert sizes == [(taken, taken * entries)] * (6 // taken * X.shape[1])
    monkeypatch.setattr(ntk, "BLOCK", 2 * entries)
    sizes.clear()
    gram(rnn, X[:1], X)  # the larger set of inputs counts
    assert {width for width, _ in sizes} == {2}


@pytest.mark.parametrize("width", [2, 6, 10])
def test_units_that_come_twice_are_computed_once(generator, shape, monkeypatch, width):
    rnn = symmetric_initialisation(width, 2, 0.8, shape, generator)
    X = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64)
    weights = torch.rand(width, generator=generator, dtype=torch.float64)
    features = tangent_features(rnn, X)
    expected = torch.einsum("jtip,ktip,i->tjk", features, features, weights)
    sizes = recorded_blocks(monkeypatch)
    assert torch.allclose(gram(rnn, X, weights=weights), expected, rtol=1e-12, atol=1e-15)
    assert {part for part, _ in sizes} == {width // 2}
    for other in (
        rnn.at(rnn.w + torch.eye(width)[0], rnn.u),
        rnn.at(rnn.w, rnn.u.flip(1).cumsum(0)),
    ):
        features = tangent_features(other, X)
        expected = torch.einsum("jtip,ktip->tjk", features, features) / width
        sizes.clear()
        assert torch.allclose(gram(other, X), expected, rtol=1e-12, atol=1e-15)
        assert {part for part, _ in sizes} == {width}


def test_an_odd_unit_and_no_weight(problem):
    rnn, X, _ = problem
    odd = type(rnn)(rnn.w[:3], rnn.u[:3], rnn.c[:3], rnn.activation)
    features = tangent_features(odd, X)
    expected = torch.einsum("jtip,ktip,i->tjk", features, features, odd.c**2) / 3
    assert torch.allclose(gram(odd, X), expected, rtol=1e-12)
    one = type(rnn)(rnn.w[:1], rnn.u[:1], rnn.c[:1], rnn.activation)
    assert gram(one, X).shape == (5, 4, 4)
    assert not gram(rnn, X, weights=torch.zeros(6, dtype=torch.float64)).any()
    with pytest.raises(ValueError, match="weights must not be negative, got -0.5"):
        gram(rnn, X, weights=torch.full((6,), -0.5, dtype=torch.float64))


def test_the_last_time_alone(problem):
    rnn, X, _ = problem
    weights = torch.rand(6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for other in (None, X[1:]):
        assert torch.equal(last_gram(rnn, X, other), gram(rnn, X, other)[-1])
        weighed = last_gram(rnn, X, other, weights=weights)
        assert torch.equal(weighed, gram(rnn, X, other, weights=weights)[-1])
    assert torch.equal(last_gram(rnn, X[:, :1]), gram(rnn, X)[0])


@pytest.mark.parametrize("size", [63, 64, 65, 129])
def test_the_edges_of_a_tile(generator, shape, size):
    rnn = symmetric_initialisation(4, 1, 0.8, shape, generator)
    X = torch.randn(size, 2, 1, generator=generator, dtype=torch.float64)
    features = tangent_features(rnn, X)
    expected = torch.einsum("jtip,ktip->tjk", features, features) / 4
    assert torch.allclose(gram(rnn, X), expected, rtol=1e-12, atol=1e-15)


def test_the_linearised_network_is_the_first_order(problem):
    rnn, X, _ = problem
    generator = torch.Generator().manual_seed(3)
    step_w = torch.randn(rnn.w.shape, generator=generator, dtype=torch.float64)
    step_u = torch.randn(rnn.u.shape, generator=generator, dtype=torch.float64)
    _, expected = torch.func.jvp(
        lambda w, u: outputs(rnn.at(w, u), X), (rnn.w, rnn.u), (step_w, step_u)
    )
    found = linearised_outputs(rnn, X, rnn.w + step_w, rnn.u + step_u)
    assert torch.allclose(found, expected, rtol=1e-11)
    assert float(linearised_outputs(rnn, X, rnn.w, rnn.u).abs().max()) == 0.0


def test_wrong_shapes_are_named(problem):
    rnn, X, _ = problem
    with pytest.raises(ValueError, match="weights must have shape"):
        gram(rnn, X, weights=torch.ones(3, dtype=torch.float64))
    with pytest.raises(ValueError, match="other must have shape"):
        gram(rnn, X, X[:, :2])
    with pytest.raises(ValueError, match="w must have shape|u must have shape"):
        linearised_outputs(rnn, X, rnn.w[:2], rnn.u)
