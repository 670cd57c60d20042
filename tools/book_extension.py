"""What the book computes when it is built: claims, verdicts, errata, links.

Everything is computed at build time from ``book/claims`` and the stored outputs
of the chapters; nothing here holds a verdict.  Below each statement's box goes a line
with its verdict, what it uses and what uses it.  Directives:

``{results-table}``       every claim with verdict, standing, evidence, ratio, chapter
``{results-summary}``     how many claims have which verdict
``{claims-graph} paper``  the dependency graph as a picture that links to chapters
``{errata-list}``         printed, corrected and witness, claim by claim
``{speed-table} target``  what ``make bench`` has stored for a target
``{citation}``            how to cite, with the address from ``_config.yml``
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective
from sphinx_proof.nodes import unenumerable_node

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from claims_graph import draw  # noqa: E402
from companion.claims import NOT_EXAMINED, Claim, effective_status, load_claims  # noqa: E402
from companion.evidence import VERDICTS, read_verdicts  # noqa: E402

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


class ResultsTable(BookDirective):
    def run(self):
        standing = effective_status(self.claims, self.records)
        found = []
        for paper, name in PAPERS.items():
            rows = [self.row(c, standing[c.id]) for c in self.claims.values() if c.paper == paper]
            headings = ["Statement", "Verdict", "Standing", "Evidence", "Worst ratio", "Chapter"]
            found += self.markdown(
                f"**{name}**\n\n" + list_table(headings, rows, "results"), ("scrolls",)
            )
        return found

    def row(self, claim: Claim, standing: str) -> list[str]:
        record = self.records.get(claim.id)
        title = f"{self.link(claim)}: {claim.title}"
        if record is None:
            return [title, badge(NOT_EXAMINED), badge(standing), "—", "—", self.chapter_link(claim)]
        ratios = [record["ratio_printed"], record["ratio_mended"]]
        shown = " → ".join("—" if ratio is None else f"{ratio:.3g}" for ratio in ratios)
        return [
            title,
            badge(record["verdict"], record["sharper"]),
            badge(standing),
            ", ".join(record["scopes"]),
            "—" if ratios == [None, None] else shown,
            self.chapter_link(claim),
        ]


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
        claims = {key: claim for key, claim in self.claims.items() if claim.paper == paper}
        if not claims:
            raise self.error(f"unknown paper {paper!r}")
        builder = self.env.app.builder
        addresses = {
            claim.id: builder.get_relative_uri(self.env.docname, f"notebooks/{claim.chapter}")
            for claim in claims.values()
            if claim.chapter
        }
        verdicts = {claim.id: self.verdict(claim) for claim in claims.values()}
        picture = draw(claims, verdicts, addresses, f"Dependency graph of {PAPERS[paper]}")
        return [nodes.raw("", f'<div class="claims-graph scrolls">{picture}</div>', format="html")]


class ErrataList(BookDirective):
    def run(self):
        found = []
        for claim in self.claims.values():
            record = self.records.get(claim.id)
            if record and record["errata"]:
                found += self.entry(claim, record)
        return found or self.markdown("No erratum has been recorded yet.")

    def entry(self, claim: Claim, record: dict) -> list[nodes.Node]:
        place = f"{PAPERS[claim.paper]}, {self.link(claim)}: {claim.title}"
        about = f"{place} · {badge(record['verdict'])} · {self.chapter_link(claim)}"
        tables = [self.table(erratum) for erratum in record["errata"]]
        return self.markdown("\n\n".join([about, *tables]), ("erratum",))

    @staticmethod
    def table(erratum: dict) -> str:
        touches = "not the meaning of the statement" if erratum["harmless"] else "the statement itself"
        rows = [
            ["Printed", erratum["printed"]],
            ["Corrected", erratum["corrected"]],
            ["Witness", erratum["witness"]],
            ["Touches", touches],
        ]
        return list_table(["Place", erratum["place"]], rows, "errata")


class SpeedTable(BookDirective):
    required_arguments = 1
    stored = ROOT / "benchmarks/results.json"

    def run(self):
        self.env.note_dependency(str(self.stored))
        target = self.arguments[0]
        results = json.loads(self.stored.read_text(encoding="utf-8"))
        if target not in results:
            raise self.error(f"no results of target {target!r} in {self.stored.name}")
        headings = ["Measured", "Median [range]", "Goal", "Relative error", "Rate, the machine's"]
        rows = [self.row(row) for row in results[target]["rows"]]
        return self.markdown(list_table(headings, rows, "results"), ("scrolls",))

    @staticmethod
    def row(row: dict) -> list[str]:
        value = "—"
        if "value" in row:
            value = f"{row['value']:.3g}{row.get('unit', '')}"
            value += f" [{row['low']:.3g}, {row['high']:.3g}]" if "low" in row else ""
        goal = row.get("goal", "—").replace(">=", "≥")
        met = {True: " met", False: " **missed**", None: ""}[row.get("met")]
        errors = ", ".join(f"{name} {error:.0e}" for name, error in row.get("errors", {}).items())
        rate = "—"
        if "work" in row:
            beside = f" of {row['machine']:.3g}" if "machine" in row else ""
            rate = f"{row['work']:.3g}{beside} {row['rate']}"
        note = f" ({row['note']})" if "note" in row else ""
        return [row["what"] + note, value, goal + met, errors or "—", rate]


class Citation(BookDirective):
    def run(self):
        cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
        address = config["repository"]["url"]
        bibtex = (
            "@misc{companion,\n"
            f"  title  = {{{cited['title']}}},\n"
            f"  author = {{{{{cited['authors'][0]['name']}}}}},\n"
            f"  year   = {{{str(cited['date-released'])[:4]}}},\n"
            f"  note   = {{Version {cited['version']}}},\n"
            f"  url    = {{{address}}}\n"
            "}"
        )
        return [nodes.literal_block(bibtex, bibtex, language="bibtex")]


def check_verdicts_shown(app, env) -> None:
    """Refuse to build a book that shows a verdict for a claim of another chapter."""
    claims = load_claims(ROOT / "book/claims")
    for claim_id, record in read_verdicts(BookDirective.notebooks()).items():
        home = "/".join(Path(record["notebook"]).with_suffix("").parts[-2:])
        if claims[claim_id].chapter != home:
            raise ValueError(
                f"{home} gives a verdict on {claim_id}, whose chapter is {claims[claim_id].chapter}"
            )


def link_statements(app, doctree, docname) -> None:
    """Put below each statement's box where it stands, its verdict, and what it rests on."""
    claims = load_claims(ROOT / "book/claims")
    records = read_verdicts(BookDirective.notebooks())
    by_label = {claim.label: claim for claim in claims.values()}
    for box in list(doctree.findall(unenumerable_node)):
        claim = by_label.get(box["label"])
        if claim is not None:
            below = _statement_links(app, docname, claim, claims, records.get(claim.id))
            box.parent.insert(box.parent.index(box) + 1, below)


