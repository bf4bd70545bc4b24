"""The chain: a mempool, blocks on a clock, finality some blocks behind the head, reorganisations above it.

Everything is synchronous and follows from the scheduler's clock and the seed. Block times are whole seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from tieout.sim.chain.block import Block, Receipt, Transaction
from tieout.sim.chain.calls import Call
from tieout.sim.chain.condition import Condition, NegRiskEvent
from tieout.sim.chain.log import Datum, Log
from tieout.sim.chain.log_index import LogIndex, Topics
from tieout.sim.chain.places import OPERATOR, P_USD
from tieout.sim.chain.state import ALLOWANCE, APPROVAL, CASH, TOKENS, Revert, Slot, State
from tieout.sim.chain.totals import Totals, totals
from tieout.sim.chain.wallet_setup import deploy
from tieout.sim.rng import Chance, drawn_hash
from tieout.sim.scheduler import Scheduler

__all__ = ["Block", "BlockMined", "BlocksRemoved", "Chain", "Condition", "Finalized", "Log", "NegRiskEvent", "Receipt"]

FIRST_BLOCK = 94_100_000
"""About where Polygon was in September 2026."""

_OF_A_HOLDER = frozenset((TOKENS, CASH, ALLOWANCE, APPROVAL))
"""Slots whose third part is the holder."""


@dataclass(frozen=True, slots=True)
class BlockMined:
    """A new head."""

    block: Block


@dataclass(frozen=True, slots=True)
class BlocksRemoved:
    """A reorganisation took *blocks* (in ascending order) away; *dropped* are their transactions that never return."""

    blocks: tuple[Block, ...]
    dropped: frozenset[str]


@dataclass(frozen=True, slots=True)
class Finalized:
    """Blocks up to *number* cannot go away any more."""

    number: int


ChainEvent = BlockMined | BlocksRemoved | Finalized


class Chain:
    """Polygon with the venue's contracts. `finality` is how many blocks the finalized one is behind the head."""

    def __init__(
        self,
        scheduler: Scheduler,
        chance: Chance,
        *,
        block_ms: int = 2000,
        first_number: int = FIRST_BLOCK,
        finality: int = 10,
    ) -> None:
        self.state = State()
        self.finality = finality
        self.finalized = first_number
        self.block_ms = block_ms
        self._scheduler = scheduler
        self._hashes = chance.stream("chain hashes")
        self._places = chance.stream("chain log indexes")
        self._shuffles = chance.stream("chain reorganisations")
        self._first = first_number
        self._mempool: list[Transaction] = []
        self._receipts: dict[str, Receipt] = {}
        self._index = LogIndex()
        self._listeners: list[Callable[[ChainEvent], None]] = []
        self.state.block_number = first_number
        deploy(self.state)
        genesis = Block(first_number, drawn_hash(self._hashes), "0x" + "0" * 64, scheduler.now_s, 0)
        genesis.undo = self.state.seal()
        self._blocks = [genesis]
        self._by_hash = {genesis.hash: genesis}

    # growing

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._blocks[-1]

    @property
    def pending(self) -> tuple[Transaction, ...]:
        """The transactions in wait, in the order in which they will be mined."""
        return tuple(self._mempool)

    def listen(self, listener: Callable[[ChainEvent], None]) -> None:
        """Call *listener* for everything that happens to the chain from now on."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[ChainEvent], None]) -> None:
        """Stop calling *listener*."""
        self._listeners.remove(listener)

    def submit(self, call: Call, *, sender: str = OPERATOR, tx_hash: str = "") -> str:
        """Send a transaction: its hash, *tx_hash* or one drawn now. It is mined with the next block."""
        tx_hash = tx_hash or drawn_hash(self._hashes)
        self._mempool.append(Transaction(tx_hash, call, sender))
        return tx_hash

    def withdraw(self, tx_hash: str) -> None:
        """Take a transaction that waits out: its sender replaced it. One that does not wait stays what it is."""
        self._mempool = [each for each in self._mempool if each.tx_hash != tx_hash]

    def start(self) -> None:
        """Mine a block every `block_ms` from now on."""
        self._scheduler.every(self.block_ms, self._tick)

    def mine(self) -> Block:
        """One block of everything that waits, in order."""
        parent = self.head
        number = parent.number + 1
        time_s = max(self._scheduler.now_s, parent.timestamp_s)
        block = Block(number, drawn_hash(self._hashes), parent.hash, time_s, self._places.randrange(1, 700))
        self.state.block_number = number
        waiting, self._mempool = self._mempool, []
        log_index = block.first_log_index
        for tx_index, transaction in enumerate(waiting):
            receipt = self._execute(transaction, block, tx_index)
            for log in receipt.logs:
                log.block, log.tx_hash, log.tx_index, log.log_index = block, transaction.tx_hash, tx_index, log_index
                log_index += 1
            block.receipts.append(receipt)
            self._receipts[transaction.tx_hash] = receipt
        block.fell = self._seal(block)
        self._blocks.append(block)
        self._by_hash[block.hash] = block
        self._announce(BlockMined(block))
        if number - self.finality > self.finalized:
            self.finalized = number - self.finality
            self._announce(Finalized(self.finalized))
        return block

    def reorg(self, depth: int, *, drop: Collection[str] = (), shuffle: bool = False) -> list[Block]:
        """Take the last *depth* blocks away; their transactions wait again, before the others, but for *drop*.

        Raises ValueError when that would reach a finalized block. *shuffle* mixes their order.
        """
        if depth < 1 or self.head.number - depth < self.finalized:
            raise ValueError(f"depth: expected 1 to {self.head.number - self.finalized}, was {depth}")
        removed = self._blocks[-depth:]
        for block in reversed(removed):
            self._take_away(block)
        self.state.block_number = self.head.number
        back = [receipt.transaction for block in removed for receipt in block.receipts]
        gone = frozenset(drop)
        dropped = gone.intersection(transaction.tx_hash for transaction in back)
        if shuffle:
            self._shuffles.shuffle(back)
        self._mempool = [each for each in (*back, *self._mempool) if each.tx_hash not in gone]
        self._announce(BlocksRemoved(tuple(removed), dropped))
        return removed

    # reading

    def block(self, which: int | str) -> Block | None:
        """The block of that number or hash on the present branch."""
        if isinstance(which, str):
            return self._by_hash.get(which.lower())
        place = which - self._first
        return self._blocks[place] if 0 <= place < len(self._blocks) else None

    def block_by_tag(self, tag: str) -> Block:
        """The block of "latest", "finalized", "safe" (the same as finalized) or "earliest"; raises KeyError."""
        numbers = {
            "latest": self.head.number,
            "finalized": self.finalized,
            "safe": self.finalized,
            "earliest": self._first,
        }
        return self._blocks[numbers[tag] - self._first]

    def receipt(self, tx_hash: str) -> Receipt | None:
        """The receipt of a mined transaction."""
        return self._receipts.get(tx_hash.lower())

    def logs(
        self, from_block: int, to_block: int, addresses: Collection[str] | None = None, topics: Topics = ()
    ) -> list[Log]:
        """The logs of a range of blocks, both ends included, as eth_getLogs filters them."""
        start = self._index.next_block or self._first
        for block in self._blocks[start - self._first :]:
            self._index.add(block)
        return self._index.find(from_block, to_block, addresses or (), topics)

    def tokens(self, ledger: str, wallet: str, token: int, block: int | None = None) -> int:
        """ERC-1155 balance at the head or at the end of *block*."""
        return self._read((TOKENS, ledger, wallet, token), block)

    def cash(self, wallet: str, contract: str = P_USD, block: int | None = None) -> int:
        """ERC-20 balance at the head or at the end of *block*."""
        return self._read((CASH, contract, wallet), block)

    def cash_allowance(self, wallet: str, spender: str, contract: str = P_USD) -> int:
        """What *spender* may take of the wallet's cash."""
        return self.state.allowance(contract, wallet, spender)

    def tokens_approved(self, ledger: str, wallet: str, operator: str) -> bool:
        """Whether *operator* may move the wallet's tokens."""
        return self.state.approved(ledger, wallet, operator)

    def totals(self) -> Totals:
        """Supplies, and what the contracts hold."""
        return totals(self.state)

    # inside

    def _tick(self) -> None:
        self.mine()

    def _execute(self, transaction: Transaction, block: Block, tx_index: int) -> Receipt:
        logs: list[Log] = []

        def emit(address: str, topic0: str, indexed: tuple[int | str, ...], arguments: tuple[Datum, ...]) -> None:
            logs.append(Log(address, topic0, indexed, arguments))

        mark = self.state.mark()
        try:
            transaction.call.execute(self.state, emit)
        except Revert as revert:
            self.state.undo_to(mark)
            return Receipt(transaction, block, tx_index, 0, revert.reason, [])
        return Receipt(transaction, block, tx_index, 1, "", logs)

    def _seal(self, block: Block) -> Sequence[Slot]:
        block.undo = self.state.seal()
        return [slot for slot, old in block.undo.items() if slot[0] in _OF_A_HOLDER and self.state.get(slot) < old]

    def _take_away(self, block: Block) -> None:
        if self._index.next_block == block.number + 1:
            self._index.remove(block)
        self.state.unseal(block.undo)
        for receipt in block.receipts:
            del self._receipts[receipt.tx_hash]
        del self._by_hash[block.hash]
        self._blocks.pop()
        block.removed = True

    def _read(self, slot: tuple[str | int, ...], block: int | None) -> int:
        return self.state.get(slot) if block is None else self.state.at(slot, block)

    def _announce(self, event: ChainEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)
