"""Print the requirements of one extra of pyproject.toml, for pip.

The book needs neither the package nor PyTorch, and pip cannot install an extra
without the package that it belongs to.
"""

import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(
    (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
)

if __name__ == "__main__":
    print(" ".join(PROJECT["project"]["optional-dependencies"][sys.argv[1]]))
