"""Credentials: what opens the door, and that everything else is refused with the venue's two texts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from polymarket._internal.l1_auth import sign_api_key_auth

from sim.clob.venue import Trader, Venue, answer
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.auth import WINDOW_S
from tieout.sim.wire.http import Request

UNAUTHORIZED = {"error": "Unauthorized/Invalid api key"}
BAD_L1 = {"error": "Invalid L1 Request headers"}


def raw(venue: Venue, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
    return answer(venue.clob.handle(Request(method, path, {}, headers, body)))


def l1(venue: Venue, trader: Trader, nonce: int = 0, *, at_s: int | None = None) -> dict[str, str]:
    at_s = venue.world.scheduler.now_s if at_s is None else at_s
    signed = sign_api_key_auth(trader.account, chain_id=137, timestamp=at_s, nonce=nonce)
    return {
        "poly_address": signed.address,
        "poly_signature": signed.signature,
        "poly_timestamp": str(signed.timestamp),
        "poly_nonce": str(signed.nonce),
    }


def test_a_key_is_created_once_then_derived(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    made = raw(venue, "POST", "/auth/api-key", l1(venue, trader, 9))
    assert made.status == 200
    assert set(made.body) == {"apiKey", "secret", "passphrase"}
    again = raw(venue, "POST", "/auth/api-key", l1(venue, trader, 9))
    assert (again.status, again.body) == (400, {"error": "Could not create api key"})
    assert raw(venue, "GET", "/auth/derive-api-key", l1(venue, trader, 9)).body == made.body
    missing = raw(venue, "GET", "/auth/derive-api-key", l1(venue, trader, 10))
    assert (missing.status, missing.body) == (400, {"error": "Could not derive api key!"})
    assert made.body["apiKey"] in trader.ask("GET", "/auth/api-keys").body["apiKeys"]


@pytest.mark.parametrize("broken", ["poly_address", "poly_signature", "poly_timestamp", "poly_nonce"])
def test_an_altered_or_missing_l1_header_is_refused(venue: Venue, broken: str):
    trader, other = venue.trader(cash=0, shares=0), venue.trader(cash=0, shares=0)
    good = l1(venue, trader, 3)
    values = {
        "poly_address": other.account.address,
        "poly_signature": l1(venue, other, 3)["poly_signature"],
        "poly_timestamp": str(venue.world.scheduler.now_s + 1),
        "poly_nonce": "4",
    }
    for headers in (
        good | {broken: values[broken]},
        good | {broken: "x"},
        {k: v for k, v in good.items() if k != broken},
    ):
        refused = raw(venue, "POST", "/auth/api-key", headers)
        assert (refused.status, refused.body) == (401, BAD_L1)
    assert raw(venue, "POST", "/auth/api-key", good).status == 200


def test_a_stale_l1_message_is_refused(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    now = venue.world.scheduler.now_s
    assert raw(venue, "POST", "/auth/api-key", l1(venue, trader, 1, at_s=now - WINDOW_S - 1)).body == BAD_L1
    assert raw(venue, "POST", "/auth/api-key", l1(venue, trader, 1, at_s=now - WINDOW_S)).status == 200


def test_the_wrong_secret_time_key_passphrase_or_address_is_refused(venue: Venue):
    trader, other = venue.trader(cash=0, shares=0), venue.trader(cash=0, shares=0)
    now = venue.world.scheduler.now_s
    good = trader.headers("GET", "/data/orders")
    assert raw(venue, "GET", "/data/orders", good).status == 200
    for change in (
        {"poly_signature": other.headers("GET", "/data/orders")["poly_signature"]},
        {"poly_passphrase": other.key.passphrase},
        {"poly_api_key": other.key.key},
        {"poly_address": other.account.address},
        {"poly_timestamp": str(now + 1)},
        trader.headers("GET", "/data/orders", at_s=now - WINDOW_S - 1),
        trader.headers("GET", "/data/trades"),
        trader.headers("POST", "/data/orders"),
    ):
        refused = raw(venue, "GET", "/data/orders", good | change)
        assert (refused.status, refused.body) == (401, UNAUTHORIZED), change
    assert raw(venue, "GET", "/data/orders", {}).body == UNAUTHORIZED
    headers = trader.headers("GET", "/auth/api-keys")
    assert raw(venue, "GET", "/auth/api-keys", headers).status == 200
    elsewhere = headers | {"poly_address": other.account.address}
    assert raw(venue, "GET", "/auth/api-keys", elsewhere).body == UNAUTHORIZED


def test_a_body_altered_after_signing_is_refused(venue: Venue):
    trader = venue.trader(shares=0)
    text = json.dumps(trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE), separators=(",", ":"))
    headers = trader.headers("POST", "/order", text)
    altered = text.replace('"GTC"', '"FOK"')
    assert altered != text
    assert raw(venue, "POST", "/order", headers, altered.encode()).body == UNAUTHORIZED
    assert raw(venue, "POST", "/order", headers, text.encode()).status == 200


def test_the_query_is_not_signed(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    assert trader.ask("GET", "/data/orders", market=venue.market.condition_id, next_cursor="MA==").status == 200


def test_a_deleted_key_opens_nothing(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    assert trader.ask("DELETE", "/auth/api-key").body == "OK"
    assert trader.ask("GET", "/auth/api-keys").body == UNAUTHORIZED
    assert raw(venue, "POST", "/auth/api-key", l1(venue, trader)).body["apiKey"] == trader.key.key
    assert trader.ask("GET", "/auth/api-keys").status == 200


def test_a_readonly_key_reads_its_own_account_and_writes_nothing(venue: Venue):
    trader, other = venue.trader(), venue.trader(cash=0, shares=0)
    placed = trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE)
    readonly = trader.ask("POST", "/auth/readonly-api-key").body["apiKey"]
    assert trader.ask("GET", "/auth/readonly-api-keys").body == [readonly]
    headers = {"poly_readonly_api_key": readonly, "poly_address": trader.account.address}
    assert raw(venue, "GET", "/data/orders", headers).body["data"][0]["id"] == placed.body["orderID"]
    assert raw(venue, "DELETE", "/cancel-all", headers).body == UNAUTHORIZED
    assert raw(venue, "POST", "/v1/heartbeats", headers, b'{"heartbeat_id":""}').body == UNAUTHORIZED
    assert raw(venue, "GET", "/data/orders", headers | {"poly_address": other.account.address}).body == UNAUTHORIZED
    full = headers | {"poly_readonly_api_key": trader.key.key}
    assert raw(venue, "GET", "/data/orders", full).body == UNAUTHORIZED
    assert other.ask("DELETE", "/auth/readonly-api-key", {"key": readonly}).status == 400
    assert trader.ask("DELETE", "/auth/readonly-api-key", {"key": readonly}).body == "OK"
    assert raw(venue, "GET", "/data/orders", headers).body == UNAUTHORIZED


def test_a_signed_request_with_a_readonly_key_cannot_write(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    trader.key = venue.world.keys.derive(trader.signer, 1, readonly=True)
    assert trader.ask("GET", "/data/orders").status == 200
    assert trader.ask("DELETE", "/cancel-all").body == UNAUTHORIZED


def test_builder_keys_are_listed_and_revoked_by_their_own_signature(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    made = trader.ask("POST", "/auth/builder-api-key").body
    (listed,) = trader.ask("GET", "/auth/builder-api-key").body
    assert (listed["key"], listed["revokedAt"]) == (made["key"], None)
    path = "/auth/builder-api-key"
    assert trader.ask("DELETE", path).body == {"error": "invalid revoke builder api key headers"}
    trader.key = type(trader.key)(made["key"], made["secret"], made["passphrase"], trader.signer, 0)
    headers = {name.replace("poly_", "poly_builder_"): value for name, value in trader.headers("DELETE", path).items()}
    assert raw(venue, "DELETE", path, headers | {"poly_builder_passphrase": "no"}).body == UNAUTHORIZED
    assert raw(venue, "DELETE", path, headers).body == "OK"
    assert raw(venue, "DELETE", path, headers).body == UNAUTHORIZED


def test_closed_only_is_told(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    assert trader.ask("GET", "/auth/ban-status/closed-only").body == {"closed_only": False}
    venue.world.exchange.modes.closed_only.add(trader.wallet)
    assert trader.ask("GET", "/auth/ban-status/closed-only").body == {"closed_only": True}
