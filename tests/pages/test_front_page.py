"""The front page: the map is complete, its numbers are computed, previews stand alone."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from companion.claims import load_claims
from companion.evidence import VERDICTS, read_verdicts

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from book_pages.front import MARKS, claims_map, with_numbers  # noqa: E402
from book_pages.previews import without_links_and_ids  # noqa: E402
from pictures import front as pictures  # noqa: E402

CLAIMS = load_claims()
RECORDS = read_verdicts(sorted((ROOT / "notebooks").glob("*/*.ipynb")))
MAP = claims_map(CLAIMS, RECORDS, lambda claim: f"{claim.chapter}.html#{claim.label}")


def map_faults(html):
    """Claims without a tile of their verdict that links to their box, and wrong counts."""
    tiles = re.findall(r'<li class="verdict-([\w-]+)"><a href="([^"]+)"[^>]*aria-label', html)
    found = Counter((address, word.replace("-", " ")) for word, address in tiles)
    faults = [
        claim.id
        for claim in CLAIMS.values()
        if found[f"{claim.chapter}.html#{claim.label}", RECORDS[claim.id]["verdict"]] != 1
    ]
    counts = {word: int(n) for n, word in re.findall(r"</b>(\d+) ([a-z]+)</dt>", html)}
    wanted = Counter(record["verdict"] for record in RECORDS.values())
    wanted["sharper"] = sum(record["sharper"] for record in RECORDS.values())
    return faults + ([] if counts == wanted else ["legend"]) + [""] * (len(tiles) - len(CLAIMS))


def test_the_map_shows_every_claim_with_its_verdict():
    assert map_faults(MAP) == []
    assert len({mark for mark, _ in MARKS.values()}) == len(MARKS) and set(VERDICTS) < set(MARKS)


@pytest.mark.parametrize(
    "spoil, fault",
    [
        (
            lambda html: html.replace('"verdict-false"><a', '"verdict-holds"><a'),
            "wang2021/theorem-1",
        ),
        (lambda html: re.sub(r"<li.*?</li>", "", html, count=1), "cayci2024/display-1"),
        (lambda html: html.replace("#cayci2024-lemma-1", "#"), "cayci2024/lemma-1"),
        (lambda html: re.sub(r"</b>\d+ corrected", "</b>3 corrected", html), "legend"),
    ],
)
def test_a_wrong_map_is_seen(spoil, fault):
    assert map_faults(spoil(MAP)) == [fault]


def redrawn(name, folder):
    """Draw a picture again, elsewhere; return its numbers, fresh and stored."""
    pictures.PICTURES[f"{name}.png"](folder / f"{name}.png")
    assert (folder / f"{name}.png").stat().st_size > 5000
    files = folder / pictures.FACTS, ROOT / "book/images" / pictures.FACTS
    return [json.loads(file.read_text(encoding="utf-8"))[name]["numbers"] for file in files]


@pytest.mark.parametrize("name", ["finding-guarantee", "finding-gradients"])
def test_stored_numbers_are_what_the_pictures_compute(name, tmp_path):
    fresh, stored = redrawn(name, tmp_path)
    assert fresh == stored


def test_another_computation_gives_other_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "ALPHA", 1.4)
    fresh, stored = redrawn("finding-gradients", tmp_path)
    assert fresh["chosen"] != stored["chosen"]


def test_networks_of_another_width_are_refused(monkeypatch, tmp_path):
    record = json.loads(pictures.GUARANTEE.read_text(encoding="utf-8"))
    for run in record["runs"]:
        run["width"] += 2
    (tmp_path / "guarantee.json").write_text(json.dumps(record))
    monkeypatch.setattr(pictures, "GUARANTEE", tmp_path / "guarantee.json")
    with pytest.raises(ValueError, match="the stored networks have width 13384, not 13382"):
        pictures.guarantee_widths()


def typed_numbers(page):
    """Digits in the sentences of findings, which must come from findings.json."""
    bodies = re.findall(r"```\{finding\}.*?\n---\n.*?\n---\n(.*?)```", page, flags=re.DOTALL)
    assert len(bodies) == 3
    return [digit for body in bodies for digit in re.findall(r"\d+", re.sub("<[^>]*>", "", body))]


def test_the_sentences_hold_no_typed_number():
    page = (ROOT / "book/intro.md").read_text(encoding="utf-8")
    assert typed_numbers(page) == []
    assert typed_numbers(page.replace("{wrong_printed}", "46")) == ["46"]


def test_a_number_that_is_not_stored_is_seen():
    with pytest.raises(KeyError, match="width"):
        with_numbers("{width} units", {"units": "3"})


PAGE = """# A page

First *paragraph*, with a [link](#box).

:::{prf:theorem} Growth of $x$
:label: box
:nonumber:

It {prf:ref}`refers <box>` to $x < y$.

- one
:::
"""
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "tools")!r})
from book_pages import previews
extensions = ["myst_parser", "sphinx_proof"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
suppress_warnings = ["myst.domains", "myst.xref_missing"]
def setup(app):
    app.connect("html-page-context", previews.collect_previews)
    app.connect("build-finished", previews.write_previews)
"""


def test_previews_are_rendered_without_ids_and_links(tmp_path):
    (tmp_path / "index.md").write_text(PAGE)
    (tmp_path / "conf.py").write_text(CONF)
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(tmp_path), "out"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    text = (tmp_path / "out/_static/previews-data.js").read_text(encoding="utf-8")
    found = json.loads(text.removeprefix("window.bookPreviews = ").rstrip().rstrip(";"))
    assert set(found) == {"index.html", "index.html#box"}
    assert "First <em>paragraph</em>" in found["index.html"]
    box = found["index.html#box"]
    assert r"\(x &lt; y\)" in box and "refers" in box and "<li>" in box and "Growth of" in box
    assert not re.search(r"<a\b|\sid=", "".join(found.values()))


def test_what_stands_once_is_stripped():
    html = '<p id="x" class="y">A <a href="z">link</a><a class="headerlink" href="#x">#</a></p>'
    assert without_links_and_ids(html) == '<p class="y">A link</p>'
