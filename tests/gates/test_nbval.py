"""The notebook comparison bites: a canary notebook, intact and spoiled in every way known.

All copies run in one pytest of their own, with the project's options and its root
``conftest.py``, exactly as the chapters do.
"""

import copy
import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

TEXT = "print('worst ratio 0.391')"
PICTURE = """
import matplotlib.pyplot as plt
figure, axes = plt.subplots()
_ = axes.plot([0, 1, 2], [0, {height}, 0])"""


def executed(*sources):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    NotebookClient(notebook, timeout=60, record_timing=False).execute()
    return notebook


def spoil(notebook, change):
    spoiled = copy.deepcopy(notebook)
    change(spoiled.cells)
    return spoiled


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Outcome of each copy: the names of the notebooks with a failing cell."""
    folder = tmp_path_factory.mktemp("canary")
    intact = executed(TEXT, PICTURE.format(height=1.0))
    other = executed(TEXT, PICTURE.format(height=1.02))
    copies = {
        "intact": intact,
        "one_character": spoil(
            intact, lambda c: c[0].outputs[0].update(text="worst ratio 0.392\n")
        ),
        "output_removed": spoil(intact, lambda c: c[0].update(outputs=[])),
        "never_executed": spoil(
            intact, lambda c: [x.update(outputs=[], execution_count=None) for x in c]
        ),
        "silenced": spoil(intact, lambda c: c[0].metadata.update(tags=["nbval-ignore-output"])),
        "silenced_by_comment": spoil(intact, lambda c: c[0].update(source="# NBVAL_SKIP\n" + TEXT)),
        "moved_curve": spoil(intact, lambda c: c[1].update(outputs=other.cells[1].outputs)),
        "picture_removed": spoil(
            intact, lambda c: [o.data.pop("image/png", 0) for o in c[1].outputs if "data" in o]
        ),
    }
    for name, notebook in copies.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    damaged = json.loads((folder / "intact.ipynb").read_text())
    png = damaged["cells"][1]["outputs"][-1]["data"]["image/png"]
    middle = len(png) // 2
    damaged["cells"][1]["outputs"][-1]["data"]["image/png"] = (
        png[:middle] + ("A" if png[middle] != "A" else "B") + png[middle + 1 :]
    )
    (folder / "one_character_of_a_picture.ipynb").write_text(json.dumps(damaged))
    run(folder)
    return failures(folder / "report.xml")


def run(folder):
    """Run the copies as `make test` runs the chapters."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-c",
            str(ROOT / "pyproject.toml"),
            "--rootdir",
            str(ROOT),
            "-p",
            "no:cacheprovider",
            "-p",
            "conftest",
            f"--junitxml={folder / 'report.xml'}",
            str(folder),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=300,
    )


def failures(report):
    """Map each notebook to whether any of its cells failed."""
    failed = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("classname").replace("/", ".").removesuffix(".ipynb").rsplit(".", 1)[-1]
        bad = any(case.find(kind) is not None for kind in ("failure", "error"))
        failed[name] = failed.get(name, False) or bad
    return failed


def test_an_intact_copy_passes(outcomes):
    assert outcomes["intact"] is False


@pytest.mark.parametrize(
    "name",
    [
        "one_character",
        "output_removed",
        "never_executed",
        "silenced",
        "silenced_by_comment",
        "moved_curve",
        "picture_removed",
        "one_character_of_a_picture",
    ],
)
def test_a_spoiled_copy_fails(outcomes, name):
    assert outcomes[name] is True
