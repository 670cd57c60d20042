r"""The constants of Lemmas 1 and 2 as suprema over weights and inputs, for d >= 2.

With two or more coordinates the pre-activations :math:`s_k = w h_k + u^\top X_k` and
the part of :math:`X_k` orthogonal to u are free of each other once u is long.  What is
left of a supremum over w, u and X is a recursion in one pre-activation at a time,
for each direction :math:`(\cos\theta, \sin\theta)` in which :math:`(w, u)` moves.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from companion import arguments
from companion.activations import Activation

REACH = 12.0
"""Pre-activations searched, in units of sigma_0/sigma_1, where all slopes have died."""


def _grid(activation: Activation, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pre-activations and the moduli of the activation and two derivatives there."""
    unit = activation.sigma_0 / activation.sigma_1
    s = unit * torch.linspace(-REACH, REACH, count, dtype=torch.float64)
    return s, activation.value(s).abs(), activation.first(s).abs(), activation.second(s).abs()


def _directions(count: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine, each (count, 1), of angles in the first quadrant."""
    angles = torch.linspace(0.0, math.pi / 2.0, count, dtype=torch.float64)
    return angles.cos()[:, None], angles.sin()[:, None]


def _peak(values: Tensor) -> Tensor:
    """Largest value of every row, by a parabola through the three points at the top."""
    place = values.argmax(dim=1, keepdim=True).clamp(1, values.shape[1] - 2)
    below, at, above = (values.gather(1, place + k)[:, 0] for k in (-1, 0, 1))
    bend = (2.0 * at - below - above).clamp(min=1e-300)
    top = at + (above - below) ** 2 / (8.0 * bend)
    # A flat or rising end has no vertex between its neighbours.
    inside = (above - below).abs() <= 2.0 * bend
    return torch.where(inside, top, values.amax(dim=1))


def drive_suprema(t: int, alpha_m: float, activation: Activation, directions: int = 361) -> Tensor:
    r"""Suprema of the directional derivative of the pre-activations, by recursion.

    :math:`M_1 = \sin\theta` and
    :math:`M_{k+1} = \max_s\{\cos\theta\,|\sigma(s)| + \sin\theta + \alpha_m|\sigma'(s)|M_k\}`;
    :math:`M_{k+1}` is the supremum for :math:`w h_k + u^\top X_k`.

    Parameters
    ----------
    t : int
    alpha_m : float
        Bound on :math:`|w|`.
    activation : Activation
    directions : int
        Number of angles from 0 to :math:`\pi/2`.

    Returns
    -------
    Tensor of shape (t + 1, directions)
        :math:`M_1, \dots, M_{t+1}` for each angle.

    Raises
    ------
    ValueError
        If t is no positive integer or alpha_m is not positive.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> [round(float(value), 6) for value in drive_suprema(2, 0.5, tanh)[:, -1]]
    [1.0, 1.5, 1.75]
    """
    t, alpha_m = arguments.count("t", t), arguments.positive("alpha_m", alpha_m)
    _, value, first, _ = _grid(activation, 2001)
    cosine, sine = _directions(arguments.count("directions", directions, at_least=3))
    suprema = [sine[:, 0]]
    for _ in range(t):
        suprema.append(_peak(cosine * value + sine + alpha_m * first * suprema[-1][:, None]))
    return torch.stack(suprema)


def lipschitz_suprema(t: int, alpha_m: float, activation: Activation) -> Tensor:
    r"""Compute :math:`\sup\|\nabla h_k\| = \sigma_1\max_\theta M_k(\theta)`, the best L_k.

    Over all weights with :math:`|w| \le \alpha_m`, all u, and all inputs in the unit
    ball of dimension two or more.  Parameters and errors as for :func:`drive_suprema`.

    Returns
    -------
    Tensor of shape (t,)
        For k = 1, ..., t.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> [round(float(value), 9) for value in lipschitz_suprema(3, 0.5, tanh)]
    [1.0, 1.5, 1.75]
    """
    return activation.sigma_1 * _peak(drive_suprema(t, alpha_m, activation)[:-1])


def product_lipschitz_suprema(t: int, alpha_m: float, activation: Activation) -> Tensor:
    r"""Compute :math:`\sup\|\nabla(w h_k)\| = \max_\theta(M_{k+1} - \sin\theta)`.

    The best :math:`\Lambda_k`; otherwise as :func:`lipschitz_suprema`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> [round(float(value), 6) for value in product_lipschitz_suprema(2, 0.8, tanh)]
    [1.0, 1.44]
    """
    suprema = drive_suprema(t, alpha_m, activation)
    _, sine = _directions(suprema.shape[1])
    return _peak(suprema[1:] - sine[:, 0])


def curvature_programme(
    t: int, alpha_m: float, activation: Activation, *, nodes: int = 401, directions: int = 46
) -> tuple[Tensor, Tensor]:
    r"""Bound :math:`\|\nabla^2 h_k\|` and :math:`\|\nabla^2 (w h_k)\|` by dynamic programming.

    In the direction :math:`\theta`, the first derivative :math:`D` of the state and
    its second derivative :math:`E` are bounded as functions of the last
    pre-activation, so that a large slope and a large state are not assumed at once:
    :math:`E(s) = \max_{s'}\{|\sigma''(s)|Y(s')^2
    + |\sigma'(s)|(2\cos\theta D(s') + \alpha_m E(s'))\}`
    with :math:`Y = \cos\theta|\sigma(s')| + \sin\theta + \alpha_m D(s')`.

    Parameters
    ----------
    t : int
    alpha_m : float
        Bound on :math:`|w|`.
    activation : Activation
    nodes, directions : int
        Pre-activations and angles on the grid.

    Returns
    -------
    state, product : Tensor of shape (t,)
        Sharper :math:`\beta_k` and :math:`\gamma_k` for k = 1, ..., t, up to the grid's
        error (below one part in a hundred with the default grid).

    Raises
    ------
    ValueError
        If t, nodes or directions is no positive integer or alpha_m is not positive.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> state, product = curvature_programme(1, 0.5, tanh)
    >>> round(float(state), 2), round(float(product), 2)
    (0.77, 1.06)
    """
    t, alpha_m = arguments.count("t", t), arguments.positive("alpha_m", alpha_m)
    grid = _grid(activation, arguments.count("nodes", nodes, at_least=3))
    cosine, sine = _directions(arguments.count("directions", directions, at_least=3))
    values = [_curvature_along(c, n, t, alpha_m, grid) for c, n in zip(cosine, sine, strict=True)]
    state, product = torch.tensor(values, dtype=torch.float64).amax(dim=0).T
    return state, product


def _curvature_along(
    cosine: Tensor, sine: Tensor, t: int, alpha_m: float, grid: tuple[Tensor, ...]
) -> list[tuple[float, float]]:
    """Largest second derivatives of the state and of the product, for k = 1, ..., t."""
    _, value, first, second = grid
    slope, speed, bend = sine, torch.zeros_like(sine), torch.zeros_like(sine)
    largest = []
    for _ in range(t):
        inner = 2.0 * cosine * speed + alpha_m * bend
        # Rows: where the pre-activation goes; columns: where it comes from.
        bend = (second[:, None] * slope.square() + first[:, None] * inner).amax(dim=1)
        speed = first * slope.max()
        slope = cosine * value + sine + alpha_m * speed
        largest.append((float(bend.max()), float((2.0 * cosine * speed + alpha_m * bend).max())))
    return largest


def directional_derivatives(
    w: Tensor, s: Tensor, x: Tensor, angle: Tensor, activation: Activation
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Differentiate :math:`h_t` along a direction, with free pre-activations.

    The weights move along :math:`(\cos\theta, \sin\theta\,n)` with a unit vector n in
    the space of u; :math:`x_k = n^\top X_k`.

    Parameters
    ----------
    w : Tensor of shape (R,)
        Recurrent weights, one for each of R problems.
    s : Tensor of shape (R, T)
        Pre-activations :math:`s_0, \dots, s_{T-1}`.
    x : Tensor of shape (R, T)
        Components of the inputs along n, in [-1, 1].
    angle : Tensor of shape (R,)
        :math:`\theta`.
    activation : Activation

    Returns
    -------
    state, speed, bend : Tensor of shape (R,)
        :math:`h_T` and its first and second directional derivative.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> half, zero = torch.full((1,), 0.5), torch.zeros(1, 3)
    >>> found = directional_derivatives(half, zero, zero + 1, math.pi * half, tanh)
    >>> [abs(round(float(y), 4)) for y in found]
    [0.0, 1.75, 0.0]
    """
    state = speed = bend = torch.zeros_like(w)
    along_w, along_u = angle.cos(), angle.sin()
    for k in range(s.shape[1]):
        slope = along_w * state + along_u * x[:, k] + w * speed
        inner = 2.0 * along_w * speed + w * bend
        first = activation.first(s[:, k])
        bend = activation.second(s[:, k]) * slope.square() + first * inner
        speed = first * slope
        state = activation.value(s[:, k])
    return state, speed, bend


def realise(
    w: float, s: Tensor, x: Tensor, activation: Activation, *, dimension: int, length: float = 1e4
) -> tuple[Tensor, Tensor]:
    r"""Build input weights and inputs with given pre-activations.

    The weight vector u points along the first axis with the given length, and n of
    :func:`directional_derivatives` along the second.

    Parameters
    ----------
    w : float
    s, x : Tensor of shape (T,)
        Pre-activations, and components along n in [-1, 1].
    activation : Activation
    dimension : int
        d >= 2.
    length : float
        :math:`\|u\|`; inputs lose about (s/length)^2/2 of their component along n.

    Returns
    -------
    u : Tensor of shape (d,)
    X : Tensor of shape (1, T, d)
        Inputs in the unit ball.

    Raises
    ------
    ValueError
        If the dimension is below two, or a pre-activation needs an input outside
        the unit ball.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> u, X = realise(0.5, torch.zeros(2), torch.ones(2), tanh, dimension=2)
    >>> X.tolist()
    [[[0.0, 1.0], [0.0, 1.0]]]
    """
    dimension = arguments.count("dimension", dimension, at_least=2)
    states = torch.cat([s.new_zeros(1), activation.value(s[:-1])])
    along = (s - w * states) / arguments.positive("length", length)
    if float(along.abs().max()) > 1.0:
        raise ValueError(
            f"length must be at least {float(along.abs().max()) * length:.6g}, got {length:g}"
        )
    X = s.new_zeros(1, len(s), dimension)
    X[0, :, 0], X[0, :, 1] = along, x * (1.0 - along.square()).sqrt()
    u = s.new_zeros(dimension)
    u[0] = length
    return u, X
