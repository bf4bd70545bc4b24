"""Keeping the books of a wallet from the chain alone, beside whatever trades it, and tying them out at every look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg

from tieout.app.clock import now_ms
from tieout.client.chain import Chain
from tieout.client.clock import Clock, LoopClock
from tieout.client.errors import VenueError
from tieout.client.limits import Limiter
from tieout.client.net import Net
from tieout.client.rpc import CallFailedError, Rpc
from tieout.client.transport import Carrier, HttpCarrier, RawBody
from tieout.intake.intake import Incoming, Intake, Report
from tieout.jobs.chain_follower import ChainFollower, Step
from tieout.jobs.tie_out import TieOut, settled_shares, tie_out
from tieout.ledger.movement import NO_CHAIN_POSITION, block_of
from tieout.store.connect import connected
from tieout.store.wallets import acquire
from tieout.venue.decode import Identity

OUTAGE_POLL_MS = 3_000
"""How long to wait for the nodes after none of them answered."""


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """Whom to watch, by which nodes (the preferred one first). `first_block` None goes on from what is booked."""

    wallet: str
    nodes: tuple[str, ...]
    first_block: int | None = None
    poll_ms: int = 2_000


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what the chain brought, what became of it so far, and whether the books tie out."""

    step: Step
    report: Report
    tie: TieOut


@dataclass(frozen=True, slots=True)
class Outage:
    """No node answered since `since_ms`; the books stay as they are until one does."""

    reason: str
    since_ms: int


class UnknownStartError(ValueError):
    """Nothing of the wallet is booked from the chain yet, so the first block has to be named."""


async def watch(dsn: str, request: WatchRequest) -> AsyncGenerator[Look | Outage, None]:
    """Look again and again, whatever the nodes do. Raises UnknownStartError and StoreError."""
    async with AsyncExitStack() as stack:
        writer, reader = [await stack.enter_async_context(connected(dsn)) for _ in range(2)]
        carrier = await stack.enter_async_context(HttpCarrier())
        lease = await acquire(writer, request.wallet)
        intake = Intake(writer, reader, lease, Identity(request.wallet, frozenset()), now_ms)
        clock = LoopClock(now_ms)
        report = Report()
        chain = chain_of(carrier, clock, request.nodes, intake, report)
        first = request.first_block
        if first is None:
            first = await _block_after_books(reader, lease.wallet_id)
        follower = ChainFollower(chain, request.wallet, first)
        down_since = 0
        while True:
            try:
                step = await follower.step()
                shares = await settled_shares(reader, lease.wallet_id)
                look = Look(step, report, await tie_out(chain, request.wallet, shares, step.block))
            except (VenueError, CallFailedError) as error:
                down_since = down_since or now_ms()
                yield Outage(str(error), down_since)
                await clock.sleep(OUTAGE_POLL_MS)
                continue
            down_since = 0
            yield look
            await clock.sleep(request.poll_ms)


def chain_of(carrier: Carrier, clock: Clock, nodes: tuple[str, ...], intake: Intake, report: Report) -> Chain:
    """The chain by *nodes*; receipts are booked by *intake* before anybody reads them, and counted in *report*."""
    busy = asyncio.Lock()

    async def record(raw: RawBody) -> None:
        if raw.kind == "receipt":
            async with busy:
                report.add(await intake.take([Incoming(raw.body, raw.source, raw.origin, raw.kind)]))

    return Chain(Rpc(Net(carrier, clock, Limiter(clock), record), nodes))


async def _block_after_books(connection: asyncpg.Connection, wallet_id: int) -> int:
    """The block of the last movement that has a place on chain; read again, since its other logs may be missing."""
    place = await connection.fetchval(
        "SELECT max(chain_position) FROM movements WHERE wallet_id = $1 AND chain_position < $2",
        wallet_id,
        NO_CHAIN_POSITION,
    )
    if place is None or place <= 0:
        raise UnknownStartError(
            "nothing of this wallet is booked from the chain yet: name the block to start from with --from-block "
            "(the one before its first transaction)"
        )
    return block_of(place)
