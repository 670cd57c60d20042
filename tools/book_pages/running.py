"""Commands that need the repository's address, which stands in ``_config.yml`` alone."""

from __future__ import annotations

import yaml
from docutils import nodes

from book_pages.base import ROOT, BookDirective


class WithAddress(BookDirective):
    """A block of code in which ``{repository}`` and ``{version}`` are filled in."""

    required_arguments = 1
    has_content = True

    def run(self):
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
        cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
        code = "\n".join(self.content)
        for name, value in (
            ("{repository}", config["repository"]["url"]),
            ("{version}", str(cited["version"])),
        ):
            code = code.replace(name, value)
        return [nodes.literal_block(code, code, language=self.arguments[0])]
