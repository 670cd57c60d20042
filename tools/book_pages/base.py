"""What every page's directive builds on: the claims, their verdicts, Markdown as output."""

from __future__ import annotations

import sys
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from companion.claims import NOT_EXAMINED, Claim, load_claims  # noqa: E402
from companion.evidence import read_verdicts  # noqa: E402

PAPERS = {"cayci2024": "Paper A", "wang2021": "Paper B"}


class BookDirective(SphinxDirective):
    """A directive with the claims and verdicts at hand, and Markdown as output."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for path in [*sorted((ROOT / "book/claims").glob("*.yml")), *self.notebooks()]:
            self.env.note_dependency(str(path))
        self.claims = load_claims(ROOT / "book/claims")
        self.records = read_verdicts(self.notebooks())

    @staticmethod
    def notebooks() -> list[Path]:
        return sorted((ROOT / "notebooks").glob("*/*.ipynb"))

    def claim(self, claim_id: str) -> Claim:
        if claim_id not in self.claims:
            raise self.error(f"unknown claim id {claim_id!r}")
        return self.claims[claim_id]

    def verdict(self, claim: Claim) -> str:
        return self.records[claim.id]["verdict"] if claim.id in self.records else NOT_EXAMINED

    def link(self, claim: Claim) -> str:
        """Link to the statement's box where a chapter has one, else only its number."""
        return f"{{prf:ref}}`{claim.number} <{claim.label}>`" if claim.chapter else claim.number

    def chapter_link(self, claim: Claim) -> str:
        return f"{{doc}}`chapter </notebooks/{claim.chapter}>`" if claim.chapter else "—"

    def markdown(self, text: str, classes: tuple[str, ...] = ()) -> list[nodes.Node]:
        box = nodes.container(classes=list(classes))
        self.state.nested_parse(StringList(text.splitlines(), "computed"), self.content_offset, box)
        return [box]


def badge(word: str, sharper: bool = False) -> str:
    """Return a verdict word as inline HTML, with its mark."""
    mark = ' <span class="mark-sharper">+ sharper</span>' if sharper else ""
    return f'<span class="badge-verdict verdict-{word.replace(" ", "-")}">{word}</span>{mark}'


def list_table(headings: list[str], rows: list[list[str]], classes: str) -> str:
    """Return a MyST list-table."""
    lines = ["::::{list-table}", ":header-rows: 1", f":class: {classes}", ""]
    for row in [headings, *rows]:
        lines += [f"{'* -' if number == 0 else '  -'} {cell}" for number, cell in enumerate(row)]
    return "\n".join([*lines, "::::"])
