r"""The infinite-width limit: the tangent kernel kappa_t and the maps (8), by quadrature.

A unit of the limit has :math:`w_0 \sim \mathrm{Rad}_\alpha` and
:math:`u_0 \sim \mathcal N(0, I_d)`.  The recurrent weight takes two values, and a
kernel sees :math:`u_0` only through its projection on the span of the inputs, so
that the expectations are Gaussian integrals in few dimensions.  Quadrature nodes
play the part of units: the limit is a finite network with weighted units.

Every result comes as an :class:`Estimate`, value and error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from companion import arguments
from companion.activations import Activation
from companion.diagonal.ntk import gram, tangent_features
from companion.diagonal.rnn import DiagonalRNN
from companion.progress import watched

FEATURES_AT_ONCE = 2**23
"""How many tangent features of quadrature nodes are kept at once: 64 MiB in float64."""

Nodes = tuple[Tensor, Tensor]
"""Points of shape (N, r) and weights of shape (N,) for the Gaussian measure on R^r."""

Transport = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Maps w (N,) and u (N, d) to v_w (N,) and v_u (N, d)."""


@dataclass(frozen=True)
class Estimate:
    """A computed value and its error, two tensors of one shape.

    The value is the mean over the node sets of a rule, the error the standard error
    of that mean: for the two interleaved grids of a trapezoid rule half of their
    difference, which overstates the error of the mean by far.
    """

    value: Tensor
    error: Tensor


@dataclass(frozen=True)
class Trapezoid:
    r"""The trapezoid rule on two interleaved square grids in a ball.

    Parameters
    ----------
    step : float
        Distance of neighbouring nodes of one grid.
    radius : float
        Nodes outside are dropped; beyond 8.5 the Gaussian weight is below rounding.

    Notes
    -----
    For an analytic integrand the error falls exponentially in 1/step.

    Examples
    --------
    >>> [round(float(weights.sum()), 12) for _, weights in Trapezoid(0.5).node_sets(1)]
    [1.0, 1.0]
    """

    step: float = 0.1
    radius: float = 8.5

    def node_sets(self, dimension: int) -> list[Nodes]:
        """Return the two grids; the second is shifted by half a step along every axis."""
        step = arguments.positive("step", self.step)
        reach = math.ceil(arguments.positive("radius", self.radius) / step) + 1
        return [self._grid(dimension, step, reach, shift) for shift in (0.0, 0.5)]

    def _grid(self, dimension: int, step: float, reach: int, shift: float) -> Nodes:
        ticks = (torch.arange(-reach, reach + 1, dtype=torch.float64) + shift) * step
        points = torch.cartesian_prod(*[ticks] * dimension).reshape(-1, dimension)
        squares = points.square().sum(dim=1)
        inside = squares <= self.radius**2
        scale = (step / math.sqrt(2.0 * math.pi)) ** dimension
        return points[inside], scale * torch.exp(-squares[inside] / 2.0)


@dataclass(frozen=True)
class Sobol:
    """Independently scrambled Sobol points, mapped to the Gaussian measure.

    Parameters
    ----------
    count : int
        Points of one replicate; a power of two serves best.
    replicates : int
        Independent scrambles, at least two; they give the error.
    seed : int

    Examples
    --------
    >>> points, weights = Sobol(count=4, replicates=2).node_sets(3)[0]
    >>> points.shape, float(weights.sum())
    (torch.Size([4, 3]), 1.0)
    """

    count: int = 2**12
    replicates: int = 8
    seed: int = 0

    def node_sets(self, dimension: int) -> list[Nodes]:
        """Return one node set a replicate, equally weighted."""
        count = arguments.count("count", self.count)
        replicates = arguments.count("replicates", self.replicates, at_least=2)
        return [self._replicate(dimension, count, self.seed + k) for k in range(replicates)]

    def _replicate(self, dimension: int, count: int, seed: int) -> Nodes:
        engine = torch.quasirandom.SobolEngine(dimension, scramble=True, seed=seed)
        # A coordinate may be zero, of which the normal quantile is infinite.
        tiny = torch.finfo(torch.float64).tiny
        uniform = engine.draw(count, dtype=torch.float64).clamp(min=tiny)
        return torch.special.ndtri(uniform), torch.full((count,), 1.0 / count, dtype=torch.float64)


Rule = Trapezoid | Sobol


