"""Where a reader finds a claim: its box, its proof walk, its code, and what runs it again.

Everything is read from the chapter's stored notebook, so that no link is typed.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docutils import nodes

from book_pages.base import ROOT
from companion.claims import Claim

HALVES = ("companion.diagonal", "companion.relu")


@dataclass(frozen=True)
class Whereabouts:
    """What the chapter of a claim offers.

    Parameters
    ----------
    page : str
        Name of the chapter's page, as Sphinx has it.
    walk : str
        Id of the section that walks the proof.
    modules : tuple of str
        Modules of the papers' halves that the chapter imports.
    attacks : tuple of str
        Names of the chapter's stored worst cases.
    """

    page: str
    walk: str
    modules: tuple[str, ...]
    attacks: tuple[str, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """What executes the chapter, and its stored worst cases, again and compares."""
        rerun = f"pytest {self.page}.ipynb"
        replay = f"pytest tests/test_attack.py -k {_slug(self.page)}"
        return (rerun, replay) if self.attacks else (rerun,)


def whereabouts(claim: Claim) -> Whereabouts:
    """Read from the chapter's stored notebook where a claim's walk, code and tests are.

    Parameters
    ----------
    claim : Claim
        A claim that has a chapter.

    Returns
    -------
    Whereabouts

    Raises
    ------
    ValueError
        If the chapter has no section whose title begins with "Walk".
    """
    return _of_chapter(claim.chapter)


@cache
def _of_chapter(chapter: str) -> Whereabouts:
    page = f"notebooks/{chapter}"
    cells = json.loads((ROOT / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = _joined(cells, "markdown")
    walk = re.search(r"^## (Walk .*)$", prose, flags=re.M)
    if walk is None:
        raise ValueError(f"{page} has no section that walks a proof")
    attacks = sorted(path.stem for path in (ROOT / "tests/attacks").glob(f"{_slug(page)}-*.json"))
    modules = imported(_joined(cells, "code"))
    return Whereabouts(page, nodes.make_id(walk[1]), modules, tuple(attacks))


def _slug(page: str) -> str:
    return Path(page).name.replace("_", "-")


def _joined(cells: list[dict], kind: str) -> str:
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == kind)


def imported(code: str) -> tuple[str, ...]:
    """Return the modules of the papers' halves that some code imports, in alphabetical order.

    Parameters
    ----------
    code : str

    Returns
    -------
    tuple of str
    """
    names = set()
    for line in ast.walk(ast.parse(code)):
        if isinstance(line, ast.ImportFrom) and (line.module or "").startswith(HALVES):
            below = {f"{line.module}.{alias.name}" for alias in line.names}
            names |= below if line.module in HALVES else {line.module}
    return tuple(sorted(names))
