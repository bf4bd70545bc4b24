"""Gamma's rows against the recorded ones, field by field, and in our own decoder."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sim.data_api.recorded import differences, fields, rows_of
from sim.gamma.town import Town
from support.shared import SHARED
from tieout.ledger.facts import kind_of
from tieout.sim.engine.amounts import ONE
from tieout.sim.engine.lifecycle import migrate_market
from tieout.venue.decode import Identity, decode

ADDED = {
    "version", "positionIds", "requestId", "resolutionStatus",  # Protocol V2, SDK 0.14.0 models/gamma/market.py
    "clobRewards", "negRiskMarketID",  # undocumented fields of live markets, polymarket.md 5
    "tags",  # with include_tag
}  # fmt: skip

NOT_SENT = {
    "competitive", "customLiveness", "deployingTimestamp", "eventStartTime", "gameId", "gameStartTime",
    "groupItemThreshold", "line", "makerRebatesFeeShareBps", "negRiskRequestID", "showGmpOutcome", "showGmpSeries",
    "sportsMarketType", "submitted_by", "umaBond", "umaEndDate", "umaReward",
}  # fmt: skip
"""Of games, of UMA's bonds and of the web site: the simulator has none of it."""


def everything(town: Town) -> list[dict[str, Any]]:
    found = [town.ask("/markets", limit=500, closed=closed, include_tag=True) for closed in (True, False)]
    return [*found[0], *found[1]]


@pytest.fixture(scope="module")
def town() -> Town:
    town = Town(count=40, trades=60)
    town.world.resolve(town.markets[0], (ONE, 0))
    town.world.resolve(next(market for market in town.markets if market.version == "v2"), (0, ONE))
    migrate_market(town.world.exchange, town.markets[1])
    return town


def test_markets_differ_from_the_recorded_ones_in_nothing_but_what_is_listed(town):
    rows = everything(town)
    assert len(rows) == 40
    added, missing, types = differences(rows, "gamma_market")
    assert types == {}
    assert added <= ADDED
    assert missing <= NOT_SENT, missing - NOT_SENT


def test_events_inside_markets_have_recorded_fields_and_types(town):
    files = sorted(SHARED.glob("samples/nt_gamma_market*.json"))
    theirs = fields(event for file in files for row in rows_of(json.loads(file.read_text())) for event in row["events"])
    ours = fields(event for row in everything(town) for event in row["events"])
    assert set(ours) - set(theirs) == {"negRiskMarketID"}
    assert {name for name in ours if name in theirs and ours[name] - theirs[name]} == set()


def test_lists_are_json_inside_text(town):
    row = town.ask("/markets", limit=1)[0]
    market = town.by_id(row["id"])
    assert row["outcomes"] == '["Yes", "No"]'
    assert json.loads(row["clobTokenIds"]) == [str(token) for token in market.ctf_tokens]
    assert sum(map(float, json.loads(row["outcomePrices"]))) == 1
    assert (row["orderPriceMinTickSize"], row["orderMinSize"], row["closed"]) == (0.01, 5, False)


def test_a_protocol_v2_market_says_so_and_has_its_position_ids_in_a_real_list(town):
    for row in everything(town):
        market = town.by_id(row["id"])
        assert row["version"] == market.version
        wanted = [str(token) for token in market.position_ids] if market.version == "v2" else None
        assert row.get("positionIds") == wanted


def test_our_own_decoder_reads_every_market(town):
    decoded = decode(json.dumps(everything(town)).encode(), Identity("0x" + "1" * 40, frozenset()))
    assert decoded.problems == []
    listed = {fact.token_id for fact in decoded.facts if kind_of(fact) == "token_listed"}
    assert {str(token) for market in town.markets for token in market.tokens} <= listed


def test_a_resolved_market_shows_its_payouts_and_when_it_closed(town):
    (row,) = town.ask("/markets", closed=True, slug=town.markets[0].slug)
    assert (row["outcomePrices"], row["closed"], row["acceptingOrders"]) == ('["1", "0"]', True, False)
    assert row["umaResolutionStatus"] == "resolved"
    assert row["closedTime"].endswith("+00")
    assert row["closedTime"][10] == " "


def test_prices_and_volumes_are_those_of_the_book(town):
    traded = [row for row in town.ask("/markets", limit=500) if row["volumeNum"]]
    assert traded
    for row in traded:
        assert row["volume24hr"] == row["volumeNum"] == float(row["volume"])
        assert row["spread"] == pytest.approx(row["bestAsk"] - row["bestBid"])
        assert 0 < row["lastTradePrice"] < 1
