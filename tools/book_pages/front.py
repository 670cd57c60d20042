"""What only the front page shows."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from html import escape

import yaml
from docutils import nodes
from docutils.parsers.rst import directives

from book_pages.base import PAPERS, ROOT, BookDirective
from book_pages.graph import short
from companion.claims import NOT_EXAMINED, Claim
from companion.evidence import VERDICTS

# A mark for each verdict, so that colour is never alone, and its meaning in short.
MARKS = {
    "holds": ("✓", "as printed"),
    "misprint": ("~", "meaning unharmed"),
    "corrected": ("→", "our correction holds"),
    "open": ("?", "not settled"),
    "false": ("✗", "no repair known"),
    NOT_EXAMINED: ("–", "no chapter yet"),
}
SHARPER = ("+", "more is proved")
PICTURES = ROOT / "book/images"


class ClaimsMap(BookDirective):
    """Every claim as a small tile that links to its box, and the legend."""

    def run(self):
        builder, page = self.env.app.builder, self.env.docname

        def address(claim: Claim) -> str:
            return f"{builder.get_relative_uri(page, f'notebooks/{claim.chapter}')}#{claim.label}"

        return [nodes.raw("", claims_map(self.claims, self.records, address), format="html")]


def claims_map(
    claims: dict[str, Claim], records: dict[str, dict], address: Callable[[Claim], str]
) -> str:
    """Return the map of all claims as HTML.

    Parameters
    ----------
    claims : dict of str to Claim
    records : dict of str to dict
        As :func:`companion.evidence.read_verdicts` gives them.
    address : callable
        Where the box of a claim stands that has a chapter.

    Returns
    -------
    str
    """
    groups = []
    for paper, name in PAPERS.items():
        own = [claim for claim in claims.values() if claim.paper == paper]
        tiles = "".join(_tile(claim, records.get(claim.id), address) for claim in own)
        heading = f'<p class="map-title">{name}: {len(own)} statements</p>'
        groups.append(f'{heading}<ul class="map-tiles">{tiles}</ul>')
    verdicts = [records[c]["verdict"] if c in records else NOT_EXAMINED for c in claims]
    sharper = sum(record["sharper"] for record in records.values())
    return f'<div class="claims-map">{"".join(groups)}{_legend(verdicts, sharper)}</div>'


def _tile(claim: Claim, record: dict | None, address: Callable[[Claim], str]) -> str:
    word, sharper = (record["verdict"], record["sharper"]) if record else (NOT_EXAMINED, False)
    words = f"{claim.number}: {claim.title}. Verdict: {word}" + (", sharper" if sharper else "")
    shown = f"{_mark(MARKS[word][0])}{escape(short(claim))}{_mark('+') if sharper else ''}"
    if claim.chapter:
        label = f'title="{escape(words)}" aria-label="{escape(words)}"'
        shown = f'<a href="{escape(address(claim))}" {label}>{shown}</a>'
    return f'<li class="verdict-{word.replace(" ", "-")}">{shown}</li>'


def _mark(mark: str) -> str:
    return f'<b aria-hidden="true">{mark}</b>'


def _legend(verdicts: list[str], sharper: int) -> str:
    tally = Counter(verdicts)
    words = [word for word in (*VERDICTS, NOT_EXAMINED) if tally[word]]
    entries = [(word, tally[word], *MARKS[word]) for word in words]
    entries.append(("sharper", sharper, *SHARPER))
    items = (
        f'<div class="verdict-{word.replace(" ", "-")}"><dt>{_mark(mark)}{count} {word}</dt>'
        f"<dd>{escape(meaning)}</dd></div>"
        for word, count, mark, meaning in entries
    )
    return f'<dl class="map-legend">{"".join(items)}</dl>'


class Finding(BookDirective):
    """A picture and one sentence, whose ``{name}`` are numbers stored with the picture."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}

    def run(self):
        name, facts = self.arguments[0], PICTURES / "findings.json"
        self.env.note_dependency(str(facts))
        stored = json.loads(facts.read_text(encoding="utf-8"))
        if name not in stored:
            raise self.error(f"no numbers of {name!r} in {facts.name}")
        try:
            sentence = with_numbers("\n".join(self.content), stored[name]["numbers"])
        except KeyError as missing:
            raise self.error(f"{facts.name} holds no number {missing} of {name!r}") from None
        picture = f"![{self.options['alt']}](/{(PICTURES / name).relative_to(ROOT)}.png)"
        return self.markdown(f"{picture}\n\n{sentence}", ("finding",))


def with_numbers(text: str, numbers: dict[str, str]) -> str:
    """Put numbers in the place of their ``{names}``; roles such as ``{doc}`` stay.

    Parameters
    ----------
    text : str
    numbers : dict of str to str

    Returns
    -------
    str

    Raises
    ------
    KeyError
        If the text names a number that does not exist.

    Examples
    --------
    >>> with_numbers("{few} units, see {doc}`intro`", {"few": "3"})
    '3 units, see {doc}`intro`'
    """
    return re.sub(r"\{(\w+)\}(?!`)", lambda found: numbers[found[1]], text)


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
