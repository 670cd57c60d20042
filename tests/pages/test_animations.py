"""Films stand in a page with an alt text and a still picture, and their files are copied."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from book_pages.animations import html

ROOT = Path(__file__).resolve().parents[2]

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "tools")!r})
from book_pages import animations
extensions = ["myst_parser"]
def setup(app):
    app.add_directive("animation", animations.Animation)
    app.connect("build-finished", animations.copy_films)
"""
PAGE = "# A page\n\n```{animation} training\nTwo networks,\nand a < b.\n```\n"


def build(folder, page):
    (folder / "part").mkdir()
    (folder / "part/page.md").write_text(page)
    (folder / "index.md").write_text("# Book\n\n```{toctree}\npart/page\n```\n")
    (folder / "conf.py").write_text(CONF)
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(folder), "out"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_addresses_of_a_film_lead_to_its_files(tmp_path):
    assert build(tmp_path, PAGE).returncode == 0
    page = tmp_path / "out/part/page.html"
    text = page.read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|srcset|href)="([^"]*_images[^"]*)"', text)
    assert [address.rsplit(".")[-1] for address in addresses] == ["png", "gif", "png", "png", "gif"]
    assert all((page.parent / address).is_file() for address in addresses)
    assert text.count('alt="Two networks, and a &lt; b."') == 2


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("training", "nowhere", "no nowhere.gif in book/images"),
        ("Two networks,\nand a < b.\n", "", "needs an alt text"),
    ],
)
def test_a_film_that_lacks_something_stops_the_build(tmp_path, old, new, message):
    result = build(tmp_path, PAGE.replace(old, new))
    assert result.returncode != 0 and message in result.stderr


def test_paper_and_less_motion_get_the_still_picture():
    film = html("a", "b", "c")
    assert '<source media="(prefers-reduced-motion: reduce)" srcset="b">' in film
    assert '<img class="on-paper" src="b"' in film
    style = (ROOT / "book/_static/companion.css").read_text(encoding="utf-8")
    assert ".on-paper { display: none; }" in style.split("/* Films")[1].split("@media print")[0]
    printed = style.split("/* Films")[1].split("@media print")[1].split("/* End of films")[0]
    assert ".on-paper { display: block; }" in printed and "picture { display: none; }" in printed
