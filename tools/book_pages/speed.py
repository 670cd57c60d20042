"""The tables of the Speed page."""

from __future__ import annotations

import json
from statistics import mean

from book_pages.base import ROOT, BookDirective, list_table

RESULTS = ROOT / "benchmarks/results.json"
CHAPTERS = ROOT / "benchmarks/chapters.json"


class SpeedTable(BookDirective):
    required_arguments = 1

    def run(self):
        self.env.note_dependency(str(RESULTS))
        target = self.arguments[0]
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
        if target not in results:
            raise self.error(f"no results of target {target!r} in {RESULTS.name}")
        headings = ["Measured", "Median [range]", "Goal", "Relative error", "Rate, the machine's"]
        rows = [self.row(row) for row in results[target]["rows"]]
        return self.markdown(list_table(headings, rows, "results"), ("scrolls",))

    @staticmethod
    def row(row: dict) -> list[str]:
        value = "—"
        if "value" in row:
            value = f"{row['value']:.3g}{row.get('unit', '')}"
            value += f" [{row['low']:.3g}, {row['high']:.3g}]" if "low" in row else ""
        goal = row.get("goal", "—").replace(">=", "≥")
        met = {True: " met", False: " **missed**", None: ""}[row.get("met")]
        errors = ", ".join(f"{name} {error:.0e}" for name, error in row.get("errors", {}).items())
        rate = "—"
        if "work" in row:
            beside = f" of {row['machine']:.3g}" if "machine" in row else ""
            rate = f"{row['work']:.3g}{beside} {row['rate']}"
        note = f" ({row['note']})" if "note" in row else ""
        return [row["what"] + note, value, goal + met, errors or "—", rate]


class ChapterSpeed(BookDirective):
    """What the chapters took with the kernels of an earlier commit, and take now."""

    def run(self):
        self.env.note_dependency(str(CHAPTERS))
        stored = json.loads(CHAPTERS.read_text(encoding="utf-8"))
        return self.markdown(chapter_table(stored), ("scrolls",))


def chapter_table(stored: dict) -> str:
    """Return the chapters' seconds as Markdown, the largest gain first, with the sums below."""
    pairs = {name: (mean(s["before"]), mean(s["now"])) for name, s in stored["chapters"].items()}
    rows = [
        [f"{{doc}}`/notebooks/{name}`", f"{before:.1f}", f"{now:.1f}", f"{before / now:.2f}"]
        for name, (before, now) in sorted(pairs.items(), key=lambda item: item[1][1] / item[1][0])
    ]
    before, now = (sum(pair[k] for pair in pairs.values()) for k in (0, 1))
    rows.append(["**together**", f"{before:.0f}", f"{now:.0f}", f"{before / now:.2f}"])
    headings = ["Chapter", "Before, s", "Now, s", "Before / now"]
    versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
    return (
        f"{list_table(headings, rows, 'results')}\n\nMeans of {stored['rounds']} rounds, "
        f"`{stored['command']}`; before: the same after `{stored['before']}`. "
        f"{stored['date']}, with {versions}."
    )
