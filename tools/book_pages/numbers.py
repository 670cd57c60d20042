"""Finding a claim by its number: the names it goes by, the search index, the page of numbers."""

from __future__ import annotations

import re

from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx_proof.nodes import unenumerable_node

from book_pages.base import PAPERS, ROOT, BookDirective, list_table
from book_pages.citations import papers
from book_pages.graph import short
from companion.claims import Claim, load_claims


def displays(claim: Claim) -> list[int]:
    """Return the numbers of the displayed formulas in a statement, its proof, or next to it.

    Parameters
    ----------
    claim : Claim

    Returns
    -------
    list of int
        In ascending order; ranges such as ``(21)-(23)`` or ``(20) to (25)`` are filled in.
    """
    found = set()
    for first, last in re.findall(
        r"\((\d+)\)(?:\s*(?:-|to)\s*\((\d+)\))?", f"{claim.number}; {claim.place}"
    ):
        found |= set(range(int(first), int(last or first) + 1))
    return sorted(found)


def names(claim: Claim) -> list[str]:
    """Return the names under which readers of the paper look for a claim.

    Parameters
    ----------
    claim : Claim

    Returns
    -------
    list of str
        Its number, whole and abbreviated, alone and with the paper's first author or letter, and
        each display number as ``(29)``, ``eq. 29``, ``display (29)`` and the like.
    """
    numbers = [claim.number, short(claim), claim.number.removesuffix(" (informal)")]
    for k in displays(claim):
        words = ("equation", "eq.", "display")
        numbers += [f"({k})", *(f"{word} {form}" for word in words for form in (f"({k})", k))]
    owners = [papers()[claim.paper]["authors"][0].split()[-1], PAPERS[claim.paper]]
    signed = [f"{owner} {number}" for owner in owners for number in numbers]
    signed += [f"{number} {owner}" for number in numbers for owner in owners]
    signed += [f"{number} of {owner}" for number in numbers for owner in owners]
    return list(dict.fromkeys(numbers + signed))


class NumberTheBoxes(SphinxTransform):
    """Enter each statement's names into the index of the search, which leads to its box.

    The search drops numbers from a query, and looks only in index entries for the query as typed.
    """

    default_priority = 840  # with the other collectors, when all boxes stand

    def apply(self, **kwargs) -> None:
        boxes = list(self.document.findall(unenumerable_node))
        claims = load_claims(ROOT / "book/claims").values() if boxes else ()
        by_label = {claim.label: claim for claim in claims}
        for box in boxes:
            claim = by_label.get(box["label"])
            if claim is not None:
                # A semicolon would make a sub-entry; "main" ranks an entry with the titles.
                entries = [("single", n, claim.label, "main", None) for n in names(claim)]
                box.parent.insert(box.parent.index(box), addnodes.index(entries=entries))


class ClaimsByNumber(BookDirective):
    """A table of every number of a paper, statements first, then displays."""

    required_arguments = 1

    def run(self):
        claims = [claim for claim in self.claims.values() if claim.paper == self.arguments[0]]
        if not claims:
            raise self.error(f"unknown paper {self.arguments[0]!r}")
        rows = [[self.link(c), c.title, c.place] for c in sorted(claims, key=_kind_and_number)]
        found = self.markdown(
            list_table(["Number", "What it says", "Place in the paper"], rows, "numbers"),
            ("scrolls",),
        )
        shown = {k: [c for c in claims if k in displays(c)] for c in claims for k in displays(c)}
        rows = [[f"({k})", " · ".join(map(self.link, shown[k]))] for k in sorted(shown)]
        return found + self.markdown(
            list_table(["Display", "In or next to"], rows, "numbers"), ("scrolls",)
        )


def _kind_and_number(claim: Claim) -> tuple:
    """Sort by kind, then by number, 2.10 after 2.9."""
    kind = claim.number.split(" ")[0].rstrip("s")
    return kind, [int(number) for number in re.findall(r"\d+", claim.number)], claim.number
