"""Make mutants of a module and run its tests on each.

    python tests/gates/mutants.py companion.activations tests/test_activations.py

A mutant changes one number, one operator or one comparison of the module.  Each runs
in a forked process, where an import hook serves the changed source, so that a run
costs a fraction of a second.  Prints one JSON object: how many mutants were made, and
those that survived.
"""

from __future__ import annotations

import ast
import copy
import importlib.abc
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = (
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "-o",
    "addopts=",
    "-o",
    "filterwarnings=",
    f"--confcutdir={ROOT / 'tests'}",
)

LONGEST = 100  # seconds that the tests of one mutant may take

SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: None,
    ast.Mod: ast.Mult,
}
REVERSALS = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield each mutant as a description and its source."""
    tree = ast.parse(source)
    strings = _inside_strings(tree)
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in strings:
            continue
        for description, change in _changes(node):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[index]
            change(target)
            line = source.splitlines()[node.lineno - 1].strip()
            yield f"{description} in: {line}", ast.unparse(changed)


def _inside_strings(tree: ast.AST) -> set[int]:
    """Nodes inside f-strings and raise statements: messages, not mathematics."""
    outer = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Raise)]
    return {id(node) for message in outer for node in ast.walk(message)}


def _changes(node: ast.AST):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield f"{node.value} -> {node.value + 1}", lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, ast.BinOp) and SWAPS.get(type(node.op)):
        new = SWAPS[type(node.op)]
        yield f"{type(node.op).__name__} -> {new.__name__}", lambda n: setattr(n, "op", new())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "minus -> plus", lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in REVERSALS:
        new = REVERSALS[type(node.ops[0])]
        yield (
            f"{type(node.ops[0]).__name__} -> {new.__name__}",
            lambda n: setattr(n, "ops", [new()]),
        )


class Serve(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serve one module from changed source."""

    def __init__(self, name: str, source: str):
        self.name, self.source = name, source

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module):
        exec(compile(self.source, f"<mutant of {self.name}>", "exec"), module.__dict__)


class Order:
    """Run one test first, and tell the parent process which test failed."""

    def __init__(self, first: str, pipe: int):
        self.first, self.pipe = first, pipe

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: item.nodeid != self.first)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            os.write(self.pipe, report.nodeid.encode())


def killer(module: str, source: str, tests: list[str], first: str = "") -> str | None:
    """Run the tests on one mutant, in a fork; return the test that kills it, or None.

    A mutant that breaks the import, or never ends, is killed by no test in particular: the
    name is empty.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        signal.alarm(LONGEST)
        try:
            for name in [
                name for name in sys.modules if name.startswith(("companion", "test_", "conftest"))
            ]:
                del sys.modules[name]
            sys.meta_path.insert(0, Serve(module, source))
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                code = int(pytest.main([*OPTIONS, *tests], plugins=[Order(first, writer)]))
        finally:
            os._exit(code != 0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        name = pipe.read().decode()
    return name if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) else None


def survivors(module: str, made: list[tuple[str, str]], tests: list[str]) -> list[str]:
    """Descriptions of the mutants that no test kills.

    What killed one mutant of a line is tried first on the others: the same verdicts in
    a fraction of the time.
    """
    alive, before = [], {}
    for description, changed in made:
        line = description.split(" in: ", 1)[1]
        found = killer(module, changed, tests, before.get(line, ""))
        if found is None:
            alive.append(description)
        else:
            before[line] = found
    return alive


def sample(source: str, every: int) -> list[tuple[str, str]]:
    """Every so many of the mutants; where the count begins depends on the source."""
    return list(mutants(source))[zlib.crc32(source.encode()) % every :: every]


def score(module: str, tests: str, every: int = 1, timeout: float | None = None) -> dict:
    """Run this file in a process of its own, on one mutant of so many; return what it prints."""
    run = subprocess.run(
        [sys.executable, __file__, module, tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=os.environ | {"MUTANTS_EVERY": str(every)},
    )
    if run.returncode:
        raise RuntimeError(f"{module}: {run.stderr[-2000:]}")
    return json.loads(run.stdout)


def main(module: str, tests: list[str]) -> None:
    """Print how many mutants were made and which survive: all, or one of MUTANTS_EVERY."""
    torch.set_num_threads(1)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with redirect_stdout(io.StringIO()):
        pytest.main([*OPTIONS, "--collect-only", *tests])  # load what every fork needs
    source = (
        (ROOT / "src" / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    )
    made = sample(source, int(os.environ.get("MUTANTS_EVERY", "1")))
    if killer(module, source, tests) is not None:
        raise SystemExit(f"the tests of {module} fail on the unchanged module")
    alive = survivors(module, made, tests)
    print(json.dumps({"made": len(made), "survived": alive}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
