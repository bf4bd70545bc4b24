"""The runbook has a page for every type of issue, each with every heading, and names the evidence that there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tieout.app.catalog_rows import ROWS
from tieout.store.runs import IssueType

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs/runbook"
HEADINGS = [
    "In short",
    "Who raises it",
    "Step by step",
    "The evidence",
    "Typical causes",
    "When it is over",
    "When to worry",
]
TABLES = {"positions", "orders", "movements"}
"""Evidence of L1 that is named after what it counts."""


def section(kind: IssueType, heading: str) -> str:
    text = (RUNBOOK / f"{kind}.md").read_text(encoding="utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].strip()


def test_every_page_is_of_a_type_or_of_the_controls() -> None:
    assert {path.stem for path in RUNBOOK.glob("*.md")} == {*IssueType, "index", "controls"}


@pytest.mark.parametrize("kind", IssueType)
def test_a_page_has_every_heading_with_words_below_it(kind: IssueType) -> None:
    text = (RUNBOOK / f"{kind}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {kind}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert section(kind, "In short") == "<!-- made: guidance -->"
    assert all(len(section(kind, heading)) > 40 for heading in HEADINGS[1:])
    assert "```" in section(kind, "Step by step") or "`tieout " in section(kind, "Step by step")
    rows = re.findall(r"\[([A-Z]\d)\]\(\.\./reference/catalog\.md#([a-z]\d)\)", section(kind, "Typical causes"))
    assert rows
    assert all(name in ROWS and place == name.lower() for name, place in rows)


def test_the_controls_page_tells_of_the_three_alerts_that_are_no_issues() -> None:
    text = (RUNBOOK / "controls.md").read_text(encoding="utf-8")
    assert {"PAUSED", "HALTED", "ENDED"} <= set(re.findall(r"^## (\w+)$", text, re.MULTILINE))


def test_the_evidence_that_is_named_is_the_evidence_that_there_is() -> None:
    there = set(evidence_names())
    assert {"drift", "block_hash", "closed_because", "unreadable_rows", "balances"} <= there
    told = {
        name
        for kind in IssueType
        for row in re.findall(r"^\| (`.+?) \|", section(kind, "The evidence"), re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert sorted(told - there - TABLES) == []
    assert sorted(there - told) == []


def evidence_names() -> Iterator[str]:
    """Keys of the evidence that jobs give to what they find, from their source."""
    for path in sorted((ROOT / "src/tieout/jobs").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and (
                function.name in ("terms_shown", "differing", "_findings") or called(function) & MAKERS
            ):
                yield from keys(function)


MAKERS = {"Finding", "_finding", "drift_finding", "collateral_finding", "BrokenInvariantError"}


def called(node: ast.AST) -> set[str]:
    calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {getattr(each, "id", getattr(each, "attr", "")) for each in calls}


def keys(node: ast.AST) -> Iterator[str]:
    """Of every dictionary in *node*, but for the figures of a run."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Result":
        return
    if isinstance(node, ast.Dict):
        yield from (str(key.value) for key in node.keys if isinstance(key, ast.Constant))
    for each in ast.iter_child_nodes(node):
        yield from keys(each)
