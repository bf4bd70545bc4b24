"""An export as bytes, piece by piece: of a wallet's stored books, or of the books folded again from its log.

    async with aclosing(export(connection, wallet, ExportRequest(What.FILLS, Form.PARQUET))) as pieces:
        async for piece in pieces:
            await response.write(piece)

One read-only transaction lasts from the first piece to the last, so everything in an export is of one head of the log,
however long its reader takes. The connection serves nothing else meanwhile, and must not be in a transaction of its
own. What is stored as rows (fills, orders, movements, positions, marks) is read through a cursor, a few thousand rows
at a time; lots and ledgers, and everything as of another time, are folded from the log and need the memory of that, and
seconds of processor for a long log: no work for the event loop of a worker.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from importlib.metadata import version
from typing import BinaryIO, Protocol

import asyncpg

from tieout.app.exports.beancount import ledger_pieces
from tieout.app.exports.csv_form import CsvForm
from tieout.app.exports.folded import folded_cells
from tieout.app.exports.reading import Progress, Reading
from tieout.app.exports.request import ExportRequest, Form
from tieout.app.exports.stored import STORED, stored_cells
from tieout.app.exports.table import Cells
from tieout.app.exports.text import moment_text
from tieout.app.queries import require_wallet
from tieout.store.wallets import Head, head_of


@dataclass(slots=True)
class Tally:
    """What was written so far. `head` is the end of the log that it was made from, known from the first piece on."""

    rows: int = 0
    """Rows of a table, or transactions of a ledger."""
    bytes: int = 0
    head: Head | None = None


def _quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


async def export(
    connection: asyncpg.Connection,
    wallet: str,
    request: ExportRequest,
    tally: Tally | None = None,
    progress: Progress = _quiet,
) -> AsyncGenerator[bytes]:
    """The bytes of what *request* asks of the books of *wallet*. Raises UnknownWalletError before the first of them."""
    tally = tally if tally is not None else Tally()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wallet_id = await require_wallet(connection, wallet)
        head, _, _ = await head_of(connection, wallet_id)
        tally.head = head
        reading = Reading(connection, wallet.lower(), wallet_id, head, request, progress)
        async with aclosing(
            _ledger(reading, tally) if request.form is Form.BEANCOUNT else _table(reading, tally)
        ) as pieces:
            async for piece in pieces:
                if piece:
                    tally.bytes += len(piece)
                    yield piece


async def export_into(
    connection: asyncpg.Connection,
    wallet: str,
    request: ExportRequest,
    file: BinaryIO,
    progress: Progress = _quiet,
) -> Tally:
    """As `export`, written into *file*; returns what was written."""
    tally = Tally()
    async with aclosing(export(connection, wallet, request, tally, progress)) as pieces:
        async for piece in pieces:
            file.write(piece)
    return tally


async def _table(reading: Reading, tally: Tally) -> AsyncGenerator[bytes]:
    form = _form(reading)
    yield form.begin()
    async with aclosing(_cells(reading)) as chunks:
        async for rows in chunks:
            tally.rows += len(rows)
            yield form.rows(rows)
    yield form.end()


def _cells(reading: Reading) -> AsyncGenerator[list[Cells]]:
    if reading.request.what in STORED and reading.request.moment.is_now:
        return stored_cells(reading)
    return folded_cells(reading)


class _Form(Protocol):
    """How the rows of a table become bytes: some before them, some with them, some after."""

    def begin(self) -> bytes: ...
    def rows(self, rows: Sequence[Cells]) -> bytes: ...
    def end(self) -> bytes: ...


def _form(reading: Reading) -> _Form:
    table = reading.request.table
    if reading.request.form is Form.CSV:
        return CsvForm(table)
    # Loaded late: Arrow takes longer to load than most exports take to run.
    from tieout.app.exports.parquet_form import ParquetForm

    return ParquetForm(table, about(reading))


def about(reading: Reading) -> dict[str, str]:
    """What a file should say of itself: whose books, up to which entry of the log, and what of them it holds."""
    request, moment = reading.request, reading.request.moment
    times = {
        "since": request.since_ms,
        "until": request.until_ms,
        "as_of": moment.true_at_ms,
        "as_known": moment.known_at_ms,
    }
    told = {
        "table": request.what.value,
        "wallet": reading.wallet,
        "log_seq": str(reading.head.seq),
        "log_hash": reading.head.hash.hex(),
        "version": version("tieout"),
        **{name: moment_text(at_ms) for name, at_ms in times.items() if at_ms is not None},
        **({"as_known_seq": str(moment.known_seq)} if moment.known_seq is not None else {}),
    }
    return {f"tieout.{name}": value for name, value in told.items()}


async def _ledger(reading: Reading, tally: Tally) -> AsyncGenerator[bytes]:
    async with aclosing(ledger_pieces(reading)) as pieces:
        async for movements, text in pieces:
            tally.rows += movements
            yield text.encode()
