"""The relayer: which wallets exist, and what it carries out for whom."""

from __future__ import annotations

import json
from typing import Any

from sim.clob.venue import Answer, Trader, Venue, answer
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.http import Request
from tieout.sim.wire.wallets import deposit_wallet, legacy_deposit_wallet, proxy_wallet, safe_wallet

APPROVE = "0x095ea7b3" + "0" * 128
TRANSFER = "0xa9059cbb" + "0" * 128


def ask(venue: Venue, path: str, **query: str) -> Answer:
    return answer(venue.relayer.handle(Request("GET", path, query)))


def submit(venue: Venue, body: Any, headers: dict[str, str] | None = None) -> Answer:
    headers = {"relayer_api_key": "k"} if headers is None else headers
    return answer(venue.relayer.handle(Request("POST", "/submit", {}, headers, json.dumps(body).encode())))


def batch(trader: Trader, wallet: str, *data: str) -> dict[str, Any]:
    calls = [{"target": "0x" + "0" * 40, "value": "0", "data": entry} for entry in data]
    return {
        "type": "WALLET",
        "from": trader.account.address,
        "depositWalletParams": {"depositWallet": wallet, "calls": calls},
    }


def test_wallets_of_somebody_with_a_key_exist_and_old_ones_only_with_money(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    legacy = legacy_deposit_wallet(trader.signer)
    for wallet in (deposit_wallet(trader.signer), proxy_wallet(trader.signer), safe_wallet(trader.signer)):
        assert ask(venue, "/deployed", address=wallet).body == {"deployed": True}
    assert ask(venue, "/deployed", address=legacy, type="WALLET").body == {"deployed": False}
    venue.fund(legacy, ONE)
    assert ask(venue, "/deployed", address=legacy).body == {"deployed": True}
    assert ask(venue, "/deployed", address="0x" + "12" * 20).body == {"deployed": False}


def test_a_created_wallet_exists(venue: Venue):
    owner = "0x" + "34" * 20
    created = submit(venue, {"type": "WALLET-CREATE", "from": owner, "to": "", "metadata": ""}).body
    assert ask(venue, "/deployed", address=deposit_wallet(owner)).body == {"deployed": True}
    path = f"/v1/account/transactions/{created['transactionID']}"
    assert ask(venue, path).body["state"] == "STATE_CONFIRMED"


def test_approvals_go_on_chain_and_their_state_follows_it(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    wallet = deposit_wallet(trader.signer)
    before = ask(venue, "/v1/account/transactions/params", address=trader.signer, type="WALLET").body
    assert before == {"address": trader.signer, "nonce": "0"}
    sent = submit(venue, batch(trader, wallet, APPROVE, APPROVE)).body
    path = f"/v1/account/transactions/{sent['transactionID']}"
    states = [ask(venue, path).body["state"]]
    for seconds in (3, 60):
        venue.run(seconds)
        states.append(ask(venue, path).body["state"])
    assert states == ["STATE_EXECUTED", "STATE_MINED", "STATE_CONFIRMED"]
    assert ask(venue, path).body["transaction_hash"] == sent["transactionHash"]
    assert ask(venue, "/relay-payload", address=trader.account.address, type="WALLET").body["nonce"] == "1"


def test_what_is_not_ones_own_or_not_carried_out_is_refused(venue: Venue):
    trader, other = venue.trader(cash=0, shares=0), venue.trader(cash=0, shares=0)
    mine, theirs = deposit_wallet(trader.signer), deposit_wallet(other.signer)
    pending = venue.world.chain.pending
    assert submit(venue, batch(trader, mine, APPROVE), {}).status == 401
    for body in (
        batch(trader, theirs, APPROVE),
        batch(trader, mine, APPROVE, TRANSFER),
        {"type": "SAFE", "from": trader.account.address},
        {"type": "WALLET"},
        [],
    ):
        assert submit(venue, body).status == 400
    assert venue.world.chain.pending == pending
    assert ask(venue, "/v1/account/transactions/none").status == 404
