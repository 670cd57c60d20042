"""Target b-sgd: a step of online SGD of paper B, against PyTorch's own modules."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from benchmarks import measuring, peers_torch, problems, references
from benchmarks.measuring import Options, Row, against, compare, relative_error, spread
from companion.relu.rnn import ReLURNN
from companion.relu.trainers import online_sgd

OWN, PEER = "online_sgd", "nn.RNN + optim.SGD"

MOVED_TOLERANCE = 1e-3
"""Relative error allowed in W^n - W^0, which float32 knows to fewer digits than W^n."""

CHECKED = 2
"""Steps after which the candidates are compared."""


def candidates(rnn: ReLURNN, X: Tensor, y: Tensor, eta: float) -> dict:
    """Return what runs the same steps and ends with the same W."""
    return {
        OWN: lambda: online_sgd(rnn, X, y, eta).last.W,
        PEER: lambda: peers_torch.module_sgd(rnn, X, y, eta),
    }


def checked(rnn: ReLURNN, X: Tensor, y: Tensor, eta: float) -> tuple[dict, str]:
    """Compare W after some steps, and how far it moved."""
    reference = references.relu_sgd(rnn, X, y, eta)
    results = {name: call() for name, call in candidates(rnn, X, y, eta).items()}
    errors = compare(results, reference)
    start = rnn.W.double()
    moved = {
        name: relative_error(W.double() - start, reference - start) for name, W in results.items()
    }
    for name, error in moved.items():
        if not error <= MOVED_TOLERANCE:
            raise measuring.Disagreement(f"{name}: moved part wrong by {error:.2e}")
    return errors, f"moved part {moved[OWN]:.0e} and {moved[PEER]:.0e}"


def measured(m: int, steps: int, least: float, options: Options) -> Iterator[Row]:
    """Measure at one width."""
    L, generator = 3 if options.quick else 10, options.generator()
    rnn, X = problems.relu(steps, L, 4, m, generator)
    y, eta = problems.labels(steps, generator), 1.0 / m
    errors, note = checked(rnn, X[:CHECKED], y[:CHECKED], eta)
    machine = measuring.Machine(options.quick)
    timed = {**candidates(rnn, X, y, eta), "stream": machine.stream}
    seconds, _ = measuring.alternate(timed, options.rounds)
    per_step = {
        key: [time / (1 if key == "stream" else steps) for time in values]
        for key, values in seconds.items()
    }
    # W is read for each step forward, for each but one backward, then read and written.
    moved = 4e-9 * m**2 * (L + (L - 1) + 2)
    row = against(
        "b-sgd",
        PEER,
        per_step,
        OWN,
        least,
        errors=errors,
        work=moved / spread(per_step[OWN])["value"],
        machine=spread(machine.stream_rates(seconds["stream"]))["value"],
        rate="GB/s",
        note=f"a step; {note}; W takes {4 * m**2 / measuring.MIB:.0f} MiB",
    )
    row.what = f"m = {m:,}: {row.what}"
    yield row
    extra = measuring.extra_memory("b-sgd", m, options.quick)
    yield Row("b-sgd", f"peak memory, m = {m:,}, W included", extra, unit=" MiB")


def run(options: Options) -> Iterator[Row]:
    """Measure at two widths: W in the cache, and not."""
    cases = ((1024, 40, 2.5), (4096, 8, 8.0))
    for m, steps, least in ((64, 4, 2.5), (128, 4, 8.0)) if options.quick else cases:
        yield from measured(m, steps, least, options)


TARGETS = {"b-sgd": run}
