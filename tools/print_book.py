"""Print the built book as one PDF, without TeX.

    python tools/print_book.py [_build/html] [--output _build/book.pdf]

Headless Chromium prints every page of ``_toc.yml`` in its order, with the formulas typeset and what
is folded opened; pypdf joins the pages, turns links between them into links inside of the
document, and adds the table of contents as bookmarks.
The exit code is 1 if the result is not the whole book.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import yaml
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, FloatObject, NameObject, NullObject
from tqdm import tqdm

from check_book import BROWSER_ARGS, OUTSIDE, _find_browser

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r'<a [^>]*href="([^"]*#[^"]+)"')

# Waits for the formulas, opens what is folded, and puts a link to every id that another page
# leads to, since Chromium keeps the place of an id only if the same page links to it.
PREPARE = """async ids => {
  if (window.MathJax) await MathJax.startup.promise;
  Object.assign(document.documentElement.dataset, {theme: "light", mode: "light"});
  document.querySelectorAll("details").forEach(box => box.open = true);
  document.querySelectorAll(".toggle-hidden").forEach(box => box.classList.remove("toggle-hidden"));
  document.querySelectorAll("img").forEach(picture => picture.loading = "eager");
  await Promise.all([...document.images].map(picture => picture.decode().catch(() => null)));
  const article = document.querySelector("article");
  const sections = [...article.querySelectorAll("section section[id]")]
    .filter(section => section.parentElement.closest("section section") === null);
  const targets = document.createElement("div");
  targets.className = "link-targets";
  for (const id of new Set([...ids, ...sections.map(section => section.id)])) {
    if (!document.getElementById(id)) continue;
    const link = document.createElement("a");
    link.href = "#" + encodeURIComponent(id);
    link.textContent = ".";
    targets.append(link);
  }
  article.append(targets);
  const text = heading => {
    const copy = heading.cloneNode(true);
    copy.querySelectorAll(".headerlink").forEach(mark => mark.remove());
    return copy.textContent.trim();
  };
  const math = [...article.querySelectorAll(".math")];
  return {
    raw: math.filter(box => !box.querySelector("mjx-container")).length,
    title: text(article.querySelector("h1")),
    sections: sections.map(s => [s.querySelector("h2"), s.id])
      .flatMap(([heading, id]) => heading ? [[text(heading), id]] : []),
  };
}"""


@dataclass
class Printed:
    """One page of the book on paper."""

    address: str
    part: str
    title: str
    sections: list[tuple[str, str]]
    raw: int
    pdf: PdfReader
    first: int = 0
    places: dict[str, ArrayObject] = field(default_factory=dict)


def contents(toc: dict) -> list[tuple[str, str]]:
    """List the part and the document of every page of a table of contents, in order."""
    pages = [("", toc["root"])]
    for part in toc.get("parts", ()):
        pages += [(part["caption"], chapter["file"]) for chapter in part["chapters"]]
    return pages


def page_of(folder: Path, document: str) -> Path:
    return folder / f"{document}.html"


def link_targets(paths: list[Path]) -> dict[str, set[str]]:
    """Return for every page's address the ids that links of the book lead to."""
    found: dict[str, set[str]] = {path.as_uri(): set() for path in paths}
    for path in paths:
        for href in LINK.findall(path.read_text(encoding="utf-8")):
            address, fragment = urldefrag(urljoin(path.as_uri(), href))
            if address in found:
                found[address].add(unquote(fragment))
    return found


def print_pages(folder: Path, toc: dict, progress=iter) -> list[Printed]:
    """Print every page of a built book, numbered throughout."""
    listed = contents(toc)
    targets = link_targets([page_of(folder, document) for _, document in listed])
    printed, sheets = [], 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_find_browser(), args=BROWSER_ARGS)
        for (part, _), address in progress(list(zip(listed, targets, strict=True))):
            tab = browser.new_page(color_scheme="light")  # one for all grows slower with each
            tab.route(OUTSIDE, lambda route: route.abort())
            tab.goto(address)
            told = tab.evaluate(PREPARE, sorted(targets[address]))
            tab.add_style_tag(content=f"html {{ counter-reset: page {sheets}; }}")
            pdf = PdfReader(io.BytesIO(tab.pdf(prefer_css_page_size=True, print_background=True)))
            printed.append(Printed(address, part, pdf=pdf, first=sheets, **told))
            sheets += len(pdf.pages)
            tab.close()
        browser.close()
    return printed


