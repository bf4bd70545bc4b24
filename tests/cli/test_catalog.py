"""`tieout catalog`: every row with what covers it; none missing, and the table in the package is that of the tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from cli.command_line import CommandLine
from tidy.catalog_tests import TABLE, collected, names_in, text_of
from tieout.app.catalog import covered, ids_of, packaged_tests
from tieout.app.catalog_rows import GROUPS, ROWS
from tieout.cli import catalog as command
from tieout.sim.faults.kinds import INTERNAL, KINDS

LETTERS = {"R": 5, "T": 5, "P": 6, "S": 6, "E": 6, "A": 7, "D": 2, "I": 4, "O": 4, "F": 4, "C": 4, "L": 2}
"""How many rows of each letter the catalog has."""


def test_every_row_of_the_catalog_is_there_once_in_words() -> None:
    assert list(ROWS) == [f"{letter}{number + 1}" for letter, count in LETTERS.items() for number in range(count)]
    assert list(GROUPS) == list(LETTERS)
    assert all(row.id == row_id and row.sentence.endswith(".") for row_id, row in ROWS.items())


def test_the_faults_of_a_row_are_kinds_and_a_row_without_says_why() -> None:
    rows = covered({kind.name: kind.rows for kind in KINDS.values()})
    assert {name for each in rows for name in each.faults} <= KINDS.keys()
    assert [each.row.id for each in rows if bool(each.faults) == bool(each.row.no_fault)] == []
    assert {each.row.id for each in rows if each.row.no_fault} == {*INTERNAL, "L2"}
    assert {row_id for kind in KINDS.values() for row_id in kind.rows} <= ROWS.keys()


def test_the_table_in_the_package_is_that_of_the_tests() -> None:
    assert TABLE.read_text(encoding="utf-8") == text_of(collected()), "tests with ids have changed: `make catalog`"


def test_no_row_is_missing_and_the_table_says_so(tieout: CommandLine) -> None:
    done = tieout("catalog")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[1:-2]] == list(ROWS)
    assert all(line.split()[-1].isdigit() for line in lines[1:-2])
    assert lines[-2].startswith(f"{len(ROWS)} rows, ")
    assert lines[-2].endswith("; none missing")
    assert tieout("catalog", "--missing").out.splitlines() == lines[-2:]
    assert tieout("catalog", "--missing", "--json").json == []


def test_one_row_names_its_faults_and_its_tests_with_their_files(tieout: CommandLine) -> None:
    done = tieout("catalog", "r4")
    assert done.out.startswith(f"R4  {ROWS['R4'].sentence}")
    assert KINDS["late-fill"].line in done.out
    named = [line.split() for line in done.out.splitlines() if line.startswith("tests/")]
    assert named
    assert all("R4" in ids_of(name) and name in collected()[path] for path, name in named)
    (row,) = tieout("catalog", "R4", "--json").json
    assert [[each["file"], each["name"]] for each in row["tests"]] == named
    assert "late-fill" in row["faults"]
    assert ROWS["L2"].no_fault in tieout("catalog", "L2").out


def test_an_unknown_row_is_told_which_there_are(tieout: CommandLine) -> None:
    done = tieout("catalog", "X9", code=2)
    assert "no row 'X9' in the catalog; there are R1 to R5, T1 to T5" in done.err


def test_all_rows_as_json(tieout: CommandLine) -> None:
    rows = tieout("catalog", "--json").json
    assert [row["id"] for row in rows] == list(ROWS)
    assert all(row["tests"] and not row["missing"] and (row["faults"] or row["no_fault_because"]) for row in rows)


@dataclass
class Ended:
    """What the command did in this process."""

    code: int
    out: str


def _run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **given: Any) -> Ended:
    """With some tests and faults taken away: an installed package cannot lose its own."""
    tests = {path: [n for n in names if "R4" not in ids_of(n)] for path, names in packaged_tests().items()}
    kinds = {name: kind for name, kind in KINDS.items() if "S5" not in kind.rows}
    monkeypatch.setattr(command, "covered", lambda faults: covered(faults, tests))
    monkeypatch.setattr(command, "KINDS", kinds)
    monkeypatch.setitem(ROWS, "C2", ROWS["C2"]._replace(faults=()))
    with pytest.raises(command.typer.Exit) as ended:
        command.catalog(**{"row_id": None, "missing": False, "as_json": False, **given})
    return Ended(ended.value.exit_code, capsys.readouterr().out)


def test_a_row_without_a_test_or_without_a_fault_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = _run(monkeypatch, capsys, missing=True)
    assert done.code == 1
    assert [line.split()[0] for line in done.out.splitlines()[1:-2]] == ["R4", "S5", "C2"]
    assert "3 missing" in done.out
    assert [line.split()[-1] for line in done.out.splitlines() if line.startswith("R4")] == ["none"]
    found = json.loads(_run(monkeypatch, capsys, missing=True, as_json=True).out)
    assert [(row["id"], row["missing"]) for row in found] == [
        ("R4", ["a test"]),
        ("S5", ["a fault"]),
        ("C2", ["a fault"]),
    ]


def test_only_the_row_that_was_asked_for_decides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = _run(monkeypatch, capsys, row_id="R4")
    assert one.code == 1
    assert "no test covers it" in one.out
    assert "no kind of fault" in _run(monkeypatch, capsys, row_id="S5").out
    assert _run(monkeypatch, capsys, row_id="R5").code == 0


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("test_R1_what_it_shows", ["R1"]),
        ("test_A1_to_A3_T2_what_it_shows", ["A1", "A2", "A3", "T2"]),
        ("test_T3_A4_T3_twice", ["T3", "A4"]),
        ("test_from_A1_to_A3_is_no_id", []),
        ("test_P9_is_no_row", []),
        ("test_A1_to_B3_what", ["A1"]),
        ("test_A1_to_the_end", ["A1"]),
        ("test_nothing", []),
    ],
)
def test_ids_are_what_a_name_begins_with(name: str, ids: list[str]) -> None:
    assert ids_of(name) == ids


def test_tests_in_classes_count_and_helpers_do_not() -> None:
    source = "class X:\n    async def test_R1_a(self): ...\ndef test_R2_b(): ...\ndef help_R3(): ...\n"
    assert names_in(source) == {"test_R1_a", "test_R2_b"}
