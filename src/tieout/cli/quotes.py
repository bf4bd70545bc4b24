"""`tieout quotes`: what became of every quote."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from tieout.app.database import session
from tieout.app.operations import quotes_of
from tieout.app.settings import Settings
from tieout.app.wording import short
from tieout.cli.control import Market
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import HOLDS, counted, money, out, print_json, run, say, when
from tieout.ledger.facts import Side
from tieout.store.quotes import QuoteEvent, QuoteEventKind

_STYLE = {
    QuoteEventKind.PLACED: "green",
    QuoteEventKind.FILL: "bold cyan",
    QuoteEventKind.PARTIAL_FILL: "cyan",
    QuoteEventKind.REJECTED: "red",
}


def quotes(
    wallet: Wallet,
    as_json: AsJson = False,
    market: Market = None,
    order: Annotated[str | None, typer.Option(metavar="ID", help="The life of this order, from its start.")] = None,
    limit: Annotated[int, typer.Option(help="So many at most.", min=1, max=100_000)] = 50,
) -> None:
    """Quote history, newest first: placed, cancelled, filled, replaced, rejected, and why."""
    if market is not None and order is not None:
        raise typer.BadParameter("--market and --order exclude each other", param_hint="--order")

    async def work() -> int:
        async with session(Settings()) as connection:
            found = await quotes_of(connection, wallet, market, order.lower() if order else None, limit)
        if as_json:
            print_json([{**asdict(one), "price": str(one.price), "size": str(one.size)} for one in found])
        else:
            _show(found)
        return HOLDS

    run(work)


def _show(found: list[QuoteEvent]) -> None:
    made = Grid(
        Column("when (UTC)", drop=1),
        Column("event"),
        Column("market", drop=4, groups=True),
        Column("outcome", drop=3, right=True),
        Column("side"),
        Column("tier", drop=5, right=True),
        Column("price", right=True),
        Column("size", right=True),
        Column("order", drop=2, groups=True),
        Column("why", drop=6, folds=True),
    )
    for one in found:
        made.add(
            when(one.at_ms),
            Text.assemble((one.event, _STYLE.get(one.event, "dim")), (" dry" if one.dry else "", "magenta")),
            short(one.condition_id, 8, 4),
            str(one.outcome_index),
            Text(one.side, style="green" if one.side is Side.BUY else "red"),
            "" if one.tier is None else str(one.tier),
            money(one.price),
            money(one.size),
            short(one.order_id, 8, 4),
            Text(one.reason, style="dim"),
        )
    if found:
        made.print(out)
    say((counted(len(found), "quote event"), "dim"))
