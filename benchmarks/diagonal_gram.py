"""Targets a-gram and a-gram-last: the empirical tangent kernel of paper A."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from torch import Tensor

from benchmarks import measuring, peers_torch, problems, references
from benchmarks.measuring import Options, Row, against, compare, pair, ratios, spread
from companion.diagonal import ntk
from companion.diagonal.rnn import DiagonalRNN

OWN, NT, FUNC = "gram", "neural-tangents", "torch.func"
LAST = "last_gram"

FEW = 32
"""Samples on which the candidates are compared before the clock starts."""


def sizes(quick: bool) -> tuple[int, int, int, int]:
    """Return n, T, d and m."""
    return (8, 3, 4, 64) if quick else (256, 20, 4, 10_000)


@functools.cache  # both targets need the reference, which takes a while
def problem(options: Options) -> tuple[DiagonalRNN, Tensor, Tensor]:
    """Return the network, the inputs and the float64 reference for all t."""
    rnn, X = problems.diagonal(*sizes(options.quick), options.generator())
    return rnn, X, references.diagonal_gram(rnn, X)


def candidates(rnn: DiagonalRNN, X: Tensor) -> dict[str, Callable[[], Tensor]]:
    """Return what computes the Gram matrices for all t."""
    from benchmarks import peers_jax  # imports tensorflow: not for the other targets

    return {
        OWN: lambda: ntk.gram(rnn, X),
        NT: peers_jax.gram(rnn, X),
        FUNC: lambda: peers_torch.func_gram(rnn, X),
    }


def candidates_last(rnn: DiagonalRNN, X: Tensor) -> dict[str, Callable[[], Tensor]]:
    """Return what computes the Gram matrix at the last t."""
    from benchmarks import peers_jax

    return {
        LAST: lambda: ntk.last_gram(rnn, X),
        NT: peers_jax.gram_last(rnn, X),
        FUNC: lambda: peers_torch.func_gram_last(rnn, X),
    }


def measured(
    make: Callable, last: bool, options: Options
) -> tuple[dict[str, list[float]], dict[str, float], measuring.Machine]:
    """Compare on a few samples, take the time on all, compare again."""
    rnn, X, reference = problem(options)
    reference = reference[-1] if last else reference
    few = {name: call() for name, call in make(rnn, X[:FEW]).items()}
    compare(few, reference[..., :FEW, :FEW])
    machine = measuring.Machine(options.quick)
    timed = {**make(rnn, X), "GEMM": machine.product}
    fewer = {NT: options.slow(), FUNC: options.slow()}
    seconds, results = measuring.alternate(timed, options.rounds, fewer)
    del results["GEMM"]
    return seconds, compare(results, reference), machine


def every_t(options: Options) -> Iterator[Row]:
    """Measure the Gram matrices for all t."""
    n, T, d, m = sizes(options.quick)
    seconds, errors, machine = measured(candidates, False, options)
    for peer, least in ((NT, 40.0), (FUNC, 30.0)):
        yield against("a-gram", peer, seconds, OWN, least, errors=pair(errors, OWN, peer))
    flops = 2e-9 * n**2 * T * m * (d + 1)
    gemm = machine.product_rates(seconds["GEMM"])
    own = [flops / time for time in seconds[OWN]]
    share = spread(ratios(own, gemm))
    yield Row(
        "a-gram",
        "nominal flops a second beside those of GEMM",
        **share,
        unit="x",
        goal=">= 0.6",
        met=share["value"] >= 0.6,
        errors={OWN: errors[OWN]},
        work=spread(own)["value"],
        machine=spread(gemm)["value"],
        rate="GF/s",
        note="nominal: 2 n^2 T m (d + 1); equal units and one triangle save three quarters",
    )
    yield from memory(options)


def memory(options: Options) -> Iterator[Row]:
    """Measure the peak memory at three widths."""
    for m in (1_000, 4_000) if options.quick else (10_000, 100_000, 1_000_000):
        extra = measuring.extra_memory("a-gram", m, options.quick)
        yield Row("a-gram", f"peak memory, m = {m:,}", extra, unit=" MiB")


def last_t(options: Options) -> Iterator[Row]:
    """Measure the Gram matrix at the last t."""
    seconds, errors, _ = measured(candidates_last, True, options)
    for peer, least in ((NT, 10.0), (FUNC, None)):
        shown = pair(errors, LAST, peer)
        yield against("a-gram-last", peer, seconds, LAST, least, errors=shown)


TARGETS = {"a-gram": every_t, "a-gram-last": last_t}
