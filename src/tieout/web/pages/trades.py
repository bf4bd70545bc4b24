"""Orders and fills, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from tieout.app.desk.markets import lines_of
from tieout.app.desk.trades import (
    MovementFilter,
    OrderFilter,
    count_movements,
    movements,
    orders,
    place_of,
)
from tieout.app.showing import FILL_KINDS, OPEN_STATES
from tieout.web.pages.visit import Visiting

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)

SHOWS: dict[str, Sequence[str]] = {
    "fills": FILL_KINDS,
    "sets": ("split", "merge", "redemption", "exchange"),
    "transfers": ("transfer in", "transfer out"),
    "cash": ("cash",),
    "by hand": ("adjustment", "cost correction"),
    "all": (),
}
"""What the page of fills can show: kinds of movements."""


@router.get("/fills")
async def fills(
    visit: Visiting,
    below: str = Query("", max_length=300),
    show: str = Query("fills", max_length=10),
    market: str = Query("", max_length=80),
) -> HTMLResponse:
    """Movements, the newest first."""
    kinds = SHOWS.get(show, FILL_KINDS)
    place = place_of(below)
    async with visit.house.reading() as connection:
        found = await movements(connection, visit.wallet_id, MovementFilter(tuple(kinds), market.lower()), place)
        named = {market.lower(), *(each.row.condition_id for each in found.rows)}
        return await visit.render(
            connection,
            "fills.html",
            found=found,
            lines=await lines_of(connection, visit.wallet_id, named),
            total=await count_movements(connection, visit.wallet_id, FILL_KINDS),
            show=show,
            shows=tuple(SHOWS),
            market=market.lower(),
            below=below,
        )


@router.get("/orders")
async def all_orders(
    visit: Visiting,
    below: str = Query("", max_length=300),
    show: str = Query("open", max_length=10),
    market: str = Query("", max_length=80),
) -> HTMLResponse:
    """Orders, those placed last first."""
    states = {"open": OPEN_STATES, "closed": ("closed",), "rejected": ("rejected",)}.get(show, ())
    place = place_of(below)
    async with visit.house.reading() as connection:
        found = await orders(connection, visit.wallet_id, OrderFilter(tuple(states), market.lower()), place)
        named = {market.lower(), *(each.row.condition_id for each in found.rows)}
        return await visit.render(
            connection,
            "orders.html",
            found=found,
            lines=await lines_of(connection, visit.wallet_id, named),
            show=show,
            shows=("open", "closed", "rejected", "all"),
            market=market.lower(),
            below=below,
        )
