"""Whether the desk and its database answer; and what Prometheus scrapes."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from tieout.app.metrics import CONTENT_TYPE, metrics_text
from tieout.app.metrics_reading import MARKETS_MAX
from tieout.web.api.models import Health
from tieout.web.api.routes import Open, Reading
from tieout.web.api.routes import router as new_router
from tieout.web.house import house_of

health_router = new_router("health", Open, "")
metrics_router = APIRouter(tags=["health"], route_class=Reading)

PATIENCE_S = 5.0
"""The database has so long to answer."""

_TEXT = {
    200: {
        "description": "The text format of Prometheus, version 0.0.4. Amounts are dollars, for display.",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "tieout_wallets 1.0\n"}},
    }
}


@health_router.get("/health", operation_id="get_health")
async def get_health(request: Request) -> Health:
    """Whether the desk and its database answer. For whoever keeps the desk running; needs no token."""
    async with asyncio.timeout(PATIENCE_S), house_of(request).connection() as connection:
        await connection.fetchval("SELECT 1")
    return Health(status="ok")


@metrics_router.get("/metrics", operation_id="get_metrics", response_class=Response, responses=_TEXT)  # type: ignore[arg-type]
async def get_metrics(
    request: Request,
    markets: Annotated[
        int,
        Query(
            ge=0,
            le=MARKETS_MAX,
            description="So many markets of each wallet, those with the highest cost, have series of their own.",
        ),
    ] = 0,
) -> Response:
    """Every wallet's figures for Prometheus, from the database alone."""
    house = house_of(request)
    async with house.connection() as connection:
        text = await metrics_text(connection, house.now_ms(), markets)
    return Response(text, headers={"content-type": CONTENT_TYPE})
