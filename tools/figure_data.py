"""Record the data behind the figures of the chapters.

Each chapter is executed as ``tools/execute_chapters.py`` does, with one step before its first
cell that notes what every figure holds.  The data of ``book/diagonal/x.md`` are stored in
``notebooks/diagonal/figures/x.json``, and nothing else is written:

    python tools/figure_data.py                       every chapter
    python tools/figure_data.py book/diagonal/x.md    one chapter

The book makes one CSV file of each figure.  Not recorded: texts, annotations and their arrows.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy
from matplotlib.testing.compare import calculate_rms
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from PIL import Image
from tqdm import tqdm

from execute_chapters import QUIET, ROOT, chapter_sources, twin_of, unexecuted

CELL_TIMEOUT = 300  # patient: nothing is compared with a clock here
PACKAGES = ("numpy", "torch", "matplotlib")
SAME_PICTURE = 8.0  # root mean square of 255; a peak that is 2% higher gives 13
FIRST_STEP = "__import__('figure_recorder').start({path!r})"


def stored_data(source: Path) -> Path:
    """Return where the data of a chapter's figures lie."""
    twin = twin_of(source)
    return twin.parent / "figures" / f"{twin.stem}.json"


def pictures(notebook: NotebookNode) -> list[bytes]:
    """Return every picture that a notebook's outputs hold, in order, as PNG."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    return [base64.b64decode(png) for png in shown]


def fingerprint(picture: bytes) -> str:
    """Return the digits by which a stored picture is known."""
    return hashlib.sha256(picture).hexdigest()[:16]


def alike(one: bytes, other: bytes) -> bool:
    """Whether two pictures show the same, up to the edges of a few pixels."""
    old, new = (numpy.asarray(Image.open(io.BytesIO(p)).convert("RGB")) for p in (one, other))
    return old.shape == new.shape and calculate_rms(old, new) < SAME_PICTURE


def record(source: Path) -> dict:
    """Execute a source and return the data of its figures.

    Parameters
    ----------
    source : Path

    Returns
    -------
    dict
        ``command``, ``versions``, ``parameters``, and ``figures``: a list with the
        fingerprint of the twin's ``picture`` and the ``axes`` of each.

    Raises
    ------
    RuntimeError
        If the run draws other figures than the pictures that the twin stores.
    """
    notebook = unexecuted(source)
    first = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    parameters: dict = {}
    exec(first.source, {}, parameters)  # the chapter's own assignments, as the kernel runs them
    folder = twin_of(source).parent
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl", encoding="utf-8") as noted:
        notebook.cells.insert(0, new_code_cell(FIRST_STEP.format(path=noted.name)))
        client = NotebookClient(
            notebook, timeout=CELL_TIMEOUT, resources={"metadata": {"path": str(folder)}}
        )
        tools = str(Path(__file__).resolve().parent)
        client.execute(env={**os.environ, **QUIET, "PYTHONPATH": tools})
        figures = [json.loads(line) for line in noted]
    kept, shown = pictures(nbformat.read(twin_of(source), as_version=4)), pictures(notebook)
    if not len(kept) == len(shown) == len(figures) or not all(map(alike, kept, shown)):
        raise RuntimeError(f"{source.name} draws other pictures than its twin: execute it first")
    return {
        "command": f"python tools/figure_data.py {source.relative_to(ROOT)}",
        "versions": {"python": platform.python_version()}
        | {p: version(p).split("+")[0] for p in PACKAGES},
        "parameters": parameters,
        "figures": [
            {"picture": fingerprint(picture), "axes": axes}
            for picture, axes in zip(kept, figures, strict=True)
        ],
    }


def faults(stored: dict, twin: NotebookNode) -> list[str]:
    """Find where stored data do not belong to the pictures of a twin."""
    have = [figure["picture"] for figure in stored["figures"]]
    want = [fingerprint(picture) for picture in pictures(twin)]
    if len(have) != len(want):
        return [f"{len(have)} figures recorded, {len(want)} pictures in the twin"]
    found = [
        f"figure {k} was recorded for another picture: record the chapter's figures again"
        for k, (a, b) in enumerate(zip(have, want, strict=True), start=1)
        if a != b
    ]
    for k, figure in enumerate(stored["figures"], start=1):
        series = [s for axes in figure["axes"] for s in axes["series"]]
        lost = sorted({s["kind"] for s in series if s["kind"].startswith("not recorded")})
        found += [f"figure {k}: {kind}" for kind in lost]
        found += [] if any(s["data"] for s in series) else [f"figure {k} holds no data"]
    return found


def store(source: Path) -> None:
    """Record one chapter's figures and write their data."""
    target = stored_data(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(record(source), separators=(",", ":")) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Record the named sources, or all of them, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="*", type=Path, help="chapter sources; default: all")
    sources = [path.resolve() for path in parser.parse_args(arguments).sources] or chapter_sources()
    for source in tqdm(sources, desc="chapters", disable=None):
        store(source)
        size = stored_data(source).stat().st_size
        print(f"{stored_data(source).relative_to(ROOT)}: {size / 1024:.0f} KiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
