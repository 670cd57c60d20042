"""What the maintainers' measurements store, and that each notices what is over or different."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

import chapter_times  # noqa: E402
import mutation_scores  # noqa: E402
import portability  # noqa: E402
import records  # noqa: E402


def test_entries_join_those_already_stored(tmp_path):
    path = tmp_path / "stored.json"
    assert records.stored(path) == {}
    records.merge(path, {"b": {"n": 1}, "gone": {"n": 2}}, ["a", "b"])
    records.merge(path, {"a": {"n": 3}}, ["a", "b"])
    assert list(records.stored(path).items()) == [("a", {"n": 3}), ("b", {"n": 1})]


def test_a_chapter_over_budget_is_named():
    seconds, megabytes = records.BUDGET["processor_seconds"], records.BUDGET["megabytes"]
    fine = {"processor_seconds": seconds, "megabytes": megabytes}
    assert chapter_times.over_budget({"x": fine}) == []
    slow = chapter_times.over_budget({"x": fine | {"processor_seconds": seconds + 1}})
    large = chapter_times.over_budget({"x": fine | {"megabytes": megabytes + 1}})
    assert "x needs 31 processor seconds of 30" in slow and "x needs 1501" in large[0]


def test_survivors_without_a_reason_and_reasons_without_a_survivor_are_named():
    agree = mutation_scores.disagreements
    assert agree("m", {"1 -> 2": "same"}, {"1 -> 2": "same"}) == []
    assert agree("m", {"1 -> 2": ""}, {}) == ["m: survives: 1 -> 2"]
    assert agree("m", {}, {"1 -> 2": "same"}) == ["m: listed, and dies: 1 -> 2"]


def test_a_score_belongs_to_one_text_of_a_module(monkeypatch, tmp_path):
    before = mutation_scores.digest("companion.relu.rnn")
    (tmp_path / "src/companion/relu").mkdir(parents=True)
    text = (ROOT / "src/companion/relu/rnn.py").read_text()
    (tmp_path / "src/companion/relu/rnn.py").write_text(text + "\n")
    monkeypatch.setattr(mutation_scores, "ROOT", tmp_path)
    assert mutation_scores.digest("companion.relu.rnn") != before


CASE = '<testcase classname="notebooks.relu.{}.ipynb" name="Cell 0">{}</testcase>'


@pytest.mark.parametrize("fault", ["failure", "error", "skipped"])
def test_a_cell_that_differs_is_its_notebooks(fault):
    cells = CASE.format("x", "") + CASE.format("x", f"<{fault}/>") + CASE.format("y", "")
    report = f"<testsuites>{cells}</testsuites>"
    assert portability.tally(report) == {"notebooks/relu/x": False, "notebooks/relu/y": True}


def test_a_report_without_cells_is_refused():
    with pytest.raises(ValueError, match="no cell was compared"):
        portability.tally("<testsuites/>")


def test_what_is_stored_is_of_this_book():
    """Every stored chapter and module exists; none is over budget or unexplained."""
    times = records.stored(chapter_times.STORED)
    assert set(times) <= {
        path.relative_to(ROOT / "book").with_suffix("").as_posix()
        for path in chapter_times.chapter_sources()
    }
    assert chapter_times.over_budget(times) == []
    for entry in records.stored(mutation_scores.STORED).values():
        assert all(entry["survived"].values())
    assert not any(entry["differ"] for entry in records.stored(portability.STORED).values())
