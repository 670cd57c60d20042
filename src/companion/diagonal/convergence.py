r"""Right-hand sides of paper A's convergence theorems, and what they prescribe.

All risks are in the convention of equation (1),
:math:`\widehat{\mathcal R}_S = \frac1n\sum_{j,t}(\cdot)^2`; F* has transportation
maps bounded by :math:`\bar\nu_w, \bar\nu_u`, and :math:`|\nu|^2 = \bar\nu_w^2 + \bar\nu_u^2`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from companion import arguments
from companion.activations import Activation
from companion.diagonal import bounds
from companion.diagonal.guarantees import linearisation_printed

DOUBLINGS = 400  # no search for a width goes beyond 2 to this power


@dataclass(frozen=True)
class Setting:
    r"""What a convergence theorem is applied to.

    Parameters
    ----------
    activation : Activation
    alpha : float
        :math:`\alpha > 0` of Definition 1.
    horizon : int
        T.
    nu_w, nu_u : float
        Bounds on the transportation maps, nonnegative and not both zero.
    samples : int
        n.
    dimension : int
        d; only the printed constants see it.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> Setting(tanh, 0.5, 3, 3.0, 4.0, samples=8, dimension=2).nu
    5.0
    """

    activation: Activation
    alpha: float
    horizon: int
    nu_w: float
    nu_u: float
    samples: int
    dimension: int

    def __post_init__(self) -> None:
        arguments.positive("alpha", self.alpha)
        for name in ("horizon", "samples", "dimension"):
            arguments.count(name, getattr(self, name))
        for name in ("nu_w", "nu_u"):
            if arguments.real(name, getattr(self, name)) < 0.0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)!r}")
        if self.nu == 0.0:
            raise ValueError("nu_w and nu_u must not both be zero")

    @property
    def nu(self) -> float:
        r"""The size :math:`|\nu| = \sqrt{\bar\nu_w^2 + \bar\nu_u^2}`."""
        return math.hypot(self.nu_w, self.nu_u)

    def over_times(self, formula: Callable[..., float], alpha_m: float, *more: float) -> float:
        r"""Return :math:`(\sum_{t\le T} f_t^2)^{1/2}` of a formula of ``bounds``."""
        values = (formula(t, alpha_m, self.activation, *more) for t in range(1, self.horizon + 1))
        return math.sqrt(sum(value**2 for value in values))


def _probability(delta: float) -> float:
    if not 0.0 < arguments.real("delta", delta) < 1.0:
        raise ValueError(f"delta must lie strictly between 0 and 1, got {delta!r}")
    return float(delta)


def printed_error(setting: Setting, alpha_m: float, radius: float, delta: float) -> float:
    r"""Return err(T, n, delta) of equation (19), with :math:`|\rho|` = ``radius``.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> setting = Setting(tanh, 0.5, 1, 0.6, 0.8, samples=1, dimension=1)
    >>> round(printed_error(setting, 0.5, 1.0, 0.1), 2)
    62.32
    """
    s, T = setting, setting.horizon
    plain = {"alpha": s.alpha, "dimension": s.dimension}
    lipschitz = bounds.lipschitz_printed(T, alpha_m, s.activation)
    beta = bounds.smoothness_printed(T, alpha_m, s.activation, **plain)
    sampling = lipschitz * s.nu * math.sqrt(math.log(2 * T * s.samples / _probability(delta)))
    linear = linearisation_printed(T, alpha_m, s.activation, **plain)
    return sampling + linear * radius**2 + 2 * beta * radius**2


def theorem_1_printed(setting: Setting, width: int, steps: int, delta: float) -> float:
    r"""Return the right side of (18) with radii :math:`\rho = \bar\nu`.  Theorem 1.

    Parameters
    ----------
    setting : Setting
    width, steps : int
        m and :math:`\tau`.
    delta : float
        :math:`\delta \in (0, 1)`.

    Returns
    -------
    float
        The bound on the smallest risk, as printed; step size :math:`1/(T\sqrt\tau)`.

    Raises
    ------
    ValueError
        If width or steps is no positive integer or delta is outside (0, 1).

    Examples
    --------
    >>> from companion.activations import tanh
    >>> setting = Setting(tanh, 0.5, 1, 0.6, 0.8, samples=1, dimension=1)
    >>> round(theorem_1_printed(setting, 10**8, 10**4, 0.1), 4)
    0.2574
    """
    s, T = setting, setting.horizon
    root = math.sqrt(arguments.count("width", width))
    alpha_m = s.alpha + s.nu_w / root
    lipschitz = bounds.lipschitz_printed(T, alpha_m, s.activation)
    size = bounds.output_printed(T, alpha_m, s.activation, s.nu_w, s.nu_u)
    size += bounds.system_printed(T, s.alpha, s.activation, s.nu_w, s.nu_u)
    optimisation = s.nu**2 / 2 + lipschitz**2 / 2 * size**2
    error = printed_error(s, alpha_m, s.nu, delta)
    return T / math.sqrt(arguments.count("steps", steps)) * optimisation + T * size / root * error


def theorem_1_corrected(setting: Setting, width: int, steps: int, delta: float) -> float:
    r"""Return what the printed proof of Theorem 1 shows, once mended.

    .. math:: \frac{T}{\sqrt\tau}\Bigl(\frac{|\nu|^2}{4} + L_T^2\varphi^2\Bigr)
        + \frac{T\varphi}{\sqrt m}\Bigl(2B_T\sqrt{\log(2nT/\delta)} + \tfrac32\beta_T|\nu|^2\Bigr)

    with radii :math:`\rho = \bar\nu`, corrected :math:`L_T, \beta_T`, and
    :math:`\varphi = F^{\max}_T + y^{\max}_T`.  Parameters as for
    :func:`theorem_1_printed`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> setting = Setting(tanh, 0.5, 1, 0.6, 0.8, samples=1, dimension=1)
    >>> round(theorem_1_corrected(setting, 10**8, 10**4, 0.1), 4)
    0.1644
    """
    s, T = setting, setting.horizon
    root = math.sqrt(arguments.count("width", width))
    alpha_m = s.alpha + s.nu_w / root
    lipschitz = bounds.lipschitz_corrected(T, alpha_m, s.activation)
    size = bounds.output_corrected(T, alpha_m, s.activation, s.nu_w, s.nu_u)
    bound = bounds.system_printed(T, s.alpha, s.activation, s.nu_w, s.nu_u)
    size += bound
    optimisation = s.nu**2 / 4 + lipschitz**2 * size**2
    sampling = 2 * bound * math.sqrt(math.log(2 * s.samples * T / _probability(delta)))
    curved = 1.5 * bounds.smoothness_corrected(T, alpha_m, s.activation) * s.nu**2
    error = sampling + curved
    return T / math.sqrt(arguments.count("steps", steps)) * optimisation + T * size / root * error


def residual_error(setting: Setting, width: int, alpha_m: float, delta: float) -> float:
    r"""Return E, the error that no number of steps removes; n does not enter.

    .. math:: E = \frac{1}{\sqrt m}\Bigl[\sqrt2\,\mathcal B\bigl(1 + \sqrt{2\log(1/\delta)}\bigr)
        + |\nu|^2 \bigl(\textstyle\sum_t \beta_t^2\bigr)^{1/2}\Bigr], \qquad
        \mathcal B^2 = \textstyle\sum_t B_t^2,

    half of the last term for the network at the constructed point of Remark 4,
    half for the curvature between it and an iterate.

    ``alpha_m`` bounds every recurrent weight during training.  Errors as for
    :func:`theorem_1_printed`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> setting = Setting(tanh, 0.5, 1, 0.6, 0.8, samples=1, dimension=1)
    >>> round(residual_error(setting, 10_000, 0.5, 0.1), 4)
    0.0433
    """
    s = setting
    spread = s.over_times(bounds.system_sharper, s.alpha, s.nu_w, s.nu_u)
    sampling = math.sqrt(2) * spread * (1 + math.sqrt(2 * math.log(1 / _probability(delta))))
    curved = s.nu**2 * s.over_times(bounds.smoothness_sharper, alpha_m)
    return (sampling + curved) / math.sqrt(arguments.count("width", width))


def step_size_sharper(setting: Setting, alpha_m: float) -> float:
    r"""Return :math:`\eta = 1/(4 S_L)`, :math:`S_L = \sum_{t\le T} L_t^2`, sharper L_t.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> step_size_sharper(Setting(tanh, 0.5, 1, 0.6, 0.8, samples=1, dimension=1), 0.5)
    0.25
    """
    return 0.25 / setting.over_times(bounds.lipschitz_sharper, alpha_m) ** 2


def theorem_1_sharper(setting: Setting, width: int, steps: int, delta: float) -> float:
    r"""Return :math:`\bigl(\tfrac43 E + |\nu|\sqrt{4S_L/(3\tau)}\bigr)^2`.

    For projected gradient descent with radii :math:`\rho = \bar\nu` and the step
    size of :func:`step_size_sharper`, both at
    :math:`\alpha_m = \alpha + \bar\nu_w/\sqrt m`.  Parameters as for
    :func:`theorem_1_printed`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> setting = Setting(tanh, 0.5, 1, 0.6, 0.8, samples=1, dimension=1)
    >>> round(theorem_1_sharper(setting, 10_000, 1000, 0.1), 4)
    0.0089
    """
    s = setting
    alpha_m = s.alpha + s.nu_w / math.sqrt(arguments.count("width", width))
    floor = 4 / 3 * residual_error(s, width, alpha_m, delta)
    slopes = s.over_times(bounds.lipschitz_sharper, alpha_m)
    return (floor + s.nu * slopes * math.sqrt(4 / (3 * arguments.count("steps", steps)))) ** 2


@dataclass(frozen=True)
class Prescription:
    r"""Width, number of steps and step size that a theorem asks for.

    Where a theorem projects, the radii are the bounds on the maps,
    :math:`\rho = \bar\nu`.

    Parameters
    ----------
    width, steps : int
        m, even, and :math:`\tau`.
    step_size : float
        :math:`\eta`.
    """

    width: int
    steps: int
    step_size: float


def prescribe(
    epsilon: float,
    delta: float,
    activation: Activation,
    alpha: float,
    horizon: int,
    nu: tuple[float, float],
    n: int,
    *,
    dimension: int = 1,
    theorem: str = "free, sharper",
) -> Prescription:
    r"""Ask a theorem for the width, steps and step size that reach a target risk.

    Parameters
    ----------
    epsilon : float
        Target: the smallest risk along the run is to be at most this.
    delta : float
        Allowed probability of failure, in (0, 1).
    activation : Activation
    alpha : float
    horizon : int
        T.
    nu : pair of float
        :math:`(\bar\nu_w, \bar\nu_u)`.
    n : int
        Number of training sequences.
    dimension : int
        d; only printed constants see it.
    theorem : str
        ``'projected, printed'``, ``'projected, corrected'`` (Theorem 1, half of the
        target for each of its two terms), ``'projected, sharper'``,
        ``'free, printed'`` (Theorem 2, whose result is 9/4 of its own target), or
        ``'free, sharper'``.

    Returns
    -------
    Prescription

    Raises
    ------
    ValueError
        If an argument is outside its range, the theorem is unknown, or no finite
        width will do, with the reason.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), Theorems 1 and 2; the sharper ones are proved
    in the book.  Without projection, the sharper theorem needs
    :math:`m \ge \max\{4 (\sqrt m E)^2/\epsilon,\ 4 S_w|\nu|^4/(\epsilon\omega^2),\
    \bar\nu_w^2/\omega^2\}` and :math:`\tau \ge 4 S_L|\nu|^2/\epsilon` with constants
    at :math:`\alpha + \omega`, for any :math:`\omega > 0`; the best of a grid of
    :math:`\omega` is taken.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> plan = prescribe(0.05, 0.1, tanh, 0.5, 2, (0.5, 1.0), 8)
    >>> plan.width, plan.steps
    (18594, 453)
    """
    setting = Setting(activation, alpha, horizon, *nu, samples=n, dimension=dimension)
    arguments.positive("epsilon", epsilon)
    if theorem not in _PRESCRIBE:
        raise ValueError(
            f"theorem must be one of {', '.join(map(repr, _PRESCRIBE))}; got {theorem!r}"
        )
    try:
        return _PRESCRIBE[theorem](setting, epsilon, _probability(delta))
    except OverflowError:
        raise ValueError(
            f"no finite width can be given{_where(setting)}, constants exceed floating point"
        ) from None


def _where(setting: Setting) -> str:
    slope = setting.alpha * setting.activation.sigma_1
    return f": at horizon {setting.horizon} and alpha sigma_1 = {slope:g}"


def _smallest_width(setting: Setting, bound: Callable[[int], float], target: float) -> int:
    """Smallest even width at which a bound is at most a target, and stays so beyond."""

    def enough(m: int) -> bool:
        try:
            return bound(m) <= target
        except OverflowError:  # at a modulus that falls with the width
            return False

    width = next((2**k for k in range(1, DOUBLINGS + 1) if enough(2**k)), None)
    if width is None:
        raise ValueError(f"no width up to 2^{DOUBLINGS} is enough{_where(setting)}")
    step = width // 4
    while step >= 2:
        width = width - step if enough(width - step) else width
        step //= 2
    return width


def _by_halves(rhs: Callable[[Setting, int, int, float], float]) -> Callable[..., Prescription]:
    """Prescribe from a bound A(m)/sqrt(tau) + B(m) with half of the target for each."""

    def plan(setting: Setting, epsilon: float, delta: float) -> Prescription:
        forever = 10**300  # so many steps leave B(m) alone
        width = _smallest_width(setting, lambda m: rhs(setting, m, forever, delta), epsilon / 2)
        floor = rhs(setting, width, forever, delta)
        steps = math.ceil(((rhs(setting, width, 1, delta) - floor) * 2 / epsilon) ** 2)
        return Prescription(width, steps, 1 / (setting.horizon * math.sqrt(steps)))

    return plan


def _projected_sharper(setting: Setting, epsilon: float, delta: float) -> Prescription:
    def modulus(m: int) -> float:
        return setting.alpha + setting.nu_w / math.sqrt(m)

    width = _smallest_width(
        setting, lambda m: residual_error(setting, m, modulus(m), delta), math.sqrt(epsilon) / 2
    )
    return _descending(setting, epsilon, width, modulus(width))


def _descending(setting: Setting, epsilon: float, width: int, alpha_m: float) -> Prescription:
    """Steps and step size of the sharper theorems at a given width."""
    step_size = step_size_sharper(setting, alpha_m)
    return Prescription(width, math.ceil(setting.nu**2 / (step_size * epsilon)), step_size)


def free_width(setting: Setting, omega: float, epsilon: float, delta: float) -> int:
    r"""Return the width that the sharper theorem without projection asks for.

    An even number; no recurrent weight is to move farther than ``omega``, positive.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> setting = Setting(tanh, 0.5, 2, 0.5, 1.0, samples=8, dimension=2)
    >>> free_width(setting, 0.1, 0.05, 0.1) % 2
    0
    """
    s, a = setting, setting.alpha + arguments.positive("omega", omega)
    exact = 4 * residual_error(s, 1, a, delta) ** 2 / epsilon
    moved = 4 * s.over_times(bounds.sensitivity_in_w, a) ** 2 * s.nu**4 / (epsilon * omega**2)
    needed = max(exact, moved, s.nu_w**2 / omega**2, 2.0)
    return 2 * math.ceil(needed / 2)


def _free_sharper(setting: Setting, epsilon: float, delta: float) -> Prescription:
    plans = []
    for omega in (setting.alpha * 10.0 ** (k / 8) for k in range(-24, 9)):
        try:
            width = free_width(setting, omega, epsilon, delta)
            plans.append(_descending(setting, epsilon, width, setting.alpha + omega))
        except OverflowError:  # a smaller omega may do
            break
    if not plans:
        raise OverflowError
    return min(plans, key=lambda plan: plan.width * plan.steps)


def theorem_2_printed(setting: Setting, epsilon: float, delta: float) -> Prescription:
    r"""Return what Theorem 2 asks for so that the risk reaches :math:`\tfrac94\epsilon`.

    The largest step size, the smallest width and :math:`\tau_0` as printed, with
    constants at :math:`\alpha + \sqrt{2\epsilon}`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> setting = Setting(tanh, 0.5, 1, 0.6, 0.8, samples=1, dimension=1)
    >>> theorem_2_printed(setting, 0.1, 0.1).steps
    51067
    """
    s, T = setting, setting.horizon
    target = s.alpha + math.sqrt(2 * arguments.positive("epsilon", epsilon))
    lipschitz = bounds.lipschitz_printed(T, target, s.activation)
    reach = lipschitz * s.nu**2 / math.sqrt(epsilon)
    size = bounds.output_printed(T, target, s.activation, reach, reach)
    size += bounds.system_printed(T, s.alpha, s.activation, s.nu_w, s.nu_u)
    step_size = epsilon / (2 * T**2 * lipschitz**2 * size**2)
    error = printed_error(s, target, math.sqrt(2) * reach, delta)
    width = 2 * math.ceil((error**2 + reach**2) / (2 * epsilon) / 2)
    steps = math.ceil(s.nu**2 / ((math.sqrt(2) + 1) ** 2 * step_size * epsilon))
    return Prescription(width, steps, step_size)


_PRESCRIBE = {
    "projected, printed": _by_halves(theorem_1_printed),
    "projected, corrected": _by_halves(theorem_1_corrected),
    "projected, sharper": _projected_sharper,
    "free, printed": lambda s, epsilon, delta: theorem_2_printed(s, 4 / 9 * epsilon, delta),
    "free, sharper": _free_sharper,
}
