"""The books of a wallet from the chain alone: read on, compare, and what was held before the first block read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from tieout.app.clock import now_ms
from tieout.app.intake_desk import BOOKED, is_empty_window
from tieout.client.chain import BlockHead, Chain
from tieout.client.clock import Clock, LoopClock
from tieout.client.limits import Limiter
from tieout.client.net import Net
from tieout.client.rpc import Rpc
from tieout.client.transport import Carrier, HttpCarrier, RawBody
from tieout.intake.intake import Incoming, Intake, Report, own
from tieout.jobs.chain_follower import ChainFollower, Step
from tieout.jobs.height import due_at
from tieout.jobs.left_out import LeftOutLogs, Owner
from tieout.jobs.opening import Opening, has_opened
from tieout.jobs.position_sync import CHAIN
from tieout.jobs.provisional import ProvisionalBlocks
from tieout.jobs.resolutions import Resolutions
from tieout.jobs.second_look import SecondLook
from tieout.jobs.tie_out import TieOut, tie_out
from tieout.ledger.facts import AnyFact
from tieout.ledger.movement import NO_CHAIN_POSITION, block_of
from tieout.store import watermarks
from tieout.store.connect import connected
from tieout.store.wallets import Lease, acquire
from tieout.store.watermarks import Watermark
from tieout.venue.decode import Identity

BEGINS = "chain begins"
"""Watermark: the first block that was read of a wallet."""

BEGAN = "worker begins"
"""Watermark: the block from which the worker read first. Not BEGINS, below which alone `tieout watch` reads again."""


class UnknownStartError(ValueError):
    """Nothing of the wallet is booked from the chain yet, so the first block has to be named."""


class ReadTwiceError(ValueError):
    """What the wallet held before the first block read is in the books as an opening, so earlier blocks are too."""


class ChainBooks:
    """One wallet, kept from the chain. `report` counts what was booked since these were opened."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        lease: Lease,
        chain: Chain,
        follower: ChainFollower,
        opening: Opening,
        resolutions: Resolutions,
        left_out: LeftOutLogs,
        second: SecondLook,
    ) -> None:
        self._connection = connection
        self._lease = lease
        self._opening = opening
        self._resolutions = resolutions
        self._left_out = left_out
        self._second = second
        self.chain = chain
        self.follower = follower
        self.report = Report()
        self.seen = Counter[str]()
        """"logs": how many of the wallet's were in the windows read."""
        self.left_out = 0
        """Differences that reading again explained: a node had left out logs."""
        self.told: Callable[[int, int], None] = lambda _block, _last: None
        """Told the block up to which everything is booked, and the one to reach."""
        follower.progress = self._reached

    async def step(self) -> Step:
        """Read up to the finalized block. Raises VenueError, CallFailedError."""
        step = await self.follower.step()
        await self._resolutions.read(step)
        return step

    async def look(self) -> Step:
        """As `step`, for books that are kept on: every so often final blocks are read a second time."""
        if not self._second.is_due():
            return await self.step()
        step, found = await self._second.step(self.step)
        self.left_out += len(found or ())
        return step

    async def compare(self, block: BlockHead) -> TieOut:
        """The books as of *block* against the balances there.

        What was held before the first block is booked, and what a node left out is read again and booked. Raises
        VenueError, CallFailedError.
        """
        tie = await self._compared(block)
        if not tie.holds and await self._opening.explain(tie):
            tie = await self._compared(block)
        if await self._left_out.read(tie):
            before, tie = tie, await self._compared(block)
            self.left_out += max(0, len(before.drifts) - len(tie.drifts))
        return tie

    async def _compared(self, block: BlockHead) -> TieOut:
        books, _ = await due_at(self._connection, self._lease.wallet_id, block)
        return await tie_out(self.chain, self._lease.address, books.shares, books.collateral, block)

    async def _reached(self, block: int, last: int) -> None:
        mark = Watermark(str(block + 1), now_ms())
        await watermarks.put(self._connection, self._lease.wallet_id, CHAIN, mark)
        self.told(block, last)


@asynccontextmanager
async def chain_books(
    dsn: str, wallet: str, nodes: Sequence[str], first_block: int | None, *, provisional: bool = True
) -> AsyncIterator[ChainBooks]:
    """The books of *wallet*, to be read on by *nodes* (the preferred one first) from where they end.

    *first_block* is where the wallet's history begins, needed only the first time. With *provisional* what lies above
    the finalized block is read, too. Raises UnknownStartError, ReadTwiceError, StoreError.
    """
    async with AsyncExitStack() as stack:
        writer, reader = [await stack.enter_async_context(connected(dsn)) for _ in range(2)]
        carrier = await stack.enter_async_context(HttpCarrier())
        lease = await acquire(writer, wallet)
        intake = Intake(writer, reader, lease, Identity(wallet, frozenset()), now_ms)
        yield await opened(reader, lease, intake, carrier, LoopClock(now_ms), nodes, first_block, provisional)


