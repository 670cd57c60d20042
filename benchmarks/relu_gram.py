"""Target b-gram: the empirical tangent kernel of paper B."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import measuring, peers_torch, problems, references
from benchmarks.measuring import Options, Row, against, compare, pair, spread
from companion.relu import ntk

OWN, NT, FUNC, LOOP = "gram", "neural-tangents", "torch.func", "backward loop"

PEERS = (NT, FUNC, LOOP)

PEERS_TOLERANCE = 1e-5
"""Peers multiply gradients of m^2 entries: sums of millions of terms in float32."""


def run(options: Options) -> Iterator[Row]:
    """Measure against neural-tangents, torch.func and a loop over samples."""
    from benchmarks import peers_jax

    n, L, d, m = (4, 3, 4, 64) if options.quick else (64, 10, 4, 2048)
    rnn, X = problems.relu(n, L, d, m, options.generator())
    timed = {
        OWN: lambda: ntk.gram(rnn, X),
        NT: peers_jax.relu_gram(rnn, X),
        FUNC: lambda: peers_torch.func_relu_gram(rnn, X),
        LOOP: lambda: peers_torch.backward_relu_gram(rnn, X),
    }
    results = {name: call() for name, call in timed.items()}
    errors = compare(results, references.relu_gram(rnn, X), dict.fromkeys(PEERS, PEERS_TOLERANCE))
    machine = measuring.Machine(options.quick)
    timed["GEMM"] = machine.product
    fewer = dict.fromkeys(PEERS, options.slow())
    seconds, _ = measuring.alternate(timed, options.rounds, fewer)
    # Forward and backward vectors, then two products of (nL, m) with its transpose.
    flops = 4e-9 * n * L * m**2 + 4e-9 * (n * L) ** 2 * m
    rates = {
        "work": flops / spread(seconds[OWN])["value"],
        "machine": spread(machine.product_rates(seconds["GEMM"]))["value"],
        "rate": "GF/s",
    }
    for peer, least in ((NT, 40.0), (FUNC, 50.0), (LOOP, 20.0)):
        yield against("b-gram", peer, seconds, OWN, least, errors=pair(errors, OWN, peer), **rates)
    extra = measuring.extra_memory("b-gram", m, options.quick)
    yield Row("b-gram", f"peak memory, m = {m:,}", extra, unit=" MiB")


TARGETS = {"b-gram": run}
