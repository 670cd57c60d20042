"""One figure style for the whole book: legible in grey, in the dark and on a phone.

Figures are opaque, so that a dark page shows them on their own light ground;
series differ by line style and marker as well as by colour.
"""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#004b87", "#c8570a", "#3a7d44", "#7a3b8f", "#444444", "#b08900")
"""Colours of falling, then rising lightness, told apart by the common forms of colour blindness."""

LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "x")

STYLE = {
    "figure.dpi": 150,
    "savefig.bbox": "tight",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 11,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "axes.prop_cycle": cycler(color=COLOURS, linestyle=LINES, marker=MARKERS),
    "lines.markersize": 4.5,
}


def panels(count: int = 1, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """Open a figure of ``count`` panels side by side, in the book's style.

    Parameters
    ----------
    count : int
        Number of panels, at least 1.
    height : float
        Height in inches; the width is that of the text column.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : list of matplotlib.axes.Axes

    Examples
    --------
    >>> figure, axes = panels(2)
    >>> len(axes)
    2
    >>> plt.close(figure)
    """
    matplotlib.rcParams.update(STYLE)
    figure, axes = plt.subplots(
        1, count, figsize=(7.2, height), layout="constrained", squeeze=False
    )
    return figure, list(axes[0])
