"""Measure the targets, print the table, store the results: see the package's docstring."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import sys
import textwrap
import time
from pathlib import Path

import torch

from benchmarks import (
    cuda,
    diagonal_gradient,
    diagonal_gram,
    diagonal_kernel,
    relu_gram,
    relu_kernel,
    relu_sgd,
    roofline,
    scaling,
    sharding,
)
from benchmarks.measuring import Disagreement, Options, Row
from benchmarks.threads import THREADS

TARGETS = (
    diagonal_gram.TARGETS
    | diagonal_gradient.TARGETS
    | diagonal_kernel.TARGETS
    | relu_gram.TARGETS
    | relu_sgd.TARGETS
    | relu_kernel.TARGETS
    | scaling.TARGETS
    | roofline.TARGETS
    | cuda.TARGETS
    | sharding.TARGETS
)

RESULTS = Path(__file__).parent / "results.json"

LIBRARIES = ("torch", "numpy", "jax", "jaxlib", "neural-tangents")


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=TARGETS, help="may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--output", type=Path, help="where results go; none if quick")
    asked = parser.parse_args()
    if asked.output is None and not asked.quick:
        asked.output = RESULTS
    return asked


def circumstances(options: Options) -> dict:
    """Return what a reader needs to run the same again."""
    return {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "seed": options.seed,
        "rounds": options.rounds,
        "threads": THREADS,
        "cores": os.cpu_count(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in LIBRARIES},
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def cell(row: Row) -> str:
    """Return the value of a row with its range."""
    if row.value is None:
        return "-"
    spread = "" if row.low is None else f" [{row.low:.3g}, {row.high:.3g}]"
    return f"{row.value:.3g}{row.unit}{spread}"


def lines(row: Row) -> str:
    """Return a row of the table, with what does not fit below it."""
    verdict = {None: "", True: "met", False: "MISSED"}[row.met]
    text = f"{row.target:<12} {row.what:<58} {cell(row):<26} {row.goal:<10} {verdict}".rstrip()
    below = []
    if row.errors:
        named = (f"{name} {error:.0e}" for name, error in row.errors.items())
        below.append("error: " + ", ".join(named))
    if row.work is not None:
        beside = "" if row.machine is None else f" beside the machine's {row.machine:.3g}"
        below.append(f"rate: {row.work:.3g}{beside} {row.rate}")
    below += [row.note] if row.note else []
    indented = textwrap.indent(textwrap.fill("; ".join(below), 110), " " * 13)
    return f"{text}\n{indented}" if below else text


def store(path: Path, name: str, run: dict, rows: list[Row]) -> None:
    """Write the rows of one target and keep those of the others."""
    stored = json.loads(path.read_text()) if path.exists() else {}
    stored[name] = {**run, "rows": [row.record() for row in rows]}
    ordered = {key: stored[key] for key in TARGETS if key in stored}
    path.write_text(json.dumps(ordered, indent=1) + "\n")


def measure(name: str, options: Options, output: Path | None) -> list[Row]:
    """Measure one target, print its rows as they come, store them."""
    run, start, rows = circumstances(options), time.perf_counter(), []
    for row in TARGETS[name](options):
        row.met = None if options.quick else row.met  # tiny sizes meet and miss nothing
        rows.append(row)
        print(lines(row), flush=True)
    run["seconds"] = round(time.perf_counter() - start, 1)
    if output is not None:
        store(output, name, run, rows)
    return rows


def main() -> int:
    """Measure what was asked for; not zero if a candidate computes something else."""
    asked = parsed()
    torch.set_num_threads(THREADS)
    options = Options(asked.rounds, asked.quick, asked.seed)
    if asked.quick:
        print("Tiny sizes: this shows that everything runs, no ratio below means anything.")
    print(f"{'target':<12} {'measured':<58} {'median [range]':<26} goal")
    rows = []
    try:
        for name in asked.only or TARGETS:
            rows += measure(name, options, asked.output)
    except Disagreement as fault:
        print(f"{name}: stopped, a candidate disagrees with the reference: {fault}")
        return 1
    missed = sum(row.met is False for row in rows)
    print(f"{sum(row.met is True for row in rows)} goals met, {missed} missed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
