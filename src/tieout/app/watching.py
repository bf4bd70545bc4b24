"""Keeping the books of a wallet from the chain alone, beside whatever trades it, and tying them out at every look."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from tieout.app.chain_books import UnknownStartError, chain_books
from tieout.app.clock import now_ms
from tieout.app.waking import Hearing, waiting_for_heads
from tieout.client.clock import LoopClock
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.intake.intake import Report
from tieout.jobs.chain_follower import Step
from tieout.jobs.tie_out import TieOut

__all__ = ["Look", "Outage", "UnknownStartError", "WatchRequest", "watch"]

OUTAGE_POLL_MS = 3_000
"""How long to wait for the nodes after none of them answered."""


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """Whom to watch, by which nodes (the preferred one first). `first_block` None goes on from what is booked."""

    wallet: str
    nodes: tuple[str, ...]
    first_block: int | None = None
    poll_ms: int = 2_000
    """Between two looks while no heads arrive."""
    node_ws: str = field(default="", repr=False)
    """A node that tells of new heads, "" none."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what the chain brought, what became of it so far, and whether the books tie out."""

    step: Step
    report: Report
    tie: TieOut
    hearing: Hearing = Hearing.OFF
    """Whether new heads arrive."""
    transactions: int = 0
    """Of the wallet, read since the watch began."""
    left_out: int = 0
    """What only a second reading brought: a node had left out logs."""


@dataclass(frozen=True, slots=True)
class Outage:
    """No node answered since `since_ms`; the books stay as they are until one does."""

    reason: str
    since_ms: int


async def watch(dsn: str, request: WatchRequest) -> AsyncGenerator[Look | Outage, None]:
    """Look again and again, whatever the nodes do. Raises UnknownStartError and StoreError."""
    clock = LoopClock(now_ms)
    async with (
        chain_books(dsn, request.wallet, request.nodes, request.first_block) as books,
        waiting_for_heads(request.node_ws, clock) as heads,
    ):
        down_since = 0
        while True:
            try:
                step = await books.look()
                tie = await books.compare(step.block)
                look = Look(step, books.report, tie, heads.hearing, books.follower.transactions, books.left_out)
            except (VenueError, CallFailedError) as error:
                down_since = down_since or now_ms()
                yield Outage(str(error), down_since)
                await clock.sleep(OUTAGE_POLL_MS)
                continue
            down_since = 0
            yield look
            await heads.wait(request.poll_ms)
