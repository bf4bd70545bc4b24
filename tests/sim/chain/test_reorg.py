"""Reorganisations: what was taken away is gone without a trace, what comes back comes back as it would have been."""

from __future__ import annotations

import pytest

from sim.chain.life import Life
from sim.chain.setting import OUTSIDE, A, B, Setting, row, shown, storage
from tieout.sim.chain.calls import Approve, Deposit, TransferCash
from tieout.sim.chain.chain import BlockMined, BlocksRemoved, ChainEvent, Finalized
from tieout.sim.chain.places import CTF, P_USD, POSITION_MANAGER
from tieout.venue.addresses import USDC_E


def lived(seed: int, blocks: int, finality: int = 25) -> Life:
    life = Life(seed, finality=finality)
    for _ in range(blocks):
        life.block(6)
    return life


def balances(life: Life, block: int | None = None) -> list[int]:
    """Everything that every wallet holds, at the head or at the end of a block."""
    chain = life.setting.chain
    tokens = [(CTF, token) for market in life.setting.markets for token in market.ctf_tokens]
    tokens += [(POSITION_MANAGER, token) for market in life.setting.markets for token in market.position_ids]
    held = [chain.tokens(ledger, wallet, token, block) for wallet in life.wallets for ledger, token in tokens]
    return held + [chain.cash(wallet, contract, block) for wallet in life.wallets for contract in (P_USD, USDC_E)]


@pytest.mark.parametrize("depth", range(1, 21))
def test_a_chain_is_as_if_the_removed_blocks_had_never_been(depth: int) -> None:
    never, life = lived(depth, 4), lived(depth, 4)
    chain = life.setting.chain
    for _ in range(depth):
        life.block(6)
    assert storage(chain) != storage(never.setting.chain)
    assert [block.number for block in chain.reorg(depth)] == [
        never.setting.chain.head.number + place for place in range(1, depth + 1)
    ]
    other = never.setting.chain
    assert storage(chain) == storage(other)
    assert chain.head.hash == other.head.hash
    assert balances(life) == balances(never)
    everything = (0, chain.head.number + 100)
    assert shown(chain.logs(*everything)) == shown(other.logs(*everything))
    for number in range(chain.head.number - 3, chain.head.number + 1):
        assert balances(life, number) == balances(never, number)
    assert chain.totals() == other.totals()


@pytest.mark.parametrize("depth", [1, 7, 20])
def test_balances_at_any_block_are_those_recorded_then(depth: int) -> None:
    life = lived(depth, 1)
    then = {}
    for _ in range(22):
        life.block(6)
        then[life.setting.chain.head.number] = balances(life)
    life.setting.chain.reorg(depth)
    for number in range(life.setting.chain.head.number + 1, max(then) + 1):
        del then[number]
    for _ in range(5):
        life.block(6)
        then[life.setting.chain.head.number] = balances(life)
    assert len({tuple(held) for held in then.values()}) > 4
    for number, held in then.items():
        assert balances(life, number) == held


def test_the_transactions_are_mined_again_with_their_hashes_in_other_blocks() -> None:
    life = lived(3, 6)
    chain = life.setting.chain
    before = [
        (block.hash, block.number)
        for block in map(chain.block, range(chain.head.number - 2, chain.head.number + 1))
        if block
    ]
    logs = chain.logs(before[0][1], before[-1][1])
    known = {receipt.tx_hash: receipt.status for block in before for receipt in chain.block(block[0]).receipts}  # type: ignore[union-attr]
    full = storage(chain)
    chain.reorg(3)
    assert [each.tx_hash for each in chain.pending] == list(known)
    assert all(chain.receipt(tx_hash) is None for tx_hash in known)
    assert all(chain.block(hash_) is None for hash_, _ in before)
    assert all(log.removed for log in logs)
    chain.mine()
    assert {tx_hash: chain.receipt(tx_hash).status for tx_hash in known} == known  # type: ignore[union-attr]
    assert chain.head.hash not in dict(before)
    assert storage(chain) == full
    again = chain.logs(chain.head.number, chain.head.number)
    assert shown(again) == shown(logs)
    assert not any(log.removed for log in again)


