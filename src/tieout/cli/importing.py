"""`tieout import`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tieout.app.database import database
from tieout.app.importing import ImportRequest, import_files
from tieout.app.settings import Settings
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, counted, err, out, print_json, run, say
from tieout.cli.problems import PROBLEM_WORDS, problem_style
from tieout.intake.intake import Report
from tieout.venue.decode import KINDS

SHOWN_MAX = 20
"""Errors shown of each code; all of them are kept with their raw message."""

SHOWN_SOUND_MAX = 3
"""Sound messages shown that book nothing here."""


def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="JSON, JSON lines, or directories of them.")],
    wallet: Wallet,
    owner: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY_ID", help="CLOB API key id that trades for the wallet; may repeat."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Read every message as this kind instead of detecting it.")
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Write even if another process holds the wallet; it is then refused.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import recorded messages. Safe to repeat: a message already known changes nothing.

    Exit code 0: everything booked; 1: some messages could not be read (they are kept, the rest is booked), or none of
    them is about this wallet; 2: nothing could be done.
    """
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"expected one of {', '.join(sorted(KINDS))}; was {kind!r}", param_hint="--kind")
    request = ImportRequest(wallet, frozenset(owner or ()), tuple(paths), kind, take_over=take_over)

    async def work() -> int:
        report = await _import(request)
        if as_json:
            print_json(_as_json(report))
        else:
            _show(report, request)
        unread = any(trouble.is_error for trouble in report.troubles)
        return DOES_NOT if unread or _is_about_others(report) else HOLDS

    run(work)


async def _import(request: ImportRequest) -> Report:
    async with database(Settings()) as dsn:
        with Progress(
            TextColumn("importing"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[facts]:,} facts"),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        ) as bar:
            task = bar.add_task("import", total=None, facts=0)
            return await import_files(
                dsn,
                request,
                lambda done, total, r: bar.update(task, completed=done, total=total, facts=r.facts),
            )


def _is_about_others(report: Report) -> bool:
    """Whether messages were read, and every one that could be booked belongs to somebody else: a wrong address?"""
    return not report.facts and any(trouble.code in ("foreign", "no_own_leg") for trouble in report.troubles)


def _as_json(report: Report) -> dict[str, object]:
    return {
        "messages": report.messages,
        "facts": report.facts,
        "new_facts": report.new_facts,
        "kinds": dict(sorted(report.kinds.items())),
        "unknown": dict(sorted(report.unknown.items())),
        "problems": [
            {"origin": t.origin, "code": t.code, "message": t.message, "error": t.is_error} for t in report.troubles
        ],
    }


def _show(report: Report, request: ImportRequest) -> None:
    say(
        (f"{report.messages:,}", "bold"),
        " messages, ",
        (f"{report.new_facts:,}", "bold green" if report.new_facts else "bold"),
        " new facts, ",
        (f"{report.facts - report.new_facts:,}", "bold"),
        " known already",
    )
    out.print()
    kinds = Grid(Column("message kind"), Column("count", right=True))
    for name, count in sorted(report.kinds.items()):
        kinds.add(name, f"{count:,}")
    kinds.print(out)
    if report.unknown:
        out.print()
        say(("New to this version (kept and counted; the rest of the message is booked):", "yellow"))
        for name, count in sorted(report.unknown.items()):
            say(f"  {count:>6,} x {name}")
    counts = Counter(trouble.code for trouble in report.troubles)
    for code in sorted(counts, key=lambda c: (problem_style(c) != "bold red", c)):
        _show_code(report, code, counts[code])
    if counts:
        out.print()
        say(("All of these are kept as they came: `tieout db problems` lists them.", "dim"))
    _show_hints(report, request, counts)


def _show_code(report: Report, code: str, count: int) -> None:
    style = problem_style(code)
    shown = SHOWN_MAX if style == "bold red" else SHOWN_SOUND_MAX
    out.print()
    say((f"{counted(count, 'message')} {PROBLEM_WORDS.get(code, code)}", style), (f"  ({code})", "dim"))
    for trouble in [trouble for trouble in report.troubles if trouble.code == code][:shown]:
        out.print(Text.assemble((f"  {trouble.origin}", "dim"), f"  {trouble.message}"), soft_wrap=True)
    if count > shown:
        say((f"  ... and {count - shown:,} more", "dim"))


def _show_hints(report: Report, request: ImportRequest, counts: Counter[str]) -> None:
    """What the operator may have forgotten."""
    legless = counts["no_own_leg"]
    if legless:
        hint = "pass --owner KEY_ID if the wallet trades through a CLOB key"
        if request.owners:
            hint = f"is --owner {' '.join(sorted(request.owners))} the key, or is another one missing?"
        had = f"{legless:,} messages had" if legless > 1 else "1 message had"
        say(("hint: ", "yellow"), f"{had} no leg of ours: {hint}")
    if _is_about_others(report):
        say(("nothing here is about ", "bold red"), request.wallet, ": is it the wallet of these files?")
