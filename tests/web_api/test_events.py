"""What happens is told as it happens, and whoever comes back is told to read again."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from store.operations import leased
from store.test_log import booked
from support.database import connected, until
from tieout.ledger.facts import CashFlowed, Flow
from tieout.store import statuses
from tieout.web import hub
from web_api.stage import AUTHORIZED, Stage, client

WALLET = "0x" + "a3" * 20
W = f"/wallets/{WALLET}"
PAUSE = {"who": "ann", "why": "x"}


class Event(NamedTuple):
    """One event of a stream."""

    id: str
    name: str
    data: dict[str, Any]


def events_of(answer: httpx.Response) -> Iterator[Event]:
    """The events as they come; comments and what is no event are left out."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line and "event" in fields:
            yield Event(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
            fields = {}
        name, _, value = line.partition(": ")
        fields[name] = value


@contextmanager
def stream(desk: httpx.Client, wallet: str = WALLET, last: str = "", **query: Any) -> Iterator[Callable[[], Event]]:
    """Gives the next event at each call."""
    headers = {"last-event-id": last} if last else {}
    with desk.stream("GET", f"/wallets/{wallet}/events", params=query, headers=headers) as answer:
        assert answer.status_code == 200
        found = events_of(answer)
        yield lambda: next(found)


def cash(stage: Stage, number: int, wallet: str = WALLET, dsn: str = "") -> int:
    """Book a deposit; the number of the last entry then."""
    fact = CashFlowed(flow=Flow.DEPOSIT, amount=1_000_000, tx_hash=f"0x{number:064x}", occurred_at_ms=1_000)

    async def book() -> int:
        await booked(dsn or stage.dsn, [fact], wallet)
        async with connected(dsn or stage.dsn) as connection:
            return int(await connection.fetchval("SELECT head_seq FROM wallet WHERE address = $1", wallet))

    return stage.run(book())


def test_a_booking_a_pause_a_request_and_a_status_are_told_with_what_they_are_about(
    desk: httpx.Client, stage: Stage
) -> None:
    before = cash(stage, 1)
    with stream(desk) as event, client(str(desk.base_url).replace("/api/v1/", "")) as other:
        assert event() == (str(before), "hello", {"seq": before, "since": None})
        seq = cash(stage, 2)
        assert event() == (str(seq), "booked", {"seq": seq})
        assert other.post(f"{W}/actions/pause", json=PAUSE, headers=AUTHORIZED).json()["changed"]
        assert event() == (str(seq), "control", {"market": ""})
        request = other.post(f"{W}/actions/full-sync", json=PAUSE, headers=AUTHORIZED).json()["request_id"]
        assert event() == (str(seq), "request", {"request_id": request})

        async def show() -> None:
            async with leased(stage.dsn, WALLET) as (connection, lease):
                await statuses.put_worker(connection, lease.wallet_id, b"{}", 1)

        stage.run(show())
        assert event() == (str(seq), "status", {})
        assert cash(stage, 3, "0x" + "a4" * 20)
        later = cash(stage, 4)
        assert event() == (str(later), "booked", {"seq": later}), "of another wallet nothing is told"


def test_only_what_is_asked_for_is_told(desk: httpx.Client, stage: Stage) -> None:
    cash(stage, 1)
    with stream(desk, only=["control"]) as event, client(str(desk.base_url).replace("/api/v1/", "")) as other:
        assert event().name == "hello"
        seq = cash(stage, 20)
        for action in ("halt", "resume"):
            other.post(f"{W}/actions/{action}", json=PAUSE, headers=AUTHORIZED)
        assert event() == (str(seq), "control", {"market": ""}), "the id goes on with the log all the same"


def test_whoever_comes_back_is_told_to_read_again_and_can_read_what_was_missed(
    desk: httpx.Client, stage: Stage
) -> None:
    cash(stage, 1)
    with stream(desk) as event:
        last = event().id
    seq = max(cash(stage, 30), cash(stage, 31))
    with stream(desk, last=last) as event:
        assert event() == (str(seq), "hello", {"seq": seq, "since": int(last)})
    missed = desk.get(f"{W}/log", params={"after": last}).json()["items"]
    assert [each["seq"] for each in missed] == [seq - 1, seq]
    with stream(desk, last="no number") as event:
        assert event().data["since"] is None


def test_after_the_database_was_lost_everybody_is_told_to_read_again(stage: Stage, dsn: str) -> None:
    seq = cash(stage, 1, dsn=dsn)
    with client(stage.serve(dsn=dsn)) as other, stream(other) as event:
        assert event().name == "hello"
        listener = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND query LIKE 'LISTEN%'"
        )

        async def lose() -> None:
            async with connected(dsn) as connection:
                assert await connection.fetchval(listener)

        stage.run(lose())
        assert event() == (str(seq), "hello", {"seq": seq, "since": seq})


def test_no_more_streams_are_opened_than_can_be_kept(stage: Stage) -> None:
    cash(stage, 1)
    address = stage.serve()
    with client(address) as other, ExitStack() as stack:
        opened = [stack.enter_context(listening(address)) for _ in range(hub.SUBSCRIBERS_MAX)]
        refused = other.get(f"{W}/events")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert "200 streams" in refused.json()["detail"]
        opened.pop().close()

        async def is_free() -> bool:
            with other.stream("GET", f"{W}/events") as answer:
                return answer.status_code == 200

        asyncio.run(until(is_free, "a place for another stream"))


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    """A stream that was begun and is not read on."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as wire:
        wire.sendall(f"GET /api/v1{W}/events HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n".encode())
        told = b""
        while b"hello" not in told:
            told += wire.recv(65_536)
        yield wire
