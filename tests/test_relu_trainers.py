"""Online SGD against automatic differentiation, its limit against the network, and resuming."""

import math

import pytest
import torch

from companion.relu import trainers
from companion.relu.infinite_width import kernel
from companion.relu.ntk import gram
from companion.relu.rnn import mirrored, random_initialisation, variances_corrected
from companion.relu.trainers import average_errors, kernel_sgd, online_sgd

LABELS = torch.tensor([1.0, -1.0, -1.0, 1.0, 1.0], dtype=torch.float64)


def by_differentiation(rnn, X, y, step_size):
    """Algorithm 1 with the gradient of torch."""
    W, margins = rnn.W.clone(), []
    for x, label in zip(X, y, strict=True):
        W.requires_grad_(True)
        state = rnn.M_0.relu()
        for inputs in x:
            state = torch.relu(W @ state + rnn.A @ inputs)
        margin = label * (rnn.B @ state)
        (gradient,) = torch.autograd.grad(torch.log1p(torch.exp(-margin)), W)
        margins.append(margin.item())
        W = W.detach() - step_size * gradient
    return margins, W


@pytest.mark.parametrize("length", [1, 2, 4])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_steps_are_those_of_automatic_differentiation(relu_problem, length, dtype):
    rnn, X = relu_problem["tied"], relu_problem["X"][:, :length]
    rnn = type(rnn)(*(getattr(rnn, part).to(dtype) for part in ("W", "A", "M_0", "B")))
    X, y = X.to(dtype), LABELS.to(dtype)
    start = rnn.W.clone()
    run = online_sgd(rnn, X, y, 0.3)
    margins, W = by_differentiation(rnn, X, y, 0.3)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-4
    assert run.margins.tolist() == pytest.approx(margins, rel=tolerance, abs=tolerance)
    assert torch.allclose(run.last.W, W, rtol=tolerance, atol=tolerance)
    assert float((W - start).abs().max()) > 0.1
    assert torch.equal(rnn.W, start) and run.margins.dtype == dtype


def test_a_unit_at_zero_does_not_move(relu_problem):
    rnn = relu_problem["tied"]
    dead = type(rnn)(rnn.W, 0 * rnn.A, 0 * rnn.M_0, rnn.B)
    run = online_sgd(dead, relu_problem["X"], LABELS, 0.3)
    assert torch.equal(run.last.W, rnn.W) and not run.margins.any()


def test_kernel_steps_by_hand(generator):
    root = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    H, f, expected, coefficients = root @ root.T, torch.zeros(5, dtype=torch.float64), [], []
    for t in range(5):
        expected.append((LABELS[t] * f[t]).item())
        coefficients.append(0.7 * LABELS[t].item() / (1 + math.exp(expected[t])))
        f = f + coefficients[t] * H[:, t]
    run = kernel_sgd(H, LABELS, 0.7)
    assert run.margins.tolist() == pytest.approx(expected, rel=1e-12)
    assert run.coefficients.tolist() == pytest.approx(coefficients, rel=1e-12)
    begun = kernel_sgd(H[:3, :3], LABELS[:3], 0.7)
    assert torch.equal(begun.margins, run.margins[:3])


