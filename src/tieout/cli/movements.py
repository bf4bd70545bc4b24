"""`tieout orders` and `tieout fills`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tieout.app.database import session
from tieout.app.queries import open_orders
from tieout.app.settings import Settings
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, AsKnown, AsOf, Wallet, moment_of
from tieout.cli.output import HOLDS, blank_zero, counted, money, out, print_json, run, say, when
from tieout.cli.views import head_line, wallet_books
from tieout.ledger.rows import MovementRow, OrderRow

_STATE_STYLE = {"live": "green", "closing": "yellow", "closed": "dim", "rejected": "red", "unknown": "red"}
_STATUS_STYLE = {
    "SETTLED": "green",
    "CONFIRMED": "green",
    "REPORTED": "cyan",
    "MANUAL": "magenta",
}
_PLAIN = frozenset({"placed_at_ms", "occurred_at_ms", "chain_position"})


def _json(row: OrderRow | MovementRow) -> dict[str, object]:
    """A row for JSON: amounts as strings, names and times as they are."""
    return {name: value if name in _PLAIN else str(value) for name, value in row._asdict().items()}


def orders(
    wallet: Wallet,
    as_json: AsJson = False,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    every: Annotated[bool, typer.Option("--all", help="Also orders that are closed.")] = False,
) -> None:
    """Orders of a wallet: what the venue claims, what the fills cover, and the gap."""

    async def work() -> int:
        moment = moment_of(as_of, as_known)
        async with session(Settings()) as connection:
            view = await wallet_books(connection, wallet, moment)
        rows = view.rows.orders if every else open_orders(view.rows.orders)
        if as_json:
            print_json([_json(row) for row in rows])
        else:
            head_line(view, moment)
            out.print()
            _show_orders(rows, len(view.rows.orders) - len(rows))
        return HOLDS

    run(work)


def _show_orders(rows: list[OrderRow], closed: int) -> None:
    made = Grid(
        Column("order"),
        Column("token", drop=6, groups=True),
        Column("state"),
        Column("side", drop=5),
        Column("price", drop=3, right=True),
        Column("size", drop=4, right=True),
        Column("claimed", drop=7, right=True),
        Column("filled", drop=1, right=True),
        Column("gap", drop=2, right=True),
        Column("reason", drop=8, folds=True),
    )
    for row in rows:
        made.add(
            short(row.order_id, 8, 4),
            short(row.token_id, 6, 4),
            Text(row.state, style=_STATE_STYLE.get(row.state, "")),
            Text(row.side or "?", style={"BUY": "green", "SELL": "red"}.get(row.side, "yellow")),
            money(row.price) if row.side else Text("?", style="yellow"),
            money(row.size) if row.side else Text("?", style="yellow"),
            money(row.claimed),
            money(row.filled),
            blank_zero(row.provisional, style="yellow"),
            row.reason,
        )
    if rows:
        made.print(out)
    say((counted(len(rows), "order") + (f", {closed:,} closed not shown (--all)" if closed else ""), "dim"))
    if any(row.provisional for row in rows):
        say(("gap: ", "yellow"), "claimed by order messages, and no trade seen for it yet")
    if any(not row.side for row in rows):
        say(("?: ", "yellow"), "no message told the terms of the order")


def fills(wallet: Wallet, as_json: AsJson = False, as_of: AsOf = None, as_known: AsKnown = None) -> None:
    """Every movement of the books: fills first of all, and splits, merges, redemptions, transfers, cash."""

    async def work() -> int:
        moment = moment_of(as_of, as_known)
        async with session(Settings()) as connection:
            view = await wallet_books(connection, wallet, moment)
        rows = sorted(view.rows.movements, key=lambda r: (r.occurred_at_ms, r.chain_position, r.key))
        if as_json:
            print_json([_json(row) for row in rows])
        else:
            head_line(view, moment)
            out.print()
            _show_movements(rows)
        return HOLDS

    run(work)


def _show_movements(rows: list[MovementRow]) -> None:
    made = Grid(
        Column("when (UTC)", drop=3),
        Column("what"),
        Column("token", drop=2, groups=True),
        Column("shares", right=True),
        Column("collateral", drop=5, right=True),
        Column("fee", drop=4, right=True),
        Column("cash", right=True),
        Column("status", drop=6),
        Column("evidence", drop=7),
    )
    for row in rows:
        made.add(
            when(row.occurred_at_ms),
            row.key.partition("/")[0] if row.kind == "cash" else row.kind,
            short(row.token_id or row.condition_id, 6, 4),
            blank_zero(row.shares),
            blank_zero(row.collateral),
            blank_zero(row.fee),
            money(row.cash, signed=True),
            Text(row.status, style=_STATUS_STYLE.get(row.status, "yellow")),
            short(row.tx_hash or row.key, 10, 6),
        )
    if rows:
        made.print(out)
    say((counted(len(rows), "movement"), "dim"))
