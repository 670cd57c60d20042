"""Checks of one chapter's source and twin; each returns its faults as sentences.

They are plain functions of texts and notebooks, so that the tests can run them on
the chapters, where they must find nothing, and on spoiled copies, where they must
find what was spoiled.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode

from companion.claims import Claim

SILENCING = ("nbval-ignore-output", "nbval-skip", "skip-execution", "raises-exception")

ANATOMY = (
    r"The statements?$",
    r"What (it says|they say)$",
    r"Compute it$",
    r"Walk the ",
    r"Attack it$",
    r"How tight",
    r"(Corrected|Sharper)",
    r"Verdict$",
    r"Exercises$",
)

TYPED_NUMBER = re.compile(
    r"(?<![\w.])(\d+\.\d+|\d+(\.\d+)?e-?\d+|\d+(\.\d+)?\s?(%|percent)|\d{3,})(?![\w])|10\^\{-?\d+\}"
)
"""Numbers that look measured: decimals, powers of ten, percentages, large counts."""

REFERENCE = re.compile(
    r"([Ss]ections?|[Aa]ppendix|[Rr]emark|[Ff]igure)\s+[A-Z]?\d+(\.\d+)*"
    r"|95% (confidence )?intervals?"
)
ROLE = re.compile(r"\{[\w:]+\}`[^`]*`|`[^`]*`")


def step_faults(source: NotebookNode, twin: NotebookNode) -> list[str]:
    """Find where a twin is not the executed form of its source."""
    if len(source.cells) != len(twin.cells):
        return [f"{len(source.cells)} cells in the source, {len(twin.cells)} in the twin"]
    return [
        f"cell {k} differs from its source"
        for k, (a, b) in enumerate(zip(source.cells, twin.cells, strict=True))
        if (a.cell_type, a.source, a.metadata, a.id) != (b.cell_type, b.source, b.metadata, b.id)
    ]


def execution_faults(twin: NotebookNode) -> list[str]:
    """Find cells that nbval would not compare, and traces of the machine."""
    code = [cell for cell in twin.cells if cell.cell_type == "code"]
    faults = []
    for order, cell in enumerate(code, start=1):
        if cell.execution_count != order:
            faults.append(f"code cell {order} has execution count {cell.execution_count}")
        if set(SILENCING) & set(cell.metadata.get("tags", ())):
            faults.append(f"code cell {order} opts out of a comparison")
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                faults.append(f"code cell {order} stores an error or a warning")
            if re.search(r"\bat 0x[0-9a-f]{6,}", str(output)):
                faults.append(f"code cell {order} stores an address in memory")
            if "image/png" in output.get("data", {}) and not alt_text(cell):
                faults.append(f"code cell {order} shows a picture without alt text")
        if "execution" in cell.metadata:
            faults.append(f"code cell {order} stores the times of a run")
    if "version" in twin.metadata.get("language_info", {}):
        faults.append("the metadata store a Python version")
    if "parameters" not in code[0].metadata.get("tags", ()):
        faults.append("the first code cell is not tagged parameters")
    return faults


def alt_text(cell: NotebookNode) -> str:
    """Return the alt text that a cell gives its picture."""
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


def anatomy_faults(text: str) -> list[str]:
    """Find sections that are missing or out of order, and a title that no page can show.

    Pages without a formula of their own load no MathJax, and their contents list every title.
    """
    title = re.search(r"^# (.*)$", text, flags=re.M)[1]
    headings = re.findall(r"^## (.*)$", text, flags=re.M)
    places = [
        next((k for k, heading in enumerate(headings) if re.match(pattern, heading)), None)
        for pattern in ANATOMY
    ]
    missing = [
        f"no section {p!r}" for p, place in zip(ANATOMY, places, strict=True) if place is None
    ]
    found = [place for place in places if place is not None]
    faults = missing + (["sections out of order"] if found != sorted(found) else [])
    return faults + (["a formula in the title"] if "$" in title else [])


def statement_faults(text: str, claims: list[Claim]) -> list[str]:
    """Find claims of a chapter without a box, or whose box prints another formula."""
    boxes = dict(
        re.findall(r"^:::\{prf:\w+\}[^\n]*\n:label: (\S+)\n(.*?)^:::$", text, flags=re.M | re.S)
    )
    faults = []
    for claim in claims:
        box = boxes.get(claim.label)
        if box is None:
            faults.append(f"{claim.id} has no box labelled {claim.label}")
        elif _squeeze(claim.formula) not in _squeeze(box):
            faults.append(f"the box of {claim.id} prints another formula than book/claims")
    return faults


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def prose_faults(text: str) -> list[str]:
    """Find numbers typed into prose that a cell should have computed."""
    prose = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    prose = re.sub(r"^```.*?^```$", "", prose, flags=re.M | re.S)
    prose = re.sub(r"^:::\{prf:.*?^:::$", "", prose, flags=re.M | re.S)
    prose = REFERENCE.sub("", ROLE.sub("", prose))
    return [f"typed number {match.group(0)!r}" for match in TYPED_NUMBER.finditer(prose)]


def reference_faults(text: str) -> list[str]:
    """Find references that would lose their words: the label stands in them.

    sphinx-proof then shows the kind of the box in their place.
    """
    links = re.findall(r"\{prf:ref\}`([^`<]*?)\s*(?:<([^>`]+)>)?`", text)
    return [
        f"reference {words!r} contains {label!r}"
        for words, label in links
        if (label or words) in words
    ]