def test_wide_networks_follow_the_kernel(generator):
    X = torch.randn(5, 3, 2, generator=generator, dtype=torch.float64)
    limit = kernel_sgd(kernel(X), LABELS, 0.4).margins

    def gap(width):
        start = random_initialisation(width // 2, 2, variances_corrected(width // 2, 3), generator)
        run = online_sgd(mirrored(start), X, LABELS, 0.4 / width)
        return float((run.margins - limit).square().sum())

    # Squared gaps fall like 1/m: 32 times from the first width to the second.
    narrow, wide = (sum(gap(width) for _ in range(6)) / 6 for width in (64, 2048))
    assert wide < narrow / 8 and wide < 0.02 * float(limit.square().sum())


def test_small_steps_follow_the_gram_matrix_of_the_network(relu_problem):
    # At any width, up to the square of the step.
    pair, X = mirrored(relu_problem["tied"]), relu_problem["X"]
    gaps = []
    for c in (1e-2, 1e-3):
        linear = kernel_sgd(gram(pair, X), LABELS, c).margins
        gaps.append((online_sgd(pair, X, LABELS, c / pair.width).margins - linear).abs().max())
    assert 0 < float(gaps[1]) < 0.03 * float(gaps[0]) < 1e-3


def test_average_errors():
    margins = torch.tensor([[1.0, -1.0, 0.0, 2.0], [-1.0, 1.0, 1.0, 1.0]], dtype=torch.float64)
    found = average_errors(margins)
    assert found.tolist() == [[0.0, 0.5, 2 / 3, 0.5], [1.0, 0.5, 1 / 3, 0.25]]
    assert torch.equal(average_errors(margins[0]), found[0])


class Interruption(Exception):
    pass


@pytest.mark.parametrize("interrupted_at", [3, 4])
def test_an_interrupted_run_continues_to_the_bit(
    relu_problem, monkeypatch, tmp_path, interrupted_at
):
    rnn, X, path = relu_problem["tied"], relu_problem["X"], tmp_path / "run.pt"
    monkeypatch.setattr(trainers, "CHECK_EVERY", 3)
    whole, step, calls = online_sgd(rnn, X, LABELS, 0.3), trainers._step, []

    def interrupt(*problem):
        calls.append(1)
        if len(calls) > interrupted_at:
            raise Interruption
        return step(*problem)

    with monkeypatch.context() as patch:
        patch.setattr(trainers, "_step", interrupt)
        with pytest.raises(Interruption):
            online_sgd(rnn, X, LABELS, 0.3, checkpoint=path)
    assert torch.load(path, weights_only=True)["steps"] == 3
    ended = online_sgd(rnn, X, LABELS, 0.3, checkpoint=str(path))
    assert torch.equal(ended.margins, whole.margins)
    assert torch.equal(ended.last.W, whole.last.W)
    assert torch.load(path, weights_only=True)["steps"] == 5
    with monkeypatch.context() as patch:
        patch.setattr(trainers, "_step", lambda *_: pytest.fail("a step of a finished run"))
        again = online_sgd(rnn, X, LABELS, 0.3, checkpoint=path)
    assert torch.equal(again.last.W, whole.last.W)
    for other in (
        lambda: online_sgd(rnn, X, LABELS, 0.31, checkpoint=path),
        lambda: online_sgd(rnn, X, -LABELS, 0.3, checkpoint=path),
        lambda: online_sgd(rnn, 0.9 * X, LABELS, 0.3, checkpoint=path),
        lambda: online_sgd(rnn.at(0.9 * rnn.W), X, LABELS, 0.3, checkpoint=path),
    ):
        with pytest.raises(ValueError, match="belongs to another run"):
            other()


def test_a_step_that_is_too_large_is_named(relu_problem, monkeypatch):
    rnn, X = relu_problem["tied"], relu_problem["X"]
    message = r"step_size 1e\+200 is too large: the output of step \d overflows"
    with pytest.raises(ValueError, match=message) as whole:
        online_sgd(rnn, X, LABELS, 1e200)
    monkeypatch.setattr(trainers, "CHECK_EVERY", 1)
    with pytest.raises(ValueError, match=message) as early:
        online_sgd(rnn, X, LABELS, 1e200)
    assert str(whole.value) == str(early.value)
    margins = torch.tensor([1.0, math.inf, math.nan])
    with pytest.raises(ValueError, match="output of step 2 overflows"):
        trainers._require_finite(margins, 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: online_sgd(p["untied"], p["X"], LABELS, 0.1), "one recurrent matrix"),
        (lambda p: online_sgd(p["tied"], p["X"], LABELS, 0.0), "step_size must be positive"),
        (lambda p: online_sgd(p["tied"], p["X"], LABELS[:4], 0.1), r"y must have shape \(5\)"),
        (lambda p: online_sgd(p["tied"], p["X"], 0.5 * LABELS, 0.1), "labels 1 and -1 only"),
        (lambda p: online_sgd(p["tied"], p["X"][..., :2], LABELS, 0.1), "X must have shape"),
        (lambda p: kernel_sgd(torch.eye(4).double(), LABELS, 0.1), r"H must have shape \(5, 5\)"),
        (lambda p: kernel_sgd(torch.eye(5).double(), 2 * LABELS, 0.1), "labels 1 and -1 only"),
        (lambda p: kernel_sgd(torch.eye(5).double(), LABELS, -0.1), "step_size must be positive"),
    ],
)
def test_bad_arguments_are_named(relu_problem, call, message):
    with pytest.raises(ValueError, match=message):
        call(relu_problem)
