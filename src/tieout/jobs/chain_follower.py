"""Following a wallet on chain: every finalized transaction that touches it, once, whole.

Logs only find the transactions; what is booked is the receipt, since the cause of a movement is told by the logs
around it. Nothing above the finalized block is read, so no reorganisation ever has to be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tieout.client.chain import BlockHead, Chain, LogFilter
from tieout.client.rpc import CallFailedError
from tieout.venue.addresses import CTF, EXCHANGES, P_USD, POSITION_MANAGER, USDC_E
from tieout.venue.topics import ORDER_FILLED, ORDER_FILLED_V1, TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE

WINDOW_MAX = 2_000
"""Blocks asked for at once; nodes bound it between 500 and 10,000, so it adapts."""

RECEIPTS_MAX = 50
"""Receipts in one request."""

LEDGERS = (CTF, POSITION_MANAGER)
COINS = (P_USD, USDC_E)


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at the chain brought: everything up to `block` is booked."""

    block: BlockHead
    first: int
    transactions: int


class ChainFollower:
    """Reads the chain of one wallet from a block on. The chain's recorder journals and books the receipts."""

    def __init__(self, chain: Chain, wallet: str, first: int) -> None:
        self._chain = chain
        self._wallet = "0x" + wallet.lower().removeprefix("0x").rjust(64, "0")
        self._window = WINDOW_MAX
        self._begun = False
        self.next_block = first

    async def step(self) -> Step:
        """Read up to the finalized block. Raises VenueError when no node answers; what was read stays read."""
        head = await self._chain.block("finalized")
        if head is None:
            raise LookupError("the node knows no finalized block; another node is needed")
        await self._begin()
        first, transactions = self.next_block, 0
        while self.next_block <= head.number:
            last = min(self.next_block + self._window - 1, head.number)
            try:
                hashes = await self._transactions(self.next_block, last)
            except CallFailedError:
                if self._window == 1:
                    raise
                # The range was too wide for this node, or had too many logs.
                self._window //= 2
                continue
            for at in range(0, len(hashes), RECEIPTS_MAX):
                await self._chain.receipts(hashes[at : at + RECEIPTS_MAX])
            transactions += len(hashes)
            self.next_block = last + 1
            self._window = min(self._window * 2, WINDOW_MAX)
        return Step(head, first, transactions)

    async def _begin(self) -> None:
        """Leave out, once, the blocks before the first one the node has."""
        if not self._begun:
            earliest = await self._chain.block("earliest")
            self.next_block = max(self.next_block, earliest.number if earliest else 0)
            self._begun = True

    async def _transactions(self, first: int, last: int) -> list[str]:
        """Hashes of the transactions that touch the wallet, in chain order."""
        found: dict[str, tuple[int, int]] = {}
        for wanted in self._filters(first, last):
            for log in await self._chain.logs(wanted):
                place = (log.block_number, log.log_index)
                found[log.tx_hash] = min(place, found.get(log.tx_hash, place))
        return sorted(found, key=lambda tx_hash: found[tx_hash])

    def _filters(self, first: int, last: int) -> Iterator[LogFilter]:
        """Fills by maker, which is how both roles are named; tokens and money in and out (`polymarket.md` 6.2)."""
        me = (self._wallet,)
        yield LogFilter(first, last, tuple(sorted(EXCHANGES)), ((ORDER_FILLED, ORDER_FILLED_V1), None, me))
        for tokens in (None, me), (None, None, me):
            yield LogFilter(first, last, LEDGERS, ((TRANSFER_SINGLE, TRANSFER_BATCH), *tokens))
        for money in (me,), (None, me):
            yield LogFilter(first, last, COINS, ((TRANSFER,), *money))
