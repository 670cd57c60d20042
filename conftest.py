"""What nbval leaves out when it compares a notebook's stored and fresh outputs.

nbval skips cells that were never executed, skips cells with an ignoring tag and
does not look at pictures.  Loaded for every test run, this file makes all three
fail: a twin that was not executed, a tag that silences a comparison, and a
picture that moved.
"""

from __future__ import annotations

import base64
import io
import os

import numpy
import pytest
from nbval.plugin import IPyNbCell
from PIL import Image

os.environ["COMPANION_PROGRESS"] = "off"
os.environ.setdefault("OMP_NUM_THREADS", "1")

COLOUR_TOLERANCE = 24
"""Difference in one colour channel, of 255, below which a pixel has not moved."""

MOVED_SHARE = 0.002
"""Share of pixels that may move: anti-aliasing, not a curve in another place."""

SILENCING = (
    "nbval-ignore-output",
    "nbval-skip",
    "NBVAL_IGNORE_OUTPUT",
    "NBVAL_SKIP",
    "skip-execution",
)


def moved_share(stored: str, fresh: str) -> float:
    """Share of pixels that differ between two base64 PNGs; 1.0 if their sizes differ."""
    old, new = (
        numpy.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"), dtype=int)
        for png in (stored, fresh)
    )
    if old.shape != new.shape:
        return 1.0
    return float((abs(old - new).max(axis=2) > COLOUR_TOLERANCE).mean())


def pictures(outputs) -> list[str]:
    """The PNGs among a cell's outputs, in order."""
    return [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]


class StrictCell(IPyNbCell):
    """A notebook cell that must have been executed, and whose pictures count."""

    def runtest(self):
        if self.cell.source.strip() and self.cell.execution_count is None:
            self.raise_cell_error("Stored cell was never executed: nothing would be compared")
        silencing = [tag for tag in SILENCING if tag in self.cell.metadata.get("tags", ())]
        if silencing or not self.options["check"] or self.options["skip"]:
            self.raise_cell_error(f"Cell opts out of the comparison {silencing}")
        super().runtest()

    def compare_outputs(self, test, ref, skip_compare=None):
        if not super().compare_outputs(test, ref, skip_compare):
            return False
        stored, fresh = pictures(ref), pictures(test)
        shares = [moved_share(a, b) for a, b in zip(stored, fresh, strict=False)]
        if len(stored) != len(fresh) or max(shares, default=0.0) > MOVED_SHARE:
            self.comparison_traceback.append(
                f"{len(stored)} stored and {len(fresh)} fresh pictures, shares of moved pixels {shares}"
            )
            return False
        return True


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item):
    """Turn each of nbval's cells into a strict one, before it runs."""
    if type(item) is IPyNbCell:
        item.__class__ = StrictCell
