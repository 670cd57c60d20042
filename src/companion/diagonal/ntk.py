r"""The empirical tangent kernel of the diagonal network, and its linearised model.

The sensitivities of all units at an input are one long feature vector; the Gram
matrix of these features is the tangent kernel of Proposition 2 at finite width.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from itertools import islice

import torch
from torch import Tensor

from companion import arguments
from companion.diagonal.rnn import DiagonalRNN, readout, sensitivities, sensitivity_steps
from companion.threads import shared_out

BLOCK = 2**18
"""How many features :func:`gram` keeps at once: few enough for the cache."""

TILE = 64
"""Rows of a tile of the triangle; the tile on the diagonal is computed whole."""


def tangent_features(rnn: DiagonalRNN, X: Tensor) -> Tensor:
    r"""Stack both sensitivities of every unit.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)

    Returns
    -------
    Tensor of shape (n, T, m, d + 1)
        Entry [j, t - 1, i] is :math:`\partial_{\Theta_i} H_t^{(i)}`, the derivative
        in :math:`W_{ii}` first.

    Raises
    ------
    ValueError
        If X has another shape or dtype than the network takes.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), section 2.2, :math:`\Theta_i^\top = [W_{ii}, U_i^\top]`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.ones(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> tangent_features(rnn, torch.ones(1, 2, 1)).tolist()
    [[[[0.0, 1.0]], [[0.0, 2.0]]]]
    """
    in_w, in_u = sensitivities(rnn, X)
    return torch.cat([in_w[..., None], in_u], dim=-1)


def gram(
    rnn: DiagonalRNN, X: Tensor, other: Tensor | None = None, *, weights: Tensor | None = None
) -> Tensor:
    r"""Compute the Gram matrix of the tangent features, for every t.

    Entry [t - 1, j, k] is
    :math:`\sum_i p_i \langle \partial_{\Theta_i} H_t^{(i)}(X_j),
    \partial_{\Theta_i} H_t^{(i)}(X'_k)\rangle`
    with weights :math:`p_i = c_i^2/m` unless others are given.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)
    other : Tensor of shape (n', T, d), optional
        The second inputs :math:`X'`; X itself if absent.
    weights : Tensor of shape (m,), optional
        One weight a unit, not negative, for averages over units that are
        quadrature nodes.

    Returns
    -------
    Tensor of shape (T, n, n')

    Raises
    ------
    ValueError
        If a shape or dtype disagrees with the network, X and other differ in
        length, or a weight is negative.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), Proposition 2, before the limit.  Units are
    taken in blocks, and the features of one time after the other, so that memory
    does not grow with the width: the result and a block.  Units
    that come twice are computed once, and of a symmetric matrix one triangle.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.ones(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> gram(rnn, torch.ones(1, 2, 1)).flatten().tolist()
    [1.0, 4.0]
    """
    return _gram(rnn, X, other, weights, slice(0, None))


def last_gram(
    rnn: DiagonalRNN, X: Tensor, other: Tensor | None = None, *, weights: Tensor | None = None
) -> Tensor:
    r"""Compute the Gram matrix of the tangent features at the last time only.

    Parameters, errors and notes are those of :func:`gram`, which takes T products
    of matrices where this takes one.

    Returns
    -------
    Tensor of shape (n, n')

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.ones(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> last_gram(rnn, torch.ones(1, 2, 1)).tolist()
    [[4.0]]
    """
    return _gram(rnn, X, other, weights, slice(-1, None))[0]


def _gram(
    rnn: DiagonalRNN, X: Tensor, other: Tensor | None, weights: Tensor | None, times: slice
) -> Tensor:
    """Return the Gram matrices of some last times, counted from 0."""
    X = arguments.tensor("X", X, ("n", "T", rnn.dimension), like=rnn.w)
    if other is not None:
        other = arguments.tensor("other", other, ("n'", X.shape[1], rnn.dimension), like=rnn.w)
    if weights is None:
        weights = rnn.c**2 / rnn.width
    weights = arguments.tensor("weights", weights, (rnn.width,), like=rnn.w)
    if bool((weights < 0.0).any()):
        raise ValueError(f"weights must not be negative, got {float(weights.min()):.6g}")
    units, weights = _distinct(rnn, weights)
    second = X if other is None else other
    size = max(1, BLOCK // (max(len(X), len(second)) * (rnn.dimension + 1)))
    kept = range(X.shape[1])[times]
    parts = [slice(first, first + size) for first in range(0, units.width, size)]

    def steps(inputs: Tensor, part: slice) -> Iterator[Tensor]:
        """Yield the features (n, (d + 1) b) of b units at the times that are kept."""
        block = DiagonalRNN(units.w[part], units.u[part], units.c[part], rnn.activation)
        features = sensitivity_steps(block, inputs, weights[part].sqrt())
        return (at_t.flatten(1) for at_t in islice(features, kept.start, None))

    def added(share: Iterable[slice]) -> Tensor:
        """Add up the Gram matrices of some units."""
        total = X.new_zeros(len(kept), len(X), len(second))
        for part in share:
            if other is None:
                for K, features in zip(total, steps(X, part), strict=True):
                    _add_upper_triangle(K, features)
            else:
                pairs = zip(steps(X, part), steps(other, part), strict=True)
                for K, (features, others) in zip(total, pairs, strict=True):
                    K.addmm_(features, others.T)
        return total

    total = functools.reduce(Tensor.add_, shared_out(added, parts, X.device, "units"))
    if other is None:
        for K in total:
            K.triu_().add_(K.triu(1).T)
    return total


def _distinct(rnn: DiagonalRNN, weights: Tensor) -> tuple[DiagonalRNN, Tensor]:
    """Join unit i and unit i + m/2 where they are the same, as at the symmetric initialisation."""
    half = rnn.width // 2
    first, second = slice(None, half), slice(half, None)
    twins = 2 * half == rnn.width and torch.equal(rnn.w[first], rnn.w[second])
    if not (twins and torch.equal(rnn.u[first], rnn.u[second])):
        return rnn, weights
    units = DiagonalRNN(rnn.w[first], rnn.u[first], rnn.c[first], rnn.activation)
    return units, weights[first] + weights[second]


def _add_upper_triangle(K: Tensor, features: Tensor) -> None:
    """Add the inner products of the rows to K, on and above the diagonal at least."""
    for first in range(0, len(K), TILE):
        rows = slice(first, first + TILE)
        K[rows, first:].addmm_(features[rows], features[first:].T)


def linearised_outputs(rnn: DiagonalRNN, X: Tensor, w: Tensor, u: Tensor) -> Tensor:
    r"""Evaluate the linearised network :math:`F_t^{\mathrm{Lin}}` at other weights.

    Parameters
    ----------
    rnn : DiagonalRNN
        The network at :math:`\Theta(0)`.
    X : Tensor of shape (n, T, d)
    w : Tensor of shape (m,)
    u : Tensor of shape (m, d)
        The weights :math:`\Theta` at which the linear model is evaluated.

    Returns
    -------
    Tensor of shape (n, T)

    Raises
    ------
    ValueError
        If a shape or dtype disagrees with the network.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), section 3.1.  The printed sum has no constant
    term, which is right where the outputs at :math:`\Theta(0)` vanish, as under the
    symmetric initialisation.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.ones(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> linearised_outputs(rnn, torch.ones(1, 2, 1), rnn.w, rnn.u + 0.5).tolist()
    [[0.5, 1.0]]
    """
    moved = rnn.at(w, u)
    in_w, in_u = sensitivities(rnn, X)
    first_order = in_w * (moved.w - rnn.w) + (in_u * (moved.u - rnn.u)).sum(dim=-1)
    return readout(rnn, first_order)
