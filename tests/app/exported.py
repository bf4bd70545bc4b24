"""Wallets with recorded and generated books in one database, and exports of them read back."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from oracle.history import life, observe
from support.database import booker_of, connected, heard
from tieout.app.exports.csv_form import unguarded
from tieout.app.exports.export import export_into
from tieout.app.exports.request import ExportRequest, Form, What
from tieout.app.history import NOW, Moment
from tieout.app.importing import ImportRequest, import_files
from tieout.ledger.facts import AnyFact
from tieout.store import marks
from tieout.store.marks import Mark
from tieout.store.wallets import add_wallet

BOSONA = "0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed"
LARGE = "0x09b428f7c2b469786286214aa5c90dd9015f7320"
LIVED = {f"0x{seed:040x}": seed for seed in (7, 15, 23)}
"""Wallets of generated lives; those of a seed that 5 divides begin in the middle."""
WALLETS = (BOSONA, LARGE, *LIVED)

MARKS = [
    Mark(1_790_000_000_123, None, 7_000_003, 6_000_000, -250_000, 1_234, 40_000, 3, 1),
    Mark(1_790_000_060_000, 5_000_000, 0, 0, 17, 0, 0, 0, 0),
]
EVERYTHING = tuple(what for what in What if what is not What.BEANCOUNT)


def observed(seed: int) -> list[AnyFact]:
    """What is told of a generated life."""
    return observe(life(seed, 45, window=seed % 5 == 0), seed)


async def book(dsn: str, wallet: str, facts: list[AnyFact], at_ms: int = 1) -> None:
    """Book *facts* as heard at a time."""
    async with booker_of(dsn, wallet) as booker:
        await booker.book(heard(facts, at_ms=at_ms))


async def furnish(dsn: str, shared: Path) -> None:
    """Import the recorded wallets, book the generated ones in two halves, and mark one."""
    for wallet, folders in ((BOSONA, ("activity", "receipts")), (LARGE, ("wallet",))):
        paths = tuple(shared / "real" / folder for folder in folders)
        await import_files(dsn, ImportRequest(wallet, frozenset(), paths), lambda *_: None)
    for wallet, seed in LIVED.items():
        facts = observed(seed)
        await book(dsn, wallet, facts[: len(facts) // 2], at_ms=1_000)
        await book(dsn, wallet, facts[len(facts) // 2 :], at_ms=2_000)
    async with connected(dsn) as connection:
        for mark in MARKS:
            await marks.append(connection, await add_wallet(connection, BOSONA), mark)


@dataclass(frozen=True)
class Exports:
    """Asks for exports over one connection."""

    dsn: str
    connection: asyncpg.Connection

    async def bytes(
        self,
        what: What,
        form: Form = Form.CSV,
        wallet: str = BOSONA,
        window: tuple[int | None, int | None] = (None, None),
        moment: Moment = NOW,
    ) -> bytes:
        """The whole export."""
        file = io.BytesIO()
        tally = await export_into(self.connection, wallet, ExportRequest(what, form, *window, moment), file)
        assert tally.bytes == len(file.getvalue())
        return file.getvalue()

    async def rows(
        self,
        what: What,
        wallet: str = BOSONA,
        window: tuple[int | None, int | None] = (None, None),
        moment: Moment = NOW,
    ) -> list[dict[str, str]]:
        """The rows of its CSV, by column; texts as they were before they were guarded."""
        return read_csv(await self.bytes(what, Form.CSV, wallet, window, moment))


@asynccontextmanager
async def exports(dsn: str) -> AsyncIterator[Exports]:
    async with connected(dsn) as connection:
        yield Exports(dsn, connection)


def read_csv(data: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True)
    return [{name: unguarded(text) for name, text in row.items()} for row in rows]
