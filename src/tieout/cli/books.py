"""`tieout books`, `orders`, `fills`: the stored state, or the books at another moment."""

from __future__ import annotations

from typing import Annotated

import asyncpg
import typer
from rich.text import Text

from tieout.app.database import session
from tieout.app.history import rebuild
from tieout.app.queries import WalletBooks, books_of, open_orders, read_books, require_wallet, total_of
from tieout.app.settings import Settings
from tieout.cli.options import AsJson, AsKnown, AsOf, Wallet, moment_of
from tieout.cli.output import HOLDS, err, money, out, print_json, run, short, table, when
from tieout.ledger.rows import MovementRow, OrderRow, PositionRow
from tieout.store.wallets import head_of


async def _books(connection: asyncpg.Connection, wallet: str, as_of: str | None, as_known: str | None) -> WalletBooks:
    moment = moment_of(as_of, as_known)
    if moment.is_now:
        return await read_books(connection, wallet)
    wallet_id = await require_wallet(connection, wallet)
    head, _, _ = await head_of(connection, wallet_id)
    with err.status("reading the log") as status:
        folded = await rebuild(
            connection, wallet_id, moment, lambda n: status.update(f"reading the log: {n:,} of {head.seq:,} entries")
        )
    return books_of(wallet, head, folded)


def books(
    wallet: Wallet,
    as_json: AsJson = False,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    every: Annotated[bool, typer.Option("--all", help="Also positions that are closed.")] = False,
) -> None:
    """Positions, cost basis, PnL and collateral of a wallet."""

    async def work() -> int:
        async with session(Settings()) as connection:
            view = await _books(connection, wallet, as_of, as_known)
        if as_json:
            print_json(_books_json(view))
        else:
            _show_books(view, every)
        return HOLDS

    run(work)


def _books_json(view: WalletBooks) -> dict[str, object]:
    collateral = {name: str(getattr(view.collateral, name)) for name in view.collateral.__slots__}
    return {
        "wallet": view.wallet,
        "head": {"seq": view.head.seq, "hash": view.head.hash.hex()},
        "collateral": {**collateral, "net": str(view.collateral.net)},
        "positions": [_position_json(row) for row in view.rows.positions],
    }


def _position_json(row: PositionRow) -> dict[str, object]:
    return {
        "condition_id": row.condition_id,
        "token_id": row.token_id,
        "outcome_index": row.outcome_index if row.outcome_index >= 0 else None,
        "shares": str(row.shares),
        "cost_basis": str(row.cost_basis),
        "realized_pnl": str(row.realized_pnl),
        "fees": str(row.fees),
        "provisional_shares": str(row.provisional_shares),
        "unsettled_shares": str(row.unsettled_shares),
        "unexplained_shares": str(row.unexplained_shares),
        "unexplained_proceeds": str(row.unexplained_proceeds),
    }


def _show_books(view: WalletBooks, every: bool) -> None:
    rows = view.rows.positions
    shown = [row for row in rows if every or row.shares or row.provisional_shares or row.unexplained_proceeds]
    _head_line(view)
    made = table(
        ("condition", "left"),
        ("outcome token", "left"),
        ("shares", "right"),
        ("cost basis", "right"),
        ("average", "right"),
        ("realized", "right"),
        ("fees", "right"),
        ("after fees", "right"),
        ("provisional", "right"),
        ("unexplained", "right"),
    )
    for row in sorted(shown, key=lambda r: (r.condition_id, r.outcome_index, r.token_id)):
        made.add_row(short(row.condition_id), short(row.token_id), *_amounts(row))
    made.add_section()
    made.add_row(Text(f"{len(rows)} positions", style="bold"), "", *_amounts(total_of(rows)))
    out.print(made)
    hidden = len(rows) - len(shown)
    if hidden:
        out.print(Text(f"{hidden} closed positions not shown (--all)", style="dim"))
    _show_collateral(view)
    if any(row.unexplained_shares or row.unexplained_proceeds for row in rows):
        out.print(
            Text(
                "unexplained: shares left that the books never saw arrive. The history starts in the middle, or a "
                "message is missing; their profit cannot be told and is not invented.",
                style="yellow",
            ),
            soft_wrap=True,
        )


def _head_line(view: WalletBooks) -> None:
    out.print(
        Text.assemble(
            ("wallet ", "dim"),
            (view.wallet, "bold"),
            ("   log ", "dim"),
            f"{view.head.seq:,} entries",
            ("   head ", "dim"),
            view.head.hash.hex()[:16],
        )
    )


