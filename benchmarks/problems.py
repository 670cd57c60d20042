"""The networks and inputs that are measured, drawn from a seed."""

from __future__ import annotations

import torch
from torch import Tensor

from companion.activations import tanh
from companion.diagonal.rnn import DiagonalRNN
from companion.relu.rnn import ReLURNN, variances_corrected

ALPHA = 0.7
"""Modulus of the recurrent weights of paper A."""

KINK = 1e-5
"""Pre-activations smaller than this share of a typical one count as being at the kink."""


def diagonal(
    n: int, T: int, d: int, m: int, generator: torch.Generator
) -> tuple[DiagonalRNN, Tensor]:
    """Draw the symmetric initialisation of paper A in float32, and inputs of length one.

    Drawn in place: where memory is measured, nothing larger may have been there before.
    """
    half = m // 2
    w, c, u = torch.empty(m), torch.empty(m), torch.empty(m, d)
    for weights, modulus in ((w, ALPHA), (c, 1.0)):
        weights[:half].bernoulli_(0.5, generator=generator).mul_(2.0).sub_(1.0).mul_(modulus)
    u[:half].normal_(generator=generator)
    w[half:], u[half:], c[half:] = w[:half], u[:half], -c[:half]
    return DiagonalRNN(w, u, c, tanh), unit_inputs(n, T, d, generator).float()


def unit_inputs(n: int, T: int, d: int, generator: torch.Generator) -> Tensor:
    """Draw inputs of length one, float64."""
    X = torch.randn(n, T, d, generator=generator, dtype=torch.float64)
    return X / X.norm(dim=2, keepdim=True)


def targets(X: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a target for every sample and time."""
    return torch.rand(X.shape[:2], generator=generator, dtype=X.dtype)


def relu(n: int, L: int, d: int, m: int, generator: torch.Generator) -> tuple[ReLURNN, Tensor]:
    """Draw a network of paper B and sequences, in float32, with no unit at its kink.

    At the kink float32 and float64 may differ by a whole unit, whoever computes;
    such a sequence is drawn again.
    """
    variances = variances_corrected(m, L)

    def gaussian(variance: float, *shape: int) -> Tensor:
        return torch.empty(*shape).normal_(0.0, variance**0.5, generator=generator)

    rnn = ReLURNN(
        gaussian(variances.W, m, m),
        gaussian(variances.A, m, d),
        gaussian(variances.M_0, m),
        gaussian(variances.B, m),
    )
    X = unit_inputs(n, L, d, generator).float()
    while len(again := at_the_kink(rnn, X)):
        X[again] = unit_inputs(len(again), L, d, generator).float()
    return rnn, X


def at_the_kink(rnn: ReLURNN, X: Tensor) -> Tensor:
    """Return the samples on which a pre-activation is within rounding of zero."""
    states, closest = rnn.M_0.relu().expand(len(X), -1), torch.full((len(X),), torch.inf)
    for inputs in X.unbind(1):
        before = states @ rnn.W.T + inputs @ rnn.A.T
        sizes = before.abs()
        closest = torch.minimum(closest, sizes.amin(dim=1) / sizes.mean(dim=1))
        states = before.relu()
    return (closest < KINK).nonzero().flatten()


def labels(n: int, generator: torch.Generator) -> Tensor:
    """Draw labels, 1 or -1."""
    return 2.0 * torch.randint(0, 2, (n,), generator=generator).float() - 1.0
