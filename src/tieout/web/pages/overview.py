"""The overview: does everything tie out, what was earned, what is at risk, and is anything wrong."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from tieout.app.desk.figures import figures, first_mark_ms, profit_over_time
from tieout.app.desk.markets import largest, lines_of
from tieout.app.desk.trades import MovementFilter, movements
from tieout.app.showing import FILL_KINDS
from tieout.store import runs
from tieout.store.wallets import head_of
from tieout.web.house import house_of
from tieout.web.hub import stream
from tieout.web.pages.visit import Visiting, page, reader

router = APIRouter(include_in_schema=False)

FILLS = 12
ISSUES = 5
MARKETS = 12

SPANS = {"hour": 3_600_000, "day": 86_400_000, "week": 7 * 86_400_000, "all": None}
"""How far back the chart goes, milliseconds."""


@router.get("/")
async def first(request: Request) -> Response:
    """The only wallet, or all of them to choose from."""
    session = reader(request)
    async with house_of(request).reading() as connection:
        rows = await connection.fetch(
            "SELECT w.address, w.head_seq, w.holder, (SELECT count(*) FROM sync_issue i "
            "WHERE i.wallet_id = w.wallet_id AND acknowledged_at_ms IS NULL) AS issues FROM wallet w "
            "ORDER BY w.wallet_id LIMIT 1000"
        )
    if len(rows) == 1:
        return RedirectResponse(f"/w/{rows[0]['address']}", 303)
    return page(request, "wallets.html", session, rows=rows)


@router.get("/w/{wallet}")
async def overview(visit: Visiting) -> HTMLResponse:
    """The overview."""
    async with visit.house.reading() as connection:
        most, markets = await largest(connection, visit.wallet_id, MARKETS)
        issues = await runs.open_issues(connection, visit.wallet_id)
        fills = await movements(connection, visit.wallet_id, MovementFilter(FILL_KINDS), limit=FILLS)
        head, _, _ = await head_of(connection, visit.wallet_id)
        return await visit.render(
            connection,
            "overview.html",
            figures=await figures(connection, visit.wallet_id, visit.now_ms),
            lines=await lines_of(connection, visit.wallet_id, [fill.row.condition_id for fill in fills.rows]),
            largest=most,
            markets=markets,
            issues=issues[:ISSUES],
            fills=fills.rows,
            head=head,
            runs=await runs.last_of_each(connection, visit.wallet_id),
            marked=await first_mark_ms(connection, visit.wallet_id) is not None,
        )


@router.get("/w/{wallet}/strip")
async def strip(visit: Visiting) -> HTMLResponse:
    """What every page shows at its top, for pages that stay what they are but for that."""
    async with visit.house.reading() as connection:
        return await visit.render(connection, "strip.html")


@router.get("/w/{wallet}/chart/pnl")
async def pnl_chart(visit: Visiting, span: str = Query("day", max_length=10)) -> dict[str, Any]:
    """Profit over time as columns for the chart, in whole collateral (for display)."""
    length = SPANS.get(span, SPANS["day"])
    async with visit.house.reading() as connection:
        # What is younger than the span is drawn as finely as it was marked.
        first = await first_mark_ms(connection, visit.wallet_id) or 0
        since = max(visit.now_ms - length, first) if length else first
        points = await profit_over_time(connection, visit.wallet_id, since, visit.now_ms)
    return {
        "x": [point.at_ms / 1_000 for point in points],
        "series": [
            {"label": "before fees", "values": [point.before_fees / 1e6 for point in points], "tone": "second"},
            {"label": "after fees", "values": [point.after_fees / 1e6 for point in points], "tone": "main"},
        ],
    }


@router.get("/w/{wallet}/events")
async def events(visit: Visiting) -> StreamingResponse:
    """What happens, as it happens: `booked`, `control`, `request`, `status`."""
    return StreamingResponse(
        stream(visit.house.hub, visit.wallet),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )
