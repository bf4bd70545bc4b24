"""Planted secrets are searched for in every repr, exception and log line the client makes."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from typing import Any

import pytest
from hpack import Encoder

from client.stage import CREDENTIALS, CUT, KEY, SECRET, START_MS, Clock, Says, visiting
from client.test_feeds import hub, net_of
from support.database import in_loop
from tieout.client.errors import Rejected, VenueError
from tieout.client.keys import Credentials, PrivateKey
from tieout.client.orders import OrderSigner, OrderWanted
from tieout.client.rpc import Rpc, RpcCall
from tieout.client.signing import level2_headers
from tieout.client.transport import HttpCarrier, HttpRequest, HttpResponse
from tieout.client.user_feed import UserFeed
from tieout.ledger.facts import Side

TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
NODE_KEY = "planted-node-key"
SECRETS = ("a1" * 32, SECRET, SECRET.rstrip("="), CREDENTIALS.passphrase, NODE_KEY)


def clean(*texts: str) -> None:
    for text in texts:
        for secret in SECRETS:
            assert secret.lower() not in text.lower(), f"a secret is in: {text[:200]}"


@pytest.mark.parametrize("holder", [KEY, CREDENTIALS])
def test_holders_show_nothing_and_are_not_copied(holder: Any) -> None:
    clean(repr(holder), str(holder), f"{holder}", "{!r}".format((holder, {"x": holder})))
    for copying in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="holds secrets"):
            copying(holder)


@pytest.mark.parametrize("wrong", ["a1" * 31, "a1" * 31 + "zz", "ff" * 32, "00" * 32, ""])
def test_a_wrong_key_is_refused_without_being_quoted(wrong: str) -> None:
    with pytest.raises(ValueError, match="private key: expected") as caught:
        PrivateKey(wrong)
    said = "".join(traceback.format_exception(caught.value))
    assert not wrong or wrong not in said


def test_values_of_the_wire_hide_what_they_carry() -> None:
    headers = level2_headers(CREDENTIALS, KEY.address, 1, "GET", "/x", b"")
    wanted = OrderWanted(token_id=TOKEN, side=Side.BUY, price=500_000, size=10_000_000, tick=10_000)
    order = OrderSigner(KEY, KEY.address, lambda: 1).sign(wanted, START_MS)
    signature = order.body("x")["order"]["signature"]
    request = HttpRequest("GET", f"https://node/{NODE_KEY}", headers, SECRET.encode())
    response = HttpResponse(200, {"x": SECRET}, SECRET.encode())
    clean(repr(request), repr(response), repr(order))
    assert signature not in repr(order)
    assert headers["POLY_SIGNATURE"] not in repr(request)


@in_loop
async def test_a_server_that_echoes_secrets_does_not_get_them_into_errors() -> None:
    async with visiting() as client:
        echo = f"you sent {SECRET} and {CREDENTIALS.passphrase.upper()}"
        order = OrderSigner(KEY, KEY.address, lambda: 1).sign(
            OrderWanted(token_id=TOKEN, side=Side.BUY, price=500_000, size=10_000_000, tick=10_000), START_MS
        )
        for says in (Says(500, echo), Says(401, {"error": echo}), Says(200, {"orderID": "0x1", "status": echo})):
            client.site.script(says)
            with pytest.raises(VenueError) as caught:
                await client.desk.orders.place(order)
            clean(str(caught.value), repr(caught.value), "".join(traceback.format_exception(caught.value)))
        client.site.script(Says(400, {"error": echo}))
        refused = await client.desk.orders.place(order)
        assert isinstance(refused, Rejected)
        assert "***" in refused.text
        clean(repr(refused))
        client.site.script(Says(400, {"error": "0x" + "A1" * 32}))
        with pytest.raises(VenueError) as caught:
            await client.clob.keys.create(KEY)
        clean(str(caught.value))


@in_loop
async def test_keys_come_back_as_credentials_and_are_not_recorded() -> None:
    async with visiting() as client:
        client.site.script(Says(body={"apiKey": "id", "secret": SECRET, "passphrase": CREDENTIALS.passphrase}))
        made = await client.clob.keys.derive_or_create(KEY)
        assert isinstance(made, Credentials)
        assert (made.key, made.secret, made.passphrase) == ("id", SECRET, CREDENTIALS.passphrase)
        assert client.recorded == []
        client.site.script(Says(body={"apiKey": "id", "secret": SECRET, "passphrase": 5}))
        with pytest.raises(VenueError) as caught:
            await client.clob.keys.derive(KEY)
        clean(str(caught.value))


@in_loop
async def test_no_key_yet_means_one_is_made_but_other_failures_do_not() -> None:
    async with visiting() as client:
        client.site.script(
            Says(400, {"error": "Could not derive api key!"}),
            Says(body={"apiKey": "i", "secret": "s", "passphrase": "p"}),
        )
        await client.clob.keys.derive_or_create(KEY)
        assert [asked.method for asked in client.site.asked] == ["GET", "POST"]
        client.site.script(CUT)
        with pytest.raises(VenueError):
            await client.clob.keys.derive_or_create(KEY)
        assert [asked.method for asked in client.site.asked] == ["GET", "POST", "GET"]


def test_no_log_line_of_any_library_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    @in_loop
    async def run() -> None:
        async with visiting() as client:
            client.site.script(Says(500, {"error": "no"}))
            with pytest.raises(VenueError):
                await client.desk.account.open_orders()
            with pytest.raises(VenueError):
                await client.clob.keys.create(KEY)
            with pytest.raises(VenueError):
                await Rpc(client.net, [f"{client.site.url}/{NODE_KEY}"]).ask(RpcCall("eth_blockNumber"))
        async with hub() as made, UserFeed(f"{made.url}/{NODE_KEY}", CREDENTIALS, net_of(Clock())) as feed:
            await anext(aiter(feed))
            await (await made.lines.get()).frames.get()
        async with HttpCarrier(http2=True):
            headers = level2_headers(CREDENTIALS, KEY.address, 1, "GET", "/x", b"")
            Encoder().encode(list(headers.items()))

    caplog.set_level(logging.DEBUG)
    run()
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    clean(*(record.getMessage() for record in ours))
    assert caplog.records, "something was logged, at DEBUG"
