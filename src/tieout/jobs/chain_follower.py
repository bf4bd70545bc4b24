"""Following a wallet on chain: every transaction that touches it, whole, up to the finalized block.

Logs find the transactions, and tell by themselves those that are only fills; the cause of every other movement stands
in the logs around it, so of those the receipt is booked. What lies above the finalized block is `provisional`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tieout.client.chain import BlockHead, Chain
from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.client.rpc import CallFailedError
from tieout.jobs.chain_logs import filters
from tieout.jobs.provisional import ProvisionalBlocks
from tieout.jobs.window_width import SURE, WindowWidth
from tieout.venue.chain_window import Seen, decode_window
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.wire import WireError

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
        self._width = WindowWidth()
        self._begun = False
        self._provisional = provisional
        self.next_block = first
        self.transactions = 0
        """How many were found so far, but for what only reading again found."""
        self._read_up_to = -1
        self.progress: Progress = _unheard

    async def step(self) -> Step:
        """Read up to the finalized block, and what is above it as far as that is wanted.

        Raises VenueError when no node answers, or none has all of it; what was read stays read.
        """
        head = await self._chain.block("finalized")
        if head is None:
            # A node that is far behind may have seen none yet; it catches up, or the next one is asked.
            raise VenueError(
                ErrorKind.TRANSIENT, Meaning.UNKNOWN, "the finalized block", "the node knows none", service="rpc"
            )
        await self._begin()
        if self._provisional is not None:
            # After the head was read: what is final by then, a match under its new hash too, was so when this is asked.
            await self._provisional.take_back_gone()
        first = self.next_block
        transactions = await self._read_to(head.number, self.progress)
        if self._provisional is not None:
            # A node that lags may name an older final block for a while: what was final stays it.
            await self._provisional.follow(replace(head, number=max(head.number, self.next_block - 1)))
        return Step(head, first, transactions)

    async def again(self, first: int, last: int) -> None:
        """Read these blocks, which are final and were read before, once more. Raises as `step`."""
        with self.rewound(first):
            await self._read_to(last, _unheard)

    @contextmanager
    def rewound(self, first: int) -> Iterator[None]:
        """Inside, *first* is the next block to read; afterwards what had been read before counts as read."""
        top = self.next_block
        self.next_block = first
        try:
            yield
        finally:
            self.next_block = max(self.next_block, top)

    async def _read_to(self, end: int, progress: Progress) -> int:
        """Book the blocks from the next one to *end*, as many at once as the node bears; how many transactions."""
        transactions = 0
        while self.next_block <= end:
            last = min(self.next_block + self._width.blocks - 1, end)
            asked = last - self.next_block + 1
            try:
                found = await self._read(self.next_block, last)
            except (CallFailedError, VenueError) as error:
                if not _is_too_much(error, asked):
                    raise
                self._width.refused(asked)
                continue
            self._width.answered(asked, len(found))
            transactions += len(found)
            self.transactions += sum(each.block > self._read_up_to for each in found)
            self._read_up_to = max(self._read_up_to, last)
            self.next_block = last + 1
            await progress(last, end)
        return transactions

    async def _begin(self) -> None:
        """Leave out, once, the blocks before the first one the node has."""
        if not self._begun:
            earliest = await self._chain.block("earliest")
            self.next_block = max(self.next_block, earliest.number if earliest else 0)
            self._begun = True

    async def _read(self, first: int, last: int) -> Sequence[Seen]:
        """Book the transactions of these blocks."""
        answers = await self._chain.window(filters(self._wallet, first, last), last, kind="chain_window")
        try:
            window = decode_window(answers, self._identity, Decoded(""))
        except WireError as error:
            raise VenueError(ErrorKind.TRANSIENT, Meaning.UNREADABLE, "eth_getLogs", str(error)) from None
        if self._provisional is not None:
            await self._provisional.seen_as_final(window.transactions)
        await self._receipts([each.tx_hash for each in window.unexplained])
        return window.transactions

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


def _is_too_much(error: CallFailedError | VenueError, blocks: int) -> bool:
    """Whether a node that failed with *error* may answer for fewer than so many *blocks*.

    Too wide a range, too many logs: nodes say it by JSON-RPC or by HTTP, or take too long, or answer too much.
    """
    if isinstance(error, CallFailedError) or error.meaning is Meaning.REFUSED:
        return blocks > 1
    return error.meaning is Meaning.NO_ANSWER and blocks > SURE


async def _unheard(_block: int, _last: int) -> None:
    """Nobody listens."""
