"""`tieout adjust`: entries by hand, shown before they are booked, taken back by another entry."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import asyncpg
import msgspec
import typer

from tieout.app.adjust_drafts import cost_to, moved, of_set, of_token, reversal
from tieout.app.adjust_names import entries
from tieout.app.database import database
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.cli.adjust_entry import Draft, entry_command
from tieout.cli.adjust_options import (
    Amount,
    Fee,
    New,
    SetName,
    TokenName,
    at_least_zero,
    signed,
)
from tieout.cli.adjust_views import booked_json, show_list
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import HOLDS, print_json, run
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


@entry_command(app, "buy")
def buy(
    token: TokenName,
    shares: Amount,
    cost: Annotated[str, typer.Option("--cost", metavar="AMOUNT", help="Collateral paid.", callback=at_least_zero)],
    fee: Fee = "0",
    condition: New = None,
) -> Draft:
    """Shares bought outside of the venue."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        bought = {"shares": micro(shares), "collateral": -micro(cost), "fee": micro(fee)}
        return await of_token(connection, wallet_id, entry, token, condition or "", **bought)

    return draft


@entry_command(app, "sell")
def sell(
    token: TokenName,
    shares: Amount,
    proceeds: Annotated[
        str, typer.Option("--proceeds", metavar="AMOUNT", help="Collateral received.", callback=at_least_zero)
    ],
    fee: Fee = "0",
) -> Draft:
    """Shares sold outside of the venue."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        sold = {"shares": -micro(shares), "collateral": micro(proceeds), "fee": micro(fee)}
        return await of_token(connection, wallet_id, entry, token, "", **sold)

    return draft


@entry_command(app, "split")
def split(
    condition: SetName,
    amount: Amount,
) -> Draft:
    """Collateral turned into full sets: AMOUNT shares of every outcome for AMOUNT of collateral."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        return await of_set(connection, wallet_id, entry, condition, Act.SPLIT, micro(amount))

    return draft


@entry_command(app, "merge")
def merge(
    condition: SetName,
    amount: Amount,
) -> Draft:
    """Full sets turned into collateral: AMOUNT shares of every outcome for AMOUNT of collateral."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        return await of_set(connection, wallet_id, entry, condition, Act.MERGE, micro(amount))

    return draft


@entry_command(app, "transfer-in")
def transfer_in(
    token: TokenName,
    shares: Amount,
    cost: Annotated[
        str | None, typer.Option("--cost", metavar="AMOUNT", help="What all of them cost.", callback=at_least_zero)
    ] = None,
    policy: Annotated[
        Policy | None, typer.Option("--policy", help="Where the cost is from; `given` when --cost stands alone.")
    ] = None,
    condition: New = None,
) -> Draft:
    """Tokens that came from somebody else, at a stated cost."""
    if cost is None and policy is not Policy.ZERO:
        raise typer.BadParameter("say what they cost: --cost AMOUNT, or --policy zero when nothing is known")
    if cost is not None and micro(cost) and policy is Policy.ZERO:
        raise typer.BadParameter("--policy zero and a --cost exclude each other")

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        came = await of_token(connection, wallet_id, entry, token, condition or "", shares=micro(shares))
        return moved(came, micro(cost or "0"), (policy or Policy.GIVEN).value)

    return draft


@entry_command(app, "transfer-out")
def transfer_out(
    token: TokenName,
    shares: Amount,
) -> Draft:
    """Tokens that went to somebody else: their cost goes with them, without profit or loss."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        return moved(await of_token(connection, wallet_id, entry, token, "", shares=-micro(shares)))

    return draft


@entry_command(app, "cost")
def cost_(
    token: TokenName,
    by: Annotated[
        str | None, typer.Option("--by", metavar="AMOUNT", help="So much more, or less with a minus.", callback=signed)
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="AMOUNT", help="What the cost basis was then.", callback=at_least_zero),
    ] = None,
) -> Draft:
    """Correct the cost basis of the shares held at a time; no share and no collateral moves."""
    if (by is None) == (to is None):
        raise typer.BadParameter("expected one of --by AMOUNT and --to AMOUNT")

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        named = await of_token(connection, wallet_id, entry, token, "", cost_correction=micro(by or "0"))
        return named if to is None else await cost_to(connection, wallet_id, named, micro(to))

    return draft


@entry_command(app, "cash")
def cash(
    way: Annotated[Way, typer.Argument(help="Into the wallet or out of it.")],
    amount: Amount,
) -> Draft:
    """Collateral that came or went without a token moving."""

    async def draft(_connection: asyncpg.Connection, _wallet_id: int, entry: ManualEntry) -> ManualEntry:
        return msgspec.structs.replace(entry, collateral=micro(amount) if way is Way.IN else -micro(amount))

    return draft


@entry_command(app, "reverse", but=("at", "tx"))
def reverse(
    name: Annotated[str, typer.Argument(metavar="ENTRY", help="The entry, or the beginning of its id.")],
) -> Draft:
    """Take the effect of an entry away; reversing a reversal brings it back."""

    async def draft(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry) -> ManualEntry:
        return await reversal(connection, wallet_id, entry, name)

    return draft


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
