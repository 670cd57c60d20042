"""What only the front page shows."""

from __future__ import annotations

import yaml
from docutils import nodes

from book_pages.base import ROOT, BookDirective


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
