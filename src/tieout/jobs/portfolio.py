"""The portfolio: everything the wallet holds, in the maker's markets or not, marked to market, with its cash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from tieout.client.books import BookShown
from tieout.client.chain import Chain
from tieout.client.clob_account import ClobAccount
from tieout.client.clob_public import ClobPublic
from tieout.client.clock import Clock
from tieout.jobs.job import Result
from tieout.jobs.log_reading import payout_vectors
from tieout.ledger.facts import INCOME
from tieout.ledger.units import cash_of
from tieout.store import marks
from tieout.store.marks import Mark
from tieout.venue.addresses import P_USD
from tieout.venue.tokens import is_structured

BOOKS_MAX = 500
"""Tokens in one POST /books: the limit that the venue's documentation gives."""

_HELD = (
    "SELECT token_id, condition_id, outcome_index, shares, cost_basis FROM positions "
    "WHERE wallet_id = $1 AND shares > 0 ORDER BY token_id"
)
_TOTALS = (
    "SELECT COALESCE(sum(cost_basis), 0)::bigint AS cost_basis, COALESCE(sum(realized_pnl), 0)::bigint AS realized, "
    "COALESCE(sum(fees), 0)::bigint AS fees FROM positions WHERE wallet_id = $1"
)
_REWARDS = (
    "SELECT COALESCE(sum(cash), 0)::bigint FROM movements WHERE wallet_id = $1 AND kind = 'cash' "
    f"AND split_part(key, '/', 1) IN ({', '.join(repr(flow.value.lower()) for flow in INCOME)})"
)


async def rewards_received(connection: asyncpg.Connection, wallet_id: int) -> int:
    """What the venue paid beside trades since the books began, micro-units."""
    return int(await connection.fetchval(_REWARDS, wallet_id))


class PricedBy(StrEnum):
    """What a position's price comes from, the best first."""

    PAYOUT = "payout"
    MIDPOINT = "midpoint"
    LAST_PRICE = "last price"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Priced:
    """One position marked to market; micro-units. Without a price its `value` is its cost."""

    token_id: str
    condition_id: str
    outcome_index: int
    shares: int
    cost_basis: int
    value: int
    by: PricedBy


class Portfolio:
    """Marks the wallet and keeps the mark. Everything it shows is that of the last run."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        wallet: str,
        public: ClobPublic,
        chain: Chain | None,
        account: ClobAccount,
        clock: Clock,
        signature_type: int = 0,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._wallet = wallet
        self._public = public
        self._chain = chain
        self._account = account
        self._clock = clock
        self._signature_type = signature_type
        self._paid: dict[str, tuple[int, ...]] = {}
        """Payouts that the node told: they do not change."""
        self.positions: tuple[Priced, ...] = ()
        self.cash: int | None = None
        """Collateral in micro-units; None before the first run."""
        self.pnl = 0
        """Everything earned since the books began, micro-units."""
        self.pnl_at_day_start = 0
        """The same when the UTC day began, as far as it was marked then."""

    async def run(self) -> Result:
        """Price, keep, and compare with the day's start. Raises VenueError, CallFailedError; then nothing is kept."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            held = await self._connection.fetch(_HELD, self._wallet_id)
            totals = await self._connection.fetchrow(_TOTALS, self._wallet_id)
            rewards = await rewards_received(self._connection, self._wallet_id)
            conditions = sorted({row["condition_id"] for row in held if row["condition_id"]})
            payouts = await payout_vectors(self._connection, self._wallet_id, conditions)
        self.positions = await self._priced(held, payouts)
        cash = await self._cash()
        mark = Mark(
            at_ms=self._clock.now_ms(),
            cash=cash,
            market_value=sum(position.value for position in self.positions),
            cost_basis=totals["cost_basis"],
            realized_pnl=totals["realized"],
            fees=totals["fees"],
            rewards=rewards,
            positions=len(self.positions),
            unpriced=sum(position.by is PricedBy.NOTHING for position in self.positions),
        )
        await marks.append(self._connection, self._wallet_id, mark)
        start = await marks.at_day_start(self._connection, self._wallet_id, mark.at_ms)
        self.cash, self.pnl = cash, mark.pnl
        self.pnl_at_day_start = mark.pnl if start is None else start.pnl
        return Result(detail=self._figures(mark))

    def _figures(self, mark: Mark) -> dict[str, object]:
        return {
            "cash": mark.cash,
            "market_value": mark.market_value,
            "pnl": mark.pnl,
            "pnl_at_day_start": self.pnl_at_day_start,
            "positions": mark.positions,
            "unpriced": [each.token_id for each in self.positions if each.by is PricedBy.NOTHING],
        }

    async def _cash(self) -> int:
        """The wallet's collateral: by the node where there is one, else what the CLOB believes."""
        if self._chain is not None:
            return await self._chain.balance(P_USD, self._wallet, "latest")
        return (await self._account.balance_allowance("COLLATERAL", self._signature_type)).balance

    async def _priced(
        self, held: Sequence[asyncpg.Record], payouts: Mapping[str, tuple[int, ...]]
    ) -> tuple[Priced, ...]:
        traded = [row["token_id"] for row in held if row["token_id"].isdecimal() and row["condition_id"] not in payouts]
        books: dict[str, BookShown] = {}
        for at in range(0, len(traded), BOOKS_MAX):
            page = await self._public.books(traded[at : at + BOOKS_MAX])
            books.update((book.token_id, book) for book in page.rows)
        known = {**await self._payouts_on_chain(held, books), **payouts}
        return tuple(_priced(row, known.get(row["condition_id"], ()), books.get(row["token_id"])) for row in held)

    async def _payouts_on_chain(
        self, held: Sequence[asyncpg.Record], books: Mapping[str, BookShown]
    ) -> Mapping[str, tuple[int, ...]]:
        """What the node says of conditions that nobody trades: they may be resolved, unheard."""
        if self._chain is None:
            return {}
        quiet = {
            row["condition_id"]
            for row in held
            if row["condition_id"] and row["token_id"] not in books and not is_structured(row["token_id"])
        }
        asked = sorted(quiet - self._paid.keys())
        for condition_id, numerators in zip(asked, await self._chain.payouts(asked, "latest"), strict=True):
            if sum(numerators):
                self._paid[condition_id] = numerators
        return self._paid


def _priced(row: asyncpg.Record, payout: Sequence[int], book: BookShown | None) -> Priced:
    known = (row["token_id"], row["condition_id"], row["outcome_index"], row["shares"], row["cost_basis"])
    if 0 <= row["outcome_index"] < len(payout):
        value = row["shares"] * payout[row["outcome_index"]] // sum(payout)
        return Priced(*known, value, PricedBy.PAYOUT)
    if book is not None and book.bids and book.asks:
        midpoint = (book.bids[0][0] + book.asks[0][0]) // 2
        return Priced(*known, cash_of(row["shares"], midpoint), PricedBy.MIDPOINT)
    if book is not None and book.last_price:
        return Priced(*known, cash_of(row["shares"], book.last_price), PricedBy.LAST_PRICE)
    return Priced(*known, row["cost_basis"], PricedBy.NOTHING)
