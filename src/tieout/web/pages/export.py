"""Downloads: what `tieout export` writes, from a form."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.background import BackgroundTask

from tieout.app.exports.export import export_into
from tieout.app.exports.request import WINDOWED, ExportRequest, Form, What
from tieout.web.aside import aside
from tieout.web.pages.visit import Visiting

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)

WORDS = {
    What.FILLS: "every fill, with its ids",
    What.ORDERS: "every order and what became of it",
    What.MOVEMENTS: "every change of the books: fills, splits, merges, redemptions, transfers, cash",
    What.POSITIONS: "what is held and what it cost",
    What.TAX: "every disposal, by first in first out beside average cost",
    What.LOTS: "the lots that are still held",
    What.YEARS: "the disposals summed up by year",
    What.MARKS: "what the wallet was worth over time",
    What.BEANCOUNT: "the whole ledger as a Beancount file that checks itself",
}


@router.get("/export")
async def export_form(visit: Visiting) -> HTMLResponse:
    """What there is to download."""
    async with visit.house.reading() as connection:
        return await visit.render(connection, "export.html", words=WORDS, windowed=WINDOWED)


@router.get("/export/download")
async def download(
    visit: Visiting,
    what: What,
    form: Form = Form.CSV,
    since: str = Query("", max_length=10),
    until: str = Query("", max_length=10),
) -> Response:
    """One file. *since* and *until* are days, the last one included."""
    asked = ExportRequest(
        what,
        Form.BEANCOUNT if what is What.BEANCOUNT else form,
        _day(since, "from") if since else None,
        _day(until, "to") + 86_400_000 if until else None,
    )
    path = await aside(visit.house, lambda connection: _written(connection, visit.wallet, asked))
    return FileResponse(
        path,
        media_type=asked.media_type,
        filename=asked.file_name(visit.wallet),
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


async def _written(connection: asyncpg.Connection, wallet: str, asked: ExportRequest) -> Path:
    """A file with the whole export; none is left when it fails."""
    handle, name = tempfile.mkstemp(prefix="tieout-export-")
    try:
        with os.fdopen(handle, "wb") as file:
            await export_into(connection, wallet, asked, file)
    except BaseException:
        Path(name).unlink()  # noqa: ASYNC240 - in a thread of its own
        raise
    return Path(name)


def _day(text: str, field: str) -> int:
    try:
        return round(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000
    except ValueError:
        raise ValueError(f"{field}: expected a day as 2026-11-30, was {text!r}") from None
