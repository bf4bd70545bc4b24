"""`tieout adjust`: entries by hand, shown before they are booked, taken back by another entry."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import asyncpg
import msgspec
import typer

from tieout.app.adjust_names import entries, entry_id_of, find_entry, find_set, find_token
from tieout.app.adjusting import Preview, book_entry, cost_at, held_words, holder_of, preview, time_of
from tieout.app.clock import now_ms
from tieout.app.database import database
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.cli.adjust_options import (
    Amount,
    At,
    Fee,
    Force,
    Look,
    New,
    SetName,
    TokenName,
    Tx,
    Who,
    Why,
    at_least_zero,
    signed,
)
from tieout.cli.adjust_views import booked_json, preview_json, show_list, show_preview
from tieout.cli.control import Yes
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, fail, parse_time, print_json, run, say
from tieout.ledger.facts import Act, ManualEntry
from tieout.ledger.units import micro
from tieout.store.connect import connected

app = typer.Typer(
    help="Book by hand what no source can tell, with who and why. Every entry is shown before it is booked, and "
    "taken back by another one.",
    no_args_is_help=True,
)


class Policy(StrEnum):
    """Where the cost of tokens that came in is from."""

    ZERO = "zero"
    MARK = "mark"
    GIVEN = "given"


class Way(StrEnum):
    """In or out of the wallet."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class _Manner:
    """How an entry is signed and booked: the options that every command has."""

    wallet: str
    why: str
    who: str | None
    yes: bool
    look: bool
    force: bool
    as_json: bool
    at: str | None = None
    tx: str | None = None


Draft = Callable[[asyncpg.Connection, int, ManualEntry], Awaitable[ManualEntry]]
"""(connection, wallet id, an entry with who, why, when and its transaction) -> the entry with what it says."""


