"""The factored Gram matrix against gradients of the outputs."""

import pytest
import torch

from companion.relu import ntk
from companion.relu.ntk import backward_correlations, forward_correlations, gram
from companion.relu.rnn import backward_vectors, hidden_states, outputs


@pytest.fixture(params=["tied", "untied"])
def network(request, relu_problem):
    return relu_problem[request.param], relu_problem["X"]


def gradients(rnn, X):
    """Gradients of f in W at every sequence, by automatic differentiation."""
    W = rnn.W.clone().requires_grad_()
    rows = [torch.autograd.grad(value, W, retain_graph=True)[0] for value in outputs(rnn.at(W), X)]
    return torch.stack([row.flatten() for row in rows])


def test_gram_is_that_of_the_gradients(network):
    rnn, X = network
    rows = gradients(rnn, X)
    expected = rows @ rows.T / rnn.width
    assert (gram(rnn, X) - expected).abs().max() < 1e-10 * expected.abs().max()
    crossed = gram(rnn, X[:2], X[1:])
    assert (crossed - expected[:2, 1:]).abs().max() < 1e-10 * expected.abs().max()


def test_correlations_are_inner_products(network):
    rnn, X = network
    states = hidden_states(rnn, X)
    vectors = backward_vectors(rnn, states)
    for other in (None, X[1:]):
        second = states if other is None else states[1:]
        expected = torch.einsum("ilk,jmk->ijlm", states, second)
        assert torch.allclose(forward_correlations(rnn, X, other), expected, rtol=1e-12)
        back = vectors if other is None else vectors[1:]
        expected = torch.einsum("ilk,jmk->ijlm", vectors, back) / rnn.width
        assert torch.allclose(backward_correlations(rnn, X, other), expected, rtol=1e-12)


def test_gram_sums_the_products_of_the_correlations(relu_problem):
    rnn, X = relu_problem["tied"], relu_problem["X"]
    forward, backward = forward_correlations(rnn, X), backward_correlations(rnn, X)
    expected = (forward[..., :-1, :-1] * backward).sum(dim=(2, 3))
    assert torch.allclose(gram(rnn, X), expected, rtol=1e-12)


@pytest.mark.parametrize("budget", [1, 200, 5 * 16 * 3])
def test_blocks_of_sequences_give_the_same(network, monkeypatch, budget):
    rnn, X = network
    whole, crossed = gram(rnn, X), gram(rnn, X, X[:3])
    monkeypatch.setattr(ntk, "BLOCK", budget)
    assert torch.allclose(gram(rnn, X), whole, rtol=1e-13)
    assert torch.allclose(gram(rnn, X, X[:3]), crossed, rtol=1e-13)


@pytest.mark.parametrize("tile", [1, 2, 4])
def test_tiles_of_the_triangle_give_the_same(network, monkeypatch, tile):
    rnn, X = network
    whole, crossed = gram(rnn, X), gram(rnn, X, X[:3])
    sizes, inner = [], ntk._inner
    assert ntk.TILE == 16
    monkeypatch.setattr(ntk, "TILE", tile)
    monkeypatch.setattr(
        ntk, "_inner", lambda a, b: (sizes.append((len(a), len(b))), inner(a, b))[1]
    )
    assert torch.allclose(gram(rnn, X), whole, rtol=1e-13)
    assert torch.equal(gram(rnn, X), gram(rnn, X).T)
    ahead = [(min(tile, 5 - first), 5 - first) for first in range(0, 5, tile) for _ in range(2)]
    assert sizes[: len(ahead)] == ahead
    assert torch.allclose(gram(rnn, X, X[:3]), crossed, rtol=1e-13)


@pytest.mark.parametrize(("others", "rows"), [(5, 1), (5, 2), (3, 4), (1, 5)])
def test_a_block_holds_no_more_than_its_budget(relu_problem, monkeypatch, others, rows):
    assert 8 * ntk.BLOCK == 32 * 2**20  # bytes
    rnn, X = relu_problem["tied"], relu_problem["X"]
    sizes, inner = [], ntk._inner
    monkeypatch.setattr(ntk, "BLOCK", rows * others * 16)
    monkeypatch.setattr(ntk, "_inner", lambda a, b: (sizes.append(len(a)), inner(a, b))[1])
    gram(rnn, X, X[:others])
    assert max(sizes) == rows
