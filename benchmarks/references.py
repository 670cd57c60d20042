"""Float64 references, written from the formulas and not from the package."""

from __future__ import annotations

import mpmath
import torch
from torch import Tensor

from benchmarks import peers_torch
from companion.diagonal.rnn import DiagonalRNN
from companion.relu.rnn import ReLURNN

UNITS = 200
"""Units of a diagonal network, or rows of W, that are taken at once."""


def diagonal_gram(rnn: DiagonalRNN, X: Tensor) -> Tensor:
    """Sum the sensitivities of Proposition 1 over the units, (T, n, n)."""
    X, n, T = X.double(), len(X), X.shape[1]
    total = X.new_zeros(T, n, n)
    for w, u in zip(rnn.w.double().split(UNITS), rnn.u.double().split(UNITS), strict=True):
        h = in_w = X.new_zeros(n, len(w))
        in_u = X.new_zeros(n, len(w), X.shape[2])
        for t in range(T):
            following = torch.tanh(w * h + X[:, t] @ u.T)
            slope = 1.0 - following**2
            in_w = slope * (h + w * in_w)
            in_u = slope[..., None] * (X[:, t, None] + w[:, None] * in_u)
            h = following
            total[t] += in_w @ in_w.T + in_u.flatten(1) @ in_u.flatten(1).T
    return total / rnn.width


def diagonal_gradient(rnn: DiagonalRNN, X: Tensor, Y: Tensor) -> Tensor:
    """Differentiate the risk of paper A automatically, w before u, flat."""
    double = DiagonalRNN(rnn.w.double(), rnn.u.double(), rnn.c.double(), rnn.activation)
    return peers_torch.flat(*peers_torch.autograd_gradient(double, X.double(), Y.double()))


def relu_gram(rnn: ReLURNN, X: Tensor) -> Tensor:
    """Form every gradient in W of paper B, some rows at a time, and multiply them."""
    W, A, B, X = rnn.W.double(), rnn.A.double(), rnn.B.double(), X.double()
    states, slopes = [rnn.M_0.double().relu().expand(len(X), -1)], []
    for inputs in X.unbind(1):
        before = states[-1] @ W.T + inputs @ A.T
        states.append(before.relu())
        slopes.append((before > 0.0).double())
    vectors = [slopes[-1] * B]
    for slope in reversed(slopes[:-1]):
        vectors.append(slope * (vectors[-1] @ W))
    g, h = torch.stack(vectors[::-1], dim=2), torch.stack(states[:-1], dim=1)
    total = X.new_zeros(len(X), len(X))
    for rows in g.split(UNITS, dim=1):
        gradients = (rows @ h).flatten(1)
        total += gradients @ gradients.T
    return total / rnn.width


def relu_sgd(rnn: ReLURNN, X: Tensor, y: Tensor, eta: float) -> Tensor:
    """Run online SGD with automatic differentiation, and return the last W."""
    A, B, X, y = rnn.A.double(), rnn.B.double(), X.double(), y.double()
    W, start = rnn.W.double(), rnn.M_0.double().relu()
    for x, label in zip(X, y, strict=True):
        W = W.detach().requires_grad_()
        h = start
        for inputs in x:
            h = (W @ h + A @ inputs).relu()
        (gradient,) = torch.autograd.grad(torch.nn.functional.softplus(-label * (B @ h)), W)
        W = W.detach() - eta * gradient
    return W


def relu_kernel(x: Tensor, y: Tensor) -> float:
    """Run the recursion (25) for one pair of sequences with 50 digits."""
    with mpmath.workdps(50):
        v = mpmath.mpf(1) / len(x) ** 3
        p = q = state = mpmath.mpf(1)
        total = mpmath.mpf(0)
        for a, b in zip(x.tolist(), y.tolist(), strict=True):
            p, q = p + v * mpmath.fdot(a, a), q + v * mpmath.fdot(b, b)
            scale = mpmath.sqrt(p * q)
            cosine = min((state + v * mpmath.fdot(a, b)) / scale, mpmath.mpf(1))
            angle = mpmath.acos(cosine)
            total = (1 - angle / mpmath.pi) * (state + total)
            state = scale * (mpmath.sin(angle) + (mpmath.pi - angle) * cosine) / mpmath.pi
        return float(total / 2)
