"""Execute chapter sources and store their twins, byte for byte the same each time.

Sources are MyST Markdown files under ``book/``; the twin of
``book/diagonal/x.md`` is ``notebooks/diagonal/x.ipynb``.  The direction is fixed:
a twin is always made from its source, never the other way round.

    python tools/execute_chapters.py                       every chapter
    python tools/execute_chapters.py book/diagonal/x.md    one chapter
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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


def store(source: Path) -> float:
    """Execute one source, write its twin, and return the seconds it took."""
    begin = time.perf_counter()
    notebook = execute(source)
    twin_of(source).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return time.perf_counter() - begin


def main(arguments: list[str]) -> int:
    """Execute the named sources, or all of them, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="*", type=Path, help="chapter sources; default: all")
    sources = [path.resolve() for path in parser.parse_args(arguments).sources] or chapter_sources()
    unknown = [str(path) for path in sources if path not in chapter_sources()]
    if unknown:
        print(f"not a chapter source below book/: {', '.join(unknown)}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(max_workers=2) as pool:
        bar = tqdm(pool.map(store, sources), total=len(sources), desc="chapters", disable=None)
        for source, seconds in zip(sources, bar, strict=True):
            print(f"{source.relative_to(ROOT)}: {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
