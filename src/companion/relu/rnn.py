r"""The ReLU network of paper B: states, outputs and backward vectors.

Shapes, everywhere: inputs X are (n, L, d), sample by time by coordinate, with
``X[:, l - 1]`` the paper's :math:`X_l` for l = 1, ..., L; outputs are (n,); m
units carry the recurrent matrix W (m, m), input weights A (m, d), the start
M_0 (m,) and output weights B (m,).  Only W is trained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from companion import arguments


@dataclass(frozen=True)
class Variances:
    r"""Variances of the Gaussian entries at initialisation.

    Parameters
    ----------
    W, A, M_0, B : float
        Variance of an entry of W, of A, of :math:`M_0` and of B, not negative.

    Raises
    ------
    ValueError
        If a variance is negative or not finite.

    Examples
    --------
    >>> Variances(W=0.5, A=0.5, M_0=0.0, B=1.0).B
    1.0
    """

    W: float
    A: float
    M_0: float
    B: float

    def __post_init__(self) -> None:
        for name in ("W", "A", "M_0", "B"):
            if arguments.real(name, getattr(self, name)) < 0.0:
                raise ValueError(
                    f"{name} must be a variance, not negative, got {getattr(self, name)!r}"
                )


def variances_printed(width: int, length: int) -> Variances:
    r"""Return the variances below (14): 2/m, 2/(L³m), 2/m and 1/m.

    Notes
    -----
    Source: Wang et al. (2021), the sentence after equation (14).

    Examples
    --------
    >>> variances_printed(4, 2)
    Variances(W=0.5, A=0.0625, M_0=0.5, B=0.25)
    """
    m = arguments.count("width", width)
    return Variances(2.0 / m, 2.0 / (m * arguments.count("length", length) ** 3), 2.0 / m, 1.0 / m)


def variances_algorithm_1(width: int) -> Variances:
    r"""Return the variances in Algorithm 1: 2/m for A too; that of M_0 is not stated there.

    Notes
    -----
    Source: Wang et al. (2021), Algorithm 1; M_0 as after equation (14).

    Examples
    --------
    >>> variances_algorithm_1(4)
    Variances(W=0.5, A=0.5, M_0=0.5, B=0.25)
    """
    m = arguments.count("width", width)
    return Variances(2.0 / m, 2.0 / m, 2.0 / m, 1.0 / m)


def variances_corrected(width: int, length: int) -> Variances:
    r"""Return the variances of this book: those below (14), but 1 for the entries of B.

    With them the Gram matrix (23) has a limit that is not zero, see
    Theorem 6, and steps of size O(1/m) change the outputs.

    Notes
    -----
    Source: Wang et al. (2021), the sentence after equation (14), corrected.

    Examples
    --------
    >>> variances_corrected(4, 2)
    Variances(W=0.5, A=0.0625, M_0=0.5, B=1.0)
    """
    return replace(variances_printed(width, length), B=1.0)


@dataclass(frozen=True)
class ReLURNN:
    r"""Parameters of the network (14).

    Parameters
    ----------
    W : Tensor of shape (m, m) or (L, m, m)
        The recurrent matrix; or, for the untied network, ``W[l - 1]`` for step l.
    A : Tensor of shape (m, d)
        Input weights.
    M_0 : Tensor of shape (m,)
        :math:`h_0 = \phi(M_0)`.
    B : Tensor of shape (m,)
        Output weights.

    Raises
    ------
    ValueError
        If shapes, dtypes or devices disagree, or an entry is not finite.

    Notes
    -----
    Source: Wang et al. (2021), equation (14).

    Examples
    --------
    >>> ReLURNN(torch.eye(2), torch.ones(2, 3), torch.ones(2), torch.ones(2)).dimension
    3
    """

    W: Tensor
    A: Tensor
    M_0: Tensor
    B: Tensor

    def __post_init__(self) -> None:
        B = arguments.tensor("B", self.B, ("m",))
        m = len(B)
        steps = ("L",) if getattr(self.W, "ndim", 2) == 3 else ()
        object.__setattr__(self, "B", B)
        for name, shape in (("W", (*steps, m, m)), ("A", (m, "d")), ("M_0", (m,))):
            value = arguments.tensor(name, getattr(self, name), shape, like=B)
            object.__setattr__(self, name, value)

    @property
    def width(self) -> int:
        """The number m of units."""
        return len(self.B)

    @property
    def dimension(self) -> int:
        """The dimension d of an input vector."""
        return self.A.shape[1]

    @property
    def tied(self) -> bool:
        """Whether one matrix W serves all steps, as in the paper."""
        return self.W.ndim == 2

    def matrix(self, step: int) -> Tensor:
        """Return the recurrent matrix of step l = 1, ..., L."""
        return self.W if self.tied else self.W[step - 1]

    def at(self, W: Tensor) -> ReLURNN:
        """Return the network with another recurrent matrix."""
        return replace(self, W=W)


def random_initialisation(
    width: int, dimension: int, variances: Variances, generator: torch.Generator
) -> ReLURNN:
    r"""Draw a network with independent centred Gaussian entries.

    Parameters
    ----------
    width : int
        m.
    dimension : int
        d.
    variances : Variances
    generator : torch.Generator
        The source of randomness; its state moves on.

    Returns
    -------
    ReLURNN
        float64, on the generator's device.

    Raises
    ------
    ValueError
        If a size is not a positive integer.

    Notes
    -----
    Source: Wang et al. (2021), the sentence after equation (14).

    Examples
    --------
    >>> g = torch.Generator().manual_seed(1)
    >>> random_initialisation(4, 2, variances_corrected(4, 3), g).W.shape
    torch.Size([4, 4])
    """
    return _draw((), width, dimension, variances, generator)


def untied_initialisation(
    width: int, dimension: int, length: int, variances: Variances, generator: torch.Generator
) -> ReLURNN:
    r"""Draw the network whose steps have independent matrices: no weight sharing.

    Parameters and errors are those of :func:`random_initialisation`; ``length``
    is L, the number of matrices.

    Notes
    -----
    Source: this book, for comparison with Wang et al. (2021), equation (14).

    Examples
    --------
    >>> g = torch.Generator().manual_seed(1)
    >>> untied_initialisation(4, 2, 3, variances_corrected(4, 3), g).W.shape
    torch.Size([3, 4, 4])
    """
    return _draw((arguments.count("length", length),), width, dimension, variances, generator)


def mirrored(rnn: ReLURNN) -> ReLURNN:
    r"""Join a network and its copy with -B: twice the width, output zero, the same tangent kernel.

    Parameters
    ----------
    rnn : ReLURNN
        Of width m.

    Returns
    -------
    ReLURNN
        Of width 2m, with A and M_0 divided by :math:`\sqrt2`.

    Notes
    -----
    Source: this book, the chapter of Theorem 3.  A start for Wang et al. (2021),
    Algorithm 1, whose first outputs are otherwise of order one.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> pair = mirrored(ReLURNN(one[:, None], one[:, None], one, one))
    >>> pair.width, outputs(pair, torch.ones(1, 2, 1)).tolist()
    (2, [0.0])
    """
    nothing = torch.zeros_like(rnn.W)
    upper, lower = torch.cat([rnn.W, nothing], dim=-1), torch.cat([nothing, rnn.W], dim=-1)
    return ReLURNN(
        torch.cat([upper, lower], dim=-2),
        torch.cat([rnn.A, rnn.A]) / 2**0.5,
        torch.cat([rnn.M_0, rnn.M_0]) / 2**0.5,
        torch.cat([rnn.B, -rnn.B]),
    )


def _draw(steps: tuple, width: int, dimension: int, variances: Variances, generator) -> ReLURNN:
    m, d = arguments.count("width", width), arguments.count("dimension", dimension)
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"generator must be a torch.Generator, got {type(generator).__name__}")

    def gaussian(variance: float, *shape: int) -> Tensor:
        options = {"generator": generator, "dtype": torch.float64, "device": generator.device}
        return torch.randn(shape, **options).mul_(variance**0.5)

    return ReLURNN(
        gaussian(variances.W, *steps, m, m),
        gaussian(variances.A, m, d),
        gaussian(variances.M_0, m),
        gaussian(variances.B, m),
    )


def hidden_states(rnn: ReLURNN, X: Tensor) -> Tensor:
    r"""Compute every hidden state, from :math:`h_0 = \phi(M_0)` on.

    Parameters
    ----------
    rnn : ReLURNN
    X : Tensor of shape (n, L, d)

    Returns
    -------
    Tensor of shape (n, L + 1, m)
        Entry [j, l] is :math:`h_l(x_j)`.

    Raises
    ------
    ValueError
        If X has another shape or dtype than the network takes.

    Notes
    -----
    Source: Wang et al. (2021), equation (14).

    Examples
    --------
    >>> one = torch.ones(1)
    >>> rnn = ReLURNN(one[:, None], one[:, None], 2 * one, one)
    >>> hidden_states(rnn, torch.tensor([[[1.0], [-5.0]]])).flatten().tolist()
    [2.0, 3.0, 0.0]
    """
    length = "L" if rnn.tied else len(rnn.W)
    X = arguments.tensor("X", X, ("n", length, rnn.dimension), like=rnn.B)
    drive = X @ rnn.A.T
    states = [rnn.M_0.relu().expand(len(X), -1)]
    for step in range(1, X.shape[1] + 1):
        states.append((states[-1] @ rnn.matrix(step).T + drive[:, step - 1]).relu())
    return torch.stack(states, dim=1)


def outputs(rnn: ReLURNN, X: Tensor) -> Tensor:
    r"""Compute :math:`f(W, x) = B^\top h_L(x)` for every sequence.

    Parameters
    ----------
    rnn : ReLURNN
    X : Tensor of shape (n, L, d)

    Returns
    -------
    Tensor of shape (n,)

    Raises
    ------
    ValueError
        If X has another shape or dtype than the network takes.

    Notes
    -----
    Source: Wang et al. (2021), equation (14).

    Examples
    --------
    >>> one = torch.ones(1)
    >>> rnn = ReLURNN(one[:, None], one[:, None], 2 * one, 3 * one)
    >>> outputs(rnn, torch.tensor([[[1.0], [1.0]]])).tolist()
    [12.0]
    """
    return hidden_states(rnn, X)[:, -1] @ rnn.B


def backward_vectors(rnn: ReLURNN, states: Tensor) -> Tensor:
    r"""Differentiate f in every pre-activation: the vectors :math:`Back_l D_l` of (22).

    With :math:`D_l` the diagonal matrix of the units that are active at step l,
    :math:`g_L = D_L B` and :math:`g_l = D_l W^\top g_{l+1}`, so that
    :math:`\nabla_W f = \sum_l g_l h_{l-1}^\top`.

    Parameters
    ----------
    rnn : ReLURNN
    states : Tensor of shape (n, L + 1, m)
        As :func:`hidden_states` gives them.

    Returns
    -------
    Tensor of shape (n, L, m)
        Entry [j, l - 1] is :math:`g_l(x_j)`.

    Raises
    ------
    ValueError
        If the states have another shape or dtype than those of the network.

    Notes
    -----
    Source: Wang et al. (2021), equations (21)-(22).  The slope of the ReLU at
    zero is taken as zero.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> rnn = ReLURNN(2 * one[:, None], one[:, None], one, 3 * one)
    >>> backward_vectors(rnn, hidden_states(rnn, torch.ones(1, 2, 1))).flatten().tolist()
    [6.0, 3.0]
    """
    states = arguments.tensor("states", states, ("n", "L + 1", rnn.width), like=rnn.B)
    active = states[:, 1:] > 0.0
    vectors = [active[:, -1] * rnn.B]
    for step in range(active.shape[1] - 1, 0, -1):
        vectors.append(active[:, step - 1] * (vectors[-1] @ rnn.matrix(step + 1)))
    return torch.stack(vectors[::-1], dim=1)
