"""Files from which an interrupted run goes on, to the bit.

A file holds the state of one run and a fingerprint of everything that the run
depends on, so that no run continues from the state of another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor


def fingerprint(settings: Iterable[object], tensors: Iterable[Tensor]) -> str:
    """Return a digest of what a run depends on: its settings and its tensors.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> fingerprint(["sgd", 0.1], [one]) == fingerprint(["sgd", 0.2], [one])
    False
    """
    digest = hashlib.sha256("|".join(map(str, settings)).encode())
    for tensor in tensors:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def write(path: Path, run: str, state: dict) -> None:
    """Write the state so that an interruption leaves the old file or the new one.

    Parameters
    ----------
    path : Path
    run : str
        The run's :func:`fingerprint`.
    state : dict
        Tensors, numbers, and lists of them.
    """
    part = path.with_name(path.name + ".part")
    torch.save({"run": run, **state}, part)
    os.replace(part, path)


def read(path: Path, run: str, device: torch.device) -> dict:
    """Return the state that :func:`write` has written for this very run.

    Raises
    ------
    ValueError
        If the file belongs to another run.
    """
    state = torch.load(path, map_location=device, weights_only=True)
    if state.pop("run") != run:
        raise ValueError(f"checkpoint {path} belongs to another run; remove it or name another")
    return state
