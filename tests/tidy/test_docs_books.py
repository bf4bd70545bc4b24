"""The figures on the pages about the books are the ledger's own."""

from __future__ import annotations

import doctest
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tieout.ledger.units import decimal_text, micro

DOCS = Path(__file__).parents[2] / "docs"
WITH_EXAMPLES = ("books/index", "books/cost", "books/provisional", "reference/python")


@pytest.fixture(scope="module")
def drawings() -> Iterator[dict[str, ModuleType]]:
    """The modules of docs/drawings, as the pages import them."""
    found = {}
    for name in ("examples", "draw", "make"):
        spec = importlib.util.spec_from_file_location(name, DOCS / "drawings" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found[name])
    yield found
    for name in found:
        del sys.modules[name]


@pytest.mark.usefixtures("drawings")
@pytest.mark.parametrize("page", WITH_EXAMPLES)
def test_what_a_page_types_into_python_gives_what_it_says(page: str) -> None:
    path = DOCS / f"{page}.md"
    blocks = re.findall(r"^```pycon\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page, str(path), 0)
    assert len(test.examples) >= 3
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert result.failed == 0, "".join(told)


def test_only_those_pages_have_such_examples() -> None:
    found = {path for path in DOCS.rglob("*.md") if ">>> " in path.read_text(encoding="utf-8")}
    assert found == {DOCS / f"{page}.md" for page in WITH_EXAMPLES}


def test_the_table_of_the_worked_example_is_the_ledgers(drawings: dict[str, ModuleType]) -> None:
    text = (DOCS / "books/cost.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (buy|sell) \| (.*) \|$", text, re.MULTILINE)
    steps = drawings["examples"].worked()
    assert len(rows) == len(steps) == 5
    for (side, cells), step in zip(rows, steps, strict=True):
        amounts = [micro(cell) if cell.strip() else 0 for cell in cells.split("|")]
        expected = [step.traded, step.collateral, step.removed, step.realized, step.shares, step.cost]
        assert (side, amounts) == (step.side, expected)
    bought = sum(step.collateral for step in steps if step.side == "buy")
    sold = sum(step.collateral for step in steps if step.side == "sell")
    realized = decimal_text(sum(step.realized for step in steps))
    assert sold - bought == micro(realized)
    for figure in (realized, decimal_text(bought), decimal_text(sold)):
        assert figure in text


def test_the_pictures_are_what_the_ledger_draws_now(drawings: dict[str, ModuleType], tmp_path: Path) -> None:
    drawings["make"].write(tmp_path)
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "img/drawn").iterdir()}
    assert kept == drawn, "make drawings"
