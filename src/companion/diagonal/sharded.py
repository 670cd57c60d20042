r"""Gradient descent with the units divided over processes.

The units of the diagonal network share nothing but the n x T residuals: each process
keeps its own units, and a step costs one all-reduce of n T numbers, however wide the
network is.  A script that torchrun starts once in each process::

    # torchrun --standalone --nproc-per-node 2 train.py
    import torch
    import torch.distributed as dist
    from companion.activations import tanh
    from companion.diagonal.rnn import symmetric_initialisation
    from companion.diagonal.sharded import shard, sharded_gradient_descent

    dist.init_process_group("gloo")  # on GPUs "nccl", after torch.cuda.set_device
    generator = torch.Generator().manual_seed(1)  # the same network and data in every process
    rnn = symmetric_initialisation(1000, 2, 0.5, tanh, generator)
    X = torch.rand(8, 5, 2, generator=generator, dtype=torch.float64) / 2
    Y = X.sum(dim=2)
    own = shard(rnn, dist.get_rank(), dist.get_world_size())
    run = sharded_gradient_descent(own, X, Y, 0.01, 450, checkpoint="run.pt")
    if dist.get_rank() == 0:
        print(float(run.risks[0]), float(run.risks[-1]))
    dist.destroy_process_group()

If a process is lost the others stop: the error says so, unless torchrun ends them first and
reports the loss itself.  The same command goes on from the checkpoint.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from companion import arguments, checkpoint
from companion.diagonal.risk import training_set, two_passes
from companion.diagonal.rnn import DiagonalRNN
from companion.diagonal.trainers import CHECKPOINT_EVERY
from companion.progress import watched


@dataclass(frozen=True)
class ShardedRun:
    r"""What a run leaves behind in one process.

    Parameters
    ----------
    risks : Tensor of shape (tau + 1,)
        :math:`\widehat{\mathcal R}_S(\Theta(s))` of the whole network, s = 0, ..., tau.
    movement_w : Tensor of shape (tau + 1,)
        :math:`\max_i |W_{ii}(s) - W_{ii}(0)|` over all units.
    movement_u : Tensor of shape (tau + 1,)
        :math:`\max_i \|U_i(s) - U_i(0)\|_2` over all units.
    last : DiagonalRNN
        The process's own units at the last iterate.
    """

    risks: Tensor
    movement_w: Tensor
    movement_u: Tensor
    last: DiagonalRNN


def own_units(width: int, rank: int, processes: int) -> Tensor:
    r"""Say which units a process has.

    Unit i and unit i + m/2, which the readout adds first, stay together, so that the
    symmetric initialisation still has output zero.

    Parameters
    ----------
    width : int
        m.
    rank : int
        The process, 0, ..., ``processes`` - 1.
    processes : int
        At most m/2, or m if m is odd.

    Returns
    -------
    Tensor of int64, of shape (width of the shard,)
        Shards differ by at most one pair, or one unit if m is odd.

    Raises
    ------
    ValueError
        If there is no such rank, or a process would get nothing.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equation (3) and Definition 1.

    Examples
    --------
    >>> own_units(10, 0, 2).tolist(), own_units(10, 1, 2).tolist()
    ([0, 1, 2, 5, 6, 7], [3, 4, 8, 9])
    """
    width, rank = arguments.count("width", width), arguments.count("rank", rank, at_least=0)
    processes = arguments.count("processes", processes)
    order = torch.arange(width)
    pairs = order.view(2, -1) if width % 2 == 0 else order[None]
    if rank >= processes:
        raise ValueError(f"rank must be below processes = {processes}, got {rank}")
    if processes > pairs[0].numel():
        raise ValueError(f"width {width} is too small for {processes} processes")
    return pairs.tensor_split(processes, dim=1)[rank].flatten()


def shard(rnn: DiagonalRNN, rank: int, processes: int) -> DiagonalRNN:
    r"""Take the units of one process out of a network.

    Parameters
    ----------
    rnn : DiagonalRNN
        The whole network, of width m.
    rank : int
        The process, 0, ..., ``processes`` - 1.
    processes : int
        At most m/2, or m if m is odd.

    Returns
    -------
    DiagonalRNN
        The units :func:`own_units`, in this order.

    Raises
    ------
    ValueError
        If there is no such rank, or a process would get nothing.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equation (3).  As a network of its own the shard
    divides by the root of its own width; the sums of :func:`~companion.diagonal.rnn.summed`
    add up over shards.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.arange(4.0), torch.ones(4, 1), torch.ones(4), tanh)
    >>> shard(rnn, 1, 2).w.tolist()
    [1.0, 3.0]
    """
    units = own_units(rnn.width, rank, processes).to(rnn.w.device)
    return DiagonalRNN(rnn.w[units], rnn.u[units], rnn.c[units], rnn.activation)


def sharded_gradient_descent(
    rnn: DiagonalRNN,
    X: Tensor,
    Y: Tensor,
    step_size: float,
    steps: int,
    *,
    checkpoint: Path | str | None = None,
) -> ShardedRun:
    r"""Run gradient descent on the empirical risk, the units divided over processes.

    Every process of the default group of ``torch.distributed`` calls this with its own
    units and otherwise the same arguments.

    Parameters
    ----------
    rnn : DiagonalRNN
        The process's own units of :math:`\Theta(0)`, as :func:`shard` gives them.  The
        width m is the number of units of all processes.
    X : Tensor of shape (n, T, d)
        All inputs, of Euclidean norm at most 1.
    Y : Tensor of shape (n, T)
        All targets.
    step_size : float
        :math:`\eta`, positive.
    steps : int
        Number of updates, at least 1.
    checkpoint : path, optional
        Each process writes a file of this name and its rank as it goes, and keeps the
        file before.  If they exist, the run continues from the last step that every
        process has, bit-identical to an uninterrupted one with as many processes on the
        same hardware.

    Returns
    -------
    ShardedRun

    Raises
    ------
    ValueError
        If the step size is not positive, shapes disagree, the outputs overflow (the step
        size is too large), the processes were given different problems, a checkpoint
        belongs to another run or another number of processes, or no process group was
        initialised.
    RuntimeError
        If another process has ended or does not answer within the group's timeout.
        NCCL may end the process itself instead.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equation (5).  One all-reduce of n T numbers a step;
    before the first step the processes compare what they were given, after the last they
    take the largest movement.  Equal to
    :func:`~companion.diagonal.trainers.gradient_descent` to rounding, since the sum over
    units is taken in another order; with one process to the bit.

    Examples
    --------
    A group of one process:

    >>> from companion.activations import tanh
    >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    >>> rnn = DiagonalRNN(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> run = sharded_gradient_descent(rnn, torch.ones(1, 1, 1), 0.5 * torch.ones(1, 1), 0.1, 5)
    >>> bool(run.risks[-1] < run.risks[0])
    True
    >>> dist.destroy_process_group()
    """
    run = _Run(rnn, X, Y, step_size, steps, checkpoint)
    first = len(run.records)
    remaining = range(first, run.steps + 1)
    for s in watched(remaining, "gradient descent") if run.rank == 0 else remaining:
        if run.files is not None and s > first and s % CHECKPOINT_EVERY == 0:
            run.files.save({"w": run.at.w, "u": run.at.u, "records": run.records})
        gradient = run.record()
        if s < run.steps:
            run.advance(*gradient)
    return run.result()


class _Run:
    """One process's part of a run in progress."""

    def __init__(self, rnn, X, Y, step_size, steps, path) -> None:
        self.rank, self.processes = dist.get_rank(), dist.get_world_size()
        self.rnn = self.at = rnn
        self.eta = arguments.positive("step_size", step_size)
        self.steps = arguments.count("steps", steps)
        # An all-reduce reads memory in order, which must be the same everywhere.
        self.X, self.Y = (part.contiguous() for part in training_set(rnn, X, Y))
        self.overflows = False
        self.records: list[tuple[float, float, float]] = []
        self.path = path
        self.files = None if path is None else self._files()
        self._agree()

    def _files(self) -> _Files:
        settings = ("sharded", repr(self.eta), self.rnn.activation.name, self.rank, self.processes)
        tensors = [self.X, self.Y, self.rnn.c, self.rnn.w, self.rnn.u]
        fingerprint = checkpoint.fingerprint(settings, tensors)
        return _Files(Path(self.path), self.rank, self.processes, fingerprint)

    def _agree(self) -> None:
        """Compare the problem over the processes, count the units, find where to start."""
        settings = (repr(self.eta), self.steps, self.rnn.activation.name, self.path is None)
        problem = checkpoint.fingerprint(settings, [self.X, self.Y])
        held, fault = {}, None
        try:
            held = {} if self.files is None else self.files.held(self.rnn.w.device)
        except ValueError as error:  # told to all, so that none waits for this process
            fault = str(error)
        answers = [None] * self.processes
        with self._exchange():
            dist.all_gather_object(answers, (problem, self.rnn.width, set(held), fault))
        problems, widths, steps, faults = zip(*answers, strict=True)
        for fault in filter(None, faults):
            raise ValueError(fault)
        if len(set(problems)) > 1:
            raise ValueError(
                "the processes were given different X, Y, step_size, steps, activation or "
                "checkpoint; draw them in each process from the same seed"
            )
        self.width = sum(widths)
        common = set.intersection(*steps)
        if common:
            self._continue(max(common), held)

    def _continue(self, step: int, held: dict[int, dict]) -> None:
        """Continue from the newest state that every process holds."""
        if step > self.steps:
            raise ValueError(
                f"checkpoint {self.path} holds {step} steps, more than steps = {self.steps}"
            )
        self.files.keep(step)
        self.at = self.rnn.at(held[step]["w"], held[step]["u"])
        self.records = [tuple(record) for record in held[step]["records"]]

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        """Say what has happened, and how to go on, if the others cannot be reached."""
        try:
            yield
        except RuntimeError as error:
            again = (
                "with a checkpoint it could be resumed"
                if self.path is None
                else f"start all again with checkpoint {self.path} to go on from the last one"
            )
            raise RuntimeError(
                f"at step {len(self.records)} another of the {self.processes} processes has ended "
                f"or does not answer, and the run ends here; {again} ({error})"
            ) from error

    def record(self) -> tuple[Tensor, Tensor]:
        """Record the iterate and return the gradient there."""
        risk, *gradient = two_passes(self.at, self.X, self.Y, self.width, self._combine)
        moved_w = float((self.at.w - self.rnn.w).abs().max())
        moved_u = float((self.at.u - self.rnn.u).norm(dim=1).max())
        self.records.append((risk, moved_w, moved_u))
        return tuple(gradient)

    def _combine(self, F: Tensor) -> Tensor:
        """Sum over the processes; NaN from one whose weights overflow reaches all of them."""
        if self.overflows:
            F.fill_(torch.nan)
        with self._exchange():
            dist.all_reduce(F)
            finite = bool(torch.isfinite(F).all())  # read here: on a GPU errors wait until then
        if not finite:
            raise ValueError(
                f"step_size {self.eta:g} is too large: "
                f"the outputs overflow after {len(self.records)} steps"
            )
        return F

    def advance(self, gradient_w: Tensor, gradient_u: Tensor) -> None:
        """Take one step; where the weights overflow, leave it to :meth:`_combine` to say so."""
        w, u = self.at.w - self.eta * gradient_w, self.at.u - self.eta * gradient_u
        self.overflows = not bool(torch.isfinite(w).all() and torch.isfinite(u).all())
        if not self.overflows:
            self.at = self.rnn.at(w, u)

    def result(self) -> ShardedRun:
        """What the run has left behind, with the largest movement of all processes."""
        like = self.rnn.w
        risks, *moved = torch.tensor(self.records, dtype=like.dtype, device=like.device).T
        moved = torch.stack(moved)
        with self._exchange():
            dist.all_reduce(moved, op=dist.ReduceOp.MAX)
            moved = moved.cpu()
        return ShardedRun(risks.cpu(), *moved, self.at)


class _Files:
    """A process's last two checkpoints.

    A process may be stopped before it writes what the others have just written.  All
    have the file before, which is why it is kept.
    """

    def __init__(self, path: Path, rank: int, processes: int, fingerprint: str) -> None:
        self.path, self.processes, self.fingerprint = path, processes, fingerprint
        self.last = path.with_name(f"{path.name}.{rank}-of-{processes}")
        self.before = self.last.with_name(f"{self.last.name}.before")
        self.steps: dict[int, Path] = {}

    def held(self, device: torch.device) -> dict[int, dict]:
        """Return the states in the files, by the number of steps taken."""
        self._require_as_many_processes()
        states = {}
        for file in filter(Path.exists, (self.before, self.last)):
            state = checkpoint.read(file, self.fingerprint, device)
            states[len(state["records"])] = state
            self.steps[len(state["records"])] = file
        return states

    def _require_as_many_processes(self) -> None:
        pattern = re.compile(re.escape(self.path.name) + r"\.\d+-of-(\d+)(\.before)?")
        found = filter(None, (pattern.fullmatch(file.name) for file in self.path.parent.iterdir()))
        for other in {int(match[1]) for match in found} - {self.processes}:
            raise ValueError(
                f"checkpoint {self.path} belongs to a run of {other} processes, not "
                f"{self.processes}; start as many, remove it or name another"
            )

    def keep(self, step: int) -> None:
        """Make this the last checkpoint, so that a later one never stands for it."""
        if self.steps[step] == self.before:
            os.replace(self.before, self.last)

    def save(self, state: dict) -> None:
        """Write a checkpoint, and keep the one before."""
        if self.last.exists():
            os.replace(self.last, self.before)
        checkpoint.write(self.last, self.fingerprint, state)
