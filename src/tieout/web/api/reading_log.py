"""Incidents, the log, and the raw messages behind it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from tieout.app.desk import entries
from tieout.app.desk.incidents import EVERY_MAX, incident, incidents
from tieout.app.history import Moment
from tieout.store import log as store_log
from tieout.web.api import shapes, shapes_books
from tieout.web.api.asked import Asked, Asking, Limit, NumberPath, SeqPath
from tieout.web.api.models import Incidents, IncidentStory
from tieout.web.api.models_books import ChainedEntry, Log, RawMessage
from tieout.web.api.problems import ApiError
from tieout.web.api.routes import Reading
from tieout.web.api.routes import router as new_router
from tieout.web.api.units import AskedMs, AskedNumber

incidents_router = new_router("incidents", Reading)
log_router = new_router("log", Reading)


@incidents_router.get("/incidents", operation_id="list_incidents")
async def list_incidents(
    asked: Asking,
    open_: Annotated[
        bool, Query(alias="open", description="True: those that nobody has acknowledged; false: the last of all.")
    ] = True,
    limit: Annotated[int, Query(ge=1, le=EVERY_MAX, description=f"So many, {EVERY_MAX} at most.")] = 100,
) -> Incidents:
    """What did not tie out, or could not be told."""
    async with asked.house.reading() as connection:
        found = await incidents(connection, asked.wallet_id, every=not open_)
    is_cut = not open_ and len(found) == EVERY_MAX  # there may be more than were read
    return Incidents(items=[shapes.incident(issue) for issue in found[:limit]], more=is_cut or len(found) > limit)


@incidents_router.get("/incidents/{incident_id}", operation_id="get_incident")
async def get_incident(asked: Asking, incident_id: NumberPath) -> IncidentStory:
    """One incident with its evidence, the run that found it, and what to do."""
    async with asked.house.reading() as connection:
        found = await incident(connection, asked.wallet_id, incident_id)
    if found is None:
        raise ApiError(404, f"this wallet has no incident {incident_id}; GET .../incidents?open=false lists the last")
    return shapes.incident_story(found)


@log_router.get("/log", operation_id="list_log")
async def list_log(
    asked: Asking,
    below: Annotated[AskedNumber | None, Query(description="Entries before this one, the newest first.")] = None,
    after: Annotated[
        AskedNumber | None, Query(description="Entries after this one, the oldest first: what is new since then.")
    ] = None,
    as_of: Annotated[
        AskedMs | None, Query(description="True then: only what had happened by this time, milliseconds of Unix time.")
    ] = None,
    as_known: Annotated[
        AskedMs | None, Query(description="Believed then: only what had been heard by then, milliseconds of Unix time.")
    ] = None,
    as_known_seq: Annotated[AskedNumber | None, Query(description="Believed then: only up to this entry.")] = None,
    limit: Limit = 100,
) -> Log:
    """Entries of the log: the newest first, or with `after` the oldest first."""
    moment = Moment(as_of, as_known, as_known_seq)
    if after is not None:
        if below is not None or not moment.is_now:
            raise ApiError(400, "after: goes with limit alone; below, as_of and as_known read from the newest down")
        return await _after(asked, after, limit)
    async with asked.house.reading() as connection:
        head = await asked.seq(connection)
        found = await entries.newest(connection, asked.wallet_id, moment, below, limit + 1)
    return Log(
        head=head,
        items=[shapes_books.entry(each) for each in found[:limit]],
        next_below=found[limit - 1].seq if len(found) > limit else None,
        next_after=None,
    )


async def _after(asked: Asked, after: int, limit: int) -> Log:
    async with asked.house.reading() as connection:
        head = await asked.seq(connection)
        found: list[store_log.Entry] = []
        async for chunk in store_log.entries(connection, asked.wallet_id, after=after, until=after + limit):
            found += chunk
    last = found[-1].seq if found else after
    return Log(
        head=head,
        items=[shapes_books.entry(each) for each in found],
        next_below=None,
        next_after=last if last < head else None,
    )


@log_router.get("/log/{seq}", operation_id="get_entry")
async def get_entry(asked: Asking, seq: SeqPath) -> ChainedEntry:
    """One entry of the log, checked against the hash before it."""
    async with asked.house.reading() as connection:
        found = await entries.entry(connection, asked.wallet_id, seq)
        if found is None:
            head = await asked.seq(connection)
            raise ApiError(404, f"the log of this wallet has no entry {seq}; its last is {head}")
    return shapes_books.chained_entry(found)


@log_router.get("/raw/{raw_id}", operation_id="get_raw")
async def get_raw(asked: Asking, raw_id: NumberPath) -> RawMessage:
    """One message as it came, before it was read."""
    async with asked.house.reading() as connection:
        found = await entries.raw(connection, asked.wallet_id, raw_id)
    if found is None:
        raise ApiError(404, f"the journal of this wallet has no message {raw_id}; entries of its log name them")
    return shapes_books.raw_message(found)
