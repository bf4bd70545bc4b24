"""The catalog of what can go wrong and what must hold, from its rows and what covers them."""

from __future__ import annotations

from collections.abc import Iterator

from tieout.app.catalog import Covered, covered
from tieout.app.catalog_rows import GROUPS
from tieout.sim.faults.kinds import KINDS


def made(_page: str) -> str:
    """Every row with the faults that bring it about and how many tests carry its id."""
    rows = covered({name: kind.rows for name, kind in KINDS.items()})
    return "\n".join(line for letter, about in GROUPS.items() for line in _group(letter, about, rows))


def _group(letter: str, about: str, rows: list[Covered]) -> Iterator[str]:
    yield f"## {letter}: {about}"
    yield ""
    for each in rows:
        if each.row.id[0] == letter:
            yield f"### {each.row.id}"
            yield ""
            yield each.row.sentence
            yield ""
            faults = ", ".join(f"`{name}`" for name in each.faults) or f"none: {each.row.no_fault}"
            count = len(each.tests)
            tests = f"{count} test carries its id" if count == 1 else f"{count} tests carry its id"
            yield f"Faults: {faults}. {tests}."
            yield ""
