"""Receipts of fills that the venue calls settled and whose logs no window of blocks has shown.

A node may have left them out, and nothing differs: the venue told of the fills, so books and balances agree. But their
place in the chain is not known then, and cost by averages goes by the order in which a block has them (C1).
"""

from __future__ import annotations

from collections.abc import Sequence

from tieout.client.chain import BlockHead, Chain
from tieout.client.clock import Clock
from tieout.jobs.height import LATE_MS, Pending

RECEIPTS_MAX = 50
"""Receipts in one request."""

ASK_AGAIN_MS = 300_000
"""Until a receipt that the node did not have is asked for again."""


class LateReceipts:
    """Asks for them from the first block of the books on: what came before is in the balances they opened with."""

    def __init__(self, chain: Chain, first: int, clock: Clock) -> None:
        self._chain = chain
        self._first = first
        self._clock = clock
        self._since_ms: int | None = None
        self._asked_ms: dict[str, int] = {}

    async def ask(self, late: Sequence[Pending], final: BlockHead) -> bool:
        """Ask for the receipts of *late*, which the chain's recorder books; whether any was there. Raises VenueError.

        Only of those that were settled well before the *final* block: a receipt of a later one may be taken back.
        """
        now_ms = self._clock.now_ms()
        waiting = {each.tx_hash: each.at_ms for each in late if each.tx_hash and each.at_ms <= final.at_ms - LATE_MS}
        self._asked_ms = {tx: at_ms for tx, at_ms in self._asked_ms.items() if tx in waiting}
        due = [tx for tx in waiting if now_ms - self._asked_ms.get(tx, -ASK_AGAIN_MS) >= ASK_AGAIN_MS]
        if not due:
            return False
        since_ms = await self._read_since_ms()
        asked = sorted(tx for tx in due if waiting[tx] >= since_ms)
        found = False
        for at in range(0, len(asked), RECEIPTS_MAX):
            states = await self._chain.receipts(asked[at : at + RECEIPTS_MAX])
            found = found or any(state is not None for state in states)
        self._asked_ms |= dict.fromkeys(due, now_ms)
        return found

    async def _read_since_ms(self) -> int:
        """The time of the first block that the books read, or of the first one that the node has."""
        if self._since_ms is None:
            block = await self._chain.block(self._first) or await self._chain.block("earliest")
            self._since_ms = block.at_ms if block is not None else 0
        return self._since_ms