def _amounts(row: PositionRow) -> list[Text]:
    average = money(row.cost_basis * 1_000_000 // row.shares) if row.shares else Text("")
    provisional = money(row.provisional_shares, signed=True) if row.provisional_shares else Text("")
    unexplained = Text(money(row.unexplained_shares).plain, style="yellow") if row.unexplained_shares else Text("")
    if row.unexplained_proceeds and not row.unexplained_shares:
        unexplained = Text(f"{money(row.unexplained_proceeds).plain} paid", style="yellow")
    return [
        money(row.shares),
        money(row.cost_basis),
        average if row.token_id else Text(""),
        money(row.realized_pnl, signed=True),
        money(row.fees),
        money(row.realized_pnl - row.fees, signed=True),
        provisional,
        unexplained,
    ]


def _show_collateral(view: WalletBooks) -> None:
    made = table(("collateral", "left"), ("amount", "right"))
    for name in view.collateral.__slots__:
        amount = getattr(view.collateral, name)
        if amount:
            made.add_row(name, money(amount, signed=True))
    made.add_row(Text("net", style="bold"), money(view.collateral.net, signed=True))
    out.print()
    out.print(made)


def orders(
    wallet: Wallet,
    as_json: AsJson = False,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    every: Annotated[bool, typer.Option("--all", help="Also orders that are closed.")] = False,
) -> None:
    """Orders of a wallet: what the venue claims, what the fills cover, and the gap."""

    async def work() -> int:
        async with session(Settings()) as connection:
            view = await _books(connection, wallet, as_of, as_known)
        rows = view.rows.orders if every else open_orders(view.rows.orders)
        if as_json:
            print_json([_texts(row) for row in rows])
        else:
            _head_line(view)
            _show_orders(rows)
        return HOLDS

    run(work)


def _texts(row: OrderRow | MovementRow) -> dict[str, object]:
    """A row for JSON: amounts as strings, names and times as they are."""
    plain = {"placed_at_ms", "occurred_at_ms", "chain_position"}
    return {name: value if name in plain else str(value) for name, value in row._asdict().items()}


_STATE_STYLE = {"live": "green", "closing": "yellow", "closed": "dim", "rejected": "red", "unknown": "red"}


def _show_orders(rows: list[OrderRow]) -> None:
    made = table(
        ("order", "left"),
        ("token", "left"),
        ("state", "left"),
        ("side", "left"),
        ("price", "right"),
        ("size", "right"),
        ("claimed", "right"),
        ("filled", "right"),
        ("gap", "right"),
        ("reason", "left"),
    )
    for row in rows:
        made.add_row(
            short(row.order_id),
            short(row.token_id),
            Text(row.state, style=_STATE_STYLE.get(row.state, "")),
            Text(row.side, style="green" if row.side == "BUY" else "red"),
            money(row.price),
            money(row.size),
            money(row.claimed),
            money(row.filled),
            Text(money(row.provisional).plain, style="yellow") if row.provisional else Text(""),
            row.reason[:40],
        )
    out.print(made)
    out.print(Text(f"{len(rows)} orders", style="dim"))


def fills(wallet: Wallet, as_json: AsJson = False, as_of: AsOf = None, as_known: AsKnown = None) -> None:
    """Every movement of the books: fills first of all, and splits, merges, redemptions, transfers, cash."""

    async def work() -> int:
        async with session(Settings()) as connection:
            view = await _books(connection, wallet, as_of, as_known)
        rows = sorted(view.rows.movements, key=lambda r: (r.occurred_at_ms, r.chain_position, r.key))
        if as_json:
            print_json([_texts(row) for row in rows])
        else:
            _head_line(view)
            _show_movements(rows)
        return HOLDS

    run(work)


_STATUS_STYLE = {
    "SETTLED": "green",
    "CONFIRMED": "green",
    "REPORTED": "cyan",
    "MANUAL": "magenta",
    "INFERRED": "yellow",
}


def _show_movements(rows: list[MovementRow]) -> None:
    made = table(
        ("when (UTC)", "left"),
        ("what", "left"),
        ("token", "left"),
        ("shares", "right"),
        ("collateral", "right"),
        ("fee", "right"),
        ("cash", "right"),
        ("status", "left"),
        ("evidence", "left"),
    )
    for row in rows:
        what = row.key.partition("/")[0] if row.kind == "cash" else row.kind
        made.add_row(
            when(row.occurred_at_ms),
            what,
            short(row.token_id),
            money(row.shares),
            money(row.collateral),
            money(row.fee),
            money(row.cash, signed=True),
            Text(row.status, style=_STATUS_STYLE.get(row.status, "yellow")),
            short(row.tx_hash or row.key, 10, 6),
        )
    out.print(made)
    out.print(Text(f"{len(rows)} movements", style="dim"))
