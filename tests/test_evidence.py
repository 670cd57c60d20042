"""Verdicts follow from checks, and a report that contradicts itself raises."""

import json
import math

import pytest

from companion.evidence import (
    MIME,
    VERDICTS,
    EvidenceError,
    Report,
    Verdict,
    format_number,
    read_verdicts,
    relative_gap,
    worst_ratio,
)

CLAIM = "cayci2024/definition-1"
SLIP = {"printed": "a", "corrected": "b", "witness": "w", "printed_gap": 0.5, "corrected_gap": 0.0}


def report(*steps):
    """A report after the named steps."""
    made = Report(CLAIM)
    actions = {
        "pass": lambda: made.at_most("p", 1.0, 2.0, scope="exact"),
        "fail": lambda: made.at_most("f", 3.0, 2.0, scope="exact"),
        "slip": lambda: made.erratum("here", harmless=True, **SLIP),
        "harm": lambda: made.erratum("here", harmless=False, **SLIP),
        "mended": lambda: made.equal("m", 1.0, 1.0, scope="proof", part="corrected"),
        "sharper": lambda: made.proved("s", part="sharper", where="here"),
        "open": lambda: made.leave_open("the proof is elsewhere"),
    }
    for step in steps:
        actions[step]()
    return made


@pytest.mark.parametrize(
    "steps, word",
    [
        ([], "open"),
        (["pass"], "holds"),
        (["pass", "slip"], "misprint"),
        (["pass", "fail"], "false"),
        (["pass", "fail", "slip"], "false"),
        (["pass", "harm"], "false"),
        (["harm", "mended"], "corrected"),
        (["fail", "harm", "mended"], "corrected"),
        (["pass", "open"], "open"),
        (["slip"], "open"),
    ],
)
def test_the_verdict_follows_from_the_checks(steps, word):
    assert report(*steps).verdict().word == word


def test_sharper_is_a_mark_beside_a_verdict():
    assert report("pass", "sharper").verdict().sharper
    assert not report("pass").verdict().sharper


def test_scopes_come_strongest_first():
    assert report("pass", "sharper").verdict().scopes == ("proof", "exact")


def test_ratios_are_the_worst_of_each_part():
    made = report("pass", "fail")
    made.at_most("c", [1.0, 3.6], 4.0, scope="exact", part="corrected")
    assert made.verdict().ratio("printed") == 1.5
    assert made.verdict().ratio("corrected", "sharper") == 0.9
    assert report("slip").verdict().ratio("printed") is None


def test_a_failing_correction_raises():
    with pytest.raises(EvidenceError, match="corrected statement fails its check 'x'"):
        Report(CLAIM).at_most("x", 2.0, 1.0, scope="exact", part="corrected")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"printed_gap": 1e-15}, "printed reading passes"),
        ({"corrected_gap": 0.1}, "fails too"),
        ({"printed_gap": math.nan}, "printed reading passes"),
    ],
)
def test_an_erratum_needs_a_witness(change, message):
    with pytest.raises(EvidenceError, match=message):
        Report(CLAIM).erratum("here", harmless=True, **(SLIP | change))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"part": "better"}, "part must be one of printed, corrected, sharper; got 'better'"),
        ({"scope": "verified"}, "scope must be one of proof"),
    ],
)
def test_unknown_words_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Report(CLAIM).at_most("x", 1.0, 2.0, **({"scope": "exact"} | change))


def test_an_unknown_claim_is_refused():
    with pytest.raises(
        ValueError, match="claim_id must be an id of book/claims, got 'cayci2024/lemma-9'"
    ):
        Report("cayci2024/lemma-9")


def test_an_unknown_verdict_is_refused():
    with pytest.raises(
        ValueError,
        match="verdict must be one of holds, misprint, corrected, open, false; got 'true'",
    ):
        Verdict(Report(CLAIM).claim, "true", (), ())


def test_comparisons_that_cannot_fail_are_refused():
    for left, right in (([1.0], [1.0, 2.0]), ([math.nan], [1.0]), ([], [])):
        with pytest.raises(EvidenceError, match="both sides"):
            relative_gap(left, right)
    with pytest.raises(EvidenceError, match="must be positive"):
        worst_ratio([1.0], [0.0])


def test_gaps_and_ratios():
    assert relative_gap([1.0, 2.0], [1.0, 4.0]) == 0.5
    assert relative_gap([0.0], [0.0]) == 0.0
    assert worst_ratio([1.0, 3.0], 2.0) == 1.5


def test_a_check_just_above_one_fails():
    assert not Report(CLAIM).at_most("x", 1.0 + 1e-9, 1.0, scope="exact").passed
    assert Report(CLAIM).at_most("x", 1.0 + 1e-14, 1.0, scope="exact").passed


def notebook(tmp_path, name, *records):
    outputs = [
        {"output_type": "display_data", "data": {MIME: record}, "metadata": {}}
        for record in records
    ]
    path = tmp_path / name
    path.write_text(
        json.dumps(
            {"cells": [{"cell_type": "code", "outputs": outputs}, {"cell_type": "markdown"}]}
        )
    )
    return path


def test_verdicts_are_read_back(tmp_path):
    bundle = report("pass", "slip", "sharper").verdict()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", MIME}
    path = notebook(tmp_path, "a.ipynb", bundle[MIME])
    record = read_verdicts([path])[CLAIM]
    assert record["verdict"] == "misprint" and record["notebook"] == str(path)
    assert record["errata"][0]["witness"] == "w (0.5)"


def test_two_verdicts_on_one_claim_are_refused(tmp_path):
    record = report("pass").verdict().record()
    with pytest.raises(EvidenceError, match="has two verdicts"):
        read_verdicts(
            [notebook(tmp_path, "a.ipynb", record), notebook(tmp_path, "b.ipynb", record)]
        )


def test_a_stored_word_outside_the_list_is_refused(tmp_path):
    record = report("pass").verdict().record() | {"verdict": "proven"}
    with pytest.raises(EvidenceError, match="'proven' is none of"):
        read_verdicts([notebook(tmp_path, "a.ipynb", record)])


def test_html_is_escaped():
    made = Report(CLAIM)
    made.at_most("<script>", 1.0, 2.0, scope="exact")
    assert "<script>" not in made.verdict()._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "< 1e-10"),
        (1e-11, "< 1e-10"),
        (-1e-11, "< 1e-10"),
        (1.23456, "1.23"),
        (math.inf, "inf"),
    ],
)
def test_numbers_print_stably(value, text):
    assert format_number(value) == text


def test_the_list_of_verdicts_is_closed():
    assert VERDICTS == ("holds", "misprint", "corrected", "open", "false")
