"""The official client lists and reads every market, event, tag and series in its own models."""

from __future__ import annotations

from decimal import Decimal

import pytest
from polymarket import PublicClient

from sim.data_api.client import public_client
from sim.gamma.town import Town
from tieout.sim.engine.amounts import ONE
from tieout.sim.index.index import Index
from tieout.sim.wire.data_api import DataApi


@pytest.fixture(scope="module")
def town() -> Town:
    town = Town(count=30, trades=30)
    town.world.resolve(town.markets[0], (250_000, 750_000))
    town.world.resolve(next(market for market in town.markets if market.version == "v2"), (0, ONE))
    return town


@pytest.fixture
def client(town: Town, monkeypatch: pytest.MonkeyPatch) -> PublicClient:
    return public_client(monkeypatch, DataApi(town.world, Index(town.world)).handle, town.gamma.handle)


@pytest.mark.parametrize("closed", [True, False])
def test_every_market_parses_and_says_what_the_engine_knows(town, client, closed):
    found = list(client.list_markets(version=("v1", "v2"), closed=closed, page_size=7).iter_items())
    wanted = {market.condition_id: market for market in town.markets if market.closed == closed}
    assert {market.condition_id for market in found} == set(wanted)
    for market in found:
        known = wanted[market.condition_id]
        assert (market.slug, market.version, market.state.neg_risk) == (known.slug, known.version, known.neg_risk)
        assert market.trading.minimum_tick_size == Decimal(known.tick) / ONE
        outcomes = (market.outcomes.yes, market.outcomes.no)
        assert tuple(outcome.label for outcome in outcomes) == known.outcomes
        assert tuple(int(outcome.token_id) for outcome in outcomes) == known.ctf_tokens
        if known.version == "v2":
            assert tuple(int(outcome.position_id) for outcome in outcomes) == known.position_ids
        if known.payouts:
            assert tuple(outcome.price for outcome in outcomes) == tuple(Decimal(p) / ONE for p in known.payouts)
        if known.fee_rate:
            assert market.trading.fee_schedule.rate == Decimal(known.fee_rate) / ONE


def test_filters_reach_the_server_with_all_their_values(town, client):
    first, second = town.markets[1:3]
    found = list(client.list_markets(condition_ids=[first.condition_id, second.condition_id]).iter_items())
    assert {market.condition_id for market in found} == {first.condition_id, second.condition_id}
    found = list(client.list_markets(ids=[first.number, second.number], order="volume").iter_items())
    assert {int(market.id) for market in found} == {first.number, second.number}


def test_single_markets_and_events_parse(town, client):
    market = town.markets[1]
    assert client.get_market(id=str(market.number)).condition_id == market.condition_id
    assert client.get_market(slug=market.slug, include_tag=True).tags[0].slug
    assert client.get_market(url=f"https://polymarket.com/market/{market.slug}").slug == market.slug
    assert client.get_event(slug=market.event_slug).markets[0].condition_id == market.condition_id
    assert client.get_event(id=market.event_id).title == market.event_title
    assert client.get_market_tags(str(market.number))[0].slug == client.get_event_tags(market.event_id)[0].slug


def test_every_event_parses(town, client):
    found = list(client.list_events(version=("v1", "v2"), page_size=4).iter_items())
    open_events = {market.event_id for market in town.markets if not market.closed}
    assert {event.id for event in found} == open_events
    assert {len(event.markets) for event in found} == {1, 3}


def test_tags_series_search_and_what_there_is_none_of(town, client):
    assert list(client.list_tags(page_size=2).iter_items())
    (series, *_) = client.list_series(page_size=2).iter_items()
    assert client.get_series(series.id).slug == series.slug
    assert client.get_tag(slug="crypto").id == client.get_tag(id=client.get_tag(slug="crypto").id).id
    results = client.search(q="will", page_size=3).iter_items()
    found = [event.id for result in results for event in result.events]
    assert len(found) == len(set(found)) > 3
    assert list(client.list_teams().iter_items()) == []
    assert client.get_sports() == ()
    assert client.get_related_tags(slug="crypto") == ()
    assert client.get_public_profile("0x" + "1" * 40) is None
    assert client.get_sports_market_types().market_types == ()
