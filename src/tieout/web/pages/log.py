"""The log, with time travel: what was true then, what was believed then; and from any name down to the raw message."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from tieout.app.desk import entries
from tieout.app.desk.markets import lines_of
from tieout.app.explaining import Explanation, explain_name, full_names
from tieout.app.history import Moment, rebuild
from tieout.ledger.rows import PositionRow, all_rows
from tieout.store.wallets import head_of
from tieout.web.aside import aside
from tieout.web.pages.visit import NotFoundError, Visiting

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)

TIMES = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f")
"""What a browser's field for a time writes."""

FACTS_MAX = 200
STEPS_MAX = 200


@router.get("/log")
async def log(
    visit: Visiting,
    as_of: str = Query("", max_length=40),
    as_known: str = Query("", max_length=40),
    below: int | None = Query(None, ge=1),
) -> HTMLResponse:
    """Entries, the newest first; at another moment also the positions as they were then."""
    moment = moment_of(as_of.strip(), as_known.strip())
    then = None if moment.is_now else await aside(visit.house, lambda each: _positions(each, visit.wallet_id, moment))
    async with visit.house.reading() as connection:
        head, _, _ = await head_of(connection, visit.wallet_id)
        rows = await connection.fetch(
            f"SELECT {', '.join(PositionRow._fields)} FROM positions WHERE wallet_id = $1", visit.wallet_id
        )
        found = await entries.newest(connection, visit.wallet_id, moment, below)
        return await visit.render(
            connection,
            "log.html",
            head=head,
            entries=found,
            then=then,
            now={row["token_id"]: PositionRow(*row) for row in rows},
            lines=await lines_of(connection, visit.wallet_id, [row.condition_id for row in then or ()]),
            as_of=as_of,
            as_known=as_known,
            moment=moment,
            below=below,
            more=len(found) == entries.PAGE,
        )


async def _positions(connection: asyncpg.Connection, wallet_id: int, moment: Moment) -> list[PositionRow]:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        books = await rebuild(connection, wallet_id, moment)
    rows = all_rows(list(books.books.values())).positions
    return [row for row in rows if row.shares or row.cost_basis or row.realized_pnl]


def moment_of(as_of: str, as_known: str) -> Moment:
    """The moment that the two fields of the form name. Raises ValueError."""
    true_at_ms = _time("true at", as_of) if as_of else None
    if as_known.startswith("#"):
        if not (as_known[1:].isascii() and as_known[1:].isdigit() and len(as_known) < 20):
            raise ValueError(f"believed at: expected a time in UTC, or an entry such as #1200, was {as_known!r}")
        return Moment(true_at_ms=true_at_ms, known_seq=int(as_known[1:]))
    return Moment(true_at_ms=true_at_ms, known_at_ms=_time("believed at", as_known) if as_known else None)


def _time(field: str, text: str) -> int:
    plain = text.removesuffix("Z").replace(" ", "T")
    for form in TIMES:
        try:
            return round(datetime.strptime(plain, form).replace(tzinfo=UTC).timestamp() * 1_000)
        except ValueError:
            continue
    raise ValueError(f"{field}: expected a time in UTC as 2026-11-30 14:05, was {text!r}")


@router.get("/log/{seq}")
async def one_entry(visit: Visiting, seq: int) -> HTMLResponse:
    """One entry, with its place in the chain of hashes."""
    async with visit.house.reading() as connection:
        found = await entries.entry(connection, visit.wallet_id, seq)
        if found is None:
            raise NotFoundError(f"the log of this wallet has no entry {seq}")
        head, _, _ = await head_of(connection, visit.wallet_id)
        return await visit.render(connection, "entry.html", found=found, entry=found.entry, head=head)


@router.get("/raw/{raw_id}")
async def one_message(visit: Visiting, raw_id: int) -> HTMLResponse:
    """One message as it came."""
    async with visit.house.reading() as connection:
        found = await entries.raw(connection, visit.wallet_id, raw_id)
        if found is None:
            raise NotFoundError(f"the journal of this wallet has no message {raw_id}")
        return await visit.render(connection, "raw.html", raw=found)


@router.get("/explain")
async def search(visit: Visiting, name: str = Query("", max_length=300)) -> HTMLResponse:
    """The story of any name that is typed."""
    return await explain(visit, name.strip())


@router.get("/explain/{name:path}")
async def explain(visit: Visiting, name: str) -> HTMLResponse:
    """Why the books say what they say of *name*: movements with before and after, and the facts behind them."""

    async def work(connection: asyncpg.Connection) -> tuple[str, Explanation | None]:
        full = name
        if "…" in name or "..." in name:
            names = await full_names(connection, visit.wallet_id, name)
            if len(names) != 1:
                return name, None
            full = names[0]
        return full, await explain_name(connection, visit.wallet_id, full)

    full, found = await aside(visit.house, work) if len(name) > 3 else (name, None)
    async with visit.house.reading() as connection:
        return await visit.render(
            connection,
            "explain.html",
            200 if found and found.facts else 404,
            name=full,
            found=found,
            steps=found.steps[-STEPS_MAX:] if found else (),
            facts=found.facts[-FACTS_MAX:] if found else (),
            lines={},
        )
