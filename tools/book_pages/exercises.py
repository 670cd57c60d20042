"""The exercises of all chapters by difficulty, and the ids at which links find them.

An exercise is a paragraph that begins with its number and its mark, ``**1.** *(worked)* Show``
or ``**1. A title.** *(hard)* Show``, in the section *Exercises*; a folded solution follows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat
import yaml
from docutils import nodes

from book_pages.base import ROOT, BookDirective

MARKS = {
    "warm-up": "Minutes, with the definitions at hand.",
    "worked": "About an hour; one idea.",
    "hard": "An afternoon; several ideas.",
    "open-ended": "Nobody has finished it; the solution says how far we came.",
}
LONGEST = 100
"""Characters of a phrase that stands for an exercise."""

SECTION = re.compile(r"^## Exercises$(.*?)(?=^## |\Z)", re.M | re.S)
ENTRY = re.compile(
    r"^\*\*(?P<number>\d+)\.(?: (?P<title>[^*\n]+?))?\*\*"
    r"(?: \*\((?P<mark>[^)\n]*)\)\*)?\s+(?P<text>.*?)(?=^\*\*\d+\.|\Z)",
    re.M | re.S,
)
SOLUTION = re.compile(r"^:::\{dropdown\} Solution\n+(?!:::)\S.*?^:::$", re.M | re.S)
WORD = re.compile(r"(?:\{[\w:]+\}`[^`]*`|\$[^$]+\$|[^\s$])+")
ROLE = re.compile(r"\{[\w:]+\}`([^`<]*?)\s*(?:<[^>]*>)?`")
NUMBER = re.compile(r"(\d+)\.")


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter; the phrase stands for it, the mark is None if it has none."""

    number: int
    mark: str | None
    phrase: str
    solved: bool


def exercises_in(text: str) -> list[Exercise]:
    """Return the exercises of a chapter's Markdown, in their order."""
    section = SECTION.search(text)
    return [
        Exercise(
            int(found["number"]),
            found["mark"],
            shortened(found["title"] or found["text"].split("\n\n")[0]),
            bool(SOLUTION.search(found["text"])),
        )
        for found in ENTRY.finditer(section[1] if section else "")
    ]


def exercise_faults(text: str) -> list[str]:
    """Find exercises without a mark of the list or without a solution, and numbers out of order."""
    found = exercises_in(text)
    faults = [] if found else ["no exercise"]
    if [e.number for e in found] != list(range(1, len(found) + 1)):
        faults.append("exercises are not numbered 1, 2, 3, ...")
    for exercise in found:
        if exercise.mark not in MARKS:
            faults.append(f"exercise {exercise.number} is marked {exercise.mark!r}")
        if not exercise.solved:
            faults.append(f"exercise {exercise.number} has no solution")
    return faults


def shortened(text: str) -> str:
    """Cut a text at the last word that fits; formulas stay whole, links become their words."""
    words, length = [], 0
    for word in WORD.findall(ROLE.sub(r"\1", text)):
        length += _visible(word) + 1
        if words and length > LONGEST:
            return " ".join(words).rstrip(",;:.") + " …"
        words.append(word)
    return " ".join(words).rstrip(".")


def _visible(word: str) -> int:
    """Roughly how many characters a word takes, a command of TeX counting as one."""
    return len(re.sub(r"[{}$^_\\]", "", re.sub(r"\\[A-Za-z]+", "x", word)))


def identifier(number: int | str) -> str:
    """Return the id that an exercise has on its chapter's page."""
    return f"exercise-{number}"


def chapters_by_part() -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of the contents that have chapters, with the chapters' pages."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        pages = [chapter["file"] for chapter in part["chapters"]]
        chapters = [page for page in pages if page.startswith("notebooks/")]
        if chapters:
            yield part["caption"], chapters


def prose(page: str) -> str:
    """Return the Markdown of a chapter, as its stored twin has it."""
    twin = nbformat.read(ROOT / f"{page}.ipynb", as_version=4)
    return "\n\n".join(cell.source for cell in twin.cells if cell.cell_type == "markdown")


class ExerciseIndex(BookDirective):
    """All exercises: a section for each difficulty, in it the parts, in them the chapters."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(ROOT / "_toc.yml"))
        parts = [(part, [(p, *self.read(p)) for p in pages]) for part, pages in chapters_by_part()]
        sections = [self.section(mark, parts) for mark in MARKS]
        return [section for section in sections if section is not None]

    def read(self, page: str) -> tuple[str, list[Exercise]]:
        text = prose(page)
        faults = exercise_faults(text)
        if faults:
            raise self.error(f"{page}: {'; '.join(faults)}")
        return re.search(r"^# (.*)$", text, flags=re.M)[1], exercises_in(text)

    def section(self, mark: str, parts: list) -> nodes.section | None:
        """One difficulty's section, if it has an exercise."""
        lists = [(part, self.entries(mark, chapters)) for part, chapters in parts]
        count = sum(map(len, (items for _, items in lists)))
        if not count:
            return None
        title = f"{mark.capitalize()} ({count})"
        section = nodes.section("", nodes.title(title, title), ids=[mark], names=[mark])
        section += nodes.paragraph("", MARKS[mark])
        for part, items in lists:
            if items:
                section += nodes.paragraph("", "", nodes.strong(part, part))
                section += nodes.bullet_list("", *items, classes=["exercise-index"])
        return section

    def entries(self, mark: str, chapters: list) -> list[nodes.list_item]:
        return [
            self.entry(page, title, exercise)
            for page, title, exercises in chapters
            for exercise in exercises
            if exercise.mark == mark
        ]

    def entry(self, page: str, title: str, exercise: Exercise) -> nodes.list_item:
        builder = self.env.app.builder
        address = builder.get_relative_uri(self.env.docname, page)
        link = nodes.reference(
            "", "", refuri=f"{address}#{identifier(exercise.number)}", internal=True
        )
        link += self.markdown(exercise.phrase)[0][0].children
        place = nodes.inline("", f"{title}, exercise {exercise.number}", classes=["exercise-place"])
        return nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(" "), place))


def give_ids(app, doctree, docname) -> None:
    """Give each exercise of a chapter the id that the index links to."""
    for section in doctree.findall(nodes.section):
        if "exercises" in section["ids"] and docname.startswith("notebooks/"):
            for paragraph in section.children:
                number = _number(paragraph)
                if number:
                    paragraph["ids"].append(identifier(number))


def _number(node: nodes.Node) -> str | None:
    """The number with which an exercise's paragraph begins, in bold type."""
    if not isinstance(node, nodes.paragraph):
        return None
    first = next(child for child in node.children if child.astext())
    found = NUMBER.match(first.astext()) if isinstance(first, nodes.strong) else None
    return found and found[1]
