"""The portfolio: all positions marked to market."""

from __future__ import annotations

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from tieout.app.desk.figures import figures
from tieout.app.desk.holdings import holdings
from tieout.web.pages.visit import Visiting

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)


@router.get("/portfolio")
async def portfolio(visit: Visiting, show: str = Query("held", max_length=10)) -> HTMLResponse:
    """What is held, or everything that ever was."""
    async with visit.house.reading() as connection:
        found = await holdings(connection, visit.wallet_id, every=show == "all")
        return await visit.render(
            connection,
            "portfolio.html",
            holdings=found,
            show=show,
            value=sum(each.value for each in found),
            unrealized=sum(each.unrealized for each in found),
            figures=await figures(connection, visit.wallet_id, visit.now_ms),
        )