def default_rule(dimension: int) -> Rule:
    """Choose the trapezoid rule up to dimension 3, scrambled Sobol points above.

    Examples
    --------
    >>> default_rule(2), default_rule(8)
    (Trapezoid(step=0.1, radius=8.5), Sobol(count=4096, replicates=8, seed=0))
    """
    if dimension <= 2:
        return Trapezoid(0.1)
    return Trapezoid(0.35) if dimension == 3 else Sobol()


def kernel(
    X: Tensor,
    other: Tensor | None = None,
    *,
    alpha: float,
    activation: Activation,
    rule: Rule | None = None,
) -> Estimate:
    r"""Compute the limiting tangent kernel :math:`\kappa_t` for every t.

    Parameters
    ----------
    X : Tensor of shape (n, T, d)
    other : Tensor of shape (n', T, d), optional
        The second inputs; X itself if absent.
    alpha : float
        :math:`\alpha > 0`, the modulus of :math:`w_0`.
    activation : Activation
    rule : Trapezoid or Sobol, optional
        Quadrature in the span of all inputs; by :func:`default_rule` if absent.

    Returns
    -------
    Estimate of shape (T, n, n')

    Raises
    ------
    ValueError
        If a shape or dtype disagrees, or alpha is not positive.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), Proposition 2, with both sums from 0.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> x = torch.zeros(1, 3, 2, dtype=torch.float64); x[..., 0] = 1e-9
    >>> kernel(x, alpha=0.5, activation=tanh).value.flatten() / 1e-18
    tensor([1.0000, 2.2500, 3.8125], dtype=torch.float64)
    """
    return _over_nodes(gram_at_nodes, X, other, alpha, activation, rule)


def separable_kernel(
    X: Tensor,
    other: Tensor | None = None,
    *,
    alpha: float,
    activation: Activation,
    rule: Rule | None = None,
) -> Estimate:
    r"""Compute the kernel of the printed class (8), whose maps see one weight each.

    With :math:`v_w` a function of :math:`w_0` alone and :math:`v_u` of :math:`u_0`
    alone, (8) pairs them with :math:`\mathbb E[\partial_w h_t \mid w_0]` and
    :math:`\mathbb E[\partial_u h_t \mid u_0]`; this is the Gram matrix of those.

    Parameters
    ----------
    X, other, alpha, activation, rule
        As for :func:`kernel`.

    Returns
    -------
    Estimate of shape (T, n, n')

    Raises
    ------
    ValueError
        If a shape or dtype disagrees, or alpha is not positive.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), display (8) as printed.

    Examples
    --------
    A one followed by a zero is invisible to the class when the activation is odd:

    >>> from companion.activations import tanh
    >>> x = torch.tensor([[[1.0], [0.0]]], dtype=torch.float64)
    >>> float(separable_kernel(x, alpha=0.5, activation=tanh).value[1].abs()) < 1e-16
    True
    """
    return _over_nodes(separable_gram_at_nodes, X, other, alpha, activation, rule)


def _over_nodes(compute, X, other, alpha, activation, rule) -> Estimate:
    X = arguments.tensor("X", X, ("n", "T", "d"))
    if other is not None:
        other = arguments.tensor("other", other, ("n'", X.shape[1], X.shape[2]), like=X)
    alpha = arguments.positive("alpha", alpha)
    axes = span(X if other is None else torch.cat([X, other]))
    seen = X @ axes
    seen_other = None if other is None else other @ axes
    rule = rule or default_rule(axes.shape[1])
    return _estimate(
        [
            compute(seen, seen_other, alpha, activation, nodes)
            for nodes in watched(rule.node_sets(axes.shape[1]), "node sets")
        ]
    )


def _estimate(values: list[Tensor]) -> Estimate:
    stacked = torch.stack(values)
    return Estimate(stacked.mean(dim=0), stacked.std(dim=0) / math.sqrt(len(values)))


def span(X: Tensor) -> Tensor:
    """Return an orthonormal basis, (d, r), of the span of all input vectors.

    Directions below rounding error are dropped; at least one is kept.
    """
    _, sizes, axes = torch.linalg.svd(X.flatten(0, 1), full_matrices=False)
    rank = max(1, int((sizes > 1e-13 * sizes.max()).sum()))
    return axes[:rank].T


def _units(nodes: Nodes, alpha: float, activation: Activation) -> DiagonalRNN:
    """One unit with w = alpha and one with w = -alpha at every node."""
    u, _ = nodes
    w = torch.full((len(u),), alpha, dtype=u.dtype)
    return DiagonalRNN(torch.cat([w, -w]), u.repeat(2, 1), torch.ones(2 * len(u)).to(u), activation)


