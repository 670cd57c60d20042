"""The roofline picture of the Speed page: rates against operations a byte, as SVG."""

from __future__ import annotations

import json
import math
from html import escape

from docutils import nodes

from book_pages.base import ROOT, BookDirective

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 62, 14, 14, 46
STORED = ROOT / "benchmarks/results.json"


class Scale:
    """Logarithmic axes with room for all points."""

    def __init__(self, intensities: list[float], rates: list[float]):
        self.x = (_floor(min(intensities)), _ceil(max(intensities)))
        self.y = (_floor(min(rates)), _ceil(max(rates)))

    def at(self, intensity: float, rate: float) -> tuple[float, float]:
        """Return where a point stands, in the picture's units."""
        x = (math.log10(intensity) - self.x[0]) / (self.x[1] - self.x[0])
        y = (math.log10(rate) - self.y[0]) / (self.y[1] - self.y[0])
        return (
            round(LEFT + x * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM), 1),
        )


class Roofline(BookDirective):
    """``{roofline}``: every kernel's rate below the roof of this machine."""

    def run(self):
        self.env.note_dependency(str(STORED))
        rows = json.loads(STORED.read_text(encoding="utf-8"))["roofline"]["rows"]
        picture = draw(rows)
        return [nodes.raw("", f'<div class="scrolls roofline">{picture}</div>', format="html")]


def draw(rows: list[dict]) -> str:
    """Return the picture.

    Parameters
    ----------
    rows : list of dict
        As ``make bench`` stores them: kernels with ``intensity``, and the rows GEMM and stream.

    Returns
    -------
    str
    """
    named = {row["what"]: row["value"] for row in rows}
    gemm, stream = named["GEMM"], named["stream"]
    kernels = sorted((row for row in rows if "intensity" in row), key=lambda row: row["intensity"])
    ridge = gemm / stream
    scale = Scale(
        [ridge / 4, *(row["intensity"] for row in kernels)],
        [gemm, *(row["value"] for row in kernels)],
    )
    low = max(10 ** scale.x[0], 10 ** scale.y[0] / stream)
    roof = [scale.at(low, low * stream), scale.at(ridge, gemm), scale.at(10 ** scale.x[1], gemm)]
    places = "; ".join(
        f"{row['what']}: {row['value']:.3g} GF/s at {_digits(row['intensity'])} operations a byte"
        for row in kernels
    )
    label = (
        f"Roofline: memory gives {stream:.3g} GB/s, products of matrices {gemm:.3g} GF/s. {places}."
    )
    points = " ".join(f"{x},{y}" for x, y in roof)
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}">'
        f'{_axes(scale)}<polyline class="roof" points="{points}"/>'
        f"{''.join(_point(row, number, scale) for number, row in enumerate(kernels, 1))}"
        f"</svg><ol>{''.join(_entry(row) for row in kernels)}</ol>"
    )


def _axes(scale: Scale) -> str:
    """Return grid lines at powers of ten, their numbers and the titles."""
    parts = []
    for power in range(scale.x[0], scale.x[1] + 1):
        (x, bottom), (_, top) = (scale.at(10**power, 10 ** scale.y[k]) for k in (0, 1))
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{bottom}" y2="{top}"/>')
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{_power(power)}</text>')
    for power in range(scale.y[0], scale.y[1] + 1):
        (left, y), (right, _) = (scale.at(10 ** scale.x[k], 10**power) for k in (0, 1))
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{_power(power)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">operations a byte</text>'
    )
    parts.append(
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">GF/s</text>'
    )
    return "".join(parts)


def _point(row: dict, number: int, scale: Scale) -> str:
    x, y = scale.at(row["intensity"], row["value"])
    title = f"<title>{escape(row['what'])}: {row['value']:.3g} GF/s</title>"
    return (
        f'<g class="kernel">{title}<circle cx="{x}" cy="{y}" r="9"/>'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle">{number}</text></g>'
    )


def _entry(row: dict) -> str:
    spread = f" [{row['low']:.3g}, {row['high']:.3g}]" if "low" in row else ""
    rate = f"{row['value']:.3g}{spread} GF/s at {_digits(row['intensity'])} operations a byte"
    return f"<li>{escape(row['what'])}: {rate}</li>"


def _digits(value: float) -> str:
    """Return three digits, with commas instead of powers of ten."""
    return f"{float(f'{value:.3g}'):,g}"


def _power(power: int) -> str:
    return f"{10.0**power:g}" if -3 <= power <= 3 else f"1e{power}"


def _floor(value: float) -> int:
    return math.floor(math.log10(value))


def _ceil(value: float) -> int:
    return math.ceil(math.log10(value))
