"""The paths of v2: cursors, floors, what is hidden, and errors."""

from __future__ import annotations

import base64

import pytest

from sim.data_api.lives import Lives, lived
from tieout.sim.chain.calls import Condition, Deposit, Migrate, PayReward, Split, TransferTokens
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Side
from tieout.venue.addresses import CTF


def test_dust_under_a_tenth_of_a_share_is_hidden():
    lives = Lives(1)
    wallet = lives.wallets[0]
    lives.send(
        Split(wallet, Condition.of(lives.markets[0]), 99_999), Split(wallet, Condition.of(lives.markets[1]), 100_000)
    )
    assert [row["current_size"] for row in lives.walk("/v2/positions", user=wallet)] == [0.1, 0.1]
    assert len(lives.walk("/v2/positions", user=wallet, filter_amount=0)) == 4
    assert len(lives.walk("/v2/positions", user=wallet, filter_type="CASH", filter_amount=0.05)) == 2


def test_only_open_positions_show_unless_a_status_is_asked():
    lives = Lives(1)
    wallet = lives.wallets[0]
    first, second = lives.markets[:2]
    for market in (first, second):
        lives.send(Split(wallet, Condition.of(market), 10 * ONE))
    lives.world.resolve(first, (ONE, 0))
    lives.run(3)

    def shown(**query: object) -> set[str]:
        return {row["token_id"] for row in lives.walk("/v2/positions", user=wallet, **query)}

    assert shown() == shown(status="OPEN") == {str(token) for token in second.tokens}
    assert shown(status="REDEEMABLE") == {str(token) for token in first.tokens}
    assert shown(status="REDEEMABLE_LOST") == {str(first.tokens[1])}
    assert shown(status="MERGEABLE") == {str(token) for token in second.tokens}
    assert shown(status="CLOSED") == set()
    lives.resolve(second, (0, ONE))
    assert shown(status="CLOSED") == {str(token) for token in (*first.tokens, *second.tokens)} - shown(
        status="REDEEMABLE"
    )


def test_archived_markets_show_only_when_included():
    lives = Lives(1)
    wallet, market = lives.wallets[0], lives.markets[1]
    lives.send(Split(wallet, Condition.of(market), 10 * ONE))
    lives.api.source.archived.add(market.condition_id)
    assert lives.walk("/v2/positions", user=wallet) == []
    rows = lives.walk("/v2/positions", user=wallet, include_archived=True)
    assert [row["archived"] for row in rows] == [True, True]
    assert lives.ask("/positions", user=wallet) == []


def test_unlabeled_markets_have_the_outcome_index_999():
    lives = Lives(1)
    market = lives.markets[1]
    lives.match(*lives.wallets[:2], market, 0, 600_000, 10 * ONE)
    lives.api.source.unlabeled.add(market.condition_id)
    assert [row["outcome_index"] for row in lives.walk("/v2/trades", user=lives.wallets[0])] == [999]
    assert [row["outcomeIndex"] for row in lives.ask("/trades", user=lives.wallets[0])] == [999]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_walks_lose_and_repeat_nothing_while_rows_are_added(size):
    lives = lived(1, steps=150)
    wallet = lives.wallets[0]
    before = lives.walk("/v2/activity", user=wallet, limit=1000)
    page = lives.ask("/v2/activity", user=wallet, limit=size)
    rows = page["data"]
    while page["pagination"]["has_more"]:
        assert len(rows) <= len(before)
        lives.send(PayReward(wallet, 2 * ONE))
        page = lives.ask("/v2/activity", user=wallet, cursor=page["pagination"]["next_cursor"])
        rows += page["data"]
    assert rows == before


def test_a_cursor_keeps_the_limit_it_was_made_with():
    lives = lived(1, steps=60)
    page = lives.ask("/v2/activity", user=lives.wallets[0], limit=2)
    assert page["pagination"] | {"next_cursor": ""} == {"limit": 2, "offset": 0, "has_more": True, "next_cursor": ""}
    after = lives.ask("/v2/activity", user=lives.wallets[0], limit=50, cursor=page["pagination"]["next_cursor"])
    assert (len(after["data"]), after["pagination"]["limit"], after["pagination"]["offset"]) == (2, 2, 2)


@pytest.mark.parametrize(
    "sort", ["CURRENT_VALUE", "PRICE", "TOKENS", "UNREALIZED_PNL", "REALIZED_PNL", "TOTAL_PNL", "TIMESTAMP"]
)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_positions_are_walked_whole_in_every_order(sort, direction):
    lives = lived(1)
    query = {"user": lives.wallets[0], "filter_amount": 0, "sort_by": sort, "sort_direction": direction}
    whole = lives.ask("/v2/positions", limit=1000, **query)["data"]
    assert len(whole) > 4
    assert lives.walk("/v2/positions", limit=2, **query) == whole
    names = {
        "CURRENT_VALUE": "current_value",
        "PRICE": "current_price",
        "TOKENS": "current_size",
        "TIMESTAMP": "last_event_at",
    }
    shown = [row[names.get(sort, sort.lower())] for row in whole]
    assert shown == sorted(shown, reverse=direction == "DESC")


