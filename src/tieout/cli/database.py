"""`tieout db`: the database itself, and what it keeps that could not be booked."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from tieout.app.database import database, embedded_place, session
from tieout.app.keeping import (
    DatabaseStatus,
    ProblemKept,
    UnknownKept,
    database_status,
    problems,
    raw_message,
    unknown_names,
)
from tieout.app.rebuilding import rebuild_state
from tieout.app.settings import Settings
from tieout.app.wording import short
from tieout.cli.backup import backup, restore, verify_backup
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AnyWallet, AsJson, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, counted, err, out, print_json, run, say, when
from tieout.cli.problems import PROBLEM_WORDS, problem_style
from tieout.store.connect import shown

app = typer.Typer(
    help="The database: where it is, what it keeps, what could not be booked.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def path(as_json: AsJson = False) -> None:
    """Where the database is; asks no server."""
    settings = Settings()
    if as_json:
        place = None if settings.db else str(embedded_place(settings).resolve())
        print_json({"server": shown(settings.db) if settings.db else "embedded", "data": place})
    elif settings.db:
        say(shown(settings.db), ("  (TIEOUT_DB)", "dim"))
    else:
        say(str(embedded_place(settings).resolve()), ("  (embedded server, TIEOUT_HOME)", "dim"))


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema (every other command does so too)."""

    async def work() -> int:
        async with database(Settings()) as dsn:
            say(f"{shown(dsn)} is at the newest schema")
        return HOLDS

    run(work)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Wallets, and how much is kept of each."""

    async def work() -> int:
        settings = Settings()
        async with session(settings) as connection:
            found = await database_status(connection)
        if as_json:
            print_json(asdict(found))
        else:
            _show_status(found, shown(settings.db) if settings.db else str(embedded_place(settings)))
        return HOLDS

    run(work)


def _show_status(found: DatabaseStatus, place: str) -> None:
    say(
        f"PostgreSQL {found.server}",
        ("  schema ", "dim"),
        found.schema,
        ("  size ", "dim"),
        f"{found.size_bytes / 1_000_000:,.1f} MB",
        ("  at ", "dim"),
        place,
    )
    out.print()
    made = Grid(
        Column("wallet"),
        Column("entries", drop=1, right=True),
        Column("messages", drop=2, right=True),
        Column("positions", drop=3, right=True),
        Column("with problems", right=True),
    )
    for wallet in found.wallets:
        counts = (wallet.entries, wallet.messages, wallet.positions)
        trouble = Text(f"{wallet.problems:,}", style="yellow" if wallet.problems else "dim")
        made.add(wallet.address, *(f"{count:,}" for count in counts), trouble)
    if found.wallets:
        made.print(out)
    say((counted(len(found.wallets), "wallet"), "dim"))


@app.command()
def rebuild(wallet: Wallet) -> None:
    """Make the stored books of a wallet again from its log. The log itself is never changed."""

    async def work() -> int:
        async with database(Settings()) as dsn:
            with err.status("reading the log") as status:
                before, after = await rebuild_state(
                    dsn, wallet, lambda n: status.update(f"reading the log: {n:,} entries")
                )
        say(f"{len(before.differences):,} stored rows differed from the log, {len(after.differences):,} do now")
        return HOLDS if after.holds else DOES_NOT

    run(work)


@app.command("problems")
def list_problems(
    wallet: AnyWallet = None,
    code: Annotated[str | None, typer.Option(help=f"Only these: {', '.join(PROBLEM_WORDS)}.")] = None,
    as_json: AsJson = False,
) -> None:
    """Messages that could not be booked, and why. Nothing is lost: each is kept as it came."""
    if code is not None and code not in PROBLEM_WORDS:
        raise typer.BadParameter(f"expected one of {', '.join(PROBLEM_WORDS)}, was {code!r}", param_hint="--code")

    async def work() -> int:
        async with session(Settings()) as connection:
            found = await problems(connection, wallet, code)
        if as_json:
            print_json([_problem_json(problem) for problem in found])
        else:
            _show_problems(found)
        return HOLDS

    run(work)


def _problem_json(problem: ProblemKept) -> dict[str, object]:
    """One problem; `raw` is the message as text (bytes that are no UTF-8 escaped), its beginning when it is long."""
    fields = asdict(problem)
    body = fields.pop("body")
    return {**fields, "raw": body.decode(errors="backslashreplace"), "raw_is_whole": len(body) == problem.size}


def _show_problems(found: list[ProblemKept]) -> None:
    made = Grid(
        Column("raw", right=True),
        Column("wallet", drop=2, groups=True),
        Column("heard (UTC)", drop=3),
        Column("code", drop=1),
        Column("why and where", folds=True),
    )
    for problem in found:
        made.add(
            str(problem.raw_id),
            short(problem.wallet, 6, 4),
            when(problem.received_at_ms),
            Text(problem.code, style=problem_style(problem.code)),
            Text.assemble(problem.message, ("  " + problem.origin, "dim")),
        )
    if not found:
        say(("no problems: every message was booked or says nothing that is booked", "green"))
        return
    made.print(out)
    say((f"{counted(len(found), 'problem')}; `tieout db raw NUMBER` prints a message as it came", "dim"))


@app.command()
def unknown(wallet: AnyWallet = None, as_json: AsJson = False) -> None:
    """Fields and statuses of the venue that this version does not know: kept, counted, never fatal."""

    async def work() -> int:
        async with session(Settings()) as connection:
            found = await unknown_names(connection, wallet)
        if as_json:
            print_json([asdict(name) for name in found])
        else:
            _show_unknown(found)
        return HOLDS

    run(work)


def _show_unknown(found: list[UnknownKept]) -> None:
    made = Grid(
        Column("times", right=True),
        Column("kind"),
        Column("what"),
        Column("wallet", drop=2, groups=True),
        Column("raw", drop=1, right=True),
        Column("first seen in", folds=True),
    )
    for name in found:
        made.add(
            f"{name.times:,}",
            name.kind,
            name.what,
            short(name.wallet, 6, 4),
            str(name.raw_id),
            Text(name.origin, "dim"),
        )
    if found:
        made.print(out)
    say((counted(len(found), "unknown name"), "dim"))


@app.command()
def raw(number: Annotated[int, typer.Argument(metavar="NUMBER", help="As in `db problems` or `log --json`.")]) -> None:
    """One message exactly as it came, on standard output."""

    async def work() -> int:
        async with session(Settings()) as connection:
            body = await raw_message(connection, number)
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return HOLDS

    run(work)


app.command("backup")(backup)
app.command("verify-backup")(verify_backup)
app.command("restore")(restore)
