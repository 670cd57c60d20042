"""Target scaling: how the costs grow, each over a factor of 32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import measuring, problems
from benchmarks.measuring import Options, Row, spread
from companion.diagonal import ntk as diagonal_ntk
from companion.diagonal.risk import risk_and_gradient
from companion.relu import infinite_width as relu_limit
from companion.relu import ntk as relu_ntk
from companion.relu.trainers import online_sgd

DOUBLINGS = 5

Call = Callable[[], object]


@dataclass(frozen=True)
class Study:
    """One kernel and one size that grows from ``first``; the others stay at ``base``."""

    kernel: str
    size: str
    first: int
    base: dict[str, int]
    expected: str


def gram_a(generator, n: int, T: int, m: int) -> Call:
    """Gram matrix of paper A."""
    rnn, X = problems.diagonal(n, T, 4, m, generator)
    return lambda: diagonal_ntk.gram(rnn, X)


def gradient_a(generator, n: int, T: int, m: int) -> Call:
    """Risk and gradient of paper A."""
    rnn, X = problems.diagonal(n, T, 4, m, generator)
    Y = problems.targets(X, generator)
    return lambda: risk_and_gradient(rnn, X, Y)


def gram_b(generator, n: int, L: int, m: int) -> Call:
    """Gram matrix of paper B."""
    rnn, X = problems.relu(n, L, 4, m, generator)
    return lambda: relu_ntk.gram(rnn, X)


def sgd_b(generator, n: int, L: int, m: int) -> Call:
    """Steps of online SGD of paper B."""
    rnn, X = problems.relu(n, L, 4, m, generator)
    y = problems.labels(n, generator)
    # So small a step that no length overflows; the cost is the same.
    return lambda: online_sgd(rnn, X, y, 1e-4 / m)


def limit_b(generator, n: int, L: int) -> Call:
    """Kernel of paper B at infinite width."""
    X = problems.unit_inputs(n, L, 4, generator)
    return lambda: relu_limit.kernel(X)


KERNELS: dict[str, Callable[..., Call]] = {
    "a-gram": gram_a,
    "a-gradient": gradient_a,
    "b-gram": gram_b,
    "b-sgd": sgd_b,
    "b-kernel": limit_b,
}

STUDIES = (
    Study("a-gram", "n", 64, {"T": 4, "m": 2000}, "1 (recursion) to 2 (products)"),
    Study("a-gram", "T", 2, {"n": 128, "m": 2000}, "1"),
    Study("a-gram", "m", 2000, {"n": 128, "T": 4}, "1"),
    Study("a-gradient", "n", 16, {"T": 10, "m": 4000}, "1"),
    Study("a-gradient", "T", 4, {"n": 64, "m": 4000}, "1"),
    Study("a-gradient", "m", 2000, {"n": 64, "T": 10}, "1"),
    Study("b-gram", "n", 16, {"L": 4, "m": 256}, "1 (vectors) to 2 (products)"),
    Study("b-gram", "L", 2, {"n": 32, "m": 256}, "1 (vectors) to 2 (products)"),
    Study("b-gram", "m", 128, {"n": 64, "L": 10}, "1 (products) to 2 (vectors)"),
    Study("b-sgd", "L", 2, {"n": 10, "m": 1024}, "1"),
    Study("b-sgd", "m", 256, {"n": 3, "L": 4}, "2, more where W leaves the cache"),
    Study("b-kernel", "n", 64, {"L": 10}, "2"),
    Study("b-kernel", "L", 4, {"n": 256}, "1"),
)


def measured(study: Study, options: Options) -> Row:
    """Time every size in turn and fit the exponent."""
    if options.quick:
        first, base = 8, {name: min(size, 8) for name, size in study.base.items()}
    else:
        first, base = study.first, study.base
    sizes = [first * 2**k for k in range(DOUBLINGS + 1)]
    make = KERNELS[study.kernel]
    timed = {str(size): make(options.generator(), **base, **{study.size: size}) for size in sizes}
    timed[str(sizes[0])]()  # what libraries do when they are first used
    seconds, _ = measuring.alternate(timed, options.slow())
    medians = [spread(seconds[str(size)])["value"] for size in sizes]
    slope, low, high = measuring.exponent(sizes, medians)
    held = ", ".join(f"{name} = {size:,}" for name, size in base.items())
    what = f"{study.kernel}: exponent in {study.size}, {sizes[0]:,} to {sizes[-1]:,}, {held}"
    note = f"95 % interval; {medians[0]:.2g} s to {medians[-1]:.2g} s"
    return Row("scaling", what, slope, low, high, goal=f"expected {study.expected}", note=note)


def run(options: Options) -> Iterator[Row]:
    """Fit every exponent."""
    for study in STUDIES:
        yield measured(study, options)


TARGETS = {"scaling": run}
