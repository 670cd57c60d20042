"""States, outputs and sensitivities against plain loops and automatic differentiation."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.activations import tanh
from companion.diagonal.rnn import (
    DiagonalRNN,
    hidden_states,
    outputs,
    readout,
    sensitivities,
    sensitivity_steps,
    sensitivity_terms,
    slopes,
    symmetric_initialisation,
)


def looped_state(rnn, X, j, i, t):
    """Equation (2), one number at a time."""
    h = torch.zeros((), dtype=torch.float64)
    for s in range(t):
        h = rnn.activation.value(rnn.w[i] * h + (rnn.u[i] * X[j, s]).sum())
    return h


def test_hidden_states(problem):
    rnn, X, _ = problem
    states = hidden_states(rnn, X)
    assert states.shape == (4, 6, 6)
    looped = [
        [[looped_state(rnn, X, j, i, t) for i in range(6)] for t in range(6)] for j in range(4)
    ]
    assert torch.allclose(states, torch.tensor(looped, dtype=torch.float64), rtol=1e-13, atol=1e-15)


def test_outputs(problem):
    rnn, X, _ = problem
    looped = torch.zeros(4, 5, dtype=torch.float64)
    for j in range(4):
        for t in range(5):
            total = sum(rnn.c[i] * looped_state(rnn, X, j, i, t + 1) for i in range(6))
            looped[j, t] = total / math.sqrt(6)
    assert torch.allclose(outputs(rnn, X), looped, rtol=1e-12, atol=1e-15)


def test_outputs_of_an_odd_width(problem):
    rnn, X, _ = problem
    odd = DiagonalRNN(rnn.w[:5], rnn.u[:5], torch.ones(5, dtype=torch.float64), rnn.activation)
    by_hand = hidden_states(odd, X)[:, 1:].sum(-1) / math.sqrt(5)
    assert torch.allclose(outputs(odd, X), by_hand, rtol=1e-13)


def jacobian(rnn, X, j, t):
    """Gradients of the sum over units of the state at time t, by autograd."""
    w, u = rnn.w.clone().requires_grad_(), rnn.u.clone().requires_grad_()
    return torch.autograd.grad(hidden_states(rnn.at(w, u), X)[j, t].sum(), (w, u))


def test_sensitivities_are_derivatives(problem):
    rnn, X, _ = problem
    in_w, in_u = sensitivities(rnn, X)
    assert in_w.shape == (4, 5, 6) and in_u.shape == (4, 5, 6, 3)
    for j in range(4):
        for t in range(1, 6):
            exact_w, exact_u = jacobian(rnn, X, j, t)
            assert torch.allclose(in_w[j, t - 1], exact_w, rtol=1e-11, atol=1e-14)
            assert torch.allclose(in_u[j, t - 1], exact_u, rtol=1e-11, atol=1e-14)


def test_the_steps_carry_a_factor_a_unit(problem):
    rnn, X, _ = problem
    in_w, in_u = sensitivities(rnn, X)
    scale = torch.linspace(0.5, 3.0, rnn.width, dtype=torch.float64)
    for t, step in enumerate(sensitivity_steps(rnn, X, scale)):
        assert torch.allclose(step[:, 0], scale * in_w[:, t], rtol=1e-13)
        assert torch.allclose(step[:, 1:].mT, scale[:, None] * in_u[:, t], rtol=1e-13)


def test_terms_add_up_to_the_sensitivities(problem):
    rnn, X, _ = problem
    in_w, in_u = sensitivities(rnn, X)
    for t in range(1, 6):
        terms_w, terms_u = sensitivity_terms(rnn, X, t)
        assert terms_w.shape == (t, 4, 6) and terms_u.shape == (t, 4, 6, 3)
        assert torch.allclose(terms_w.sum(0), in_w[:, t - 1], rtol=1e-11, atol=1e-14)
        assert torch.allclose(terms_u.sum(0), in_u[:, t - 1], rtol=1e-11, atol=1e-14)


def test_each_term_is_that_of_proposition_1(problem):
    rnn, X, _ = problem
    states, factors = hidden_states(rnn, X), slopes(rnn, X, hidden_states(rnn, X))
    terms_w, terms_u = sensitivity_terms(rnn, X, 4)
    for k in range(4):
        product = torch.stack([factors[:, 3 - s] for s in range(k + 1)]).prod(0)
        assert torch.allclose(
            terms_w[k], rnn.w**k * states[:, 3 - k] * product, rtol=1e-12, atol=1e-15
        )
        expected = (rnn.w**k * product)[..., None] * X[:, 3 - k, None, :]
        assert torch.allclose(terms_u[k], expected, rtol=1e-12, atol=1e-15)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3),
    st.integers(1, 7),
    st.integers(1, 4),
    st.integers(1, 5),
    st.floats(-3, 3),
    st.integers(0, 99),
)
def test_sensitivities_for_any_shape(n, T, d, m, weight, seed):
    g = torch.Generator().manual_seed(seed)
    draw = {"generator": g, "dtype": torch.float64}
    w = torch.full((m,), weight, dtype=torch.float64)
    rnn = DiagonalRNN(w, torch.randn(m, d, **draw), torch.ones(m, dtype=torch.float64), tanh)
    X = 3 * torch.randn(n, T, d, **draw)
    in_w, in_u = sensitivities(rnn, X)
    terms_w, terms_u = sensitivity_terms(rnn, X, T)
    scale = 1e-12 * (1 + terms_u.abs().sum() + terms_w.abs().sum())
    assert (terms_w.sum(0) - in_w[:, -1]).abs().max() <= scale
    assert (terms_u.sum(0) - in_u[:, -1]).abs().max() <= scale


def test_symmetric_initialisation(generator):
    rnn = symmetric_initialisation(4000, 3, 0.4, tanh, generator)
    half = slice(0, 2000)
    assert rnn.w.dtype == rnn.u.dtype == rnn.c.dtype == torch.float64
    assert torch.equal(rnn.w[half], rnn.w[2000:]) and torch.equal(rnn.u[half], rnn.u[2000:])
    assert torch.equal(rnn.c[half], -rnn.c[2000:])
    assert set(rnn.w.tolist()) == {-0.4, 0.4} and set(rnn.c.tolist()) == {-1.0, 1.0}
    # Four standard errors of each mean, so that a wrong law is seen and chance is not.
    error = 4 / math.sqrt(2000)
    assert abs(float(rnn.c[half].mean())) < error and abs(float(rnn.w[half].mean())) < 0.4 * error
    assert abs(float((rnn.c * rnn.w)[half].mean())) < 0.4 * error
    assert float(rnn.u[half].mean(0).abs().max()) < error
    assert float((rnn.u[half].T @ rnn.u[half] / 2000 - torch.eye(3)).abs().max()) < 2 * error


def test_output_at_the_start_is_zero_to_rounding(generator, shape):
    rnn = symmetric_initialisation(64, 2, 0.9, shape, generator)
    X = 5 * torch.randn(8, 12, 2, generator=generator, dtype=torch.float64)
    assert float(outputs(rnn, X).abs().max()) < 1e-15


def test_units_with_equal_states_cancel_exactly(generator):
    rnn = symmetric_initialisation(64, 2, 0.9, tanh, generator)
    states = torch.randn(8, 12, 32, generator=generator, dtype=torch.float64).repeat(1, 1, 2)
    assert torch.count_nonzero(readout(rnn, states)) == 0


def test_the_same_seed_draws_the_same_network():
    one, two = (
        symmetric_initialisation(8, 2, 0.5, tanh, torch.Generator().manual_seed(3)) for _ in "ab"
    )
    assert torch.equal(one.w, two.w) and torch.equal(one.u, two.u) and torch.equal(one.c, two.c)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"width": 5}, "width must be even"),
        ({"width": 0}, "width must be at least 2, got 0"),
        ({"width": 4.0}, "width must be an integer, got 4.0"),
        ({"width": True}, "width must be an integer"),
        ({"dimension": 0}, "dimension must be at least 1"),
        ({"alpha": 0.0}, "alpha must be positive, got 0.0"),
        ({"alpha": -1.0}, "alpha must be positive"),
        ({"alpha": math.inf}, "alpha must be finite"),
        ({"generator": 3}, "generator must be a torch.Generator, got int"),
    ],
)
def test_initialisation_refuses(change, message, generator):
    arguments = {
        "width": 4,
        "dimension": 2,
        "alpha": 0.5,
        "activation": tanh,
        "generator": generator,
    }
    with pytest.raises(ValueError, match=message):
        symmetric_initialisation(**(arguments | change))


@pytest.mark.parametrize(
    "X, message",
    [
        (
            torch.zeros(4, 5, 2, dtype=torch.float64),
            r"X must have shape \(n, T, 3\), got \(4, 5, 2\)",
        ),
        (torch.zeros(5, 3, dtype=torch.float64), "X must have shape"),
        (torch.zeros(0, 5, 3, dtype=torch.float64), "X must not be empty"),
        (torch.full((1, 1, 3), math.nan, dtype=torch.float64), "X must be finite"),
        (
            torch.zeros(1, 1, 3, dtype=torch.float32),
            "X has dtype torch.float32, the network needs torch.float64",
        ),
        (torch.zeros(1, 1, 3, dtype=torch.int64), "X must hold floating-point numbers"),
        ("text", "X must be an array of numbers, got str"),
    ],
)
@pytest.mark.parametrize("function", [hidden_states, outputs, sensitivities])
def test_inputs_are_refused(problem, function, X, message):
    with pytest.raises(ValueError, match=message):
        function(problem[0], X)


@pytest.mark.parametrize(
    "t, message", [(0, "t must be at least 1"), (6, "t must be at most T = 5, got 6")]
)
def test_times_are_refused(problem, t, message):
    with pytest.raises(ValueError, match=message):
        sensitivity_terms(problem[0], problem[1], t)


def test_weights_of_other_shapes_are_refused():
    one = torch.ones(2, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"u must have shape \(2, d\), got \(3, 1\)"):
        DiagonalRNN(one, torch.ones(3, 1, dtype=torch.float64), one, tanh)
    with pytest.raises(ValueError, match=r"c must have shape \(2\), got \(1,\)|c must have shape"):
        DiagonalRNN(one, torch.ones(2, 1, dtype=torch.float64), one[:1], tanh)


def test_lists_and_arrays_are_taken():
    rnn = DiagonalRNN([0.5], [[1.0]], [1.0], tanh)
    assert rnn.w.dtype == torch.float64
    assert outputs(rnn, [[[1.0]]]).item() == pytest.approx(math.tanh(1.0))
    assert outputs(rnn, torch.ones(1, 1, 1, dtype=torch.float64).numpy()).item() == pytest.approx(
        math.tanh(1.0)
    )
