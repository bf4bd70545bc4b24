"""Coming and going: the token is told once, the name goes into every history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from tieout.app.desk.acting import WHO_MAX
from tieout.web.house import address_of, house_of
from tieout.web.pages.visit import COOKIE, page, session_of
from tieout.web.sessions import SESSION_MS, TooManyTriesError, is_csrf

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def login_form(request: Request, to: str = Query("/", max_length=300)) -> Response:
    """The form."""
    return page(request, "login.html", session_of(request), to=_own(to), problem="", who="")


@router.post("/login")
async def login(
    request: Request,
    token: Annotated[str, Form(max_length=500)] = "",
    who: Annotated[str, Form(max_length=WHO_MAX)] = "",
    to: Annotated[str, Form(max_length=300)] = "/",
) -> Response:
    """Begin a session."""
    house, target = house_of(request), _own(to)
    problem, status = "", 403
    try:
        if not who.strip() or not who.isprintable():
            problem, status = "Say who you are: it is kept with everything that you do.", 400
        elif not house.sessions.can_act:
            problem = "This desk has no token, so nobody can do anything here but look."
        elif not house.sessions.is_token(token, address_of(request)):
            problem = "That is not the token."
    except TooManyTriesError as error:
        problem, status = f"{str(error)[:1].upper()}{str(error)[1:]}.", 429
    if problem:
        return page(request, "login.html", None, status, to=target, problem=problem, who=who)
    session = house.sessions.begin(who.strip())
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        COOKIE,
        session.id,
        max_age=SESSION_MS // 1_000,
        httponly=True,
        samesite="strict",
        secure=house.settings.is_behind_tls,
    )
    return answer


@router.post("/logout")
async def logout(request: Request, csrf: Annotated[str, Form(max_length=200)] = "") -> Response:
    """End the session."""
    session = session_of(request)
    if session is not None and is_csrf(session, csrf):
        house_of(request).sessions.end(session.id)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _own(to: str) -> str:
    """An address of this desk, whatever was asked for."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/"
