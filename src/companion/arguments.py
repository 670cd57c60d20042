"""What public functions accept, and the sentence that a reader gets otherwise.

Every function here either returns its argument in the form that the caller
computes with, or raises ``ValueError`` naming the argument, what it got and
what it needs.  Nothing is broadcast, cast or clipped in silence.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

NORM_TOLERANCE = 1e-12
"""Rounding allowed in float64 when an input is normalised to length one."""


def positive(name: str, value: float) -> float:
    """Return ``value`` as a float, which must be finite and larger than zero."""
    number = real(name, value)
    if number <= 0.0:
        raise ValueError(f"{name} must be positive, got {value!r}")
    return number


def real(name: str, value: float) -> float:
    """Return ``value`` as a finite float."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return number


def count(name: str, value: int, at_least: int = 1) -> int:
    """Return ``value`` as an integer of at least ``at_least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} must be an integer, got {value!r}")
    number = value.__index__()
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {number}")
    return number


def tensor(name: str, value, shape: tuple, like: Tensor | None = None) -> Tensor:
    """Return ``value`` as a finite floating-point tensor of the given shape.

    Parameters
    ----------
    name : str
        The argument's name in the caller, used in the error.
    value : Tensor, numpy.ndarray or nested list of float
        Lists take the dtype of ``like``, or float64; arrays keep their own.
    shape : tuple of int or str
        One entry per axis: a number the axis must equal, or a letter that
        only names it in the error message.
    like : Tensor, optional
        A tensor whose dtype and device ``value`` must share.

    Raises
    ------
    ValueError
        If the shape, dtype or device differ, or an entry is not finite.

    Examples
    --------
    >>> tensor("X", [[0.0, 1.0]], ("n", 2)).shape
    torch.Size([1, 2])
    """
    if not isinstance(value, Tensor):
        # A list has no precision of its own; an array keeps the one it has.
        listed = {"dtype": torch.float64 if like is None else like.dtype}
        try:
            value = torch.as_tensor(value, **(listed if isinstance(value, list | tuple) else {}))
        except (TypeError, ValueError, RuntimeError):
            kind = type(value).__name__
            raise ValueError(f"{name} must be an array of numbers, got {kind}") from None
    if not value.dtype.is_floating_point:
        raise ValueError(f"{name} must hold floating-point numbers, got {value.dtype}")
    _require_shape(name, value, shape)
    if like is not None and value.dtype != like.dtype:
        raise ValueError(f"{name} has dtype {value.dtype}, the network needs {like.dtype}")
    if like is not None and value.device != like.device:
        raise ValueError(f"{name} is on {value.device}, the network needs {like.device}")
    if not _all_finite(value):
        raise ValueError(f"{name} must be finite, got NaN or infinite entries")
    return value


def _all_finite(value: Tensor) -> bool:
    # A finite sum has finite terms, and is many times faster than looking at each of them.
    # The other way round is false: finite terms may overflow, so then each is looked at.
    return math.isfinite(value.sum().item()) or bool(torch.isfinite(value).all())


def _require_shape(name: str, value: Tensor, shape: tuple) -> None:
    fits = value.ndim == len(shape) and all(
        isinstance(want, str) or got == want for got, want in zip(value.shape, shape, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join(str(size) for size in shape) + ")"
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(value.shape)}")
    if 0 in value.shape:
        raise ValueError(f"{name} must not be empty, got shape {tuple(value.shape)}")


def in_unit_ball(name: str, value: Tensor) -> Tensor:
    """Return ``value`` of shape (..., d) if every row has length at most one.

    Paper A assumes this of its inputs throughout (section 2.1).
    """
    longest = float(value.norm(dim=-1).max())
    if longest > 1.0 + max(NORM_TOLERANCE, 8.0 * torch.finfo(value.dtype).eps):
        raise ValueError(
            f"{name} must have vectors of Euclidean norm at most 1, got one of norm {longest:.6g}"
        )
    return value
