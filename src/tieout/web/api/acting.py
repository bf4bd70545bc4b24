"""Actions: what a person can do at the desk, for programs. Each is written down with who and why."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
from fastapi import Body, Path, Response

from tieout.app.desk.acting import Act, RefusedError, Wish, act
from tieout.app.desk.markets import market_line
from tieout.store import requests
from tieout.web.api.asked import Asked, Asking, NumberPath, lowered
from tieout.web.api.models_acts import Ask, Done, RequestState
from tieout.web.api.problems import PREFIX, ApiError
from tieout.web.api.routes import Acting, Reading
from tieout.web.api.routes import router as new_router

router = new_router("actions", Acting)
requests_router = new_router("actions", Reading)

_STEERING = frozenset((Act.PAUSE, Act.RESUME, Act.HALT, Act.CANCEL_ALL))

EXAMPLES: dict[str, Any] = {
    "pause": {"summary": "pause the wallet", "value": {"who": "ann's bot", "why": "the feed lags"}},
    "pause-market": {
        "summary": "pause one market",
        "value": {"who": "ann's bot", "why": "news", "market": "0xc0ffee"},
    },
    "resume-force": {
        "summary": "resume what an invariant has halted",
        "value": {"who": "ann", "why": "found the cause", "force": True},
    },
    "acknowledge": {"summary": "acknowledge an incident", "value": {"who": "ann", "issue": 7}},
    "full-sync": {"summary": "compare everything now", "value": {"who": "ann's bot"}},
}

ActionPath = Annotated[
    Act,
    Path(
        description="`pause`, `resume`, `halt`: whether quotes may be placed. `cancel-all`: pause, and every resting "
        "order is cancelled in the next round. `acknowledge`: an incident was seen. `alert-test`, `full-sync`: asked "
        "of the worker."
    ),
]


@router.post(
    "/actions/{action}", operation_id="act", responses={202: {"model": Done, "description": "A worker is asked."}}
)
async def do(
    asked: Asking, action: ActionPath, ask: Annotated[Ask, Body(openapi_examples=EXAMPLES)], answer: Response
) -> Done:
    """Pause, resume, halt, cancel all orders, acknowledge an incident, or ask the worker for something.

    What a worker has to carry out is answered by 202 and the header `Location`, where it can be looked up.
    """
    _check(action, ask)
    wish = Wish(action, ask.who, ask.why, lowered(ask.market), ask.issue, ask.force)
    async with asked.house.connection() as connection:
        await _require_market(connection, asked, wish.condition_id)
        try:
            done = await act(connection, asked.wallet_id, wish, asked.now_ms)
        except RefusedError as error:
            raise ApiError(409, str(error)) from error
    if done.request_id is not None:
        answer.status_code = 202
        answer.headers["location"] = request_address(asked.wallet, done.request_id)
    return Done(changed=done.changed, words=done.words, request_id=done.request_id)


def _check(action: Act, ask: Ask) -> None:
    """Refuse what the action does not take, and want what it needs. Raises ApiError."""
    steers = action in _STEERING
    if steers and not ask.why:
        raise ApiError(400, f"why: {action.value} needs a reason: it is kept in the history")
    if not steers and (ask.market or ask.force):
        raise ApiError(400, f"market, force: {action.value} takes neither")
    if (action is Act.ACKNOWLEDGE) != (ask.issue is not None):
        words = "the number of an incident is needed" if action is Act.ACKNOWLEDGE else f"{action.value} takes none"
        raise ApiError(400, f"issue: {words}")


async def _require_market(connection: asyncpg.Connection, asked: Asked, condition_id: str) -> None:
    """A pause of a market that is misspelt would hold nothing. Raises ApiError."""
    if condition_id and await market_line(connection, asked.wallet_id, condition_id) is None:
        raise ApiError(404, f"market: this wallet knows no market {condition_id}; GET .../markets lists those it knows")


def request_address(wallet: str, request_id: int) -> str:
    """Where a request is looked up."""
    return f"{PREFIX}/wallets/{wallet}/requests/{request_id}"


@requests_router.get("/requests/{request_id}", operation_id="get_request")
async def get_request(asked: Asking, request_id: NumberPath) -> RequestState:
    """What became of something that a worker was asked."""
    async with asked.house.reading() as connection:
        found = await requests.get(connection, asked.wallet_id, request_id)
    if found is None:
        raise ApiError(404, f"nobody asked for {request_id} in this wallet")
    is_late = found.done_at_ms is None and asked.now_ms - found.at_ms > requests.LATE_MS
    return RequestState(
        request_id=found.request_id,
        kind=found.kind,
        who=found.who,
        at_ms=found.at_ms,
        state="done" if found.done_at_ms is not None else "late" if is_late else "waiting",
        done_at_ms=found.done_at_ms,
        outcome=found.outcome,
    )
