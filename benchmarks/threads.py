"""Two threads on two cores for every library, set before any of them is imported."""

from __future__ import annotations

import os
from pathlib import Path

THREADS = 2

SETTINGS = {
    "OMP_NUM_THREADS": str(THREADS),
    "MKL_NUM_THREADS": str(THREADS),
    "OPENBLAS_NUM_THREADS": str(THREADS),
    "NPROC": str(THREADS),  # the size of XLA's thread pool
    "JAX_PLATFORMS": "cpu",
    "COMPANION_PROGRESS": "off",
}


def fix() -> None:
    """Set the environment and keep the process on two cores."""
    os.environ.update(SETTINGS)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores(sorted(os.sched_getaffinity(0)), THREADS))


def cores(allowed: list[int], count: int) -> list[int]:
    """Choose processors on different cores, as far as there are any."""
    first: dict[str, int] = {}
    for cpu in allowed:
        first.setdefault(_siblings(cpu), cpu)
    spare = [cpu for cpu in allowed if cpu not in first.values()]
    return ([*first.values()] + spare)[:count]


def _siblings(cpu: int) -> str:
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return path.read_text() if path.exists() else str(cpu)
