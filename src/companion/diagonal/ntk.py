r"""The empirical tangent kernel of the diagonal network, and its linearised model.

The sensitivities of all units at an input are one long feature vector; the Gram
matrix of these features is the tangent kernel of Proposition 2 at finite width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from companion import arguments
from companion.diagonal.rnn import DiagonalRNN, readout, sensitivities
from companion.progress import watched

FEATURES_AT_ONCE = 2**23
"""How many numbers :func:`gram` keeps at once: 64 MiB in float64."""


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
    :math:`\sum_i p_i \langle \partial_{\Theta_i} H_t^{(i)}(X_j), \partial_{\Theta_i} H_t^{(i)}(X'_k)\rangle`
    with weights :math:`p_i = c_i^2/m` unless others are given.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)
    other : Tensor of shape (n', T, d), optional
        The second inputs :math:`X'`; X itself if absent.
    weights : Tensor of shape (m,), optional
        One weight a unit, for averages over units that are quadrature nodes.

    Returns
    -------
    Tensor of shape (T, n, n')

    Raises
    ------
    ValueError
        If a shape or dtype disagrees with the network, or X and other differ in length.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), Proposition 2, before the limit.  Units are
    taken in blocks, so that memory does not grow with the width.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.ones(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> gram(rnn, torch.ones(1, 2, 1)).flatten().tolist()
    [1.0, 4.0]
    """
    X = arguments.tensor("X", X, ("n", "T", rnn.dimension), like=rnn.w)
    if other is not None:
        other = arguments.tensor("other", other, ("n'", X.shape[1], rnn.dimension), like=rnn.w)
    if weights is None:
        weights = rnn.c**2 / rnn.width
    weights = arguments.tensor("weights", weights, (rnn.width,), like=rnn.w)
    longest = len(X) if other is None else max(len(X), len(other))
    block = max(1, FEATURES_AT_ONCE // (longest * X.shape[1] * (rnn.dimension + 1)))
    total = X.new_zeros(X.shape[1], len(X), len(X) if other is None else len(other))
    for first in watched(range(0, rnn.width, block), "units"):
        part = slice(first, first + block)
        units = DiagonalRNN(rnn.w[part], rnn.u[part], rnn.c[part], rnn.activation)
        left = tangent_features(units, X)
        right = left if other is None else tangent_features(units, other)
        weighted = left * weights[part, None]
        total += weighted.transpose(0, 1).flatten(2) @ right.permute(1, 2, 3, 0).flatten(1, 2)
    return total


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
