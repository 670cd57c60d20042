r"""The two gradient methods of paper A, section 2.3.

Both record, at every iterate, the empirical risk, how far the units have moved and,
if asked, the Lyapunov function of the paper's proofs.  The iterate is the whole
state of either method: a run is resumed, to the bit, from its last iterate, or from
a checkpoint that also keeps the records.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from companion import arguments
from companion.diagonal.risk import risk_and_gradient, training_set
from companion.diagonal.rnn import DiagonalRNN
from companion.progress import watched

CHECKPOINT_EVERY = 200
"""Steps between two writes of a checkpoint."""


@dataclass(frozen=True)
class Trajectory:
    r"""What a run of gradient descent leaves behind.

    A run of :math:`\tau` steps has the iterates :math:`\Theta(0), \dots, \Theta(\tau)`.

    Parameters
    ----------
    risks : Tensor of shape (tau + 1,)
        :math:`\widehat{\mathcal R}_S(\Theta(s))`.
    movement_w : Tensor of shape (tau + 1,)
        :math:`\max_i |W_{ii}(s) - W_{ii}(0)|`.
    movement_u : Tensor of shape (tau + 1,)
        :math:`\max_i \|U_i(s) - U_i(0)\|_2`.
    lyapunov : Tensor of shape (tau + 1,) or None
        :math:`\|\mathbf W(s) - \bar{\mathbf W}\|_F^2 + \|\mathbf U(s) - \bar{\mathbf U}\|_F^2`
        if an attractor was given.
    average : DiagonalRNN
        The mean of the iterates s = 0, ..., tau - 1 of this call.
    last : DiagonalRNN
        The network at the last iterate.
    """

    risks: Tensor
    movement_w: Tensor
    movement_u: Tensor
    lyapunov: Tensor | None
    average: DiagonalRNN
    last: DiagonalRNN


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
        _Run(rnn, X, Y, step_size, start, attractor, stop_below, "free"),
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
        _Run(rnn, X, Y, step_size, start, attractor, stop_below, method),
        steps,
        checkpoint,
        lambda iterate: project(iterate, rnn, radius_w, radius_u),
    )


class _Run:
    """A run in progress: its problem, its iterate and its records."""

    def __init__(self, rnn, X, Y, step_size, start, attractor, stop_below, method: str) -> None:
        self.rnn, self.method = rnn, method
        self.eta = arguments.positive("step_size", step_size)
        self.X, self.Y = training_set(rnn, X, Y)
        self.iterate = rnn if start is None else rnn.at(start.w, start.u)
        self.attractor = None if attractor is None else rnn.at(attractor.w, attractor.u)
        self.stop_below = None if stop_below is None else arguments.real("stop_below", stop_below)
        self.sum_w, self.sum_u = torch.zeros_like(rnn.w), torch.zeros_like(rnn.u)
        self.records: list[tuple[float, ...]] = []

    def record(self) -> tuple[Tensor, Tensor]:
        """Record the iterate and return the gradient there."""
        at, rnn = self.iterate, self.rnn
        risk, gradient_w, gradient_u = risk_and_gradient(at, self.X, self.Y)
        moved_w = float((at.w - rnn.w).abs().max())
        moved_u = float((at.u - rnn.u).norm(dim=1).max())
        self.records.append((risk, moved_w, moved_u, self._lyapunov()))
        return gradient_w, gradient_u

    def _lyapunov(self) -> float:
        if self.attractor is None:
            return float("nan")
        shift_w = self.iterate.w - self.attractor.w
        return float(shift_w.square().sum() + (self.iterate.u - self.attractor.u).square().sum())

    @property
    def done(self) -> bool:
        """Whether the recorded risk is low enough to stop."""
        return self.stop_below is not None and self.records[-1][0] <= self.stop_below

    def advance(self, gradient: tuple[Tensor, Tensor], restrict: Callable) -> None:
        """Add the iterate to the average and take one step from it."""
        self.sum_w, self.sum_u = self.sum_w + self.iterate.w, self.sum_u + self.iterate.u
        w, u = self.iterate.w - self.eta * gradient[0], self.iterate.u - self.eta * gradient[1]
        if not bool(torch.isfinite(w).all() and torch.isfinite(u).all()):
            raise ValueError(
                f"step_size {self.eta:g} is too large: "
                f"the iterate after step {len(self.records) - 1} overflows"
            )
        self.iterate = restrict(self.rnn.at(w, u))

    def fingerprint(self) -> str:
        """What the run depends on, other than the number of steps."""
        parts = [self.method, repr(self.eta), repr(self.stop_below), self.rnn.activation.name]
        digest = hashlib.sha256("|".join(parts).encode())
        networks = [self.rnn, self.iterate, *([self.attractor] if self.attractor else [])]
        tensors = [self.X, self.Y, self.rnn.c] + [part for at in networks for part in (at.w, at.u)]
        for tensor in tensors:
            digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().numpy().tobytes())
        return digest.hexdigest()

    def save(self, path: Path, fingerprint: str) -> None:
        """Write the run so that an interruption leaves the old file or the new one."""
        state = {"w": self.iterate.w, "u": self.iterate.u, "sum_w": self.sum_w, "sum_u": self.sum_u}
        part = path.with_name(path.name + ".part")
        torch.save({"run": fingerprint, "records": self.records, **state}, part)
        os.replace(part, path)

    def load(self, path: Path, fingerprint: str) -> None:
        """Continue from a file that :meth:`save` wrote for this very run."""
        state = torch.load(path, map_location=self.rnn.w.device, weights_only=True)
        if state["run"] != fingerprint:
            raise ValueError(f"checkpoint {path} belongs to another run; remove it or name another")
        self.iterate = self.rnn.at(state["w"], state["u"])
        self.sum_w, self.sum_u = state["sum_w"], state["sum_u"]
        self.records = [tuple(record) for record in state["records"]]

    def trajectory(self) -> Trajectory:
        """What the run has left behind, its last record being that of the iterate."""
        columns = torch.tensor(self.records, dtype=self.rnn.w.dtype).T
        taken = max(1, len(self.records) - 1)
        average = self.rnn.at(self.sum_w / taken, self.sum_u / taken)
        return Trajectory(
            *columns[:3],
            None if self.attractor is None else columns[3],
            self.iterate if len(self.records) == 1 else average,
            self.iterate,
        )


def _descend(
    run: _Run,
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
    if first > steps + 1:
        raise ValueError(f"checkpoint {path} holds {first - 1} steps, more than steps = {steps}")
    for s in watched(range(first, steps + 1), "gradient descent"):
        if path is not None and s > first and s % CHECKPOINT_EVERY == 0:
            run.save(path, fingerprint)
        gradient = run.record()
        if run.done or s == steps:
            break
        run.advance(gradient, restrict)
    return run.trajectory()
