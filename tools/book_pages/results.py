"""The results page: every claim with its verdict, the summary, the dependency graph."""

from __future__ import annotations

from collections import Counter
from html import escape

from docutils import nodes

from book_pages.base import PAPERS, BookDirective, badge
from book_pages.graph import Box, draw
from book_pages.numbers import names
from book_pages.whereabouts import whereabouts
from companion.claims import NOT_EXAMINED, STANDINGS, Claim, effective_status
from companion.evidence import SCOPES, VERDICTS

HEADINGS = ("Statement", "Verdict", "Standing", "Evidence", "Worst ratio", "Proof, code, test")
SORTED = HEADINGS[:-1]
FILTERS = {
    "paper": tuple(PAPERS),
    "verdict": VERDICTS,
    "evidence": SCOPES,
    "sharper": ("yes", "no"),
}


class ResultsTable(BookDirective):
    """One table of all claims, whole without JavaScript; ``results.js`` sorts and filters it."""

    def run(self):
        standing = effective_status(self.claims, self.records)
        rows = "".join(
            self.row(order, claim, standing[claim.id])
            for order, claim in enumerate(self.claims.values())
        )
        heads = "".join(
            f'<th scope="col" role="columnheader"{" data-sorts" if name in SORTED else ""}>'
            f"{name}</th>"
            for name in HEADINGS
        )
        table = (
            f'{filters(len(self.claims))}<div class="results-scroll scrolls">'
            '<table class="results results-all" role="table" aria-label="All statements">'
            f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead>'
            f'<tbody role="rowgroup">{rows}</tbody></table></div>'
        )
        return [nodes.raw("", table, format="html")]

    def row(self, order: int, claim: Claim, standing: str) -> str:
        """One claim as a table row: what the filters compare stands in its attributes."""
        record = self.records.get(claim.id, {})
        verdict, sharper = record.get("verdict", NOT_EXAMINED), record.get("sharper", False)
        scopes = record.get("scopes", [])
        facts = {
            "paper": claim.paper,
            "verdict": verdict,
            "evidence": " ".join(scopes),
            "sharper": "yes" if sharper else "no",
            "find": " | ".join([*names(claim), claim.title]),
        }
        attributes = "".join(f' data-{key}="{escape(value)}"' for key, value in facts.items())
        ratio, sort_ratio = ratios(record)
        first = SCOPES.index(scopes[0]) if scopes else len(SCOPES)
        cells = [
            (STANDINGS.index(verdict), badge(verdict, sharper)),
            (STANDINGS.index(standing), badge(standing)),
            (first, ", ".join(scopes) or "—"),
            (sort_ratio, ratio),
            ("", self.where(claim)),
        ]
        shown = "".join(
            f'<td role="cell" data-label="{name}" data-sort="{key}">{cell}</td>'
            for name, (key, cell) in zip(HEADINGS[1:], cells, strict=True)
        )
        head = f"{PAPERS[claim.paper]}, {self.box(claim)}: {escape(claim.title)}"
        return (
            f'<tr id="row-{claim.label}" role="row"{attributes}>'
            f'<th scope="row" role="rowheader" data-sort="{order}">{head}</th>{shown}</tr>'
        )

    def page(self, docname: str, anchor: str) -> str:
        return f"{self.env.app.builder.get_relative_uri(self.env.docname, docname)}#{anchor}"

    def box(self, claim: Claim) -> str:
        if not claim.chapter:
            return escape(claim.number)
        return anchor(self.page(f"notebooks/{claim.chapter}", claim.label), claim.number)

    def where(self, claim: Claim) -> str:
        """Links to the proof's walk and the modules it computes with, and what runs it again."""
        if not claim.chapter:
            return "—"
        where = whereabouts(claim)
        walk = anchor(self.page(where.page, where.walk), "proof walk")
        code = ", ".join(
            [anchor(self.page(where.page, "compute-it"), "in the chapter")]
            + [
                anchor(self.page("book/api", f"module-{module}"), module.split(".", 1)[1])
                for module in where.modules
            ]
        )
        commands = "".join(f"<code>{escape(command)}</code>" for command in where.commands)
        return (
            f"{walk}<details><summary>code, test</summary><p>Code: {code}</p>"
            f"<p>Executed again and compared by {commands}</p></details>"
        )


def anchor(address: str, text: str) -> str:
    """Return a link as HTML."""
    return f'<a class="reference internal" href="{escape(address)}">{escape(text)}</a>'


def ratios(record: dict) -> tuple[str, str]:
    """Return the worst ratios, printed and mended, as shown, and the one to sort by."""
    found = [record.get("ratio_printed"), record.get("ratio_mended")]
    if found == [None, None]:
        return "—", ""
    shown = " → ".join("—" if ratio is None else f"{ratio:.3g}" for ratio in found)
    return shown, next(repr(ratio) for ratio in found if ratio is not None)


def filters(count: int) -> str:
    """Return the form above the table, hidden until ``results.js`` makes it work."""
    selects = "".join(
        f'<label>{name.capitalize()} <select name="{name}"><option value="">all</option>'
        + "".join(
            f'<option value="{value}">{PAPERS.get(value, value)}</option>' for value in values
        )
        + "</select></label>"
        for name, values in FILTERS.items()
    )
    return (
        '<form class="results-filters" aria-label="Filter the statements" hidden>'
        '<label class="results-find">Number or title '
        '<input type="search" name="find" placeholder="Lemma 1, (29), Wang Remark 3.2"></label>'
        f'{selects}<button type="reset">Show all</button>'
        f'<p role="status"><span>{count}</span> of {count} shown</p></form>'
    )


def add_script(app, pagename, templatename, context, doctree) -> None:
    """Load ``results.js`` on the page that it serves, and on no other."""
    if "results-filters" in context.get("body", ""):
        app.add_js_file("results.js", loading_method="defer")


class ResultsSummary(BookDirective):
    def run(self):
        lines = []
        for paper, name in PAPERS.items():
            claims = [claim for claim in self.claims.values() if claim.paper == paper]
            tally = Counter(self.verdict(claim) for claim in claims)
            words = [word for word in (*VERDICTS, NOT_EXAMINED) if tally[word]]
            shares = ", ".join(f"{tally[word]} {badge(word)}" for word in words)
            lines.append(f"- {name}, {len(claims)} statements: {shares}")
        return self.markdown("\n".join(lines))


class ClaimsGraph(BookDirective):
    required_arguments = 1

    def run(self):
        paper = self.arguments[0]
        standing = effective_status(self.claims, self.records)
        boxes = [
            Box(claim, self.verdict(claim), standing[claim.id], self.address(claim))
            for claim in self.claims.values()
            if claim.paper == paper
        ]
        if not boxes:
            raise self.error(f"unknown paper {paper!r}")
        picture = draw(boxes, f"Dependency graph of {PAPERS[paper]}")
        return [nodes.raw("", f'<div class="claims-graph scrolls">{picture}</div>', format="html")]

    def address(self, claim: Claim) -> str | None:
        if not claim.chapter:
            return None
        page = f"notebooks/{claim.chapter}"
        return f"{self.env.app.builder.get_relative_uri(self.env.docname, page)}#{claim.label}"
