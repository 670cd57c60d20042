"""The line below each statement's box, and what keeps its verdict and its id right."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx_proof.nodes import unenumerable_node

from book_pages.base import PAPERS, ROOT, BookDirective, badge
from companion.claims import NOT_EXAMINED, Claim, load_claims
from companion.evidence import read_verdicts


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
