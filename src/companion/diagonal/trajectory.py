r"""What a run of gradient descent records, and how it survives an interruption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from companion import arguments, checkpoint
from companion.diagonal.risk import risk_and_gradient, training_set
from companion.diagonal.rnn import DiagonalRNN


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


class Run:
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
        settings = (self.method, repr(self.eta), repr(self.stop_below), self.rnn.activation.name)
        networks = [self.rnn, self.iterate, *([self.attractor] if self.attractor else [])]
        tensors = [self.X, self.Y, self.rnn.c] + [part for at in networks for part in (at.w, at.u)]
        return checkpoint.fingerprint(settings, tensors)

    def save(self, path: Path, fingerprint: str) -> None:
        """Write the iterate, the sums of the average and the records."""
        state = {"w": self.iterate.w, "u": self.iterate.u, "sum_w": self.sum_w, "sum_u": self.sum_u}
        checkpoint.write(path, fingerprint, {"records": self.records, **state})

    def load(self, path: Path, fingerprint: str) -> None:
        """Continue from a file that :meth:`save` wrote for this very run."""
        state = checkpoint.read(path, fingerprint, self.rnn.w.device)
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
