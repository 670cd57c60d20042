"""The ReLU network against a plain loop, its laws, and automatic differentiation."""

import math

import pytest
import torch

from companion.relu.ntk import gram
from companion.relu.rnn import (
    ReLURNN,
    Variances,
    backward_vectors,
    hidden_states,
    mirrored,
    outputs,
    random_initialisation,
    untied_initialisation,
    variances_algorithm_1,
    variances_corrected,
    variances_printed,
)

WIDE = Variances(W=0.04, A=0.09, M_0=0.16, B=0.25)


def by_loops(rnn, x):
    """States of one sequence, unit by unit."""
    states = [[max(start, 0.0) for start in rnn.M_0.tolist()]]
    for step, inputs in enumerate(x.tolist(), start=1):
        W, A, last = rnn.matrix(step).tolist(), rnn.A.tolist(), states[-1]
        states.append(
            [
                max(
                    sum(a * b for a, b in zip(W[k], last, strict=True))
                    + sum(a * b for a, b in zip(A[k], inputs, strict=True)),
                    0.0,
                )
                for k in range(rnn.width)
            ]
        )
    return states


@pytest.fixture(params=["tied", "untied"])
def network(request, relu_problem):
    return relu_problem[request.param], relu_problem["X"]


def test_states_and_outputs_are_those_of_the_loops(network):
    rnn, X = network
    states, read = hidden_states(rnn, X), outputs(rnn, X)
    for j, x in enumerate(X):
        expected = by_loops(rnn, x)
        assert torch.allclose(states[j], torch.tensor(expected, dtype=torch.float64), rtol=1e-12)
        value = sum(b * h for b, h in zip(rnn.B.tolist(), expected[-1], strict=True))
        assert math.isclose(read[j].item(), value, rel_tol=1e-12)


def test_backward_vectors_are_gradients_in_the_preactivations(network):
    rnn, X = network
    vectors = backward_vectors(rnn, hidden_states(rnn, X))
    assert vectors.shape == (len(X), X.shape[1], rnn.width)
    shifts = torch.zeros(X.shape[1], rnn.width, dtype=torch.float64, requires_grad=True)
    for j, x in enumerate(X):
        state = rnn.M_0.clamp(min=0.0)
        for step in range(1, X.shape[1] + 1):
            state = torch.relu(rnn.matrix(step) @ state + rnn.A @ x[step - 1] + shifts[step - 1])
        (gradient,) = torch.autograd.grad(rnn.B @ state, shifts)
        assert torch.allclose(vectors[j], gradient, rtol=1e-11, atol=1e-14)


def test_a_unit_at_zero_has_slope_zero():
    one = torch.ones(1, dtype=torch.float64)
    rnn = ReLURNN(one[:, None], one[:, None], one, one)
    states = hidden_states(rnn, torch.tensor([[[-1.0]]], dtype=torch.float64))
    assert states[0, 1].item() == 0.0 and backward_vectors(rnn, states).item() == 0.0


@pytest.mark.parametrize("untied", [False, True])
def test_entries_have_the_variances_asked_for(generator, untied):
    rnn = (
        untied_initialisation(400, 100, 2, WIDE, generator)
        if untied
        else random_initialisation(400, 100, WIDE, generator)
    )
    assert rnn.W.shape == ((2, 400, 400) if untied else (400, 400)) and rnn.tied is not untied
    for name, share in (("W", 0.03), ("A", 0.03), ("M_0", 0.25), ("B", 0.25)):
        entries, wanted = getattr(rnn, name), getattr(WIDE, name)
        assert abs(entries.var().item() / wanted - 1) < share
        assert abs(entries.mean().item()) < 5 * (wanted / entries.numel()) ** 0.5
    assert rnn.dimension == 100 and rnn.width == 400 and rnn.B.dtype == torch.float64


def test_steps_of_the_untied_network_use_their_own_matrix(generator):
    rnn = untied_initialisation(3, 2, 4, WIDE, generator)
    assert all(torch.equal(rnn.matrix(step), rnn.W[step - 1]) for step in (1, 2, 3, 4))
    tied = random_initialisation(3, 2, WIDE, generator)
    assert torch.equal(tied.matrix(1), tied.W) and torch.equal(tied.matrix(7), tied.W)
    assert torch.equal(tied.at(2 * tied.W).W, 2 * tied.W)


