"""What the faces show, read from the stored state."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from tieout.ledger.books import Books
from tieout.ledger.rows import BookRows, MovementRow, OrderRow, PositionRow, all_rows
from tieout.store import log
from tieout.store.errors import StoreError
from tieout.store.wallets import Head, head_of, wallet_id_of


class UnknownWalletError(StoreError):
    """The database has no books of this wallet; import something first."""


@dataclass(frozen=True, slots=True)
class Collateral:
    """Collateral in and out since the books began, in micro-units. `net` is the sum; a history that starts in the
    middle does not know the opening balance, so it may be negative.
    """

    bought: int
    sold: int
    fees: int
    splits: int
    merges: int
    payouts: int
    rewards: int
    rebates: int
    deposits: int
    withdrawals: int
    other: int

    @property
    def net(self) -> int:
        """All of it, signed."""
        return sum(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class WalletBooks:
    """A wallet's books at one head."""

    wallet: str
    head: Head
    rows: BookRows
    collateral: Collateral


async def require_wallet(connection: asyncpg.Connection, wallet: str) -> int:
    """The wallet's id. Raises UnknownWalletError when the database does not know it."""
    wallet_id = await wallet_id_of(connection, wallet)
    if wallet_id is None:
        others = await connection.fetchval("SELECT count(*) FROM wallet")
        raise UnknownWalletError(
            f"no books of wallet {wallet} in this database (it has {others} others: `tieout db status`); "
            f"import its messages first: `tieout import --wallet {wallet} FILE...`"
        )
    return wallet_id


async def read_books(connection: asyncpg.Connection, wallet: str) -> WalletBooks:
    """The books as stored, all rows of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wallet_id = await require_wallet(connection, wallet)
        head, _, _ = await head_of(connection, wallet_id)
        rows = BookRows(*await log.stored_rows(connection, wallet_id))
    return WalletBooks(wallet.lower(), head, rows, collateral_of(rows.movements))


def books_of(wallet: str, head: Head, books: Books) -> WalletBooks:
    """The same view of books folded in memory."""
    rows = all_rows(list(books.books.values()))
    return WalletBooks(wallet.lower(), head, rows, collateral_of(rows.movements))


_CASH_KINDS = {
    "buy": "bought",
    "sell": "sold",
    "split": "splits",
    "merge": "merges",
    "redemption": "payouts",
    "exchange": "payouts",
}
_FLOWS = {
    "reward": "rewards",
    "maker_rebate": "rebates",
    "taker_rebate": "rebates",
    "deposit": "deposits",
    "withdrawal": "withdrawals",
}


def collateral_of(movements: list[MovementRow]) -> Collateral:
    """Collateral by where it came from and went to; fees apart."""
    totals = dict.fromkeys(Collateral.__slots__, 0)
    for movement in movements:
        name = _CASH_KINDS.get(movement.kind) or _FLOWS.get(movement.key.partition("/")[0], "other")
        totals[name] += movement.cash + movement.fee
        totals["fees"] -= movement.fee
    return Collateral(**totals)


def total_of(positions: list[PositionRow]) -> PositionRow:
    """The sums of all amounts; token and condition empty."""
    numbers = [sum(column) for column in list(zip(*positions, strict=True))[3:]] if positions else [0] * 10
    return PositionRow("", "", -1, *numbers)


def open_orders(orders: list[OrderRow]) -> list[OrderRow]:
    """Orders that may still rest or fill."""
    return [order for order in orders if order.state in ("live", "closing", "intended", "unknown")]
