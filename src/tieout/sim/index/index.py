"""The analytics index behind the Data API: it follows the chain with a lag that nobody can see.

A block shows some 60-70 s after it was mined (valory-xyz/trader PR 779, `polymarket.md` 4.3), in order, all of it or
nothing. Nothing says up to which block the index has read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tieout.sim.chain.block import Block
from tieout.sim.chain.chain import BlockMined, BlocksRemoved, ChainEvent
from tieout.sim.index.reading import Reader
from tieout.sim.index.seen import Seen
from tieout.sim.world import World

LAG_MS = (60_000, 70_000)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A block that does not show yet; *chance* (0 to 1) is its place between the least and the greatest lag."""

    block: Block
    mined_ms: int
    chance: float


class Index:
    """`lag_ms` is (least, greatest), for blocks in wait too; `frozen` stops it, and it catches up when set free."""

    def __init__(self, world: World, *, lag_ms: tuple[int, int] = LAG_MS) -> None:
        self.lag_ms = lag_ms
        self._frozen = False
        self._world = world
        self._draw = world.chance.stream("data api lag")
        self._waiting: deque[_Waiting] = deque()
        self._applied: list[Block] = []
        self._seen = self._empty()
        chain = world.chain
        for number in range(chain.block_by_tag("earliest").number, chain.head.number + 1):
            if (block := chain.block(number)) is not None:
                self._wait(block)
        chain.listen(self._on_chain)

    @property
    def frozen(self) -> bool:
        """The index takes nothing in."""
        return self._frozen

    @frozen.setter
    def frozen(self, value: bool) -> None:
        self.read()
        self._frozen = value

    def read(self) -> Seen:
        """What shows now."""
        while not self._frozen and self._waiting and self._due(self._waiting[0]):
            block = self._waiting.popleft().block
            self._seen.apply(block)
            self._applied.append(block)
        return self._seen

    def _due(self, waiting: _Waiting) -> bool:
        least, greatest = self.lag_ms
        lag_ms = least + int((greatest - least) * waiting.chance)
        return self._world.scheduler.now_ms >= waiting.mined_ms + lag_ms

    def _on_chain(self, event: ChainEvent) -> None:
        if isinstance(event, BlockMined):
            self._wait(event.block)
        elif isinstance(event, BlocksRemoved):
            self._remove({block.hash for block in event.blocks})

    def _wait(self, block: Block) -> None:
        if block.receipts:
            self._waiting.append(_Waiting(block, block.timestamp_s * 1000, self._draw.random()))

    def _remove(self, hashes: set[str]) -> None:
        """A reorganisation: forget its blocks, and read everything again if some of them showed already."""
        self._waiting = deque(waiting for waiting in self._waiting if waiting.block.hash not in hashes)
        kept = [block for block in self._applied if block.hash not in hashes]
        if len(kept) < len(self._applied):
            self._applied, self._seen = kept, self._empty()
            for block in kept:
                self._seen.apply(block)

    def _empty(self) -> Seen:
        by_token = self._world.exchange.by_token

        def outcome_of(token: int) -> tuple[str, int]:
            market = by_token[token]
            pair = market.ctf_tokens if token in market.ctf_tokens else market.position_ids
            return market.condition_id, pair.index(token)

        return Seen(Reader(self._world.chain, outcome_of))
