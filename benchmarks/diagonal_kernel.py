"""Target a-kernel: rules of quadrature for the limiting kernel of paper A.

Every rule evaluates the same integrand with the same code, so that only the
nodes differ.  A peer gets as many nodes as the rule of the package, or the next
number that a tensor rule allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy
import torch
from torch import Tensor

from benchmarks import measuring, problems
from benchmarks.measuring import Options, Row, spread
from companion.activations import tanh
from companion.diagonal.infinite_width import Nodes, Sobol, Trapezoid, gram_at_nodes, kernel

OWN = {2: Trapezoid(0.2), 4: Sobol(2**12, 8), 8: Sobol(2**12, 8)}
"""Rules measured, by dimension: those that the package takes by itself, or cheaper ones."""

FINE = {2: Trapezoid(0.1), 4: Sobol(2**16, 8, seed=100), 8: Sobol(2**16, 8, seed=100)}
"""Rules that give the reference; what they say of their own error is shown."""

QUICK = {2: (Trapezoid(0.5), Trapezoid(0.25))} | {
    d: (Sobol(2**6, 4), Sobol(2**9, 4, seed=100)) for d in (4, 8)
}


def gauss_hermite(d: int, wanted: int) -> Nodes:
    """Return the smallest tensor rule of at least ``wanted`` nodes."""
    side = math.ceil(wanted ** (1.0 / d) - 1e-9)
    points, weights = (
        torch.from_numpy(part) for part in numpy.polynomial.hermite_e.hermegauss(side)
    )
    weights = weights / weights.sum()
    products = torch.cartesian_prod(*[weights] * d).reshape(-1, d).prod(dim=1)
    return torch.cartesian_prod(*[points] * d).reshape(-1, d), products


def monte_carlo(d: int, count: int, generator: torch.Generator) -> Nodes:
    """Return plain Monte Carlo points."""
    points = torch.randn(count, d, generator=generator, dtype=torch.float64)
    return points, torch.full((count,), 1.0 / count, dtype=torch.float64)


def digits(error: float) -> float:
    """Return the number of correct digits."""
    return max(0.0, -math.log10(max(error, 1e-16)))


def measured(d: int, options: Options) -> Iterator[Row]:
    """Compare the rules in one dimension."""
    n, T = (3, 4) if options.quick else (3, 20)
    rule, fine = QUICK[d] if options.quick else (OWN[d], FINE[d])
    X = problems.unit_inputs(n, T, d, options.generator())
    given = {"alpha": problems.ALPHA, "activation": tanh}
    reference = kernel(X, **given, rule=fine)
    count = sum(len(points) for points, _ in rule.node_sets(d))
    name = type(rule).__name__
    timed = {
        name: lambda: kernel(X, **given, rule=rule).value,
        "Gauss-Hermite": lambda: at_nodes(X, gauss_hermite(d, count)),
        "Monte Carlo": lambda: at_nodes(X, monte_carlo(d, count, options.generator())),
    }
    # No tolerance: how far each is from the limit is what is measured.
    results = {key: call() for key, call in timed.items()}
    errors = {
        key: measuring.relative_error(value, reference.value) for key, value in results.items()
    }
    own_error = float(reference.error.max() / reference.value.abs().max())
    seconds, _ = measuring.alternate(timed, options.rounds)
    for peer in ("Gauss-Hermite", "Monte Carlo"):
        yield row(d, name, peer, count, errors, seconds, own_error)


def at_nodes(X: Tensor, nodes: Nodes) -> Tensor:
    """Return the kernel summed over one node set."""
    return gram_at_nodes(X, None, problems.ALPHA, tanh, nodes)


def row(
    d: int, own: str, peer: str, count: int, errors: dict, seconds: dict, reference_error: float
) -> Row:
    """Return the row of correct digits per second, own beside a peer's."""
    speed = {name: [digits(errors[name]) / time for time in seconds[name]] for name in (own, peer)}
    per_second = {name: spread(values)["value"] for name, values in speed.items()}
    note = (
        f"{count:,} nodes; digits {digits(errors[own]):.1f} and {digits(errors[peer]):.1f}, "
        f"a second {per_second[own]:.3g} and {per_second[peer]:.3g}; "
        f"the reference's own error is {reference_error:.0e}"
    )
    if peer == "Monte Carlo":
        note += f"; it needs {(errors[peer] / errors[own]) ** 2:.2g}x the nodes for this error"
    if not per_second[peer]:
        return Row("a-kernel", f"d = {d}: {own} against {peer}", note=note)
    found = spread(measuring.ratios(speed[own], speed[peer]))
    what = f"d = {d}: digits a second, {own} against {peer}"
    shown = measuring.pair(errors, own, peer)
    return Row("a-kernel", what, **found, unit="x", errors=shown, note=note)


def run(options: Options) -> Iterator[Row]:
    """Compare the rules for d = 2, 4 and 8."""
    for d in (2, 4, 8):
        yield from measured(d, options)


TARGETS = {"a-kernel": run}
