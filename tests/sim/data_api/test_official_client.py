"""Everything the official client asks the Data API parses in its own models, and says what the rows say."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from polymarket import PublicClient
from polymarket.models.data.activity import UnknownActivity

from sim.data_api.client import public_client
from sim.data_api.lives import Lives, lived
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.gamma import Gamma


@pytest.fixture(scope="module")
def lives() -> Lives:
    lives = lived(2)
    lives.world.resolve(lives.event[0], (0, ONE))  # and nobody redeems
    lives.run(4)
    return lives


@pytest.fixture
def client(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> PublicClient:
    return public_client(monkeypatch, lives.api.handle, Gamma(lives.world).handle)


def test_every_activity_row_parses_as_its_own_kind(lives, client):
    kinds = Counter()
    for wallet in lives.wallets:
        raw = lives.walk("/v2/activity", user=wallet, exclude_deposits_withdrawals=False)
        rows = list(client.list_activity(user=wallet, page_size=7, full_history=True).iter_items())
        assert [row.transaction_hash for row in rows] == [row["transaction_hash"] for row in raw]
        assert not any(isinstance(row, UnknownActivity) for row in rows)
        for row, told in zip(rows, raw, strict=True):
            assert row.amount == Decimal(str(told["usdc_size"]))
            kinds[row.type] += 1
    assert len(kinds) == 10, kinds  # all but TAKER_REBATE


def test_every_trade_parses(lives, client):
    for wallet in lives.wallets:
        rows = list(client.list_trades(user=wallet, taker_only=False, page_size=5).iter_items())
        told = [row for row in lives.ask("/activity", user=wallet, limit=500) if row["type"] == "TRADE"]
        assert [(row.transaction_hash, row.side, row.size) for row in rows] == [
            (row["transactionHash"], row["side"], Decimal(str(row["size"]))) for row in told
        ]
    assert list(client.list_trades(side="BUY").iter_items())


@pytest.mark.parametrize("status", ["OPEN", "REDEEMABLE", "REDEEMABLE_LOST", "MERGEABLE", "CLOSED"])
def test_every_position_parses(lives, client, status):
    found = 0
    for wallet in lives.wallets:
        rows = list(client.list_positions(user=wallet, status=status, filter_amount=0, page_size=2).iter_items())
        assert len({row.asset_id for row in rows}) == len(rows)
        found += len(rows)
        for row in rows:
            assert row.total_pnl == row.realized_pnl + row.unrealized_pnl
    assert found


def test_the_rest_of_what_the_client_asks_parses(lives, client):
    wallet, market = lives.wallets[0], lives.markets[1]
    condition, token = market.condition_id, str(market.tokens[0])
    assert client.get_portfolio_value(user=wallet).value > 0
    assert client.get_user_stats(user=wallet).traded_market_count > 1
    assert client.get_user_stats(user="0x" + "9" * 40) is None
    assert client.get_user_pnl(user=wallet, interval="max", fidelity="1h").wallet == wallet
    assert client.get_user_volume(user=wallet).trade_count > 1
    holders = list(client.list_market_holders(condition_ids=[condition], include_pnl=True, page_size=2).iter_items())
    assert {group.asset_id for group in holders} <= {str(each) for each in market.tokens}
    assert holders
    (interest,) = client.get_open_interests(condition_ids=[condition])
    assert interest.value > 0
    (everything,) = client.get_open_interests()
    assert everything.condition_id is None
    assert everything.value > interest.value
    assert client.get_event_live_volume(event_ids=int(market.event_id)).taker_volume_total > 0
    assert list(client.list_price_history(asset_id=token, interval="max").iter_items())
    references = client.get_token_references(asset_ids=[str(each) for each in (*market.tokens, *market.position_ids)])
    assert [reference.outcome_index for reference in references] == [0, 1, 0, 1]
    assert len(client.get_token_references(condition_ids=[condition])) == 2


def test_resolutions_and_boards_parse(lives, client):
    resolved, open_one = lives.markets[2], lives.markets[1]
    found = client.get_resolutions(condition_ids=[resolved.condition_id, open_one.condition_id])
    assert {each.condition_id: each.payouts for each in found} == {
        resolved.condition_id: (Decimal("0.333333"), Decimal("0.666667")),
        open_one.condition_id: None,
    }
    assert len(client.get_resolutions(event_ids=[int(lives.event[0].event_id)])) == 3
    assert len(client.get_resolutions(question_id=open_one.question_id)) == 1
    board = list(client.list_trader_leaderboard(page_size=2).iter_items())
    assert [entry.rank for entry in board] == [1, 2, 3, 4]
    assert [entry.pnl for entry in board] == sorted((entry.pnl for entry in board), reverse=True)
    assert client.get_trader_leaderboard_standing(user=board[1].wallet).pnl_rank == 2
    assert client.get_trader_leaderboard_standing(user="0x" + "9" * 40) is None
    assert list(client.list_combo_positions(user=board[0].wallet).iter_items()) == []
    assert list(client.list_combo_activity(user=board[0].wallet).iter_items()) == []
    assert list(client.list_biggest_winners().iter_items()) == []
    assert list(client.list_builder_leaderboard().iter_items()) == []
    assert client.get_builder_volumes() == ()
