r"""The diagonal Elman network of paper A: states, outputs, sensitivities.

Shapes, everywhere: inputs X are (n, T, d), sample by time by coordinate, with
``X[:, t]`` the paper's :math:`X_t` for t = 0, ..., T-1; targets and outputs are
(n, T), with column ``t - 1`` holding :math:`F_t`; m units carry recurrent
weights w (m,), input weights u (m, d) and output weights c (m,).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from companion import arguments
from companion.activations import Activation


@dataclass(frozen=True)
class DiagonalRNN:
    r"""Parameters and activation of the network (2)-(3).

    Parameters
    ----------
    w : Tensor of shape (m,)
        Recurrent weights, the diagonal entries :math:`W_{ii}`.
    u : Tensor of shape (m, d)
        Input weights, row i is :math:`U_i^\top`.
    c : Tensor of shape (m,)
        Output weights, never trained.
    activation : Activation
        :math:`\sigma`.

    Raises
    ------
    ValueError
        If shapes, dtypes or devices disagree, or an entry is not finite.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equations (2)-(3).

    Examples
    --------
    >>> from companion.activations import tanh
    >>> DiagonalRNN(torch.ones(2), torch.ones(2, 3), torch.ones(2), tanh).width
    2
    """

    w: Tensor
    u: Tensor
    c: Tensor
    activation: Activation

    def __post_init__(self) -> None:
        w = arguments.tensor("w", self.w, ("m",))
        u = arguments.tensor("u", self.u, (len(w), "d"), like=w)
        c = arguments.tensor("c", self.c, (len(w),), like=w)
        for name, value in (("w", w), ("u", u), ("c", c)):
            object.__setattr__(self, name, value)

    @property
    def width(self) -> int:
        """The number m of units."""
        return self.u.shape[0]

    @property
    def dimension(self) -> int:
        """The dimension d of an input vector."""
        return self.u.shape[1]

    def at(self, w: Tensor, u: Tensor) -> DiagonalRNN:
        """Return the network with the same c and activation at other weights."""
        return replace(self, w=w, u=u)


def symmetric_initialisation(
    width: int, dimension: int, alpha: float, activation: Activation, generator: torch.Generator
) -> DiagonalRNN:
    r"""Draw a symmetric random initialisation.

    The first m/2 units have :math:`c_i \sim \mathrm{Rad}_1`,
    :math:`W_{ii} \sim \mathrm{Rad}_\alpha`, :math:`U_i \sim \mathcal N(0, I_d)`,
    independently; the second half copies w and u and flips c, so that the
    output is zero on every input.

    Parameters
    ----------
    width : int
        m, even.
    dimension : int
        d.
    alpha : float
        :math:`\alpha > 0`, the modulus of every recurrent weight.
    activation : Activation
    generator : torch.Generator
        The source of randomness; its state moves on.

    Returns
    -------
    DiagonalRNN
        float64, on the generator's device.

    Raises
    ------
    ValueError
        If the width is odd, or alpha is not positive.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), Definition 1.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> g = torch.Generator().manual_seed(1)
    >>> rnn = symmetric_initialisation(4, 2, 0.5, tanh, g)
    >>> bool((rnn.c[:2] == -rnn.c[2:]).all())
    True
    """
    m = arguments.count("width", width, at_least=2)
    if m % 2:
        raise ValueError(f"width must be even for the symmetric initialisation, got {m}")
    d = arguments.count("dimension", dimension)
    alpha = arguments.positive("alpha", alpha)
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"generator must be a torch.Generator, got {type(generator).__name__}")
    draw = {"generator": generator, "dtype": torch.float64, "device": generator.device}
    signs = 2.0 * torch.randint(0, 2, (2, m // 2), **draw) - 1.0
    u = torch.randn((m // 2, d), **draw)
    c, w = signs[0], alpha * signs[1]
    return DiagonalRNN(w.repeat(2), u.repeat(2, 1), torch.cat([c, -c]), activation)


def hidden_states(rnn: DiagonalRNN, X: Tensor) -> Tensor:
    r"""Compute every hidden state, from :math:`H_0 = 0` on.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)

    Returns
    -------
    Tensor of shape (n, T + 1, m)
        Entry [j, t, i] is :math:`H_t^{(i)}` on input j.

    Raises
    ------
    ValueError
        If X has another shape or dtype than the network takes.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equation (2).

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.ones(1), torch.ones(1, 1), torch.ones(1), tanh)
    >>> hidden_states(rnn, torch.zeros(1, 2, 1)).tolist()
    [[[0.0], [0.0], [0.0]]]
    """
    X = arguments.tensor("X", X, ("n", "T", rnn.dimension), like=rnn.w)
    drive = X @ rnn.u.T
    states = [torch.zeros_like(drive[:, 0])]
    for t in range(X.shape[1]):
        states.append(rnn.activation.value(rnn.w * states[-1] + drive[:, t]))
    return torch.stack(states, dim=1)


def readout(rnn: DiagonalRNN, states: Tensor) -> Tensor:
    r"""Read :math:`m^{-1/2}\sum_i c_i H^{(i)}` from states of shape (..., m).

    Unit i and unit i + m/2 are added first, so that the symmetric initialisation
    gives zero: exactly if the processor rounds both alike, else to rounding, for
    their places in its vectors differ.  Equation (3).
    """
    return summed(rnn, states) / math.sqrt(rnn.width)


def summed(rnn: DiagonalRNN, states: Tensor) -> Tensor:
    r"""Sum :math:`\sum_i c_i H^{(i)}`, in the order that :func:`readout` explains."""
    contributions = rnn.c * states
    if rnn.width % 2 == 0:
        half = rnn.width // 2
        contributions = contributions[..., :half] + contributions[..., half:]
    return contributions.sum(dim=-1)


def outputs(rnn: DiagonalRNN, X: Tensor) -> Tensor:
    r"""Compute :math:`F_t([\mathbf X]_t; \mathbf W, \mathbf U)` for t = 1, ..., T.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)

    Returns
    -------
    Tensor of shape (n, T)

    Raises
    ------
    ValueError
        If X has another shape or dtype than the network takes.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), equation (3).

    Examples
    --------
    >>> from companion.activations import tanh
    >>> g = torch.Generator().manual_seed(1)
    >>> rnn = symmetric_initialisation(4, 1, 0.5, tanh, g)
    >>> outputs(rnn, torch.ones(1, 3, 1, dtype=torch.float64)).tolist()
    [[0.0, 0.0, 0.0]]
    """
    return readout(rnn, hidden_states(rnn, X)[:, 1:])


def slopes(rnn: DiagonalRNN, X: Tensor, states: Tensor) -> Tensor:
    r"""Evaluate the factors :math:`I_{i,t}` of Proposition 1 for t = 0, ..., T-1.

    Returns shape (n, T, m), from states as :func:`hidden_states` gives them.
    """
    return rnn.activation.first(rnn.w * states[:, :-1] + X @ rnn.u.T)


def sensitivities(rnn: DiagonalRNN, X: Tensor) -> tuple[Tensor, Tensor]:
    r"""Differentiate every hidden state in its own weights, by forward recursion.

    With :math:`I_t = \sigma'(w h_t + u^\top X_t)`, both derivatives obey one
    recursion, started at zero:
    :math:`\partial_w h_t = I_{t-1}(h_{t-1} + w\,\partial_w h_{t-1})` and
    :math:`\partial_u h_t = I_{t-1}(X_{t-1} + w\,\partial_u h_{t-1})`.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)

    Returns
    -------
    in_w : Tensor of shape (n, T, m)
        Entry [j, t - 1, i] is :math:`\partial_{W_{ii}} H_t^{(i)}`.
    in_u : Tensor of shape (n, T, m, d)
        Entry [j, t - 1, i] is :math:`\partial_{U_i} H_t^{(i)}`.

    Raises
    ------
    ValueError
        If X has another shape or dtype than the network takes.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), Proposition 1 and equation (7), with the
    slips of its proof mended.  Costs O(n T m d); the sums as printed,
    :func:`sensitivity_terms`, cost a factor T more.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(torch.ones(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> sensitivities(rnn, torch.ones(1, 3, 1))[1].flatten().tolist()
    [1.0, 2.0, 3.0]
    """
    X = arguments.tensor("X", X, ("n", "T", rnn.dimension), like=rnn.w)
    steps = [step.clone() for step in sensitivity_steps(rnn, X, torch.ones_like(rnn.w))]
    both = torch.stack(steps, dim=1)
    return both[:, :, 0], both[:, :, 1:].transpose(2, 3)


def sensitivity_steps(rnn: DiagonalRNN, X: Tensor, scale: Tensor) -> Iterator[Tensor]:
    r"""Yield the sensitivities of one time after the other, times a factor a unit.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)
        Taken as it is: :func:`sensitivities` checks it.
    scale : Tensor of shape (m,)

    Yields
    ------
    Tensor of shape (n, d + 1, m)
        The derivative in w first; overwritten by the next step.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), Proposition 1.  With the units on the last
    axis every operation runs over contiguous memory.
    """
    derivatives = X.new_zeros(len(X), rnn.dimension + 1, rnn.width)
    state = torch.zeros_like(derivatives[:, 0])
    for inputs in X.unbind(1):
        before = state
        state, slope = rnn.activation.value_and_first(rnn.w * before + inputs @ rnn.u.T)
        derivatives *= (rnn.w * slope)[:, None]
        entering = slope * scale
        derivatives[:, 0].addcmul_(before, entering)
        derivatives[:, 1:].addcmul_(inputs[:, :, None], entering[:, None])
        yield derivatives


def sensitivity_terms(rnn: DiagonalRNN, X: Tensor, t: int) -> tuple[Tensor, Tensor]:
    r"""Compute the t terms of both sums of Proposition 1, lag by lag.

    Term k is :math:`w^k\,h_{t-k-1}\,I_{t-1}\cdots I_{t-k-1}` for w and
    :math:`w^k\,X_{t-k-1}\,I_{t-1}\cdots I_{t-k-1}` for u: what the input k + 1
    steps ago still contributes.

    Parameters
    ----------
    rnn : DiagonalRNN
    X : Tensor of shape (n, T, d)
    t : int
        Time at which the state is differentiated, 1 <= t <= T.

    Returns
    -------
    in_w : Tensor of shape (t, n, m)
    in_u : Tensor of shape (t, n, m, d)
        Summed over the first axis they give the printed formulas.

    Raises
    ------
    ValueError
        If X has another shape or dtype than the network takes, or t is
        outside 1, ..., T.

    Notes
    -----
    Source: Cayci & Eryilmaz (2024), Proposition 1, as printed.

    Examples
    --------
    >>> from companion.activations import tanh
    >>> rnn = DiagonalRNN(0.5 * torch.ones(1), torch.zeros(1, 1), torch.ones(1), tanh)
    >>> sensitivity_terms(rnn, torch.ones(1, 3, 1), 3)[1].flatten().tolist()
    [1.0, 0.5, 0.25]
    """
    states = hidden_states(rnn, X)
    t = arguments.count("t", t)
    if t > X.shape[1]:
        raise ValueError(f"t must be at most T = {X.shape[1]}, got {t}")
    factors = slopes(rnn, X, states)
    weight, in_w, in_u = torch.ones_like(states[:, 0]), [], []
    for k in range(t):
        weight = weight * factors[:, t - k - 1] * (rnn.w if k else 1.0)
        in_w.append(weight * states[:, t - k - 1])
        in_u.append(weight[..., None] * X[:, t - k - 1, None, :])
    return torch.stack(in_w), torch.stack(in_u)
