"""Time every chapter against its budget, each alone in fresh processes, and store the result.

    python tools/chapter_times.py                          every chapter
    python tools/chapter_times.py book/diagonal/x.md       one chapter; the others keep theirs

The exit code is 1 if a chapter needs more than its budget. What is stored, the page on
maintaining the book shows.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm

from execute_chapters import ROOT, chapter_sources, execute
from records import BUDGET, circumstances, merge

STORED = ROOT / "book/execution_times.json"
UNIT = 1e6 if sys.platform == "darwin" else 1e3
"""How many of the system's units of memory make a megabyte."""


def measure(source: Path) -> dict[str, float]:
    """Execute one source; return its seconds, those of the processor, and the kernel's memory.

    Call it in a process of its own: the memory is that of the largest child so far.
    """
    begin = time.perf_counter()
    execute(source)
    seconds = time.perf_counter() - begin
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(children.ru_utime + children.ru_stime, 1),
        "megabytes": round(children.ru_maxrss / UNIT),
    }


def alone(source: Path, repeat: int) -> dict[str, float]:
    """Measure a source so many times, each time from nothing; return the medians."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as pool:
        runs = list(pool.map(measure, [source] * repeat))
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def over_budget(chapters: dict[str, dict]) -> list[str]:
    """Say which chapters need more of the processor or of memory than they may.

    The processor's seconds count, not the clock's: they are the same on a busy machine.
    """
    faults = []
    for name, entry in chapters.items():
        for key, most in BUDGET.items():
            if entry[key] > most:
                faults.append(f"{name} needs {entry[key]} {key.replace('_', ' ')} of {most}")
    return faults


def main(arguments: list[str]) -> int:
    """Measure the named sources, or all of them, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="*", type=Path, help="chapter sources; default: all")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, for a median")
    parser.add_argument("--output", type=Path, default=STORED)
    asked = parser.parse_args(arguments)
    known = {
        path.relative_to(ROOT / "book").with_suffix("").as_posix(): path
        for path in chapter_sources()
    }
    wanted = [path.resolve() for path in asked.sources] or list(known.values())
    if unknown := [str(path) for path in wanted if path not in known.values()]:
        parser.error(f"not a chapter source below book/: {', '.join(unknown)}")
    run = circumstances("tools/chapter_times.py", arguments) | {"repeat": asked.repeat}
    measured = {}
    for name, path in tqdm(known.items(), desc="chapters", disable=None):
        if path in wanted:
            measured[name] = run | alone(path, asked.repeat)
            merge(asked.output, {name: measured[name]}, list(known))
            print(f"{name}: {measured[name]['processor_seconds']} s", flush=True)
    faults = over_budget(measured)
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
