"""The empirical risk against loops, its gradient against automatic differentiation."""

import pytest
import torch

from companion.diagonal.risk import empirical_risk, risk_and_gradient
from companion.diagonal.rnn import outputs


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
