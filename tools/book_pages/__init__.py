"""What the book computes when it is built: claims, verdicts, errata, links.

Everything is computed at build time from ``book/claims`` and the stored outputs
of the chapters; nothing here holds a verdict.  Below each statement's box goes a line
with its verdict, what it uses and what uses it.  Directives:

``{results-table}``       every claim with verdict, standing, evidence, ratio, and where it is
``{results-summary}``     how many claims have which verdict
``{claims-graph} paper``  the dependency graph as a picture that links to chapters
``{errata-list} paper``   printed, corrected and witness, claim by claim
``{errata-downloads}``    links to the errata and the citations as files
``{claims-by-number} paper``  every number of a paper, with its statement
``{exercise-index}``      the exercises of all chapters by difficulty, then part
``{speed-table} target``  what ``make bench`` has stored for a target
``{chapter-speed}``       the chapters' seconds before and after the kernels were made fast
``{roofline}``            the rates of all kernels below the roof of the machine
``{claims-map}``          every claim as a tile with its verdict
``{finding} name``        a picture and a sentence with its stored numbers
``{animation} name``      a film, and its last frame on paper and for less motion
``{citation}``            how to cite, with the address from ``_config.yml``
``{chapter-times}``       how long every chapter takes, beside its budget
``{mutation-scores}``     how many mutants of each module survive, and why
``{portability-table}``   on which settings the digits were compared
``{with-address}``        a block of code with the repository's address in it
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from book_pages import (  # noqa: E402
    animations,
    citations,
    errata,
    exercises,
    figures,
    front,
    links,
    maintaining,
    numbers,
    previews,
    results,
    roofline,
    running,
    speed,
)

DIRECTIVES = {
    "results-table": results.ResultsTable,
    "results-summary": results.ResultsSummary,
    "claims-graph": results.ClaimsGraph,
    "errata-list": errata.ErrataList,
    "errata-downloads": errata.ErrataDownloads,
    "claims-by-number": numbers.ClaimsByNumber,
    "exercise-index": exercises.ExerciseIndex,
    "speed-table": speed.SpeedTable,
    "chapter-speed": speed.ChapterSpeed,
    "animation": animations.Animation,
    "roofline": roofline.Roofline,
    "claims-map": front.ClaimsMap,
    "finding": front.Finding,
    "citation": front.Citation,
    "chapter-times": maintaining.ChapterTimes,
    "mutation-scores": maintaining.MutationScores,
    "portability-table": maintaining.PortabilityTable,
    "with-address": running.WithAddress,
}


def setup(app) -> dict:
    """Register the directives and what runs over every page."""
    for name, directive in DIRECTIVES.items():
        app.add_directive(name, directive)
    app.connect("env-check-consistency", links.check_verdicts_shown)
    app.connect("doctree-resolved", links.link_statements)
    app.connect("doctree-resolved", exercises.give_ids)
    app.connect("doctree-resolved", figures.link_data)
    app.connect("html-page-context", links.drop_duplicate_ids)
    app.connect("html-page-context", results.add_script)
    app.connect("build-finished", citations.write_files)
    app.connect("build-finished", animations.copy_films)
    app.add_transform(numbers.NumberTheBoxes)
    app.connect("html-page-context", previews.collect_previews)
    app.connect("build-finished", previews.write_previews)
    app.connect("build-finished", figures.write_tables)
    app.add_js_file("previews.js", loading_method="defer")
    # Previews are collected while pages are written, in one process.
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
