"""A book with a fault does not build, and the same book without it does."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """
title: canary
only_build_toc_files: true
execute: {execute_notebooks: "off"}
sphinx:
  config:
    extensions: [myst_nb, jupyter_book, sphinx_comments, sphinx_external_toc,
                 sphinx_design, sphinx_book_theme, sphinx_proof]
"""
FAULTS = {
    "none": "",
    "missing_label": "See {prf:ref}`nowhere`.",
    "missing_number": "Worth {glue:text}`nowhere`.",
    "missing_picture": "![a picture](nowhere.png)",
    "missing_page": "See {doc}`/nowhere`.",
}


def build(folder, text):
    """Build a book of one page as `make book` does; return the exit status."""
    (folder / "_config.yml").write_text(CONFIG)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: page\n")
    (folder / "page.md").write_text(f"# Page\n\n{text}\n")
    command = [
        str(Path(sys.executable).with_name("jupyter-book")),
        "build",
        str(folder),
        "--all",
        "-W",
        "-n",
        "--keep-going",
        "-q",
    ]
    return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_stops_the_build(tmp_path, fault):
    assert (build(tmp_path, FAULTS[fault]) == 0) is (fault == "none")
