"""Clocks, rates, errors and fits: what every target is measured with."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import torch
from scipy import stats
from torch import Tensor

TOLERANCE = 1e-6
"""Relative error that a result in float32 may have."""

SLOW_ROUNDS = 3
"""Rounds of a peer that takes a minute."""

MIB = 2.0**20


class Disagreement(Exception):
    """A candidate does not compute what it should."""


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    rounds: int = 5
    quick: bool = False
    seed: int = 0

    def generator(self) -> torch.Generator:
        """Return the source of randomness of one target."""
        return torch.Generator().manual_seed(self.seed)

    def slow(self) -> int:
        """Return the number of rounds of a slow peer."""
        return min(self.rounds, SLOW_ROUNDS)


@dataclass
class Row:
    """One line of the table: a value with its range, and what it is measured against.

    ``met`` is None where there is nothing to meet; ``errors`` are relative to a
    float64 reference; ``work`` and ``machine`` are rates in the unit ``rate``;
    ``intensity`` counts operations a byte.
    """

    target: str
    what: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    goal: str = ""
    met: bool | None = None
    errors: dict[str, float] = field(default_factory=dict)
    work: float | None = None
    machine: float | None = None
    rate: str = ""
    intensity: float | None = None
    note: str = ""

    def record(self) -> dict:
        """Return the row as it is stored, without what is empty."""
        return {
            key: rounded(value) for key, value in asdict(self).items() if value not in (None, "")
        }


def rounded(value):
    """Return numbers with four significant digits, through dictionaries."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def alternate(
    candidates: dict[str, Callable], rounds: int, fewer: dict[str, int] | None = None
) -> tuple[dict[str, list[float]], dict[str, object]]:
    """Run the candidates in turn.

    Parameters
    ----------
    candidates : dict of callable
    rounds : int
    fewer : dict of int, optional
        Candidates that stop after fewer rounds.

    Returns
    -------
    seconds : dict of list of float
    results : dict
        What each returned in the first round.
    """
    fewer = fewer or {}
    seconds, results = {name: [] for name in candidates}, {}
    for turn in range(rounds):
        for name, call in candidates.items():
            if turn < fewer.get(name, rounds):
                start = time.perf_counter()
                result = call()
                seconds[name].append(time.perf_counter() - start)
                results.setdefault(name, result)
    return seconds, results


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the range, as a row takes them."""
    return {"value": statistics.median(values), "low": min(values), "high": max(values)}


def ratios(slower: list[float], faster: list[float]) -> list[float]:
    """Return how many times longer the first took, round by round."""
    return [a / b for a, b in zip(slower, faster, strict=False)]


def against(target: str, peer: str, seconds: dict, own: str, least: float | None, **more) -> Row:
    """Return the row that says how many times faster ``own`` is than ``peer``."""
    found = spread(ratios(seconds[peer], seconds[own]))
    took = f"{statistics.median(seconds[own]):.3g} s and {statistics.median(seconds[peer]):.3g} s"
    note = "; ".join(filter(None, [took, more.pop("note", "")]))
    met = None if least is None else found["value"] >= least
    goal = "" if least is None else f">= {least:g}x"
    what = f"{own} against {peer}"
    return Row(target, what, **found, unit="x", goal=goal, met=met, note=note, **more)


def relative_error(result: Tensor, reference: Tensor) -> float:
    """Return the largest error beside the largest entry of the reference."""
    reference = reference.double()
    return float((result.double() - reference).abs().max() / reference.abs().max())


def compare(
    results: dict[str, Tensor], reference: Tensor, wider: dict[str, float] | None = None
) -> dict[str, float]:
    """Return the relative error of every result, or stop at one that disagrees.

    ``wider`` holds the tolerance of peers that lose more digits in float32.
    """
    errors = {name: relative_error(result, reference) for name, result in results.items()}
    for name, error in errors.items():
        tolerance = (wider or {}).get(name, TOLERANCE)
        if not error <= tolerance:
            raise Disagreement(f"{name}: relative error {error:.2e}, allowed {tolerance:.0e}")
    return errors


def pair(errors: dict[str, float], own: str, peer: str) -> dict[str, float]:
    """Return the errors that one row shows."""
    return {name: errors[name] for name in (own, peer)}


class Machine:
    """The machine's own rates, as candidates that take turns with the others."""

    def __init__(self, quick: bool):
        side, length = (256, 2**18) if quick else (2048, 2**25)
        self.left, self.right = torch.rand(side, side), torch.rand(side, side)
        self.streams = [torch.rand(length) for _ in range(3)]

    def product(self) -> None:
        """Multiply two float32 matrices."""
        torch.mm(self.left, self.right)

    def stream(self) -> None:
        """Read two vectors that no cache holds, and write a third."""
        torch.add(self.streams[0], self.streams[1], alpha=2.0, out=self.streams[2])

    def product_rates(self, seconds: list[float]) -> list[float]:
        """Return GF/s."""
        return [2e-9 * len(self.left) ** 3 / time for time in seconds]

    def stream_rates(self, seconds: list[float]) -> list[float]:
        """Return GB/s."""
        return [1e-9 * 12 * len(self.streams[0]) / time for time in seconds]


def extra_memory(case: str, size: int, quick: bool = False) -> float:
    """Return the MiB that a case of :mod:`benchmarks.memory` needs."""
    return fresh(case, size, quick)["bytes"] / MIB


def fresh(case: str, size: int, quick: bool = False) -> dict[str, float]:
    """Run a case of :mod:`benchmarks.memory` in a process of its own: bytes and seconds."""
    command = [sys.executable, "-m", "benchmarks.memory", case, str(size)]
    command += ["--quick"] if quick else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Fit a power and return its exponent with a 95 % interval."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    fit = stats.linregress(x, y)
    reach = stats.t.ppf(0.975, len(x) - 2) * fit.stderr
    return fit.slope, fit.slope - reach, fit.slope + reach
