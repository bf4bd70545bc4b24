"""The network server with real clients on loopback: requests, WebSockets, time, and a clean end."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

import aiohttp
import httpx
import pytest
import websockets
from polymarket._internal.streams.clob.market import ClobMarketStreamManager
from polymarket._internal.streams.clob.user import ClobUserStreamManager
from polymarket.models import ApiKeyCreds

from sim.sockets.stage import BUY, SELL, Stage
from support.database import in_loop, until
from tieout.sim.serve import outbox
from tieout.sim.serve.server import running
from tieout.sim.site import Site
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.http import Delivery, Reply, Request, json_reply
from tieout.sim.wire.market_channel import MarketChannel
from tieout.sim.wire.rpc import Rpc
from tieout.sim.wire.rpc_subscribe import RpcSocket
from tieout.sim.wire.user_channel import UserChannel
from tieout.sim.world import World


def echo(request: Request) -> Reply:
    """What arrived, as JSON."""
    return json_reply(asdict(request) | {"body": request.body.decode()})


def whole_site(stage: Stage) -> Site:
    site, world = Site(stage.world), stage.world
    site.mount("/", echo)
    site.mount("/rpc", Rpc(world).handle)
    site.mount_socket("/ws/user", lambda connection: UserChannel(world, connection))
    site.mount_socket("/ws/market", lambda connection: MarketChannel(world, connection))
    site.mount_socket("/rpc", lambda connection: RpcSocket(world, connection))
    return site


@in_loop
async def test_a_request_arrives_whole_under_its_prefix():
    site = Site(World(1))
    site.mount("/", lambda request: json_reply({"at": "root", "path": request.path}))
    site.mount("/gamma", echo)
    async with running(site, speed=0) as server, httpx.AsyncClient(base_url=server.http_url) as client:
        answer = await client.post(
            "/gamma/markets/5?a=1&a=2&b=", content=b'{"x": 1}\n', headers={"POLY_ADDRESS": "0x1"}
        )
        got = answer.json()
        assert (got["method"], got["path"], got["query"]) == ("POST", "/markets/5", {"a": "1,2", "b": ""})
        assert (got["body"], got["headers"]["poly_address"], got["ip"]) == ('{"x": 1}\n', "0x1", "127.0.0.1")
        assert answer.headers["content-type"].startswith("application/json")
        assert (await client.get("/gamma")).json()["path"] == "/"
        for path in ("/gammas", "/data/orders", "/"):
            assert (await client.get(path)).json() == {"at": "root", "path": path}
        assert (await client.request("DELETE", "/gamma/order", content=b"[]")).json()["method"] == "DELETE"


@in_loop
async def test_status_headers_and_body_go_out_as_they_are():
    site = Site(World(1))
    site.mount("/odd", lambda _: Reply(429, b"slow \x00 down", {"content-type": "text/plain", "retry-after": "3"}))
    async with running(site, speed=0) as server, httpx.AsyncClient(base_url=server.http_url) as client:
        answer = await client.get("/odd")
        assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (429, b"slow \x00 down", "3")
        assert (await client.get("/nothing")).status_code == 404


class Trouble:
    """A gate that does what the path says."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def http(self, prefix, request, handle):
        self.seen.append(prefix)
        if request.path == "/lost":
            return Delivery(None)
        if request.path == "/late":
            return Delivery(handle(request), 5_000)
        return Delivery(handle(request))

    def socket(self, path, connection):
        return Connection(lambda text: connection.send(f"{path}:{text}"), connection.close)


@in_loop
async def test_a_lost_answer_ends_the_connection_without_one():
    site = Site(World(1), Trouble())
    site.mount("/x", echo)
    async with running(site, speed=0) as server:
        async with httpx.AsyncClient(base_url=server.http_url) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/x/lost")
            assert (await client.get("/x/found")).status_code == 200
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.post(f"{server.http_url}/x/lost", data=b"1")
    assert set(site.gate.seen) == {"/x"}


