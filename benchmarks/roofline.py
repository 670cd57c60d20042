"""Target roofline: the rate of every kernel beside what the machine allows.

Operations are those of the algorithm that runs (one triangle, equal units once; an
evaluation of the activation and its derivative counts as two); bytes are those that must
cross from memory to the cache at least once: inputs, weights and results, and W of
paper B every time that it is read, where it exceeds the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import measuring, problems
from benchmarks.measuring import Options, Row, spread
from companion.diagonal import ntk, risk
from companion.relu import ntk as relu_ntk
from companion.relu.infinite_width import kernel
from companion.relu.trainers import online_sgd


@dataclass(frozen=True)
class Kernel:
    """One algorithm at one size: what runs it, its operations, the bytes it must move."""

    name: str
    call: Callable[[], object]
    operations: float
    bytes: float


def diagonal(options: Options) -> Iterator[Kernel]:
    """Give the kernels of paper A."""
    n, T, d, m = (8, 3, 4, 64) if options.quick else (256, 20, 4, 10_000)
    generator = options.generator()
    rnn, X = problems.diagonal(n, T, d, m, generator)
    Y = problems.targets(X, generator)
    states, given = n * T * m, 4.0 * (n * T * d + m * (d + 2))
    # Per state: pre-activation 2d + 2, activation 2; sensitivities 3 (d + 1) + 2, their products.
    unit_steps, products = states / 2 * (2 * d + 4 + 3 * (d + 1) + 2), n**2 * m / 2 * (d + 1)
    results = 4.0 * n**2
    yield Kernel(
        "A: Gram matrix, all t",
        lambda: ntk.gram(rnn, X),
        unit_steps + T * products,
        given + T * results,
    )
    yield Kernel(
        "A: Gram matrix, last t",
        lambda: ntk.last_gram(rnn, X),
        unit_steps + products,
        given + results,
    )
    # Forward twice, 2d + 4 and the sum over units; backward 2d + 6.
    yield Kernel(
        "A: risk and gradient",
        lambda: risk.risk_and_gradient(rnn, X, Y),
        states * (2 * (2 * d + 4) + 2 + 2 * d + 6),
        2 * given + 4.0 * m * (d + 1),
    )


def relu(options: Options) -> Iterator[Kernel]:
    """Give the kernels of paper B, but for the limit."""
    n, L, d, m = (4, 3, 4, 64) if options.quick else (64, 10, 4, 2048)
    rnn, X = problems.relu(n, L, d, m, options.generator())
    yield Kernel(
        "B: Gram matrix",
        lambda: relu_ntk.gram(rnn, X),
        4.0 * n * L * m**2 + 2.0 * (n * L) ** 2 * m,
        4.0 * (2 * L * m**2 + 4 * n * L * m + n**2),
    )
    for m, steps in ((64, 4),) if options.quick else ((1024, 40), (4096, 8)):
        generator = options.generator()
        rnn, X = problems.relu(steps, L, d, m, generator)
        y = problems.labels(steps, generator)
        yield Kernel(
            f"B: online SGD, m = {m:,}",
            lambda rnn=rnn, X=X, y=y: online_sgd(rnn, X, y, 1.0 / rnn.width),
            steps * 2.0 * m**2 * (L + (L - 1) + L),
            steps * 4.0 * m**2 * (L + (L - 1) + 2),
        )


def limit(options: Options) -> Iterator[Kernel]:
    """Give the limit kernel of paper B, in float64."""
    n, L, d = (32, 5, 4) if options.quick else (500, 20, 4)
    X = problems.unit_inputs(n, L, d, options.generator())
    # About 40 operations a pair and step, 3d of them for the distance.
    yield Kernel(
        "B: limit kernel",
        lambda: kernel(X),
        n * (n + 1) / 2 * L * (40.0 + 3 * d),
        8.0 * (n * L * d + n**2),
    )


def run(options: Options) -> Iterator[Row]:
    """Measure every kernel in turn with a product of matrices and a stream from memory."""
    machine = measuring.Machine(options.quick)
    for give in (diagonal, relu, limit):
        for found in give(options):
            timed = {"own": found.call, "GEMM": machine.product, "stream": machine.stream}
            seconds, _ = measuring.alternate(timed, options.rounds)
            rates = [1e-9 * found.operations / time for time in seconds["own"]]
            yield Row(
                "roofline",
                found.name,
                **spread(rates),
                unit=" GF/s",
                intensity=found.operations / found.bytes,
                note=f"{found.operations / found.bytes:.3g} operations a byte",
            )
    for name, rates, unit in (
        ("GEMM", machine.product_rates(seconds["GEMM"]), " GF/s"),
        ("stream", machine.stream_rates(seconds["stream"]), " GB/s"),
    ):
        yield Row("roofline", name, **spread(rates), unit=unit, note="the machine, float32")


TARGETS = {"roofline": run}
