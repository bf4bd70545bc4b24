"""Position sync with a node: the chain up to the finalized block into the books, then every balance compared.

Books and balances are of the same block, so nothing that lands meanwhile can make a difference (R3). What the chain
shows and no order explains is booked by its receipt, and told (T2); what is left over is a drift with a likely cause.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from tieout.client.chain import Chain
from tieout.client.clock import Clock
from tieout.jobs.chain_follower import ChainFollower, Step
from tieout.jobs.drift_cause import may_have_held
from tieout.jobs.drift_findings import Drift, collateral_finding, drift_finding, explained
from tieout.jobs.external import external_events
from tieout.jobs.height import Height, Lateness, as_of
from tieout.jobs.job import Result
from tieout.jobs.late_receipts import LateReceipts
from tieout.jobs.opening import Opening
from tieout.jobs.repeated_drift import repeated
from tieout.jobs.resolutions import Resolutions
from tieout.jobs.second_look import SecondLook
from tieout.jobs.tie_out import COLLATERAL, TieOut, tie_out
from tieout.store import watermarks
from tieout.store.runs import Action, Finding
from tieout.store.watermarks import Watermark

CHAIN = "chain"
"""Watermark: the next block to read."""

READ_AGAIN_BLOCKS = 2_000
"""So many blocks at most are read once more when balances differ: a node may have left out logs."""

READ_AGAIN_MS = 300_000
"""How long differences may stand until they are read for once more: the node may have left out logs both times."""


class PositionSync:
    """`last` is the comparison of the last run; `pauses` are the conditions it says to pause, with the reason (I1)."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        wallet: str,
        follower: ChainFollower,
        chain: Chain,
        clock: Clock,
        opening: Opening | None = None,
        resolutions: Resolutions | None = None,
        receipts: LateReceipts | None = None,
        second: SecondLook | None = None,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._wallet = wallet
        self._follower = follower
        self._chain = chain
        self._clock = clock
        self._opening = opening
        self._resolutions = resolutions
        self._receipts = receipts
        self._second = second
        self._lateness = Lateness()
        self._tied_block = 0
        """The last block at which everything tied out."""
        self._known: frozenset[tuple[str, int]] = frozenset()
        """(token, drift) of the differences that reading again did not explain."""
        self._read_again_ms = 0
        self.last: TieOut | None = None
        self.pauses: tuple[tuple[str, str], ...] = ()

    async def run(self) -> Result:
        """Follow the chain, now and then with a second look, and compare. Raises VenueError, CallFailedError."""
        self.pauses = ()
        is_first = await watermarks.get(self._connection, self._wallet_id, CHAIN) is None
        unread = self._follower.next_block
        left_out: list[Finding] | None = None
        if looks := self._second is not None and self._second.is_due():
            step, left_out = await self._second.step(self._step)
        else:
            step = await self._step()
        tie, drifts, books = await self._compared(step)
        corrected: list[Finding] = []
        again: Step | None = None
        if drifts and self._opening is not None and await self._opening.explain(tie):
            tie, drifts, books = await self._compared(step)
        if self._worth_reading_again(drifts):
            again = await self._read_again(step)
            before = drifts
            tie, drifts, books = await self._compared(again)
            corrected = await self._found_again(before, drifts, tie)
        if corrected and left_out is None and self._second is not None:
            # A node that was caught leaving out logs is not believed for what makes no difference either.
            again, left_out = await self._second.step(self._step)
            tie, drifts, books = await self._compared(again)
        self._remember(tie, drifts)
        found = await explained(self._connection, self._wallet_id, drifts, self._clock.now_ms(), has_node=True)
        findings = [*_findings(found, tie), *corrected, *(left_out or ())]
        repeats, self.pauses = await repeated(self._connection, self._wallet_id, found, self._clock.now_ms())
        if not is_first:
            findings += await external_events(self._connection, self._wallet_id, unread, tie.block.number)
        return Result(
            [*findings, *repeats],
            {
                "block": tie.block.number,
                "tokens": tie.tokens,
                "differences": len(found),
                "transactions": step.transactions + (again.transactions if again else 0),
                "pending": len(books.pending),
                **({"read_twice": left_out is not None} if looks or left_out is not None else {}),
                "drifted": sorted({each.condition_id for each in found if each.token_id != COLLATERAL}),
            },
        )

    async def compare(self) -> list[Finding]:
        """Read the chain on and say what differs; nothing is read again, counted, or paused."""
        tie, drifts, _ = await self._compared(await self._step())
        found = await explained(self._connection, self._wallet_id, drifts, self._clock.now_ms(), has_node=True)
        return _findings(found, tie)

    async def _step(self) -> Step:
        step = await self._follower.step()
        mark = Watermark(str(self._follower.next_block), self._clock.now_ms())
        await watermarks.put(self._connection, self._wallet_id, CHAIN, mark)
        if self._resolutions is not None:
            # What divides a redemption of both outcomes, in case the venue's word of the resolution was lost (S6).
            await self._resolutions.read(step)
        return step

    async def _compared(self, step: Step) -> tuple[TieOut, list[Drift], Height]:
        """Balances and books at the block of *step*, and the differences that no movement on its way explains."""
        books = await as_of(self._connection, self._wallet_id, step.block.number)
        late = self._lateness.late(books.pending, self._clock.now_ms())
        asked = [each for each in books.pending if each.key in late]
        if asked and self._receipts is not None and await self._receipts.ask(asked, step.block):
            books = await as_of(self._connection, self._wallet_id, step.block.number)
            late &= {each.key for each in books.pending}
        if late:
            books = await as_of(self._connection, self._wallet_id, step.block.number, late)
        tie = self.last = await tie_out(self._chain, self._wallet, books.shares, books.collateral, step.block)
        waiting: dict[str, list[int]] = {}
        for movement in books.pending:
            if movement.key not in late:
                for token_id, change in movement.changes:
                    waiting.setdefault(token_id, []).append(change)
        drifts = []
        for each in tie.differences:
            pending = waiting.get(each.token_id, [])
            # The block may have some of them already, when their receipts were never read.
            if not may_have_held(each.books + sum(pending), each.chain, pending):
                drifts.append(Drift(each.token_id, each.books, each.chain, sum(pending)))
        return tie, [*drifts, *_collateral_drift(tie, books, late)], books

    def _worth_reading_again(self, drifts: Sequence[Drift]) -> bool:
        waited_ms = self._clock.now_ms() - self._read_again_ms
        return bool(drifts) and (_figures(drifts) != self._known or waited_ms >= READ_AGAIN_MS)

    async def _read_again(self, step: Step) -> Step:
        """Once more from the last block that tied out: logs that a node left out are there the next time."""
        self._read_again_ms = self._clock.now_ms()
        with self._follower.rewound(max(self._tied_block + 1, step.block.number - READ_AGAIN_BLOCKS, 0)):
            return await self._step()

    async def _found_again(self, before: Sequence[Drift], after: Sequence[Drift], tie: TieOut) -> list[Finding]:
        """What reading again explained: corrected by the receipts themselves."""
        left = {drift.token_id for drift in after}
        gone = [drift for drift in before if drift.token_id not in left]
        found = await explained(self._connection, self._wallet_id, gone, self._clock.now_ms(), has_node=True)
        return _findings(found, tie, Action.CORRECTED)

    def _remember(self, tie: TieOut, drifts: Sequence[Drift]) -> None:
        self._known = _figures(drifts)
        # A movement on its way may make a difference look explained that a log left out has made: split twice by the
        # same amount, say. What ties out without any explanation need not be read again.
        if tie.holds:
            self._tied_block = tie.block.number


def _collateral_drift(tie: TieOut, books: Height, late: frozenset[str]) -> list[Drift]:
    """The difference of the collateral, unless movements on their way make it."""
    money, waiting = tie.collateral, [each.cash for each in books.pending if each.cash and each.key not in late]
    if may_have_held(money.books + sum(waiting), money.chain, waiting):
        return []
    return [Drift(COLLATERAL, money.books, money.chain, sum(waiting))]


def _figures(drifts: Sequence[Drift]) -> frozenset[tuple[str, int]]:
    return frozenset((drift.token_id, drift.size) for drift in drifts)


def _findings(drifts: Sequence[Drift], tie: TieOut, action: Action = Action.LOGGED) -> list[Finding]:
    evidence = {"block": tie.block.number, "block_hash": tie.block.hash}
    witness = f"the wallet at block {tie.block.number}"
    return [
        collateral_finding(drift, witness, action, {**evidence, "coins": dict(tie.collateral.coins)})
        if drift.token_id == COLLATERAL
        else drift_finding(drift, witness, action, {**evidence, "chain": drift.truth})
        for drift in drifts
    ]
