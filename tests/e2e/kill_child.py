"""A worker in a process of its own, to be killed at any moment. Loaded once, then forked for every life."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tieout.app.clock import now_ms
from tieout.app.config import Config, Intervals, Selection
from tieout.app.worker import Worker
from tieout.app.worker_parts import Surroundings
from tieout.client.clock import LoopClock
from tieout.client.endpoints import Endpoints
from tieout.client.keys import PrivateKey
from tieout.jobs.own_orders import Salts
from tieout.quoting.params import Params
from tieout.store.errors import StoreError

MILLION = 1_000_000

HURRY = 10
"""Times as fast as in earnest a life waits: for what never arrived, for a venue that is away."""


class HurriedClock(LoopClock):
    """Real time, in which waiting is short: on one machine nothing is on its way for seconds."""

    async def sleep(self, ms: int) -> None:
        await super().sleep(-(-ms // HURRY))


@dataclass(frozen=True)
class Life:
    """What a worker is born with."""

    dsn: str
    url: str
    wallet: str
    private_key: str
    markets: int


def worker_of(life: Life) -> Worker:
    """A worker in a hurry, so that a short life reaches every phase."""
    config = Config(
        wallet=life.wallet,
        first_block=0,
        endpoints=Endpoints.of(life.url),
        selection=Selection(count=life.markets),
        params=Params(tiers=2, tier_size=20 * MILLION, min_time_to_resolution_ms=0, requote_tolerance=0),
        jobs=Intervals(market_making=150, position_sync=500, order_sync=1_000, settle=1_000, portfolio=1_000),
    )
    clock = HurriedClock(now_ms)
    around = Surroundings(clock, lambda _: 0, Salts(clock))
    return Worker(life.dsn, config, PrivateKey(life.private_key), around, is_live=True)


def ready() -> None:
    """The first child: when it has ended, everything is loaded."""


def live(life: Life) -> None:
    """Until the end."""

    async def run() -> None:
        while True:
            try:
                await worker_of(life).run(asyncio.Event())
            except StoreError:
                # The lease of the one before, which the database has not let go yet.
                await asyncio.sleep(0.02)

    asyncio.run(run())
