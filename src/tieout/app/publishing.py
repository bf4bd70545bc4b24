"""What a running worker shows of itself, written to the database once a second, so that a desk in another process
sees it. For people only: nothing is decided by it, and no trouble with it reaches the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec

from tieout.app.config import Config
from tieout.app.worker_state import MarketState, WorkerState
from tieout.client.clock import Clock
from tieout.client.markets import MarketInfo
from tieout.quoting.views import BookView, Quote, Resting
from tieout.store import statuses
from tieout.store.connect import connected
from tieout.store.errors import StoreError
from tieout.store.statuses import MarketName
from tieout.store.wallets import wallet_id_of

PUBLISH_MS = 1_000

RETRY_MS = 5_000
"""After the database was away."""

LEVELS = 12
"""Of each side of a book are shown."""


class Publisher:
    """Writes what changed since it wrote last."""

    def __init__(self, state: WorkerState, clock: Clock, config: Config | None = None) -> None:
        """*config*: how the worker is set is shown, too."""
        self._state = state
        self._config = {} if config is None else config_shown(config)
        self._clock = clock
        self._named: set[str] = set()
        self._last: dict[str, bytes] = {}

    async def run(self, dsn: str) -> None:
        """Until it is cancelled, whatever the database does."""
        while True:
            try:
                async with connected(dsn) as connection:
                    self._last.clear()
                    while True:
                        await self.publish(connection)
                        await self._clock.sleep(PUBLISH_MS)
            except (StoreError, asyncpg.PostgresError):
                await self._clock.sleep(RETRY_MS)

    def _status(self) -> bytes:
        return msgspec.json.encode({**worker_status(self._state), "config": self._config})

    async def publish(self, connection: asyncpg.Connection) -> None:
        """Once. Nothing before the worker has its wallet."""
        wallet_id = await wallet_id_of(connection, self._state.wallet)
        if wallet_id is None:
            return
        now_ms = self._clock.now_ms()
        names = [_name(market.market) for cid, market in self._state.markets.items() if cid not in self._named]
        changed = {}
        for condition_id, market in self._state.markets.items():
            body = msgspec.json.encode(market_status(market))
            if self._last.get(condition_id) != body:
                changed[condition_id] = self._last[condition_id] = body
        async with connection.transaction():
            await statuses.put_names(connection, wallet_id, names)
            await statuses.put_markets(connection, wallet_id, changed, now_ms)
            await statuses.put_worker(connection, wallet_id, self._status(), now_ms)
        self._named.update(name.condition_id for name in names)


def config_shown(config: Config) -> dict[str, Any]:
    """What a person may see of *config* as JSON values: no address, since some hold a key."""
    return {
        "markets": list(config.selection.markets)
        or f"the first {config.selection.count} by {config.selection.by.value}",
        "params": msgspec.to_builtins(config.params),
        "overrides": sorted(config.overrides),
        "limits": msgspec.to_builtins(config.limits),
        "jobs": msgspec.to_builtins(config.jobs),
        "foreign_orders": config.foreign_orders.value,
        "heartbeat": config.heartbeat,
        "tier": config.tier,
        "has_node": bool(config.endpoints.rpc),
        "data_api_version": config.data_api_version,
    }


def worker_status(state: WorkerState) -> dict[str, Any]:
    """The worker as JSON values. Latencies in milliseconds."""
    latency = state.fill_latency
    return {
        "phase": state.phase,
        "why_not": state.why_not,
        "is_live": state.is_live,
        "started_ms": state.started_ms,
        "unseen_ms": state.unseen_ms,
        "feed_live": state.feed_live,
        "heads": state.heads.value,
        "away": dict(state.away),
        "frames": state.frames,
        "latency_ms": {"p50": latency.quantile(500), "p99": latency.quantile(990)},
        "sent": dict(state.sent),
        "alerts": msgspec.to_builtins(state.alerts),
        "tied_out_since_ms": state.tied_out_since_ms,
        "left_open": list(state.left_open),
        "problem": state.problem,
        "markets": len(state.markets),
    }


def market_status(market: MarketState) -> dict[str, Any]:
    """A market after its last round as JSON values; prices and sizes in micro-units."""
    return {
        "tick": market.market.tick,
        "min_size": market.market.min_size,
        "tokens": list(market.market.token_ids),
        "neg_risk": market.market.neg_risk,
        "end_at_ms": market.market.end_at_ms,
        "rewards_daily": market.market.rewards.daily,
        "fair": market.fair,
        "why_not": market.why_not,
        "reasons": list(market.reasons),
        "merge": market.merge,
        "book": _book(market.book),
        "quotes": [_quote(each) for each in market.quotes],
        "resting": [_resting(each) for each in market.resting],
    }


def _book(book: BookView | None) -> dict[str, Any] | None:
    if book is None:
        return None
    return {"bids": [side[:LEVELS] for side in book.bids], "asks": [side[:LEVELS] for side in book.asks]}


def _quote(quote: Quote) -> dict[str, Any]:
    return {
        "outcome": quote.outcome,
        "side": quote.side.value,
        "price": quote.price,
        "size": quote.size,
        "tier": quote.tier,
    }


def _resting(order: Resting) -> dict[str, Any]:
    return {
        "order_id": order.id,
        "outcome": order.outcome,
        "side": order.side.value,
        "price": order.price,
        "remaining": order.remaining,
    }


def _name(market: MarketInfo) -> MarketName:
    return MarketName(market.condition_id, market.question, market.slug, tuple(market.outcomes))


@asynccontextmanager
async def publishing(dsn: str, state: WorkerState, clock: Clock, config: Config | None = None) -> AsyncIterator[None]:
    """For the time of the context what *state* shows is in the database."""
    task = asyncio.create_task(Publisher(state, clock, config).run(dsn), name="publishing")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