def test_initial_values_do_not_depend_on_the_scale(generator):
    first = random_initialisation(5, 2, WIDE, generator.manual_seed(3))
    second = random_initialisation(5, 2, Variances(0.16, 0.09, 0.0, 1.0), generator.manual_seed(3))
    assert torch.allclose(2 * first.W, second.W) and torch.allclose(2 * first.B, second.B)
    assert torch.equal(first.A, second.A) and not second.M_0.any()


def test_the_three_rules_for_the_variances():
    assert variances_printed(10, 3) == Variances(0.2, 2 / 270, 0.2, 0.1)
    assert variances_algorithm_1(10) == Variances(0.2, 0.2, 0.2, 0.1)
    assert variances_corrected(10, 3) == Variances(0.2, 2 / 270, 0.2, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Variances(-1.0, 1.0, 1.0, 1.0), "W must be a variance, not negative, got -1.0"),
        (lambda: Variances(1.0, 1.0, 1.0, math.nan), "B must be finite"),
        (lambda: variances_printed(0, 1), "width must be at least 1"),
        (lambda: variances_printed(1, 0), "length must be at least 1"),
        (lambda: variances_algorithm_1(0), "width must be at least 1"),
        (lambda: random_initialisation(2, 1, WIDE, 3), "generator must be a torch.Generator"),
        (lambda: untied_initialisation(2, 1, 0, WIDE, torch.Generator()), "length must be"),
        (lambda: random_initialisation(2, 0, WIDE, torch.Generator()), "dimension must be"),
        (
            lambda: ReLURNN(torch.ones(2, 3), torch.ones(2, 1), torch.ones(2), torch.ones(2)),
            r"W must have shape \(2, 2\), got \(2, 3\)",
        ),
        (
            lambda: ReLURNN(torch.eye(2), torch.ones(2, 1), torch.ones(3), torch.ones(2)),
            r"M_0 must have shape \(2\)",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_lists_become_tensors():
    rnn = ReLURNN([[1.0]], [[2.0]], [3.0], [4.0])
    assert rnn.tied and rnn.W.dtype == torch.float64
    assert outputs(rnn, torch.ones(1, 1, 1, dtype=torch.float64)).item() == 20.0


def test_sequences_must_fit_the_network(relu_problem):
    X = relu_problem["X"]
    with pytest.raises(ValueError, match=r"X must have shape \(n, L, 3\)"):
        hidden_states(relu_problem["tied"], X[..., :2])
    with pytest.raises(ValueError, match=r"X must have shape \(n, 4, 3\), got \(5, 3, 3\)"):
        hidden_states(relu_problem["untied"], X[:, :3])
    with pytest.raises(ValueError, match="states must have shape"):
        backward_vectors(relu_problem["tied"], X)


def test_the_mirrored_network(relu_problem):
    X = relu_problem["X"]
    for rnn in (relu_problem["tied"], relu_problem["untied"]):
        pair = mirrored(rnn)
        copies = [torch.block_diag(W, W) for W in (rnn.W if rnn.W.ndim == 3 else rnn.W[None])]
        assert torch.equal(pair.W, torch.stack(copies) if rnn.W.ndim == 3 else copies[0])
        assert torch.allclose(pair.A, torch.cat([rnn.A, rnn.A]) / math.sqrt(2), rtol=1e-15)
        assert torch.allclose(pair.M_0, torch.cat([rnn.M_0, rnn.M_0]) / math.sqrt(2), rtol=1e-15)
        assert torch.equal(pair.B, torch.cat([rnn.B, -rnn.B]))
        states = hidden_states(rnn, X) / math.sqrt(2)
        assert torch.allclose(hidden_states(pair, X), torch.cat([states, states], dim=-1))
        assert pair.width == 14 and float(outputs(pair, X).abs().max()) < 1e-14
        assert torch.allclose(gram(pair, X), gram(rnn, X), rtol=1e-12)
