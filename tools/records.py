"""What the maintainers' measurements share: how a run came about, and where it is stored."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
import shlex
from pathlib import Path

LIBRARIES = ("torch", "numpy")

BUDGET = {"processor_seconds": 30, "megabytes": 1500}
"""What a chapter may take of one core, its kernel's start included, and of memory."""


def circumstances(script: str, arguments: list[str]) -> dict:
    """Return what a reader needs to run the same again, and the day of the run."""
    return {
        "command": shlex.join(["python", script, *arguments]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def stored(path: Path) -> dict[str, dict]:
    """Read what a measurement has stored; nothing, if it has not run."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def merge(path: Path, entries: dict[str, dict], known: list[str]) -> None:
    """Write entries beside those already stored, in the order of ``known``; drop unknown ones."""
    found = stored(path) | entries
    kept = {name: found[name] for name in known if name in found}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
