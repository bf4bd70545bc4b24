"""How many blocks to ask for at once: as many as the node answers, and as few as fit into memory.

Nodes bound a range between 10 and 10,000 blocks, or the logs of an answer, or its time, and say so in words of their
own. So nothing is read out of a refusal but that less must be asked.
"""

from __future__ import annotations

from typing import Final

WIDTHS: Final = (10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
"""Blocks, the widest first: the bounds that nodes have are round numbers."""

FIRST_WIDTH: Final = 2_000
"""The width to begin with."""

SURE: Final = 500
"""No answer to so few blocks is an outage of the node, not too much asked for."""

TRANSACTIONS_MAX: Final = 2_000
"""Transactions of the wallet to have in one window: everything of it is held in memory and booked together."""

STEADY: Final = 25
"""Windows in a row after which a width that was refused is tried again: one request in so many is lost."""


class WindowWidth:
    """The width of the next window, in `blocks`."""

    def __init__(self) -> None:
        self._rung = WIDTHS.index(FIRST_WIDTH)
        self._in_a_row = 0
        self._needed = 1

    @property
    def blocks(self) -> int:
        """Blocks to ask for."""
        return WIDTHS[self._rung]

    def refused(self, asked: int) -> None:
        """A window of *asked* blocks, more than 1, was too much."""
        self._rung = next(rung for rung, width in enumerate(WIDTHS) if width < asked)
        self._in_a_row, self._needed = 0, STEADY

    def answered(self, asked: int, transactions: int) -> None:
        """A window of *asked* blocks brought so many *transactions*."""
        if transactions > TRANSACTIONS_MAX and asked > 1:
            self._rung = next(rung for rung, width in enumerate(WIDTHS) if width < asked)
        elif asked == self.blocks and self._rung > 0:
            self._in_a_row += 1
            wider = WIDTHS[self._rung - 1]
            if self._in_a_row >= self._needed and transactions * wider <= TRANSACTIONS_MAX * asked:
                self._rung, self._in_a_row = self._rung - 1, 0
