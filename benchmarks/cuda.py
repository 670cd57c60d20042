"""Target cuda: the Gram matrices of paper A on a GPU."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from benchmarks import problems, references
from benchmarks.measuring import Options, Row, compare, spread
from companion.diagonal.ntk import gram
from companion.diagonal.rnn import DiagonalRNN


def cuda(options: Options) -> Iterator[Row]:
    """Measure the Gram matrices of paper A on a GPU, where there is one."""
    if not torch.cuda.is_available():
        yield Row("cuda", "no GPU")
        return
    n, T, d, m = (8, 3, 4, 64) if options.quick else (256, 20, 4, 10_000)
    rnn, X = problems.diagonal(n, T, d, m, options.generator())
    there = DiagonalRNN(rnn.w.cuda(), rnn.u.cuda(), rnn.c.cuda(), rnn.activation)
    errors = compare({"gram": gram(there, X.cuda()).cpu()}, references.diagonal_gram(rnn, X))
    seconds = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        gram(there, X.cuda())
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    yield Row("cuda", "gram of target a-gram", **spread(seconds), unit=" s", errors=errors)


TARGETS = {"cuda": cuda}
