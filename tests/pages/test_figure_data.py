"""The data stored for the figures are those of the pictures, and each check of them bites."""

import copy
import io
import json
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy
import pytest
from docutils import nodes
from docutils.utils import new_document
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import figure_recorder  # noqa: E402
from book_pages import figures  # noqa: E402
from book_pages.figures import remarks, table  # noqa: E402
from execute_chapters import chapter_sources, twin_of  # noqa: E402
from figure_data import alike, faults, fingerprint, pictures, record, stored_data  # noqa: E402

CHEAP = ROOT / "book/diagonal/initialisation_and_methods.md"
TOLERANCE = 1e-4
MOST_BYTES = 3_000_000


def stored(source):
    return json.loads(stored_data(source).read_text(encoding="utf-8"))


def twin(source):
    return nbformat.read(twin_of(source), as_version=4)


@pytest.mark.parametrize(
    "source", chapter_sources(), ids=lambda source: f"{source.parent.name}/{source.stem}"
)
def test_every_picture_has_its_data(source):
    assert faults(stored(source), twin(source)) == []


def test_the_data_are_small():
    assert sum(p.stat().st_size for p in ROOT.glob("notebooks/*/figures/*.json")) < MOST_BYTES


def series_in(data):
    """All series of a chapter, with what identifies them."""
    return {
        (f, a, s, series["kind"], series["label"]): series["data"]
        for f, figure in enumerate(data["figures"])
        for a, axes in enumerate(figure["axes"])
        for s, series in enumerate(axes["series"])
    }


def moved(one, other):
    """Largest difference of two chapters' data, in units of each column's largest value."""
    one, other = series_in(one), series_in(other)
    if one.keys() != other.keys():
        return math.inf
    pairs = [(one[k][c], other[k].get(c, [])) for k in one for c in one[k]]
    return max((column_moved(a, b) for a, b in pairs), default=0.0)


def column_moved(a, b):
    a, b = numpy.array(a, dtype=float), numpy.array(b, dtype=float)
    if a.shape != b.shape or (numpy.isnan(a) != numpy.isnan(b)).any():
        return math.inf
    a, b = a[~numpy.isnan(a)], b[~numpy.isnan(b)]
    size = abs(a).max(initial=0.0)
    return abs(a - b).max(initial=0.0) / size if size else abs(b).max(initial=0.0)


def test_a_chapter_gives_its_data_again():
    fresh = record(CHEAP)
    assert moved(stored(CHEAP), fresh) < TOLERANCE
    assert fresh["parameters"]["seed"] == stored(CHEAP)["parameters"]["seed"]
    assert fresh["command"] == stored(CHEAP)["command"]


def spoiled(change):
    data = copy.deepcopy(stored(CHEAP))
    change(data["figures"])
    return data


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda figures: figures.pop(), "pictures in the twin"),
        (lambda figures: figures[0].update(picture="0" * 16), "figure 1 was recorded for another"),
        (lambda figures: [a["series"].clear() for a in figures[0]["axes"]], "figure 1 holds no"),
        (
            lambda figures: figures[0]["axes"][0]["series"][0].update(kind="not recorded: Quiver"),
            "not recorded: Quiver",
        ),
    ],
)
def test_data_of_another_picture_are_seen(change, message):
    assert message in " ".join(faults(spoiled(change), twin(CHEAP)))


def drawn(height, width=4.0):
    """A picture of a curve with a peak, as PNG."""
    figure = Figure(figsize=(width, 3.0), dpi=150)
    figure.subplots().plot([0, 1, 2], [0, height, 0])
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


@pytest.mark.parametrize("other", [drawn(1.02), drawn(1.0, width=4.1)])
def test_another_picture_is_not_alike(other):
    assert alike(drawn(1.0), drawn(1.0)) and not alike(drawn(1.0), other)


def test_the_fingerprint_is_that_of_the_whole_picture():
    picture = pictures(twin(CHEAP))[0]
    assert fingerprint(picture) == stored(CHEAP)["figures"][0]["picture"]
    assert fingerprint(picture[:-1] + b"\0") != fingerprint(picture)


def change_one_value(figures):
    column = figures[0]["axes"][0]["series"][0]["data"]["y"]
    place = max(range(len(column)), key=lambda k: abs(column[k] or 0.0))
    column[place] *= 1.001


