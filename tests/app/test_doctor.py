"""The doctor: all well, and each check with its cause provoked. No finding ever holds a secret (see `clinic`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.clinic import Clinic, clinic
from client.stage import Asked, Says, serving
from support.database import connected, in_loop
from tieout.app.alert_settings import AlertSettings
from tieout.app.config import Selection
from tieout.app.doctor import State
from tieout.app.secrets import API_VARIABLES, KEY_VARIABLE
from tieout.app.settings import Settings
from tieout.quoting.params import Params
from tieout.sim.chain.calls import Disapprove
from tieout.sim.wire.wallets import safe_wallet
from tieout.store.wallets import acquire

Provoke = Callable[[Clinic], None]


@in_loop
async def test_all_is_well_and_nothing_is_changed(dsn: str) -> None:
    async with clinic(dsn) as visit:
        found = await visit.look()
        assert {name: each.text for name, each in found.items() if each.state is not State.OK} == {}
        assert len(found) == 23
        for method, path in visit.asked:
            reads = method == "GET" or (method == "POST" and path.startswith("eth_") and "send" not in path)
            assert reads, (method, path)
        assert not any("/update" in path for _, path in visit.asked)


def broken(path: str) -> Provoke:
    """The venue answers 503 to what begins with *path*."""
    return lambda visit: void(visit.scenario.faults.on("server-error", path=path))


def void(_: object) -> None:
    return None


def closed_only(visit: Clinic) -> None:
    visit.scenario.world.exchange.modes.closed_only.add(visit.account.address)


def another_key(visit: Clinic) -> None:
    visit.environ[KEY_VARIABLE] = visit.scenario.accounts[1].private_key


def not_allowed(visit: Clinic) -> None:
    visit.scenario.world.chain.submit(Disapprove(visit.account.address))
    visit.scenario.world.chain.mine()


def refused_key(visit: Clinic) -> None:
    key = visit.account.api_key
    visit.environ |= dict(zip(API_VARIABLES, (key.key, "bm90LXRoZS1zZWNyZXQ=", key.passphrase), strict=True))


def no_api_key(visit: Clinic) -> None:
    visit.scenario.world.keys.delete(visit.account.api_key.key)


def market_over(visit: Clinic) -> None:
    market = next(iter(visit.scenario.world.exchange.markets.values()))
    visit.change(selection=Selection((market.condition_id,)))
    visit.scenario.world.resolve(market, (1_000_000, 0))


def node_behind(blocks: int) -> Provoke:
    def provoke(visit: Clinic) -> None:
        visit.scenario.world.scheduler.run_for(400_000)
        visit.scenario.faults.on("node-lag", settings={"blocks": blocks})

    return provoke


CAUSES: dict[str, tuple[Provoke, str, State, str]] = {
    "no_database": (
        lambda visit: setattr(visit, "settings", Settings(db="postgresql://me:hush@127.0.0.1:9/x")),
        "database",
        State.FAIL,
        "cannot reach the database postgresql://me:***@",
    ),
    "no_key": (lambda visit: visit.environ.clear(), "private key", State.FAIL, "no private key: put it in a file"),
    "another_key": (another_key, "private key", State.FAIL, "no wallet of that account is"),
    "another_kind": (lambda visit: visit.change(signature_type=2), "private key", State.FAIL, "signature_type is 2"),
    "a_wallet_that_cannot_be_derived": (
        lambda visit: visit.change(wallet="0x" + "7" * 40, signature_type=3),
        "private key",
        State.WARN,
        "no wallet of that account",
    ),
    "clock_off": (lambda visit: setattr(visit.clock, "off_ms", 12_000), "clock", State.WARN, "ahead of the venue's"),
    "clock_far_off": (lambda visit: setattr(visit.clock, "off_ms", -90_000), "clock", State.FAIL, "behind the venue's"),
    "no_time": (broken("/time"), "clock", State.FAIL, "is in trouble"),
    "no_clob": (broken("/version"), "CLOB", State.FAIL, "is in trouble"),
    "keys_in_trouble": (broken("/auth/derive-api-key"), "API key", State.FAIL, "is in trouble"),
    "no_api_key_yet": (no_api_key, "API key", State.WARN, "`tieout run` will make it"),
    "wrong_api_key": (refused_key, "API key", State.FAIL, "does not accept who asks"),
    "some_of_an_api_key": (
        lambda visit: visit.environ.update({API_VARIABLES[0]: "x"}),
        "API key",
        State.UNKNOWN,
        "missing: TIEOUT_API_SECRET, TIEOUT_API_PASSPHRASE",
    ),
    "closed_only": (closed_only, "restrictions", State.FAIL, "CLOSED ONLY"),
    "no_open_orders": (broken("/data/orders"), "open orders", State.FAIL, "is in trouble"),
    "orders_that_cannot_be_asked": (no_api_key, "open orders", State.UNKNOWN, "needs an API key"),
    "no_balance": (broken("/balance-allowance"), "collateral, venue", State.FAIL, "is in trouble"),
    "not_allowed_venue": (not_allowed, "collateral, venue", State.FAIL, "CTFExchangeV2"),
    "not_allowed_chain": (not_allowed, "collateral, chain", State.FAIL, "no buys"),
    "not_approved": (not_allowed, "approvals", State.FAIL, "no sells"),
    "nothing_in_it": (
        lambda visit: visit.change(wallet=safe_wallet(visit.account.address), signature_type=2),
        "collateral, chain",
        State.FAIL,
        "0.000000 pUSD",
    ),
    "node_behind": (node_behind(30), "node", State.WARN, "is behind"),
    "node_far_behind": (node_behind(100), "node", State.FAIL, "is behind"),
    "no_archive": (lambda visit: visit.change(first_block=1), "node", State.WARN, "no archive"),
    "no_node": (
        lambda visit: visit.change(endpoints=replace(visit.config.endpoints, rpc=())),
        "node",
        State.WARN,
        "only the Data API",
    ),
    "approvals_without_node": (
        lambda visit: visit.change(endpoints=replace(visit.config.endpoints, rpc=())),
        "approvals",
        State.UNKNOWN,
        "needs a node",
    ),
    "node_away": (
        lambda visit: visit.change(endpoints=replace(visit.config.endpoints, rpc=("http://127.0.0.1:9/hush",))),
        "node",
        State.FAIL,
        "cannot be reached",
    ),
    "no_data_api": (broken("/data-api"), "Data API", State.FAIL, "is in trouble"),
    "no_gamma": (broken("/gamma"), "Gamma", State.FAIL, "is in trouble"),
    "no_user_socket": (
        lambda visit: visit.change(endpoints=replace(visit.config.endpoints, user_ws="ws://127.0.0.1:9/ws/user")),
        "user socket",
        State.FAIL,
        "not opened",
    ),
    "user_socket_refuses_the_key": (refused_key, "user socket", State.FAIL, "after the subscription"),
    "no_market_socket": (
        lambda visit: visit.change(endpoints=replace(visit.config.endpoints, market_ws="ws://127.0.0.1:9/ws/market")),
        "market socket",
        State.FAIL,
        "not opened",
    ),
    "market_over": (market_over, "markets", State.FAIL, "1 of 1 take no orders"),
    "market_unknown": (
        lambda visit: visit.change(selection=Selection(("no-such-market",))),
        "markets",
        State.FAIL,
        "no-such-market",
    ),
    "market_ends_soon": (
        lambda visit: visit.change(params=Params(min_time_to_resolution_ms=300 * 86_400_000)),
        "markets",
        State.WARN,
        "end within min_time_to_resolution_ms",
    ),
    "nobody_is_told": (lambda visit: visit.change(alerts=AlertSettings()), "alerts", State.WARN, "nobody is told"),
    "a_program_that_is_not_there": (
        lambda visit: visit.change(alerts=AlertSettings(command=("/nowhere/notify", "hush"))),
        "alerts",
        State.FAIL,
        "the program of command is not there",
    ),
    "no_issues_without_a_database": (
        lambda visit: setattr(visit, "settings", Settings(db="postgresql://me:hush@127.0.0.1:9/x")),
        "open issues",
        State.UNKNOWN,
        "it needs the database",
    ),
    "override_of_nothing": (
        lambda visit: visit.change(overrides={"no-such-market": Params()}),
        "markets",
        State.WARN,
        "overrides of no market",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_shows_in_its_check(cause: str, dsn: str) -> None:
    provoke, name, state, words = CAUSES[cause]

    @in_loop
    async def look() -> None:
        async with clinic(dsn) as visit:
            provoke(visit)
            found = (await visit.look(name))[name]
            assert (found.state, words in found.text) == (state, True), found
            assert "hush" not in f"{found}"

    look()


@in_loop
async def test_a_wallet_that_is_held_is_said_with_its_holder(dsn: str) -> None:
    async with clinic(dsn) as visit, connected(dsn) as writer:
        assert (await visit.look("database"))["database"].state is State.OK
        lease = await acquire(writer, visit.account.address, exclusive=True)
        found = (await visit.look("database"))["database"]
        assert (found.state, lease.holder in found.text) == (State.WARN, True)


@in_loop
async def test_a_missing_api_key_is_not_made(dsn: str) -> None:
    async with clinic(dsn) as visit:
        no_api_key(visit)
        await visit.look()
        assert not visit.scenario.world.keys.exists(visit.account.address, 0)


@in_loop
async def test_what_does_not_answer_is_unknown_and_holds_nothing_up(dsn: str) -> None:
    async with clinic(dsn) as visit:
        visit.scenario.faults.on("timeout-before", path="/version", settings={"delay_ms": 10**9})
        found = await visit.look("CLOB", "Gamma", patience_s=1.0)
        assert (found["CLOB"].state, "no answer within" in found["CLOB"].text) == (State.UNKNOWN, True)
        assert found["Gamma"].state is State.OK


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Says(403, {"error": "Trading restricted in your region"}), "GEOBLOCKED"),
        (Says(451, {"error": "no"}), "GEOBLOCKED"),
        (Says(400, {"error": "'0xabc' address banned"}), "BANNED"),
        (Says(200, b"<html>"), "this version cannot read"),
    ],
)
def test_what_the_venue_refuses_is_said_as_such(says: Says, words: str, dsn: str) -> None:
    @in_loop
    async def look() -> None:
        async with clinic(dsn) as visit, serving() as site:
            site.script(says)
            visit.change(endpoints=replace(visit.config.endpoints, clob=site.url))
            found = (await visit.look("CLOB"))["CLOB"]
            assert (found.state, words in found.text) == (State.FAIL, True), found
            assert found.todo

    look()


@in_loop
async def test_secrets_that_a_server_echoes_do_not_get_out(dsn: str) -> None:
    async with clinic(dsn) as visit, serving() as site:
        key = visit.account.api_key
        visit.environ |= dict(zip(API_VARIABLES, (key.key, key.secret, key.passphrase), strict=True))
        site.script(Says(400, {"error": f"{key.secret} {key.passphrase} {visit.account.private_key}"}))
        visit.change(endpoints=replace(visit.config.endpoints, clob=site.url, data_api=site.url))
        found = await visit.look("open orders", "Data API", "CLOB")
        assert all("***" in each.text for each in found.values()), "and `clinic` looks for the rest"


@in_loop
async def test_each_node_has_a_line_of_its_own(dsn: str) -> None:
    async def answer(asked: Asked) -> Says:
        return Says(body={"jsonrpc": "2.0", "id": asked.json["id"], "result": "0x1"})

    async with clinic(dsn) as visit, serving() as site:
        site.answer = answer
        good = visit.config.endpoints.rpc[0]
        visit.change(endpoints=replace(visit.config.endpoints, rpc=(good, f"{site.url}/hush")))
        found = await visit.look()
        assert found["node 1"].state is State.OK
        assert (found["node 2"].state, "chain 1" in found["node 2"].text) == (State.FAIL, True)
        assert "hush" not in "\n".join(visit.said)