def gram_at_nodes(
    X: Tensor, other: Tensor | None, alpha: float, activation: Activation, nodes: Nodes
) -> Tensor:
    r"""Sum the kernel over one node set, (T, n, n'); each node stands for both signs of w."""
    units = _units(nodes, alpha, activation)
    return gram(units, X, other, weights=nodes[1].repeat(2) / 2.0)


def separable_gram_at_nodes(
    X: Tensor, other: Tensor | None, alpha: float, activation: Activation, nodes: Nodes
) -> Tensor:
    """Sum the kernel of the printed class (8) over one node set, (T, n, n')."""
    left = _averaged_features(X, alpha, activation, nodes)
    right = left if other is None else _averaged_features(other, alpha, activation, nodes)
    return left.transpose(0, 1) @ right.permute(1, 2, 0)


def _averaged_features(X, alpha, activation, nodes) -> Tensor:
    """Features of class (8), (n, T, 2 + N r), scaled so that their product is the kernel."""
    u, weights = nodes
    given_w, given_u = 0.0, []
    for part in _blocks(X, len(u)):
        units = _units((u[part], weights[part]), alpha, activation)
        features = tangent_features(units, X).unflatten(2, (2, -1))
        given_w = given_w + (features[..., 0] * weights[part]).sum(dim=-1)
        averaged = features[..., 1:].mean(dim=2) * weights[part, None].sqrt()
        given_u.append(averaged.flatten(2))
    return torch.cat([given_w / math.sqrt(2.0), *given_u], dim=-1)


def _blocks(X: Tensor, nodes: int) -> list[slice]:
    size = max(1, FEATURES_AT_ONCE // (2 * X[..., 0].numel() * (X.shape[-1] + 1)))
    return [slice(first, first + size) for first in range(0, nodes, size)]


def limit_outputs(
    X: Tensor,
    transport: Transport,
    *,
    alpha: float,
    activation: Activation,
    rule: Rule | None = None,
) -> Estimate:
    r"""Compute the infinite-width maps :math:`\tilde F_t` for given transportation maps.

    Parameters
    ----------
    X : Tensor of shape (n, T, d)
    transport : callable
        Maps w of shape (N,) and u of shape (N, d) to :math:`v_w`, (N,), and
        :math:`v_u`, (N, d).  The printed class lets :math:`v_w` see w alone and
        :math:`v_u` see u alone; both may be used here.
    alpha : float
        :math:`\alpha > 0`.
    activation : Activation
    rule : Trapezoid or Sobol, optional
        Quadrature in all d dimensions, because :math:`v_u` may see all of
        :math:`u_0`; by :func:`default_rule` if absent.

    Returns
    -------
    Estimate of shape (n, T)

    Raises
    ------
    ValueError
        If X has another shape, alpha is not positive, or transport returns other shapes.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), display (8).

    Examples
    --------
    >>> from companion.activations import tanh
    >>> x = torch.full((1, 2, 1), 1e-9, dtype=torch.float64)
    >>> along_w = lambda w, u: (torch.zeros_like(w), w[:, None] * torch.ones_like(u))
    >>> found = limit_outputs(x, along_w, alpha=0.5, activation=tanh).value / 1e-9
    >>> [f"{value:.4f}" for value in found[0]]
    ['0.0000', '0.2500']
    """
    X = arguments.tensor("X", X, ("n", "T", "d"))
    alpha = arguments.positive("alpha", alpha)
    rule = rule or default_rule(X.shape[2])
    sets = watched(rule.node_sets(X.shape[2]), "node sets")
    return _estimate([_limit_at_nodes(X, transport, alpha, activation, nodes) for nodes in sets])


def _limit_at_nodes(X, transport, alpha, activation, nodes) -> Tensor:
    total = X.new_zeros(X.shape[:2])
    for part in _blocks(X, len(nodes[0])):
        u, weights = nodes[0][part], nodes[1][part]
        units = _units((u, weights), alpha, activation)
        v = joined(transport, units.w, units.u)
        features = tangent_features(units, X) * (weights.repeat(2) / 2.0)[:, None]
        total += (features * v).flatten(2).sum(dim=-1)
    return total


def joined(transport: Transport, w: Tensor, u: Tensor) -> Tensor:
    """Evaluate transportation maps at weights and join them, (N, d + 1), v_w first."""
    v_w, v_u = transport(w, u)
    v_w = arguments.tensor("transport's v_w", v_w, (len(w),), like=w)
    v_u = arguments.tensor("transport's v_u", v_u, tuple(u.shape), like=w)
    return torch.cat([v_w[:, None], v_u], dim=1)
