r"""Algorithm 1 of paper B: online SGD, one sample a step, and its infinite-width limit.

The gradient of an output is a sum of L outer products, so that a step reads the
recurrent matrix once a time forward, once a time backward, and adds one matrix
of rank L to it in place; no gradient of size m x m is formed.

The start decides what is trained.  As printed: ``random_initialisation`` with
``variances_algorithm_1`` (or ``variances_printed``).  As corrected: ``mirrored``,
``variances_corrected`` and a step of size c/m, whose limit is
:func:`kernel_sgd` with the step size c.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from companion import arguments
from companion import checkpoint as files
from companion.progress import watched
from companion.relu.rnn import ReLURNN

CHECK_EVERY = 200
"""Steps between two looks at the outputs, and two writes of a checkpoint."""


@dataclass(frozen=True)
class OnlineRun:
    r"""What online SGD leaves behind after n steps.

    Parameters
    ----------
    margins : Tensor of shape (n,)
        :math:`y_t f(W^{t-1}, x_t)`: each sample is predicted before it is learned.
    last : ReLURNN
        The network at :math:`W^n`.
    """

    margins: Tensor
    last: ReLURNN


@dataclass(frozen=True)
class KernelRun:
    r"""What online SGD in the infinite-width limit leaves behind after n steps.

    Parameters
    ----------
    margins : Tensor of shape (n,)
        :math:`y_t f_{t-1}(x_t)`.
    coefficients : Tensor of shape (n,)
        :math:`a_t` of :math:`f_n(x) = \sum_t a_t H^\infty(x, x_t)`.
    """

    margins: Tensor
    coefficients: Tensor


def average_errors(margins: Tensor) -> Tensor:
    r"""Compute :math:`\frac1t\sum_{s\le t}1\{y_s f_{s-1}(x_s) \le 0\}` for t = 1, ..., n.

    On independent samples its expectation is that of the average 0-1 error of
    the first t iterates, because the iterate does not know the sample it meets.

    Parameters
    ----------
    margins : Tensor of shape (..., n)

    Returns
    -------
    Tensor of shape (..., n)

    Notes
    -----
    Source: Wang et al. (2021), equation (17), left side, with the iterates
    0, ..., n - 1.  An output of zero counts as an error.

    Examples
    --------
    >>> average_errors(torch.tensor([0.0, 2.0, -1.0, 1.0])).tolist()
    [1.0, 0.5, 0.6666666865348816, 0.5]
    """
    wrong = (margins <= 0.0).to(margins.dtype)
    steps = torch.arange(1, margins.shape[-1] + 1, dtype=margins.dtype, device=margins.device)
    return wrong.cumsum(-1) / steps


def online_sgd(
    rnn: ReLURNN,
    X: Tensor,
    y: Tensor,
    step_size: float,
    *,
    checkpoint: Path | str | None = None,
) -> OnlineRun:
    r"""Run Algorithm 1: one pass over the samples, in their order.

    .. math:: W^t = W^{t-1} - \eta\,\nabla_W\ell(y_t f(W^{t-1}, x_t)), \quad
        \ell(z) = \log(1 + e^{-z})

    Parameters
    ----------
    rnn : ReLURNN
        The network at :math:`W^0`; it is left unchanged.
    X : Tensor of shape (n, L, d)
        Independent samples in the order of use.
    y : Tensor of shape (n,)
        Labels, 1 or -1.
    step_size : float
        :math:`\eta`, positive.
    checkpoint : path, optional
        A file to which the run is written as it goes; if it exists, the run
        continues from it, bit-identical to an uninterrupted one.

    Returns
    -------
    OnlineRun

    Raises
    ------
    ValueError
        If shapes disagree, a label is not 1 or -1, the step size is not
        positive, the steps have matrices of their own, an output is no longer
        finite, or the checkpoint belongs to another run.

    Notes
    -----
    Source: Wang et al. (2021), Algorithm 1 and equation (15).  A step costs
    4 L m² multiplications and additions and O(L m) memory beyond W.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> rnn = ReLURNN(one[:, None], one[:, None], one, one)
    >>> run = online_sgd(rnn, torch.ones(3, 1, 1), torch.ones(3), 0.5)
    >>> bool(run.margins[2] > run.margins[1] > run.margins[0])
    True
    """
    if not rnn.tied:
        raise ValueError("rnn must have one recurrent matrix, got one for every step")
    X = arguments.tensor("X", X, ("n", "L", rnn.dimension), like=rnn.B)
    y = _labels(y, X)
    eta = arguments.positive("step_size", step_size)
    path = None if checkpoint is None else Path(checkpoint)
    run = "" if path is None else _fingerprint(rnn, X, y, eta)
    W, margins, first = rnn.W.clone(), torch.zeros_like(y), 0
    if path is not None and path.exists():
        state = files.read(path, run, rnn.W.device)
        W, margins, first = state["W"], state["margins"], state["steps"]
    at = rnn.at(W)
    for t in watched(range(first, len(X)), "online SGD"):
        margins[t] = _step(at, X[t], y[t], eta)
        if (t + 1) % CHECK_EVERY == 0 or t + 1 == len(X):
            _require_finite(margins, eta)  # later ones are still zero
            if path is not None:
                files.write(path, run, {"W": W, "margins": margins, "steps": t + 1})
    return OnlineRun(margins, at)


def kernel_sgd(H: Tensor, y: Tensor, step_size: float) -> KernelRun:
    r"""Run the infinite-width limit of Algorithm 1, in kernel form, from output zero.

    .. math:: f_t = f_{t-1} + c\,y_t\,\sigma(-y_t f_{t-1}(x_t))\,H^\infty(\cdot, x_t)

    Here :math:`\sigma(-z) = -\ell'(z)` and :math:`c = \eta m`.

    Parameters
    ----------
    H : Tensor of shape (n, n)
        Kernel matrix of the samples in the order of use.
    y : Tensor of shape (n,)
        Labels, 1 or -1.
    step_size : float
        c, positive.

    Returns
    -------
    KernelRun
        The first entries do not depend on n.

    Raises
    ------
    ValueError
        If shapes disagree, a label is not 1 or -1, or the step size is not positive.

    Notes
    -----
    Source: this book, from Wang et al. (2021), Algorithm 1 and equation (23).

    Examples
    --------
    >>> run = kernel_sgd(torch.ones(2, 2), torch.tensor([1.0, -1.0]), 2.0)
    >>> run.margins.tolist()
    [0.0, -1.0]
    """
    y = arguments.tensor("y", y, ("n",))
    H = arguments.tensor("H", H, (len(y), len(y)), like=y)
    y, c = _labels(y, H), arguments.positive("step_size", step_size)
    margins, coefficients = torch.zeros_like(y), torch.zeros_like(y)
    for t in watched(range(len(y)), "kernel SGD"):
        margins[t] = y[t] * (H[t, :t] @ coefficients[:t])
        coefficients[t] = c * y[t] * torch.sigmoid(-margins[t])
    return KernelRun(margins, coefficients)


def _step(rnn: ReLURNN, x: Tensor, label: Tensor, eta: float) -> Tensor:
    """Return the margin at one sample, after moving W in place against its loss."""
    W, drive = rnn.W, x @ rnn.A.T
    states = W.new_empty(len(x) + 1, rnn.width)
    states[0] = rnn.M_0.relu()
    for step, into in enumerate(drive):
        torch.addmv(into, W, states[step], out=states[step + 1]).relu_()
    margin = label * (rnn.B @ states[-1])
    active = (states[1:] > 0.0).to(W)
    vectors = torch.empty_like(active)
    vectors[-1] = active[-1] * rnn.B
    for step in range(len(x) - 1, 0, -1):
        torch.mv(W.T, vectors[step], out=vectors[step - 1]).mul_(active[step - 1])
    vectors *= eta * label * torch.sigmoid(-margin)
    W.addmm_(vectors.T, states[:-1])
    return margin


def _labels(y: Tensor, like: Tensor) -> Tensor:
    y = arguments.tensor("y", y, (len(like),), like=like)
    if bool((y.abs() != 1.0).any()):
        raise ValueError("y must hold labels 1 and -1 only, got other numbers")
    return y


def _require_finite(margins: Tensor, eta: float) -> None:
    bad = (~torch.isfinite(margins)).nonzero()
    if len(bad):
        raise ValueError(
            f"step_size {eta:g} is too large: the output of step {int(bad[0, 0]) + 1} overflows"
        )


def _fingerprint(rnn: ReLURNN, X: Tensor, y: Tensor, eta: float) -> str:
    return files.fingerprint(["online SGD", repr(eta)], [rnn.W, rnn.A, rnn.M_0, rnn.B, X, y])
