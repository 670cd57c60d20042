"""Pointing at a link shows what it leads to; Escape and leaving close it; touch does nothing."""

import json
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from check_book import BROWSER_ARGS, _find_browser  # noqa: E402

PAGE = """<!doctype html><html lang="en" data-content_root="../"><title>t</title><body>
<p>elsewhere</p><article class="bd-article"><p style="margin-top: 12rem">
<a id="known" href="b.html#box" title="tip">box</a> <a id="unknown" href="b.html#none">none</a>
<a id="outside" href="https://example.org/">outside</a></p></article>
<script src="../_static/previews.js"></script></body></html>"""
SHOWN = "document.querySelector('.preview')?.innerText ?? ''"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    (folder / "_static").mkdir()
    (folder / "part").mkdir()
    (folder / "part/a.html").write_text(PAGE)
    script = (ROOT / "book/_static/previews.js").read_text(encoding="utf-8")
    (folder / "_static/previews.js").write_text(script, encoding="utf-8")
    data = json.dumps({"part/b.html#box": "<p>The statement</p>"})
    (folder / "_static/previews-data.js").write_text(f"window.bookPreviews = {data};")
    return (folder / "part/a.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_find_browser(), args=BROWSER_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(book, browser):
    tab = browser.new_page()
    tab.goto(book)
    yield tab
    tab.close()


def shown(tab, wait=700):
    tab.wait_for_timeout(wait)
    return tab.evaluate(SHOWN)


def test_pointing_shows_the_statement_and_leaving_closes_it(tab):
    tab.hover("#known")
    assert shown(tab) == "The statement"
    tab.hover(".preview")
    assert shown(tab) == "The statement"
    tab.hover("text=elsewhere")
    assert shown(tab) == ""


def test_the_keyboard_shows_it_and_escape_closes_it(tab):
    tab.keyboard.press("Tab")
    assert shown(tab) == "The statement"
    tab.keyboard.press("Escape")
    assert shown(tab, wait=50) == ""


@pytest.mark.parametrize("link", ["#unknown", "#outside"])
def test_other_links_show_nothing(tab, link):
    tab.hover(link)
    assert shown(tab) == ""


def test_touch_shows_nothing(book, browser):
    with browser.new_context(has_touch=True, is_mobile=True) as phone:
        tab = phone.new_page()
        tab.goto(book)
        tab.evaluate(
            "document.querySelector('#known').dispatchEvent("
            "new MouseEvent('mouseover', {bubbles: true}))"
        )
        assert shown(tab) == ""
