"""Tables read from the stored rows, a piece at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from tieout.app.exports.names import Names, read_names
from tieout.app.exports.reading import Reading
from tieout.app.exports.request import What
from tieout.app.exports.rows import fill_cells, mark_cells, movement_cells, order_cells, position_cells
from tieout.app.exports.table import Cells
from tieout.app.showing import FILL_KINDS
from tieout.ledger.facts import OutcomeTokenListed, decode
from tieout.ledger.registry import Registry
from tieout.store import streams
from tieout.store.streams import Stream

STORED = (What.FILLS, What.ORDERS, What.MOVEMENTS, What.POSITIONS, What.MARKS)
"""What the database has as rows."""


async def stored_cells(reading: Reading) -> AsyncGenerator[list[Cells]]:
    """The rows of the table that was asked for."""
    if reading.request.what is What.MARKS:
        stream, cells = _stream(reading, Names())
    else:
        stream, cells = _stream(reading, await _names(reading))
    total, done = await stream.count(), 0
    async for rows in stream.chunks():
        yield [cells(row) for row in rows]
        done += len(rows)
        reading.progress("writing", done, total)


async def _names(reading: Reading) -> Names:
    names = await read_names(reading.connection, reading.wallet_id)
    async for rows in streams.positions(reading.connection, reading.wallet_id).chunks():
        names.place_rows(rows)
    if reading.request.what is What.ORDERS:
        # An order may be of a token that was never held: then only a listing tells its outcome.
        registry = Registry()
        async for facts in streams.listings(reading.connection, reading.wallet_id).chunks():
            for fact in map(decode, facts):
                if isinstance(fact, OutcomeTokenListed):
                    registry.merge(fact)
        names.place_registry(registry)
    return names


def _stream(reading: Reading, names: Names) -> tuple[Stream[Any], Callable[[Any], Cells]]:
    connection, wallet_id, window = reading.connection, reading.wallet_id, reading.window
    match reading.request.what:
        case What.FILLS:
            fills = streams.movements(connection, wallet_id, window, FILL_KINDS)
            return fills, lambda row: fill_cells(row, names)
        case What.MOVEMENTS:
            return streams.movements(connection, wallet_id, window), lambda row: movement_cells(row, names)
        case What.ORDERS:
            return streams.orders(connection, wallet_id, window), lambda row: order_cells(row, names)
        case What.POSITIONS:
            return streams.positions(connection, wallet_id), lambda row: position_cells(row, names)
        case What.MARKS:
            return streams.marks(connection, wallet_id, window), mark_cells
        case other:
            raise AssertionError(f"expected one of {', '.join(STORED)}, was {other}")
