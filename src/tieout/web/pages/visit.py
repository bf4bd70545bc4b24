"""One visit to a page of a wallet: who comes, what every page shows at its top, and how it is rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from tieout.app.publishing import worker_status
from tieout.app.stored_answer import FRESH_MS, stored_answer
from tieout.app.tie_answer import Answer
from tieout.app.worker_state import WorkerState
from tieout.store import controls, statuses
from tieout.store.controls import WHOLE_WALLET, Control, strictest
from tieout.store.statuses import Status
from tieout.store.wallets import wallet_id_of
from tieout.web.house import House, house_of
from tieout.web.sessions import Session

COOKIE = "tieout_desk"

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


_BLANK = worker_status(WorkerState("", is_live=False))
"""What a worker of an older version does not show."""


class NotFoundError(Exception):
    """There is no such thing; the message says what, and where to look."""


class LoginNeededError(Exception):
    """Beyond this machine nobody sees anything without the token."""


@dataclass(frozen=True, slots=True)
class Top:
    """What every page shows."""

    answer: Answer
    control: Control
    worker: Status | None
    is_running: bool
    issues: int
    grave: int
    wallets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """A page of *wallet* is asked for. `session` None: somebody who may only look."""

    request: Request
    house: House
    wallet: str
    wallet_id: int
    session: Session | None

    @property
    def base(self) -> str:
        """What every address of this wallet begins with."""
        return f"/w/{self.wallet}"

    @property
    def now_ms(self) -> int:
        """The time."""
        return self.house.now_ms()

    async def render(
        self, connection: asyncpg.Connection, template: str, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """The page, with its top."""
        top = await self.top(connection)
        return page(
            self.request,
            template,
            self.session,
            status,
            visit=self,
            base=self.base,
            top=top,
            now_ms=self.now_ms,
            **context,
        )

    async def top(self, connection: asyncpg.Connection) -> Top:
        """The top as it is now."""
        now_ms = self.now_ms
        worker = await statuses.worker(connection, self.wallet_id)
        if worker is not None:
            worker = Status(worker.at_ms, {**_BLANK, **worker.values})
        whole = [
            each
            for each in await controls.all_controls(connection, self.wallet_id)
            if each.condition_id == WHOLE_WALLET
        ]
        issues, grave = await connection.fetchrow(
            "SELECT count(*), count(*) FILTER (WHERE severity IN ('ERROR', 'CRITICAL')) FROM sync_issue "
            "WHERE wallet_id = $1 AND acknowledged_at_ms IS NULL",
            self.wallet_id,
        )
        rows = await connection.fetch("SELECT address FROM wallet ORDER BY wallet_id LIMIT 200")
        return Top(
            await stored_answer(connection, self.wallet, now_ms),
            strictest([Control(WHOLE_WALLET), *whole]),
            worker,
            worker is not None and now_ms - worker.at_ms < FRESH_MS and worker.values["phase"] != "stopped",
            issues,
            grave,
            tuple(row["address"] for row in rows),
        )


def session_of(request: Request) -> Session | None:
    """Who told the token, None when nobody did."""
    return house_of(request).sessions.find(request.cookies.get(COOKIE, ""))


def reader(request: Request) -> Session | None:
    """Whoever may look. Raises LoginNeededError."""
    session = session_of(request)
    if session is None and not house_of(request).settings.is_local:
        raise LoginNeededError
    return session


async def visit(request: Request, wallet: str, session: Annotated[Session | None, Depends(reader)]) -> Visit:
    """The visit of a wallet's page. Raises NotFoundError, LoginNeededError."""
    house = house_of(request)
    if not _ADDRESS.fullmatch(wallet):
        raise NotFoundError("a wallet is named by its address: 0x and 40 hex digits")
    async with house.connection() as connection:
        wallet_id = await wallet_id_of(connection, wallet.lower())
    if wallet_id is None:
        raise NotFoundError(f"this database has no books of wallet {wallet.lower()}")
    made = Visit(request, house, wallet.lower(), wallet_id, session)
    request.state.visit = made
    return made


Visiting = Annotated[Visit, Depends(visit)]


def page(request: Request, template: str, session: Session | None, status: int = 200, **context: Any) -> HTMLResponse:
    """A rendered template."""
    values: Mapping[str, Any] = {
        "request": request,
        "session": session,
        "can_act": house_of(request).sessions.can_act,
        "now_ms": house_of(request).now_ms(),
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        **context,
    }
    made = request.app.state.templates.get_template(template).render(values)
    return HTMLResponse(made, status)
