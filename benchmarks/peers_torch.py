"""What a user of PyTorch would write instead."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap
from torch.nn.functional import softplus

from companion.diagonal.rnn import DiagonalRNN
from companion.relu.rnn import ReLURNN

SAMPLES = 16
"""Samples whose Jacobians torch.func forms at once, so that they fit into memory."""


def flat(_risk: float, gradient_w: Tensor, gradient_u: Tensor) -> Tensor:
    """Join a gradient into one vector, w before u."""
    return torch.cat([gradient_w, gradient_u.flatten()])


def diagonal_outputs(w: Tensor, u: Tensor, c: Tensor, x: Tensor) -> Tensor:
    """Outputs of the diagonal network at all times on one sequence, (T,)."""
    h, found = torch.zeros_like(w), []
    for drive in x @ u.T:
        h = torch.tanh(w * h + drive)
        found.append(c @ h)
    return torch.stack(found) / math.sqrt(len(w))


def func_gram(rnn: DiagonalRNN, X: Tensor) -> Tensor:
    """Gram matrix for all t by ``vmap(jacrev)``, (T, n, n)."""
    m, d, T = rnn.width, rnn.dimension, X.shape[1]
    jacobian = vmap(jacrev(diagonal_outputs, argnums=(0, 1)), in_dims=(None, None, None, 0))
    J = X.new_empty(T, len(X), m * (d + 1))
    for part in torch.arange(len(X)).split(SAMPLES):
        in_w, in_u = jacobian(rnn.w, rnn.u, rnn.c, X[part])
        J[:, part, :m] = in_w.transpose(0, 1)
        J[:, part, m:] = in_u.flatten(2).transpose(0, 1)
    return J @ J.transpose(1, 2)


def func_gram_last(rnn: DiagonalRNN, X: Tensor) -> Tensor:
    """Gram matrix at the last t by ``vmap(grad)``, (n, n)."""

    def last(w: Tensor, u: Tensor, c: Tensor, x: Tensor) -> Tensor:
        return diagonal_outputs(w, u, c, x)[-1]

    gradient = vmap(grad(last, argnums=(0, 1)), in_dims=(None, None, None, 0))
    parts = [gradient(rnn.w, rnn.u, rnn.c, x) for x in X.split(SAMPLES)]
    J = torch.cat([torch.cat([in_w, in_u.flatten(1)], dim=1) for in_w, in_u in parts])
    return J @ J.T


def autograd_gradient(rnn: DiagonalRNN, X: Tensor, Y: Tensor) -> tuple[float, Tensor, Tensor]:
    """Risk of paper A and its gradient: a loop over t, then ``backward``."""
    w, u = rnn.w.clone().requires_grad_(), rnn.u.clone().requires_grad_()
    drive, h, risk = X @ u.T, X.new_zeros(len(X), rnn.width), 0.0
    for t in range(X.shape[1]):
        h = torch.tanh(w * h + drive[:, t])
        risk = risk + ((h @ rnn.c / math.sqrt(rnn.width) - Y[:, t]) ** 2).sum()
    risk = risk / len(X)
    risk.backward()
    return float(risk.detach()), w.grad, u.grad


def relu_output(W: Tensor, rnn: ReLURNN, x: Tensor) -> Tensor:
    """Output of the ReLU network on one sequence, a scalar."""
    h = rnn.M_0.relu()
    for drive in x @ rnn.A.T:
        h = (W @ h + drive).relu()
    return rnn.B @ h


def func_relu_gram(rnn: ReLURNN, X: Tensor) -> Tensor:
    """Gram matrix of paper B by ``vmap(grad)``, (n, n)."""
    gradient = vmap(grad(lambda W, x: relu_output(W, rnn, x)), in_dims=(None, 0))
    J = torch.cat([gradient(rnn.W, x).flatten(1) for x in X.split(SAMPLES)])
    return J @ J.T / rnn.width


def backward_relu_gram(rnn: ReLURNN, X: Tensor) -> Tensor:
    """Gram matrix of paper B by one backward pass a sample, (n, n)."""
    W = rnn.W.clone().requires_grad_()
    J = W.new_empty(len(X), W.numel())
    for row, x in zip(J, X, strict=True):
        row[:] = torch.autograd.grad(relu_output(W, rnn, x), W)[0].flatten()
    return J @ J.T / rnn.width


def module_sgd(rnn: ReLURNN, X: Tensor, y: Tensor, eta: float) -> Tensor:
    """Online SGD with ``torch.nn.RNN`` and ``torch.optim.SGD``; the last W.

    Only ``weight_hh`` is trained; no bias; the read-out is the product with B.
    """
    module = torch.nn.RNN(rnn.dimension, rnn.width, nonlinearity="relu", bias=False)
    module.weight_ih_l0.data = rnn.A.clone()
    module.weight_hh_l0.data = rnn.W.clone()
    module.weight_ih_l0.requires_grad_(False)
    optimiser = torch.optim.SGD([module.weight_hh_l0], lr=eta)
    start = rnn.M_0.relu()[None]
    for x, label in zip(X, y, strict=True):
        optimiser.zero_grad()
        _, last = module(x, start)
        softplus(-label * (last[0] @ rnn.B)).backward()
        optimiser.step()
    return module.weight_hh_l0.detach()
