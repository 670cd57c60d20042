"""A film is a figure that changes; it is stored as a GIF, and its last frame as a PNG.

A reader who asks for less motion, and paper, get the last frame: it says by itself what
the film shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy
from matplotlib.figure import Figure
from PIL import Image

from companion import plots

DPI = 130
FRAME_MS, PAUSE_MS = 120, 3000
REPEATS = 2
"""After the first showing; a film that never ends distracts from the text."""

COLOURS = 128
"""Of the palette that all frames share: what did not move is then not stored again."""


@dataclass(frozen=True)
class Film:
    """A figure and what changes in it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        With axes that stay as they are.
    show : callable
        Moves the figure's curves to a frame, 0 to ``count - 1``.
    count : int
    """

    figure: Figure
    show: Callable[[int], None]
    count: int


def opened(mosaic: str, height: float) -> tuple[Figure, dict]:
    """Open a film's figure, narrower than the chapters' so that a phone shows its words.

    Parameters
    ----------
    mosaic : str
        As for ``matplotlib.pyplot.subplot_mosaic``.
    height : float
        In inches.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : dict of str to matplotlib.axes.Axes
    """
    # Tight boxes would give each frame a size of its own.
    matplotlib.rcParams.update(plots.STYLE | {"savefig.bbox": None, "axes.titlesize": 10.5})
    return plt.subplot_mosaic(mosaic, figsize=(6.2, height), dpi=DPI, layout="constrained")


def pictures(name: str, make: Callable[[], Film]) -> dict[str, Callable[[Path], None]]:
    """Return what makes a film's two files, by their names.

    Parameters
    ----------
    name : str
    make : callable
        Computes the film.

    Returns
    -------
    dict of str to callable
    """
    return {f"{name}.png": partial(still, make=make), f"{name}.gif": partial(moving, make=make)}


def still(path: Path, make: Callable[[], Film]) -> None:
    """Store the last frame of a film.

    Parameters
    ----------
    path : Path
        The PNG to write.
    make : callable
    """
    film = _laid_out(make())
    _frame(film, film.count - 1).save(path)
    plt.close(film.figure)


def moving(path: Path, make: Callable[[], Film]) -> None:
    """Store a film.

    Parameters
    ----------
    path : Path
        The GIF to write.
    make : callable
    """
    film = _laid_out(make())
    last = _frame(film, film.count - 1)
    # Median cut would spend the palette on the shades of the ground.
    palette = last.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
    frames = [
        _frame(film, k).quantize(palette=palette, dither=Image.Dither.NONE)
        for k in range(film.count)
    ]
    plt.close(film.figure)
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=[FRAME_MS] * (film.count - 1) + [PAUSE_MS],
        loop=REPEATS,
    )


def _laid_out(film: Film) -> Film:
    """Place the axes once for all frames: it takes longer than the drawing."""
    film.show(film.count - 1)
    film.figure.draw_without_rendering()
    film.figure.set_layout_engine("none")
    return film


def _frame(film: Film, number: int) -> Image.Image:
    film.show(number)
    film.figure.canvas.draw()
    return Image.fromarray(numpy.asarray(film.figure.canvas.buffer_rgba())).convert("RGB")
