"""Every exercise has a mark and a solution, a link that finds it, and a text that is up to date."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from docutils import nodes
from docutils.utils import new_document

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import execute_chapters  # noqa: E402
from book_pages.exercises import (  # noqa: E402
    LONGEST,
    MARKS,
    chapters_by_part,
    exercise_faults,
    exercises_in,
    give_ids,
    prose,
    shortened,
)

SOURCES = execute_chapters.chapter_sources()
SAMPLE = SOURCES[0]


def name_of(source):
    return str(source.relative_to(ROOT / "book").with_suffix(""))


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_every_exercise_has_a_mark_and_a_solution(source):
    text = source.read_text(encoding="utf-8")
    assert exercise_faults(text) == []
    assert len(exercises_in(text)) >= 3


def test_the_index_reads_what_the_sources_say():
    pages = [page for _, chapters in chapters_by_part() for page in chapters]
    assert pages
    for page in pages:
        source = (ROOT / page.replace("notebooks", "book", 1)).with_suffix(".md")
        assert exercises_in(prose(page)) == exercises_in(source.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("**2.** *(worked)* ", "**2.** ", "exercise 2 is marked None"),
        ("*(worked)*", "*(easy)*", "exercise 1 is marked 'easy'"),
        ("**2.** ", "**4.** ", "not numbered"),
        ("## Exercises", "## Questions", "no exercise"),
        (":::{dropdown} Solution\n", ":::{dropdown} Remark\n", "exercise 1 has no solution"),
        (":::{dropdown} Solution\n", ":::{dropdown} Solution\n:::\n", "exercise 1 has no solution"),
    ],
)
def test_a_missing_mark_or_solution_is_seen(old, new, message):
    text = SAMPLE.read_text(encoding="utf-8")
    head, exercises = text.split("## Exercises")
    spoiled = head + ("## Exercises" + exercises).replace(old, new, 1)
    assert spoiled != text and message in " ".join(exercise_faults(spoiled))


def test_the_marks_of_the_sample_are_read():
    assert set(MARKS) == {"warm-up", "worked", "hard", "open-ended"}
    assert [e.mark for e in exercises_in("## Exercises\n\n**1. The vote.** *(hard)* Who?\n")] == [
        "hard"
    ]


def test_a_phrase_keeps_formulas_whole_and_links_as_words():
    assert shortened("Use {prf:ref}`the floor <floor>` for $a + b$.") == "Use the floor for $a + b$"
    long = "word " * 19 + r"$\frac{a}{b} + c + d + e + f$ and more words"
    assert shortened(long) == ("word " * 19).strip() + " …"
    assert len(shortened("word " * 50)) <= LONGEST + 2


def test_the_ids_are_those_of_the_exercises():
    document = new_document("x")
    section = nodes.section("", ids=["exercises"])
    section += nodes.title("", "Exercises")
    section += nodes.paragraph("", "", nodes.Text(""), nodes.strong("", "1. A title."))
    section += nodes.paragraph("", "", nodes.strong("", "Note"), nodes.Text(" 2. nothing"))
    section += nodes.paragraph("", "", nodes.strong("", "2."), nodes.Text(" Show it."))
    document += section
    give_ids(None, document, "notebooks/diagonal/x")
    assert [node["ids"] for node in section.children] == [[], ["exercise-1"], [], ["exercise-2"]]


# A changed text goes into the twin without a run, a changed code does not.


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """A copy of a chapter and its twin, where the tool finds them."""
    monkeypatch.setattr(execute_chapters, "ROOT", tmp_path)
    source = tmp_path / SAMPLE.relative_to(ROOT)
    source.parent.mkdir(parents=True)
    shutil.copy(SAMPLE, source)
    twin = execute_chapters.twin_of(source)
    twin.parent.mkdir(parents=True)
    shutil.copy(ROOT / twin.relative_to(tmp_path), twin)
    return source


def test_text_without_a_change_gives_the_same_twin(chapter):
    before = execute_chapters.twin_of(chapter).read_bytes()
    execute_chapters.store(chapter, execute_chapters.rewritten)
    assert execute_chapters.twin_of(chapter).read_bytes() == before


def test_changed_and_added_text_keeps_the_outputs(chapter):
    text = chapter.read_text(encoding="utf-8")
    chapter.write_text(text.replace("## Exercises", "+++\n\nAdded.\n\n## Exercises"), "utf-8")
    before = nbformat.read(execute_chapters.twin_of(chapter), as_version=4)
    execute_chapters.store(chapter, execute_chapters.rewritten)
    after = nbformat.read(execute_chapters.twin_of(chapter), as_version=4)
    assert "Added." in "".join(cell.source for cell in after.cells)
    assert [c.outputs for c in after.cells if c.cell_type == "code"] == [
        c.outputs for c in before.cells if c.cell_type == "code"
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("seed = ", "seed = 1", 1),
        lambda text: text.replace(":tags: [parameters]", ":tags: [parameters, more]", 1),
        lambda text: text + "\n```{code-cell} ipython3\nprint(1)\n```\n",
    ],
)
def test_changed_code_is_refused(chapter, change):
    text = chapter.read_text(encoding="utf-8")
    assert change(text) != text
    chapter.write_text(change(text), encoding="utf-8")
    twin = execute_chapters.twin_of(chapter)
    before = twin.read_bytes()
    with pytest.raises(ValueError, match="has changed: execute the chapter"):
        execute_chapters.store(chapter, execute_chapters.rewritten)
    assert twin.read_bytes() == before
