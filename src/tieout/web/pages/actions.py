"""Actions: each is asked back on a page of its own, carried out by a form that only this desk can have made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse, Response

from tieout.app.desk.acting import WORDS_MAX, Act, RefusedError, Wish, act
from tieout.app.desk.markets import market_line
from tieout.app.showing import open_orders
from tieout.store import controls, requests, runs
from tieout.web.pages.visit import NotFoundError, Visit, Visiting
from tieout.web.sessions import is_csrf

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Words:
    """How an action is asked back. `needs_why`: a reason has to be given."""

    title: str
    happens: str
    button: str
    tone: str = "plain"
    needs_why: bool = True


WORDS = {
    Act.PAUSE: Words(
        "Pause quoting",
        "No new quotes; those that rest are cancelled in the next round. The books go on.",
        "Pause",
        "warn",
    ),
    Act.RESUME: Words("Resume quoting", "It may be quoted again as soon as the books tie out.", "Resume", "good"),
    Act.HALT: Words(
        "Halt",
        "Something is wrong: no new quotes, those that rest are cancelled, and nothing starts again by itself. "
        "The books go on.",
        "Halt",
        "bad",
    ),
    Act.CANCEL_ALL: Words(
        "Cancel all orders",
        "The wallet is paused, so that nothing is placed again, and every resting order is cancelled in the next "
        "round; orders of others on the same key only where the configuration says so. Resume when you want to quote.",
        "Cancel all orders",
        "bad",
    ),
    Act.ACKNOWLEDGE: Words(
        "Acknowledge",
        "You have seen it and it needs nothing more. If it happens again, it is a new incident.",
        "Acknowledge",
        needs_why=False,
    ),
    Act.ALERT_TEST: Words(
        "Send a test alert",
        "The worker sends a marked test alert to everybody it is set to tell.",
        "Send",
        needs_why=False,
    ),
    Act.FULL_SYNC: Words(
        "Compare everything now", "The worker runs a full sync as its next job.", "Compare", needs_why=False
    ),
}


@router.get("/do/{name}")
async def ask_back(
    visit: Visiting, name: str, market: str = Query("", max_length=80), issue: int | None = None
) -> Response:
    """What would happen, and whether it is meant."""
    wanted = _act(name)
    if visit.session is None:
        return RedirectResponse(f"/login?to={quote(_address(visit, wanted, market, issue), safe='')}", 303)
    return await _form(visit, wanted, market, issue)


@router.post("/do/{name}")
async def do(
    visit: Visiting,
    name: str,
    csrf: Annotated[str, Form(max_length=200)] = "",
    why: Annotated[str, Form(max_length=WORDS_MAX)] = "",
    market: Annotated[str, Form(max_length=80)] = "",
    issue: Annotated[int | None, Form()] = None,
    force: Annotated[bool, Form()] = False,
) -> Response:
    """Do it. Without a session or the session's own word nothing is done."""
    wanted = _act(name)
    if visit.session is None or not is_csrf(visit.session, csrf):
        return await _form(visit, wanted, market, issue, 403, "Refused: log in, and use the form of this page.")
    wish = Wish(wanted, visit.session.who, why, market.lower(), issue, force)
    try:
        async with visit.house.connection() as connection:
            done = await act(connection, visit.wallet_id, wish, visit.now_ms)
    except RefusedError as error:
        return await _form(visit, wanted, market, issue, 409, f"Not done: {error}", why)
    if done.request_id is not None:
        return RedirectResponse(f"{visit.base}/request/{done.request_id}", 303)
    if issue is not None:
        return RedirectResponse(f"{visit.base}/incidents", 303)
    return RedirectResponse(f"{visit.base}/market/{market.lower()}" if market else visit.base, 303)


@router.get("/request/{request_id}")
async def one_request(visit: Visiting, request_id: int) -> Response:
    """What became of something that a worker was asked."""
    async with visit.house.reading() as connection:
        found = await requests.get(connection, visit.wallet_id, request_id)
        if found is None:
            raise NotFoundError(f"nobody asked for {request_id} here")
        is_late = found.done_at_ms is None and visit.now_ms - found.at_ms > requests.LATE_MS
        return await visit.render(connection, "request.html", found=found, is_late=is_late)


async def _form(
    visit: Visit, wanted: Act, market: str, issue_id: int | None, status: int = 200, problem: str = "", why: str = ""
) -> Response:
    async with visit.house.reading() as connection:
        line = await market_line(connection, visit.wallet_id, market.lower()) if market else None
        issue = None if issue_id is None else await runs.get_issue(connection, visit.wallet_id, issue_id)
        if (market and line is None) or (wanted is Act.ACKNOWLEDGE and issue is None):
            raise NotFoundError("there is no such market or incident in this wallet")
        control = await controls.state_of(connection, visit.wallet_id, market.lower())
        return await visit.render(
            connection,
            "confirm.html",
            status,
            act=wanted,
            words=WORDS[wanted],
            line=line,
            issue=issue,
            control=control,
            open_orders=await open_orders(connection, visit.wallet_id),
            problem=problem,
            why=why,
        )


def _act(name: str) -> Act:
    try:
        return Act(name)
    except ValueError:
        raise NotFoundError(f"there is no action {name[:40]}") from None


def _address(visit: Visit, wanted: Act, market: str, issue: int | None) -> str:
    asked = f"market={quote(market)}" if market else f"issue={issue}" if issue is not None else ""
    return f"{visit.base}/do/{wanted.value}{'?' + asked if asked else ''}"