@pytest.mark.parametrize(
    "change",
    [
        change_one_value,
        lambda figures: figures[0]["axes"][0]["series"].pop(),
        lambda figures: figures[0]["axes"][0]["series"][0]["data"]["y"].pop(),
        lambda figures: figures[0]["axes"][0]["series"][0]["data"]["y"].__setitem__(0, None),
        lambda figures: figures[0]["axes"][0]["series"][0].update(label="other"),
    ],
)
def test_changed_data_are_seen(change):
    assert moved(stored(CHEAP), spoiled(change)) > TOLERANCE


# The recorder, artist by artist.


def seen(draw, **settings):
    """What the recorder finds in one axes on which ``draw`` has drawn."""
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    draw(axes)
    axes.set(**settings)
    figure.canvas.draw()
    return figure_recorder.contents(figure)[0]


def only(draw, **settings):
    (series,) = seen(draw, **settings)["series"]
    return series["kind"], series["data"]


DRAWN = {
    "line": (lambda a: a.plot([1, 2], [3, 4]), "line", {"x": [1, 2], "y": [3, 4]}),
    "log": (lambda a: a.loglog([1, 10], [3, 4]), "line", {"x": [1, 10], "y": [3, 4]}),
    "gap": (lambda a: a.plot([1, 2], [3, math.nan]), "line", {"x": [1, 2], "y": [3, None]}),
    "points": (lambda a: a.scatter([1, 2], [3, 4]), "points", {"x": [1, 2], "y": [3, 4]}),
    "coloured": (
        lambda a: a.scatter([1, 2], [3, 4], c=[5, 6]),
        "points",
        {"x": [1, 2], "y": [3, 4], "value": [5, 6]},
    ),
    "bars": (
        lambda a: a.bar([1, 2], [3, 4], bottom=1),
        "bars",
        {"x": [1, 2], "y": [4, 5], "base": [1, 1]},
    ),
    "flat bars": (
        lambda a: a.barh([1, 2], [3, 4]),
        "bars",
        {"x": [3, 4], "y": [1, 2], "base": [0, 0]},
    ),
    "band": (
        lambda a: a.fill_between([1, 2, 3], [0, 1, 2], [5, 6, 7]),
        "band",
        {"x": [1, 2, 3], "y": [0, 1, 2], "y2": [5, 6, 7]},
    ),
    "segments": (
        lambda a: a.hlines([1, 2], 0, [3, 4]),
        "segments",
        {"x": [0, 3, None, 0, 4], "y": [1, 1, None, 2, 2]},
    ),
    "mesh": (
        lambda a: a.pcolormesh([0, 1, 3], [0, 2, 4], [[1, 2], [3, 4]]),
        "image",
        {"x": [0.5, 2, 0.5, 2], "y": [1, 1, 3, 3], "value": [1, 2, 3, 4]},
    ),
    "image": (
        lambda a: a.imshow([[1, 2], [3, 4]]),
        "image",
        {"x": [0, 1, 0, 1], "y": [0, 0, 1, 1], "value": [1, 2, 3, 4]},
    ),
    "contours": (
        lambda a: a.contour([0, 1], [0, 2], [[0, 0], [1, 1]], levels=[0.5]),
        "contours",
        {"x": [0, 1], "y": [1, 1], "value": [0.5, 0.5]},
    ),
    "step": (
        lambda a: a.stairs([3, 4], [0, 1, 2]),
        "outline",
        {"x": [0, 0, 1, 1, 2, 2], "y": [0, 3, 3, 4, 4, 0]},
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_each_kind_of_artist_is_recorded(name):
    draw, kind, data = DRAWN[name]
    assert only(draw) == (kind, data)


def test_the_band_is_read_off_in_the_order_of_x():
    kind, data = only(lambda a: a.fill_between([0, 1], [1, 1], [2, 3]), xscale="linear")
    assert (kind, data) == ("band", {"x": [0, 1], "y": [1, 1], "y2": [2, 3]})


def test_error_bars_are_points_and_ends():
    first, second = seen(lambda a: a.errorbar([1, 2], [3, 4], yerr=1, capsize=3, label="e"))[
        "series"
    ]
    assert (first["kind"], first["data"]) == ("line", {"x": [1, 2], "y": [3, 4]})
    assert second["kind"] == "error bars" and second["label"] == "e"
    assert second["data"]["y"] == [2, 4, None, 3, 5]


def test_lines_placed_by_the_frame_are_given_in_data():
    _, data = only(lambda a: a.axhline(3.0, xmax=0.5), xlim=(10.0, 20.0))
    assert data == {"x": [10, 15], "y": [3, 3]}


def test_an_unknown_artist_is_named_and_not_passed_over():
    smooth = {"shading": "gouraud"}
    found = only(lambda a: a.tripcolor([0, 1, 0], [0, 0, 1], [1, 2, 3], **smooth))
    assert found == ("not recorded: TriMesh", {})


def test_labels_scales_and_words_are_kept():
    axes = seen(
        lambda a: (a.plot([1, 2], [3, 4], label="run"), a.set_xticks([1, 2], ["one", "two"])),
        title="t",
        ylabel="risk",
        yscale="log",
    )
    assert axes["title"] == "t" and axes["y"] == {"label": "risk", "scale": "log"}
    assert axes["x"]["words"] == [[1.0, "one"], [2.0, "two"]]
    assert axes["series"][0]["label"] == "run"


def test_values_are_rounded_and_long_series_thinned_evenly():
    axes = seen(lambda a: a.plot(numpy.arange(4001) / 3))
    (series,) = axes["series"]
    assert series["thinned_from"] == 4001 and len(series["data"]["x"]) == 2000
    assert series["data"]["x"][0] == 0 and series["data"]["x"][-1] == 4000
    assert series["data"]["y"][-1] == 1333.3
    assert any("2000 of 4001 points" in line for line in remarks({"axes": [axes]}))


def test_the_table_has_one_line_a_point():
    axes = seen(
        lambda a: (a.plot([1, 2], [3, math.nan], label="run"), a.bar([0], [1])), xlabel="a\nb"
    )
    lines = list(table({"axes": [axes]}))
    assert lines[0] == ["axes", "series", "kind", "label", "x", "y", "base"]
    assert lines[1] == [1, 1, "bars", "", "0", "1", "0"]
    assert lines[2:] == [[1, 2, "line", "run", "1", "3", ""], [1, 2, "line", "run", "2", "", ""]]
    assert next(remarks({"axes": [axes]})) == "axes 1: ; x: a b (linear); y:  (linear)"


def test_a_label_may_be_a_number():
    axes = seen(lambda a: a.plot([1], [2], label=7))
    assert list(table({"axes": [axes]}))[1][3] == "7"


# The book: a link below each figure, and a table where the link leads.


def page_with(count):
    """A chapter's page with this many computed pictures, and one of the prose."""
    document = new_document("x")
    document += nodes.image(uri="prose.png")
    for _ in range(count):
        document += nodes.container("", nodes.image(uri="x.png"), classes=["cell_output"])
    return document


@pytest.fixture
def app(tmp_path, monkeypatch):
    """What the extension asks of a build of one chapter with two figures."""
    monkeypatch.setattr(figures, "stored_figures", lambda docname: stored(CHEAP)["figures"])
    builder = SimpleNamespace(get_target_uri="{}.html".format, format="html")
    env = SimpleNamespace(all_docs={"notebooks/diagonal/x", "book/intro"})
    return SimpleNamespace(builder=builder, env=env, outdir=tmp_path)


def test_each_figure_links_to_its_table(app):
    page = page_with(2)
    figures.link_data(app, page, "notebooks/diagonal/x")
    figures.write_tables(app, None)
    links = [re.search('href="([^"]*)"', node.astext())[1] for node in page.findall(nodes.raw)]
    assert links == [f"../../_downloads/figures/diagonal-x-{k}.csv" for k in (1, 2)]
    for number, link in enumerate(links):
        file = (app.outdir / "notebooks/diagonal" / link).resolve()
        lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
        data = series_in({"figures": [stored(CHEAP)["figures"][number]]}).values()
        assert len(lines) == 1 + sum(len(columns["x"]) for columns in data)


def test_a_page_with_other_figures_is_refused(app):
    with pytest.raises(ValueError, match="3 figures shown, 2 recorded"):
        figures.link_data(app, page_with(3), "notebooks/diagonal/x")
