"""Open every page of the built book in a browser and report what a reader would trip over.

The builder's log tells nothing about what a page looks like.  This tool opens the pages of a
built book in headless Chromium, with the network off, as a reader on a desktop and on a phone
sees them, in the light and in the dark theme:

    python tools/check_book.py [_build/html]

The exit code is 0 for a clean book, 1 when there are faults, 2 when nothing could be checked.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import mimetypes
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright
from tqdm import tqdm

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
).split() + ["--host-resolver-rules=MAP * ~NOTFOUND"]
OUTSIDE = re.compile(r"^(?!file:|data:|blob:|about:|chrome-error:)")
SCRIPTS = Path(__file__).with_name("page_checks")
REDIRECT = re.compile(r"""<meta[^>]+http-equiv=["']?refresh[^>]+url=([^"'> ]+)""", re.IGNORECASE)


def _script(name: str) -> str:
    """Text of one of the scripts that look at a page from inside."""
    return (SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


HELPERS, CONTENT, OVERFLOW, DARK, OPAQUE = map(
    _script, ("helpers", "content", "overflow", "dark", "opaque")
)

# Switches to a theme as the button of the page does.
THEME = "theme => { Object.assign(document.documentElement.dataset, {theme, mode: theme}); }"


class NothingChecked(Exception):
    """The book could not be checked at all: the message says what is missing."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong on one page."""

    page: str
    kind: str
    detail: str


@dataclass
class _Visit:
    """What one page told: its faults, and the ids and links to resolve when all are read."""

    page: str
    faults: list[Fault] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    links: list[tuple[str, str]] = field(default_factory=list)

    def add(self, kind: str, detail: str) -> None:
        self.faults.append(Fault(self.page, kind, " ".join(detail.split())[:300]))


def _find_browser() -> str:
    """Path of the browser to use: CHROMIUM if it is set, else the first one on the PATH."""
    wanted = os.environ.get("CHROMIUM")
    for name in [wanted] if wanted else BROWSERS:
        if found := shutil.which(name):
            return found
    got = f"CHROMIUM is {wanted!r}, which is no program" if wanted else "found no browser"
    raise NothingChecked(
        f"{got}: install Debian's chromium or set CHROMIUM to the path of a Chromium or Chrome."
    )


def _book_pages(folder: Path) -> list[Path]:
    """Pages that readers get to: what lies in the copied assets and sources is not theirs."""
    if not folder.is_dir():
        raise NothingChecked(f"{folder} is not a folder: build the book first, or name its folder.")
    assets = (folder / "_static", folder / "_sources")
    pages = [p for p in sorted(folder.rglob("*.html")) if not set(assets) & set(p.parents)]
    if not pages:
        raise NothingChecked(f"{folder} holds no *.html page: it must be a built book.")
    return pages


def _local_path(url: str) -> Path:
    return Path(url2pathname(urlsplit(url).path))


class _Checker:
    """Visits pages in one tab of a browser and resolves their links at the end."""

    def __init__(self, folder: Path, browser) -> None:
        self.folder = folder
        self.opaque: dict[str, bool] = {}
        self.visits: dict[Path, _Visit] = {}
        self.current = _Visit("")
        self.theme = ""
        self.tab = browser.new_page()  # one for all pages: a new one takes twice the time
        self.tab.add_init_script(HELPERS)
        self.tab.route(OUTSIDE, lambda route: route.abort())
        self.tab.on("request", self.on_request)
        self.tab.on("requestfailed", self.on_failure)
        self.tab.on("websocket", lambda socket: self.current.add("outside-request", socket.url))
        self.tab.on("console", self.on_console)
        self.tab.on("pageerror", lambda error: self.current.add("console", str(error)))

    def on_request(self, request) -> None:
        if OUTSIDE.match(request.url):
            self.current.add("outside-request", request.url)
        elif request.url.startswith("file:") and not self.inside(_local_path(request.url)):
            self.current.add("outside-request", f"a file outside of the book: {request.url}")

    def on_failure(self, request) -> None:
        # Chromium also aborts what it no longer needs: only a file it cannot read counts.
        if request.url.startswith("file:") and request.failure != "net::ERR_ABORTED":
            self.current.add("outside-request", f"cannot read {request.url} ({request.failure})")

    def on_console(self, message) -> None:
        reported = ("Failed to load resource", "WebSocket connection to")  # as requests
        if message.type == "error" and not message.text.startswith(reported):
            self.current.add("console", message.text)

    def visit(self, path: Path) -> None:
        """Load one page once; a page that only redirects would carry the browser away."""
        self.tab.goto("about:blank")  # ends the page before: nothing late counts against this one
        visit = self.visits[path] = self.current = _Visit(path.relative_to(self.folder).as_posix())
        redirect = REDIRECT.search(path.read_text(encoding="utf-8", errors="replace")[:2000])
        if redirect:
            visit.links.append((redirect[1], urljoin(path.as_uri(), redirect[1])))
            return
        try:
            self.show(DESKTOP, "light")
            self.tab.goto(path.as_uri())
            self.look(visit)
        except PlaywrightError as error:
            visit.add("console", f"the page cannot be checked: {error.message.splitlines()[0]}")

    def show(self, size: dict, theme: str) -> None:
        if self.tab.viewport_size != size:
            self.tab.set_viewport_size(size)
        if self.theme != theme:
            self.tab.emulate_media(color_scheme=theme)
        self.theme = theme

    def look(self, visit: _Visit) -> None:
        """Run all checks on the loaded page, in an order that changes the window least."""
        content = self.tab.evaluate(CONTENT)
        visit.ids.update(content["ids"])
        visit.links.extend(map(tuple, content["links"]))
        findings = content["faults"]
        for size, theme in ((DESKTOP, "dark"), (PHONE, "dark"), (PHONE, "light")):
            self.show(size, theme)
            self.tab.evaluate(THEME, theme)
            findings += self.tab.evaluate(OVERFLOW) if size is PHONE else []
            findings += self.look_dark() if theme == "dark" else []
        for kind, detail in findings:
            visit.add(kind, detail)

    def look_dark(self) -> list[tuple[str, str]]:
        found = self.tab.evaluate(DARK)
        return found["faults"] + [
            ("dark", f"transparent picture on a dark ground: {name}")
            for source, name in found["pictures"]
            if not self.is_opaque(source)
        ]

    def is_opaque(self, source: str) -> bool:
        """Whether a picture covers what is behind it; many pages share a picture."""
        if source not in self.opaque:
            address = source
            if source.startswith("file:"):
                path = _local_path(source)
                kind = mimetypes.guess_type(path.name)[0] or "image/png"
                address = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
            self.opaque[source] = self.tab.evaluate(OPAQUE, address)
        return self.opaque[source]

    def inside(self, path: Path) -> bool:
        return path.is_relative_to(self.folder)

    def resolve_links(self) -> None:
        """Follow the links inside of the book, now that the ids of all pages are known."""
        for visit in self.visits.values():
            for href, url in dict.fromkeys(visit.links):
                if url.startswith("file:"):
                    self.resolve(visit, href, url)

    def resolve(self, visit: _Visit, href: str, url: str) -> None:
        path, fragment = _local_path(url), unquote(urlsplit(url).fragment)
        if path.is_dir() and self.inside(path):
            path /= "index.html"
        if not self.inside(path):
            visit.add("link", f"{href} leads out of the book")
        elif not path.is_file():
            visit.add("link", f"{href} leads to no file")
        elif fragment not in ("", "top") and path in self.visits:
            if fragment not in self.visits[path].ids:
                visit.add("anchor", f"{href}: no such id on {self.visits[path].page}")


def check(folder, progress: Callable[[Iterable], Iterable] = iter) -> list[Fault]:
    """Open every page of a built book and collect its faults.

    Parameters
    ----------
    folder : path-like
        The folder of the built book.
    progress : callable, optional
        Wraps the pages while they are visited, as ``tqdm`` does.

    Returns
    -------
    list of Fault
        In the order of the pages; empty for a clean book.

    Raises
    ------
    NothingChecked
        If the folder holds no book, or if no browser can be started.
    """
    folder = Path(folder).resolve()
    pages = _book_pages(folder)
    program = _find_browser()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=BROWSER_ARGS)
        except PlaywrightError as error:
            reason = error.message.splitlines()[0]
            raise NothingChecked(f"{program} does not start as a browser: {reason}") from error
        checker = _Checker(folder, browser)
        for path in progress(pages):
            checker.visit(path)
        browser.close()
    checker.resolve_links()
    return [fault for visit in checker.visits.values() for fault in dict.fromkeys(visit.faults)]


def _report(faults: list[Fault]) -> None:
    for page, group in itertools.groupby(faults, key=lambda fault: fault.page):
        print(page, *(f"  {fault.kind}: {fault.detail}" for fault in group), sep="\n")


def main(argv: list[str] | None = None) -> int:
    """Check one book from the command line.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0 for a clean book, 1 if there are faults, 2 if nothing could be checked.
    """
    parser = argparse.ArgumentParser(description="Open every page of a built book in a browser.")
    parser.add_argument("folder", nargs="?", default="_build/html", type=Path)
    folder = parser.parse_args(argv).folder
    visited = []

    def progress(pages):
        visited.extend(pages)
        return tqdm(pages, unit="page", disable=None, leave=False)

    start = time.monotonic()
    try:
        faults = check(folder, progress)
    except NothingChecked as problem:
        print(problem, file=sys.stderr)
        return 2
    _report(faults)
    seconds = time.monotonic() - start
    print(f"{len(visited)} pages, {len(faults)} faults, {seconds:.1f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
