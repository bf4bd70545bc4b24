"""Blocks, transactions in wait and receipts, as the chain keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tieout.sim.chain.calls import Call
from tieout.sim.chain.log import Log
from tieout.sim.chain.state import Slot, Undo


@dataclass(frozen=True, slots=True)
class Transaction:
    """A call with its hash, in wait for a block."""

    tx_hash: str
    call: Call
    sender: str


@dataclass(slots=True, eq=False)
class Receipt:
    """What became of a transaction: `status` 1 with its logs, or 0 with the reason of the revert."""

    transaction: Transaction
    block: Block
    tx_index: int
    status: int
    reason: str
    logs: list[Log]

    @property
    def tx_hash(self) -> str:
        """The hash of the transaction."""
        return self.transaction.tx_hash

    @property
    def sender(self) -> str:
        """Who sent it."""
        return self.transaction.sender

    @property
    def block_number(self) -> int:
        """The number of its block."""
        return self.block.number

    @property
    def block_hash(self) -> str:
        """The hash of its block."""
        return self.block.hash


@dataclass(slots=True, eq=False)
class Block:
    """One block. `first_log_index` is where its logs begin to count: others have logs in a block too.

    `undo` says what each changed slot of the state held before. `fell` are the balances, allowances and approvals that
    were less at its end than before.
    """

    number: int
    hash: str
    parent_hash: str
    timestamp_s: int
    first_log_index: int
    receipts: list[Receipt] = field(default_factory=list)
    undo: Undo = field(default_factory=dict)
    fell: Sequence[Slot] = ()
    removed: bool = False

    @property
    def wallets_out(self) -> frozenset[str]:
        """The holders of what fell."""
        return frozenset(str(slot[2]) for slot in self.fell)

    @property
    def logs(self) -> Iterator[Log]:
        """Its logs in order."""
        for receipt in self.receipts:
            yield from receipt.logs
