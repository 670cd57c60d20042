r"""The two gradient methods of paper A, section 2.3.

Both record, at every iterate, the empirical risk, how far the units have moved and,
if asked, the Lyapunov function of the paper's proofs.  The iterate is the whole
state of either method: a run is resumed, to the bit, from its last iterate, or from
a checkpoint that also keeps the records.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from companion import arguments
from companion.diagonal.rnn import DiagonalRNN
from companion.diagonal.trajectory import Run, Trajectory
from companion.progress import watched

CHECKPOINT_EVERY = 200
"""Steps between two writes of a checkpoint."""


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
    *,
    attractor: DiagonalRNN | None = None,
    stop_below: float | None = None,
    checkpoint: Path | str | None = None,
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
    attractor : DiagonalRNN, optional
        :math:`\bar\Theta` of the Lyapunov function, of the same shape.
    stop_below : float, optional
        Stop at the first iterate whose risk is at most this.
    checkpoint : path, optional
        A file to which the run is written as it goes; if it exists, the run
        continues from it, bit-identical to an uninterrupted one.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If the step size is not positive, shapes disagree, an iterate is no
        longer finite (the step size is too large), or the checkpoint belongs to
        another run.

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
    return _descend(
        Run(rnn, X, Y, step_size, start, attractor, stop_below, "free"),
        steps,
        checkpoint,
        lambda iterate: iterate,
    )


def projected_gradient_descent(
    rnn: DiagonalRNN,
    X: Tensor,
    Y: Tensor,
    step_size: float,
    steps: int,
    radius_w: float,
    radius_u: float,
    start: DiagonalRNN | None = None,
    *,
    attractor: DiagonalRNN | None = None,
    stop_below: float | None = None,
    checkpoint: Path | str | None = None,
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
    start, attractor, stop_below, checkpoint
        As for :func:`gradient_descent`.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If the step size or a radius is not positive, shapes disagree, an iterate
        is no longer finite, or the checkpoint belongs to another run.

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
    method = f"projected {float(radius_w)!r} {float(radius_u)!r}"
    return _descend(
        Run(rnn, X, Y, step_size, start, attractor, stop_below, method),
        steps,
        checkpoint,
        lambda iterate: project(iterate, rnn, radius_w, radius_u),
    )


def exit_time(run: Trajectory, reach_w: float, reach_u: float) -> int | None:
    r"""Find the first iterate at which some unit has left its balls.

    Parameters
    ----------
    run : Trajectory
    reach_w, reach_u : float
        :math:`\lambda_w, \lambda_u`, positive, before the division by :math:`\sqrt m`.

    Returns
    -------
    int or None
        The smallest s with :math:`\max_i |W_{ii}(s) - W_{ii}(0)| > \lambda_w/\sqrt m` or
        :math:`\max_i \|U_i(s) - U_i(0)\|_2 > \lambda_u/\sqrt m`; None if there is none.

    Raises
    ------
    ValueError
        If a reach is not positive.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), proof of Theorem 2.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> run = gradient_descent(rnn, torch.ones(1, 1, 1), torch.ones(1, 1), 0.1, 9)
    >>> exit_time(run, 1.0, 0.5), exit_time(run, 1.0, 5.0)
    (4, None)
    """
    root = run.last.width**0.5
    outside = run.movement_w > arguments.positive("reach_w", reach_w) / root
    outside |= run.movement_u > arguments.positive("reach_u", reach_u) / root
    return int(outside.nonzero()[0, 0]) if bool(outside.any()) else None


def _descend(
    run: Run,
    steps: int,
    checkpoint: Path | str | None,
    restrict: Callable[[DiagonalRNN], DiagonalRNN],
) -> Trajectory:
    """Take the steps that remain, applying ``restrict`` after each."""
    steps = arguments.count("steps", steps)
    path = None if checkpoint is None else Path(checkpoint)
    fingerprint = "" if path is None else run.fingerprint()
    if path is not None and path.exists():
        run.load(path, fingerprint)
    first = len(run.records)
    if first > steps:
        raise ValueError(f"checkpoint {path} holds {first} steps, more than steps = {steps}")
    for s in watched(range(first, steps + 1), "gradient descent"):
        if path is not None and s > first and s % CHECKPOINT_EVERY == 0:
            run.save(path, fingerprint)
        gradient = run.record()
        if run.done or s == steps:
            break
        run.advance(gradient, restrict)
    return run.trajectory()
