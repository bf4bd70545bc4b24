"""Tables of books that are folded again from the log: as of another time, and everything that needs each step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import islice

from tieout.app.exports.evidence import Evidence
from tieout.app.exports.names import Names, read_names
from tieout.app.exports.reading import Reading
from tieout.app.exports.request import What
from tieout.app.exports.rows import fill_cells, movement_cells, order_cells, position_cells
from tieout.app.exports.table import Cells
from tieout.app.exports.tax import Years, disposals, lot_cells, tax_cells, time_of
from tieout.app.history import rebuild
from tieout.app.showing import FILL_KINDS
from tieout.ledger.books import Books
from tieout.ledger.changes import Moved, all_changes
from tieout.ledger.lots import Lots
from tieout.ledger.rows import MovementRow, all_rows
from tieout.store.streams import CHUNK


async def fold(reading: Reading, evidence: Evidence | None = None) -> tuple[Books, Names]:
    """The books from their point of view, and the names of what is in them; *evidence* hears every fact."""
    head = reading.head
    books = await rebuild(
        reading.connection,
        reading.wallet_id,
        reading.request.moment,
        lambda read: reading.progress("reading the log", read, head.seq),
        *(() if evidence is None else (evidence.hear,)),
    )
    if evidence is not None:
        evidence.settle(books.books.values())
    names = await read_names(reading.connection, reading.wallet_id)
    names.place_books(books)
    return books, names


async def folded_cells(reading: Reading) -> AsyncGenerator[list[Cells]]:
    """The rows of the table that was asked for."""
    books, names = await fold(reading)
    rows = _cells(reading, books, names)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
        await asyncio.sleep(0)  # nothing else here waits for anything, and others want their turn


def _cells(reading: Reading, books: Books, names: Names) -> Iterator[Cells]:
    match reading.request.what:
        case What.TAX | What.LOTS | What.YEARS:
            return _tax(reading, books, names)
        case What.ORDERS:
            orders = sorted(all_rows([*books.books.values()]).orders, key=lambda row: (row.placed_at_ms, row.order_id))
            return (order_cells(row, names) for row in orders if reading.in_window(row.placed_at_ms))
        case What.POSITIONS:
            rows = all_rows([*books.books.values()]).positions
            rows.sort(key=lambda row: (row.condition_id, row.outcome_index, row.token_id))
            return (position_cells(row, names) for row in rows)
        case What.FILLS:
            return (fill_cells(row, names) for row in _movements(reading, books) if row.kind in FILL_KINDS)
        case What.MOVEMENTS:
            return (movement_cells(row, names) for row in _movements(reading, books))
        case other:
            raise AssertionError(f"expected a table that is folded, was {other}")


def _movements(reading: Reading, books: Books) -> list[MovementRow]:
    rows = all_rows([*books.books.values()]).movements
    rows.sort(key=lambda row: (row.occurred_at_ms, row.chain_position, row.key))
    return [row for row in rows if reading.in_window(row.occurred_at_ms)]


def _tax(reading: Reading, books: Books, names: Names) -> Iterator[Cells]:
    """Each of the three tables needs every movement from the first one on: a lot may be as old as the books."""
    lots = Lots()
    moved = all_changes(books.books.values())
    if reading.request.what is What.TAX:
        for row in disposals(moved, lots):
            if reading.in_window(time_of(row.movement)):
                yield tax_cells(row, names)
        return
    years = Years()
    for row in disposals(_received(moved, years), lots):
        years.dispose(row)
    yield from years.cells() if reading.request.what is What.YEARS else lot_cells(lots, names)


def _received(moved: Iterable[Moved], years: Years) -> Iterator[Moved]:
    """The same movements, with what the venue paid counted on their way."""
    for each in moved:
        years.receive(each.movement)
        yield each
