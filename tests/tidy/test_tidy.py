"""Rules of the house that linters cannot say."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60

DUE = [
    "R1",
    "R2",
    "R5",
    "T3",
    "P1",
    "P2",
    "P4",
    "P6",
    "S2",
    "S3",
    "S4",
    "S5",
    "S6",
    "E3",
    "I2",
    "I3",
    "I4",
    "O2",
    "O3",
    "O4",
    "F2",
    "F3",
    "F4",
    "C1",
    "C2",
    "C3",
    "C4",
    "L1",
    "L2",
]
"""Rows of the catalog that the books must survive by themselves; live rows come with the worker."""


def test_modules_and_functions_stay_small() -> None:
    long = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > MODULE_LINES_MAX:
            long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{path.relative_to(ROOT)}: {node.name} has {lines} lines")
    assert long == []


def test_every_row_of_the_catalog_that_is_due_has_a_test_named_after_it() -> None:
    names = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")):
            names.update(re.findall(r"_([A-Z]\d)(?=_)", name))
    assert [row for row in DUE if row not in names] == []


def test_the_lock_file_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--index" not in lock
    packages = [line for line in lock.splitlines() if "==" in line]
    assert len(packages) > 30
    assert lock.count("--hash=sha256:") >= len(packages)


def test_what_the_lock_file_names_runs_on_the_oldest_python_that_is_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    names = [line.split("==")[0] for line in lock.splitlines() if "==" in line]
    asks = {name: metadata(name)["Requires-Python"] or "" for name in names}
    assert {name: asked for name, asked in asks.items() if not SpecifierSet(asked).contains(oldest)} == {}


def test_no_float_is_in_the_ledger_or_the_decoders() -> None:
    found = []
    for path in SOURCES:
        if path.parent.name not in ("ledger", "venue"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
            is_cast = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
            is_division = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and path.parent.name == "ledger"
            if is_float or is_cast or is_division:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []
