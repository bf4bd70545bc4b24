"""A chain of many blocks of which few hold anything: the simulator's contracts, without its clock and crowd.

Empty blocks exist by their number alone; their hash and time follow from it.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import sha256
from operator import itemgetter

from tieout.sim.chain.block import Block, Receipt, Transaction
from tieout.sim.chain.calls import Call
from tieout.sim.chain.log import Datum, Log, topic
from tieout.sim.chain.places import OPERATOR, P_USD
from tieout.sim.chain.state import CASH, TOKENS, Revert, State
from tieout.sim.chain.wallet_setup import deploy

START_S = 1_780_000_000
BLOCK_S = 2


def hash_of(number: int) -> str:
    """The hash of a block: its last eight bytes are the number, so that the block can be found by it."""
    return "0x" + sha256(b"block %d" % number).hexdigest()[:48] + f"{number:016x}"


class LongChain:
    """Blocks from `first` on. Transactions are executed in the order in which they come, in blocks that rise."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.state = State()
        self.state.block_number = first
        deploy(self.state)
        self.state.seal()
        self.receipts: dict[str, Receipt] = {}
        self._blocks = {first: self._empty(first)}
        self._log_index = 0

    def block(self, number: int) -> Block:
        """The block of that number, from the first on."""
        return self._blocks.get(number) or self._empty(number)

    def run(self, number: int, call: Call) -> Receipt:
        """Execute *call* in block *number*, the last one that has transactions or a later one. Reverts are errors."""
        state = self.state
        if number != state.block_number:
            if number < state.block_number:
                raise ValueError(f"number: expected {state.block_number} or more, was {number}")
            state.seal()
            state.block_number = number
            self._log_index = number % 500
        block = self._blocks.setdefault(number, self._empty(number))
        logs: list[Log] = []

        def emit(address: str, topic0: str, indexed: tuple[int | str, ...], arguments: tuple[Datum, ...]) -> None:
            logs.append(Log(address, topic0, indexed, arguments))

        try:
            call.execute(state, emit)
        except Revert as revert:
            raise ValueError(f"block {number}: {call} reverted: {revert.reason}") from None
        place = len(block.receipts)
        tx_hash = "0x" + sha256(b"transaction %d/%d" % (number, place)).hexdigest()
        for log in logs:
            log.block, log.tx_hash, log.tx_index, log.log_index = block, tx_hash, place, self._log_index
            self._log_index += 1
        receipt = Receipt(Transaction(tx_hash, call, OPERATOR), block, place, 1, "", logs)
        block.receipts.append(receipt)
        self.receipts[tx_hash] = receipt
        return receipt

    def end(self) -> None:
        """Nothing more is executed: from now on balances can be read at any block."""
        self.state.seal()

    def tokens(self, ledger: str, wallet: str, token: int, block: int) -> int:
        """ERC-1155 balance at the end of *block*."""
        return self.state.at((TOKENS, ledger, wallet, token), block)

    def cash(self, wallet: str, contract: str = P_USD, block: int = 0) -> int:
        """ERC-20 balance at the end of *block*."""
        return self.state.at((CASH, contract, wallet), block)

    def _empty(self, number: int) -> Block:
        parent = hash_of(number - 1) if number > self.first else "0x" + "0" * 64
        return Block(number, hash_of(number), parent, START_S + BLOCK_S * (number - self.first), 0)


class WalletLogs:
    """The logs of a chain that name one wallet in a topic, in chain order: what a node finds by its index."""

    def __init__(self, chain: LongChain, wallet: str) -> None:
        me = topic(wallet)
        self.logs = [log for each in chain.receipts.values() for log in each.logs if me in log.topics[1:]]
        self._places = [(log.block_number, log.log_index) for log in self.logs]

    def between(self, first: int, last: int) -> tuple[int, int]:
        """The range of `logs` that lies in those blocks, both included."""
        start = bisect_right(self._places, first - 1, key=itemgetter(0))
        return start, bisect_right(self._places, last, lo=start, key=itemgetter(0))

    def __len__(self) -> int:
        return len(self.logs)