def join(printed: list[Printed]) -> PdfWriter:
    """Join the printed pages, with links between them and bookmarks."""
    writer = PdfWriter()
    for page in printed:
        for sheet in page.pdf.pages:
            writer.add_page(sheet)
        for name, place in page.pdf.named_destinations.items():
            sheet = page.first + page.pdf.get_destination_page_number(place)
            page.places[name.removeprefix("/")] = _place(writer, sheet, place.left, place.top)
    by_address = {page.address: page for page in printed}
    for page in printed:
        for number in range(page.first, page.first + len(page.pdf.pages)):
            _mend_links(writer, writer.pages[number], page, by_address)
    _add_bookmarks(writer, printed)
    writer.compress_identical_objects()
    return writer


def _place(writer: PdfWriter, sheet: int, left, top) -> ArrayObject:
    """Return a destination as PDF writes it: a sheet and a corner on it."""
    corner = [FloatObject(left or 0), FloatObject(top or 0), NullObject()]
    return ArrayObject([writer.pages[sheet].indirect_reference, NameObject("/XYZ"), *corner])


def _mend_links(writer: PdfWriter, sheet, page: Printed, by_address: dict[str, Printed]) -> None:
    """Lead a sheet's links to places in the document; drop those to files that are not in it."""
    kept = ArrayObject()
    for annotation in sheet.get("/Annots", ()):
        link = annotation.get_object()
        uri = str(link.get("/A", {}).get("/URI", ""))
        if not uri or uri.startswith("file:"):
            address, fragment = urldefrag(
                uri or f"{page.address}#{str(link['/Dest']).removeprefix('/')}"
            )
            target = by_address.get(address)
            if target is None:
                continue
            link.pop("/A", None)
            start = _place(writer, target.first, 0, sheet.mediabox.top)
            link[NameObject("/Dest")] = target.places.get(unquote(fragment), start)
        kept.append(annotation)
    if "/Annots" in sheet:
        sheet[NameObject("/Annots")] = kept


def _add_bookmarks(writer: PdfWriter, printed: list[Printed]) -> None:
    """Bookmark every part, its pages below it, their sections below them."""
    parts = {}
    for page in printed:
        if page.part and page.part not in parts:
            parts[page.part] = _bookmark(writer, page.part, page.first)
        own = _bookmark(writer, page.title, page.first, parts.get(page.part))
        for title, name in page.sections:
            if name in page.places:
                sheet = writer.get_page_number(page.places[name][0].get_object())
                _bookmark(writer, title, sheet, own)


def _bookmark(writer: PdfWriter, title: str, sheet: int, parent=None):
    return writer.add_outline_item(title=title, page_number=sheet, parent=parent, is_open=False)


def faults(path: Path, printed: list[Printed]) -> list[str]:
    """Read a PDF back and find what of the book it lacks."""
    pdf = PdfReader(path)
    sheets, wanted = len(pdf.pages), sum(len(page.pdf.pages) for page in printed)
    found = [] if sheets == wanted else [f"{sheets} sheets instead of {wanted}"]
    marks = [title for title, depth in bookmarks(pdf.outline) if depth <= 1]
    found += [f"no bookmark for {page.title}" for page in printed if page.title not in marks]
    found += [f"{page.title}: {page.raw} formulas not typeset" for page in printed if page.raw]
    # Reading every sheet would take minutes: the first of each page, and the last.
    for number in {page.first for page in printed} | {sheets - 1}:
        if number < sheets and str(number + 1) not in pdf.pages[number].extract_text().split():
            found.append(f"sheet {number + 1} does not show its number")
    for sheet in pdf.pages:
        for annotation in sheet.get("/Annots", ()):
            if str(annotation.get_object().get("/A", {}).get("/URI", "")).startswith("file:"):
                found.append("a link leads to a file")
    return found


def bookmarks(outline: list, depth: int = 0) -> list[tuple[str, int]]:
    """List the bookmarks of an outline with their depths."""
    found = []
    for item in outline:
        found += bookmarks(item, depth + 1) if isinstance(item, list) else [(item.title, depth)]
    return found


def main(argv: list[str] | None = None) -> int:
    """Print one built book from the command line."""
    parser = argparse.ArgumentParser(description="Print the built book as one PDF.")
    parser.add_argument("folder", nargs="?", default=ROOT / "_build/html", type=Path)
    parser.add_argument("--toc", default=ROOT / "_toc.yml", type=Path)
    parser.add_argument("--output", default=ROOT / "_build/book.pdf", type=Path)
    asked = parser.parse_args(argv)
    toc = yaml.safe_load(asked.toc.read_text(encoding="utf-8"))
    printed = print_pages(
        asked.folder.resolve(), toc, lambda pages: tqdm(pages, unit="page", disable=None)
    )
    join(printed).write(asked.output)
    wrong = faults(asked.output, printed)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sheets, size = sum(len(page.pdf.pages) for page in printed), asked.output.stat().st_size / 1e6
    print(f"{asked.output}: {len(printed)} pages on {sheets} sheets, {size:.1f} MB")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
