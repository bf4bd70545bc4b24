"""The books as of a block, whole: what every position held, cost and made there, and where the collateral came from.

`jobs/height` tells shares and collateral of the stored books, for a comparison every few seconds. This folds the
movements that the block has, so it also tells cost and profit, of the books at any entry of the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tieout.app.queries import collateral_of
from tieout.jobs.height import LATE_MS
from tieout.ledger.books import Books
from tieout.ledger.fold import fold
from tieout.ledger.movement import CORRECT_COST, LOG_BITS, NO_CHAIN_POSITION, PAD, Movement
from tieout.ledger.position import Positions
from tieout.ledger.rows import MovementRow, PositionRow, movement_row, position_row


@dataclass(frozen=True, slots=True)
class BlockBooks:
    """Positions by token, and the signed collateral by cause in micro-units; movements that count, and those left out.

    Rows hold nothing provisional or unsettled: the block has it, or it is left out.
    """

    positions: tuple[PositionRow, ...]
    flows: Mapping[str, int]
    counted: int
    left_out: int
    movements: tuple[MovementRow, ...] = field(repr=False)
    """Those that count."""

    @property
    def collateral(self) -> int:
        """What the wallet's collateral must be at the block, in micro-units."""
        return sum(self.flows.values())

    @property
    def shares(self) -> dict[str, int]:
        """Micro-shares of every token whose id is known."""
        return {row.token_id: row.shares for row in self.positions if row.token_id.isdecimal()}


def books_at(books: Books, block: int, at_ms: int) -> BlockBooks:
    """*books* as of *block*, which was made at *at_ms*."""
    top = (block + 1 << LOG_BITS) - 1
    positions: list[PositionRow] = []
    counted: list[MovementRow] = []
    left_out = 0
    for book in books.books.values():
        movements = [each for each in book.timeline.movements if _has(each, top, at_ms)]
        left_out += len(book.timeline.movements) - len(movements)
        counted += map(movement_row, movements)
        folded: Positions = {}
        fold(folded, movements, 0, len(movements), book.timeline.payouts)
        positions += [position_row(book, token_id, each.as_tuple()) for token_id, each in folded.items()]
    totals = collateral_of(counted)
    flows = {name: getattr(totals, name) for name in totals.__slots__}
    return BlockBooks(tuple(sorted(positions)), flows, len(counted), left_out, tuple(counted))


def _has(movement: Movement, top: int, at_ms: int) -> bool:
    """Whether the block has it: by its place on chain; without one, by its time.

    What somebody else says has settled must be on chain a while later, receipt or not (F1). What has not settled lies
    after every time (`movement.PENDING`).
    """
    moment_ms, position, key = movement.order
    if 0 < position < NO_CHAIN_POSITION:
        return position <= top
    is_own_word = movement.op in (PAD, CORRECT_COST) or key.startswith("manual/")
    return moment_ms <= at_ms if is_own_word else moment_ms + LATE_MS <= at_ms
