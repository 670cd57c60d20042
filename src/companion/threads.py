"""Work that falls into independent blocks, shared out over the threads of PyTorch.

A block's operations are too small to be divided themselves: two threads inside an
operation gain little, two threads with a block each gain nearly two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from companion.progress import watched

Part, Result = TypeVar("Part"), TypeVar("Result")


def shared_out(
    work: Callable[[Iterable[Part]], Result],
    parts: Sequence[Part],
    device: torch.device,
    description: str,
) -> list[Result]:
    """Divide the parts among the threads and do each share's work in its own thread.

    Parameters
    ----------
    work : callable
        Takes some of the parts, in order; its operations run on one thread.
    parts : sequence
        Thread k of K takes every K-th, from the k-th on.
    device : torch.device
        Anything but the CPU is served by one thread.
    description : str
        What the progress bar of the first share says.

    Returns
    -------
    list
        What ``work`` returned, share by share: at most ``torch.get_num_threads()``
        results, and one at least.  With one thread ``work`` takes all the parts, in the
        calling thread.

    Raises
    ------
    Exception
        Whatever ``work`` raises, after the other shares have ended.

    Examples
    --------
    >>> sum(shared_out(sum, range(5), torch.device("cpu"), "adding"))
    10
    """
    threads = torch.get_num_threads()
    count = min(threads, len(parts)) if device.type == "cpu" else 1
    if count <= 1:
        return [work(watched(parts, description))]
    tracking = torch.is_grad_enabled()  # each thread has its own switch

    def one(first: int) -> Result:
        torch.set_num_threads(1)
        share = parts[first::count]
        with torch.set_grad_enabled(tracking):
            return work(share if first else watched(share, description))

    try:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count)))
    finally:
        torch.set_num_threads(threads)  # for threads that start later
