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

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from book_pages import errata, front, links, results, speed  # noqa: E402

DIRECTIVES = {
    "results-table": results.ResultsTable,
    "results-summary": results.ResultsSummary,
    "claims-graph": results.ClaimsGraph,
    "errata-list": errata.ErrataList,
    "speed-table": speed.SpeedTable,
    "citation": front.Citation,
}


def setup(app) -> dict:
    """Register the directives and what runs over every page."""
    for name, directive in DIRECTIVES.items():
        app.add_directive(name, directive)
    app.connect("env-check-consistency", links.check_verdicts_shown)
    app.connect("doctree-resolved", links.link_statements)
    app.connect("html-page-context", links.drop_duplicate_ids)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
