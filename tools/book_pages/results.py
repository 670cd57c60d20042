"""The results page: every claim with its verdict, the summary, the dependency graph."""

from __future__ import annotations

from collections import Counter

from docutils import nodes

from book_pages.base import PAPERS, BookDirective, badge, list_table
from book_pages.graph import draw
from companion.claims import NOT_EXAMINED, Claim, effective_status
from companion.evidence import VERDICTS


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
