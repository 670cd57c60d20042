"""Each check of tools/check_book.py bites on a page with that one fault, and on no clean page.

The pages are written by hand, so that a fault is where the test says and nowhere else.
"""

import shutil
import socket
import struct
import sys
import zlib
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import check_book  # noqa: E402

try:
    check_book._find_browser()
except check_book.NothingChecked as problem:
    pytest.skip(str(problem), allow_module_level=True)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<style>html[data-theme=dark] {{ background: #111; color: #eee; }} body {{ margin: 8px; }}</style>
</head><body><main><article>
{body}
</article></main></body></html>"""

WIDE = '<div style="width: 700px">too wide</div>'
BOX = '<rect width="200" height="60" fill="white"/>'
FORMULA = "<mjx-container{}>x + y</mjx-container>"
MATHJAX = """<script>
const up = Promise.{}; up.catch(() => {{}}); window.MathJax = {{startup: {{promise: up}}}};
</script><span class="math">x</span>"""


def style(rules: str) -> str:
    return f"<style>{rules}</style>"


def drawing(body: str, label: str = 'role="img" aria-label="A curve"') -> str:
    return f'<svg {label} width="200" height="60">{body}</svg>'


def folded(body: str) -> str:
    return f"<details><summary>More</summary>{body}</details>"


# kind of fault: name of the page: (what the report must mention, body of the page)
FAULTY = {
    "outside-request": {
        "script": ("//cdn.test/a.js", '<script src="https://cdn.test/a.js"></script>'),
        "style": ("//cdn.test/a.css", style("@import 'http://cdn.test/a.css';")),
        "picture": ("//cdn.test/a.png", '<img alt="A" src="https://cdn.test/a.png">'),
        "socket": ("ws://cdn.test", "<script>new WebSocket('ws://cdn.test')</script>"),
        "hint": ("//cdn.test", '<link rel="preconnect" href="https://cdn.test">'),
        "missing-file": ("none.png", '<img alt="A curve" src="none.png">'),
        "lazy": (
            "far.png",
            '<p style="height: 9000px"></p><img alt="A" loading="lazy" src="far.png">',
        ),
        "file-above": ("above.png", '<img alt="A curve" src="../above.png">'),
    },
    "console": {
        "console-error": ("it broke", "<script>console.error('it broke')</script>"),
        "uncaught": ("undefinedName", "<script>undefinedName()</script>"),
        "rejected": ("no promise", "<script>Promise.reject(Error('no promise'))</script>"),
    },
    "link": {
        "link": ("nowhere.html", '<a href="nowhere.html">nowhere</a>'),
        "link-query": ("gone.html", '<a href="gone.html?a=1#b">gone</a>'),
        "link-out": ("../above.png", '<a href="../above.png">above</a>'),
        "link-root": ("/index.html", '<a href="/index.html">root</a>'),
        "link-in-drawing": ("lost.html", drawing('<a href="lost.html"><path d="M0 0"/></a>')),
    },
    "anchor": {
        "anchor": ("#absent", '<a href="#absent">absent</a>'),
        "anchor-away": ("clean.html#absent", '<a href="clean.html#absent">absent</a>'),
    },
    "duplicate-id": {
        "duplicate-id": ('"twin"', '<p id="twin">one</p><p id="twin">two</p>'),
    },
    "alt": {
        "no-alt": ("solid.png", '<img src="solid.png">'),
        "blank-alt": ("solid.png", '<img src="solid.png" alt=" ">'),
        "alt-file": ("plot.SVG", '<img src="solid.png" alt="plot.SVG">'),
        "alt-path": ("images/a curve", '<img src="solid.png" alt="images/a curve">'),
        "drawing-role": ('role="img"', drawing("", 'aria-label="A curve"')),
        "drawing-label": ("label", drawing("", 'role="img" aria-labelledby="nothing"')),
    },
    "tex": {
        "tex-inline": (r"\(x\)", r"<p>where \(x\) is</p>"),
        "tex-display": ("$$ x $$", "<p>where $$ x $$ is</p>"),
        "tex-command": (r"\frac", r"<p>where \frac12 is</p>"),
        "tex-folded": (r"\sum", folded(r"<p>\sum x</p>")),
        "tex-toggled": (
            r"\sigma",
            style(".toggle-hidden p { display: none; }") + r'<div class="toggle-hidden"><p>\sigma',
        ),
        "tex-in-tab": (
            r"\mathbf",
            style(".sd-tab-content { display: none; }")
            + r'<div class="sd-tab-set"><div class="sd-tab-content">\mathbf x',
        ),
        "tex-error": ("No brace", '<mjx-merror data-mjx-error="No brace">{</mjx-merror>'),
        "tex-unknown": (
            r"\nosuch",
            r'<mjx-assistive-mml><mtext mathcolor="red">\nosuch</mtext></mjx-assistive-mml>',
        ),
        "zero-width": ("zero width", "<mjx-container></mjx-container>"),
        "no-mathjax": ("never came up", r'<span class="math">\(x\)</span>'),
        "dead-mathjax": ("out of order", MATHJAX.format("reject(Error('out of order'))")),
    },
    "overflow": {
        "wide": ("too wide", WIDE),
        "wide-page": ("the page is 708 px", WIDE),
        "wide-table": ("table.data", f'<table class="data"><tr><td>{WIDE}</td></tr></table>'),
        "wide-word": ("aaaa", f"<p>{'a' * 200}</p>"),
        "wide-picture": ("solid.png", '<img src="solid.png" alt="A" width="600">'),
        "wide-formula": ("x + y", FORMULA.format(' style="display: block; width: 500px"')),
        "wide-clipped": ("too wide", f'<div style="overflow: hidden">{WIDE}</div>'),
        "wide-folded": ("too wide", folded(WIDE)),
        "wide-scroller": (
            "div.box",
            '<div class="box" style="width: 500px; overflow: auto">x</div>',
        ),
        "wide-in-dark": ("night", style("[data-theme=dark] p { width: 500px; }") + "<p>night</p>"),
        "wide-by-query": (
            "night",
            style("@media (prefers-color-scheme: dark) { p { width: 500px; } }") + "<p>night</p>",
        ),
    },
    "dark": {
        "dark-formula": ("x + y", FORMULA.format(' style="color: #444"')),
        "dark-part": (
            "x",
            '<mjx-container>x<mjx-mi style="color: blue">y</mjx-mi></mjx-container>',
        ),
        "dark-panel": (
            "x + y",
            f'<div style="background: rgb(255 255 255 / 90%)">{FORMULA.format("")}</div>',
        ),
        "dark-on-desktop": (
            "x + y",
            style("@media (min-width: 999px) { [data-theme=dark] mjx-container { color: #333; } }")
            + FORMULA.format(""),
        ),
        "dark-picture": ("clear.png", '<img src="clear.png" alt="A curve">'),
        "dark-drawing": ("label", drawing('<text y="20">label</text>')),
        "dark-drawing-box": ("label", drawing(BOX + '<text y="20" fill="#eee">label</text>')),
    },
}
CASES = [(kind, name) for kind, pages in FAULTY.items() for name in pages]

CLEAN = {
    "clean": """<h1 id="top-of-it">Clean</h1><img src="solid.png" alt="A square"><a name="old"></a>
        <p id="café">A place</p>
        <a href="#">up</a> <a href="#old">old</a> <a href="#caf%C3%A9">place</a>
        <a href="clean.html#top-of-it">here</a> <a href="other%20page.html">other</a>
        <a href="solid.png">file</a> <a href="sub/">folder</a> <a href="https://cdn.test/">out</a>
        <a href="mailto:a@cdn.test">mail</a>
        <div style="overflow-x: auto"><table><tr><td style="min-width: 900px">wide</td></tr></table>
        </div>""",
    "other page": '<p id="here"><a href="clean.html?q=1#top-of-it">clean</a></p>',
    "sub/index": '<a href="../other page.html#here">other</a>',
    "code": r"""<pre>\frac</pre><code>$$ \(x\)</code><p>a \ b, 5 $ and 6 $</p>
        <textarea>\sum</textarea><p hidden>\sum</p>""",
    "mathjax": MATHJAX.format("resolve()"),
    "formulas": f"""<div style="overflow-x: auto">
        {FORMULA.format(' style="display: inline-block; width: 900px"')}</div>
        <div style="background: rgb(204 204 204 / 10%)">{FORMULA.format("")}</div>
        <div style="background: #fff"><div style="background: rgb(0 0 0 / 10%)">
        {FORMULA.format(' style="color: #000"')}</div></div>
        <div style="display: none"><mjx-container></mjx-container></div>
        <mjx-container style="position: relative">x<mjx-assistive-mml style="position: absolute;
        clip: rect(1px, 1px, 1px, 1px); overflow: hidden; left: 0; width: 100%">{WIDE}\\frac
        </mjx-assistive-mml></mjx-container>""",
    "icons": """<button><svg><path d="M0 0"/></svg></button><svg aria-hidden="true"></svg>
        <nav><svg></svg></nav><span aria-hidden="true"><img src="solid.png"></span>""",
    "drawings": drawing(BOX + '<text y="20">label</text>')
    + drawing('<rect y="30" width="900" height="9"/>')
    + drawing('<title>A label</title><text y="20" fill="currentColor">label</text>', 'role="img"'),
    "pictures": """<img src="clear.png" alt="On white" style="background: white">
        <img src="clear.png" alt="Turned light" style="filter: invert(1)">
        <img src="clear.png" alt="Drawn for the dark" class="only-dark">
        <div style="background: #eee"><img src="clear.png" alt="In a light box"></div>""",
    "hidden": f"""<div class="visually-hidden" style="overflow: hidden; width: 1px">{WIDE}</div>
        <div style="position: absolute; overflow: hidden; width: 1px; clip: rect(0 0 0 0)">
        {WIDE}</div><div style="display: none">{WIDE}</div></article></main>
        <dialog open style="position: fixed; left: 390px">a menu</dialog>""",
}


def png(alpha: int) -> bytes:
    """A square of one colour with an alpha channel, as drawing programs write it."""
    rows = (b"\0" + bytes((90, 120, 200, alpha)) * 8) * 8
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def write(folder: Path, bodies: dict[str, str]) -> Path:
    """Write a book of one page per body, with an opaque and a transparent picture."""
    for name, body in bodies.items():
        page = folder / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(PAGE.format(body=body), encoding="utf-8")
    (folder / "solid.png").write_bytes(png(255))
    (folder / "clear.png").write_bytes(png(0))
    (folder.parent / "above.png").write_bytes(png(255))
    return folder


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    """Faults of one book with all the pages, by page: one start of the browser does for all."""
    folder = tmp_path_factory.mktemp("checked") / "html"
    write(folder, CLEAN | {name: FAULTY[kind][name][1] for kind, name in CASES})
    write(folder / "_static", {"asset": WIDE})
    redirect = '<meta http-equiv="Refresh" content="0; url={}.html" />'
    (folder / "redirect.html").write_text(redirect.format("clean"))
    (folder / "astray.html").write_text(redirect.format("lost"))
    found = {}
    for fault in check_book.check(folder):
        found.setdefault(fault.page, []).append(fault)
    return found


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_fault_is_found(faults, kind, name):
    culprit, _ = FAULTY[kind][name]
    found = faults.get(f"{name}.html", [])
    assert {fault.kind for fault in found} == {kind}
    assert any(culprit in fault.detail for fault in found), found


@pytest.mark.parametrize("name", [*CLEAN, "redirect", "_static/asset"])
def test_clean_page_has_no_fault(faults, name):
    assert faults.get(f"{name}.html", []) == []


def test_redirect_to_a_missing_page_is_found(faults):
    (fault,) = faults["astray.html"]
    assert fault.kind == "link" and "lost.html" in fault.detail


def test_fault_of_the_theme_outside_of_the_article_is_found(tmp_path):
    outside = "</article></main><header><img src='solid.png'></header>"
    folder = write(tmp_path / "html", {"index": outside})
    (fault,) = check_book.check(folder)
    assert (fault.page, fault.kind) == ("index.html", "alt")


def test_nothing_leaves_the_machine(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        body = f'<img alt="A" src="http://{host}/"><script>new WebSocket("ws://{host}")</script>'
        found = check_book.check(write(tmp_path / "html", {"index": body}))
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert {fault.kind for fault in found} == {"outside-request"}
    assert len(found) == 2


def test_clean_book_exits_with_0(tmp_path, capsys):
    pages = ("clean", "other page", "sub/index")
    folder = write(tmp_path / "html", {name: CLEAN[name] for name in pages})
    assert check_book.main([str(folder)]) == 0
    assert capsys.readouterr().out.startswith("3 pages, 0 faults, ")


def test_faults_are_grouped_by_page_and_exit_with_1(tmp_path, capsys):
    first = "".join(FAULTY[kind][kind][1] for kind in ("anchor", "duplicate-id"))
    bodies = {"first": first, "second": CLEAN["code"]}
    assert check_book.main([str(write(tmp_path / "html", bodies))]) == 1
    page, *faults, closing = capsys.readouterr().out.splitlines()
    assert page == "first.html"
    assert [line.split(":")[0] for line in faults] == ["  duplicate-id", "  anchor"]
    assert closing.startswith("2 pages, 2 faults, ")


def test_missing_folder_exits_with_2(tmp_path, capsys):
    assert check_book.main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not a folder: build the book" in capsys.readouterr().err


def test_folder_without_pages_exits_with_2(tmp_path, capsys):
    write(tmp_path / "_static", {"asset": ""})
    assert check_book.main([str(tmp_path)]) == 2
    assert "holds no *.html page" in capsys.readouterr().err


def test_wrong_browser_path_exits_with_2(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/no/such/browser")
    assert check_book.main([str(write(tmp_path / "html", {"index": ""}))]) == 2
    assert "CHROMIUM is '/no/such/browser'" in capsys.readouterr().err


def test_no_browser_exits_with_2(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_book.main([str(write(tmp_path / "html", {"index": ""}))]) == 2
    assert "install Debian's chromium or set CHROMIUM" in capsys.readouterr().err


def test_program_that_is_no_browser_exits_with_2(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CHROMIUM", shutil.which("true"))
    assert check_book.main([str(write(tmp_path / "html", {"index": ""}))]) == 2
    assert "does not start as a browser" in capsys.readouterr().err