@in_loop
async def test_a_late_answer_comes_when_simulated_time_has_passed_and_holds_nobody_up():
    site = Site(World(1), Trouble())
    site.mount("/", echo)
    async with running(site, speed=0) as server, httpx.AsyncClient(base_url=server.http_url) as client:
        late = asyncio.create_task(client.get("/late"))
        await until(lambda: _truth(site.gate.seen), "the request")
        assert (await client.get("/now")).status_code == 200
        site.world.scheduler.run_for(4_999)
        assert (await client.get("/now")).status_code == 200
        assert not late.done()
        site.world.scheduler.run_for(1)
        assert (await late).status_code == 200


async def _truth(value: object) -> bool:
    return bool(value)


@in_loop
async def test_the_server_ends_at_once_though_an_answer_is_late():
    site = Site(World(1), Trouble())
    site.mount("/", echo)
    before = asyncio.all_tasks()
    async with httpx.AsyncClient() as client:
        async with running(site, speed=0) as server:
            late = asyncio.create_task(client.get(f"{server.http_url}/late"))
            await until(lambda: _truth(site.gate.seen), "the request")
        assert (await late).status_code == 200
    await until(lambda: _truth(asyncio.all_tasks() <= before), "the end of every task")


# WebSockets


@in_loop
async def test_a_user_channel_tells_in_order_and_answers_pings():
    stage = Stage()
    async with running(whole_site(stage), speed=0) as server, websockets.connect(f"{server.ws_url}/ws/user") as socket:
        await socket.send(json.dumps({"type": "user", "auth": stage["alice"].auth}))
        await socket.send("PING")
        assert await socket.recv() == "PONG"
        orders = [stage.place("alice", BUY, 0, 10_000 * price, 5).order for price in range(1, 90)]
        told = [json.loads(await socket.recv()) for _ in orders]
        assert [row["id"] for row in told] == [order.id for order in orders]


@in_loop
async def test_bad_credentials_end_in_a_close_frame():
    stage = Stage()
    async with running(whole_site(stage), speed=0) as server, websockets.connect(f"{server.ws_url}/ws/user") as socket:
        await socket.send(json.dumps({"type": "user", "auth": stage["alice"].auth | {"secret": "x"}}))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1008


@in_loop
async def test_there_is_no_socket_at_an_unknown_path():
    async with running(whole_site(Stage()), speed=0) as server:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"{server.ws_url}/ws/rtds")
        assert refused.value.response.status_code == 404


@in_loop
async def test_a_session_ends_with_its_connection():
    stage = Stage()
    ended: list[str] = []

    class Listening(UserChannel):
        def closed(self) -> None:
            super().closed()
            ended.append("session")

    site = Site(stage.world)
    site.mount_socket("/ws/user", lambda connection: Listening(stage.world, connection))
    async with running(site, speed=0) as server:
        async with websockets.connect(f"{server.ws_url}/ws/user") as socket:
            await socket.send(json.dumps({"type": "user", "auth": stage["alice"].auth}))
            await socket.send("PING")
            await socket.recv()
            assert ended == []
        await until(lambda: _truth(ended), "the end of the session")
        stage.place("alice", BUY, 0, 10_000, 5)
    assert ended == ["session"]


class Flood:
    """Says more at once than anybody may leave unread."""

    def __init__(self, connection: Connection, count: int) -> None:
        self._connection, self._count = connection, count

    def receive(self, text: str) -> None:
        for number in range(self._count):
            self._connection.send(str(number))

    def closed(self) -> None:
        """Nothing to end."""


