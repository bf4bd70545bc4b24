"""Incidents: what did not tie out, how we know, what was done, what you can do."""

from __future__ import annotations

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from tieout.app.desk.incidents import incident, incidents
from tieout.app.desk.markets import lines_of, market_line
from tieout.app.issue_words import GUIDANCE
from tieout.web.pages.visit import NotFoundError, Visiting

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)


@router.get("/incidents")
async def all_incidents(visit: Visiting, show: str = Query("open", max_length=10)) -> HTMLResponse:
    """The open ones, the gravest first; or all that there ever were, the latest first."""
    async with visit.house.reading() as connection:
        found = await incidents(connection, visit.wallet_id, every=show == "all")
        return await visit.render(
            connection,
            "incidents.html",
            issues=found,
            show=show,
            lines=await lines_of(connection, visit.wallet_id, [issue.condition_id for issue in found]),
            guidance=GUIDANCE,
        )


@router.get("/incident/{issue_id}")
async def one_incident(visit: Visiting, issue_id: int) -> HTMLResponse:
    """One incident with its evidence."""
    async with visit.house.reading() as connection:
        found = await incident(connection, visit.wallet_id, issue_id)
        if found is None:
            raise NotFoundError(f"this wallet has no incident {issue_id}")
        line = (
            await market_line(connection, visit.wallet_id, found.issue.condition_id)
            if found.issue.condition_id
            else None
        )
        return await visit.render(
            connection, "incident.html", found=found, issue=found.issue, line=line, guide=GUIDANCE[found.issue.type]
        )


@router.get("/guide")
async def guide(visit: Visiting) -> HTMLResponse:
    """Every type of incident in plain words."""
    async with visit.house.reading() as connection:
        return await visit.render(connection, "guide.html", guidance=GUIDANCE)
