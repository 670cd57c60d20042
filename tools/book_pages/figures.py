"""The link below each figure to the numbers behind it, one CSV file a figure.

``tools/figure_data.py`` stores what the figures of a chapter hold; the build writes it as tables
in long form, one line a point, into the book's ``_downloads``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from docutils import nodes
from sphinx.util.osutil import relative_uri

from book_pages.base import ROOT

COLUMNS = ("x", "y", "y2", "base", "value")
"""What a point can have: ``y2`` the other edge of a band, ``base`` a bar's, ``value`` a cell's."""


def stored_figures(docname: str) -> list[dict] | None:
    """Return the figures recorded for a chapter's page, or None if none were."""
    path = data_file(docname)
    if not path.is_file():
        return None
    return json.loads(path.read_text(encoding="utf-8"))["figures"]


def data_file(docname: str) -> Path:
    """Return where a page's data are stored: ``figures/x.json`` beside the chapter's twin."""
    page = ROOT / docname
    return page.parent / "figures" / f"{page.name}.json"


def target_of(docname: str, number: int) -> str:
    """Return the address of a figure's table in the built book."""
    chapter = docname.removeprefix("notebooks/").replace("/", "-")
    return f"_downloads/figures/{chapter}-{number}.csv"


def link_data(app, doctree, docname) -> None:
    """Put a link to its data below each figure of a chapter."""
    figures = stored_figures(docname) if docname.startswith("notebooks/") else None
    if figures is None:
        return
    shown = [image for image in doctree.findall(nodes.image) if _computed(image)]
    if len(shown) != len(figures):
        raise ValueError(f"{docname}: {len(shown)} figures shown, {len(figures)} recorded")
    here = app.builder.get_target_uri(docname)
    for number, image in enumerate(shown, start=1):
        address = relative_uri(here, target_of(docname, number))
        link = (
            f'<p class="figure-data"><a href="{address}" download>Data of this figure (CSV)</a></p>'
        )
        image.parent.insert(image.parent.index(image) + 1, nodes.raw("", link, format="html"))


def _computed(image: nodes.image) -> bool:
    """Whether a picture is the output of a cell."""
    node = image.parent
    while node is not None and "cell_output" not in node.get("classes", ()):
        node = node.parent
    return node is not None


def write_tables(app, exception) -> None:
    """Write the tables of all chapters in the book."""
    if exception is not None or app.builder.format != "html":
        return
    for docname in sorted(app.env.all_docs):
        figures = stored_figures(docname) if docname.startswith("notebooks/") else None
        for number, figure in enumerate(figures or [], start=1):
            target = Path(app.outdir) / target_of(docname, number)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("w", encoding="utf-8", newline="") as file:
                file.writelines(f"# {line}\n" for line in remarks(figure))
                csv.writer(file, lineterminator="\n").writerows(table(figure))


def remarks(figure: dict) -> Iterator[str]:
    """Yield what the axes show and how: labels, scales, words at the ticks, series thinned."""
    for number, axes in enumerate(figure["axes"], start=1):
        sides = [
            f"{side}: {_one_line(axes[side]['label'])} ({axes[side]['scale']})" for side in "xy"
        ]
        yield "; ".join([f"axes {number}: {_one_line(axes['title'])}", *sides])
        for side in "xy":
            for place, word in axes[side].get("words", ()):
                yield f"axes {number}, {side} = {place:g}: {_one_line(word)}"
        for k, series in enumerate(axes["series"], start=1):
            if "thinned_from" in series:
                kept, full = len(series["data"]["x"]), series["thinned_from"]
                yield f"axes {number}, series {k}: {kept} of {full} points, evenly"


def _one_line(text: object) -> str:
    """Return a label, which may be a number, on one line."""
    return " ".join(str(text).split())


def table(figure: dict) -> Iterator[list]:
    """Yield the lines of a figure's table, the headings first; an empty cell is a gap."""
    series = [s for axes in figure["axes"] for s in axes["series"]]
    used = [column for column in COLUMNS if any(column in s["data"] for s in series)]
    yield ["axes", "series", "kind", "label", *used]
    for number, axes in enumerate(figure["axes"], start=1):
        for k, series in enumerate(axes["series"], start=1):
            columns = [series["data"].get(column, ()) for column in used]
            head = [number, k, series["kind"], _one_line(series["label"])]
            for values in zip_longest(*columns):
                yield [*head, *("" if value is None else f"{value:g}" for value in values)]
