"""Every way a request can fail, over real connections, and what the client makes of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Coroutine
from typing import Any

import pytest

from client.stage import CUT, KEY, START_MS, Asked, Client, Says, desk_of, visiting
from support.database import in_loop
from tieout.client.clob import Clob
from tieout.client.endpoints import Endpoints
from tieout.client.errors import ErrorKind, Meaning, Rejected, VenueError
from tieout.client.orders import OrderSigner, OrderWanted, SignedOrder
from tieout.client.transport import CarrierError, HttpCarrier, HttpRequest, RawBody, Timeouts
from tieout.ledger.facts import Side

TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
CLOSED = f"'0x{'ab' * 20}' address in closed only mode"
BLOCKED = "Trading restricted in your region, please refer to available regions"


def signed() -> SignedOrder:
    wanted = OrderWanted(token_id=TOKEN, side=Side.BUY, price=500_000, size=10_000_000, tick=10_000)
    return OrderSigner(KEY, KEY.address, lambda: 7).sign(wanted, START_MS)


async def failing(client: Client, says: Says, *, write: bool) -> VenueError:
    client.site.script(says)
    asking: Coroutine[Any, Any, Any] = (
        client.desk.orders.place(signed()) if write else client.desk.account.open_orders()
    )
    with pytest.raises(VenueError) as caught:
        await asking
    return caught.value


@pytest.mark.parametrize(
    ("says", "read", "write", "meaning"),
    [
        (CUT, "transient", "ambiguous", Meaning.NO_ANSWER),
        (Says(body={"data": []}, cut=4), "transient", "ambiguous", Meaning.NO_ANSWER),
        (Says(500, {"error": "Internal server error"}), "transient", "ambiguous", Meaning.SERVER),
        (Says(502, b"<html>bad gateway</html>"), "transient", "ambiguous", Meaning.SERVER),
        (Says(503, b""), "transient", "ambiguous", Meaning.SERVER),
        (Says(408, b""), "transient", "ambiguous", Meaning.SERVER),
        (Says(200, b"<html>hello</html>"), "transient", "ambiguous", Meaning.UNREADABLE),
        (Says(200, b""), "transient", "ambiguous", Meaning.UNREADABLE),
        (Says(425, {"error": "restarting"}), "transient", "transient", Meaning.RESTARTING),
        (Says(429, {"error": "Too Many Requests"}), "transient", "transient", Meaning.RATE_LIMITED),
        (Says(503, {"error": "Trading is currently cancel-only."}), "transient", "transient", Meaning.CANCEL_ONLY),
        (Says(503, {"code": "post_only_mode", "error": "x"}), "transient", "transient", Meaning.POST_ONLY),
        (Says(503, {"error": "Trading is currently disabled."}), "transient", "transient", Meaning.DISABLED),
        (Says(401, {"error": "Unauthorized/Invalid api key"}), "permanent", "permanent", Meaning.UNAUTHORIZED),
        (Says(403, {"error": BLOCKED}), "permanent", "permanent", Meaning.GEOBLOCKED),
        (Says(451, b""), "permanent", "permanent", Meaning.GEOBLOCKED),
        (Says(403, {"error": CLOSED}), "permanent", "permanent", Meaning.CLOSED_ONLY),
        (Says(403, b"forbidden"), "permanent", "permanent", Meaning.REFUSED),
        (Says(302, b"", {"Location": "/elsewhere"}), "permanent", "permanent", Meaning.REFUSED),
    ],
)
def test_what_each_failure_means(says: Says, read: str, write: str, meaning: Meaning) -> None:
    @in_loop
    async def run() -> None:
        async with visiting() as client:
            reading = await failing(client, says, write=False)
            writing = await failing(client, says, write=True)
            assert (reading.kind.value, writing.kind.value) == (read, write)
            assert (reading.meaning, writing.meaning) == (meaning, meaning)
            assert writing.may_have_had_effect is (write == "ambiguous")
            assert len(client.site.asked) == 2, "each request is sent once: no retry, no redirect"

    run()


@in_loop
async def test_the_venues_words_status_and_delay_are_kept() -> None:
    async with visiting() as client:
        error = await failing(client, Says(429, {"error": "slow down"}, {"Retry-After": "2.5"}), write=True)
        assert (error.text, error.status, error.retry_after_ms) == ("slow down", 429, 2500)
        error = await failing(client, Says(503, {"code": "post_only_mode", "retry_after_seconds": 7}), write=True)
        assert error.retry_after_ms == 7000
        assert str(error) == "POST /order: post-only mode (HTTP 503), transient: post_only_mode"
        error = await failing(client, Says(500, b"a\nb\x00" + b"c" * 1000), write=False)
        assert error.text.isprintable()
        assert len(error.text) == 300


@in_loop
async def test_a_port_where_nobody_listens_is_transient_for_writes_too() -> None:
    async with visiting() as client:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        clob = Clob.of(client.net, Endpoints.of(f"http://127.0.0.1:{port}"))
        with pytest.raises(VenueError) as caught:
            await clob.keys.create(KEY)
        assert (caught.value.kind, caught.value.meaning) == (ErrorKind.TRANSIENT, Meaning.UNREACHABLE)


@pytest.mark.parametrize("phase", ["no answer", "trickle"])
def test_an_answer_that_does_not_come_or_does_not_end_is_cut_off(phase: str) -> None:
    @in_loop
    async def run() -> None:
        async with visiting(timeouts=Timeouts(read_s=0.05, total_s=0.1)) as client:
            over = asyncio.Event()

            async def never(_: Asked) -> Says:
                await over.wait()
                return CUT

            async def trickle(_: Asked) -> Says:
                writer = next(iter(client.site.writers))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                while not writer.transport.is_closing():
                    writer.write(b"1")
                    await asyncio.sleep(0)
                return CUT

            client.site.answer = never if phase == "no answer" else trickle
            with pytest.raises(VenueError) as caught:
                await client.clob.keys.create(KEY)
            over.set()
            assert (caught.value.kind, caught.value.meaning) == (ErrorKind.AMBIGUOUS, Meaning.NO_ANSWER)

    run()


@in_loop
async def test_an_answer_beyond_the_largest_size_is_refused() -> None:
    async with visiting() as client, HttpCarrier(body_max=100) as carrier:
        client.site.script(Says(body="x" * 99), Says(body="x" * 98))
        with pytest.raises(CarrierError) as caught:
            await carrier.send(HttpRequest("GET", client.site.url))
        assert caught.value.sent
        assert (await carrier.send(HttpRequest("GET", client.site.url))).status == 200


@in_loop
async def test_a_proxy_carries_the_request() -> None:
    async with visiting() as client, HttpCarrier(proxy=client.site.url) as carrier:
        client.site.script(Says(body="through"))
        answer = await carrier.send(HttpRequest("GET", "http://clob.invalid/time"))
        assert answer.body == b'"through"'
        assert client.site.asked[0].path == "http://clob.invalid/time"
        assert client.site.asked[0].headers["host"] == "clob.invalid"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": "not enough balance / allowance"}, ("", Meaning.REFUSED)),
        (400, {"error": "no orders found to match with FAK order", "orderID": "0xAB"}, ("0xab", Meaning.REFUSED)),
        (400, {"error": "order 0xab is invalid. Duplicated."}, ("", Meaning.DUPLICATED)),
        (400, {"error": CLOSED}, ("", Meaning.CLOSED_ONLY)),
        (200, {"success": True, "errorMsg": "order crosses book", "orderID": ""}, ("", Meaning.REFUSED)),
        (200, {"success": False, "orderID": None, "errorMsg": "Insufficient balance"}, ("", Meaning.REFUSED)),
    ],
)
def test_a_refused_order_is_returned_with_its_id_and_text(
    status: int, body: Any, expected: tuple[str, Meaning]
) -> None:
    @in_loop
    async def run() -> None:
        async with visiting() as client:
            client.site.script(Says(status, body))
            found = await client.desk.orders.place(signed())
            assert isinstance(found, Rejected)
            assert (found.order_id, found.meaning) == expected
            assert found.text == (body.get("error") or body["errorMsg"])
            assert found.status == status
            assert client.kinds() == ["order_answer" if status == 200 else "error_answer"]

    run()


@in_loop
async def test_a_refusal_without_a_json_body_is_an_error_not_a_rejected_order() -> None:
    async with visiting() as client:
        error = await failing(client, Says(400, b"<html>bad request</html>"), write=True)
        assert (error.kind, error.status) == (ErrorKind.PERMANENT, 400)


@in_loop
async def test_the_body_is_recorded_before_it_is_read() -> None:
    async with visiting() as client:
        client.site.script(Says(200, b"not json"))
        with pytest.raises(VenueError):
            await client.desk.account.open_orders()
        assert [(raw.kind, raw.body, raw.source) for raw in client.recorded] == [("open_order", b"not json", "clob")]
        assert client.recorded[0].origin == "GET /data/orders"
        await failing(client, Says(500, b"oops"), write=False)
        assert len(client.recorded) == 1, "a read that was refused says nothing of the account"
        await failing(client, Says(500, b"oops"), write=True)
        assert client.kinds() == ["open_order", "error_answer"]


@in_loop
async def test_what_the_recorder_raises_ends_the_call_unread() -> None:
    async def refuse(_: RawBody) -> None:
        raise OSError("the disk is full")

    async with visiting() as client:
        client.site.script(Says(200, b"not json"))
        desk = desk_of(dataclasses.replace(client.net, recorder=refuse), client.endpoints)
        with pytest.raises(OSError, match="the disk is full"):
            await desk.account.open_orders()
