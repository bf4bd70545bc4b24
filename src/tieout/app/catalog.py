"""Which tests and which kinds of fault cover each row of the catalog.

The tests are not installed with the package: `catalog_tests.json` holds the names of those that carry ids, as
`make catalog` collected them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import msgspec

from tieout.app.catalog_rows import ROWS, Row

TESTS = "catalog_tests.json"


@dataclass(frozen=True, slots=True)
class Covered:
    """A row with what covers it. `tests` are (file, name)."""

    row: Row
    faults: tuple[str, ...]
    tests: tuple[tuple[str, str], ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What the row lacks: a test, a fault."""
        lacks = ("a test",) if not self.tests else ()
        return (*lacks, "a fault") if not self.faults and not self.row.no_fault else lacks


def covered(faults: Mapping[str, tuple[str, ...]], tests: Mapping[str, list[str]] | None = None) -> list[Covered]:
    """Every row in order. *faults* are the rows of each kind of fault; *tests* the names by file, by default ours."""
    named = tests_by_row(packaged_tests() if tests is None else tests)
    return [
        Covered(
            row,
            tuple(sorted({*row.faults, *(name for name, rows in faults.items() if row.id in rows)})),
            tuple(named.get(row.id, ())),
        )
        for row in ROWS.values()
    ]


def packaged_tests() -> dict[str, list[str]]:
    """Names of tests that carry ids, by file."""
    return msgspec.json.decode(files("tieout.app").joinpath(TESTS).read_bytes(), type=dict[str, list[str]])


def tests_by_row(tests: Mapping[str, list[str]]) -> dict[str, list[tuple[str, str]]]:
    """(file, name) of the tests of each row."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, names in sorted(tests.items()):
        for name in names:
            for row_id in ids_of(name):
                found.setdefault(row_id, []).append((path, name))
    return found


def ids_of(name: str) -> list[str]:
    """The ids that a test's name begins with; "A1_to_A7" is all seven ("test_A1_to_A7_T2_what_it_shows")."""
    words = name.removeprefix("test_").split("_")
    found: list[str] = []
    for place, word in enumerate(words):
        if word in ROWS and found and words[place - 1] == "to":
            found += _between(found[-1], word)
        elif word in ROWS:
            found.append(word)
        elif word != "to":
            break
    return list(dict.fromkeys(found))


def _between(first: str, last: str) -> list[str]:
    """The ids of one letter after *first*, up to and including *last*."""
    return [row_id for row_id in ROWS if row_id[0] == first[0] == last[0] and first < row_id <= last]
