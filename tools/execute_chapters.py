"""Execute chapter sources and store their twins, byte for byte the same each time.

Sources are MyST Markdown files under ``book/``; the twin of
``book/diagonal/x.md`` is ``notebooks/diagonal/x.ipynb``.  The direction is fixed:
a twin is always made from its source, never the other way round.

    python tools/execute_chapters.py                       every chapter
    python tools/execute_chapters.py book/diagonal/x.md    one chapter
    python tools/execute_chapters.py --prose [...]         text only, if no code has changed
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
CELL_TIMEOUT = 60
QUIET = {"COMPANION_PROGRESS": "off", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}


def chapter_sources() -> list[Path]:
    """List the sources: Markdown files below a part's folder of ``book/``."""
    return sorted(
        path
        for part in ("diagonal", "relu", "together")
        for path in (ROOT / "book" / part).glob("*.md")
    )


def twin_of(source: Path) -> Path:
    """Return where the executed twin of a source lies."""
    return ROOT / "notebooks" / source.relative_to(ROOT / "book").with_suffix(".ipynb")


def unexecuted(source: Path) -> NotebookNode:
    """Convert a source to a notebook with fixed cell ids and minimal metadata."""
    notebook = jupytext.read(source)
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(name="python3", display_name="Python 3", language="python"),
        language_info=NotebookNode(name="python", file_extension=".py", mimetype="text/x-python"),
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
    return notebook


def execute(source: Path) -> NotebookNode:
    """Run a source in a fresh kernel and return the notebook with its outputs."""
    notebook = unexecuted(source)
    folder = twin_of(source).parent
    folder.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ, **QUIET})
    notebook.metadata.language_info = NotebookNode(
        name="python", file_extension=".py", mimetype="text/x-python"
    )
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        if output.output_type == "stream" and output.name == "stderr":
            raise RuntimeError(f"{source.name} writes to stderr:\n{output.text}")
    return notebook


def rewritten(source: Path) -> NotebookNode:
    """Give a source the outputs that its twin stores; refuse it if its code has changed."""
    notebook, twin = unexecuted(source), nbformat.read(twin_of(source), as_version=4)
    fresh, stored = (
        [cell for cell in book.cells if cell.cell_type == "code"] for book in (notebook, twin)
    )
    if [(c.source, c.metadata) for c in fresh] != [(c.source, c.metadata) for c in stored]:
        raise ValueError(f"a code cell of {source.name} has changed: execute the chapter")
    for new, old in zip(fresh, stored, strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count
    return notebook


def store(source: Path, make: Callable[[Path], NotebookNode] = execute) -> float:
    """Make one source's twin, write it, and return the seconds that took."""
    begin = time.perf_counter()
    notebook = make(source)
    twin_of(source).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return time.perf_counter() - begin


def main(arguments: list[str]) -> int:
    """Execute the named sources, or all of them, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="*", type=Path, help="chapter sources; default: all")
    parser.add_argument(
        "--prose", action="store_true", help="copy the text, keep the outputs; refuse changed code"
    )
    options = parser.parse_args(arguments)
    sources = [path.resolve() for path in options.sources] or chapter_sources()
    unknown = [str(path) for path in sources if path not in chapter_sources()]
    if unknown:
        print(f"not a chapter source below book/: {', '.join(unknown)}", file=sys.stderr)
        return 2
    make = partial(store, make=rewritten if options.prose else execute)
    with ThreadPoolExecutor(max_workers=2) as pool:
        bar = tqdm(pool.map(make, sources), total=len(sources), desc="chapters", disable=None)
        for source, seconds in zip(sources, bar, strict=True):
            print(f"{source.relative_to(ROOT)}: {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
