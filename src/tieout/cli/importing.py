"""`tieout import`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tieout.app.database import session
from tieout.app.importing import ImportRequest, import_files
from tieout.app.settings import Settings
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, err, out, print_json, run, table
from tieout.intake.intake import Report
from tieout.venue.decode import KINDS

SHOWN_MAX = 20
"""Problems shown of each kind; all of them are kept with their raw message."""


def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="JSON, JSON lines, or directories of them.")],
    wallet: Wallet,
    owner: Annotated[
        list[str] | None, typer.Option(help="CLOB API key id that trades for the wallet; may repeat.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Read every message as this kind instead of detecting it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import recorded messages. Safe to repeat: a message already known changes nothing.

    Exit code 0: everything booked; 1: some messages could not be read (they are kept, the rest is booked).
    """
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"expected one of {', '.join(sorted(KINDS))}; was {kind!r}", param_hint="--kind")
    request = ImportRequest(wallet, frozenset(owner or ()), tuple(paths), kind)

    async def work() -> int:
        async with session(Settings()) as connection:
            with Progress(
                TextColumn("importing"),
                BarColumn(),
                DownloadColumn(),
                TextColumn("{task.fields[facts]:,} facts"),
                TimeRemainingColumn(),
                console=err,
                transient=True,
                disable=as_json,
            ) as bar:
                task = bar.add_task("import", total=None, facts=0)
                report = await import_files(
                    connection,
                    request,
                    lambda done, total, r: bar.update(task, completed=done, total=total, facts=r.facts),
                )
        if as_json:
            print_json(_as_json(report))
        else:
            _show(report)
        return DOES_NOT if any(trouble.is_error for trouble in report.troubles) else HOLDS

    run(work)


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


def _show(report: Report) -> None:
    known = report.facts - report.new_facts
    out.print(
        Text.assemble(
            (f"{report.messages:,}", "bold"),
            " messages, ",
            (f"{report.new_facts:,}", "bold green"),
            " new facts, ",
            (f"{known:,}", "bold"),
            " known already",
        )
    )
    kinds = table(("message kind", "left"), ("count", "right"))
    for name, count in sorted(report.kinds.items()):
        kinds.add_row(name, f"{count:,}")
    out.print(kinds)
    if report.unknown:
        out.print(Text("\nNew to this version (kept, not booked):", style="yellow"))
        for name, count in sorted(report.unknown.items()):
            out.print(f"  {count:>6,} x {name}")
    _show_troubles(report)


def _show_troubles(report: Report) -> None:
    counts = Counter(trouble.code for trouble in report.troubles)
    for code, count in sorted(counts.items()):
        troubles = [trouble for trouble in report.troubles if trouble.code == code]
        style = "bold red" if troubles[0].is_error else "yellow"
        out.print(Text(f"\n{count:,} {code}", style=style))
        for trouble in troubles[:SHOWN_MAX]:
            out.print(Text.assemble((f"  {trouble.origin}", "dim"), f"  {trouble.message}"), soft_wrap=True)
        if count > SHOWN_MAX:
            out.print(f"  ... and {count - SHOWN_MAX:,} more, all kept with their message")
