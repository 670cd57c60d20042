"""Target a-gradient: the empirical risk of paper A and its gradient."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import measuring, peers_torch, problems, references
from benchmarks.measuring import Options, Row, against, compare, spread
from companion.diagonal.risk import risk_and_gradient

OWN, PEER = "risk_and_gradient", "autograd loop"


def run(options: Options) -> Iterator[Row]:
    """Measure against a plain loop over t and ``backward``."""
    n, T, d, m = (8, 3, 4, 64) if options.quick else (256, 20, 4, 10_000)
    generator = options.generator()
    rnn, X = problems.diagonal(n, T, d, m, generator)
    Y = problems.targets(X, generator)
    timed = {
        OWN: lambda: risk_and_gradient(rnn, X, Y),
        PEER: lambda: peers_torch.autograd_gradient(rnn, X, Y),
    }
    reference = references.diagonal_gradient(rnn, X, Y)
    results = {name: peers_torch.flat(*call()) for name, call in timed.items()}
    errors = compare(results, reference)
    machine = measuring.Machine(options.quick)
    seconds, _ = measuring.alternate({**timed, "stream": machine.stream}, options.rounds)
    yield against(
        "a-gradient",
        PEER,
        seconds,
        OWN,
        3.0,
        errors=errors,
        work=8e-9 * n * T * m / spread(seconds[OWN])["value"],
        machine=spread(machine.stream_rates(seconds["stream"]))["value"],
        rate="GB/s",
        note="work: every state written and read once",
    )
    yield from memory(options)


def memory(options: Options) -> Iterator[Row]:
    """Measure the peak memory at three widths, and that of the loop at the first."""
    widths = (1_000, 4_000) if options.quick else (10_000, 100_000, 1_000_000)
    for case, name, m in (
        *(("a-gradient", OWN, m) for m in widths),
        ("a-gradient-autograd", PEER, widths[0]),
    ):
        extra = measuring.extra_memory(case, m, options.quick)
        yield Row("a-gradient", f"peak memory, {name}, m = {m:,}", extra, unit=" MiB")


TARGETS = {"a-gradient": run}