async def opened(
    connection: asyncpg.Connection,
    lease: Lease,
    intake: Intake,
    carrier: Carrier,
    clock: Clock,
    nodes: Sequence[str],
    first_block: int | None,
    provisional: bool,
) -> ChainBooks:
    """The books over *carrier*; everything that nodes answer is booked by *intake* before anybody reads it."""
    booked, seen = Report(), Counter[str]()
    take = _taking(intake, booked)
    chain = Chain(Rpc(Net(carrier, clock, Limiter(clock), _recorder(take, seen)), nodes))
    wallet_id, wallet = lease.wallet_id, lease.address
    begins, first = await _start(connection, wallet_id, first_block)
    ahead = ProvisionalBlocks(connection, wallet_id, wallet, chain, _recorder(take, seen)) if provisional else None

    async def book(facts: Sequence[AnyFact]) -> None:
        await take([own(fact, "chain") for fact in facts])

    opening = Opening(connection, wallet_id, wallet, chain, begins, clock, book)
    resolutions = Resolutions(connection, wallet_id, chain, book)
    follower = ChainFollower(chain, wallet, first, ahead)
    left_out = LeftOutLogs(connection, Owner(wallet_id, wallet, max(begins - 1, 0)), chain, follower, clock)
    second = SecondLook(connection, wallet_id, follower, clock)
    books = ChainBooks(connection, lease, chain, follower, opening, resolutions, left_out, second)
    books.report, books.seen = booked, seen
    return books


def _taking(intake: Intake, report: Report) -> Callable[[Sequence[Incoming]], Awaitable[None]]:
    busy = asyncio.Lock()

    async def take(messages: Sequence[Incoming]) -> None:
        async with busy:
            report.add(await intake.take(messages))

    return take


def _recorder(
    take: Callable[[Sequence[Incoming]], Awaitable[None]], seen: Counter[str]
) -> Callable[[RawBody], Awaitable[None]]:
    async def record(raw: RawBody) -> None:
        if raw.kind == "chain_window":
            seen["logs"] += raw.body.count(b'"topics"')
        if raw.kind in BOOKED["chain"] and not is_empty_window(raw):
            await take([Incoming(raw.body, raw.source, raw.origin, raw.kind)])

    return record


async def _start(connection: asyncpg.Connection, wallet_id: int, first_block: int | None) -> tuple[int, int]:
    """(the block at which the wallet's books begin, the one to read on from)."""
    known = await watermarks.get(connection, wallet_id, BEGINS)
    mark = await watermarks.get(connection, wallet_id, CHAIN)
    begins = int(known.value) if known is not None else None
    if first_block is not None and (mark is None or begins is None or first_block < begins):
        await _not_twice(connection, wallet_id, first_block)
        start = Watermark(str(first_block), now_ms())
        async with connection.transaction():
            # Both at once: a run that ends before its first window is booked must begin here again.
            await watermarks.put(connection, wallet_id, BEGINS, start, forced=True)
            await watermarks.put(connection, wallet_id, CHAIN, start, forced=True)
        return first_block, first_block
    next_block = int(mark.value) if mark is not None else await _block_after_books(connection, wallet_id)
    return begins or 0, next_block


async def first_read(connection: asyncpg.Connection, wallet_id: int) -> int | None:
    """The first block that anybody read of the wallet; None when that was not kept."""
    marks = [await watermarks.get(connection, wallet_id, name) for name in (BEGAN, BEGINS)]
    return min((int(mark.value) for mark in marks if mark is not None), default=None)


async def _not_twice(connection: asyncpg.Connection, wallet_id: int, first_block: int) -> None:
    """Raises ReadTwiceError when the books opened above *first_block*."""
    start = await first_read(connection, wallet_id)
    if (start is not None and first_block >= start) or not await has_opened(connection, wallet_id):
        return
    opened = "their first block" if start is None else f"block {start:,}"
    raise ReadTwiceError(
        f"--from-block {first_block}: these books open before {opened} with what the wallet held by then, and reading "
        "what came earlier would count that twice. Keep the whole history in books of their own: the same command "
        "with another database (TIEOUT_DB), or another data directory (TIEOUT_HOME)"
    )


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