def test_positions_of_a_market_are_those_of_everybody():
    lives = Lives(1)
    market = lives.markets[1]
    for wallet in lives.wallets[:3]:
        lives.send(Split(wallet, Condition.of(market), 10 * ONE))
    rows = lives.walk("/v2/positions", condition_id=market.condition_id, limit=1)
    assert sorted(row["proxy_wallet"] for row in rows) == sorted(lives.wallets[:3] * 2)


def test_deposits_and_withdrawals_show_only_when_asked():
    lives = Lives(1)
    wallet = lives.wallets[0]
    lives.send(Deposit(wallet, 5 * ONE))
    assert lives.walk("/v2/activity", user=wallet) == []
    rows = lives.walk("/v2/activity", user=wallet, exclude_deposits_withdrawals=False)
    assert [(row["type"], row["usdc_size"]) for row in rows] == [("DEPOSIT", 5), ("DEPOSIT", 5000)]


def test_tokens_that_came_by_transfer_have_a_size_and_no_cost():
    lives = Lives(1)
    giver, taker = lives.wallets[:2]
    market = lives.markets[1]
    lives.send(Split(giver, Condition.of(market), 10 * ONE))
    lives.send(TransferTokens(CTF, giver, taker, (market.tokens[0],), (4 * ONE,)))
    (row,) = lives.walk("/v2/positions", user=taker)
    assert (row["current_size"], row["avg_price"], row["entry_cost_usdc"], row["total_size"]) == (4, 0, 0, 0)
    assert lives.walk("/v2/activity", user=taker) == []


def test_a_sale_realizes_the_tracked_part_only():
    lives = Lives(1)
    wallet, other = lives.wallets[:2]
    market = lives.markets[4]
    market.fee_rate = 0
    lives.match(wallet, other, market, 0, 400_000, 10 * ONE)
    lives.send(Split(other, Condition.of(market), 10 * ONE))
    lives.send(TransferTokens(CTF, other, wallet, (market.tokens[0],), (10 * ONE,)))
    lives.place(other, Side.BUY, market, 0, 700_000, 20 * ONE)
    lives.place(wallet, Side.SELL, market, 0, 700_000, 20 * ONE)
    lives.run(4)
    (row,) = lives.walk("/v2/positions", user=wallet, status="CLOSED")
    assert (row["current_size"], row["realized_pnl"]) == (0, 3)  # 10 bought at 0.4; the other 10 have no cost


def test_a_migration_takes_the_cost_along():
    lives = Lives(1)
    wallet, market = lives.wallets[0], lives.markets[1]
    lives.match(wallet, lives.wallets[1], market, 0, 400_000, 10 * ONE)
    lives.send(Migrate(wallet, Condition.of(market)))
    (row,) = lives.walk("/v2/positions", user=wallet)
    assert (row["token_id"], row["current_size"], row["avg_price"]) == (str(market.position_ids[0]), 10, 0.4)
    (told,) = lives.walk("/v2/activity", user=wallet, type_="MIGRATION", condition_id=market.condition_id)
    assert (told["token_id"], told["size"], told["usdc_size"]) == (str(market.position_ids[0]), 10, 0)


def test_errors_carry_a_code_a_parameter_and_a_trace():
    lives = Lives(1)
    status, body = lives.reply("/v2/user-pnl")
    trace = body.pop("trace_id")
    assert (status, body) == (
        400,
        {
            "error": "required query param 'user' not provided",
            "code": "invalid_request",
            "parameter": "user",
            "retryable": False,
        },
    )
    assert len(trace) == 32
    status, body = lives.reply("/v2/positions")
    assert (status, body["error"]) == (400, "required query param 'user' or 'condition' not provided")
    assert "parameter" not in body
    assert lives.reply("/v2/user-pnl")[1]["trace_id"] != trace


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 1001}, {"limit": 0}, {"limit": "x"}, {"offset": 5}, {"cursor": "!"}, {"status": "MAYBE"},
        {"cursor": base64.urlsafe_b64encode(b"[1,2]").decode()}, {"filter_amount": -1}, {"filter_amount": "x"},
    ],
)  # fmt: skip
def test_bad_questions_are_refused(query):
    lives = Lives(1)
    assert lives.reply("/v2/positions", user=lives.wallets[0], **query)[0] == 400


def test_the_sums_of_a_wallet_over_time():
    lives = lived(1)
    wallet = lives.wallets[0]
    rows = lives.walk("/v2/activity", user=wallet, exclude_deposits_withdrawals=False)
    series = lives.ask("/v2/user-pnl", user=wallet, interval="max", fidelity="1h")["data"]
    assert series["points"] == []  # no whole hour has passed
    lives.run(3600)
    last = lives.ask("/v2/user-pnl", user=wallet, interval="max", fidelity="1h")["data"]["points"][-1]
    assert last["trade_count"] == sum(row["type"] == "TRADE" for row in rows)
    assert last["deposits"] == pytest.approx(sum(r["usdc_size"] for r in rows if r["type"] == "DEPOSIT"))
    assert last["reward_income"] == pytest.approx(sum(r["usdc_size"] for r in rows if r["type"] == "REWARD"))
    stats = lives.ask("/v2/user-stats", user=wallet)["data"]
    assert stats["all_time_pnl"]["realized_pnl"] == last["realized_pnl"]
    assert lives.ask("/v2/user-stats", user="0x" + "9" * 40) == {"data": None}
