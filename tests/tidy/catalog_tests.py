"""Collects the tests that carry ids of the catalog; as a script it writes them into the package (`make catalog`)."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from tieout.app.catalog import TESTS, ids_of

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "src/tieout/app" / TESTS


def collected() -> dict[str, list[str]]:
    """Names by file, of the files that have any."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if "node_modules" not in path.parts:
            names = sorted(filter(ids_of, names_in(path.read_text(encoding="utf-8"))))
            if names:
                found[path.relative_to(ROOT).as_posix()] = names
    return found


def names_in(source: str) -> set[str]:
    """Names of the test functions of a module, and of the classes in it."""
    return {
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def text_of(found: dict[str, list[str]]) -> str:
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    TABLE.write_text(text_of(collected()), encoding="utf-8")
