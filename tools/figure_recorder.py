"""What stands in the figures of a running notebook, as plain numbers.

Loaded into the kernel by ``tools/figure_data.py``, before the first cell of a chapter.
Every artist's points are given in the coordinates of its axes, also those of lines that
matplotlib places by the frame, such as ``axhline``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.category import StrCategoryFormatter
from matplotlib.collections import (
    Collection,
    FillBetweenPolyCollection,
    LineCollection,
    PathCollection,
    PolyCollection,
    QuadMesh,
)
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FuncFormatter

DIGITS = 5
MOST_POINTS = 2000
WORDS = (FixedFormatter, FuncFormatter, StrCategoryFormatter)
GAP = numpy.array([[numpy.nan, numpy.nan]])
"""Stands between two pieces of one series; it is stored as null."""


def start(path: str) -> None:
    """Write what every figure holds to a file, one line of JSON for each figure shown."""
    show = FigureCanvasBase.print_figure

    def show_and_record(canvas, *args, **kwargs):
        shown = show(canvas, *args, **kwargs)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(contents(canvas.figure), allow_nan=False) + "\n")
        return shown

    FigureCanvasBase.print_figure = show_and_record


def contents(figure: Figure) -> list[dict]:
    """Return what the axes of a drawn figure hold, one entry for each axes."""
    return [
        {
            "title": axes.get_title() or axes.get_title("left"),
            "x": scale_of(axes.xaxis),
            "y": scale_of(axes.yaxis),
            "series": list(series_of(axes)),
        }
        for axes in figure.axes
    ]


def scale_of(axis) -> dict:
    """Return an axis's label and scale, and the words at its ticks where it has words."""
    found = {"label": axis.get_label_text(), "scale": axis.get_scale()}
    formatter = axis.get_major_formatter()
    if isinstance(formatter, WORDS):
        places = axis.get_majorticklocs()
        words = zip(plain(places), formatter.format_ticks(places), strict=True)
        found["words"] = [[place, word] for place, word in words if word]
    return found


def series_of(axes: Axes) -> Iterator[dict]:
    """Yield every series of an axes: lines, bars, error bars, areas, points, images."""
    whole = {id(part) for box in axes.containers for part in _parts(box)}
    for box in axes.containers:
        if isinstance(box, BarContainer):
            yield _series("bars", box.get_label(), _bars(box))
        elif isinstance(box, ErrorbarContainer):
            yield from _error_bars(axes, box)
    for line in axes.lines:
        if id(line) not in whole:
            yield _series("line", line.get_label(), _columns(_line(axes, line)))
    for kind in (axes.collections, axes.images, axes.patches):
        for artist in kind:
            if id(artist) not in whole:
                yield _other(axes, artist)


def _parts(box) -> Iterator:
    """Artists that a container draws, which are no series of their own."""
    for part in box:
        if isinstance(part, tuple | list):
            yield from part
        elif part is not None:
            yield part


def _bars(box: BarContainer) -> dict:
    bars = [bar.get_bbox() for bar in box]
    if box.orientation == "horizontal":
        return {
            "x": [bar.x1 for bar in bars],
            "y": [(bar.y0 + bar.y1) / 2 for bar in bars],
            "base": [bar.x0 for bar in bars],
        }
    return {
        "x": [(bar.x0 + bar.x1) / 2 for bar in bars],
        "y": [bar.y1 for bar in bars],
        "base": [bar.y0 for bar in bars],
    }


def _error_bars(axes: Axes, box: ErrorbarContainer) -> Iterator[dict]:
    """The points, then the ends of each direction's bars."""
    line, _, bars = box
    if line is not None:
        yield _series("line", box.get_label(), _columns(_line(axes, line)))
    for direction in bars:
        ends = _joined(_segments(axes, direction))
        yield _series("error bars", box.get_label(), _columns(ends))


def _other(axes: Axes, artist) -> dict:
    """A collection, an image or a patch as a series; what is unknown says so."""
    label = artist.get_label()
    if isinstance(artist, PathCollection):
        columns = _columns(_to_data(axes, artist.get_offset_transform(), artist.get_offsets()))
        values = artist.get_array()
        return _series("points", label, columns | ({} if values is None else {"value": values}))
    if isinstance(artist, FillBetweenPolyCollection) and artist.t_direction == "x":
        return _series("band", label, _band(artist))
    if isinstance(artist, ContourSet):
        return _series("contours", label, _contours(axes, artist))
    if isinstance(artist, LineCollection):
        return _series("segments", label, _columns(_joined(_segments(axes, artist))))
    if isinstance(artist, AxesImage) and artist.get_array().ndim == 2:
        return _series("image", label, _image(artist))
    if isinstance(artist, QuadMesh):
        return _series("image", label, _mesh(artist))
    if isinstance(artist, Patch):
        path = artist.get_transform().transform_path(artist.get_path())
        pieces = [
            axes.transData.inverted().transform(p)
            for p in path.to_polygons(closed_only=artist.get_fill())
        ]
        return _series("outline", label, _columns(_joined(pieces)))
    if isinstance(artist, PolyCollection):
        return _series("outline", label, _columns(_joined(_segments(axes, artist))))
    return {"kind": f"not recorded: {type(artist).__name__}", "label": _name(label), "data": {}}


def _line(axes: Axes, line) -> numpy.ndarray:
    points = numpy.column_stack(
        [numpy.ma.filled(numpy.ma.asarray(c, float), numpy.nan) for c in line.get_data(orig=False)]
    )
    return _to_data(axes, line.get_transform(), points)


def _to_data(axes: Axes, transform, points) -> numpy.ndarray:
    """Points of another frame in the coordinates of the axes; data coordinates stay exact."""
    points = numpy.ma.filled(numpy.ma.asarray(points, float), numpy.nan)
    if transform == axes.transData:
        return points
    return axes.transData.inverted().transform(transform.transform(points))


def _segments(axes: Axes, collection: Collection) -> list[numpy.ndarray]:
    return [
        _to_data(axes, collection.get_transform(), path.vertices) for path in collection.get_paths()
    ]


def _joined(pieces: list[numpy.ndarray]) -> numpy.ndarray:
    """Join pieces to one list of points, with a gap between two of them."""
    spaced = [part for piece in pieces for part in (piece, GAP)]
    return numpy.concatenate(spaced[:-1]) if spaced else numpy.empty((0, 2))


def _band(artist: FillBetweenPolyCollection) -> dict:
    """Both edges of a ``fill_between``, read off its outline: there, and back again."""
    lower, upper = [], []
    for path in artist.get_paths():
        count = (len(path.vertices) - 3) // 2
        lower.append(path.vertices[1 : count + 1])
        upper.append(path.vertices[count + 2 : 2 * count + 2][::-1])
    return _columns(_joined(lower)) | {"y2": _joined(upper)[:, 1]}


def _contours(axes: Axes, artist: ContourSet) -> dict:
    points, values = [], []
    levels = artist.cvalues if artist.filled else artist.levels
    for level, path in zip(levels, artist.get_paths(), strict=True):
        joined = _joined(path.to_polygons(closed_only=False))
        points.append(_to_data(axes, artist.get_transform(), joined))
        values += [level] * len(joined) + [numpy.nan]
    return _columns(_joined(points)) | {"value": values[:-1]}


def _image(artist: AxesImage) -> dict:
    """Centres and values of an image's cells, row by row."""
    values = numpy.ma.filled(numpy.ma.asarray(artist.get_array(), float), numpy.nan)
    rows, columns = values.shape
    left, right, bottom, top = artist.get_extent()
    if artist.origin == "upper":
        bottom, top = top, bottom
    x = left + (numpy.arange(columns) + 0.5) * (right - left) / columns
    y = bottom + (numpy.arange(rows) + 0.5) * (top - bottom) / rows
    x, y = numpy.meshgrid(x, y)
    return {"x": x.ravel(), "y": y.ravel(), "value": values.ravel()}


def _mesh(artist: QuadMesh) -> dict:
    """Centres and values of a mesh's cells, row by row."""
    corners = numpy.asarray(artist.get_coordinates(), float)
    centres = (corners[:-1, :-1] + corners[1:, :-1] + corners[:-1, 1:] + corners[1:, 1:]) / 4
    values = numpy.ma.filled(numpy.ma.asarray(artist.get_array(), float), numpy.nan)
    return {**_columns(centres.reshape(-1, 2)), "value": values.ravel()}


def _columns(points: numpy.ndarray) -> dict:
    return {"x": points[:, 0], "y": points[:, 1]}


def _series(kind: str, label: str, data: dict) -> dict:
    """Round a series and thin it evenly to the most points that are kept."""
    count = len(data["x"])
    found = {"kind": kind, "label": _name(label)}
    kept = numpy.arange(count)
    if count > MOST_POINTS:
        kept = numpy.linspace(0, count - 1, MOST_POINTS).round().astype(int)
        found["thinned_from"] = count
    return found | {"data": {key: plain(numpy.asarray(v)[kept]) for key, v in data.items()}}


def _name(label: object) -> str:
    """A label as the legend shows it; matplotlib's own names of nameless artists are none."""
    return "" if str(label).startswith("_") else str(label)


def plain(values) -> list[float | None]:
    """Return numbers rounded to five significant digits; what is not finite becomes null."""
    return [float(f"{v:.{DIGITS}g}") if numpy.isfinite(v) else None for v in values]