@app.command("buy")
def buy(
    token: TokenName,
    shares: Amount,
    wallet: Wallet,
    why: Why,
    cost: Annotated[str, typer.Option("--cost", metavar="AMOUNT", help="Collateral paid.", callback=at_least_zero)],
    fee: Fee = "0",
    condition: New = None,
    who: Who = None,
    at: At = None,
    tx: Tx = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Shares bought outside of the venue."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        bought = {"shares": micro(shares), "collateral": -micro(cost), "fee": micro(fee)}
        return await _of_token(connection, wallet_id, entry, token, condition, **bought)

    _enter(_Manner(wallet, why, who, yes, look, force, as_json, at, tx), draft)


@app.command("sell")
def sell(
    token: TokenName,
    shares: Amount,
    wallet: Wallet,
    why: Why,
    proceeds: Annotated[
        str, typer.Option("--proceeds", metavar="AMOUNT", help="Collateral received.", callback=at_least_zero)
    ],
    fee: Fee = "0",
    who: Who = None,
    at: At = None,
    tx: Tx = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Shares sold outside of the venue."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        sold = {"shares": -micro(shares), "collateral": micro(proceeds), "fee": micro(fee)}
        return await _of_token(connection, wallet_id, entry, token, None, **sold)

    _enter(_Manner(wallet, why, who, yes, look, force, as_json, at, tx), draft)


@app.command("split")
def split(
    condition: SetName,
    amount: Amount,
    wallet: Wallet,
    why: Why,
    who: Who = None,
    at: At = None,
    tx: Tx = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Collateral turned into full sets: AMOUNT shares of every outcome for AMOUNT of collateral."""
    _enter(_Manner(wallet, why, who, yes, look, force, as_json, at, tx), _of_set(condition, Act.SPLIT, micro(amount)))


@app.command("merge")
def merge(
    condition: SetName,
    amount: Amount,
    wallet: Wallet,
    why: Why,
    who: Who = None,
    at: At = None,
    tx: Tx = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Full sets turned into collateral: AMOUNT shares of every outcome for AMOUNT of collateral."""
    _enter(_Manner(wallet, why, who, yes, look, force, as_json, at, tx), _of_set(condition, Act.MERGE, micro(amount)))


@app.command("transfer-in")
def transfer_in(
    token: TokenName,
    shares: Amount,
    wallet: Wallet,
    why: Why,
    cost: Annotated[
        str | None, typer.Option("--cost", metavar="AMOUNT", help="What all of them cost.", callback=at_least_zero)
    ] = None,
    policy: Annotated[
        Policy | None, typer.Option("--policy", help="Where the cost is from; `given` when --cost stands alone.")
    ] = None,
    condition: New = None,
    who: Who = None,
    at: At = None,
    tx: Tx = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Tokens that came from somebody else, at a stated cost."""
    if cost is None and policy is not Policy.ZERO:
        raise typer.BadParameter("say what they cost: --cost AMOUNT, or --policy zero when nothing is known")
    if cost is not None and micro(cost) and policy is Policy.ZERO:
        raise typer.BadParameter("--policy zero and a --cost exclude each other")

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        moved = await _of_token(connection, wallet_id, entry, token, condition, shares=micro(shares))
        stated = policy or Policy.GIVEN
        return msgspec.structs.replace(moved, act=Act.TRANSFER, cost=micro(cost or "0"), cost_policy=stated.value)

    _enter(_Manner(wallet, why, who, yes, look, force, as_json, at, tx), draft)


@app.command("transfer-out")
def transfer_out(
    token: TokenName,
    shares: Amount,
    wallet: Wallet,
    why: Why,
    who: Who = None,
    at: At = None,
    tx: Tx = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Tokens that went to somebody else: their cost goes with them, without profit or loss."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        moved = await _of_token(connection, wallet_id, entry, token, None, shares=-micro(shares))
        return msgspec.structs.replace(moved, act=Act.TRANSFER)

    _enter(_Manner(wallet, why, who, yes, look, force, as_json, at, tx), draft)


@app.command("cost")
def cost_(
    token: TokenName,
    wallet: Wallet,
    why: Why,
    by: Annotated[
        str | None, typer.Option("--by", metavar="AMOUNT", help="So much more, or less with a minus.", callback=signed)
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="AMOUNT", help="What the cost basis was then.", callback=at_least_zero),
    ] = None,
    who: Who = None,
    at: At = None,
    tx: Tx = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Correct the cost basis of the shares held at a time; no share and no collateral moves."""
    if (by is None) == (to is None):
        raise typer.BadParameter("expected one of --by AMOUNT and --to AMOUNT")

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        of_token = await _of_token(connection, wallet_id, entry, token, None)
        change = micro(by or "0")
        if to is not None:
            change = micro(to) - await cost_at(connection, wallet, of_token.token_id, entry.occurred_at_ms)
        if not change:
            raise ValueError(f"the cost basis was {to} then already: nothing to correct")
        return msgspec.structs.replace(of_token, cost_correction=change)

    _enter(_Manner(wallet, why, who, yes, look, force, as_json, at, tx), draft)


@app.command("cash")
def cash(
    way: Annotated[Way, typer.Argument(help="Into the wallet or out of it.")],
    amount: Amount,
    wallet: Wallet,
    why: Why,
    who: Who = None,
    at: At = None,
    tx: Tx = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Collateral that came or went without a token moving."""

    async def draft(_connection: asyncpg.Connection, _wallet_id: int, entry: ManualEntry) -> ManualEntry:
        return msgspec.structs.replace(entry, collateral=micro(amount) if way is Way.IN else -micro(amount))

    _enter(_Manner(wallet, why, who, yes, look, force, as_json, at, tx), draft)


@app.command("reverse")
def reverse(
    name: Annotated[str, typer.Argument(metavar="ENTRY", help="The entry, or the beginning of its id.")],
    wallet: Wallet,
    why: Why,
    who: Who = None,
    yes: Yes = False,
    look: Look = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Take the effect of an entry away; reversing a reversal brings it back."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        target = find_entry(await entries(connection, wallet_id), name)
        if not target.stands:
            raise ValueError(
                f"entry {target.entry.entry_id} has no effect already: entry {target.reversed_by} reverses it; "
                f"`tieout adjust reverse {target.reversed_by}` brings it back"
            )
        # True since the entry itself was: it never happened, at whatever time one looks.
        since = target.entry.occurred_at_ms
        return msgspec.structs.replace(entry, reverses=target.entry.entry_id, occurred_at_ms=since)

    _enter(_Manner(wallet, why, who, yes, look, force, as_json), draft)


@app.command("list")
def list_(wallet: Wallet, as_json: AsJson = False) -> None:
    """Every entry made by hand, the newest first: what, who, why, when, and whether it stands."""

    async def work() -> int:
        async with database(Settings()) as dsn, connected(dsn) as connection:
            found = await entries(connection, await require_wallet(connection, wallet))
        if as_json:
            print_json([booked_json(one) for one in found])
        else:
            show_list(found)
        return HOLDS

    run(work)


async def _of_token(
    connection: asyncpg.Connection,
    wallet_id: int,
    entry: ManualEntry,
    name: str,
    condition: str | None,
    **amounts: int,
) -> ManualEntry:
    token = await find_token(connection, wallet_id, name, condition or "")
    return msgspec.structs.replace(entry, token_id=token.token_id, condition_id=token.condition_id, **amounts)


def _of_set(name: str, act: Act, amount: int) -> Draft:
    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        whole = await find_set(connection, wallet_id, name)
        sign = 1 if act is Act.SPLIT else -1
        said = {"condition_id": whole.condition_id, "shares": sign * amount, "collateral": -sign * amount}
        return msgspec.structs.replace(entry, act=act, legs=whole.tokens, **said)

    return draft


def _enter(manner: _Manner, draft: Draft) -> None:
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


async def _signed_entry(connection: asyncpg.Connection, manner: _Manner) -> ManualEntry:
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


def _may_be_booked(manner: _Manner, shown: Preview, holder: str) -> None:
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
