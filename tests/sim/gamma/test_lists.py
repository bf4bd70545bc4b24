"""Filters, orders, pages and refusals of Gamma."""

from __future__ import annotations

import pytest

from sim.gamma.town import Town
from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market


def ids(rows: list[dict[str, object]]) -> list[int]:
    return [int(str(row["id"])) for row in rows]


def test_closed_markets_are_hidden_unless_asked_for():
    town = Town()
    town.world.resolve(town.markets[0], (ONE, 0))
    everything = {market.number for market in town.markets}
    assert set(ids(town.ask("/markets"))) == everything - {town.markets[0].number}
    assert ids(town.ask("/markets", closed=True)) == [town.markets[0].number]
    assert town.ask("/markets", slug=town.markets[0].slug) == []
    assert len(town.ask("/markets", slug=town.markets[0].slug, closed=True)) == 1


@pytest.mark.parametrize("what", ["markets", "events"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_pages_by_cursor_and_by_offset_give_the_same_rows(what, size):
    town = Town(count=15)
    whole = town.ask(f"/{what}", limit=500)
    assert len(whole) > 8
    assert ids(town.walk(what, limit=size)) == ids(whole)
    paged = [row for at in range(0, 20, size) for row in town.ask(f"/{what}", limit=size, offset=at)]
    assert ids(paged) == ids(whole)


@pytest.mark.parametrize("ascending", [True, False])
def test_a_walk_loses_and_repeats_nothing_while_markets_open(ascending):
    town = Town(count=10)
    page = town.ask("/markets/keyset", limit=3, order="createdAt", ascending=ascending)
    rows = page["markets"]
    number = 100
    while "next_cursor" in page:
        number += 1
        town.world.open_market(make_market(town.draw, number, town.world.scheduler.now_ms))
        town.world.scheduler.run_for(1_000)
        page = town.ask(
            "/markets/keyset", limit=3, order="createdAt", ascending=ascending, after_cursor=page["next_cursor"]
        )
        rows += page["markets"]
        if number > 120:
            break
    old = [found for found in ids(rows) if found < 100]
    assert sorted(old) == sorted(market.number for market in town.markets)
    assert len(set(ids(rows))) == len(rows)


def test_orders_by_several_fields_up_and_down():
    town = Town(trades=20)
    for field in ("volumeNum", "liquidityNum", "volume24hr", "endDate", "id"):
        rows = town.ask("/markets", order=field, ascending=False, limit=500)
        shown = [int(row["id"]) if field == "id" else row[field] for row in rows]
        assert shown == sorted(shown, reverse=True), field
        assert ids(town.ask("/markets", order=field, ascending=True, limit=500)) == ids(rows)[::-1]
    assert town.reply("/markets", order="volume_24hr") == (
        422,
        {"type": "validation error", "error": "order fields are not valid"},
    )


def test_filters_take_one_or_several_values():
    town = Town()
    first, second, third = town.markets[:3]
    both = sorted((first.number, second.number))
    assert ids(town.ask("/markets", id=f"{first.number},{second.number}")) == both
    assert ids(town.ask("/markets", condition_ids=f"{first.condition_id},{second.condition_id}")) == both
    assert ids(town.ask("/markets", clob_token_ids=f"{first.ctf_tokens[0]},{second.ctf_tokens[1]}")) == both
    assert ids(town.ask("/markets", question_ids=third.question_id)) == [third.number]
    assert ids(town.ask("/markets", slug=third.slug)) == [third.number]
    assert town.ask("/markets", condition_ids="0x" + "0" * 64) == []
    new = [market.number for market in town.markets if market.version == "v2"]
    assert ids(town.ask("/markets", version="v2")) == new
    assert not set(new) & set(ids(town.reply("/markets")[1]))  # those on the CTF alone, unless it is said otherwise
    assert town.ask("/markets", archived=True) == []
    assert len(town.ask("/markets", active=True)) == len(town.markets)
    assert town.ask("/markets", active=False) == []


def test_filters_by_date_and_volume():
    town = Town(trades=10)
    later = town.markets[5]
    start = town.ask(f"/markets/{later.number}")["startDate"]
    assert set(ids(town.ask("/markets", start_date_min=start))) == {market.number for market in town.markets[5:]}
    least = 10
    kept = town.ask("/markets", volume_num_min=least)
    assert {row["volumeNum"] >= least for row in kept} == {True}
    assert town.reply("/markets", start_date_min="soon")[0] == 422
    assert town.reply("/markets", volume_num_min="x")[0] == 422


def test_one_market_by_id_and_by_slug():
    town = Town()
    market = town.markets[4]
    by_id, by_slug = town.ask(f"/markets/{market.number}"), town.ask(f"/markets/slug/{market.slug}")
    assert "events" not in by_id
    assert by_slug.pop("events")[0]["slug"] == market.event_slug
    assert by_id == by_slug
    assert town.reply("/markets/999999") == (404, {"type": "not found error", "error": "id not found"})
    assert town.reply("/markets/slug/none") == (404, {"type": "not found error", "error": "slug not found"})
    assert town.reply(f"/markets/{market.condition_id}") == (
        422,
        {"type": "validation error", "error": "id is invalid"},
    )


def test_an_event_has_all_its_markets_and_closes_with_the_last():
    town = Town()
    of_event = [market for market in town.markets if market.neg_risk]
    event_id = of_event[0].event_id
    event = town.ask(f"/events/{event_id}")
    assert ids(event["markets"]) == [market.number for market in of_event[:3]]
    assert event["negRisk"] is True
    assert town.ask(f"/events/slug/{of_event[0].event_slug}") == event
    for market in of_event[:2]:
        town.world.resolve(market, (0, ONE))
    assert town.ask(f"/events/{event_id}")["closed"] is False
    town.world.resolve(of_event[2], (ONE, 0))
    assert town.ask(f"/events/{event_id}")["closed"] is True
    assert int(event_id) not in ids(town.ask("/events", limit=500))
    assert int(event_id) in ids(town.ask("/events", closed=True))


def test_offsets_above_2000_and_bad_numbers_are_refused():
    town = Town()
    assert town.reply("/markets", offset=2000) == (200, [])
    assert town.reply("/markets", offset=2001) == (
        422,
        {"type": "validation error", "error": "offset too large, use /markets/keyset for deeper pagination"},
    )
    for query in ({"limit": "x"}, {"offset": -1}, {"closed": "maybe"}):
        assert town.reply("/markets", **query)[0] == 422, query
    for query in ({"after_cursor": "!"}, {"after_cursor": "WzEsMl0="}, {"offset": 1}):
        assert town.reply("/markets/keyset", **query)[0] == 422, query


def test_a_keyset_page_holds_100_at_most():
    town = Town(count=120)
    page = town.ask("/markets/keyset", limit=500)
    assert len(page["markets"]) == 100
    assert len(town.walk("markets", limit=500)) == 120
    assert len(town.ask("/markets")) == 20


def test_token_ids_of_new_markets_can_be_missing_for_some_minutes():
    town = Town()
    town.gamma.hydration_ms = 180_000
    market = make_market(town.draw, 50, town.world.scheduler.now_ms, version="v2")
    town.world.open_market(market)
    row = town.ask("/markets/50")
    assert (row["clobTokenIds"], row["acceptingOrders"], "positionIds" in row) == ('["", ""]', False, False)
    assert town.ask("/markets", clob_token_ids=market.ctf_tokens[0]) == []
    town.world.scheduler.run_for(180_000)
    row = town.ask("/markets/50")
    assert (str(market.ctf_tokens[0]) in row["clobTokenIds"], row["acceptingOrders"]) == (True, True)
    assert row["positionIds"] == [str(token) for token in market.position_ids]


def test_tags_series_and_search():
    town = Town()
    tags = town.ask("/tags")
    assert {tag["slug"] for tag in tags} >= {"crypto", "sports"}
    assert town.ask(f"/tags/{tags[0]['id']}") == town.ask(f"/tags/slug/{tags[0]['slug']}") == tags[0]
    assert town.reply("/tags/77")[0] == 404
    assert town.ask("/tags", limit=2, offset=1) == tags[1:3]
    series = town.ask("/series")
    assert town.ask(f"/series/{series[0]['id']}") == series[0]
    assert town.reply("/series/77")[0] == 404
    market = town.markets[0]
    found = town.ask("/public-search", q=market.event_title.upper())
    assert [event["slug"] for event in found["events"]] == [market.event_slug]
    assert found["pagination"] == {"hasMore": False, "totalResults": 1}
    first = town.ask("/public-search", q="will", limit_per_type=2)
    second = town.ask("/public-search", q="will", limit_per_type=2, page=2)
    assert first["pagination"]["hasMore"] is True
    assert not set(ids(first["events"])) & set(ids(second["events"]))
    assert town.reply("/public-search") == (422, {"type": "validation error", "error": 'query argument "q": empty'})
    assert town.reply("/nothing")[0] == 404
