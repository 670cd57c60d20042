r"""The empirical tangent kernel of the ReLU network, in factored form.

The gradient of an output in W is a sum of L outer products,
:math:`\sum_l g_l h_{l-1}^\top`, so that every inner product of two gradients
comes from inner products of vectors of length m.  No m x m gradient is formed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from companion.relu.rnn import ReLURNN, backward_vectors, hidden_states

BLOCK = 2**22
"""Entries of an intermediate matrix in :func:`gram`; larger ones are cut."""

TILE = 16
"""Sequences in a row of tiles of :func:`gram`; the tile on the diagonal is computed whole."""


def forward_correlations(rnn: ReLURNN, X: Tensor, other: Tensor | None = None) -> Tensor:
    r"""Compute :math:`\langle h_l(x_i), h_{l'}(x'_j)\rangle` for all times.

    Parameters
    ----------
    rnn : ReLURNN
    X : Tensor of shape (n, L, d)
    other : Tensor of shape (k, L, d), optional
        The second set of sequences; X itself if left out.

    Returns
    -------
    Tensor of shape (n, k, L + 1, L + 1)
        Entry [i, j, l, l'], times from 0.

    Raises
    ------
    ValueError
        If X or other has another shape or dtype than the network takes.

    Notes
    -----
    Source: Wang et al. (2021), Theorem 5.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> rnn = ReLURNN(one[:, None], one[:, None], one, one)
    >>> forward_correlations(rnn, torch.ones(1, 1, 1)).tolist()
    [[[[1.0, 2.0], [2.0, 4.0]]]]
    """
    states = hidden_states(rnn, X)
    return _inner(states, states if other is None else hidden_states(rnn, other))


def backward_correlations(rnn: ReLURNN, X: Tensor, other: Tensor | None = None) -> Tensor:
    r"""Compute :math:`\tfrac1m\langle Back_l D_l(x_i), Back_{l'} D_{l'}(x'_j)\rangle`.

    Parameters, errors and axes are those of :func:`forward_correlations`, with
    times from 1.

    Returns
    -------
    Tensor of shape (n, k, L, L)
        Entry [i, j, l - 1, l' - 1].

    Notes
    -----
    Source: Wang et al. (2021), Theorem 6.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> rnn = ReLURNN(2 * one[:, None], one[:, None], one, 3 * one)
    >>> backward_correlations(rnn, torch.ones(1, 2, 1)).tolist()
    [[[[36.0, 18.0], [18.0, 9.0]]]]
    """
    vectors = backward_vectors(rnn, hidden_states(rnn, X))
    second = vectors if other is None else backward_vectors(rnn, hidden_states(rnn, other))
    return _inner(vectors, second) / rnn.width


def gram(rnn: ReLURNN, X: Tensor, other: Tensor | None = None) -> Tensor:
    r"""Compute :math:`H_{ij} = \tfrac1m\langle\nabla_W f(x_i), \nabla_W f(x'_j)\rangle`.

    Parameters
    ----------
    rnn : ReLURNN
        Untied networks count the gradients in all their matrices.
    X : Tensor of shape (n, L, d)
    other : Tensor of shape (k, L, d), optional
        The second set of sequences; X itself if left out.

    Returns
    -------
    Tensor of shape (n, k)

    Raises
    ------
    ValueError
        If X or other has another shape or dtype than the network takes.

    Notes
    -----
    Source: Wang et al. (2021), equation (23), with h at the times before.  Costs
    O(n k L² m), half of it if X is compared with itself, and O((n + k) L m) memory.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> rnn = ReLURNN(2 * one[:, None], one[:, None], one, 3 * one)
    >>> gram(rnn, torch.ones(1, 2, 1)).tolist()
    [[225.0]]
    """
    states = hidden_states(rnn, X)
    second = states if other is None else hidden_states(rnn, other)
    vectors = backward_vectors(rnn, states)
    second_vectors = vectors if other is None else backward_vectors(rnn, second)
    before, second_before = states[:, :-1].contiguous(), second[:, :-1].contiguous()
    length = vectors.shape[1]
    shared = torch.ones(length, length) if rnn.tied else torch.eye(length)
    shared = shared.to(vectors)
    H = vectors.new_empty(len(vectors), len(second))
    size = max(1, min(TILE, BLOCK // (len(second) * length**2)))
    for first in range(0, len(H), size):
        rows = slice(first, first + size)
        ahead = slice(first if other is None else 0, None)
        products = _inner(vectors[rows], second_vectors[ahead])
        products *= _inner(before[rows], second_before[ahead])
        H[rows, ahead] = (products * shared).sum(dim=(2, 3)) / rnn.width
    return H if other is not None else H.triu() + H.triu(1).T


def _inner(left: Tensor, right: Tensor) -> Tensor:
    """Inner products of (n, L, m) with (k, L, m): shape (n, k, L, L)."""
    products = left.flatten(0, 1) @ right.flatten(0, 1).T
    return products.view(*left.shape[:2], *right.shape[:2]).transpose(1, 2)
