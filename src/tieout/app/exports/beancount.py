"""A Beancount ledger as text, from the first movement of the books on. How it tells them: `beancount_ledger`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from importlib.metadata import version

from tieout.app.exports.beancount_ledger import Ledger
from tieout.app.exports.beancount_names import COLLATERAL
from tieout.app.exports.beancount_text import quoted
from tieout.app.exports.evidence import Evidence
from tieout.app.exports.folded import fold
from tieout.app.exports.reading import Reading
from tieout.ledger.changes import all_changes

PIECE = 500
"""Movements written at once."""


async def ledger_pieces(reading: Reading) -> AsyncGenerator[tuple[int, str]]:
    """(movements in it, text) of each piece of the ledger, in the order of the file."""
    evidence = Evidence()
    books, names = await fold(reading, evidence)
    ledger = Ledger(reading.wallet, names, commodities=reading.request.commodities)
    yield 0, "\n".join(_head(reading)) + "\n"
    total = sum(len(book.timeline.movements) for book in books.books.values())
    lines: list[str] = []
    count = done = 0
    for moved in all_changes(books.books.values()):
        lines += ledger.transaction(moved, evidence.of(moved.movement))
        count += 1
        if count == PIECE:
            yield count, "\n".join(lines) + "\n"
            done += count
            reading.progress("writing", done, total)
            lines, count = [], 0
            await asyncio.sleep(0)  # nothing else here waits for anything, and others want their turn
    lines += _end(reading, ledger)
    yield count, "\n".join(lines) + "\n"
    reading.progress("writing", total, total)


def _head(reading: Reading) -> Iterator[str]:
    yield f";; The books of wallet {reading.wallet}, exported by tieout {version('tieout')}."
    yield f";; They end with entry {reading.head.seq} of its log, whose hash is {reading.head.hash.hex()}."
    yield f";; {COLLATERAL} is all collateral: pUSD and USDC.e, one for one."
    yield f"option {quoted('title')} {quoted('Polymarket wallet ' + reading.wallet)}"
    yield f"option {quoted('operating_currency')} {quoted(COLLATERAL)}"
    yield f"option {quoted('tolerance_multiplier')} {quoted('0')}"
    yield ""


def _end(reading: Reading, ledger: Ledger) -> Iterator[str]:
    yield from ledger.end()
    yield f'{ledger.day} custom "tieout" "log" {reading.head.seq} {quoted(reading.head.hash.hex())}'
