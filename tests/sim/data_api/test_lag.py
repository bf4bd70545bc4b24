"""The index behind the API: how late it is, that it can stand still, and what a reorganisation does to it."""

from __future__ import annotations

from sim.data_api.lives import Lives
from tieout.sim.chain.calls import Condition, PayReward, Split
from tieout.sim.engine.amounts import ONE
from tieout.sim.index.index import LAG_MS, Index


def rewards(lives: Lives) -> list[float]:
    return [row["usdcSize"] for row in lives.ask("/activity", user=lives.wallets[0])]


def test_a_block_shows_60_to_70_seconds_after_it_was_mined():
    seen_at = set()
    for seed in range(8):
        lives = Lives(seed, lag_ms=LAG_MS)
        lives.run(80)
        mined_ms = lives.world.scheduler.now_ms // 2000 * 2000 + 2000
        lives.send(PayReward(lives.wallets[0], 2 * ONE))
        while not rewards(lives):
            lives.run(0.25)
        seen_at.add(round((lives.world.scheduler.now_ms - mined_ms) / 1000))
    assert min(seen_at) >= 59
    assert max(seen_at) <= 71
    assert len(seen_at) > 3


def test_blocks_show_in_order_however_their_lags_are_drawn():
    lives = Lives(1, lag_ms=LAG_MS)
    for number in range(20):
        lives.send(PayReward(lives.wallets[0], ONE + number))
    shown = []
    while len(shown) < 20:
        shown = rewards(lives)
        newest = [(ONE + number) / ONE for number in range(20)]
        assert shown == newest[: len(shown)][::-1]
        lives.run(1)


def test_a_lag_set_later_counts_for_blocks_in_wait_too():
    lives = Lives(1, lag_ms=(300_000, 300_000))
    lives.send(PayReward(lives.wallets[0], 2 * ONE))
    lives.run(100)
    assert rewards(lives) == []
    lives.index.lag_ms = (0, 0)
    assert rewards(lives) == [2]


def test_a_frozen_index_stands_still_and_catches_up():
    lives = Lives(1)
    lives.send(PayReward(lives.wallets[0], 2 * ONE))
    lives.index.frozen = True
    lives.send(PayReward(lives.wallets[0], 3 * ONE))
    lives.run(3600)
    assert rewards(lives) == [2]
    lives.index.frozen = False
    assert rewards(lives) == [3, 2]


def test_what_was_due_before_the_freeze_shows_even_if_nobody_had_asked():
    lives = Lives(1, lag_ms=(10_000, 10_000))
    lives.send(PayReward(lives.wallets[0], 2 * ONE))
    lives.run(20)
    lives.index.frozen = True
    assert rewards(lives) == [2]


def test_nothing_tells_how_far_the_index_has_read():
    lives = Lives(1, lag_ms=LAG_MS)
    lives.send(PayReward(lives.wallets[0], 2 * ONE))
    page = lives.ask("/v2/activity", user=lives.wallets[0])
    assert page == {"data": [], "pagination": {"limit": 100, "offset": 0, "has_more": False, "next_cursor": None}}


def test_a_reorganisation_takes_rows_and_positions_back():
    lives = Lives(1)
    wallet, market = lives.wallets[0], lives.markets[1]
    lives.send(PayReward(wallet, 5 * ONE))
    (split,) = lives.send(Split(wallet, Condition.of(market), 10 * ONE))
    assert [row["type"] for row in lives.ask("/activity", user=wallet)] == ["SPLIT", "REWARD"]
    lives.world.chain.reorg(2, drop=[split])
    assert lives.ask("/activity", user=wallet) == []
    assert lives.ask("/positions", user=wallet) == []
    lives.run(4)
    assert [row["type"] for row in lives.ask("/activity", user=wallet)] == ["REWARD"]
    assert lives.ask("/positions", user=wallet) == []


def test_an_index_that_starts_late_reads_the_chain_from_its_beginning():
    lives = Lives(1)
    wallet = lives.wallets[0]
    lives.send(PayReward(wallet, 5 * ONE))
    late = Index(lives.world, lag_ms=(0, 0))
    assert [row.kind for row in late.read().by_wallet[wallet]] == [
        row.kind for row in lives.index.read().by_wallet[wallet]
    ]


def test_equal_seeds_give_equal_lags():
    def shown(seed: int) -> list[int]:
        lives = Lives(seed, lag_ms=LAG_MS)
        moments = []
        for _ in range(5):
            lives.send(PayReward(lives.wallets[0], 2 * ONE))
        while len(rewards(lives)) < 5:
            lives.run(0.25)
            moments.append(len(rewards(lives)))
        return moments

    assert shown(3) == shown(3)
    assert shown(3) != shown(4)
