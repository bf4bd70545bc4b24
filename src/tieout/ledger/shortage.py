"""I3, proven: a movement on chain that took shares which nothing before it had brought.

The fold counts such shares as unexplained, and most often what brought them is only late. It cannot be late any more
where every log of the chain up to that block is in the books.
"""

from __future__ import annotations

from dataclasses import dataclass

from tieout.ledger.book import Book
from tieout.ledger.fold import fold
from tieout.ledger.movement import NO_CHAIN_POSITION, Movement, block_of
from tieout.ledger.position import Positions


@dataclass(frozen=True, slots=True)
class Shortage:
    """*shares* micro-shares of a token left in the movement *key*, at *block*, that were not there."""

    token_id: str
    condition_id: str
    key: str
    block: int
    shares: int


def shortages(book: Book, final_block: int) -> list[Shortage]:
    """The first of each token at or before *final_block*, up to which every log is known."""
    timeline = book.timeline
    if not any(position.unexplained_shares for position in timeline.positions.values()):
        return []
    found: dict[str, Shortage] = {}
    positions: Positions = {}
    for index, movement in enumerate(timeline.movements):
        before = {token: positions[token].unexplained_shares for token in movement.tokens() if token in positions}
        fold(positions, timeline.movements, index, index + 1, timeline.payouts)
        block = _block(movement)
        for token_id in movement.tokens():
            short = positions[token_id].unexplained_shares - before.get(token_id, 0) if token_id in positions else 0
            if short > 0 and 0 < block <= final_block and token_id not in found:
                condition_id = book.registry.condition_of.get(token_id, "")
                found[token_id] = Shortage(token_id, condition_id, movement.key, block, short)
    return list(found.values())


def _block(movement: Movement) -> int:
    """Where the movement is on chain, 0 where that is not known."""
    place = movement.order[1]
    return block_of(place) if 0 < place < NO_CHAIN_POSITION else 0