def test_a_dropped_transaction_never_comes_back() -> None:
    setting = Setting()
    setting.fund(A)
    setting.mine()
    keep = setting.chain.submit(TransferCash(A, B, 5))
    lose = setting.chain.submit(TransferCash(A, B, 7))
    setting.chain.mine()
    heard: list[ChainEvent] = []
    setting.chain.listen(heard.append)
    waiting = setting.chain.submit(TransferCash(A, B, 11))
    removed = setting.chain.reorg(1, drop=[lose, "0x" + "9" * 64])
    assert heard == [BlocksRemoved(tuple(removed), frozenset((lose,)))]
    setting.mine()
    setting.mine()
    assert setting.chain.receipt(lose) is None
    assert [receipt.tx_hash for receipt in setting.chain.head.receipts] == []
    assert setting.chain.receipt(keep)
    assert setting.chain.receipt(waiting)
    assert setting.chain.cash(B) == 16


def test_a_shuffled_branch_may_fail_what_came_before_its_money() -> None:
    """All orders are possible; in some the payment comes before the deposit and reverts."""
    outcomes = set()
    for seed in range(12):
        setting = Setting(seed)
        setting.chain.submit(Deposit(A, 10))
        payment = setting.chain.submit(TransferCash(A, B, 10))
        setting.chain.mine()
        setting.chain.reorg(1, shuffle=True)
        setting.chain.mine()
        receipt = setting.chain.receipt(payment)
        assert receipt
        assert (receipt.status, setting.chain.cash(B)) in ((1, 10), (0, 0))
        outcomes.add(receipt.status)
    assert outcomes == {0, 1}


def test_finalized_blocks_stay() -> None:
    life = lived(1, 30, finality=10)
    chain = life.setting.chain
    assert chain.finalized == chain.head.number - 10
    assert chain.block_by_tag("finalized").number == chain.block_by_tag("safe").number == chain.finalized
    for depth in (0, 11, 1000):
        with pytest.raises(ValueError, match="depth"):
            chain.reorg(depth)
    chain.reorg(10)
    assert chain.head.number == chain.finalized
    with pytest.raises(ValueError, match="depth"):
        chain.reorg(1)
    chain.mine()
    assert chain.finalized == chain.head.number - 1


def test_listeners_hear_every_block_and_every_finality_once() -> None:
    setting = Setting(finality=3)
    heard: list[ChainEvent] = []
    setting.chain.listen(heard.append)
    first = setting.chain.head.number
    for _ in range(5):
        setting.mine()
    setting.chain.reorg(2)
    setting.mine()
    setting.mine()
    setting.mine()
    assert [event.number for event in heard if isinstance(event, Finalized)] == [first + 1, first + 2, first + 3]
    mined = [event.block.number - first for event in heard if isinstance(event, BlockMined)]
    assert mined == [1, 2, 3, 4, 5, 4, 5, 6]


def test_two_chains_of_one_seed_are_one_and_of_two_seeds_two() -> None:
    one, two, three = (lived(seed, 8).setting.chain for seed in (5, 5, 6))
    everything = (0, one.head.number)
    assert [row(log) for log in one.logs(*everything)] == [row(log) for log in two.logs(*everything)]
    assert one.head.hash == two.head.hash != three.head.hash


def test_the_clock_mines_and_log_indexes_count_through_a_block_from_anywhere() -> None:
    setting = Setting()
    setting.chain.start()
    setting.fund(A, B)
    setting.scheduler.run_for(6_500)
    first = setting.chain.block_by_tag("earliest")
    assert setting.chain.head.number == first.number + 3
    blocks = [setting.chain.block(first.number + place) for place in (0, 1, 2, 3)]
    assert [block.timestamp_s - first.timestamp_s for block in blocks if block] == [0, 2, 4, 6]
    logs = list(blocks[1].logs) if blocks[1] else []
    assert len({log.tx_index for log in logs}) == 4
    assert [log.log_index for log in logs] == list(range(logs[0].log_index, logs[0].log_index + len(logs)))
    assert logs[0].log_index > 0
    assert {log.block_timestamp_s for log in logs} == {first.timestamp_s + 2}


def test_holders_that_lost_something_are_named() -> None:
    setting = Setting()
    setting.fund(A, B)
    assert setting.mine().wallets_out.isdisjoint((A, B))
    assert setting.mine(TransferCash(A, OUTSIDE, 5)).wallets_out == {A}
    assert setting.mine(TransferCash(A, OUTSIDE, 10**12)).wallets_out == frozenset()
    assert setting.mine(Approve(B)).wallets_out == frozenset()
