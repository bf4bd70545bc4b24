"""Following a wallet on chain: every transaction that touches it, whole, up to the finalized block.

Logs find the transactions, and tell by themselves those that are only fills; the cause of every other movement stands
in the logs around it, so of those the receipt is booked. What lies above the finalized block is `provisional`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tieout.client.chain import BlockHead, Chain
from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.client.rpc import CallFailedError
from tieout.jobs.chain_logs import filters
from tieout.jobs.provisional import ProvisionalBlocks
from tieout.venue.chain_window import decode_window, seen
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.wire import WireError

WINDOW_MAX = 2_000
"""Blocks asked for at once; nodes bound it between 500 and 10,000, so it adapts."""

LOGS_MAX = 10_000
"""Transactions of one window after which the next one is made smaller: everything of a window is held in memory."""

RECEIPTS_MAX = 50
"""Receipts in one request."""

Progress = Callable[[int, int], Awaitable[None]]
"""Told the block up to which everything is booked, and the one to reach."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at the chain brought: everything up to `block` is booked."""

    block: BlockHead
    first: int
    transactions: int


class ChainFollower:
    """Reads the chain of one wallet from a block on. The chain's recorder journals and books what comes."""

    def __init__(self, chain: Chain, wallet: str, first: int, provisional: ProvisionalBlocks | None = None) -> None:
        self._chain = chain
        self._wallet = wallet
        self._identity = Identity(wallet, frozenset())
        self._window = WINDOW_MAX
        self._begun = False
        self._provisional = provisional
        self.next_block = first
        self.progress: Progress = _unheard

    async def step(self) -> Step:
        """Read up to the finalized block, and what is above it as far as that is wanted.

        Raises VenueError when no node answers, or none has all of it; what was read stays read.
        """
        head = await self._chain.block("finalized")
        if head is None:
            raise LookupError("the node knows no finalized block; another node is needed")
        await self._begin()
        first, transactions = self.next_block, 0
        while self.next_block <= head.number:
            last = min(self.next_block + self._window - 1, head.number)
            try:
                found = await self._read(self.next_block, last)
            except CallFailedError:
                if self._window == 1:
                    raise
                # The range was too wide for this node, or had too many logs.
                self._window = max(1, min(self._window, last - self.next_block + 1) // 2)
                continue
            transactions += found
            self.next_block = last + 1
            self._window = max(1, self._window // 2) if found > LOGS_MAX else min(self._window * 2, WINDOW_MAX)
            await self.progress(last, head.number)
        if self._provisional is not None:
            await self._provisional.follow(head)
        return Step(head, first, transactions)

    async def _begin(self) -> None:
        """Leave out, once, the blocks before the first one the node has."""
        if not self._begun:
            earliest = await self._chain.block("earliest")
            self.next_block = max(self.next_block, earliest.number if earliest else 0)
            self._begun = True

    async def _read(self, first: int, last: int) -> int:
        """Book the transactions of these blocks; how many there were."""
        answers = await self._chain.window(filters(self._wallet, first, last), last, kind="chain_window")
        try:
            others = [each.tx_hash for each in decode_window(answers, self._identity, Decoded(""))]
            everything = seen(answers)
        except WireError as error:
            raise VenueError(ErrorKind.TRANSIENT, Meaning.UNREADABLE, "eth_getLogs", str(error)) from None
        if self._provisional is not None:
            await self._provisional.seen_as_final(everything)
        await self._receipts(others)
        return len(everything)

    async def _receipts(self, tx_hashes: Sequence[str]) -> None:
        for at in range(0, len(tx_hashes), RECEIPTS_MAX):
            asked = tx_hashes[at : at + RECEIPTS_MAX]
            missing = [tx for tx, state in zip(asked, await self._chain.receipts(asked), strict=True) if state is None]
            if missing:
                raise VenueError(
                    ErrorKind.TRANSIENT,
                    Meaning.UNREADABLE,
                    "eth_getTransactionReceipt",
                    f"the node shows logs of {missing[0]} and no receipt",
                )


async def _unheard(_block: int, _last: int) -> None:
    """Nobody listens."""