def _statement_links(app, docname, claim, claims, record) -> nodes.paragraph:
    line = nodes.paragraph(classes=["statement-links"])
    word, sharper = (record["verdict"], record["sharper"]) if record else (NOT_EXAMINED, False)
    line += nodes.Text(f"{PAPERS[claim.paper]}, {claim.place} · ")
    line += nodes.raw("", badge(word, sharper), format="html")
    used = [claims[other] for other in claim.uses]
    users = [other for other in claims.values() if claim.id in other.uses]
    for name, others in (("Uses", used), ("Used by", users)):
        line += nodes.Text(f" · {name}: " + ("" if others else "nothing"))
        for number, other in enumerate(others):
            line += nodes.Text(", " if number else "")
            line += _box_link(app, docname, other)
    return line


def _box_link(app, docname, claim: Claim) -> nodes.Node:
    if not claim.chapter:
        return nodes.Text(claim.number)
    page = app.builder.get_relative_uri(docname, f"notebooks/{claim.chapter}")
    address = f"{page}#{claim.label}"
    return nodes.reference("", claim.number, refuri=address, internal=True)


def drop_duplicate_ids(app, pagename, templatename, context, doctree) -> None:
    """Leave each statement's id on its box alone.

    sphinx-proof repeats it on the title, which it needs while it writes the page,
    and gives the content of every box the same id.
    """
    if "body" in context:
        body = re.sub(r'(<p class="admonition-title") id="[^"]*"', r"\1", context["body"])
        context["body"] = body.replace(' id="proof-content"', "")


def setup(app) -> dict:
    """Register the directives."""
    for name, directive in {
        "results-table": ResultsTable,
        "results-summary": ResultsSummary,
        "claims-graph": ClaimsGraph,
        "errata-list": ErrataList,
        "speed-table": SpeedTable,
        "citation": Citation,
    }.items():
        app.add_directive(name, directive)
    app.connect("env-check-consistency", check_verdicts_shown)
    app.connect("doctree-resolved", link_statements)
    app.connect("html-page-context", drop_duplicate_ids)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
