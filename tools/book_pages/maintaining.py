"""The tables of the page on maintaining the book: what the maintainers' measurements stored."""

from __future__ import annotations

import html
from pathlib import Path

from book_pages.base import ROOT, BookDirective, list_table
from mutation_scores import digest
from portability import PYTHONS, SETTINGS
from records import BUDGET, stored


class Measurement(BookDirective):
    """A table of stored measurements, and what of it is still to be measured."""

    file: str
    command: str

    def run(self):
        path = ROOT / "book" / self.file
        self.env.note_dependency(str(path))
        entries = stored(path)
        text = (
            self.table(entries) if entries else f"Nothing is stored yet: `{self.command}` does it."
        )
        return self.markdown(text, ("scrolls",))

    def provenance(self, entries: dict[str, dict]) -> str:
        """Say which days and versions the entries are from."""
        days = sorted({entry["date"] for entry in entries.values()})
        versions = sorted(
            ", ".join(f"{name} {version}" for name, version in entry["versions"].items())
            for entry in entries.values()
        )
        between = " to ".join(dict.fromkeys((days[0], days[-1])))
        return (
            f"\n\nStored by `{self.command}`, {between}, with {'; '.join(dict.fromkeys(versions))}."
        )

    def table(self, entries: dict[str, dict]) -> str:
        """Return the entries as Markdown."""
        raise NotImplementedError


def meter(value: float, most: float, name: str) -> str:
    """Return a bar that shows how much of a budget is used, with its text for who sees none."""
    label = html.escape(f"{name}: {value:g} of {most:g}", quote=True)
    return (
        f'<meter min="0" max="{most:g}" high="{0.8 * most:g}" optimum="0" value="{value:g}" '
        f'aria-label="{label}"></meter>'
    )


class ChapterTimes(Measurement):
    file, command = "execution_times.json", "make times"

    def table(self, entries: dict[str, dict]) -> str:
        seconds = "processor_seconds"
        slowest = sorted(entries.items(), key=lambda item: -item[1][seconds])
        headings = ["Chapter", "Seconds", f"Of {BUDGET[seconds]} s", "Memory, MB"]
        rows = [
            [
                f"{{doc}}`/notebooks/{name}`",
                f"{entry[seconds]:g}" + (" **over**" if entry[seconds] > BUDGET[seconds] else ""),
                meter(entry[seconds], BUDGET[seconds], "seconds"),
                f"{entry['megabytes']:g}"
                + (" **over**" if entry["megabytes"] > BUDGET["megabytes"] else ""),
            ]
            for name, entry in slowest
            if self.has_page(name)
        ]
        total = sum(entry[seconds] for entry in entries.values())
        text = (
            list_table(headings, rows, "results") + f"\n\nAll together: {total / 60:.1f} minutes."
        )
        written = [path.relative_to(ROOT / "notebooks") for path in self.notebooks()]
        missing = {path.with_suffix("").as_posix() for path in written} - set(entries)
        links = ", ".join(
            f"{{doc}}`/notebooks/{name}`" for name in sorted(missing) if self.has_page(name)
        )
        return text + self.provenance(entries) + (f" Not yet measured: {links}." if links else "")

    def has_page(self, name: str) -> bool:
        return f"notebooks/{name}" in self.env.found_docs


def survivor(name: str, reason: str) -> str:
    """Return a survivor with its reason; it is code, and may hold what Markdown reads as markup."""
    why = html.escape(reason) or "<strong>no reason given</strong>"
    return f"<code>{html.escape(name)}</code>: {why}"


class MutationScores(Measurement):
    file, command = "mutation_scores.json", "make mutations"

    def table(self, entries: dict[str, dict]) -> str:
        headings = ["Module", "Mutants", "Killed", "Survivors, each with the reason"]
        rows = [self.row(module, entry) for module, entry in entries.items()]
        made = sum(entry["made"] for entry in entries.values())
        alive = sum(len(entry["survived"]) for entry in entries.values())
        share = f"{made - alive} of {made} mutants die, {100 * (made - alive) / made:.1f} %."
        return f"{share}\n\n{list_table(headings, rows, 'results')}{self.provenance(entries)}"

    @staticmethod
    def row(module: str, entry: dict) -> list[str]:
        made, survived = entry["made"], entry["survived"]
        source = Path("src", *module.split(".")).with_suffix(".py")
        changed = (ROOT / source).exists() and digest(module) != entry["source"]
        shown = "<br>".join(survivor(name, reason) for name, reason in survived.items())
        return [
            f"`{module}`" + (" (changed since)" if changed else ""),
            str(made),
            f"{made - len(survived)}, {100 * (made - len(survived)) / made:.1f} %",
            shown or "none",
        ]


class PortabilityTable(Measurement):
    file, command = "portability.json", "make portable"

    NAMES = {
        "stored": "as stored: one thread",
        "threads": "two threads",
        "avx2": "AVX2, one thread",
        "old": "SSE4.2, two threads",
    }

    def table(self, entries: dict[str, dict]) -> str:
        headings = ["", *(f"Python {version}" for version in PYTHONS)]
        rows = [
            [name, *(self.cell(entries.get(f"{setting} {version}")) for version in PYTHONS)]
            for setting, name in self.NAMES.items()
        ]
        settings = "; ".join(
            f"{self.NAMES[name]}: " + " ".join(f"`{key}={value}`" for key, value in values.items())
            for name, values in SETTINGS.items()
        )
        return f"{list_table(headings, rows, 'results')}{self.provenance(entries)}\n\n{settings}."

    @staticmethod
    def cell(entry: dict | None) -> str:
        if entry is None:
            return "not run"
        differ = entry["differ"]
        same = f"{entry['chapters'] - len(differ)} of {entry['chapters']} chapters the same"
        return f"{same} ({entry['date']})" + (
            f"; **differ: {', '.join(differ)}**" if differ else ""
        )
