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
REDIRECT = re.compile(r"""<meta[^>]+http-equiv=["']?refresh[^>]+url=([^"'> ]+)""", re.IGNORECASE)

# Helpers that every page gets.  `article` is what the authors wrote, without the theme around it.
HELPERS = r"""
try { localStorage.clear(); } catch { }  // each visit is the first one of a reader
window.checkBook = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const article = () => ['article.bd-article', 'main article', 'main', '[role=main]', 'body']
    .map(s => document.querySelector(s)).find(Boolean);
  const visible = el => el.checkVisibility({visibilityProperty: true});
  const brief = (text, n = 40) => text.trim().replace(/\s+/g, ' ').slice(0, n);
  const texOf = el =>
    [...(window.MathJax?.startup?.document?.math ?? [])].find(m => m.typesetRoot === el)?.math;
  const name = el => {
    if (el.localName === 'mjx-container') return `formula "${brief(texOf(el) ?? el.textContent)}"`;
    const text = brief(el.getAttribute('src') ?? el.textContent);
    return [el.localName, ...[...el.classList].slice(0, 2)].join('.') + (text && ` "${text}"`);
  };
  // Drawings that the authors put into the text: no icons of buttons and menus, no formulas.
  const drawings = () => all('svg', article()).filter(svg => !svg.parentElement.closest('svg') &&
    !svg.closest('button, nav, summary, [role=button], mjx-container'));
  return {all, article, visible, brief, name, drawings};
})();
"""

# Ids, links and everything about the text itself: one look at desktop size.
CONTENT = r"""
async () => {
  const {all, article, visible, brief, name, drawings} = checkBook;
  const faults = [];
  const fault = (kind, detail) => faults.push([kind, detail]);
  const sleep = ms => new Promise(done => setTimeout(done, ms));

  const mathFault = async () => {  // why the formulas of this page are not typeset
    const formulas = all('.math').length;
    const started = () => window.MathJax?.startup?.promise;
    for (let i = 0; i < 30 && formulas && window.MathJax && !started(); i++) await sleep(100);
    if (!started()) return formulas ? `MathJax never came up, formulas: ${formulas}` : '';
    const late = sleep(20000).then(() => 'MathJax did not finish in 20 s');
    return Promise.race([late, started().then(() => '', error => `MathJax failed: ${error}`)]);
  };
  const noMath = await mathFault();
  if (noMath) fault('tex', noMath);

  // Readers unfold what is folded, and see the pictures further down: so does this tool.
  all('details').forEach(el => { el.open = true; });
  all('.toggle-hidden').forEach(el => el.classList.remove('toggle-hidden'));
  document.head.insertAdjacentHTML('beforeend', `<style>
    .sd-tab-set > .sd-tab-content { display: block !important; }
    *, *::before, *::after { transition: none !important; animation: none !important; }</style>`);
  const lazy = all('img[loading=lazy]');
  lazy.forEach(img => { img.loading = 'eager'; });
  await Promise.race([sleep(5000), Promise.all(lazy.map(img => img.decode().catch(() => {})))]);
  await document.fonts.ready;

  all('mjx-merror').forEach(el =>
    fault('tex', `MathJax error: ${el.dataset.mjxError || brief(el.textContent, 60)}`));
  all('mjx-assistive-mml mtext[mathcolor=red]').filter(el => el.textContent.startsWith('\\'))
    .forEach(el => fault('tex', `MathJax does not know ${brief(el.textContent)}`));
  all('mjx-container').filter(el => visible(el) && el.getBoundingClientRect().width === 0)
    .forEach(el => fault('tex', `formula of zero width: ${name(el)}`));
  const code = 'code, pre, script, style, textarea, noscript, template, mjx-container, ' +
    'mjx-merror, mjx-assistive-mml' + (noMath ? ', .math' : '');
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const {data, parentElement} = texts.currentNode;
    const raw = data.match(/\\[()[\]]|\$\$|\\[A-Za-z]{2,}/);
    if (raw && !parentElement.closest(code) && visible(parentElement))
      fault('tex', `raw TeX in ${parentElement.localName}: ` +
            `"${brief(data.slice(Math.max(0, raw.index - 20)), 60)}"`);
  }

  const shown = el => !el.closest('[aria-hidden=true]');
  all('img').filter(shown).forEach(img => {
    const alt = img.getAttribute('alt')?.trim();
    if (!alt) fault('alt', `no alt text: ${name(img)}`);
    else if (/\.(png|svg|jpe?g|gif|webp|avif|bmp|pdf)$/i.test(alt) || /_build|images\//.test(alt))
      fault('alt', `the alt text is a file name: "${alt}"`);
  });
  drawings().filter(shown).forEach(svg => {
    const labels = (svg.getAttribute('aria-labelledby') ?? '').split(/\s+/)
      .map(id => document.getElementById(id)?.textContent ?? '');
    const title = svg.querySelector(':scope > title')?.textContent ?? '';
    const label = [svg.getAttribute('aria-label') ?? '', title, ...labels].join('').trim();
    if (svg.getAttribute('role') !== 'img' || !label)
      fault('alt', `svg needs role="img" and a label: ${name(svg)}`);
  });

  const counts = new Map();
  all('[id]').forEach(el => counts.set(el.id, (counts.get(el.id) ?? 0) + 1));
  counts.forEach((n, id) => { if (n > 1) fault('duplicate-id', `id "${id}" ${n} times`); });
  all('link[rel~=preconnect], link[rel~=dns-prefetch]').forEach(link =>
    fault('outside-request', `${link.rel} ${link.href}`));
  const href = a => a.getAttribute('href') ?? a.getAttribute('xlink:href');
  return {
    faults,
    ids: [...counts.keys(), ...all('a[name]').map(a => a.name)],
    links: all('a, area').map(href).filter(h => h && URL.canParse(h, document.baseURI))
      .map(h => [h, new URL(h, document.baseURI).href]),
  };
}
"""

