r"""What paper B's learning theorem asks for: samples and step size for a target error.

Inputs are of length one, A has the text's variance, and Var(B) = 1, the book's correction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from companion import arguments
from companion.relu.complexity import (
    Complexity,
    additive_complexity,
    complexity,
    n_variables_complexity,
)
from companion.relu.concept_classes import Term
from companion.relu.infinite_width import limit_of_inputs

SHARE = math.e / (math.e - 1.0)
"""From mistakes on a sample to errors under the law."""


@dataclass(frozen=True)
class Prescription:
    r"""Samples, one SGD step each, and the step size that a theorem asks for.

    Parameters
    ----------
    samples : int
        n.
    step_size : float
        c; a network of m units takes the step c/m.
    """

    samples: int
    step_size: float


def feature_size(length: int) -> float:
    r"""Compute :math:`R^2 = \frac12\sum_{l<L}q_l = H^\infty(x, x)` for inputs of length one.

    Parameters
    ----------
    length : int
        L.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the length is not a positive integer.

    Examples
    --------
    >>> feature_size(2)
    1.0625
    """
    L = arguments.count("length", length)
    return L / 2 + (L - 1) / (4 * L**2)


def target_norm(terms: Sequence[Term], length: int) -> float:
    r"""Bound the norm of a target function in the space of :math:`H^\infty`.

    .. math::
        U = \frac{|\sum_r c_{r,0}|}{\sqrt{LP/2}} + \frac1{\sqrt\kappa}\sum_r\sum_{i\ge1}
        i^{3/4}|c_{r,i}|\,w_r(i)

    with :math:`w(i) = (L/l)^{3/4}\,l^{i/2}` for a term of one input, at position l, and
    :math:`w(i) = (L/(PN))^{i/2}` for a term of N inputs; :math:`P` and
    :math:`\kappa` belong to the length.

    Parameters
    ----------
    terms : sequence of Term
    length : int
        L.

    Returns
    -------
    float
        Infinite if it exceeds floating point.

    Raises
    ------
    ValueError
        If there is no term, a position exceeds the length, or a series diverges.

    Notes
    -----
    Source: this book, the corrected Theorem 4 of Wang et al. (2021), with
    :math:`C_{\min} = C_{\max} = 1`.

    Examples
    --------
    >>> import torch
    >>> from companion.relu.complexity import polynomial
    >>> term = Term((2,), torch.tensor([1.0, 0.0]), polynomial(0, 3))
    >>> round(target_norm([term], 4), 1)
    45.7
    """
    L = arguments.count("length", length)
    _require_terms(terms, L)
    P, kappa = _geometry(L)
    constant = abs(math.fsum(float(term.series.coefficient(0)) for term in terms))
    powers = math.fsum(_powers(term, L, P) for term in terms)
    return constant / math.sqrt(L * P / 2) + powers / math.sqrt(kappa)


def printed_complexity(terms: Sequence[Term], length: int) -> float:
    r"""Compute :math:`\mathscr C^*`, (10) or (12) as printed, summed over the terms.

    Parameters and errors are those of :func:`target_norm`.

    Returns
    -------
    float
        Infinite if it exceeds floating point.

    Notes
    -----
    Source: Wang et al. (2021), equations (10) and (12).

    Examples
    --------
    >>> import torch
    >>> from companion.relu.complexity import polynomial
    >>> printed_complexity([Term((1,), torch.tensor([1.0]), polynomial(0, 1))], 1)
    2.0
    """
    L = arguments.count("length", length)
    _require_terms(terms, L)
    return math.fsum(_printed(term, L) for term in terms)


def prescribe(
    epsilon: float,
    delta: float,
    terms: Sequence[Term],
    length: int,
    *,
    theorem: str = "sharper",
) -> Prescription:
    r"""Ask a theorem for the samples and the step size that reach an average 0-1 error.

    Parameters
    ----------
    epsilon : float
        Target for the 0-1 error, averaged over the iterates, in (0, 1).
    delta : float
        Allowed probability of failure, in (0, 1/e].
    terms : sequence of Term
        A target :math:`F^*` with :math:`yF^*(x) \ge 1` on the law of the samples.
    length : int
        L.
    theorem : str
        ``'printed'`` (Remark 3.1, :math:`(L\,\mathscr C^*)^2/\epsilon`: the constants and
        logarithms that it leaves unnamed are taken to be one), or ``'sharper'``.

    Returns
    -------
    Prescription

    Raises
    ------
    ValueError
        If an argument is outside its range, the theorem is unknown, a series diverges
        or no finite number of samples can be given, with the reason.

    Notes
    -----
    Source: Wang et al. (2021), Remark 3.1; this book, Theorem 2 corrected, in the
    infinite-width limit: :math:`c = n/R^2` and
    :math:`n \ge \frac{e}{e-1}(2R^2U^2 + 2 + \log\frac1\delta)/\epsilon`.

    Examples
    --------
    >>> import torch
    >>> from companion.relu.complexity import polynomial
    >>> term = Term((1,), torch.tensor([1.0, 0.0]), polynomial(0, 3))
    >>> prescribe(0.1, 0.1, [term], 4).samples
    191373
    """
    if not 0.0 < arguments.real("epsilon", epsilon) < 1.0:
        raise ValueError(f"epsilon must lie in (0, 1), got {epsilon!r}")
    if not 0.0 < arguments.real("delta", delta) <= math.exp(-1.0):
        raise ValueError(f"delta must lie in (0, 1/e], got {delta!r}")
    if theorem not in _SAMPLES:
        names = ", ".join(map(repr, _SAMPLES))
        raise ValueError(f"theorem must be one of {names}; got {theorem!r}")
    samples = _SAMPLES[theorem](terms, length, epsilon, delta)
    if not math.isfinite(samples):
        raise ValueError(
            f"no finite number of samples can be given: at length {length} the complexity of "
            "the target exceeds the floating-point range"
        )
    n = math.ceil(samples)
    return Prescription(n, n / feature_size(length))


def _sharper(terms: Sequence[Term], length: int, epsilon: float, delta: float) -> float:
    size = feature_size(length) * _square(target_norm(terms, length))
    return SHARE * (2.0 * size + 2.0 + math.log(1.0 / delta)) / epsilon


def _printed_samples(terms: Sequence[Term], length: int, epsilon: float, delta: float) -> float:
    return _square(length * printed_complexity(terms, length)) / epsilon


_SAMPLES: dict[str, Callable[..., float]] = {"printed": _printed_samples, "sharper": _sharper}


def _square(value: float) -> float:
    return value * value  # infinite beyond floating point, where ** raises


def _require_terms(terms: Sequence[Term], length: int) -> None:
    if not terms:
        raise ValueError("terms must hold at least one term, got none")
    last = max(max(term.positions) for term in terms)
    if last > length:
        raise ValueError(f"positions must not exceed length = {length}, got {last}")


def _geometry(length: int) -> tuple[float, float]:
    r"""Return P and kappa, from one pair of orthogonal unit sequences."""
    pair = torch.eye(2, dtype=torch.float64)[:, None].expand(2, length, 2).contiguous()
    P = limit_of_inputs(pair).sigma[:, 0, 1].prod().item()
    q_L = 1.0 + length**-2.0
    return P, math.sqrt(2.0) * P**1.5 / (6.0 * math.pi**1.5 * math.sqrt(q_L))


def _powers(term: Term, length: int, P: float) -> float:
    """Return the sum over the degrees from one on."""
    N = len(term.positions)
    place = term.positions[0]
    front = (length / place) ** 0.75 if N == 1 else 1.0
    radius = math.sqrt(place) if N == 1 else math.sqrt(length / (P * N))
    return front * (_finite(complexity(term.series, radius, power=0.75)) - 1.0)


def _printed(term: Term, length: int) -> float:
    if len(term.positions) == 1:
        found = additive_complexity([term.series], length)
    else:
        reach = max(term.positions) - min(term.positions)
        found = n_variables_complexity(term.series, length, len(term.positions), reach)
    return _finite(found)


def _finite(found: Complexity) -> float:
    """Return the value, or say why the sum diverges."""
    if not found.finite:
        raise ValueError(f"no finite number of samples can be given: {found.reason}")
    return found.value
