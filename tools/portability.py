"""Run the chapters under another instruction set, thread count or Python, and store what agreed.

    python tools/portability.py                            an old processor with two threads
    python tools/portability.py --setting stored           as the outputs were stored

An entry belongs to a setting and to the Python that runs this script. The exit code is 1 if a
chapter's outputs differ. What is stored, the page on maintaining the book shows.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from records import circumstances, merge

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "book/portability.json"
SETTINGS = {
    "stored": {"OMP_NUM_THREADS": "1"},
    "threads": {"OMP_NUM_THREADS": "2"},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "OMP_NUM_THREADS": "1",
    },
    "old": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem",
        "OMP_NUM_THREADS": "2",
    },
}
PYTHONS = ("3.11", "3.12", "3.13")


def tally(report: str) -> dict[str, bool]:
    """Read a JUnit report of nbval: notebook to whether all of its cells agreed.

    Raises
    ------
    ValueError
        If the report holds no cell: nothing was compared.
    """
    agreed: dict[str, bool] = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = case.get("classname", "").removesuffix(".ipynb").replace(".", "/")
        clean = not any(case.find(fault) is not None for fault in ("failure", "error", "skipped"))
        agreed[name] = agreed.get(name, True) and clean
    if not agreed:
        raise ValueError("no cell was compared")
    return agreed


def compare(setting: str, notebooks: list[str]) -> dict[str, bool]:
    """Re-execute notebooks under a setting; return which of them agree with what is stored."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junit-xml={report}", *notebooks],
            cwd=ROOT,
            check=False,
            env=os.environ | SETTINGS[setting],
        )
        return tally(report.read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    """Run one setting and store its entry."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--setting", choices=SETTINGS, default="old")
    parser.add_argument("--output", type=Path, default=STORED)
    parser.add_argument("notebooks", nargs="*", default=["notebooks"])
    asked = parser.parse_args(arguments)
    agreed = compare(asked.setting, asked.notebooks)
    entry = circumstances("tools/portability.py", arguments) | {
        "environment": SETTINGS[asked.setting],
        "chapters": len(agreed),
        "differ": sorted(name for name, same in agreed.items() if not same),
    }
    python = ".".join(platform.python_version_tuple()[:2])
    known = [f"{setting} {version}" for setting in SETTINGS for version in PYTHONS]
    merge(asked.output, {f"{asked.setting} {python}": entry}, known)
    print(f"{asked.setting}, Python {python}: {len(entry['differ'])} of {len(agreed)} differ")
    return 1 if entry["differ"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
