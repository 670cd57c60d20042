"""The tables of the Speed page."""

from __future__ import annotations

import json

from book_pages.base import ROOT, BookDirective, list_table


class SpeedTable(BookDirective):
    required_arguments = 1
    stored = ROOT / "benchmarks/results.json"

    def run(self):
        self.env.note_dependency(str(self.stored))
        target = self.arguments[0]
        results = json.loads(self.stored.read_text(encoding="utf-8"))
        if target not in results:
            raise self.error(f"no results of target {target!r} in {self.stored.name}")
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
