r"""How complex a target function is in paper B: (6), (7), (10) and (12).

All four are sums of positive terms that can be far beyond floating point, so
that values are kept as logarithms; coefficients are exact.  A sum that
diverges has the value infinity, and says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from companion import arguments

PRINTED_C_1 = 100.0
"""Below (7) the constant is only said to be larger than this."""

PRECISION = 1e-15
"""Relative size of what is left out of a sum."""

MOST_TERMS = 200_000
"""A sum that needs more terms is refused."""


@dataclass(frozen=True)
class PowerSeries:
    r"""An analytic function :math:`\psi(z) = \sum_i c_i z^i` with exact coefficients.

    Parameters
    ----------
    name : str
    coefficient : Callable
        Gives :math:`c_i` as a Fraction for i = 0, 1, ...
    radius : float
        Radius of convergence, infinite for an entire function.  Inside it the terms
        must fall from the largest one on.  On the circle itself :math:`\sum_i i|c_i|R^i`
        must diverge, as it does for all series here.
    degree : int or None
        Of a polynomial; None for all others.
    log_size : Callable, optional
        Gives :math:`\log|c_i|`, where that is quicker than the exact coefficient.

    Examples
    --------
    >>> exponential.coefficient(3)
    Fraction(1, 6)
    """

    name: str
    coefficient: Callable[[int], Fraction]
    radius: float = math.inf
    degree: int | None = None
    log_size: Callable[[int], float] | None = None


def polynomial(*coefficients) -> PowerSeries:
    r"""Return the polynomial with the given coefficients, from the constant on.

    Raises
    ------
    ValueError
        If there is none, or the last one is zero.

    Examples
    --------
    >>> polynomial(0, 0, 1).degree
    2
    """
    exact = tuple(Fraction(c) for c in coefficients)
    if not exact or exact[-1] == 0:
        raise ValueError(f"coefficients must end with one that is not zero, got {coefficients}")
    terms = " + ".join(f"{c} z^{i}" for i, c in enumerate(exact) if c)
    return PowerSeries(
        terms,
        lambda i: exact[i] if i < len(exact) else Fraction(0),
        degree=len(exact) - 1,
    )


exponential = PowerSeries(
    "exp(z)", lambda i: Fraction(1, math.factorial(i)), log_size=lambda i: -math.lgamma(i + 1)
)
"""The series of Example 2.2."""

arctangent = PowerSeries(
    "arctan(z/2)",
    lambda i: Fraction((-1) ** (i // 2), i * 2**i) if i % 2 else Fraction(0),
    radius=2.0,
)
"""The series of Example 2.1, :math:`\\arctan(z/2)`."""


@dataclass(frozen=True)
class Complexity:
    r"""A complexity of at least one, by its natural logarithm.

    Parameters
    ----------
    log : float
        Infinite if the sum diverges.
    reason : str
        Why it is infinite; empty otherwise.

    Examples
    --------
    >>> round(complexity(exponential, 1.0).value, 12)
    3.718281828459
    """

    log: float
    reason: str = ""

    @property
    def value(self) -> float:
        """The number itself, infinite also where it exceeds floating point."""
        return math.exp(self.log) if self.log < 709.0 else math.inf

    @property
    def finite(self) -> bool:
        """Whether the sum converges."""
        return math.isfinite(self.log)

    def times(self, log_factor: float) -> Complexity:
        """Return the complexity times a factor given by its logarithm."""
        return Complexity(self.log + log_factor, self.reason)


def complexity(series: PowerSeries, radius: float, power: float = 1.0) -> Complexity:
    r"""Compute :math:`\mathscr C(\psi, R) = 1 + \sum_{i\ge1} i^a|c_i|R^i`, with a = 1 in the paper.

    Parameters
    ----------
    series : PowerSeries
    radius : float
        R, positive.
    power : float
        a, positive.

    Returns
    -------
    Complexity

    Raises
    ------
    ValueError
        If the radius or the power is not positive.

    Notes
    -----
    Source: Wang et al. (2021), equation (6).

    Examples
    --------
    >>> complexity(arctangent, 2.0).reason
    'the series of arctan(z/2) converges for |z| < 2 only, and R = 2'
    """
    R = arguments.positive("radius", radius)
    a = arguments.positive("power", power)
    end = _diverges(series, "R", R)
    return end or _sum(series, math.log(R), lambda i: a * math.log(i), 1, R / series.radius)


def joint_complexity(
    series: PowerSeries, radius: float, inputs: int, length: int, c_1: float = PRINTED_C_1
) -> Complexity:
    r"""Compute :math:`\mathscr C_N(\psi, R)`, for functions of N inputs.

    .. math:: 1 + \sum_{i\ge N} L^{1.5N} C_1^N\sqrt{C_{N,i}}\,(i/N)^N |c_i| R^i

    Here :math:`C_{N,i}` is the largest multinomial coefficient with N positive
    parts; for i < N there is none, and the term is left out, as printed.  As
    :math:`C_{N,i}` grows like :math:`N^i`, the sum is finite only if
    :math:`\sqrt N R` is below the radius of convergence.

    Parameters
    ----------
    series : PowerSeries
    radius : float
        R, positive.
    inputs, length : int
        N and L.
    c_1 : float
        :math:`C_1`.

    Returns
    -------
    Complexity

    Raises
    ------
    ValueError
        If an argument is not positive.

    Notes
    -----
    Source: Wang et al. (2021), equation (7).

    Examples
    --------
    >>> joint_complexity(polynomial(0, 0, 1), 1.0, 2, 1, c_1=1.0).value
    2.414213562373095
    """
    N = arguments.count("inputs", inputs)
    front = _joint_front(N, length, c_1)

    def weight(i: int) -> float:
        return front + 0.5 * log_multinomial(i, N) + N * math.log(i / N)

    return _joint(series, radius, N, weight, N)


def joint_complexity_corrected(
    series: PowerSeries, radius: float, inputs: int, length: int, c_1: float = PRINTED_C_1
) -> Complexity:
    r"""Compute (7) with a price on the degrees below N, which it leaves out as printed.

    .. math:: 1 + \sum_{i\ge1} L^{1.5N} C_1^N\sqrt{C_{N,i}}\,(\max(i, N)/N)^N |c_i| R^i

    Here the N parts of :math:`C_{N,i}` may be zero, so that it is i! for i < N.
    Parameters and errors are those of :func:`joint_complexity`.

    Returns
    -------
    Complexity

    Notes
    -----
    Source: this book; Wang et al. (2021), equation (7), corrected.

    Examples
    --------
    >>> joint_complexity(polynomial(0, 5), 1.0, 2, 1, c_1=1.0).value
    1.0
    >>> round(joint_complexity_corrected(polynomial(0, 5), 1.0, 2, 1, c_1=1.0).value, 12)
    6.0
    """
    N = arguments.count("inputs", inputs)
    front = _joint_front(N, length, c_1)

    def weight(i: int) -> float:
        size = log_multinomial(i, min(i, N))  # i! for i < N
        return front + 0.5 * size + N * math.log(max(i, N) / N)

    return _joint(series, radius, N, weight, 1)


def _joint_front(N: int, length: int, c_1: float) -> float:
    """Return the logarithm of the factor of every term of (7)."""
    size = 1.5 * math.log(arguments.count("length", length))
    return N * (size + math.log(arguments.positive("c_1", c_1)))


def _joint(series: PowerSeries, radius: float, N: int, weight, first: int) -> Complexity:
    """Sum (7) from the degree ``first`` on, or say why it is infinite."""
    R = arguments.positive("radius", radius)
    edge = math.sqrt(N) * R
    end = _diverges(series, "sqrt(N) R", edge)
    return end or _sum(series, math.log(R), weight, first, edge / series.radius)


def log_multinomial(total: int, parts: int) -> float:
    r"""Return the logarithm of the largest :math:`i!/(n_1!\cdots n_N!)`, all :math:`n_j \ge 1`.

    The parts are as equal as they can be.  Equation (7), :math:`C_{N,i}`.

    Raises
    ------
    ValueError
        If total is smaller than parts.

    Examples
    --------
    >>> round(math.exp(log_multinomial(4, 2)))
    6
    """
    N = arguments.count("parts", parts)
    small, larger = divmod(arguments.count("total", total, at_least=N), N)
    logs = larger * math.lgamma(small + 2) + (N - larger) * math.lgamma(small + 1)
    return math.lgamma(total + 1) - logs


def additive_complexity(
    series: Sequence[PowerSeries], length: int, spread: float = 1.0
) -> Complexity:
    r"""Compute (10): :math:`L^{3.5}\sum_{l,r}\mathscr C(\psi_{l,r}, C_0\sqrt L)`.

    Parameters
    ----------
    series : sequence of PowerSeries
        All :math:`\psi_{l,r}` of the target function.
    length : int
        L.
    spread : float
        :math:`C_0`, the ratio of the largest to the smallest norm of an input.

    Returns
    -------
    Complexity

    Raises
    ------
    ValueError
        If there is no series, or an argument is not positive.

    Notes
    -----
    Source: Wang et al. (2021), equation (10).

    Examples
    --------
    >>> additive_complexity([polynomial(0, 1)], 1).value
    2.0
    """
    L = arguments.count("length", length)
    if not series:
        raise ValueError("series must hold at least one power series, got none")
    radius = arguments.positive("spread", spread) * math.sqrt(L)
    parts = [complexity(psi, radius) for psi in series]
    if not all(part.finite for part in parts):
        return next(part for part in parts if not part.finite)
    top = max(part.log for part in parts)
    total = top + math.log(sum(math.exp(part.log - top) for part in parts))
    return Complexity(total + 3.5 * math.log(L))


def n_variables_complexity(
    series: PowerSeries,
    length: int,
    inputs: int,
    reach: int,
    spread: float = 1.0,
    c_1: float = PRINTED_C_1,
) -> Complexity:
    r"""Compute (12), the smaller of two complexities of a function of N inputs.

    .. math:: \min\bigl(L^2\mathscr C_N(\psi, C_0\sqrt L),\;
        L^{3.5}\mathscr C(\psi, 2^{l_0}C_0\sqrt L)\bigr)

    Parameters
    ----------
    series : PowerSeries
    length, inputs : int
        L and N.
    reach : int
        :math:`l_0`, the distance between the first and the last of the positions.
    spread, c_1 : float
        :math:`C_0` and :math:`C_1`.

    Returns
    -------
    Complexity

    Raises
    ------
    ValueError
        If an argument is not positive, or the positions do not fit the length.

    Notes
    -----
    Source: Wang et al. (2021), equation (12).

    Examples
    --------
    >>> round(n_variables_complexity(polynomial(0, 1), 4, 1, 0).value)
    384
    """
    L, N = arguments.count("length", length), arguments.count("inputs", inputs)
    l_0 = arguments.count("reach", reach, at_least=N - 1)
    if l_0 >= L:
        raise ValueError(f"reach must be smaller than length = {L}, got {l_0}")
    radius = arguments.positive("spread", spread) * math.sqrt(L)
    few = joint_complexity(series, radius, N, L, c_1).times(2.0 * math.log(L))
    return _smaller(few, series, l_0 * math.log(2.0) + math.log(radius), 3.5 * math.log(L))


def _smaller(few: Complexity, series: PowerSeries, log_radius: float, factor: float) -> Complexity:
    """Return few or exp(factor) times (6) at a radius, which may be beyond floating point."""
    if log_radius >= math.log(series.radius):
        return few
    ratio = math.exp(log_radius - math.log(series.radius))
    near = _sum(series, log_radius, math.log, 1, ratio, enough=few.log - factor).times(factor)
    return min(few, near, key=lambda part: part.log)


def _diverges(series: PowerSeries, name: str, edge: float) -> Complexity | None:
    """Return the infinite complexity if ``edge`` is not inside the circle of convergence."""
    if edge < series.radius:
        return None
    return Complexity(
        math.inf,
        f"the series of {series.name} converges for |z| < {series.radius:g} only, "
        f"and {name} = {edge:g}",
    )


def _sum(
    series: PowerSeries,
    log_radius: float,
    weight: Callable[[int], float],
    first: int,
    ratio: float,
    enough: float = math.inf,
) -> Complexity:
    """Sum 1 + exp(weight(i)) |c_i| R^i from i = first on, in logarithms.

    ``ratio`` is the limit of the ratio of two terms, below one; a sum beyond
    ``enough`` is left there.
    """
    total, before = 0.0, math.inf
    tail = -math.log1p(-ratio)  # of the geometric series, over its first term
    for i, log_size in _log_sizes(series, first):
        term = weight(i) + log_size + i * log_radius
        total = max(total, term) + math.log1p(math.exp(-abs(total - term)))
        if total > enough:
            return Complexity(total)
        falling = series.degree is None and term < before
        if falling and term + tail < total + math.log(PRECISION):
            return Complexity(total)
        before = term
    if series.degree is None:
        raise ValueError(
            f"log R = {log_radius:g} needs more than {MOST_TERMS:,} terms of {series.name}: "
            "too large"
        )
    return Complexity(total)


def _log_sizes(series: PowerSeries, first: int) -> Iterator[tuple[int, float]]:
    """Yield i and log|c_i| for the coefficients that are not zero."""
    last = MOST_TERMS if series.degree is None else series.degree
    for i in range(first, last + 1):
        if series.log_size is not None:
            yield i, series.log_size(i)
        elif c := abs(series.coefficient(i)):
            yield i, math.log(c.numerator) - math.log(c.denominator)
