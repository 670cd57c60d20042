r"""Activations of paper A's class (4), with their derivatives and exact constants.

The class asks for :math:`\sigma \in \mathcal C^2(\mathbb R)` with
:math:`|\sigma| \le \sigma_0`, :math:`|\sigma'| \le \sigma_1` and
:math:`|\sigma''| \le \sigma_2`; a third derivative bounded by :math:`\sigma_3`
serves sharper statements only.  The constants stored here are the suprema
themselves, so that no bound is blamed for a loose constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from companion import arguments


@dataclass(frozen=True)
class Activation:
    r"""An activation, its first two derivatives and their suprema.

    Parameters
    ----------
    name : str
        How tables and figures call it.
    value, first, second : callable
        :math:`\sigma, \sigma', \sigma''`, elementwise, tensor to tensor of the
        same shape.
    sigma_0, sigma_1, sigma_2 : float
        :math:`\sup|\sigma|`, :math:`\sup|\sigma'|`, :math:`\sup|\sigma''|`;
        infinite where the activation is outside class (4).
    sigma_3 : float, optional
        :math:`\sup|\sigma'''|`; infinite if unknown.
    jet : callable, optional
        :math:`(\sigma, \sigma')` in one go, where that is cheaper.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equation (4).

    Examples
    --------
    >>> tanh.rescaled(2.0, 3.0).sigma_1
    6.0
    """

    name: str
    value: Callable[[Tensor], Tensor]
    first: Callable[[Tensor], Tensor]
    second: Callable[[Tensor], Tensor]
    sigma_0: float
    sigma_1: float
    sigma_2: float
    sigma_3: float = math.inf
    jet: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None

    def value_and_first(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """Return the activation and its derivative, both of the shape of s."""
        return (self.value(s), self.first(s)) if self.jet is None else self.jet(s)

    def rescaled(self, amplitude: float, slope: float) -> Activation:
        r"""Return :math:`s \mapsto a\,\sigma(b s)` with its exact constants.

        Parameters
        ----------
        amplitude, slope : float
            The numbers a and b, positive.

        Returns
        -------
        Activation
            With constants :math:`(a\sigma_0,\ ab\sigma_1,\ ab^2\sigma_2,\ ab^3\sigma_3)`.

        Raises
        ------
        ValueError
            If amplitude or slope is not positive.

        Examples
        --------
        >>> tanh.rescaled(0.5, 4.0).name
        '0.5 tanh(4 s)'
        """
        a = arguments.positive("amplitude", amplitude)
        b = arguments.positive("slope", slope)
        return Activation(
            f"{a:g} {self.name}({b:g} s)",
            lambda s: a * self.value(b * s),
            lambda s: a * b * self.first(b * s),
            lambda s: a * b**2 * self.second(b * s),
            a * self.sigma_0,
            a * b * self.sigma_1,
            a * b**2 * self.sigma_2,
            a * b**3 * self.sigma_3,
            lambda s: _rescaled_jet(*self.value_and_first(b * s), a, b),
        )


def _rescaled_jet(value: Tensor, first: Tensor, a: float, b: float) -> tuple[Tensor, Tensor]:
    return a * value, a * b * first


def _tanh_jet(s: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.tanh(s)
    return value, 1.0 - value**2


def _tanh_first(s: Tensor) -> Tensor:
    return 1.0 - torch.tanh(s) ** 2


def _tanh_second(s: Tensor) -> Tensor:
    return -2.0 * torch.tanh(s) * (1.0 - torch.tanh(s) ** 2)


def _logistic_first(s: Tensor) -> Tensor:
    return torch.sigmoid(s) * torch.sigmoid(-s)


def _logistic_jet(s: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.sigmoid(s)
    return value, value * torch.sigmoid(-s)


def _logistic_second(s: Tensor) -> Tensor:
    return _logistic_first(s) * (1.0 - 2.0 * torch.sigmoid(s))


def _gaussian(s: Tensor) -> Tensor:
    return torch.exp(-(s**2) / 2.0)


def _gaussian_first(s: Tensor) -> Tensor:
    return -s * _gaussian(s)


def _gaussian_jet(s: Tensor) -> tuple[Tensor, Tensor]:
    value = _gaussian(s)
    return value, -s * value


def _gaussian_second(s: Tensor) -> Tensor:
    return (s**2 - 1.0) * _gaussian(s)


tanh = Activation(
    "tanh",
    torch.tanh,
    _tanh_first,
    _tanh_second,
    1.0,
    1.0,
    4.0 / (3.0 * math.sqrt(3.0)),
    2.0,
    _tanh_jet,
)
"""Hyperbolic tangent; the supremum of its second derivative is at tanh(s)^2 = 1/3."""

logistic = Activation(
    "logistic",
    torch.sigmoid,
    _logistic_first,
    _logistic_second,
    1.0,
    1.0 / 4.0,
    1.0 / (6.0 * math.sqrt(3.0)),
    1.0 / 8.0,
    _logistic_jet,
)
"""Logistic function 1/(1 + exp(-s)); its supremum 1 is approached, not attained."""

_STEEPEST = 3.0 - math.sqrt(6.0)  # s^2 where the third derivative of exp(-s^2/2) is largest

gaussian = Activation(
    "Gaussian",
    _gaussian,
    _gaussian_first,
    _gaussian_second,
    1.0,
    math.exp(-1.0 / 2.0),
    1.0,
    math.sqrt(_STEEPEST) * (3.0 - _STEEPEST) * math.exp(-_STEEPEST / 2.0),
    _gaussian_jet,
)
"""Gaussian exp(-s^2/2); exp(-s^2) is its rescaling with slope sqrt(2)."""

_BY_NAME = {"tanh": tanh, "logistic": logistic, "gaussian": gaussian}


def activation(name: str) -> Activation:
    """Return one of paper A's three examples by name.

    Parameters
    ----------
    name : {'tanh', 'logistic', 'gaussian'}

    Returns
    -------
    Activation

    Raises
    ------
    ValueError
        If the name is none of the three.

    Examples
    --------
    >>> activation("logistic").sigma_1
    0.25
    """
    if name not in _BY_NAME:
        raise ValueError(f"activation must be one of {', '.join(_BY_NAME)}; got {name!r}")
    return _BY_NAME[name]
