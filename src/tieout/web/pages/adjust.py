"""Booking by hand: a form, what the entry would do, and only then the booking."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import asyncpg
from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from tieout.app.adjust_names import entries
from tieout.app.adjusting import Preview
from tieout.app.desk.acting import RefusedError
from tieout.app.desk.by_hand import WORDS, WORDS_MAX, Draft, EntryKind, book, show
from tieout.app.desk.markets import lines_of
from tieout.store.errors import StoreError
from tieout.web.pages.visit import Visit, Visiting
from tieout.web.sessions import is_csrf

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)


class Typed(BaseModel):
    """The fields of the form as they came."""

    kind: str = Field(EntryKind.BUY.value, max_length=20)
    name: str = Field("", max_length=100)
    shares: str = Field("", max_length=40)
    amount: str = Field("", max_length=40)
    fee: str = Field("", max_length=40)
    tx_hash: str = Field("", max_length=66)
    why: str = Field("", max_length=WORDS_MAX)
    at_ms: int = Field(0, ge=0)
    effect: str = Field("", max_length=64)
    force: bool = False
    csrf: str = Field("", max_length=200)

    def draft(self, who: str, now_ms: int) -> Draft:
        """What it asks for. Raises ValueError."""
        at_ms = min(self.at_ms or now_ms, now_ms)
        return Draft(
            EntryKind(self.kind), who, self.why, at_ms, self.name, self.shares, self.amount, self.fee, self.tx_hash
        )


@router.get("/adjust")
async def adjust_form(
    visit: Visiting, kind: str = Query("buy", max_length=20), name: str = Query("", max_length=100)
) -> Response:
    """The form, and the entries that were booked so far."""
    if visit.session is None:
        return RedirectResponse(f"/login?to={quote(f'{visit.base}/adjust', safe='')}", 303)
    return await _form(visit, Typed.model_construct(kind=kind, name=name))


@router.post("/adjust")
async def adjust(visit: Visiting, typed: Annotated[Typed, Form()]) -> Response:
    """Show what the entry would do; with the effect that was shown, book it."""
    if visit.session is None or not is_csrf(visit.session, typed.csrf):
        return await _form(visit, typed, 403, "Refused: log in, and use the form of this page.")
    try:
        draft = typed.draft(visit.session.who, visit.now_ms)
        async with visit.house.connection() as connection:
            if not typed.effect:
                shown = await show(connection, visit.wallet, visit.wallet_id, draft)
                return await _preview(visit, connection, typed, draft, shown)
            done = await book(
                visit.house.settings.dsn,
                connection,
                visit.wallet,
                visit.wallet_id,
                draft,
                typed.effect,
                force=typed.force,
                now_ms=visit.now_ms,
            )
    except (ValueError, RefusedError, StoreError) as error:
        return await _form(visit, typed, 409, f"Nothing was booked: {error}")
    target = f"log/{done.seq}" if done.seq is not None else f"request/{done.request_id}"
    return RedirectResponse(f"{visit.base}/{target}", 303)


async def _form(visit: Visit, typed: Typed, status: int = 200, problem: str = "") -> Response:
    async with visit.house.reading() as connection:
        return await visit.render(
            connection,
            "adjust.html",
            status,
            typed=typed,
            kinds=WORDS,
            problem=problem,
            booked=await entries(connection, visit.wallet_id),
        )


async def _preview(
    visit: Visit, connection: asyncpg.Connection, typed: Typed, draft: Draft, shown: Preview
) -> Response:
    named = [change.before.condition_id for change in shown.changes]
    return await visit.render(
        connection,
        "adjust_preview.html",
        typed=typed,
        draft=draft,
        shown=shown,
        lines=await lines_of(connection, visit.wallet_id, named),
    )