# What sticks out on the right of the screen: the innermost such element, or the table, listing,
# formula or drawing it is a part of.  What can be scrolled inside of the article is fine.
OVERFLOW = r"""
() => {
  const {all, article, visible, name} = checkBook;
  const root = document.documentElement, edge = root.clientWidth + 1, main = article();
  const sticksOut = el => {  // itself, or the text that runs out of it
    const box = el.getBoundingClientRect();
    if (!box.width || !box.height || !visible(el)) return false;
    return box.right > edge ||
      box.left + el.scrollWidth > edge && getComputedStyle(el).overflowX === 'visible';
  };
  const excused = el => {
    for (let node = el; node && node !== main; node = node.parentElement) {
      const {position, clip, clipPath, overflowX} = getComputedStyle(node);
      if (node.matches('.visually-hidden, .sr-only')) return true;
      if (position === 'absolute' && (clip !== 'auto' || clipPath !== 'none')) return true;
      if (node !== el && /auto|scroll/.test(overflowX)) return true;
    }
    return false;
  };
  const out = all('*', main).filter(el => !el.parentElement.closest('svg, mjx-container') &&
    sticksOut(el) && !excused(el));
  const holders = new Set(out.map(el => el.parentElement));
  const whole = el => el.closest('table, pre, dt') ?? el;
  const faults = [...new Set(out.filter(el => !holders.has(el)).map(whole))]
    .map(el => ['overflow', `sticks out of a ${root.clientWidth} px screen: ${name(el)}`]);
  if (root.scrollWidth > edge) faults.push(['overflow',
    `the page is ${root.scrollWidth} px wide on a ${root.clientWidth} px screen`]);
  return faults;
}
"""

# Colours in the dark theme.  Pictures that may have holes come back for a look at their pixels.
DARK = r"""
() => {
  const {all, article, visible, name, drawings} = checkBook;
  const faults = [];
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const memo = work => {
    const known = new Map();
    return key => known.has(key) ? known.get(key) : known.set(key, work(key)).get(key);
  };
  const rgba = memo(css => {  // by painting one pixel, since CSS has many ways to write a colour
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = css;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  });
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  const luminance = rgb => rgb.map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (one, two) => {
    const [low, high] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const bare = getComputedStyle(document.documentElement).colorScheme.startsWith('dark') ? 18 : 255;
  const behind = memo(el => {  // null: an image or a gradient lies there, no way to tell
    if (!el) return [bare, bare, bare];
    const {backgroundImage, backgroundColor} = getComputedStyle(el);
    if (backgroundImage !== 'none') return null;
    const colour = rgba(backgroundColor);
    const under = colour[3] < 1 ? behind(el.parentElement) : [0, 0, 0];
    return under && over(colour, under);
  });
  const judge = (what, [r, g, b, a], opacity, ground, needed) => {
    if (!ground || a * opacity === 0) return;
    const ratio = contrast(over([r, g, b, a * opacity], ground), ground);
    if (ratio < needed)
      faults.push(['dark', `contrast ${ratio.toFixed(1)}, needs ${needed}: ${what}`]);
  };
  all('mjx-container').filter(visible).forEach(formula =>
    [formula, ...all('[style*=color]', formula)].forEach(el =>
      judge(name(formula), rgba(getComputedStyle(el).color), 1, behind(el), 4.5)));

  // The ground of a text in a drawing: the shapes drawn before it that cover its centre.
  const ground = (text, svg) => {
    const box = text.getBoundingClientRect();
    const centre = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2);
    return all('rect, circle, ellipse, path, polygon', svg).filter(shape =>
      shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING && visible(shape) &&
      !shape.closest('defs, clipPath, mask, marker, symbol, pattern') && shape.getScreenCTM() &&
      shape.isPointInFill(centre.matrixTransform(shape.getScreenCTM().inverse()))
    ).reduce((under, shape) => {
      const {fill, fillOpacity} = getComputedStyle(shape);
      if (fill === 'none' || !under) return under;
      if (fill.startsWith('url')) return null;
      const [r, g, b, a] = rgba(fill);
      return over([r, g, b, a * fillOpacity], under);
    }, behind(svg));
  };
  drawings().filter(visible).forEach(svg => all('text, tspan', svg).forEach(text => {
    const {fill, fillOpacity} = getComputedStyle(text);
    if (text.textContent.trim() && visible(text) && !/none|url/.test(fill))
      judge(name(text), rgba(fill), fillOpacity, ground(text, svg), 3);
  }));

  // Black lines on a picture without a ground of its own must stay legible.
  const pictures = all('img:not(.only-dark, .dark-light)', article()).filter(img => {
    const ground = behind(img);
    return visible(img) && img.naturalWidth && ground && contrast([0, 0, 0], ground) < 4.5 &&
      !getComputedStyle(img).filter.includes('invert(');
  }).map(img => [img.currentSrc, name(img)]);
  return {faults, pictures};
}
"""

# Switches to a theme as the button of the page does.
THEME = "theme => { Object.assign(document.documentElement.dataset, {theme, mode: theme}); }"

# Painted from a data: address, since a canvas does not give away the pixels of a file.
OPAQUE = r"""
async address => {
  const img = Object.assign(new Image(), {src: address});
  await img.decode();
  const context = Object.assign(document.createElement('canvas'), {width: 64, height: 64})
    .getContext('2d');
  context.drawImage(img, 0, 0, 64, 64);
  const alpha = context.getImageData(0, 0, 64, 64).data.filter((_, i) => i % 4 === 3);
  return alpha.filter(a => a > 250).length / alpha.length > 0.98;
}
"""


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
