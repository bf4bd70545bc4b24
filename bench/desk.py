"""The desk with 500 markets and 100,000 fills: how long the overview takes, and how soon it shows a new fill.

Beside each figure is the same request for a file of the desk: what serving anything costs on this machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import asyncpg
import httpx
import msgspec
from histories import WALLET, facts

from tieout.app.clock import now_ms
from tieout.app.publishing import market_status
from tieout.app.worker_state import MarketState
from tieout.client.markets import MarketInfo
from tieout.intake.booking import Booker, Heard
from tieout.ledger.facts import AnyFact, FillObserved
from tieout.quoting.views import BookView
from tieout.store import statuses
from tieout.store.connect import connect
from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate
from tieout.store.statuses import MarketName
from tieout.store.wallets import acquire
from tieout.web.house import DeskSettings
from tieout.web.serving import serving

MARKETS, FILLS = 500, 100_000
BATCH = 4_000
TIMES = 30
MARKS = 20_000


async def furnish(dsn: str) -> tuple[Booker, FillObserved]:
    """Books with all of that; the booker, and a fill to make another one of."""
    writer, reader = await connect(dsn), await connect(dsn)
    lease = await acquire(writer, WALLET)
    booker = Booker(writer, reader, lease)
    history: list[AnyFact] = facts(FILLS * 13 // 3, 2 * MARKETS)
    for at in range(0, len(history), BATCH):
        await booker.send([Heard(fact, 0, "bench", 1) for fact in history[at : at + BATCH]])
    await booker.land()
    names = [
        MarketName(f"0x{n + 1:064x}", f"Will number {n} come true?", f"number-{n}", ("Yes", "No"))
        for n in range(MARKETS)
    ]
    await statuses.put_names(reader, lease.wallet_id, names)
    book = BookView(bids=(((490_000, 10**8),) * 8,) * 2, asks=(((510_000, 10**8),) * 8,) * 2)
    shown = {name.condition_id: msgspec.json.encode(market_status(_market(name, book))) for name in names}
    await statuses.put_markets(reader, lease.wallet_id, shown, now_ms())
    await _marks(reader, lease.wallet_id)
    await reader.execute("ANALYZE")
    return booker, next(fact for fact in history if isinstance(fact, FillObserved))


def _market(name: MarketName, book: BookView) -> MarketState:
    info = MarketInfo(
        condition_id=name.condition_id, version="v1", token_ids=("1", "2"), outcomes=name.outcomes, tick=10_000,
        min_size=5_000_000, neg_risk=False, accepting_orders=True, question=name.question,
    )  # fmt: skip
    return MarketState(info, book, 500_000)


async def _marks(connection: asyncpg.Connection, wallet_id: int) -> None:
    """A mark a minute, for two weeks."""
    await connection.execute(
        "INSERT INTO portfolio_mark (wallet_id, at_ms, cash, market_value, cost_basis, realized_pnl, fees, rewards, "
        "positions, unpriced) SELECT $1, $2::bigint - 60000 * (n - 1), 10, 10, 10, n, 0, 0, 1, 0 "
        "FROM generate_series($3::integer, 1, -1) n",
        wallet_id,
        now_ms(),
        MARKS,
    )


async def milliseconds(work: Callable[[], Awaitable[object]], times: int = TIMES) -> tuple[float, float]:
    """(median, slowest) of several."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - began) * 1_000)
    return median(taken), max(taken)


async def measure(dsn: str) -> None:
    """All figures."""
    began = time.perf_counter()
    booker, like = await furnish(dsn)
    print(f"  {FILLS:,} fills in {MARKETS} markets booked in {time.perf_counter() - began:.0f} s")
    async with (
        serving(DeskSettings(dsn, port=0), now_ms) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as http,
    ):
        bare, _ = await milliseconds(lambda: http.get("/static/icon.svg"))
        print(f"  a file of the desk: {bare:.1f} ms")
        for words, path in PAGES.items():
            middle, slowest = await milliseconds(lambda path=path: _get(http, f"/w/{WALLET}{path}"))  # type: ignore[misc]
            print(f"  {words}: median {middle:.0f} ms, slowest {slowest:.0f} ms, {middle / bare:.0f} of the file")
        taken = [await shown_after(http, booker, like, number) for number in range(10)]
        print(
            f"  a fill booked to the overview that shows it: median {median(taken):.0f} ms, slowest {max(taken):.0f} ms"
        )


PAGES = {
    "overview": "",
    "chart of a day": "/chart/pnl?span=day",
    "chart of everything": "/chart/pnl?span=all",
    "markets": "/markets",
    "one market": f"/market/0x{7:064x}",
    "fills": "/fills",
    "orders": "/orders?show=all",
    "portfolio": "/portfolio",
    "log": "/log",
}


async def _get(http: httpx.AsyncClient, path: str) -> httpx.Response:
    answer = await http.get(path)
    answer.raise_for_status()
    return answer


async def shown_after(http: httpx.AsyncClient, booker: Booker, like: FillObserved, number: int) -> float:
    """Milliseconds from booking one more fill to an overview that shows it, asked for when the event comes."""
    at_ms = now_ms() // 1_000 * 1_000
    trade_id = f"new-{number}"
    fill = msgspec.structs.replace(like, trade_id=trade_id, status="MATCHED", tx_hash="", occurred_at_ms=at_ms)
    async with http.stream("GET", f"/w/{WALLET}/events") as events:
        lines = events.aiter_lines()
        await anext(lines)
        began = time.perf_counter()
        await booker.book([Heard(fill, 0, "bench", at_ms)])
        async for line in lines:
            if line == "event: booked":
                break
        page = await _get(http, f"/w/{WALLET}")
        taken = (time.perf_counter() - began) * 1_000
    if trade_id not in page.text:
        raise AssertionError("the overview does not show the fill")
    return taken


def main() -> None:
    with TemporaryDirectory() as place, EmbeddedServer.start(Path(place) / "data") as server:
        asyncio.run(migrate(server.dsn()))
        print("desk")
        asyncio.run(measure(server.dsn()))


if __name__ == "__main__":
    main()
