"""The empirical risk against loops, its gradient against automatic differentiation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.activations import tanh
from companion.diagonal import risk
from companion.diagonal.risk import empirical_risk, risk_and_gradient
from companion.diagonal.rnn import DiagonalRNN, outputs, symmetric_initialisation


def test_risk_is_a_mean_over_samples_and_a_sum_over_time(problem):
    rnn, X, Y = problem
    F = outputs(rnn, X)
    looped = sum((float(F[j, t]) - float(Y[j, t])) ** 2 for j in range(4) for t in range(5)) / 4
    assert empirical_risk(rnn, X, Y) == pytest.approx(looped, rel=1e-13)
    assert risk_and_gradient(rnn, X, Y)[0] == pytest.approx(looped, rel=1e-13)


def test_gradient(problem):
    rnn, X, Y = problem
    w, u = rnn.w.clone().requires_grad_(), rnn.u.clone().requires_grad_()
    risk = ((outputs(rnn.at(w, u), X) - Y) ** 2).sum() / 4
    exact_w, exact_u = torch.autograd.grad(risk, (w, u))
    _, gradient_w, gradient_u = risk_and_gradient(rnn, X, Y)
    assert torch.allclose(gradient_w, exact_w, rtol=1e-11, atol=1e-14)
    assert torch.allclose(gradient_u, exact_u, rtol=1e-11, atol=1e-14)


@settings(deadline=None, derandomize=True)
@given(
    sizes=st.tuples(*[st.integers(1, 5)] * 3, st.integers(1, 9)),
    block=st.integers(1, 60),
    precise=st.booleans(),
    seed=st.integers(0, 99),
)
def test_blocks_of_units_change_nothing(sizes, block, precise, seed):
    n, T, d, m = sizes
    draw = {"generator": torch.Generator().manual_seed(seed), "dtype": torch.float64}
    draw |= {} if precise else {"dtype": torch.float32}
    rnn = DiagonalRNN(
        torch.randn(m, **draw), torch.randn(m, d, **draw), torch.randn(m, **draw), tanh
    )
    X, Y = torch.randn(n, T, d, **draw), torch.randn(n, T, **draw)
    X = X / X.norm(dim=-1, keepdim=True).clamp(min=1.0)
    w, u = (part.double().clone().requires_grad_() for part in (rnn.w, rnn.u))
    exact = DiagonalRNN(w, u, rnn.c.double(), tanh)
    expected = ((outputs(exact, X.double()) - Y.double()) ** 2).sum() / n
    expected_w, expected_u = torch.autograd.grad(expected, (w, u))
    widths = []

    def recorded(units, inputs):
        widths.append(units.width)
        return forward(units, inputs)

    forward = risk._forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(risk, "BLOCK", block)
        patch.setattr(risk, "_forward", recorded)
        value, gradient_w, gradient_u = risk_and_gradient(rnn, X, Y)
    tolerance = 1e-11 if precise else 1e-4
    assert value == pytest.approx(expected.item(), rel=tolerance)
    for found, wanted in ((gradient_w, expected_w), (gradient_u, expected_u)):
        assert found.dtype == rnn.w.dtype
        assert torch.allclose(found.double(), wanted, rtol=tolerance, atol=tolerance)
    together = 2 - m % 2  # units that must stay in one block
    assert max(widths) == min(m, max(together, block // (n * T * together) * together))
    blocks = -(-m // max(widths))
    assert len(widths) == 2 * blocks - 1 and sum(widths[:blocks]) == m
    assert risk.BLOCK == 2**20


@pytest.mark.parametrize("block", [1, 2**20])
def test_the_symmetric_initialisation_has_output_zero_in_blocks(
    generator, shape, block, monkeypatch
):
    monkeypatch.setattr(risk, "BLOCK", block)
    rnn = symmetric_initialisation(10, 2, 0.9, shape, generator)
    X = torch.full((2, 3, 2), 0.5, dtype=torch.float64)
    assert risk_and_gradient(rnn, X, torch.zeros(2, 3, dtype=torch.float64))[0] < 1e-30


@pytest.mark.parametrize("function", [empirical_risk, risk_and_gradient])
def test_bad_input_is_refused(problem, function):
    rnn, X, Y = problem
    long = X.clone()
    long[0, 0] = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
    with pytest.raises(
        ValueError, match=r"X must have vectors of Euclidean norm at most 1, got one of norm 1.118"
    ):
        function(rnn, long, Y)
    with pytest.raises(ValueError, match=r"Y must have shape \(4, 5\), got \(4, 4\)"):
        function(rnn, X, Y[:, 1:])
    with pytest.raises(ValueError, match=r"Y must have shape \(4, 5\), got \(5,\)"):
        function(rnn, X, Y[0])
    with pytest.raises(ValueError, match="Y must be finite"):
        function(rnn, X, Y * float("inf"))


def test_an_input_of_length_one_is_taken(problem):
    rnn, X, Y = problem
    on_the_sphere = X / X.norm(dim=-1, keepdim=True)
    assert empirical_risk(rnn, on_the_sphere, Y) > 0
