r"""Target functions of paper B, classes (9) and (11), and samples with margin one.

A target is a sum of terms; a term is a power series of one direction of the
inputs at N positions.  With N = 1 it belongs to the additive class (9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from companion import arguments
from companion.relu.complexity import PowerSeries

BATCH = 1024
"""Sequences drawn at a time; those without margin are dropped."""

FEWEST = 1e-3
"""A target that separates a smaller share of the sequences with margin one is refused."""

TERMS = 80
"""Coefficients used of a series that does not end; 2^-80 is below rounding."""


@dataclass(frozen=True)
class Term:
    r"""One term :math:`\psi(\langle\beta, x\rangle)` of a target.

    With :math:`x = [X_{l_1}, \dots, X_{l_N}]/(\sqrt N\max_n\|X_{l_n}\|)`.

    Parameters
    ----------
    positions : tuple of int
        :math:`l_1, \dots, l_N`, different, counted from 1.
    direction : Tensor of shape (N d,)
        :math:`\beta`, of length at most 1.
    series : PowerSeries
        :math:`\psi`, converging for arguments below 2 in size.

    Raises
    ------
    ValueError
        If positions repeat, the direction is longer than 1 or does not divide
        into N inputs, or the series converges on too small a disc.

    Notes
    -----
    Source: Wang et al. (2021), equations (9) and (11), with the parenthesis
    around the denominator that (11) needs.

    Examples
    --------
    >>> from companion.relu.complexity import polynomial
    >>> Term((2,), torch.tensor([0.6, 0.8]), polynomial(0, 0, 1)).dimension
    2
    """

    positions: tuple[int, ...]
    direction: Tensor
    series: PowerSeries

    def __post_init__(self) -> None:
        places = [arguments.count("position", place) for place in self.positions]
        if not places or len(set(places)) < len(places):
            raise ValueError(
                f"positions must hold different numbers, at least one, got {self.positions}"
            )
        beta = arguments.tensor("direction", self.direction, ("N d",))
        object.__setattr__(self, "direction", arguments.in_unit_ball("direction", beta))
        if len(beta) % len(places):
            raise ValueError(
                f"direction must have a multiple of {len(places)} entries, got {len(beta)}"
            )
        if self.series.radius < 2.0:
            raise ValueError(f"series must converge for |z| < 2, got {self.series.name}")

    @property
    def dimension(self) -> int:
        """The dimension d of an input."""
        return len(self.direction) // len(self.positions)


def target(terms: Sequence[Term], X: Tensor) -> Tensor:
    r"""Compute :math:`F^*(x)` for every sequence.

    Parameters
    ----------
    terms : sequence of Term
    X : Tensor of shape (n, L, d)
        No input at a position that is read may be zero.

    Returns
    -------
    Tensor of shape (n,)

    Raises
    ------
    ValueError
        If there is no term, X has another shape, a position exceeds the length,
        or an input that is read is zero.

    Notes
    -----
    Source: Wang et al. (2021), equations (9) and (11).

    Examples
    --------
    >>> from companion.relu.complexity import polynomial
    >>> square = Term((2,), torch.tensor([0.5, 0.5]), polynomial(1, 0, 1))
    >>> target([square], torch.tensor([[[1.0, 0.0], [0.0, 3.0]]])).tolist()
    [1.25]
    """
    terms = _not_empty(terms)
    X = arguments.tensor("X", X, ("n", "L", terms[0].dimension), like=terms[0].direction)
    return sum(_value(term, X) for term in terms)


def sample(
    terms: Sequence[Term], samples: int, length: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    r"""Draw sequences of uniform unit vectors on which the target has margin one.

    Parameters
    ----------
    terms : sequence of Term
    samples, length : int
        n and L.
    generator : torch.Generator
        The source of randomness; its state moves on.

    Returns
    -------
    X : Tensor of shape (n, L, d)
        Independent, uniform on the product of spheres given
        :math:`|F^*(x)| \ge 1`.  The first of them do not depend on n.
    F : Tensor of shape (n,)
        :math:`F^*(x)`, at least 1 in size; the labels are its signs.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or hardly any sequence has margin one.

    Notes
    -----
    Source: Wang et al. (2021), the condition of Theorem 2.

    Examples
    --------
    >>> from companion.relu.complexity import polynomial
    >>> steep = Term((1,), torch.tensor([1.0, 0.0], dtype=torch.float64), polynomial(0, 3))
    >>> X, F = sample([steep], 5, 4, torch.Generator().manual_seed(1))
    >>> X.shape, bool((F.abs() >= 1).all())
    (torch.Size([5, 4, 2]), True)
    """
    n, L = arguments.count("samples", samples), arguments.count("length", length)
    terms = _not_empty(terms)
    kept: list[tuple[Tensor, Tensor]] = []
    while _found(kept) < n:
        X = _directions(BATCH, L, terms, generator)
        F = target(terms, X)
        kept.append((X[F.abs() >= 1.0], F[F.abs() >= 1.0]))
        drawn = BATCH * len(kept)
        if _found(kept) < FEWEST * drawn:
            raise ValueError(
                f"terms must separate sequences with margin 1, got it on {_found(kept)} of "
                f"{drawn:,}: multiply the series by a larger number"
            )
    X, F = (torch.cat(parts)[:n] for parts in zip(*kept, strict=True))
    return X, F


def _found(kept: list[tuple[Tensor, Tensor]]) -> int:
    return sum(len(F) for _, F in kept)


def _not_empty(terms: Sequence[Term]) -> Sequence[Term]:
    if not terms:
        raise ValueError("terms must hold at least one term, got none")
    return terms


def _directions(count: int, length: int, terms: Sequence[Term], generator) -> Tensor:
    """Draw uniform unit vectors, shape (count, L, d)."""
    first = terms[0].direction
    draw = {"generator": generator, "dtype": first.dtype, "device": first.device}
    X = torch.randn(count, length, terms[0].dimension, **draw)
    return X / X.norm(dim=-1, keepdim=True)


def _value(term: Term, X: Tensor) -> Tensor:
    """Evaluate one term; the argument of its series is at most 1 in size."""
    if max(term.positions) > X.shape[1]:
        raise ValueError(
            f"X must have at least {max(term.positions)} inputs a sequence, got {X.shape[1]}"
        )
    chosen = X[:, [place - 1 for place in term.positions]]
    largest = chosen.norm(dim=-1).amax(dim=-1)
    if bool((largest == 0.0).any()):
        raise ValueError("X must not be zero at the positions that are read, got such a sequence")
    z = chosen.flatten(1) @ term.direction / (len(term.positions) ** 0.5 * largest)
    degree = TERMS if term.series.degree is None else term.series.degree
    value = torch.zeros_like(z)
    for power in range(degree, -1, -1):
        value = value * z + float(term.series.coefficient(power))
    return value
