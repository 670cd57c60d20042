"""Peak memory of one call in this process: ``python -m benchmarks.memory CASE SIZE [--quick]``.

The high-water mark at the end minus the resident size just before the call.  A
small call first loads what libraries load when they are first used.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import peers_torch, problems
from companion.diagonal import ntk as diagonal_ntk
from companion.diagonal.risk import risk_and_gradient
from companion.relu import infinite_width as relu_limit
from companion.relu import ntk as relu_ntk
from companion.relu import trainers

Call = Callable[[], object]


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def a_gram(m: int, quick: bool) -> Call:
    """Gram matrix of paper A for all t at width m."""
    n, T = (16, 4) if quick else (256, 20)
    rnn, X = problems.diagonal(n, T, 4, m, _generator())
    return lambda: diagonal_ntk.gram(rnn, X)


def _gradient(method: Callable, m: int, quick: bool) -> Call:
    n, T = (16, 4) if quick else (256, 20)
    rnn, X = problems.diagonal(n, T, 4, m, _generator())
    Y = problems.targets(X, _generator())
    return lambda: method(rnn, X, Y)


def a_gradient(m: int, quick: bool) -> Call:
    """Risk and gradient of paper A at width m."""
    return _gradient(risk_and_gradient, m, quick)


def a_gradient_autograd(m: int, quick: bool) -> Call:
    """The same by an autograd loop."""
    return _gradient(peers_torch.autograd_gradient, m, quick)


def b_gram(m: int, quick: bool) -> Call:
    """Gram matrix of paper B at width m."""
    n, L = (4, 3) if quick else (64, 10)
    rnn, X = problems.relu(n, L, 4, m, _generator())
    return lambda: relu_ntk.gram(rnn, X)


def b_sgd(m: int, quick: bool) -> Call:
    """Two steps of online SGD at width m."""
    rnn, X = problems.relu(2, 3 if quick else 10, 4, m, _generator())
    return lambda: trainers.online_sgd(rnn, X, torch.ones(2), 1.0 / m)


def b_kernel(n: int, quick: bool) -> Call:
    """The kernel of paper B in the limit, for n sequences."""
    X = problems.unit_inputs(n, 10 if quick else 100, 4, _generator())
    return lambda: relu_limit.kernel(X)


CASES = {
    "a-gram": a_gram,
    "a-gradient": a_gradient,
    "a-gradient-autograd": a_gradient_autograd,
    "b-gram": b_gram,
    "b-sgd": b_sgd,
    "b-kernel": b_kernel,
}

SMALL = 64


def high_water() -> int:
    """Return the largest resident size so far, in bytes."""
    if Path("/proc/self/status").exists():
        # Not ru_maxrss: on Linux a child starts with the mark of its parent.
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def resident() -> int:
    """Return the resident size now, in bytes; the high-water mark where it is not known."""
    return _status("VmRSS") if Path("/proc/self/status").exists() else high_water()


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("size", type=int)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    CASES[asked.case](SMALL, True)()
    call = CASES[asked.case](asked.size, asked.quick)
    # Below a mark left by the preparation nothing would show: fill up to it.
    ballast = torch.ones(max(0, high_water() - resident()) // 4 + 1)
    before = resident()
    start = time.perf_counter()
    kept = call()
    seconds = time.perf_counter() - start
    print(json.dumps({"bytes": max(0, high_water() - before), "seconds": seconds}))
