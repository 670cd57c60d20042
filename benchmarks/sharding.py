"""Target sharding: the units of paper A divided over two processes of one thread each.

Every round starts fresh processes with torchrun, first one, then two; each process
takes the time of its own steps, after a short run that warms it up, and the slowest counts.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks import problems
from benchmarks.measuring import Disagreement, Options, Row, ratios, relative_error, spread
from companion.diagonal.rnn import DiagonalRNN

OWN = "sharded_gradient_descent"

TOLERANCE = 1e-10
"""Relative difference allowed between one process and two, in float64."""


def run(options: Options) -> Iterator[Row]:
    """Measure two processes against one, at equal work."""
    if importlib.util.find_spec("companion.diagonal.sharded") is None:
        yield Row("sharding", "skipped: there is no module companion.diagonal.sharded")
        return
    n, T, m, steps = (4, 3, 256, 2) if options.quick else (16, 10, 1_000_000, 2)
    seconds = {1: [], 2: []}
    for _ in range(options.rounds):
        for processes, taken in seconds.items():
            found = launched(processes, n, T, m, steps, options.seed)
            taken.append(found["seconds"])
            if processes == 1:
                alone = found["risks"]
        error = relative_error(*(double(risks) for risks in (found["risks"], alone)))
        if not error <= TOLERANCE:
            raise Disagreement(f"two processes differ from one by {error:.2e}")
    found = spread(ratios(seconds[1], seconds[2]))
    medians = [spread(taken)["value"] / (steps + 1) for taken in seconds.values()]
    yield Row(
        "sharding",
        f"two processes against one, one thread each, m = {m:,}",
        **found,
        unit="x",
        goal=">= 1.8x",
        met=found["value"] >= 1.8,
        errors={"two processes beside one, float64": error},
        note=f"a gradient: {medians[0]:.3g} s and {medians[1]:.3g} s; n = {n}, T = {T}",
    )


def double(numbers: list[float]) -> torch.Tensor:
    """Return a tensor that keeps all digits."""
    return torch.tensor(numbers, dtype=torch.float64)


def launched(processes: int, *sizes: int) -> dict:
    """Start the processes and return what the first of them wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(processes), "-m", "benchmarks.sharding"]
        command += [str(path), *map(str, sizes)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{processes} processes failed:\n{done.stderr}")
        return json.loads(path.read_text())


def process(path: Path, n: int, T: int, m: int, steps: int, seed: int) -> None:
    """Compare in float64 at a small width, then take the time; one of the processes."""
    import torch.distributed as dist

    from companion.diagonal.sharded import shard, sharded_gradient_descent

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, processes = dist.get_rank(), dist.get_world_size()
    generator = torch.Generator().manual_seed(seed)
    rnn, X = problems.diagonal(n, T, 4, 256, generator)
    own = shard(in_float64(rnn), rank, processes)
    Y = problems.targets(X, generator)
    # In float64 a float32 vector of length one may be longer than one.
    risks = sharded_gradient_descent(own, 0.99 * X.double(), Y.double(), 0.1, 50).risks
    rnn, X = problems.diagonal(n, T, 4, m, generator)
    own = shard(rnn, rank, processes)
    dist.barrier()
    start = time.perf_counter()
    sharded_gradient_descent(own, X, Y, 0.01, steps)
    taken = torch.tensor(time.perf_counter() - start)
    dist.all_reduce(taken, dist.ReduceOp.MAX)
    if rank == 0:
        path.write_text(json.dumps({"seconds": float(taken), "risks": risks.tolist()}))
    dist.destroy_process_group()


def in_float64(rnn: DiagonalRNN) -> DiagonalRNN:
    """Return the network in float64."""
    return DiagonalRNN(rnn.w.double(), rnn.u.double(), rnn.c.double(), rnn.activation)


TARGETS = {"sharding": run}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("sizes", type=int, nargs=5, metavar="n T m steps seed")
    asked = parser.parse_args()
    process(asked.path, *asked.sizes)
