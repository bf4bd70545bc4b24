"""Finding logs as eth_getLogs does: by block range, emitter and topics, without reading them all.

Blocks are indexed when somebody asks. Each list of the index is in chain order, so a range is a bisection and a
removed block's logs are at the ends.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter

from tieout.sim.chain.block import Block
from tieout.sim.chain.log import Log

Topics = Sequence[str | Sequence[str] | None]
"""Per position: anything (None), one topic, or one of several."""

Key = tuple[int, str]
"""(position, topic); position -1 is the emitter."""

Range = tuple[list[Log], int, int]
"""Logs, from one place to before another."""

_number = attrgetter("block_number")


class LogIndex:
    """The logs of the indexed blocks by emitter, and by topic and position."""

    def __init__(self) -> None:
        self.next_block: int | None = None
        self._all: list[Log] = []
        self._lists: dict[Key, list[Log]] = {}

    def add(self, block: Block) -> None:
        """Index the logs of the next block."""
        for log in block.logs:
            self._all.append(log)
            for key in _keys(log):
                self._lists.setdefault(key, []).append(log)
        self.next_block = block.number + 1

    def remove(self, block: Block) -> None:
        """Forget the logs of the last indexed block."""
        for log in block.logs:
            self._all.pop()
            for key in _keys(log):
                self._lists[key].pop()
        self.next_block = block.number

    def find(self, from_block: int, to_block: int, addresses: Collection[str], topics: Topics) -> list[Log]:
        """All logs of the range that match, in chain order."""
        wanted = [_alternatives(topic) for topic in topics]
        emitters = {address.lower() for address in addresses}
        if to_block < from_block:
            return []
        best = [_in_range(self._all, from_block, to_block)]
        keys: list[list[Key]] = [[(place, topic) for topic in some] for place, some in enumerate(wanted) if some]
        if emitters:
            keys.append([(-1, address) for address in emitters])
        for alternatives in keys:
            ranges = [_in_range(self._lists.get(key, []), from_block, to_block) for key in alternatives]
            if _size(ranges) < _size(best):
                best = ranges
        candidates = (log for logs, start, end in best for log in logs[start:end])
        found = [log for log in candidates if matches(log, emitters, wanted)]
        found.sort(key=lambda log: (log.block.number, log.log_index))
        return found


def matches(log: Log, emitters: Collection[str], wanted: Sequence[Collection[str]]) -> bool:
    """The log is from one of *emitters* (empty: any) and has a wanted topic (empty: any) at every position."""
    if emitters and log.address not in emitters:
        return False
    topics = log.topics
    return len(wanted) <= len(topics) and all(
        not some or topic in some for some, topic in zip(wanted, topics, strict=False)
    )


def _alternatives(topic: str | Sequence[str] | None) -> frozenset[str]:
    if topic is None:
        return frozenset()
    return frozenset((topic.lower(),) if isinstance(topic, str) else (each.lower() for each in topic))


def _keys(log: Log) -> Iterable[Key]:
    yield -1, log.address
    yield from enumerate(log.topics)


def _in_range(logs: list[Log], from_block: int, to_block: int) -> Range:
    start = bisect_left(logs, from_block, key=_number)
    return logs, start, bisect_right(logs, to_block, lo=start, key=_number)


def _size(ranges: list[Range]) -> int:
    return sum(end - start for _, start, end in ranges)
