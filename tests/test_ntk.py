"""The Gram matrix and the linearised network against gradients of the outputs."""

import pytest
import torch

from companion.diagonal import ntk
from companion.diagonal.ntk import gram, linearised_outputs, tangent_features
from companion.diagonal.rnn import outputs, sensitivities


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


@pytest.mark.parametrize("budget", [1, 150, 250])
def test_blocks_of_units_add_up(problem, monkeypatch, budget):
    rnn, X, _ = problem
    whole, crossed = gram(rnn, X), gram(rnn, X, X[:3])
    monkeypatch.setattr(ntk, "FEATURES_AT_ONCE", budget)
    assert torch.allclose(gram(rnn, X), whole, rtol=1e-13)
    assert torch.allclose(gram(rnn, X, X[:3]), crossed, rtol=1e-13)


@pytest.mark.parametrize("units", [1, 2])
def test_a_block_holds_no_more_than_its_budget(problem, monkeypatch, units):
    assert 8 * ntk.FEATURES_AT_ONCE == 64 * 2**20  # bytes
    rnn, X, _ = problem
    sizes = []

    def recorded(part, inputs):
        features = tangent_features(part, inputs)
        sizes.append(features.numel())
        return features

    entries = X[..., 0].numel() * (rnn.dimension + 1)  # of one unit
    monkeypatch.setattr(ntk, "tangent_features", recorded)
    monkeypatch.setattr(ntk, "FEATURES_AT_ONCE", units * entries)
    gram(rnn, X)
    assert sizes == [units * entries] * (rnn.width // units)
    sizes.clear()
    monkeypatch.setattr(ntk, "FEATURES_AT_ONCE", 1)  # one unit at a time at the least
    gram(rnn, X)
    assert sizes == [entries] * rnn.width


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
