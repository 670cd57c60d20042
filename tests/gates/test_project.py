"""Versions, the public address, the notation page and the imports say one thing each."""

import ast
import importlib
import re
import subprocess
import tomllib

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"pytorch-cpu": "torch"}


def pins(text):
    """Name to version of a constraints file."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    pairs = [line.split(";")[0].strip().split("==") for line in lines if line]
    assert all(len(pair) == 2 for pair in pairs), "constraints.txt must pin each line with =="
    return {canonicalize_name(name): version for name, version in pairs}


def requirements():
    """Every requirement of pyproject.toml, those of extras included."""
    extras = [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    return [Requirement(line) for line in PROJECT["dependencies"] + extras]


def version_faults(wanted, pinned, environment):
    """Places where the three lists of versions disagree."""
    faults = []
    for requirement in wanted:
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            faults.append(f"{requirement.name} is not pinned")
        elif not requirement.specifier.contains(version, prereleases=True):
            faults.append(f"{requirement} excludes the pinned {version}")
    for line in environment["dependencies"]:
        if isinstance(line, str) and not line.startswith(("python=", "pip")):
            name, _, version = line.partition("=")
            name = canonicalize_name(CONDA_NAMES.get(name, name))
            if pinned.get(name) != version:
                faults.append(
                    f"environment.yml has {name} {version}, constraints.txt {pinned.get(name)}"
                )
    return faults


CONSTRAINTS = (ROOT / "constraints.txt").read_text()
ENVIRONMENT = (ROOT / "environment.yml").read_text()


def test_versions_agree():
    assert version_faults(requirements(), pins(CONSTRAINTS), yaml.safe_load(ENVIRONMENT)) == []


def test_torch_and_python_are_the_ones_promised():
    assert pins(CONSTRAINTS)["torch"] == "2.13.0"
    assert "torch==2.13.0" in PROJECT["dependencies"] and PROJECT["requires-python"] == ">=3.11"
    assert "python=3.11" in yaml.safe_load(ENVIRONMENT)["dependencies"]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda c, e: (c.replace("numpy==2.", "numpy==1."), e), "numpy"),
        (lambda c, e: (re.sub("(?m)^matplotlib==.*$", "", c), e), "matplotlib is not pinned"),
        (
            lambda c, e: (c, e.replace("pytorch-cpu=2.13.0", "pytorch-cpu=2.12.0")),
            "environment.yml has torch 2.12.0",
        ),
    ],
)
def test_a_version_out_of_step_is_seen(spoil, message):
    constraints, environment = spoil(CONSTRAINTS, ENVIRONMENT)
    faults = version_faults(requirements(), pins(constraints), yaml.safe_load(environment))
    assert message in " ".join(faults)


def test_the_address_stands_in_one_place():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    found = subprocess.run(
        ["git", "grep", "-lF", address.removeprefix("https://")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.split() == ["_config.yml"]


def identifiers(text):
    """Dotted names of the package that a page quotes."""
    return sorted(set(re.findall(r"`(companion(?:\.\w+)+)`", text)))


def resolve(name):
    """Import the longest module of a dotted name and look up the rest."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            fields = getattr(found, "__dataclass_fields__", {})
            found = fields[attribute] if attribute in fields else getattr(found, attribute)
        return found
    raise ModuleNotFoundError(name)


def test_the_notation_page_names_what_exists():
    names = identifiers((ROOT / "book/notation.md").read_text())
    assert len(names) > 15
    for name in names:
        resolve(name)


@pytest.mark.parametrize("name", ["companion.activations.sigmoid", "companion.diagonal.nowhere.f"])
def test_a_name_that_does_not_exist_is_seen(name):
    with pytest.raises((AttributeError, ModuleNotFoundError)):
        resolve(name)


LAYERS = (
    "arguments",
    "progress",
    "threads",
    "checkpoint",
    "claims",
    "evidence",
    "attack",
    "notebook",
    "plots",
    "activations",
)
HALF = (
    "rnn",
    "risk",
    "ntk",
    "infinite_width",
    "complexity",
    "concept_classes",
    "bounds",
    "guarantees",
    "convergence",
    "suprema",
    "trajectory",
    "trainers",
    "sharded",
)


def upward_imports(module, text):
    """Imports of a module of the package that do not run downward."""
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("companion"):
            stem = node.module.removeprefix("companion").lstrip(".")
            imported |= (
                {f"{stem}.{alias.name}".lstrip(".") for alias in node.names} if not stem else {stem}
            )
    if "." not in module:
        return sorted(name for name in imported if "." in name)
    paper, name = module.split(".")
    order = HALF.index(name)
    return sorted(
        other
        for other in imported
        if "." in other
        and (other.split(".")[0] != paper or HALF.index(other.split(".")[1]) >= order)
    )


def modules():
    for path in sorted((ROOT / "src/companion").rglob("*.py")):
        if path.name != "__init__.py":
            yield (
                ".".join(path.relative_to(ROOT / "src/companion").with_suffix("").parts),
                path.read_text(),
            )


def test_imports_run_downward():
    assert {name.split(".")[0] for name, _ in modules()} <= {*LAYERS, "diagonal", "relu"}
    assert [
        (name, upward_imports(name, text)) for name, text in modules() if upward_imports(name, text)
    ] == []


def test_an_import_that_runs_upward_is_seen():
    assert upward_imports("evidence", "from companion.diagonal.rnn import outputs") == [
        "diagonal.rnn"
    ]
    assert upward_imports("diagonal.rnn", "from companion.diagonal.trainers import project") == [
        "diagonal.trainers"
    ]
    assert upward_imports("relu.ntk", "from companion.diagonal.rnn import outputs") == [
        "diagonal.rnn"
    ]
    assert upward_imports("diagonal.trainers", "from companion.diagonal.rnn import outputs") == []


def test_no_module_is_long():
    long = [name for name, text in modules() if len(text.splitlines()) > 450]
    assert long == []
