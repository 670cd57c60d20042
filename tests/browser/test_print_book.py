"""A small book on paper: numbers, bookmarks, links; and the check notices what is missing."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
pytest.importorskip("pypdf")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from pypdf import PdfReader, PdfWriter  # noqa: E402

import check_book  # noqa: E402
import print_book  # noqa: E402

try:
    check_book._find_browser()
except check_book.NothingChecked as problem:
    pytest.skip(str(problem), allow_module_level=True)

SHEETS = "@page { size: A5; margin: 20mm; @bottom-center { content: counter(page); } }"
PAGE = """<!doctype html><html><head><style>{style}</style></head><body><article>
<section id="top"><h1>{title}<a class="headerlink" href="#top">#</a></h1>
<section id="{name}-found"><h2>What {name} found</h2>{body}</section></section>
</article></body></html>"""
FORMULA = """<script>
window.MathJax = {startup: {promise: new Promise(done => setTimeout(() => {
  document.querySelector(".math").innerHTML = "<mjx-container>alpha squared</mjx-container>";
  done();
}, 300))}};
</script><b class="math">\\(\\frac{1}{2}\\)</b>"""
BODIES = {
    "first": '<a href="part/second.html#second-found">on</a> <a href="data.csv">data</a>',
    "part/second": "<details><summary>More</summary>folded away</details>" + FORMULA,
    "part/third": '<p style="break-after: page">1</p><p>2</p><a href="../first.html#top">up</a>',
}
TOC = {
    "root": "first",
    "parts": [{"caption": "Part I", "chapters": [{"file": name} for name in list(BODIES)[1:]]}],
}


def written(folder, **changed):
    """Write the book by hand and print it."""
    (folder / "part").mkdir()
    for name, body in (BODIES | changed).items():
        short = name.split("/")[-1]
        text = PAGE.format(style=SHEETS, title=f"The {short} page", name=short, body=body)
        (folder / f"{name}.html").write_text(text)
    printed = print_book.print_pages(folder, TOC)
    path = folder / "book.pdf"
    print_book.join(printed).write(path)
    return path, printed


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return written(tmp_path_factory.mktemp("book"))


def test_every_sheet_is_there_and_numbered(book):
    texts = [sheet.extract_text().split() for sheet in PdfReader(book[0]).pages]
    assert len(texts) == 4
    assert all(str(number) in text for number, text in enumerate(texts, start=1))


def test_formulas_are_typeset_and_folds_open(book):
    text = PdfReader(book[0]).pages[1].extract_text()
    assert "alpha squared" in text and "folded away" in text


def test_the_contents_are_bookmarks(book):
    assert print_book.bookmarks(PdfReader(book[0]).outline) == [
        ("The first page", 0),
        ("What first found", 1),
        ("Part I", 0),
        ("The second page", 1),
        ("What second found", 2),
        ("The third page", 1),
        ("What third found", 2),
    ]


def destinations(path):
    """Sheet to the sheets that its links lead to."""
    pdf = PdfReader(path)
    ids = [sheet.indirect_reference.idnum for sheet in pdf.pages]
    return [
        {
            ids.index(link.get_object()["/Dest"][0].idnum)
            for link in sheet.get("/Annots", ())
            if "/Dest" in link.get_object()
        }
        for sheet in pdf.pages
    ]


def test_links_between_pages_lead_into_the_document(book):
    first, second, third, last = destinations(book[0])
    assert 1 in first and second == {1} and third == {2} and 0 in last
    assert print_book.faults(*book) == []


def test_a_sheet_that_is_missing_is_seen(book, tmp_path):
    writer = PdfWriter()
    for sheet in PdfReader(book[0]).pages[:-1]:
        writer.add_page(sheet)
    writer.write(tmp_path / "short.pdf")
    found = print_book.faults(tmp_path / "short.pdf", book[1])
    assert "3 sheets instead of 4" in found
    assert "no bookmark for The third page" in found


def test_a_formula_that_is_not_typeset_is_seen(tmp_path):
    book = written(tmp_path, **{"part/second": r'<p class="math">\(\frac{1}{2}\)</p>'})
    assert print_book.faults(*book) == ["The second page: 1 formulas not typeset"]


def test_sheets_without_numbers_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "SHEETS", "@page { size: A5; margin: 20mm; }")
    found = print_book.faults(*written(tmp_path))
    assert "sheet 1 does not show its number" in found
