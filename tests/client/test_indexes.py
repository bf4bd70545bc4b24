"""Gamma and the Data API: recorded rows, and pages that repeat, end early or do not end."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from client.stage import Asked, Client, Says, visiting
from support.database import in_loop
from support.shared import SHARED
from tieout.client.data_api import OFFSET_MAX, DataApi
from tieout.client.errors import VenueError
from tieout.client.gamma import Gamma
from tieout.client.markets import gamma_market
from tieout.ledger.facts import Side
from tieout.venue.wire import parse

SAMPLES = SHARED / "samples"
WALLET = "0x" + "cd" * 20


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def data_api(client: Client, version: Literal["v1", "v2"]) -> DataApi:
    return DataApi(client.net.service("data_api", client.endpoints.data_api), version)


def gamma(client: Client) -> Gamma:
    return Gamma(client.net.service("gamma", client.endpoints.gamma))


def test_recorded_markets() -> None:
    crypto, sports = (
        gamma_market(parse((SAMPLES / f"nt_gamma_market{name}.json").read_bytes()))
        for name in ("", "_sports_market_money_line")
    )
    assert (crypto.tick, crypto.min_size, crypto.neg_risk, crypto.version) == (10_000, 5_000_000, False, "v1")
    assert crypto.outcomes == ("Up", "Down")
    assert [token[:6] for token in crypto.token_ids] == ["104239", "711839"]
    assert crypto.end_at_ms == 1_773_307_500_000
    assert (crypto.rewards.min_size, crypto.rewards.max_spread) == (50_000_000, 45_000)
    assert crypto.fees is None, "there are fees, and this row does not tell them"
    assert sports.fees is not None
    assert (sports.fees.rate, sports.fees.exponent, sports.fees.rebate) == (30_000, 1, 250_000)
    assert sports.taker_delay_ms == 3_000


@in_loop
async def test_A3_a_cursor_that_the_venue_refuses_leaves_what_came_before_it() -> None:
    """Gamma answers a cursor it does not know any more with 422."""
    async with visiting() as client:
        refusal = Says(status=422, body={"error": "invalid cursor"})
        client.site.script(Says(body={"markets": [sample("nt_gamma_market")], "next_cursor": "abc"}), refusal)
        listing = await gamma(client).markets(order="endDate")
        assert len(listing.rows) == 1
        assert not listing.is_complete
        assert "after 1 pages the venue refused its own cursor" in listing.flaw
        client.site.script(refusal)
        with pytest.raises(VenueError, match="invalid cursor"):
            await gamma(client).markets(order="endDate")


@in_loop
async def test_gamma_is_read_to_its_last_page_and_a_bad_row_loses_no_page() -> None:
    async with visiting() as client:
        row = sample("nt_gamma_market")
        bad = {**row, "clobTokenIds": "no list"}
        hydrating = {**row, "clobTokenIds": '["", ""]'}
        client.site.script(
            Says(body={"markets": [row, bad], "next_cursor": "abc"}), Says(body={"markets": [hydrating]})
        )
        listing = await gamma(client).markets(order="endDate")
        assert (len(listing.rows), listing.pages, [row.index for row in listing.bad_rows]) == (2, 2, [1])
        assert listing.rows[1].token_ids == ("", "")
        assert [asked.query for asked in client.site.asked] == [
            {"limit": "100", "closed": "false", "order": "endDate"},
            {"limit": "100", "closed": "false", "order": "endDate", "after_cursor": "abc"},
        ]
        assert client.kinds() == ["gamma_market"] * 2
        await gamma(client).markets_of(["0xa", "0xb"], closed=True)
        assert client.site.asked[-1].query["condition_ids"] == "0xa,0xb"


@in_loop
async def test_recorded_positions_and_events_of_both_versions() -> None:
    async with visiting() as client:
        v1, v2 = data_api(client, "v1"), data_api(client, "v2")
        client.site.script(Says(body=sample("nt_data_api_positions_response")), Says(body=[]))
        positions = await v1.positions(WALLET)
        assert positions.is_complete
        assert (positions.rows[0].shares, positions.rows[0].token_id[:6]) == (150_500_000, "713210")
        assert client.site.asked[0].query["sizeThreshold"] == "0"
        body = sample("data_api_v2_positions")
        ended = {**body, "pagination": {"has_more": False, "next_cursor": None}}
        client.site.script(Says(body=ended))
        positions = await v2.positions(WALLET)
        assert [row.shares for row in positions.rows] == [400_000_000_000]
        assert [asked.query["status"] for asked in client.site.asked[-3:]] == ["OPEN", "REDEEMABLE", "REDEEMABLE_LOST"]
        assert client.site.asked[-1].query["filter_amount"] == "0"
        activity = {**sample("data_api_v2_activity"), "pagination": {"has_more": False, "next_cursor": None}}
        client.site.script(Says(body=activity))
        events = await v2.activity(WALLET)
        assert (events.rows[0].shares, events.rows[0].collateral, events.rows[0].side) == (
            14_285_715,
            13_285_715,
            Side.BUY,
        )
        client.site.script(Says(body=sample("nt_data_api_trades_response")), Says(body=[]))
        assert all(row.type == "TRADE" for row in (await v1.trades(WALLET)).rows)
        assert client.site.asked[-1].query["takerOnly"] == "false"
        assert client.kinds() == ["position"] * 5 + ["activity"] + ["data_trade"] * 2


@in_loop
async def test_v1_goes_on_behind_what_came_until_a_page_is_empty() -> None:
    async with visiting() as client:
        row = sample("nt_data_api_positions_response")[0]

        def answer(asked: Asked) -> Says:
            offset = int(asked.query["offset"])
            return Says(body=[{**row, "asset": str(number)} for number in range(offset, min(offset + 40, 95))])

        client.site.answer = answer
        listing = await data_api(client, "v1").positions(WALLET)
        assert listing.is_complete
        assert [row.token_id for row in listing.rows] == [str(number) for number in range(95)]
        assert [asked.query["offset"] for asked in client.site.asked] == ["0", "40", "80", "95"]


@in_loop
async def test_v1_pages_that_repeat_or_lie_too_deep_leave_the_listing_incomplete() -> None:
    async with visiting() as client:
        row = sample("nt_data_api_positions_response")[0]
        client.site.script(Says(body=[row]))
        listing = await data_api(client, "v1").positions(WALLET)
        assert "repeats" in listing.flaw
        assert len(listing.rows) == 1
        client.site.answer = lambda asked: Says(body=[{**row, "asset": asked.query["offset"]}] * 500)
        listing = await data_api(client, "v1").positions(WALLET)
        assert str(OFFSET_MAX) in listing.flaw
        assert max(int(asked.query["offset"]) for asked in client.site.asked) == OFFSET_MAX


@pytest.mark.parametrize(
    "pagination", [{}, {"has_more": True, "next_cursor": None}, {"has_more": False, "next_cursor": "x"}, None]
)
def test_a_v2_page_that_contradicts_itself_leaves_the_listing_incomplete(pagination: Any) -> None:
    @in_loop
    async def run() -> None:
        async with visiting() as client:
            client.site.script(Says(body={"data": [], "pagination": pagination}))
            listing = await data_api(client, "v2").trades(WALLET, since_s=7)
            assert not listing.is_complete
            assert client.site.asked[0].query["start"] == "7"

    run()
