"""Entries by hand in two steps: what it would do, and, where it still does that, its booking."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Response

from tieout.app.adjusting import Preview
from tieout.app.desk.acting import RefusedError
from tieout.app.desk.by_hand import Draft, EntryKind, book, entry_of, show
from tieout.ledger.units import MICRO
from tieout.web.api.acting import request_address
from tieout.web.api.asked import Asked, Asking
from tieout.web.api.models_acts import Booked, BookingAsk, BrokenInvariant, Change, EntryAsk, Shown
from tieout.web.api.problems import CONFLICTS, PREFIX, ApiError
from tieout.web.api.routes import Acting
from tieout.web.api.routes import router as new_router
from tieout.web.api.shapes_books import position

router = new_router("entries by hand", Acting)

TAKES: dict[EntryKind, frozenset[str]] = {
    EntryKind.BUY: frozenset(("name", "shares", "amount", "fee")),
    EntryKind.SELL: frozenset(("name", "shares", "amount", "fee")),
    EntryKind.SPLIT: frozenset(("name", "amount")),
    EntryKind.MERGE: frozenset(("name", "amount")),
    EntryKind.TRANSFER_IN: frozenset(("name", "shares", "amount")),
    EntryKind.TRANSFER_OUT: frozenset(("name", "shares")),
    EntryKind.COST_TO: frozenset(("name", "amount")),
    EntryKind.CASH_IN: frozenset(("amount",)),
    EntryKind.CASH_OUT: frozenset(("amount",)),
    EntryKind.REVERSE: frozenset(("name",)),
}
"""The fields of a kind; any other is refused, so that nothing that was said is left out in silence."""

_BUY = {
    "kind": "buy",
    "who": "ann's bot",
    "why": "OTC with a friend",
    "name": "7132110",
    "shares": "5000000",
    "amount": "2500000",
    "fee": "10000",
}
EXAMPLES: dict[str, Any] = {
    "buy": {"summary": "shares bought outside of the venue", "value": _BUY},
    "cash-in": {
        "summary": "collateral that came without a token moving",
        "value": {"kind": "cash in", "who": "ann", "why": "from cold storage", "amount": "5000000"},
    },
}
BOOKING: dict[str, Any] = {
    "buy": {
        "summary": "the entry as it was shown",
        "value": {**_BUY, "at_ms": 1789456200000, "effect": "00112233445566778899aabbccddeeff"},
    }
}


@router.post("/entries/preview", operation_id="preview_entry")
async def preview_entry(asked: Asking, ask: Annotated[EntryAsk, Body(openapi_examples=EXAMPLES)]) -> Shown:
    """What an entry by hand would do. Nothing is booked."""
    draft = _draft(asked, ask)
    async with asked.house.connection() as connection:
        try:
            shown = await show(connection, asked.wallet, asked.wallet_id, draft)
        except ValueError as error:
            raise ApiError(400, str(error)) from error
    return _shown(shown, draft.at_ms)


@router.post(
    "/entries",
    operation_id="book_entry",
    status_code=201,
    responses={202: {"model": Booked, "description": "The worker that holds the wallet is asked."}},
)
async def book_entry(
    asked: Asking, ask: Annotated[BookingAsk, Body(openapi_examples=BOOKING)], answer: Response
) -> Booked:
    """Book an entry that was shown, where it still does what was shown; otherwise nothing is booked.

    The header `Location` says where the entry, or the request to the worker, can be looked up.
    """
    draft = _draft(asked, ask)
    async with asked.house.connection() as connection:
        try:
            entry = await entry_of(connection, asked.wallet, asked.wallet_id, draft)
            done = await book(
                asked.house.settings.dsn,
                connection,
                asked.wallet,
                asked.wallet_id,
                draft,
                ask.effect,
                force=ask.force,
                now_ms=asked.now_ms,
            )
        except (RefusedError, *CONFLICTS) as error:
            raise ApiError(409, f"nothing was booked: {error}") from error
        except ValueError as error:
            raise ApiError(400, f"nothing was booked: {error}") from error
    if done.request_id is not None:
        answer.status_code = 202
        answer.headers["location"] = request_address(asked.wallet, done.request_id)
    else:
        answer.headers["location"] = f"{PREFIX}/wallets/{asked.wallet}/log/{done.seq}"
    return Booked(entry_id=entry.entry_id, words=done.words, seq=done.seq, request_id=done.request_id)


def _draft(asked: Asked, ask: EntryAsk) -> Draft:
    """The entry as texts. Raises ApiError."""
    kind = EntryKind(ask.kind)
    given = {name for name in ("name", "shares", "amount", "fee") if getattr(ask, name)}
    if extra := sorted(given - TAKES[kind]):
        raise ApiError(400, f"{', '.join(extra)}: {kind.value} takes {', '.join(sorted(TAKES[kind]))} alone")
    if not ask.why:
        raise ApiError(400, "why: expected a reason: it is kept in the log")
    now_ms = asked.now_ms
    at_ms = now_ms if ask.at_ms is None else ask.at_ms
    if at_ms > now_ms:
        raise ApiError(400, f"at_ms: expected a time that has passed ({now_ms} now), was {at_ms}")
    return Draft(
        kind, ask.who, ask.why, at_ms, ask.name, _text(ask.shares), _text(ask.amount), _text(ask.fee), ask.tx_hash
    )


def _text(amount: int) -> str:
    """Micro-units as a decimal, exact; "" for none."""
    return f"{amount // MICRO}.{amount % MICRO:06}" if amount else ""


def _shown(shown: Preview, at_ms: int) -> Shown:
    return Shown(
        entry_id=shown.entry.entry_id,
        at_ms=at_ms,
        effect=shown.effect_digest,
        changes=[Change(before=position(each.before), after=position(each.after)) for each in shown.changes],
        collateral_before=shown.collateral_before,
        collateral_after=shown.collateral_after,
        broken=[
            BrokenInvariant(id=each.id, sentence=each.sentence, violations=list(each.violations))
            for each in shown.broken
        ],
        warnings=list(shown.warnings),
    )
