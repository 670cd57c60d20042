"""Mutate every module of the mathematics, all mutants, and store how many die.

    python tools/mutation_scores.py                        every module
    python tools/mutation_scores.py companion.relu.ntk     one module; the others keep theirs

The exit code is 1 if a mutant survives that ``tests/gates/test_mutations.py`` does not list with
its reason, or if a listed one dies. What is stored, the page on maintaining the book shows.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from records import circumstances, merge

ROOT = Path(__file__).resolve().parents[1]
GATES = ROOT / "tests/gates"
STORED = ROOT / "book/mutation_scores.json"


def digest(module: str) -> str:
    """Return a fingerprint of a module's source, by which a score is known to be of this text."""
    path = (ROOT / "src" / Path(*module.split("."))).with_suffix(".py")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def entry(module: str, result: dict, reasons: dict[str, str]) -> dict:
    """Return what is stored of a run: which text it was of, the mutants, and the survivors."""
    survived = {name: reasons.get(name, "") for name in result["survived"]}
    return {"source": digest(module), "made": result["made"], "survived": survived}


def disagreements(module: str, survived: dict[str, str], reasons: dict[str, str]) -> list[str]:
    """Say which survivors have no reason, and which listed ones do not survive."""
    unlisted = sorted(set(survived) - set(reasons))
    dead = sorted(set(reasons) - set(survived))
    return [f"{module}: survives: {name}" for name in unlisted] + [
        f"{module}: listed, and dies: {name}" for name in dead
    ]


def main(arguments: list[str]) -> int:
    """Score the named modules, or all of them, two at a time."""
    sys.path.insert(0, str(GATES))
    from mutants import score
    from test_mutations import KILLERS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="module", help="default: all")
    parser.add_argument("--output", type=Path, default=STORED)
    asked = parser.parse_args(arguments)
    wanted = asked.modules or list(KILLERS)
    if unknown := sorted(set(wanted) - set(KILLERS)):
        parser.error(f"not a module of tests/gates/test_mutations.py: {', '.join(unknown)}")
    run = circumstances("tools/mutation_scores.py", arguments)
    faults = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        scores = pool.map(lambda module: score(module, KILLERS[module][0]), wanted)
        for module, result in zip(
            wanted, tqdm(scores, total=len(wanted), disable=None), strict=True
        ):
            found = entry(module, result, KILLERS[module][1])
            merge(asked.output, {module: run | found}, list(KILLERS))
            faults += disagreements(module, found["survived"], KILLERS[module][1])
            print(f"{module}: {len(found['survived'])} of {found['made']} survive", flush=True)
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
