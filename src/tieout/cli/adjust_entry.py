"""What every entry of `tieout adjust` has: its options, the preview, the question, the booking."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

import asyncpg
import msgspec
import typer

from tieout.app.adjust_names import entry_id_of
from tieout.app.adjusting import Preview, book_entry, held_words, holder_of, preview, time_of
from tieout.app.clock import now_ms
from tieout.app.database import database
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.cli.adjust_options import At, Force, Look, Tx, Who, Why
from tieout.cli.adjust_views import preview_json, show_preview
from tieout.cli.control import Yes
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, fail, parse_time, print_json, run, say
from tieout.ledger.facts import ManualEntry
from tieout.store.connect import connected


@dataclass(frozen=True, slots=True)
class Manner:
    """How an entry is signed and booked: the options that every command has."""

    wallet: Wallet
    why: Why
    who: Who = None
    at: At = None
    tx: Tx = None
    yes: Yes = False
    look: Look = False
    force: Force = False
    as_json: AsJson = False


Draft = Callable[[asyncpg.Connection, int, ManualEntry], Awaitable[ManualEntry]]
"""(connection, wallet id, an entry with who, why, when and its transaction) -> the entry with what it says."""


def entry_command(
    app: typer.Typer, name: str, *, but: Sequence[str] = ()
) -> Callable[[Callable[..., Draft]], Callable[..., Draft]]:
    """Make a function the command *name* of *app*: its parameters, and those of `Manner` except *but*.

    The entry that its draft gives is shown, asked about and booked.
    """

    def register(command: Callable[..., Draft]) -> Callable[..., Draft]:
        own, common = _parameters(command), [each for each in _parameters(Manner) if each.name not in but]

        @wraps(command)
        def entered(**typed: Any) -> None:
            manner = Manner(**{each.name: typed.pop(each.name) for each in common})
            _enter(manner, command(**typed))

        # What typer makes a command of.
        entered.__dict__.pop("__wrapped__")
        entered.__dict__["__signature__"] = Signature([*own, *common])
        entered.__annotations__ = {each.name: each.annotation for each in (*own, *common)}
        app.command(name)(entered)
        return command

    return register


def _parameters(command: Callable[..., object]) -> list[Parameter]:
    """The parameters of *command* with their types; by keyword, so that those without a default may come later."""
    hints = get_type_hints(command, include_extras=True)
    parameters = signature(command).parameters.values()
    return [each.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[each.name]) for each in parameters]


def _enter(manner: Manner, draft: Draft) -> None:
    """Make the entry, show it, ask, and book it."""

    async def work() -> int:
        async with database(Settings()) as dsn:
            async with connected(dsn) as connection:
                wallet_id = await require_wallet(connection, manner.wallet)
                written = await draft(connection, wallet_id, await _signed_entry(connection, manner))
                entry = msgspec.structs.replace(written, entry_id=entry_id_of(written, manner.wallet, now_ms()))
                shown = await preview(connection, manner.wallet, entry)
                holder = await holder_of(connection, manner.wallet)
            if not manner.as_json:
                show_preview(shown)
            if manner.look:
                if manner.as_json:
                    print_json(preview_json(shown, None))
                return DOES_NOT if shown.broken else HOLDS
            _may_be_booked(manner, shown, holder)
            seq = await book_entry(dsn, manner.wallet, shown)
        if manner.as_json:
            print_json(preview_json(shown, seq))
        else:
            say(
                ("booked ", "bold green"),
                f"as entry #{seq:,} of the log; `tieout adjust reverse {entry.entry_id}` takes it back",
            )
        return HOLDS

    run(work)


async def _signed_entry(connection: asyncpg.Connection, manner: Manner) -> ManualEntry:
    """An entry that says nothing yet: who, why, when, and on what evidence."""
    now = now_ms()
    at_ms = parse_time(manner.at) if manner.at is not None else None
    if at_ms is not None and at_ms > now:
        raise ValueError(f"--at: expected a time that has been, was {manner.at}")
    if at_ms is None and manner.tx:
        at_ms = await time_of(connection, manner.wallet, manner.tx)
    who = manner.who or _user()
    return ManualEntry(
        entry_id="", who=who, why=manner.why, occurred_at_ms=now if at_ms is None else at_ms, tx_hash=manner.tx or ""
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        fail("this system has no name for its user: say who you are by --who")


def _may_be_booked(manner: Manner, shown: Preview, holder: str) -> None:
    """Ends with exit code 2, and why nothing was booked, unless the entry may be booked."""
    if holder:
        fail(held_words(manner.wallet, holder))
    if shown.broken and not manner.force:
        ids = " and ".join(broken.id for broken in shown.broken)
        if manner.as_json:
            print_json(preview_json(shown, None))
        fail(f"the entry would break {ids}: nothing was booked (--force books it all the same)")
    if manner.yes:
        return
    if manner.as_json or not sys.stdin.isatty():
        if manner.as_json:
            print_json(preview_json(shown, None))
        fail("nothing was booked: there is nobody to ask here (--yes books without asking)")
    try:
        agreed = typer.confirm("Book it?", err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        fail("nothing was booked")
