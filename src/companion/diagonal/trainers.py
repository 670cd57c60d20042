r"""The two gradient methods of paper A, section 2.3.

Both record the empirical risk and how far the units have moved at every
iterate.  The iterate is the whole state of either method, so a run is resumed,
to the bit, by starting from its last iterate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from companion import arguments
from companion.diagonal.risk import risk_and_gradient, training_set
from companion.diagonal.rnn import DiagonalRNN
from companion.progress import watched


@dataclass(frozen=True)
class Trajectory:
    r"""What a run of gradient descent leaves behind.

    Parameters
    ----------
    risks : Tensor of shape (steps + 1,)
        :math:`\widehat{\mathcal R}_S(\Theta(s))` for s = 0, ..., steps.
    movement_w : Tensor of shape (steps + 1,)
        :math:`\max_i |W_{ii}(s) - W_{ii}(0)|`.
    movement_u : Tensor of shape (steps + 1,)
        :math:`\max_i \|U_i(s) - U_i(0)\|_2`.
    last : DiagonalRNN
        The network at the last iterate.
    """

    risks: Tensor
    movement_w: Tensor
    movement_u: Tensor
    last: DiagonalRNN


def project(rnn: DiagonalRNN, centre: DiagonalRNN, radius_w: float, radius_u: float) -> DiagonalRNN:
    r"""Project each unit onto its balls around the centre.

    The set is :math:`|W_{ii} - W_{ii}(0)| \le \rho_w/\sqrt m`,
    :math:`\|U_i - U_i(0)\|_2 \le \rho_u/\sqrt m`; being a product of Euclidean
    balls, its Euclidean projection acts unit by unit.

    Parameters
    ----------
    rnn : DiagonalRNN
        The point to project.
    centre : DiagonalRNN
        :math:`\Theta(0)`, of the same shape.
    radius_w, radius_u : float
        The projection radii :math:`\rho_w, \rho_u`, positive, before the
        division by :math:`\sqrt m`.

    Returns
    -------
    DiagonalRNN

    Raises
    ------
    ValueError
        If a radius is not positive or the centre has another shape.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), section 2.3.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> zero = DiagonalRNN(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> far = zero.at(torch.ones(1), torch.ones(1, 1))
    >>> project(far, zero, 0.5, 2.0).w.tolist()
    [0.5]
    """
    limit_w = arguments.positive("radius_w", radius_w) / rnn.width**0.5
    limit_u = arguments.positive("radius_u", radius_u) / rnn.width**0.5
    if centre.u.shape != rnn.u.shape:
        raise ValueError(
            f"centre must have u of shape {tuple(rnn.u.shape)}, got {tuple(centre.u.shape)}"
        )
    shift_w, shift_u = rnn.w - centre.w, rnn.u - centre.u
    length_u = shift_u.norm(dim=1, keepdim=True)
    w = torch.where(shift_w.abs() <= limit_w, rnn.w, centre.w + limit_w * shift_w.sign())
    u = torch.where(length_u <= limit_u, rnn.u, centre.u + limit_u * shift_u / length_u)
    return rnn.at(w, u)


def gradient_descent(
    rnn: DiagonalRNN,
    X: Tensor,
    Y: Tensor,
    step_size: float,
    steps: int,
    start: DiagonalRNN | None = None,
) -> Trajectory:
    r"""Run gradient descent on the empirical risk.

    .. math:: \Theta(s+1) = \Theta(s) - \eta\,\partial_\Theta \widehat{\mathcal R}_S(\Theta(s))

    Parameters
    ----------
    rnn : DiagonalRNN
        :math:`\Theta(0)`, from which movement is measured.
    X : Tensor of shape (n, T, d)
        Inputs of Euclidean norm at most 1.
    Y : Tensor of shape (n, T)
    step_size : float
        :math:`\eta`, positive.
    steps : int
        Number of updates, at least 1.
    start : DiagonalRNN, optional
        Where to start if not at ``rnn``: the last iterate of an earlier run
        continues it bit for bit.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If the step size is not positive, shapes disagree, or an iterate is no
        longer finite (the step size is too large).

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equation (5), for s = 0, 1, ... (printed
    as s > 0).

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> run = gradient_descent(rnn, torch.ones(1, 1, 1), 0.5 * torch.ones(1, 1), 0.1, 5)
    >>> bool(run.risks[-1] < run.risks[0])
    True
    """
    return _descend(rnn, X, Y, step_size, steps, start, lambda iterate: iterate)


def projected_gradient_descent(
    rnn: DiagonalRNN,
    X: Tensor,
    Y: Tensor,
    step_size: float,
    steps: int,
    radius_w: float,
    radius_u: float,
    start: DiagonalRNN | None = None,
) -> Trajectory:
    r"""Run gradient descent, projecting each unit after every step.

    Parameters
    ----------
    rnn : DiagonalRNN
        :math:`\Theta(0)`, the centre of the balls.
    X : Tensor of shape (n, T, d)
        Inputs of Euclidean norm at most 1.
    Y : Tensor of shape (n, T)
    step_size : float
        :math:`\eta`, positive.
    steps : int
        Number of updates, at least 1.
    radius_w, radius_u : float
        Projection radii :math:`\rho_w, \rho_u`, positive; unit i stays within
        :math:`\rho/\sqrt m` of where it started.
    start : DiagonalRNN, optional
        Where to start if not at ``rnn``.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If the step size or a radius is not positive, shapes disagree, or an
        iterate is no longer finite.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), section 2.3.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> X, Y = torch.ones(1, 1, 1), torch.ones(1, 1)
    >>> run = projected_gradient_descent(rnn, X, Y, 0.1, 9, 0.25, 0.25)
    >>> float(run.movement_u[-1])
    0.25
    """
    arguments.positive("radius_w", radius_w)
    arguments.positive("radius_u", radius_u)
    return _descend(
        rnn,
        X,
        Y,
        step_size,
        steps,
        start,
        lambda iterate: project(iterate, rnn, radius_w, radius_u),
    )


def _descend(
    rnn: DiagonalRNN,
    X: Tensor,
    Y: Tensor,
    step_size: float,
    steps: int,
    start: DiagonalRNN | None,
    restrict: Callable[[DiagonalRNN], DiagonalRNN],
) -> Trajectory:
    """Descend from ``start``, applying ``restrict`` after each step."""
    eta = arguments.positive("step_size", step_size)
    steps = arguments.count("steps", steps)
    X, Y = training_set(rnn, X, Y)
    iterate = rnn if start is None else start
    risks, movement_w, movement_u = [], [], []
    for s in watched(range(steps + 1), "gradient descent"):
        risk, gradient_w, gradient_u = risk_and_gradient(iterate, X, Y)
        risks.append(risk)
        movement_w.append((iterate.w - rnn.w).abs().max())
        movement_u.append((iterate.u - rnn.u).norm(dim=1).max())
        if s == steps:
            break
        w, u = iterate.w - eta * gradient_w, iterate.u - eta * gradient_u
        if not bool(torch.isfinite(w).all() and torch.isfinite(u).all()):
            raise ValueError(
                f"step_size {eta:g} is too large: the iterate after step {s} overflows"
            )
        iterate = restrict(rnn.at(w, u))
    return Trajectory(
        torch.tensor(risks, dtype=rnn.w.dtype),
        torch.stack(movement_w),
        torch.stack(movement_u),
        iterate,
    )
