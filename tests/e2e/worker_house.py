"""The books of a worker against the venue's own accounts: shares, cash, orders and fills, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from tieout.app.history import verify
from tieout.jobs.order_questions import ABSENT
from tieout.sim.model import Order, Trade, TradeStatus
from tieout.sim.truth import open_orders, shares_held
from tieout.sim.world import World

FINAL = (TradeStatus.CONFIRMED, TradeStatus.FAILED)


class FillRow(NamedTuple):
    """One fill of the wallet. Micro-units; the collateral is before the fee."""

    kind: str
    token_id: str
    shares: int
    collateral: int
    fee: int
    order_id: str
    tx_hash: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """One wallet as the venue knows it and as the books have it."""

    world: World
    wallet: str
    connection: asyncpg.Connection
    wallet_id: int

    # the venue

    def orders(self) -> dict[str, Order]:
        """Every order the venue ever took from the wallet, by id."""
        orders = self.world.exchange.orders
        return {order_id: order for order_id, order in orders.items() if order.request.wallet == self.wallet}

    def trades(self) -> list[Trade]:
        """Every trade the wallet is in, in either role."""
        return [trade for trade in self.world.exchange.trades.values() if self.wallet in trade.wallets]

    def is_settled(self) -> bool:
        """Nothing of the wallet rests and no trade of it is on its way."""
        return not open_orders(self.world, self.wallet) and all(trade.status in FINAL for trade in self.trades())

    def fills(self) -> dict[str, FillRow]:
        """What its confirmed trades moved, leg by leg, by the key that the books give a fill."""
        confirmed = (trade for trade in self.trades() if trade.status is TradeStatus.CONFIRMED)
        return dict(fill for trade in confirmed for fill in self._legs(trade))

    def _legs(self, trade: Trade) -> Iterator[tuple[str, FillRow]]:
        parts = [(trade.taker, trade.shares, trade.cash, trade.fee)]
        parts += [(leg.maker, leg.shares, leg.cash, 0) for leg in trade.legs]
        for order, shares, cash, fee in parts:
            if order.request.wallet == self.wallet:
                kind, token = order.side.name.lower(), str(order.request.token)
                row = FillRow(kind, token, shares, cash, fee, order.id, trade.tx_hash)
                yield f"fill/{trade.id}/{order.id}", row

    # the books

    async def differences(self) -> list[str]:
        """Everything in which the books are not the venue's, in words; nothing may be on its way."""
        found = [
            *_unequal("shares of token", await self._booked_shares(), shares_held(self.world, self.wallet)),
            *_unequal("fill", await self._booked_fills(), self.fills()),
            *await self._order_differences(),
        ]
        cash = await self.connection.fetchval(
            "SELECT coalesce(sum(cash), 0)::bigint FROM movements WHERE wallet_id = $1", self.wallet_id
        )
        found += _unequal("collateral", {"": cash}, {"": self.world.chain.cash(self.wallet)})
        verified = await verify(self.connection, self.wallet_id)
        return [*found, *verified.chain_breaks, *verified.differences]

    async def _booked_shares(self) -> dict[str, int]:
        rows = await self._fetch("SELECT token_id, shares FROM positions WHERE wallet_id = $1 AND shares > 0")
        return {row["token_id"]: row["shares"] for row in rows}

    async def _booked_fills(self) -> dict[str, FillRow]:
        rows = await self._fetch(
            "SELECT key, kind, token_id, shares, collateral, fee, order_id, tx_hash FROM movements "
            "WHERE wallet_id = $1 AND kind IN ('buy', 'sell')"
        )
        return {row["key"]: FillRow(*tuple(row)[1:]) for row in rows}

    async def _order_differences(self) -> list[str]:
        """Orders that one side has and the other not, and what was filled of those that both have."""
        venue = self.orders()
        rows = {row["order_id"]: row for row in await self._fetch("SELECT * FROM orders WHERE wallet_id = $1")}
        booked = {order_id: row["filled"] + row["failed"] for order_id, row in rows.items() if order_id in venue}
        matched = {order_id: order.matched for order_id, order in venue.items()}
        never = {order_id: row for order_id, row in rows.items() if order_id not in venue}
        live = {order_id for order_id, row in rows.items() if row["state"] in ("intended", "live", "closing")}
        return [
            *_unequal("filled of order", booked, matched),
            *(
                f"order {order_id}: never at the venue, yet {row['state']} with {row['filled']} filled"
                for order_id, row in never.items()
                if row["filled"] or row["state"] not in ("closed", "rejected")
            ),
            *(
                f"order {order_id}: it never arrived, say the books, and the venue had it"
                for order_id in booked
                if rows[order_id]["reason"] == ABSENT
            ),
            *(f"order {order_id}: live on one side only" for order_id in live ^ open_orders(self.world, self.wallet)),
        ]

    async def not_booked(self) -> list[str]:
        """Orders that the venue took and the books do not know, at whatever moment: there is an intent first (P3)."""
        known = {row["order_id"] for row in await self._fetch("SELECT order_id FROM orders WHERE wallet_id = $1")}
        return sorted(self.orders().keys() - known)

    async def _fetch(self, query: str) -> Iterable[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.connection.fetch(query, self.wallet_id)
        return rows


def _unequal(
    what: str, books: dict[str, object] | dict[str, int], venue: dict[str, object] | dict[str, int]
) -> list[str]:
    return [
        f"{what} {key}: {books.get(key)} in the books, {venue.get(key)} at the venue"
        for key in sorted(books.keys() | venue.keys())
        if books.get(key) != venue.get(key)
    ]
