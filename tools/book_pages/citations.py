"""Files for other programs, written beside the built pages: the errata and a citation a claim."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import yaml

from book_pages.base import PAPERS, ROOT, BookDirective
from companion.claims import Claim, load_claims
from companion.evidence import read_verdicts

ERRATA, BIBLIOGRAPHY = "errata.json", "claims.bib"


@cache
def papers() -> dict[str, dict]:
    """Return what ``book/claims`` says of each paper: its title, authors, year and version read.

    Returns
    -------
    dict of str to dict
    """
    heads = [
        yaml.safe_load(path.read_text(encoding="utf-8"))["paper"]
        for path in sorted((ROOT / "book/claims").glob("*.yml"))
    ]
    return {head["key"]: head for head in heads}


def book() -> dict[str, str]:
    """Return how the book is cited: title, author, year, version and the repository's address.

    Returns
    -------
    dict of str to str
    """
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return {
        "title": cited["title"],
        "author": cited["authors"][0]["name"],
        "year": str(cited["date-released"])[:4],
        "version": cited["version"],
        "url": config["repository"]["url"],
    }


def errata(claims: dict[str, Claim], records: dict[str, dict]) -> list[dict]:
    """List every recorded erratum, numbered in the order of its paper.

    Parameters
    ----------
    claims : dict of str to Claim
    records : dict of str to dict
        As :func:`companion.evidence.read_verdicts` gives them.

    Returns
    -------
    list of dict
        Each with number, paper, place, claim, verdict, printed, corrected, witness, gaps,
        harmless and chapter.
    """
    listed = []
    for paper, name in PAPERS.items():
        found = [
            (claim, erratum)
            for claim in claims.values()
            if claim.paper == paper and claim.id in records
            for erratum in records[claim.id]["errata"]
        ]
        letter = name.split()[-1]
        listed += [
            _entry(f"{letter}{number}", claim, records[claim.id]["verdict"], erratum)
            for number, (claim, erratum) in enumerate(found, start=1)
        ]
    return listed


def _entry(number: str, claim: Claim, verdict: str, erratum: dict) -> dict:
    # A chapter stores the gap of the printed reading behind the witness; that of the corrected
    # one is zero to rounding, or the chapter would have stopped.
    witness, gap = re.fullmatch(r"(.*) \(([^()]+)\)", erratum["witness"], flags=re.S).groups()
    return {
        "number": number,
        "paper": claim.paper,
        "place": erratum["place"],
        "claim": claim.id,
        "verdict": verdict,
        "printed": erratum["printed"],
        "corrected": erratum["corrected"],
        "witness": witness,
        "gaps": {"printed": float(gap)},
        "harmless": erratum["harmless"],
        "chapter": f"notebooks/{claim.chapter}.html#{claim.label}",
    }


def bibliography(claims: dict[str, Claim], records: dict[str, dict]) -> str:
    """Return one BibTeX entry for each claim that has a verdict.

    Parameters
    ----------
    claims : dict of str to Claim
    records : dict of str to dict
        As :func:`companion.evidence.read_verdicts` gives them.

    Returns
    -------
    str
    """
    cited, heads = book(), papers()
    entries = [
        _bibtex(claim, records[claim.id], heads[claim.paper], cited)
        for claim in claims.values()
        if claim.id in records
    ]
    return "\n\n".join(entries) + "\n"


def _bibtex(claim: Claim, record: dict, paper: dict, cited: dict) -> str:
    title = f"{claim.number} of {paper['title']} ({paper['year']}): {claim.title}"
    mark = ", sharper" if record["sharper"] else ""
    note = (
        f"Verdict: {record['verdict']}{mark}; evidence: {', '.join(record['scopes'])}; "
        f"in: {cited['title']}, version {cited['version']}"
    )
    fields = {
        "title": f"{{{_escaped(title)}}}",
        "author": f"{{{_escaped(cited['author'])}}}",
        "year": cited["year"],
        "note": _escaped(note),
        "url": cited["url"],
    }
    lines = [f"  {name:<6} = {{{value}}}" for name, value in fields.items()]
    return f"@misc{{companion-{claim.label},\n" + ",\n".join(lines) + "\n}"


def _escaped(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)


def write_files(app, exception) -> None:
    """Write the two files into the built book's ``_static``, once its pages are written."""
    if exception is None and app.builder.format == "html":
        claims = load_claims(ROOT / "book/claims")
        records = read_verdicts(BookDirective.notebooks())
        text = {
            ERRATA: json.dumps(errata(claims, records), indent=1, ensure_ascii=False) + "\n",
            BIBLIOGRAPHY: bibliography(claims, records),
        }
        for name, content in text.items():
            (Path(app.outdir) / "_static" / name).write_text(content, encoding="utf-8")
