"""Kernels and trainers on a GPU against the processor; skipped where there is none."""

import pytest
import torch

from companion.activations import tanh
from companion.diagonal import ntk, risk
from companion.diagonal.rnn import DiagonalRNN, symmetric_initialisation
from companion.diagonal.trainers import projected_gradient_descent
from companion.relu import infinite_width, trainers
from companion.relu import ntk as relu_ntk
from companion.relu.rnn import ReLURNN, mirrored, random_initialisation, variances_corrected
from companion.relu.trainers import kernel_sgd, online_sgd

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a GPU that PyTorch can use"
)


def on_gpu(network):
    parts = {name: part for name, part in vars(network).items() if isinstance(part, torch.Tensor)}
    moved = {name: part.cuda() for name, part in parts.items()}
    return type(network)(**{**vars(network), **moved})


def close(found, expected):
    assert found.is_cuda
    assert torch.allclose(found.cpu(), expected, rtol=1e-10, atol=1e-12)


@pytest.fixture
def diagonal(generator):
    rnn = symmetric_initialisation(300, 3, 0.7, tanh, generator)
    X = torch.randn(70, 6, 3, generator=generator, dtype=torch.float64)
    X = X / X.norm(dim=-1, keepdim=True).clamp(min=1.0)
    return rnn, X, torch.randn(70, 6, generator=generator, dtype=torch.float64)


@pytest.fixture
def relu(generator):
    rnn = mirrored(random_initialisation(40, 3, variances_corrected(40, 5), generator))
    X = torch.randn(20, 5, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(20, generator=generator, dtype=torch.float64).sign()
    return rnn, X, y


def test_paper_a_on_a_gpu(diagonal):
    rnn, X, Y = diagonal
    there = on_gpu(rnn)
    assert isinstance(there, DiagonalRNN)
    close(ntk.gram(there, X.cuda()), ntk.gram(rnn, X))
    value, *gradients = risk.risk_and_gradient(rnn, X, Y)
    found, *others = risk.risk_and_gradient(there, X.cuda(), Y.cuda())
    assert found == pytest.approx(value, rel=1e-12)
    for other, gradient in zip(others, gradients, strict=True):
        close(other, gradient)
    run = projected_gradient_descent(there, X.cuda(), Y.cuda(), 0.1, 5, 0.5, 0.5)
    close(run.last.u, projected_gradient_descent(rnn, X, Y, 0.1, 5, 0.5, 0.5).last.u)


def test_paper_b_on_a_gpu(relu):
    rnn, X, y = relu
    there = on_gpu(rnn)
    assert isinstance(there, ReLURNN)
    close(relu_ntk.gram(there, X.cuda()), relu_ntk.gram(rnn, X))
    close(infinite_width.kernel(X.cuda()), infinite_width.kernel(X))
    close(online_sgd(there, X.cuda(), y.cuda(), 1e-3).last.W, online_sgd(rnn, X, y, 1e-3).last.W)
    H = infinite_width.kernel(X)
    close(kernel_sgd(H.cuda(), y.cuda(), 0.1).coefficients, kernel_sgd(H, y, 0.1).coefficients)


def test_a_step_of_online_sgd_moves_nothing_between_the_processor_and_the_gpu(relu):
    rnn, X, y = (part.cuda() if isinstance(part, torch.Tensor) else on_gpu(part) for part in relu)
    with torch.cuda.device(0):
        torch.cuda.set_sync_debug_mode("error")
        try:
            trainers._step(rnn, X[0], y[0], 1e-3)
        finally:
            torch.cuda.set_sync_debug_mode("default")
