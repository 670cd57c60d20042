r"""Limits of infinite width for the ReLU network: K, Sigma, F and the kernel.

For two sequences the recursion needs, at every step, the squared norms of the
two inputs and their squared distance.  It carries the angle between the
pre-activations and not its cosine, so that it is exact where inputs coincide
and loses no digits near there.  Norms may differ from step to step and from
sample to sample; sequences have equal lengths.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from companion import arguments
from companion.threads import shared_out

SMALL_ANGLE = 0.05
"""Below it the series of sin t - t cos t is used, exact there to rounding."""

TILE = 128
"""Rows and columns of the pairs that :func:`kernel` follows at once."""

ROUNDING = 1e-9
"""Relative error allowed in a squared distance."""

SERIES = tuple((-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 6))
"""Taylor coefficients of sin t - t cos t, from the third power on, in steps of two."""


@dataclass(frozen=True)
class Limit:
    r"""Everything the recursion computes; ``...`` are the axes of the pairs.

    Parameters
    ----------
    angles : Tensor of shape (L, ...)
        The arc cosine of :math:`\rho_l = (K^{l-1} + v s_l)/Q_l`, l = 1, ..., L.
    forward : Tensor of shape (L + 1, ...)
        :math:`K^l`, l = 0, ..., L.

    Notes
    -----
    Source: Wang et al. (2021), equations (25) and (28), Theorem 6.
    """

    angles: Tensor
    forward: Tensor

    @property
    def sigma(self) -> Tensor:
        r"""The values :math:`\Sigma(\rho_l)` of (28), shape (L, ...)."""
        return 1.0 - self.angles / math.pi

    @property
    def backward(self) -> Tensor:
        r"""The limits :math:`F^l = \tfrac12\prod_{k=l}^{L}\Sigma(\rho_k)`, shape (L, ...)."""
        return 0.5 * self.sigma.flip(0).cumprod(0).flip(0)

    @property
    def kernel(self) -> Tensor:
        r"""The kernel :math:`H^\infty = \sum_{l=1}^{L} F^l K^{l-1}`, shape (...)."""
        return (self.backward * self.forward[:-1]).sum(0)


def relu_deficit(angle: Tensor) -> Tensor:
    r"""Compute :math:`1 - k(\cos\theta)` for the kernel of the series in (25).

    :math:`k(\rho) = \sum_r\mu_r^2\rho^r = (\sqrt{1-\rho^2} + \rho(\pi - \arccos\rho))/\pi`
    is the arc-cosine kernel of degree one.

    Parameters
    ----------
    angle : Tensor
        :math:`\theta` in [0, pi].

    Returns
    -------
    Tensor
        Of the same shape, with full relative accuracy down to zero.

    Notes
    -----
    Source: Wang et al. (2021), equation (25), summed.

    Examples
    --------
    >>> relu_deficit(torch.tensor([0.0, math.pi], dtype=torch.float64)).tolist()
    [0.0, 1.0]
    """
    curvature = angle.sin() - angle * angle.cos()
    small = angle < SMALL_ANGLE
    if bool(small.any()):
        series = torch.zeros_like(angle)
        for coefficient in reversed(SERIES):
            series = series * angle.square() + coefficient
        curvature = torch.where(small, series * angle**3, curvature)
    return 2.0 * (angle / 2.0).sin().square() - curvature / math.pi


def limit(
    squared_norms: Tensor,
    other_squared_norms: Tensor,
    squared_distances: Tensor,
    *,
    input_variance: float | None = None,
    start: float = 1.0,
) -> Limit:
    r"""Run the recursions (25) and (27) from norms and distances of the inputs.

    Parameters
    ----------
    squared_norms, other_squared_norms : Tensor of shape (L, ...)
        :math:`\|X_l\|^2` and :math:`\|X'_l\|^2`.
    squared_distances : Tensor of shape (L, ...)
        :math:`\|X_l - X'_l\|^2`.
    input_variance : float, optional
        v, with v times 2/m the variance of an entry of A; 1/L³ as printed below (14).
    start : float
        m/2 times the variance of an entry of :math:`M_0`, not negative.

    Returns
    -------
    Limit

    Raises
    ------
    ValueError
        If the three arrays disagree in shape, a value is negative, a distance
        contradicts the norms, or start is zero while a first input is zero.

    Notes
    -----
    Source: Wang et al. (2021), equation (25) and Theorem 6, with the limit of
    the backward correlation derived in this book.

    Examples
    --------
    >>> ones = torch.ones(2, dtype=torch.float64)
    >>> limit(ones, ones, 0 * ones, input_variance=1.0).kernel.item()
    1.5
    """
    x = arguments.tensor("squared_norms", squared_norms, ("L", *squared_norms.shape[1:]))
    y = arguments.tensor("other_squared_norms", other_squared_norms, tuple(x.shape), like=x)
    gap = arguments.tensor("squared_distances", squared_distances, tuple(x.shape), like=x)
    _require_geometry(x, y, gap)
    v = _input_variance(input_variance, len(x))
    first = torch.full_like(x[:1], _start(start, x[0], y[0]))
    p, q = torch.cat([first, first + v * x.cumsum(0)]), torch.cat([first, first + v * y.cumsum(0)])
    scale, moved = _moved(x, y, gap, p[:-1], q[:-1], v)
    angles, forward, deficit = [], [first[0]], torch.zeros_like(first[0])
    for step in range(len(x)):
        angles.append(_angle((moved[step] + deficit) / scale[step]))
        deficit = scale[step] * relu_deficit(angles[-1])
        forward.append(scale[step] - deficit)
    return Limit(torch.stack(angles), torch.stack(forward))


def limit_of_inputs(
    X: Tensor,
    other: Tensor | None = None,
    *,
    input_variance: float | None = None,
    start: float = 1.0,
) -> Limit:
    r"""Run the recursions for all pairs of sequences and keep every step.

    Parameters
    ----------
    X : Tensor of shape (n, L, d)
    other : Tensor of shape (k, L, d), optional
        The second set of sequences; X itself if left out.
    input_variance, start : float
        As for :func:`limit`.

    Returns
    -------
    Limit
        With pairs (n, k): O(n k L) memory.  For the kernel alone see :func:`kernel`.

    Raises
    ------
    ValueError
        If X and other disagree in length or dimension, or as :func:`limit`.

    Examples
    --------
    >>> X = torch.ones(2, 3, 1, dtype=torch.float64)
    >>> limit_of_inputs(X).backward.shape
    torch.Size([3, 2, 2])
    """
    pairs = (torch.broadcast_tensors(*step) for step in _steps(*_pair(X, other)))
    steps = [torch.stack(part) for part in zip(*pairs, strict=True)]
    return limit(*steps, input_variance=input_variance, start=start)


def kernel(
    X: Tensor,
    other: Tensor | None = None,
    *,
    input_variance: float | None = None,
    start: float = 1.0,
) -> Tensor:
    r"""Compute :math:`H^\infty` for all pairs of sequences.

    One pass over the steps: with :math:`S_0 = 0` and
    :math:`S_l = \Sigma(\rho_l)(K^{l-1} + S_{l-1})`, :math:`H^\infty = S_L/2`.

    Parameters
    ----------
    X : Tensor of shape (n, L, d)
    other : Tensor of shape (k, L, d), optional
        The second set of sequences; X itself if left out.
    input_variance, start : float
        As for :func:`limit`.

    Returns
    -------
    Tensor of shape (n, k)

    Raises
    ------
    ValueError
        If X and other disagree in length or dimension, or as :func:`limit`.

    Notes
    -----
    Source: Wang et al. (2021), equations (23), (25) and Theorem 6.  Costs
    O(n k L d) operations.  Pairs are taken in tiles that fit into the cache, one
    triangle of them if X is compared with itself; beyond the result, memory does
    not grow.

    Examples
    --------
    >>> X = torch.ones(1, 2, 1, dtype=torch.float64)
    >>> kernel(X, input_variance=1.0).tolist()
    [[1.5]]
    """
    X, second = _pair(X, other)
    v = _input_variance(input_variance, X.shape[1])
    first = _start(start, X[:, 0].square().sum(dim=1), second[:, 0].square().sum(dim=1))
    H = X.new_empty(len(X), len(second))

    def fill(tops: Iterable[int]) -> None:
        """Compute some rows of tiles."""
        for top in tops:
            rows = slice(top, top + TILE)
            for left in range(top if other is None else 0, len(second), TILE):
                columns = slice(left, left + TILE)
                H[rows, columns] = tile = _tile(X[rows], second[columns], v, first)
                if other is None:
                    H[columns, rows] = tile.T

    shared_out(fill, range(0, len(X), TILE), X.device, "rows of the kernel")
    return H


def _tile(X: Tensor, other: Tensor, v: float, first: float) -> Tensor:
    """Return the kernel of all pairs, with all that is needed for them kept at once."""
    p = q = state = torch.tensor(first, dtype=X.dtype, device=X.device)
    total = deficit = torch.zeros_like(p)
    for x, y, gap in _steps(X, other):
        scale, moved = _moved(x, y, gap, p, q, v)
        p, q = p + v * x, q + v * y
        angle = _angle((moved + deficit) / scale)
        total = (1.0 - angle / math.pi) * (state + total)
        deficit = scale * relu_deficit(angle)
        state = scale - deficit
    return total / 2.0


def _moved(
    x: Tensor, y: Tensor, gap: Tensor, p: Tensor, q: Tensor, v: float
) -> tuple[Tensor, Tensor]:
    """Return Q_l and Q_l - Q_{l-1} - v s_l, without a difference of close numbers.

    x, y and gap are squared norms and distance of the inputs; p and q are the
    squared lengths of the two states before them.
    """
    inner, product = (x + y - gap) / 2.0, (x * y).sqrt()
    before, after = (p * q).sqrt(), ((p + v * x) * (q + v * y)).sqrt()
    joint = before + v * inner
    spread = (q.sqrt() - p.sqrt()) * (q.sqrt() * x - p.sqrt() * y) + before * gap
    bend = (gap - (x.sqrt() - y.sqrt()).square()).clamp(min=0.0) / 2.0
    squares = v * spread + v**2 * bend * (product + inner)  # after^2 - joint^2
    return after, torch.where(joint > 0.0, squares / (after + joint), after - joint)


def _angle(deficit: Tensor) -> Tensor:
    """Return the angle whose cosine is 1 - deficit."""
    return 2.0 * (deficit / 2.0).clamp(0.0, 1.0).sqrt().asin()


def _require_geometry(x: Tensor, y: Tensor, gap: Tensor) -> None:
    """Refuse negative squares, and distances that no two vectors of these norms have."""
    named = (("squared_norms", x), ("other_squared_norms", y), ("squared_distances", gap))
    for name, value in named:
        if bool((value < 0.0).any()):
            raise ValueError(f"{name} must not be negative, got {float(value.min()):.6g}")
    excess = (gap - x - y).abs() - 2.0 * (x * y).sqrt()
    if bool((excess > ROUNDING * (x + y)).any()):
        raise ValueError(
            "squared_distances must lie between the squared difference and the squared sum of the "
            f"norms, got one outside by {float(excess.max()):.6g}"
        )


def _steps(X: Tensor, other: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield squared norms (n, 1) and (1, k), and squared distances (n, k), step by step."""
    for x, y in zip(X.unbind(1), other.unbind(1), strict=True):
        gap = (x[:, None] - y[None]).square().sum(dim=2)
        yield x.square().sum(dim=1)[:, None], y.square().sum(dim=1)[None], gap


def _pair(X: Tensor, other: Tensor | None) -> tuple[Tensor, Tensor]:
    X = arguments.tensor("X", X, ("n", "L", "d"))
    return X, X if other is None else arguments.tensor("other", other, ("k", *X.shape[1:]), like=X)


def _input_variance(value: float | None, length: int) -> float:
    return length**-3.0 if value is None else arguments.positive("input_variance", value)


def _start(value: float, x: Tensor, y: Tensor) -> float:
    start = arguments.real("start", value)
    if start < 0.0:
        raise ValueError(f"start must not be negative, got {value!r}")
    if start == 0.0 and bool((x == 0.0).any() or (y == 0.0).any()):
        raise ValueError("start is 0, so that the first input of every sequence must not be zero")
    return start
