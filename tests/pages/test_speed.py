"""The Speed page says what the chapters gained, the largest gain first."""

from book_pages.speed import chapter_table

STORED = {
    "command": "python x",
    "before": "git checkout y",
    "date": "2026-01-01",
    "rounds": 2,
    "versions": {"torch": "2"},
    "chapters": {
        "a/same": {"before": [9.0, 11.0], "now": [10.0, 10.0]},
        "a/gain": {"before": [30.0, 30.0], "now": [9.0, 11.0]},
    },
}


def test_chapters_stand_by_gain_above_their_sum():
    cells = [line[4:] for line in chapter_table(STORED).splitlines() if line[2:4] == "- "]
    assert [cells[k : k + 4] for k in range(4, len(cells), 4)] == [
        ["{doc}`/notebooks/a/gain`", "30.0", "10.0", "3.00"],
        ["{doc}`/notebooks/a/same`", "10.0", "10.0", "1.00"],
        ["**together**", "40", "20", "2.00"],
    ]


def test_the_table_says_how_it_came_about():
    text = chapter_table(STORED)
    assert "`python x`" in text and "`git checkout y`" in text and "torch 2" in text
    assert "Means of 2 rounds" in text and "2026-01-01" in text
