"""Requests and deeds: announced, carried out once, kept whatever becomes of them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from store.operations import leased
from support.database import ADDRESS, connected, in_loop
from tieout.store import requests
from tieout.store.listening import listening
from tieout.store.requests import LATE_MS, Deed, Kind


@in_loop
async def test_a_request_is_announced_when_it_is_committed_and_waits_until_it_is_done(dsn: str) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    async with leased(dsn) as (connection, lease), connected(dsn) as other:
        async with listening(other, ADDRESS, lambda *told: heard.put_nowait(told)):
            async with connection.transaction():
                first = await requests.ask(connection, lease.wallet_id, Kind.FULL_SYNC, "ana", 1_000)
                assert heard.empty()
            second = await requests.ask(connection, lease.wallet_id, Kind.ADJUST, "ana", 1_001, {"entry": "{}"})
            assert [await heard.get(), await heard.get()] == [("request", str(first)), ("request", str(second))]
        found = await requests.waiting(connection, lease.wallet_id, 2_000)
        assert [(each.request_id, each.kind, each.arguments) for each in found] == [
            (first, Kind.FULL_SYNC, {}),
            (second, Kind.ADJUST, {"entry": "{}"}),
        ]
        await requests.done(connection, lease.wallet_id, first, "the next job", 2_500)
        await requests.done(connection, lease.wallet_id, first, "again", 3_000)
        kept = await requests.get(connection, lease.wallet_id, first)
        assert kept is not None
        assert (kept.done_at_ms, kept.outcome) == (2_500, "the next job"), "the first answer stays"
        assert [each.request_id for each in await requests.waiting(connection, lease.wallet_id, 3_000)] == [second]
        assert await requests.waiting(connection, lease.wallet_id, 1_001 + LATE_MS) == [], "whoever asked has gone on"
        assert await requests.get(connection, lease.wallet_id, 99) is None


@in_loop
async def test_of_another_wallet_nothing_is_heard(dsn: str) -> None:
    heard: list[tuple[str, str]] = []
    theirs = "0x" + "b2" * 20
    async with leased(dsn) as (connection, lease), leased(dsn, theirs) as (other, other_lease), connected(dsn) as ears:
        async with listening(ears, ADDRESS, lambda *told: heard.append(told)):
            await requests.ask(other, other_lease.wallet_id, Kind.FULL_SYNC, "eve", 1)
            own = await requests.ask(connection, lease.wallet_id, Kind.FULL_SYNC, "ana", 1)
            while not heard:
                await ears.fetchval("SELECT 1")
        assert heard == [("request", str(own))]


@in_loop
async def test_what_people_did_is_never_changed(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        for number in range(3):
            deed = Deed(number, "ana", "pause", "", "because", f"done {number}")
            await requests.note_deed(connection, lease.wallet_id, deed)
        kept = await requests.deeds(connection, lease.wallet_id, limit=2)
        assert [deed.outcome for deed in kept] == ["done 2", "done 1"]
        for statement in ("UPDATE deed SET who = 'eve'", "DELETE FROM deed", "TRUNCATE deed"):
            with pytest.raises(asyncpg.PostgresError, match="append-only"):
                await connection.execute(statement)
