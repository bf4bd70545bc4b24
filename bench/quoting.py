"""A market-making round over 1,000 markets whose holdings and resting orders are in PostgreSQL, beside reading them.

`python bench/quoting.py` starts a PostgreSQL of its own; `--profile` says what the time goes into. Nothing is sent.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import asyncpg

from tieout.app.clock import now_ms
from tieout.app.config import Config
from tieout.app.venue import venue_of
from tieout.client.clock import LoopClock
from tieout.client.keys import Credentials, PrivateKey
from tieout.client.markets import MarketInfo
from tieout.client.orders import OrderSigner
from tieout.client.transport import RawBody
from tieout.intake.booking import Booker, Heard
from tieout.jobs.foreign_orders import Spared
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.inventory import Inventory
from tieout.jobs.market_making import Maker, MarketMaking, Purse, Quoted, RoundReport
from tieout.jobs.order_desk import OrderDesk
from tieout.jobs.own_orders import Salts
from tieout.jobs.token_book import TokenBook
from tieout.ledger.facts import AnyFact, FillObserved, OrderIntended, OrderPlaced, Role, Side
from tieout.ledger.units import MICRO
from tieout.quoting.ladder import Ladder
from tieout.quoting.params import Params
from tieout.quoting.risk import Limits
from tieout.quoting.views import BookView, Quote
from tieout.store.connect import connected
from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate
from tieout.store.wallets import acquire

MARKETS, ROUNDS, TIERS, LEVELS = 1_000, 20, 3, 20
TICK = 10_000
WALLET = "0x" + "b0" * 20


@dataclass(slots=True)
class Cost:
    """The medians of some runs, in milliseconds."""

    cpu: float
    wall: float

    def __str__(self) -> str:
        return f"{self.cpu:.0f} ms of CPU, {self.wall:.0f} ms in all"


async def cost_of(work: Callable[[], Awaitable[object]]) -> Cost:
    """What *work* takes, in this process and until it is done."""
    cpu, wall = [], []
    for _ in range(ROUNDS):
        began, began_cpu = time.perf_counter(), time.process_time()
        await work()
        cpu.append((time.process_time() - began_cpu) * 1_000)
        wall.append((time.perf_counter() - began) * 1_000)
    return Cost(median(cpu), median(wall))


class Market:
    """A market and its two books, kept as the market channel keeps them."""

    def __init__(self, number: int) -> None:
        self.info = MarketInfo(
            condition_id=f"0x{number:064x}",
            version="v1",
            token_ids=(str(10**70 + 2 * number), str(10**70 + 2 * number + 1)),
            outcomes=("Yes", "No"),
            tick=TICK,
            min_size=5 * MICRO,
            neg_risk=False,
            accepting_orders=True,
        )
        self._books = (TokenBook(), TokenBook())
        self._own: list[Quote] = []
        self.move(0)

    def move(self, ticks: int) -> None:
        """Put the middle so far from a half."""
        for outcome, (sign, book) in enumerate(zip((1, -1), self._books, strict=True)):
            middle = MICRO // 2 + sign * ticks * TICK
            bids = {middle - place * TICK: 100 * MICRO for place in range(1, LEVELS)}
            asks = {middle + place * TICK: 100 * MICRO for place in range(1, LEVELS)}
            for quote in self._own:
                # An order of the other outcome is shown as one of this, on the other side and at 1 less its price.
                is_bid = (quote.side is Side.BUY) == (quote.outcome == outcome)
                price = quote.price if quote.outcome == outcome else MICRO - quote.price
                side = bids if is_bid else asks
                side[price] = side.get(price, 0) + quote.size
            book.snapshot(bids, asks, now_ms())

    def rest(self, quotes: Sequence[Quote]) -> None:
        """Show *quotes* among the others."""
        self._own = list(quotes)
        self.move(0)

    def view(self) -> BookView:
        """Both books as quoting takes them, sorted anew after a move (as `MarketBooks.view` does)."""
        yes, no = self._books
        return BookView(
            bids=(yes.bids.sorted_levels(), no.bids.sorted_levels()),
            asks=(yes.asks.sorted_levels(), no.asks.sorted_levels()),
            time_ms=1,
        )


class Rounds:
    """Dry rounds of a wallet that holds and quotes every market."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int, desk: OrderDesk) -> None:
        self.markets = [Market(number) for number in range(MARKETS)]
        spared = Spared(connection, wallet_id, ForeignOrders.ADOPT)
        self.inventory = Inventory(connection, wallet_id, spared)
        self._making = MarketMaking(connection, wallet_id, desk, spared)
        params = Params(tiers=TIERS, min_time_to_resolution_ms=0, requote_tolerance=0)
        limits = Limits(market_exposure_max=10**15, total_exposure_max=10**15)
        self._maker = Maker(Ladder(), params, limits, 200 * MICRO)
        self._middle = 0

    async def still(self) -> RoundReport:
        """Nothing has changed since the last round."""
        quoted = [Quoted(market.info, self._maker, market.view()) for market in self.markets]
        return await self._making.round(quoted, Purse(), now_ms(), dry=True)

    async def moved(self) -> RoundReport:
        """Every market has moved, away and back: views are made anew, and every quote is to be replaced."""
        self._middle = 5 if self._middle != 5 else -5
        for market in self.markets:
            market.move(self._middle)
        return await self.still()


