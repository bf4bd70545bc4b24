"""The desk as one application: guards, pages, the interface for programs, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import quote

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from tieout.store.errors import StoreError
from tieout.web.api import document, reference
from tieout.web.api.problems import ApiError, database_words, is_api, misread_of, problem
from tieout.web.guards import Guards
from tieout.web.house import DeskSettings, House
from tieout.web.pages import (
    actions,
    adjust,
    export,
    incidents,
    log,
    login,
    markets,
    overview,
    portfolio,
    settings,
    trades,
)
from tieout.web.pages.visit import LoginNeededError, NotFoundError, Visit, page, session_of
from tieout.web.rendering import environment, static_folder

PAGES = (overview, markets, trades, incidents, log, portfolio, settings, actions, adjust, export, login)


def desk(given: DeskSettings, now_ms: Callable[[], int]) -> FastAPI:
    """The application, whose house is to be opened. *now_ms*: the time, milliseconds of Unix time."""
    app = FastAPI(title="tieout", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.house = House(given, now_ms)
    app.state.templates = environment()
    app.mount("/static", StaticFiles(directory=static_folder()), name="static")
    for module in PAGES:
        app.include_router(module.router)
    for router in (*document.ROUTERS, reference.document_router, reference.page_router):
        app.include_router(router)
    app.state.api_parameters = document.parameters()
    _say_errors(app)
    app.add_middleware(Guards, hosts=(given.host, *given.hosts))
    return app


def _say_errors(app: FastAPI) -> None:
    """Every error is told in words, as a page or to a program; what is said of the database holds no address."""

    @app.exception_handler(ApiError)
    async def of_api(_request: Request, error: ApiError) -> Response:
        return problem(error.status, str(error), error.headers)

    @app.exception_handler(NotFoundError)
    async def not_found(request: Request, error: NotFoundError) -> Response:
        return await _said(request, 404, "Not here", str(error))

    @app.exception_handler(LoginNeededError)
    async def login_needed(request: Request, _error: LoginNeededError) -> Response:
        return RedirectResponse(f"/login?to={quote(request.url.path, safe='')}", 303)

    @app.exception_handler(ValueError)
    async def bad_value(request: Request, error: ValueError) -> Response:
        if is_api(request.url.path):
            raise error  # there everything that is asked was read before: it is a fault of ours
        return await _said(request, 400, "That cannot be read", str(error))

    @app.exception_handler(asyncpg.DataError)
    async def bad_data(request: Request, _error: asyncpg.DataError) -> Response:
        return await _said(request, 400, "That cannot be read", "no name and no number of the books looks like that")

    @app.exception_handler(RequestValidationError)
    async def bad_request(request: Request, error: RequestValidationError) -> Response:
        if is_api(request.url.path):
            return misread_of(error)
        words = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
        return await _said(request, 422, "That cannot be read", words)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        title = "Not here" if error.status_code == 404 else "Refused"
        return await _said(request, error.status_code, title, _http_words(request, error), error.headers)

    @app.exception_handler(Exception)
    async def fault(request: Request, _error: Exception) -> Response:
        words = "Something is wrong in tieout itself; the desk's log has the rest."
        return await _said(request, 500, "A fault of tieout", words)

    for kind in (StoreError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, _database_away)


async def _said(
    request: Request, status: int, title: str, words: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The error as a problem for programs; as a page with the top of the wallet that it belongs to, where known."""
    if is_api(request.url.path):
        return problem(status, words, headers)
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is not None:
        with suppress(StoreError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            async with visit.house.reading() as connection:
                return await visit.render(connection, "error.html", status, title=title, words=words)
    return page(request, "error.html", session_of(request), status, title=title, words=words)


def _http_words(request: Request, error: HTTPException) -> str:
    if is_api(request.url.path) and error.status_code in (404, 405):
        return f"there is no {request.method} {request.url.path[:200]}; the page /api lists what there is"
    return error.detail


def _database_away(request: Request, error: Exception) -> Response:
    if is_api(request.url.path):
        return problem(503, f"{database_words(error)}; ask again when it is back")
    words = f"{database_words(error)}. The page works again when it is back."
    title = "The database is out of reach"
    return page(request, "error.html", session_of(request), 503, title=title, words=words)
