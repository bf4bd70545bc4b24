"""`tieout catalog`: what the books must survive and what must always hold, with the tests and faults that cover it."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import typer
from rich.text import Text

from tieout.app.catalog import Covered, covered
from tieout.app.catalog_rows import GROUPS, ROWS
from tieout.cli.grid import Column, Grid
from tieout.cli.output import DOES_NOT, HOLDS, counted, fail, out, print_json, say
from tieout.sim.faults.kinds import KINDS

NAMES_MAX = 1
"""So many faults are named in a line of a terminal; `tieout catalog ID` names them all."""


def catalog(
    row_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One row, with its faults and tests.")] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only rows without a test, or without a fault.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """What can go wrong and what must hold, row by row, with the tests and the kinds of fault that cover it.

    Exit code 1 when a row has no test, or no fault where one could bring it about.
    """
    rows = covered({kind.name: kind.rows for kind in KINDS.values()})
    if row_id is not None:
        wanted = row_id.upper()
        if wanted not in ROWS:
            fail(f"no row {row_id!r} in the catalog; there are {_spans()}: `tieout catalog` lists them")
        rows = [each for each in rows if each.row.id == wanted]
    shown = [each for each in rows if each.missing or not missing]
    if as_json:
        print_json([_json(each) for each in shown])
    elif row_id is not None:
        for each in rows:
            _show_row(each)
    else:
        _show(shown, rows)
    raise typer.Exit(DOES_NOT if any(each.missing for each in rows) else HOLDS)


def _spans() -> str:
    """The ids by letter: "R1 to R5, T1 to T5"."""
    ids = [list(each) for _, each in groupby(ROWS, key=lambda row_id: row_id[0])]
    return ", ".join(f"{each[0]} to {each[-1]}" for each in ids)


def _json(each: Covered) -> dict[str, object]:
    return {
        "id": each.row.id,
        "about": GROUPS[each.row.id[0]],
        "sentence": each.row.sentence,
        "faults": list(each.faults),
        "no_fault_because": each.row.no_fault,
        "tests": [{"file": path, "name": name} for path, name in each.tests],
        "missing": list(each.missing),
    }


def _show(shown: list[Covered], rows: list[Covered]) -> None:
    if shown:
        made = Grid(
            Column("row"),
            Column("about", drop=2, groups=True),
            Column("what the books must survive, or what must hold", folds=True),
            Column("faults", drop=1),
            Column("tests", right=True),
        )
        for each in shown:
            tests = Text(f"{len(each.tests):,}") if each.tests else Text("none", style="bold red")
            made.add(each.row.id, GROUPS[each.row.id[0]], each.row.sentence, _faults(each), tests)
        made.print(out)
    lacking = sum(bool(each.missing) for each in rows)
    names = {test for each in rows for test in each.tests}
    kinds = {name for each in rows for name in each.faults}
    told = f"{counted(len(rows), 'row')}, {counted(len(names), 'test')}, {counted(len(kinds), 'kind')} of fault; "
    say(told, (f"{lacking:,} missing", "bold red") if lacking else ("none missing", "green"))
    say(("`tieout catalog ID` shows the tests and faults of a row", "dim"))


def _faults(each: Covered) -> Text:
    """Their names; on a terminal the first ones and how many more there are."""
    if not each.faults:
        return Text("not by a fault", style="dim") if each.row.no_fault else Text("none", style="bold red")
    named = each.faults[:NAMES_MAX] if out.is_terminal else each.faults
    more = len(each.faults) - len(named)
    return Text(", ".join(named) + (f" +{more}" if more else ""))


def _show_row(each: Covered) -> None:
    row = each.row
    say((row.id, "bold"), f"  {row.sentence}", (f"  ({GROUPS[row.id[0]]})", "dim"))
    out.print()
    if each.faults:
        made = Grid(Column("fault"), Column("where", drop=1), Column("what it does", folds=True))
        for name in each.faults:
            made.add(name, KINDS[name].place, KINDS[name].line)
        made.print(out)
    elif row.no_fault:
        say("no fault: ", row.no_fault)
    else:
        say(("no kind of fault brings it about", "bold red"))
    out.print()
    if not each.tests:
        say(("no test covers it", "bold red"))
        return
    made = Grid(Column("file", groups=True), Column("test", folds=True))
    for path, name in each.tests:
        made.add(path, " ".join(name.removeprefix("test_").split("_")) if out.is_terminal else name)
    made.print(out)
    say((counted(len(each.tests), "test"), "dim"))
