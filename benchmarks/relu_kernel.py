"""Target b-kernel: the kernel of paper B at infinite width, float64."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import measuring, problems, references
from benchmarks.measuring import Disagreement, Options, Row
from companion.relu.infinite_width import kernel

TOLERANCE = 1e-12
"""Relative error allowed in float64."""

PAIRS = ((0, 0), (0, 1), (1, 2))
"""Entries compared with a computation of 50 digits; one sequence meets itself."""


def run(options: Options) -> Iterator[Row]:
    """Measure the time once and the memory; the exponents are those of target scaling."""
    n, L = (64, 10) if options.quick else (2000, 100)
    X = problems.unit_inputs(3, L, 4, options.generator())
    few = kernel(X)
    errors = {}
    for i, j in PAIRS:
        exact = references.relu_kernel(X[i], X[j])
        errors[f"entry {i}, {j}"] = abs(float(few[i, j]) / exact - 1.0)
    if not max(errors.values()) <= TOLERANCE:
        raise Disagreement(f"kernel: relative error {max(errors.values()):.2e}")
    found = measuring.fresh("b-kernel", n, options.quick)
    took, share = found["seconds"], found["bytes"] / (8 * n**2)
    yield Row(
        "b-kernel",
        f"time, n = {n:,}, L = {L}",
        took,
        unit=" s",
        errors=errors,
        work=1e-9 * n * (n + 1) / 2 * L / took,
        rate="G pair steps/s",
        note="one run, in the process that measures memory",
    )
    note = f"{found['bytes'] / measuring.MIB:.1f} MiB"
    yield Row("b-kernel", "peak memory beside 8 n^2 bytes", share, unit="x", note=note)


TARGETS = {"b-kernel": run}
