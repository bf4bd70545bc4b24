"""`tieout books`: positions, cost basis, PnL and collateral."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tieout.app.database import session
from tieout.app.history import Moment
from tieout.app.queries import WalletBooks, total_of
from tieout.app.settings import Settings
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, AsKnown, AsOf, Wallet, moment_of
from tieout.cli.output import HOLDS, blank_zero, counted, money, out, print_json, run, say
from tieout.cli.views import head_line, wallet_books
from tieout.ledger.rows import PositionRow
from tieout.ledger.units import MICRO


def books(
    wallet: Wallet,
    as_json: AsJson = False,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    every: Annotated[bool, typer.Option("--all", help="Also positions that are closed.")] = False,
) -> None:
    """Positions, cost basis, PnL and collateral of a wallet."""

    async def work() -> int:
        moment = moment_of(as_of, as_known)
        async with session(Settings()) as connection:
            view = await wallet_books(connection, wallet, moment)
        if as_json:
            print_json(_books_json(view))
        else:
            _show(view, moment, every)
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


def _is_open(row: PositionRow) -> bool:
    return bool(row.shares or row.provisional_shares or row.unexplained_shares or row.unexplained_proceeds)


def _show(view: WalletBooks, moment: Moment, every: bool) -> None:
    rows = view.rows.positions
    head_line(view, moment)
    out.print()
    if rows:
        _show_positions(rows, every)
    else:
        out.print(Text("no positions", style="dim"))
    out.print()
    _show_collateral(view)
    if any(row.provisional_shares for row in rows):
        out.print()
        say(
            ("provisional: ", "yellow"),
            "matched according to order messages, with no trade seen for it yet. Not part of the shares; it goes when "
            "the trade arrives.",
        )
    if any(row.unexplained_shares or row.unexplained_proceeds for row in rows):
        out.print()
        say(
            ("unexplained: ", "yellow"),
            "shares left, or were paid for, that the books never saw arrive. The history starts in the middle, or a "
            "message is missing. Their profit cannot be told and is not invented.",
        )


def _show_positions(rows: list[PositionRow], every: bool) -> None:
    shown = [row for row in rows if every or _is_open(row)]
    made = Grid(
        Column("condition", drop=5, groups=True),
        Column("outcome", drop=8, right=True),
        Column("token"),
        Column("shares", right=True),
        Column("cost basis", drop=2, right=True),
        Column("average", drop=9, right=True),
        Column("realized", drop=6, right=True),
        Column("fees", drop=7, right=True),
        Column("after fees", drop=1, right=True),
        Column("provisional", drop=4, right=True),
        Column("unexplained", drop=3, right=True),
    )
    for row in sorted(shown, key=lambda r: (r.condition_id, r.outcome_index, r.token_id)):
        outcome = str(row.outcome_index) if row.outcome_index >= 0 else "?"
        made.add(short(row.condition_id, 8, 4), outcome, _token(row), *_amounts(row))
    made.total(counted(len(rows), "position"), "", "", "", *_amounts(total_of(rows)))
    made.print(out)
    hidden = len(rows) - len(shown)
    if hidden:
        say((f"{hidden} of them closed, in the sums, not in the list (--all shows them)", "dim"))


def _token(row: PositionRow) -> Text:
    """The token; where no message told its id, "condition#outcome"."""
    return Text(short(row.token_id, 6, 6), "yellow") if "#" in row.token_id else Text(short(row.token_id, 6, 4))


def _amounts(row: PositionRow) -> list[Text]:
    average = money(row.cost_basis * MICRO // row.shares) if row.shares and row.token_id else Text("")
    unexplained = blank_zero(row.unexplained_shares, style="yellow")
    if row.unexplained_proceeds and not row.unexplained_shares:
        unexplained = Text(f"{money(row.unexplained_proceeds).plain} paid", style="yellow")
    return [
        money(row.shares),
        money(row.cost_basis),
        average,
        money(row.realized_pnl, signed=True),
        money(row.fees),
        money(row.realized_pnl - row.fees, signed=True),
        blank_zero(row.provisional_shares, signed=True, style="yellow"),
        unexplained,
    ]


def _show_collateral(view: WalletBooks) -> None:
    made = Grid(Column("collateral"), Column("amount", right=True))
    for name in view.collateral.__slots__:
        amount = getattr(view.collateral, name)
        if amount:
            made.add(name, money(amount, signed=True))
    made.total("net", "", money(view.collateral.net, signed=True))
    made.print(out)
