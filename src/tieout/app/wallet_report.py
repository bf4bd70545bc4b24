"""What became of a wallet by a block: positions, profit before and after fees, what it was paid, and its collateral."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tieout.app.block_books import BlockBooks
from tieout.client.chain import BlockHead
from tieout.jobs.tie_out import TieOut
from tieout.ledger.books import Books
from tieout.ledger.events import flow_of
from tieout.ledger.facts import INCOME
from tieout.ledger.rows import MovementRow, PositionRow
from tieout.ledger.units import MICRO


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """A position that is held. `worth` is what it pays, rounded down, None while its market is not resolved."""

    row: PositionRow
    worth: int | None = None

    @property
    def average(self) -> int:
        """Cost of a share, rounded down."""
        return self.row.cost_basis * MICRO // self.row.shares if self.row.shares else 0

    @property
    def unrealized(self) -> int | None:
        """What redeeming it makes, before fees."""
        return None if self.worth is None else self.worth - self.row.cost_basis


@dataclass(frozen=True, slots=True)
class WalletReport:
    """Everything as of `block`, micro-units. `flows` are signed, by name; `coins` are the wallet's balances there."""

    block: BlockHead
    open: tuple[OpenPosition, ...]
    closed: int
    closed_realized: int
    cost_basis: int
    realized: int
    fees: int
    flows: Mapping[str, int]
    trading: Mapping[str, int]
    """Signed collateral by what moved it: bought, sold, fees, splits, merges, payouts."""
    coins: Mapping[str, int]
    collateral: int
    """What the movements add up to."""
    movements: int

    @property
    def after_fees(self) -> int:
        """Realized PnL less fees."""
        return self.realized - self.fees

    @property
    def income(self) -> dict[str, int]:
        """What the venue paid, by kind."""
        return {flow.value: self.flows[flow.value] for flow in INCOME if self.flows.get(flow.value)}

    @property
    def net(self) -> int:
        """Realized PnL less fees, with what the venue paid."""
        return self.after_fees + sum(self.income.values())

    @property
    def unrealized(self) -> int:
        """Of the open positions whose worth is known."""
        return sum(each.unrealized or 0 for each in self.open)


_TRADING = ("bought", "sold", "fees", "splits", "merges", "payouts")


def report_of(books: Books, at: BlockBooks, tie: TieOut) -> WalletReport:
    """The figures of *books*, *at* the block of *tie*."""
    payouts = {token: vector for book in books.books.values() for token, vector in book.timeline.payouts.items()}
    held = [row for row in at.positions if row.shares]
    closed = [row for row in at.positions if not row.shares]
    return WalletReport(
        block=tie.block,
        open=tuple(OpenPosition(row, _worth(row, payouts)) for row in sorted(held, key=lambda row: -row.cost_basis)),
        closed=len(closed),
        closed_realized=sum(row.realized_pnl for row in closed),
        cost_basis=sum(row.cost_basis for row in held),
        realized=sum(row.realized_pnl for row in at.positions),
        fees=sum(row.fees for row in at.positions),
        flows=flows_of(at.movements),
        trading={name: at.flows[name] for name in _TRADING},
        coins=tie.collateral.coins,
        collateral=at.collateral,
        movements=at.counted,
    )


def _worth(row: PositionRow, payouts: Mapping[str, tuple[int, int]]) -> int | None:
    numerator, total = payouts.get(row.token_id, (0, 0))
    return row.shares * numerator // total if total else None


def flows_of(movements: tuple[MovementRow, ...]) -> dict[str, int]:
    """Signed collateral of the flows by name: DEPOSIT, WITHDRAWAL, REWARD..."""
    total: Counter[str] = Counter()
    for movement in movements:
        if movement.kind == "cash":
            total[flow_name(movement)] += movement.cash
    return {name: amount for name, amount in sorted(total.items()) if amount}


def flow_name(movement: MovementRow) -> str:
    """What a movement of kind "cash" is called."""
    return flow_of(movement.key).value
