"""Progress bars that a person sees and a stored output never holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from tqdm.std import tqdm

DELAY = 2.0
"""Seconds before a bar appears, so that short loops stay silent."""


def watched(steps: Iterable, description: str) -> Iterable:
    """Iterate over ``steps``, with a bar if a person watches.

    A person watches a terminal or a live notebook; setting the environment
    variable ``COMPANION_PROGRESS=off`` says that nobody does, as the tools that
    execute and compare notebooks do.

    Parameters
    ----------
    steps : iterable
    description : str
        What the bar says on its left.

    Returns
    -------
    iterable
        The same items in the same order.

    Examples
    --------
    >>> list(watched(range(3), "counting"))
    [0, 1, 2]
    """
    person = sys.stderr.isatty() or "ipykernel" in sys.modules
    if not person or os.environ.get("COMPANION_PROGRESS") == "off":
        return steps
    return tqdm(steps, desc=description, delay=DELAY, leave=False)
