"""Tables, numbers for the prose, progress bars."""

import sys

import pytest

from companion.notebook import Table, say
from companion.progress import watched


def test_a_table_shows_itself_as_text_and_html():
    bundle = Table(("a", "b < c"), [("1", "x & y")])._repr_mimebundle_()
    assert bundle["text/plain"] == "a  b < c\n1  x & y"
    assert (
        "<th>b &lt; c</th>" in bundle["text/html"] and "<td>x &amp; y</td>" in bundle["text/html"]
    )


def test_a_ragged_table_is_refused():
    with pytest.raises(ValueError, match="rows must have 2 cells, got 1"):
        Table(("a", "b"), [("1",)])


def test_prose_takes_formatted_numbers_only():
    with pytest.raises(ValueError, match="gap must be formatted as a string, got float"):
        say(gap=0.1)


def test_a_number_for_the_prose_is_the_message_that_glue_sends(monkeypatch):
    from myst_nb import glue

    sent = []
    for module in ("IPython.display", "myst_nb.ext.glue.utils", "myst_nb.ext.glue"):
        if module in sys.modules:
            for name in ("display", "ipy_display"):
                if hasattr(sys.modules[module], name):
                    monkeypatch.setattr(
                        sys.modules[module], name, lambda *a, **k: sent.append((a, k))
                    )
    say(gap="0.5")
    glue("gap", "0.5", display=False)
    ours, theirs = sent
    assert ours[0][0] == {
        key: value for key, value in theirs[0][0].items() if key.endswith("text/plain")
    }
    assert (
        ours[1]["metadata"] == theirs[1]["metadata"] and ours[1]["raw"] is theirs[1]["raw"] is True
    )


def test_nobody_watching_means_no_bar(capsys, monkeypatch):
    monkeypatch.setattr("companion.progress.DELAY", 0.0)
    monkeypatch.setenv("COMPANION_PROGRESS", "off")
    assert list(watched(range(3), "x")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_a_person_watching_sees_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("companion.progress.DELAY", 0.0)
    monkeypatch.delenv("COMPANION_PROGRESS")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(watched(range(3), "descent")) == [0, 1, 2]
    assert "descent" in capsys.readouterr().err
