"""Events as they happen, for programs: the notices of the database, each with what it is about as JSON.

The id of an event is the number of the last entry of the log by then. A stream begins with `hello`, also after it
broke: whoever reads everything again on `hello` misses nothing, and where only the log matters, reads it from the id
that it had.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, TypeVar

import asyncpg
from fastapi import Header, Query
from fastapi.responses import StreamingResponse

from tieout.store.errors import StoreError
from tieout.store.listening import CONTROL, REQUEST, STATUS
from tieout.web.api.asked import Asked, Asking
from tieout.web.api.problems import ApiError
from tieout.web.api.routes import Reading
from tieout.web.api.routes import router as new_router
from tieout.web.hub import BOOKED, KEEP_ALIVE_S, SUBSCRIBERS_MAX

router = new_router("events", Reading)

T = TypeVar("T")

HELLO = "hello"
KEEP_ALIVE = ": still here\n\n"
AWAY = (StoreError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
EXAMPLE = (
    'retry: 2000\n\nid: 34\nevent: hello\ndata: {"seq":34,"since":null}\n\n'
    'id: 35\nevent: booked\ndata: {"seq":35}\n\nid: 35\nevent: control\ndata: {"market":""}\n\n: still here\n\n'
)

_STREAM = {
    200: {
        "description": "Server-sent events, until either side ends it.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}


@router.get("/events", operation_id="stream_events", response_class=StreamingResponse, responses=_STREAM)  # type: ignore[arg-type]
async def stream_events(
    asked: Asking,
    only: Annotated[
        list[Literal["booked", "control", "request", "status"]] | None,
        Query(description="Only these, beside `hello`; may come more than once."),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was read; sent by a client that comes back.")
    ] = None,
) -> StreamingResponse:
    """What happens, as it happens, as server-sent events.

    - `hello` `{"seq": 34, "since": 30}`: the stream begins, or the desk lost the database for a while; read again
      what you keep. `since` is your `Last-Event-ID`, null where you sent none.
    - `booked` `{"seq": 35}`: the books changed; the last entry of the log is `seq`.
    - `control` `{"market": ""}`: a market, or with "" the whole wallet, was paused, halted or resumed.
    - `request` `{"request_id": 7}`: somebody asked the worker for something.
    - `status` `{}`: the worker showed itself, about once a second.

    The id of each is the number of the last entry of the log by then: `GET .../log?after=ID` reads what is new since.
    A comment comes every 15 seconds. Of events of one sort that come faster than they are read, the last is told: take
    one as a reason to read again, not as all that happened.
    """
    if asked.house.hub.is_full:
        raise ApiError(503, f"{SUBSCRIBERS_MAX} streams are open already; close some, or ask again later")
    since = _number(last_event_id or "")
    return StreamingResponse(
        _events(asked, since, frozenset(only or (BOOKED, CONTROL, REQUEST, STATUS))),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def _number(text: str) -> int | None:
    """An id as we give them; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


async def _events(asked: Asked, since: int | None, only: Collection[str]) -> AsyncIterator[str]:
    """The stream. It ends where the database is away when it is to be asked: the client comes back."""
    hub = asked.house.hub
    yield "retry: 2000\n\n"
    while not hub.is_listening.is_set():
        await _within(hub.is_listening.wait())
        yield KEEP_ALIVE
    with hub.subscribed(asked.wallet) as subscriber, suppress(*AWAY):
        # Asked after listening began, so nothing falls between the two.
        seq = await _head(asked)
        yield _event(seq, HELLO, {"seq": seq, "since": since})
        while True:
            told = await _within(subscriber.next())
            if told is None:
                yield KEEP_ALIVE
            for what, subject in told or ():
                if what == BOOKED and not subject:
                    since, seq = seq, await _head(asked)
                    yield _event(seq, HELLO, {"seq": seq, "since": since})
                    continue
                seq = int(subject) if what == BOOKED else seq
                if what in only:
                    yield _event(seq, what, _data(what, subject))


async def _within(work: Coroutine[Any, Any, T]) -> T | None:
    """What *work* gives, None when it takes so long that a sign of life is due."""
    try:
        async with asyncio.timeout(KEEP_ALIVE_S):
            return await work
    except TimeoutError:
        return None


async def _head(asked: Asked) -> int:
    async with asked.house.reading() as connection:
        return await asked.seq(connection)


def _data(what: str, subject: str) -> dict[str, int | str]:
    if what == BOOKED:
        return {"seq": int(subject)}
    if what == CONTROL:
        return {"market": subject}
    return {"request_id": int(subject)} if what == REQUEST else {}


def _event(seq: int, name: str, data: Mapping[str, int | str | None]) -> str:
    return f"id: {seq}\nevent: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
