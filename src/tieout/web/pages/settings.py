"""Settings: who may do what, what is paused, what people did, and how the worker is set."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from tieout.app.desk.markets import lines_of
from tieout.app.operations import control_view
from tieout.store import requests
from tieout.web.pages.visit import Visiting

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)

DEEDS = 50


@router.get("/settings")
async def settings(visit: Visiting) -> HTMLResponse:
    """All of it; nothing secret is known here."""
    async with visit.house.reading() as connection:
        wallet = await connection.fetchrow(
            "SELECT address, epoch, holder, head_seq FROM wallet WHERE wallet_id = $1", visit.wallet_id
        )
        marks = await connection.fetch(
            "SELECT source, value, at_ms FROM watermark WHERE wallet_id = $1 ORDER BY source", visit.wallet_id
        )
        held = await control_view(connection, visit.wallet)
        named = [each.condition_id for each in held.markets] + [each.condition_id for each in held.history]
        return await visit.render(
            connection,
            "settings.html",
            version=version("tieout"),
            schema=await connection.fetchval("SELECT version_num FROM alembic_version"),
            size=await connection.fetchval("SELECT pg_database_size(current_database())"),
            wallet=wallet,
            marks=marks,
            controls=held,
            deeds=await requests.deeds(connection, visit.wallet_id, limit=DEEDS),
            lines=await lines_of(connection, visit.wallet_id, named),
        )
