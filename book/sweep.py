"""Execute one chapter at several values of a parameter, resume, and plot what it found."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import papermill

CHAPTER = Path("notebooks/diagonal/initialisation_and_methods.ipynb")
RUNS = Path("runs/initialisation")
REPEATS = (2, 4, 8, 16)


def execute(repeats):
    """Run the chapter; an interrupted run leaves only a .partial file."""
    finished = RUNS / f"repeats-{repeats}.ipynb"
    if not finished.exists():
        partial = finished.with_suffix(".partial.ipynb")
        papermill.execute_notebook(
            CHAPTER, partial, {"repeats": repeats}, cwd=CHAPTER.parent, progress_bar=False
        )
        partial.rename(finished)
    return finished


def numbers(path):
    """Read the numbers that the chapter's prose quotes, by their names."""
    found = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name:
                text = "".join(output["data"]["application/papermill.record/text/plain"])
                found[name] = text.strip("'")
    return found


RUNS.mkdir(parents=True, exist_ok=True)
found = [numbers(execute(repeats)) for repeats in REPEATS]
slopes = [float(run["unit_slope"]) for run in found]
errors = [float(run["unit_error"]) for run in found]
plt.errorbar(REPEATS, slopes, errors, fmt="o", capsize=4)
plt.xscale("log")
plt.xlabel("initialisations per width")
plt.ylabel("fitted exponent of the width")
plt.savefig(RUNS / "exponents.png")
