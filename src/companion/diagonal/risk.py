r"""The empirical risk of paper A and its gradient.

The convention is that of equation (1): a sum over time and a mean over samples,
without the factor 1/2 that some of the paper's proofs use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from companion import arguments
from companion.diagonal.rnn import DiagonalRNN, outputs, summed
from companion.threads import shared_out

BLOCK = 2**20
"""States of all times that :func:`risk_and_gradient` keeps at once."""


def empirical_risk(rnn: DiagonalRNN, X: Tensor, Y: Tensor) -> float:
    r"""Compute :math:`\frac1n \sum_j \sum_t (F_t - Y_t)^2`.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)
        Inputs of Euclidean norm at most 1.
    Y : Tensor of shape (n, T)

    Returns
    -------
    float
        A sum over time and a mean over samples; no factor 1/2.

    Raises
    ------
    ValueError
        If shapes or dtypes disagree or an input is longer than 1.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equation (1).

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> empirical_risk(rnn, torch.zeros(2, 3, 1), torch.ones(2, 3))
    3.0
    """
    X, Y = training_set(rnn, X, Y)
    return float(((outputs(rnn, X) - Y) ** 2).sum() / len(X))


def training_set(rnn: DiagonalRNN, X: Tensor, Y: Tensor) -> tuple[Tensor, Tensor]:
    """Return X and Y if they fit the network and X lies in the unit ball."""
    X = arguments.tensor("X", X, ("n", "T", rnn.dimension), like=rnn.w)
    Y = arguments.tensor("Y", Y, tuple(X.shape[:2]), like=rnn.w)
    return arguments.in_unit_ball("X", X), Y


def risk_and_gradient(rnn: DiagonalRNN, X: Tensor, Y: Tensor) -> tuple[float, Tensor, Tensor]:
    r"""Compute the empirical risk and its gradient in (w, u).

    Back-propagation through time in closed form: the adjoint of the state,
    started at zero after the last step, picks up
    :math:`\frac{2}{n\sqrt m}\,c\,(F_t - Y_t)` at each t.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)
        Inputs of Euclidean norm at most 1.
    Y : Tensor of shape (n, T)

    Returns
    -------
    risk : float
    gradient_w : Tensor of shape (m,)
    gradient_u : Tensor of shape (m, d)

    Raises
    ------
    ValueError
        If shapes or dtypes disagree or an input is longer than 1.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equations (1) and (5).  The residuals couple
    the units, so that units are taken in blocks twice: forward for the outputs,
    then forward again and backward.  Memory beyond the gradient: n T numbers and
    a block.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> risk_and_gradient(rnn, torch.ones(1, 1, 1), torch.ones(1, 1))[2].tolist()
    [[-2.0]]
    """
    X, Y = training_set(rnn, X, Y)
    return two_passes(rnn, X, Y, rnn.width, lambda F: F)


def two_passes(
    rnn: DiagonalRNN, X: Tensor, Y: Tensor, width: int, combine: Callable[[Tensor], Tensor]
) -> tuple[float, Tensor, Tensor]:
    r"""Compute the risk of a network of which ``rnn`` is a part, and the part's gradient.

    Parameters
    ----------
    rnn : DiagonalRNN
        Some of the units.
    X : Tensor of shape (n, T, d)
        Taken as it is, like Y: :func:`risk_and_gradient` checks them.
    Y : Tensor of shape (n, T)
    width : int
        m, the number of units of the whole network.
    combine : callable
        Takes :math:`\sum_i c_i H_t^{(i)}` over the units of ``rnn``, shape (n, T), and
        returns the sum over all units.

    Returns
    -------
    risk : float
        Of the whole network.
    gradient_w : Tensor
        For the units of ``rnn``, one entry each.
    gradient_u : Tensor
        For the units of ``rnn``, one row each.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equations (1) and (5).  The units share nothing but
    the residuals: between the passes n T numbers say all there is to say about the others.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> unit = DiagonalRNN(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> X, Y = torch.ones(1, 1, 1), torch.ones(1, 1)
    >>> two_passes(unit, X, Y, 4, lambda F: F + 2.0)[0]  # other units have the sum 2
    0.0
    """
    scale = math.sqrt(width)
    shares = shared_out(
        lambda share: _first_pass(share, X), _blocks(rnn, Y.numel()), X.device, "outputs"
    )
    residuals = combine(sum(share.outputs for share in shares)) / scale - Y
    factor = (2.0 / len(X) / scale) * residuals[..., None]
    gradient_w, gradient_u = torch.empty_like(rnn.w), torch.empty_like(rnn.u)

    def second_pass(shares: Iterable[_Share]) -> None:
        for share in shares:
            path = share.path
            for part, units in reversed(share.blocks):
                path = path or _forward(units, X)  # that of the last block is still there
                found = _backward(units, X, factor * units.c, *path)
                gradient_w[part], gradient_u[part] = found
                path = None

    shared_out(second_pass, shares, X.device, "gradient")
    return float((residuals**2).sum() / len(X)), gradient_w, gradient_u


@dataclass(frozen=True)
class _Share:
    """The blocks of one thread, the sum of their outputs, and the last block's path."""

    blocks: list[tuple[Tensor, DiagonalRNN]]
    outputs: Tensor
    path: tuple[list[Tensor], list[Tensor]]


def _first_pass(blocks: Iterable[tuple[Tensor, DiagonalRNN]], X: Tensor) -> _Share:
    """Add up the outputs, without their common factor."""
    blocks, F = list(blocks), X.new_zeros(X.shape[:2])
    for _, units in blocks:
        path = _forward(units, X)
        F += summed(units, torch.stack(path[0][1:], dim=1))
    return _Share(blocks, F, path)


def _blocks(rnn: DiagonalRNN, entries: int) -> list[tuple[Tensor, DiagonalRNN]]:
    """Divide the units so that unit i and unit i + m/2 stay together, as :func:`summed` adds."""
    order = torch.arange(rnn.width, device=rnn.w.device)
    pairs = order.view(2, -1) if rnn.width % 2 == 0 else order[None]
    size = max(1, BLOCK // (entries * len(pairs)))
    if size >= pairs.shape[1]:
        return [(order, rnn)]  # small networks are trained often: no copies
    parts = [part.flatten() for part in pairs.split(size, dim=1)]
    return [
        (part, DiagonalRNN(rnn.w[part], rnn.u[part], rnn.c[part], rnn.activation)) for part in parts
    ]


def _forward(rnn: DiagonalRNN, X: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return the states h_0, ..., h_T and the slopes I_0, ..., I_{T-1}, each (n, m)."""
    states, factors = [X.new_zeros(len(X), rnn.width)], []
    for inputs in X.unbind(1):
        state, slope = rnn.activation.value_and_first(rnn.w * states[-1] + inputs @ rnn.u.T)
        states.append(state)
        factors.append(slope)
    return states, factors


def _backward(
    rnn: DiagonalRNN, X: Tensor, source: Tensor, states: list[Tensor], factors: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Carry the adjoint from the last step to the first, where ``source`` (n, T, m) enters."""
    adjoint = torch.zeros_like(states[0])
    gradient_w, gradient_u = torch.zeros_like(rnn.w), torch.zeros_like(rnn.u)
    for t in reversed(range(X.shape[1])):
        inner = factors[t] * (adjoint + source[:, t])
        gradient_w += (inner * states[t]).sum(dim=0)
        gradient_u += inner.T @ X[:, t]
        adjoint = rnn.w * inner
    return gradient_w, gradient_u
