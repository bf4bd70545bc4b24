"""Event logs. A log keeps its arguments as values and writes topics and data only when somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tieout.sim.chain.block import Block

Word = int | str
"""An unsigned integer, or an address or 32 bytes as lower-case 0x hex."""

Datum = Word | tuple[int, ...]
"""A word of the data, or a dynamic uint256[]."""

Emit = Callable[[str, str, tuple[Word, ...], tuple[Datum, ...]], None]
"""(contract, topic 0, indexed arguments, other arguments)."""


def hex_word(value: Word) -> str:
    """32 bytes as 64 hex digits, padded on the left."""
    return value[2:].rjust(64, "0") if isinstance(value, str) else f"{value:064x}"


@lru_cache(maxsize=65536)
def topic(value: Word) -> str:
    """An indexed argument as the topic it becomes."""
    return "0x" + hex_word(value)


def encode(arguments: tuple[Datum, ...]) -> str:
    """The data of a log as 0x hex: static words first, arrays behind them by offset (Solidity ABI)."""
    head: list[str] = []
    tail: list[str] = []
    for argument in arguments:
        if isinstance(argument, tuple):
            head.append(hex_word(32 * (len(arguments) + len(tail))))
            tail.append(hex_word(len(argument)))
            tail.extend(map(hex_word, argument))
        else:
            head.append(hex_word(argument))
    return "0x" + "".join(head) + "".join(tail)


class Log:
    """One log. Its place (block, transaction, index) is set when its block is mined."""

    __slots__ = (
        "_data",
        "_topics",
        "address",
        "arguments",
        "block",
        "indexed",
        "log_index",
        "topic0",
        "tx_hash",
        "tx_index",
    )

    block: Block
    tx_hash: str
    tx_index: int
    log_index: int

    def __init__(self, address: str, topic0: str, indexed: tuple[Word, ...], arguments: tuple[Datum, ...]) -> None:
        self.address = address
        self.topic0 = topic0
        self.indexed = indexed
        self.arguments = arguments
        self._topics: tuple[str, ...] | None = None
        self._data: str | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """Topic 0 and the indexed arguments, as 0x hex of 32 bytes."""
        if self._topics is None:
            self._topics = (self.topic0, *map(topic, self.indexed))
        return self._topics

    @property
    def data(self) -> str:
        """The other arguments as 0x hex."""
        if self._data is None:
            self._data = encode(self.arguments)
        return self._data

    @property
    def block_number(self) -> int:
        """The number of its block."""
        return self.block.number

    @property
    def block_hash(self) -> str:
        """The hash of its block."""
        return self.block.hash

    @property
    def block_timestamp_s(self) -> int:
        """The time of its block in seconds."""
        return self.block.timestamp_s

    @property
    def removed(self) -> bool:
        """A reorganisation took its block away."""
        return self.block.removed
