r"""Constants of paper A, as printed, corrected and sharper: one function a formula.

Everywhere t is the number of steps, ``alpha_m`` bounds every recurrent weight,
:math:`|W_{ii}| \le \alpha_m`, inputs lie in the unit ball, and the activation gives
:math:`\sigma_0, \sigma_1, \sigma_2`; :math:`z = \alpha_m \sigma_1`.  What is printed
is written as printed, also where it is wrong.  All results are floats without units.
"""

from __future__ import annotations

import math

from companion.activations import Activation


def mu_0(t: int, z: float) -> float:
    r"""Sum :math:`\mu_{0,t}(z) = \sum_{k<t} z^k`; zero for t <= 0.  Equation (10).

    Examples
    --------
    >>> mu_0(3, 2.0)
    7.0
    """
    return sum((z**k for k in range(t)), 0.0)


def mu_1(t: int, z: float) -> float:
    r"""Sum :math:`\mu_{1,t}(z) = \sum_{k<t} (k+1) z^k`; zero for t <= 0.  Equation (10).

    Examples
    --------
    >>> mu_1(3, 2.0)
    17.0
    """
    return sum(((k + 1) * z**k for k in range(t)), 0.0)


def sensitivity_in_w(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Bound :math:`|\partial_w h_t| \le \sigma_1\sigma_0\,\mu_{0,t-1}(z)`, sharper.

    Appendix A.1 has :math:`\mu_{0,t}`; the last term vanishes because :math:`h_0 = 0`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> sensitivity_in_w(1, 0.5, tanh), sensitivity_in_w(3, 0.5, tanh)
    (0.0, 1.5)
    """
    return activation.sigma_1 * activation.sigma_0 * mu_0(t - 1, alpha_m * activation.sigma_1)


def sensitivity_in_u(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Bound :math:`\|\partial_u h_t\| \le \sigma_1\,\mu_{0,t}(z)`.  Appendix A.1.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> sensitivity_in_u(3, 0.5, tanh)
    1.75
    """
    return activation.sigma_1 * mu_0(t, alpha_m * activation.sigma_1)


def lipschitz_printed(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`L_t = \mu_{0,t}^2(\sigma_0^2+1)\sigma_1^2`.  Lemma 1; false.

    Examples
    --------
    >>> from companion.activations import logistic
    >>> lipschitz_printed(1, 0.5, logistic)
    0.125
    """
    m0 = mu_0(t, alpha_m * activation.sigma_1)
    return m0**2 * (activation.sigma_0**2 + 1) * activation.sigma_1**2


def lipschitz_corrected(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`L_t = \mu_{0,t}\sigma_1\sqrt{\sigma_0^2+1}`, with the missing root.

    What the proof of Lemma 1 in Appendix A.1 shows.

    Examples
    --------
    >>> from companion.activations import logistic
    >>> round(lipschitz_corrected(1, 0.5, logistic), 4)
    0.3536
    """
    return math.sqrt(lipschitz_printed(t, alpha_m, activation))


def lipschitz_sharper(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`L_t = \sigma_1\sqrt{\mu_{0,t}^2 + \sigma_0^2\,\mu_{0,t-1}^2}`.

    Examples
    --------
    >>> from companion.activations import logistic
    >>> lipschitz_sharper(1, 0.5, logistic)
    0.25
    """
    return math.hypot(
        sensitivity_in_w(t, alpha_m, activation), sensitivity_in_u(t, alpha_m, activation)
    )


def smoothness_printed(
    t: int, alpha_m: float, activation: Activation, *, alpha: float, dimension: int
) -> float:
    r"""Return :math:`\beta_t` of equation (31), with its plain :math:`\alpha`; false.

    Parameters
    ----------
    t, alpha_m, activation
        As everywhere.
    alpha : float
        :math:`\alpha` of Definition 1, which (31) has beside :math:`\mu` at
        :math:`\alpha_m`; pass ``alpha_m`` to read it as a slip.
    dimension : int
        d.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(smoothness_printed(1, 0.5, tanh, alpha=0.5, dimension=1), 4)
    7.4641
    """
    s0, s1, s2 = activation.sigma_0, activation.sigma_1, activation.sigma_2
    m0, m1 = mu_0(t, alpha_m * s1), mu_1(t, alpha_m * s1)
    club = s2 * (alpha * s1 * m0 + 1) * m1
    diamond = s1**2 * m0**2 + s0 * s1 * m0 * m1
    heart = m1 * (s1 + s2 + alpha * s1 * s2 * m0)
    spade = s1**2 * m0**2 + s0 * s2 * m1 * (alpha * s1 * m0 + 1)
    return dimension * club + math.sqrt(dimension) * (diamond + heart) + spade


def smoothness_corrected(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`\beta_t` with every term of Appendix A.1 mended, and no dimension.

    :math:`\beta_t = \sigma_2(1+\sigma_0)^2\mu_{0,t}\mu_{1,t}
    + \sigma_1^2(1+\sigma_0)(\mu_{0,t}^2 + \mu_{1,t-1})`: the proof's sums of norms
    over the four blocks of the Hessian, each block with its own right terms.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(smoothness_corrected(1, 0.5, tanh), 4)
    5.0792
    """
    s0, s1, s2 = activation.sigma_0, activation.sigma_1, activation.sigma_2
    m0, m1 = mu_0(t, alpha_m * s1), mu_1(t, alpha_m * s1)
    earlier = mu_1(t - 1, alpha_m * s1)
    return s2 * (1 + s0) ** 2 * m0 * m1 + s1**2 * (1 + s0) * (m0**2 + earlier)


def smoothness_sharper(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`\beta_t` by recursion in the operator norm.

    :math:`\beta_{s+1} = \sigma_2 Y_s^2 + \sigma_1(G_s + L_s) + z\,\beta_s` from
    :math:`\beta_0 = 0`, with :math:`G_s` and :math:`L_s` of :func:`sensitivity_in_w`
    and :func:`lipschitz_sharper`, and :math:`Y_s` of :func:`slope_of_drive`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(smoothness_sharper(1, 0.5, tanh), 4)
    0.7698
    """
    z, s1 = alpha_m * activation.sigma_1, activation.sigma_1
    before = now = beta = 0.0  # mu at s - 1 and at s, carried along
    for s in range(t):
        after = now + z**s
        in_w = s1 * activation.sigma_0 * before
        drive = math.hypot(activation.sigma_0 * now, after)
        cross = in_w + math.hypot(in_w, s1 * now)
        beta = activation.sigma_2 * drive**2 + s1 * cross + z * beta
        before, now = now, after
    return beta


def slope_of_drive(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Bound the gradient of the pre-activation :math:`w h_t + u^\top X_t`.

    :math:`Y_t = \sqrt{\sigma_0^2\,\mu_{0,t}^2 + \mu_{0,t+1}^2}`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> slope_of_drive(0, 0.5, tanh)
    1.0
    """
    z = alpha_m * activation.sigma_1
    return math.hypot(activation.sigma_0 * mu_0(t, z), mu_0(t + 1, z))


def third_derivative_sharper(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Bound third directional derivatives of :math:`h_t`, for activations in C^3.

    :math:`\zeta_{s+1} = \sigma_3 Y_s^3 + 3\sigma_2 Y_s(G_s + L_s + \alpha_m\beta_s)
    + 3\sigma_1\beta_s + z\,\zeta_s` from :math:`\zeta_0 = 0`.  Not in the paper.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> third_derivative_sharper(1, 0.5, tanh)
    2.0
    """
    s1, s2, s3 = activation.sigma_1, activation.sigma_2, activation.sigma_3
    zeta = 0.0
    for s in range(t):
        drive = slope_of_drive(s, alpha_m, activation)
        beta = smoothness_sharper(s, alpha_m, activation)
        bend = product_smoothness_sharper(s, alpha_m, activation)
        zeta = s3 * drive**3 + 3 * s2 * drive * bend + 3 * s1 * beta + alpha_m * s1 * zeta
    return zeta


def product_lipschitz_printed(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`\Lambda_t = \sqrt2(\sigma_0 + 1 + \alpha_m L_t)`.  Lemma 2.

    True for every activation if and only if :math:`\alpha_m \le 8`.

    Examples
    --------
    >>> from companion.activations import logistic
    >>> round(product_lipschitz_printed(1, 1.0, logistic), 4)
    3.0052
    """
    lipschitz = lipschitz_printed(t, alpha_m, activation)
    return math.sqrt(2) * (activation.sigma_0 + 1 + alpha_m * lipschitz)


def product_lipschitz_corrected(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`\Lambda_t = \sigma_0 + \alpha_m L_t` with the corrected :math:`L_t`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(product_lipschitz_corrected(1, 1.0, tanh), 4)
    2.4142
    """
    return activation.sigma_0 + alpha_m * lipschitz_corrected(t, alpha_m, activation)


def product_lipschitz_sharper(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`\Lambda_t = \mu_{0,t}\sqrt{\sigma_0^2 + z^2}`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(product_lipschitz_sharper(1, 1.0, tanh), 4)
    1.4142
    """
    z = alpha_m * activation.sigma_1
    return mu_0(t, z) * math.hypot(activation.sigma_0, z)


def product_smoothness_printed(
    t: int, alpha_m: float, activation: Activation, *, alpha: float, dimension: int
) -> float:
    r"""Return :math:`\gamma_t = \sqrt2(L_t + \alpha_m\beta_t)`.  Lemma 2; false.

    Parameters as for :func:`smoothness_printed`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(product_smoothness_printed(1, 0.5, tanh, alpha=0.5, dimension=1), 4)
    8.1063
    """
    beta = smoothness_printed(t, alpha_m, activation, alpha=alpha, dimension=dimension)
    return math.sqrt(2) * (lipschitz_printed(t, alpha_m, activation) + alpha_m * beta)


def product_smoothness_corrected(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`\gamma_t = 2 L_t + \alpha_m\beta_t` with corrected constants.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(product_smoothness_corrected(1, 0.5, tanh), 4)
    5.368
    """
    beta = smoothness_corrected(t, alpha_m, activation)
    return 2 * lipschitz_corrected(t, alpha_m, activation) + alpha_m * beta


def product_smoothness_sharper(t: int, alpha_m: float, activation: Activation) -> float:
    r"""Return :math:`\gamma_t = G_t + L_t + \alpha_m\beta_t` with sharper constants.

    :math:`G_t` is :func:`sensitivity_in_w`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(product_smoothness_sharper(1, 0.5, tanh), 4)
    1.3849
    """
    cross = sensitivity_in_w(t, alpha_m, activation) + lipschitz_sharper(t, alpha_m, activation)
    return cross + alpha_m * smoothness_sharper(t, alpha_m, activation)


def output_printed(
    t: int, alpha_m: float, activation: Activation, rho_w: float, rho_u: float
) -> float:
    r"""Return :math:`F^{\max}_t = L_t\sqrt{\rho_w^2+\rho_u^2}`, printed :math:`L_t`; false.

    Proposition 6.

    Examples
    --------
    >>> from companion.activations import logistic
    >>> output_printed(1, 0.5, logistic, 3.0, 4.0)
    0.625
    """
    return lipschitz_printed(t, alpha_m, activation) * math.hypot(rho_w, rho_u)


def output_corrected(
    t: int, alpha_m: float, activation: Activation, rho_w: float, rho_u: float
) -> float:
    r"""Return :math:`F^{\max}_t = L_t\sqrt{\rho_w^2+\rho_u^2}` with the corrected :math:`L_t`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> round(output_corrected(1, 0.5, tanh, 3.0, 4.0), 4)
    7.0711
    """
    return lipschitz_corrected(t, alpha_m, activation) * math.hypot(rho_w, rho_u)


def output_sharper(
    t: int, alpha_m: float, activation: Activation, rho_w: float, rho_u: float
) -> float:
    r"""Return :math:`F^{\max}_t = G^w_t\rho_w + G^u_t\rho_u`.

    With :func:`sensitivity_in_w` and :func:`sensitivity_in_u`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> output_sharper(1, 0.5, tanh, 3.0, 4.0)
    4.0
    """
    in_w = sensitivity_in_w(t, alpha_m, activation)
    return in_w * rho_w + sensitivity_in_u(t, alpha_m, activation) * rho_u


def system_printed(t: int, alpha: float, activation: Activation, nu_w: float, nu_u: float) -> float:
    r"""Return :math:`y^{\max}_t = \sigma_1\mu_{0,t}(\alpha\sigma_1)(\nu_u + \sigma_0\nu_w)`.

    Proposition 6; also the bound on one unit's term in Proposition 3.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> system_printed(2, 0.5, tanh, 1.0, 2.0)
    4.5
    """
    sizes = nu_u + activation.sigma_0 * nu_w
    return activation.sigma_1 * mu_0(t, alpha * activation.sigma_1) * sizes


def system_sharper(t: int, alpha: float, activation: Activation, nu_w: float, nu_u: float) -> float:
    r"""Return :math:`B_t = \sigma_1(\nu_u\,\mu_{0,t} + \sigma_0\nu_w\,\mu_{0,t-1})`.

    At :math:`\alpha\sigma_1`; the last state in the sum of (8) is :math:`h_0 = 0`.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> system_sharper(2, 0.5, tanh, 1.0, 2.0)
    4.0
    """
    in_w = sensitivity_in_w(t, alpha, activation)
    return in_w * nu_w + sensitivity_in_u(t, alpha, activation) * nu_u
