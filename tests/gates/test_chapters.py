"""Every chapter is complete, executed and in step; and each check notices when one is not."""

import copy
import re

import nbformat
import pytest
import yaml
from chapters import (
    anatomy_faults,
    execution_faults,
    prose_faults,
    reference_faults,
    statement_faults,
    step_faults,
)
from conftest import ROOT

from companion.claims import load_claims
from companion.evidence import read_verdicts
from execute_chapters import chapter_sources, twin_of, unexecuted

CLAIMS = load_claims()
SOURCES = chapter_sources()


def name_of(source):
    """The chapter's path as the claims files write it."""
    return str(source.relative_to(ROOT / "book").with_suffix(""))


def twin(source):
    return nbformat.read(twin_of(source), as_version=4)


def claims_of(source):
    return [claim for claim in CLAIMS.values() if claim.chapter == name_of(source)]


@pytest.fixture(params=SOURCES, ids=name_of)
def source(request):
    return request.param


def test_the_twin_is_its_source_executed(source):
    assert step_faults(unexecuted(source), twin(source)) == []
    assert execution_faults(twin(source)) == []


def test_the_anatomy_is_complete(source):
    assert anatomy_faults(source.read_text()) == []


def unexamined(claims, records):
    """Claims without a chapter, or whose chapter gives no verdict."""
    return [name for name, claim in claims.items() if not claim.chapter or name not in records]


def test_every_claim_has_a_verdict():
    records = read_verdicts([twin_of(source) for source in SOURCES])
    assert unexamined(CLAIMS, records) == []
    records.pop("wang2021/theorem-2")
    assert unexamined(CLAIMS, records) == ["wang2021/theorem-2"]


OWN = {
    "diagonal/guarantee",
    "relu/every_subset",
    "relu/normalised_condition",
    "together/same_tasks",
    "together/prescribed_and_needed",
    "together/choose_your_width",
    "together/beyond",
}
"""Chapters on theorems of the book, which state no claim of a paper."""


def test_statements_print_the_claims_formula(source):
    assert bool(claims_of(source)) != (name_of(source) in OWN), "a chapter without a claim"
    assert statement_faults(source.read_text(), claims_of(source)) == []


def test_prose_types_no_measured_number(source):
    assert prose_faults(source.read_text()) == []


def test_references_keep_their_words(source):
    assert reference_faults(source.read_text()) == []


@pytest.mark.parametrize("lost", ["{prf:ref}`the rate <rate>`", "{prf:ref}`rate`"])
def test_a_reference_that_loses_its_words_is_seen(lost):
    assert len(reference_faults(f"See {lost} and {{prf:ref}}`the rate <decay-rate>`.")) == 1


def test_each_chapter_judges_its_claims_and_no_others(source):
    assert set(read_verdicts([twin_of(source)])) == {claim.id for claim in claims_of(source)}


def test_chapters_twins_contents_and_claims_agree():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {chapter["file"] for part in toc["parts"] for chapter in part["chapters"]}
    written = {name_of(source) for source in SOURCES}
    twins = {
        str(p.relative_to(ROOT / "notebooks").with_suffix(""))
        for p in (ROOT / "notebooks").rglob("*.ipynb")
        if ".ipynb_checkpoints" not in p.parts
    }
    assert (
        {name.removeprefix("notebooks/") for name in listed if name.startswith("notebooks/")}
        == written
        == twins
    )
    assert {claim.chapter for claim in CLAIMS.values() if claim.chapter} == written - OWN


# The proof that each check bites: spoiled copies of a real chapter.

SAMPLE = SOURCES[0]


def spoil_twin(change):
    spoiled = copy.deepcopy(twin(SAMPLE))
    change(spoiled)
    return spoiled


def first_code(notebook):
    return next(cell for cell in notebook.cells if cell.cell_type == "code")


def picture_cell(notebook):
    return next(
        cell
        for cell in notebook.cells
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", ()))
    )


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda n: first_code(n).update(source="seed = 8"), "differs from its source"),
        (lambda n: n.cells.pop(), "cells in the source"),
        (lambda n: first_code(n).metadata.update(tags=[]), "differs from its source"),
    ],
)
def test_a_twin_out_of_step_is_seen(change, message):
    assert re.search(message, " ".join(step_faults(unexecuted(SAMPLE), spoil_twin(change))))


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda n: first_code(n).update(execution_count=None),
            "code cell 1 has execution count None",
        ),
        (
            lambda n: first_code(n).metadata.update(tags=["parameters", "nbval-ignore-output"]),
            "opts out",
        ),
        (lambda n: first_code(n).metadata.update(tags=[]), "not tagged parameters"),
        (lambda n: first_code(n).metadata.update(execution={"iopub": "now"}), "times of a run"),
        (lambda n: n.metadata.language_info.update(version="3.11"), "Python version"),
        (lambda n: picture_cell(n).metadata.pop("mystnb"), "without alt text"),
        (
            lambda n: first_code(n).outputs.append(
                nbformat.v4.new_output("stream", name="stderr", text="!")
            ),
            "error or a warning",
        ),
        (
            lambda n: first_code(n).outputs.append(
                nbformat.v4.new_output("stream", text="<f at 0x7f5e34b0b010>")
            ),
            "address in memory",
        ),
    ],
)
def test_a_twin_that_is_not_comparable_is_seen(change, message):
    assert re.search(message, " ".join(execution_faults(spoil_twin(change))))


def test_a_missing_or_misplaced_section_is_seen():
    text = SAMPLE.read_text()
    assert anatomy_faults(text.replace("## Attack it", "## Otherwise")) == [
        "no section 'Attack it$'"
    ]
    swapped = (
        text.replace("## Verdict", "## X")
        .replace("## Exercises", "## Verdict")
        .replace("## X", "## Exercises")
    )
    assert anatomy_faults(swapped) == ["sections out of order"]
    assert anatomy_faults(re.sub("^# .*", "# The $x$", text, count=1, flags=re.M)) == [
        "a formula in the title"
    ]


def test_a_changed_formula_is_seen():
    text, claims = SAMPLE.read_text(), claims_of(SAMPLE)
    for claim in claims:
        last = claim.formula.strip().splitlines()[-2 if "\\begin" in claim.formula else -1].strip()
        faults = statement_faults(text.replace(last, last.replace("=", "+", 1) + "{}"), claims)
        assert any(claim.id in fault for fault in faults)
    assert any(
        "no box" in fault
        for fault in statement_faults(text.replace(":label: cayci", ":label: x"), claims)
    )


@pytest.mark.parametrize(
    "typed",
    [
        "an error of 0.65",
        "about 1e-3",
        "in 24 percent",
        "24% of",
        "of 7500 points",
        "$10^{-4}$",
        "$r = 0.3$",
    ],
)
def test_a_typed_number_is_seen(typed):
    assert prose_faults(f"Found {typed}.")


@pytest.mark.parametrize(
    "fine",
    [
        "{glue:text}`gap`",
        "section 2.1",
        "Appendix A.1",
        "`x = 0.5`",
        "two of 16 units",
        "```\n0.5\n```",
    ],
)
def test_references_code_and_small_counts_are_no_numbers(fine):
    assert prose_faults(f"Found\n{fine}\n") == []