@in_loop
async def test_a_client_that_lags_too_far_behind_is_cut_off():
    site = Site(World(1))
    site.mount_socket("/flood", lambda connection: Flood(connection, outbox.LIMIT + 1))
    site.mount_socket("/full", lambda connection: Flood(connection, outbox.LIMIT))
    async with running(site, speed=0) as server:
        async with websockets.connect(f"{server.ws_url}/full") as socket:
            await socket.send("go")
            told = [await socket.recv() for _ in range(outbox.LIMIT)]
            assert told == [str(number) for number in range(outbox.LIMIT)]
        async with websockets.connect(f"{server.ws_url}/flood") as socket:
            await socket.send("go")
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await socket.recv()
            assert closed.value.rcvd is None


@in_loop
async def test_the_gate_stands_before_the_sockets():
    site = Site(World(1), Trouble())
    site.mount_socket("/say", lambda connection: Flood(connection, 1))
    async with running(site, speed=0) as server, websockets.connect(f"{server.ws_url}/say") as socket:
        await socket.send("go")
        assert await socket.recv() == "/say:0"


@in_loop
async def test_sockets_are_closed_when_the_server_ends_and_no_task_remains():
    stage, before = Stage(), asyncio.all_tasks()
    async with running(whole_site(stage), speed=1) as server:
        sockets = [await websockets.connect(f"{server.ws_url}/ws/market") for _ in range(3)]
        deaf, idle = await asyncio.open_connection("127.0.0.1", server.port)
    for socket in sockets:
        await socket.wait_closed()
        assert socket.close_code == 1001
    assert await deaf.read() == b""
    idle.close()
    await until(lambda: _truth(asyncio.all_tasks() <= before), "the end of every task")


@in_loop
async def test_json_rpc_over_http_and_heads_over_a_socket():
    stage = Stage()
    async with running(whole_site(stage), speed=0) as server:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{server.http_url}/rpc", json={"id": 1, "method": "eth_blockNumber"})
            assert int(answer.json()["result"], 16) == stage.world.chain.head.number
        async with websockets.connect(f"{server.ws_url}/rpc") as socket:
            await socket.send(json.dumps({"id": 1, "method": "eth_subscribe", "params": ["newHeads"]}))
            name = json.loads(await socket.recv())["result"]
            stage.mine(2)
            told = [json.loads(await socket.recv())["params"] for _ in range(2)]
            assert {row["subscription"] for row in told} == {name}
            assert int(told[1]["result"]["number"], 16) == stage.world.chain.head.number


@in_loop
async def test_the_official_clients_streams_hear_orders_trades_and_books():
    stage = Stage()
    key = stage["alice"].key

    async def credentials() -> ApiKeyCreds:
        return ApiKeyCreds(key=key.key, secret=key.secret, passphrase=key.passphrase)

    async with running(whole_site(stage), speed=0) as server:
        user = ClobUserStreamManager(url=f"{server.ws_url}/ws/user", resolve_credentials=credentials)
        market = ClobMarketStreamManager(url=f"{server.ws_url}/ws/market")
        async with user, market:
            mine = await user.subscribe(markets=[stage.market.condition_id])
            books = await market.subscribe(token_ids=[str(stage.market.tokens[0])], custom_feature_enabled=True)
            first = await anext(aiter(books))
            assert (first.type, first.payload.bids) == ("book", ())
            await until(lambda: _truth(_listening(stage) == 2), "the subscriptions")
            stage.place("alice", SELL, 0, 400_000, 5)
            stage.place("bob", BUY, 0, 400_000, 5)
            stage.mine()
            told = [await anext(aiter(mine)) for _ in range(4)]
            assert [event.type for event in told] == ["order", "order", "trade", "trade"]
            assert [str(event.payload.status) for event in told] == ["LIVE", "MATCHED", "MATCHED", "MINED"]
            assert told[2].payload.maker_orders[0].order_id == told[0].payload.id
            kinds = [(await anext(aiter(books))).type for _ in range(6)]
            assert kinds == ["price_change", "best_bid_ask"] * 2 + ["last_trade_price", "book"]
            assert (user.dropped_events, market.dropped_events) == (0, 0)


def _listening(stage: Stage) -> int:
    return len(stage.world.hub._listeners)