def placed(report: RoundReport) -> list[AnyFact]:
    """The quotes of *report* as orders that rest."""
    facts: list[AnyFact] = []
    for made in report.markets:
        market = made.quoted.market
        for number, quote in enumerate(made.decision.quotes):
            terms = {
                "order_id": f"{market.condition_id}{number:02x}",
                "token_id": market.token_ids[quote.outcome],
                "condition_id": market.condition_id,
                "side": quote.side,
                "price": quote.price,
                "size": quote.size,
                "occurred_at_ms": 1,
            }
            facts += [OrderIntended(**terms), OrderPlaced(**terms)]
    return facts


def held(markets: Sequence[Market]) -> list[AnyFact]:
    """A fill of YES in every market."""
    return [
        FillObserved(
            trade_id=f"trade of {market.info.condition_id}",
            order_id=f"{market.info.condition_id}ff",
            token_id=market.info.token_ids[0],
            condition_id=market.info.condition_id,
            side=Side.BUY,
            shares=20 * MICRO,
            collateral=10 * MICRO,
            fee=0,
            role=Role.MAKER,
            status="CONFIRMED",
            occurred_at_ms=1,
        )
        for market in markets
    ]


@asynccontextmanager
async def desk_of(booker: Booker) -> AsyncIterator[OrderDesk]:
    """A desk that has nothing to ask the venue, as in every dry round."""
    clock = LoopClock(now_ms)
    key = PrivateKey("0x" + "11" * 32)

    async def record(_raw: RawBody) -> None:
        """Nothing is answered, for nothing is asked."""

    async def book(facts: Sequence[AnyFact]) -> None:
        await booked(booker, facts)

    async with venue_of(Config(wallet=WALLET), key, clock, record, lambda most: most) as venue:
        desk = venue.desk(Credentials("key", "c2VjcmV0", "pass"), key.address)
        yield OrderDesk(desk.orders, desk.account, OrderSigner(key, WALLET, Salts(clock), 0), book, clock)


async def booked(booker: Booker, facts: Sequence[AnyFact]) -> None:
    """Facts of our own, committed."""
    await booker.book([Heard(fact, 0, "own", 1) for fact in facts])


async def measure(dsn: str) -> None:
    """A round with nothing to do and one with everything, and the bare reading of what they rest on."""
    async with connected(dsn) as writer, connected(dsn) as reader, connected(dsn) as connection:
        lease = await acquire(writer, WALLET, exclusive=True)
        booker = Booker(writer, reader, lease)
        async with desk_of(booker) as desk:
            rounds = Rounds(connection, lease.wallet_id, desk)
            await booked(booker, held(rounds.markets))
            first = await rounds.still()
            await booked(booker, placed(first))
            for market, made in zip(rounds.markets, first.markets, strict=True):
                market.rest(made.decision.quotes)
            await connection.execute("ANALYZE")
            await told(rounds, connection, lease.wallet_id)
            if "--profile" in sys.argv:
                await profiled(rounds.moved)


async def told(rounds: Rounds, connection: asyncpg.Connection, wallet_id: int) -> None:
    """The figures."""
    tokens = [token for market in rounds.markets for token in market.info.token_ids]

    async def bare() -> None:
        for table in ("orders", "positions"):
            await connection.fetch(
                f"SELECT * FROM {table} WHERE wallet_id = $1 AND token_id = ANY ($2)",
                wallet_id,
                tokens,
            )

    still = await rounds.still()
    kept = sum(len(made.decision.plan.keeps) for made in still.markets)
    reading, idle, busy = await cost_of(bare), await cost_of(rounds.still), await cost_of(rounds.moved)
    moved = await rounds.moved()
    cancels = sum(len(made.decision.plan.cancels) for made in moved.markets)
    quotes = sum(len(made.decision.quotes) for made in moved.markets)
    print(f"  bare reading of {kept:,} resting orders and {MARKETS:,} holdings: {reading}")
    print(f"  a round over {MARKETS:,} markets in which nothing moved, {kept:,} orders kept: {idle}")
    print(f"  one in which all moved, {cancels:,} cancels and {quotes:,} quotes decided: {busy}")
    print(f"  ratios of CPU to the bare reading: {idle.cpu / reading.cpu:.1f}, {busy.cpu / reading.cpu:.1f}")


async def profiled(work: Callable[[], Awaitable[object]]) -> None:
    """The functions that one run spends the most in."""
    profile = cProfile.Profile()
    profile.enable()
    await work()
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(18)


def main() -> None:
    """A database for the time of the measurement."""
    with TemporaryDirectory() as place, EmbeddedServer.start(Path(place) / "data") as server:
        asyncio.run(migrate(server.dsn()))
        print("quoting")
        asyncio.run(measure(server.dsn()))


if __name__ == "__main__":
    main()
