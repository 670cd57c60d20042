"""Make the pictures anew, and note with what.

python tools/pictures                        all of them
python tools/pictures --only training.gif    one
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import matplotlib  # noqa: E402
import PIL  # noqa: E402
import torch  # noqa: E402

from pictures import backward, front, kernel_width, training  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "book/images"
MODULES = {
    name: module for module in (training, kernel_width, backward, front) for name in module.PICTURES
}


def provenance(name: str) -> dict:
    """Return what a picture is made with.

    Parameters
    ----------
    name : str

    Returns
    -------
    dict
    """
    return {
        "command": f"python tools/pictures --only {name}",
        "seed": MODULES[name].SEED,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__.split("+")[0],
            "matplotlib": matplotlib.__version__,
            "pillow": PIL.__version__,
        },
        "date": date.today().isoformat(),
    }


def main(arguments: list[str]) -> int:
    """Make the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(MODULES), help="default: all")
    only = parser.parse_args(arguments).only
    record = FOLDER / "provenance.json"
    stored = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for name in [only] if only else MODULES:
        MODULES[name].PICTURES[name](FOLDER / name)
        stored[name] = provenance(name)
        print(f"{name}: {(FOLDER / name).stat().st_size / 1024:.0f} KB")
    text = json.dumps(dict(sorted(stored.items())), indent=1)
    record.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
