r"""What Propositions 3 to 5 of paper A promise, as printed, corrected and sharper.

The constants come from :mod:`companion.diagonal.bounds`; here they meet the width m,
the failure probability :math:`\delta` and the distance moved.
"""

from __future__ import annotations

import math

from companion import arguments
from companion.activations import Activation
from companion.diagonal.bounds import (
    product_lipschitz_corrected,
    product_lipschitz_printed,
    product_smoothness_corrected,
    product_smoothness_printed,
    smoothness_sharper,
)


def _per_width(width: int, delta: float, failures: float) -> float:
    """Return sqrt(log(failures / delta) / width) for a probability delta."""
    width = arguments.count("width", width)
    if not 0.0 < arguments.real("delta", delta) < 1.0:
        raise ValueError(f"delta must lie strictly between 0 and 1, got {delta!r}")
    return math.sqrt(math.log(failures / delta) / width)


def sampling_printed(width: int, delta: float, bound: float) -> float:
    r"""Return :math:`2 B \sqrt{\log(1/\delta)/m}`.  Proposition 3.

    Parameters
    ----------
    width : int
        m.
    delta : float
        :math:`\delta \in (0, 1)`.
    bound : float
        B, the bound on one unit's term: ``bounds.system_printed`` for the printed
        statement.

    Raises
    ------
    ValueError
        If the width is no positive integer or delta is outside (0, 1).

    Examples
    --------
    >>> round(sampling_printed(100, 0.1, 1.0), 4)
    0.3035
    """
    return 2 * bound * _per_width(width, delta, 1)


def sampling_constructed(width: int, delta: float, bound: float) -> float:
    r"""Return :math:`2 B \sqrt{\log(2/\delta)/m}`: what holds at the point of Remark 4.

    Hoeffding's inequality for m/2 independent terms in [-B, B].  Parameters and
    errors as for :func:`sampling_printed`.

    Examples
    --------
    >>> round(sampling_constructed(100, 0.1, 1.0), 4)
    0.3462
    """
    return 2 * bound * _per_width(width, delta, 2)


def sampling_infimum(width: int, delta: float, bound: float) -> float:
    r"""Return :math:`B \sqrt{\log(1/\delta)/m}`: what holds for the infimum, sharper.

    Hoeffding's inequality, one-sided, for m/2 independent terms in [0, B].
    Parameters and errors as for :func:`sampling_printed`.

    Examples
    --------
    >>> round(sampling_infimum(100, 0.1, 1.0), 4)
    0.1517
    """
    return bound * _per_width(width, delta, 1)


def linearisation_printed(
    t: int, alpha_m: float, activation: Activation, *, alpha: float, dimension: int
) -> float:
    r"""Return :math:`2(\Lambda_t^2\sigma_2 + \gamma_t\sigma_1)`.  Proposition 4.

    False on class (4), true for the paper's three activations.  The factor of
    :math:`\|\Theta-\Theta(0)\|_F^2/\sqrt m`.  Parameters as for
    ``bounds.smoothness_printed``.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(linearisation_printed(1, 0.5, tanh, alpha=0.5, dimension=1), 2)
    43.93
    """
    product_lipschitz = product_lipschitz_printed(t, alpha_m, activation)
    product_smoothness = product_smoothness_printed(
        t, alpha_m, activation, alpha=alpha, dimension=dimension
    )
    return 2 * (product_lipschitz**2 * activation.sigma_2 + product_smoothness * activation.sigma_1)


def linearisation_corrected(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`(1+\Lambda_{t-1}^2)\sigma_2 + \tfrac12\gamma_{t-1}\sigma_1`.

    What the printed proof shows, (14) to (16), with the corrected constants of
    Lemma 2 at t - 1.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(linearisation_corrected(1, 0.5, tanh), 4)
    1.5396
    """
    product_lipschitz = product_lipschitz_corrected(t - 1, alpha_m, activation)
    product_smoothness = product_smoothness_corrected(t - 1, alpha_m, activation)
    curved = (1 + product_lipschitz**2) * activation.sigma_2
    return curved + product_smoothness * activation.sigma_1 / 2


def linearisation_sharper(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`\beta_t/2` with the sharper :math:`\beta_t`.

    Taylor's formula for the hidden state itself, without Lemma 2.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(linearisation_sharper(1, 0.5, tanh), 4)
    0.3849
    """
    return smoothness_sharper(t, alpha_m, activation) / 2


def mirrored_linearisation(width: int, third_derivative: float, nu: float) -> float:
    r"""Return :math:`\zeta_t|\nu|^3/(6m)`: the linearisation error at Remark 4's point.

    Mirrored units move in opposite directions there, so that second orders cancel.

    Parameters
    ----------
    width : int
        m.
    third_derivative : float
        :math:`\zeta_t` of ``bounds.third_derivative_sharper``.
    nu : float
        :math:`|\nu| = \sqrt{\bar\nu_w^2 + \bar\nu_u^2}`.

    Examples
    --------
    >>> mirrored_linearisation(100, 6.0, 2.0)
    0.08
    """
    return third_derivative * nu**3 / (6 * arguments.count("width", width))
