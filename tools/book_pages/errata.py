"""The errata page."""

from __future__ import annotations

from docutils import nodes

from book_pages.base import PAPERS, BookDirective, badge, list_table
from companion.claims import Claim


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
        touches = (
            "not the meaning of the statement" if erratum["harmless"] else "the statement itself"
        )
        rows = [
            ["Printed", erratum["printed"]],
            ["Corrected", erratum["corrected"]],
            ["Witness", erratum["witness"]],
            ["Touches", touches],
        ]
        return list_table(["Place", erratum["place"]], rows, "errata")
