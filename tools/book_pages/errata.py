"""The errata page: a list for each paper's authors, and the files to download."""

from __future__ import annotations

from docutils import nodes
from sphinx.util.osutil import relative_uri

from book_pages.base import BookDirective, list_table
from book_pages.citations import BIBLIOGRAPHY, ERRATA, errata, papers


class ErrataList(BookDirective):
    """One paper's errata in its order, after a paragraph that says what was read."""

    required_arguments = 1

    def run(self):
        paper = papers().get(self.arguments[0])
        if paper is None:
            raise self.error(f"unknown paper {self.arguments[0]!r}")
        listed = [e for e in errata(self.claims, self.records) if e["paper"] == paper["key"]]
        found = self.markdown(self.covering(paper, listed))
        for entry in listed:
            found += self.entry(entry)
        return found

    def covering(self, paper: dict, listed: list[dict]) -> str:
        harmless = sum(entry["harmless"] for entry in listed)
        claims = {entry["claim"] for entry in listed}
        numbered = sum(claim.paper == paper["key"] for claim in self.claims.values())
        return (
            f"To the authors of *{paper['title']}*, {_joined(paper['authors'])}. "
            f"Version read: {paper['version']}. Of its {numbered} statements, {len(claims)} have "
            f"an entry here: {len(listed)} entries in all, of which {harmless} are harmless, "
            f"that is evident slips that leave the meaning of the statement alone, and "
            f"{len(listed) - harmless} touch the statement itself. The number behind each witness "
            "is by how much the printed reading was computed to fail there; the corrected one "
            "was computed to hold. The chapter behind each link has the computation."
        )

    def entry(self, entry: dict) -> list[nodes.Node]:
        claim = self.claim(entry["claim"])
        mark = "harmless" if entry["harmless"] else "touches the statement"
        head = f"**{entry['number']}** · {self.link(claim)} · {mark}"
        why = f"{entry['witness']}: {entry['gaps']['printed']:.3g}"
        rows = [["Printed", entry["printed"]], ["Corrected", entry["corrected"]], ["Why", why]]
        table = list_table(["Place", entry["place"]], rows, "errata")
        box = nodes.container(ids=[f"erratum-{entry['number'].lower()}"], classes=["erratum"])
        box += self.markdown(f"{head}\n\n{table}")
        return [box]


class ErrataDownloads(BookDirective):
    """Links to the files that the build writes."""

    def run(self):
        page = self.env.app.builder.get_target_uri(self.env.docname)
        links = [
            f'<a href="{relative_uri(page, f"_static/{name}")}" download>{name}</a> ({what})'
            for name, what in (
                (ERRATA, "this page, for programs"),
                (BIBLIOGRAPHY, "a BibTeX entry for each statement, with its verdict"),
            )
        ]
        return [nodes.raw("", f"<p>Downloads: {'; '.join(links)}.</p>", format="html")]


def _joined(authors: list[str]) -> str:
    return ", ".join(authors[:-1]) + f" and {authors[-1]}"
