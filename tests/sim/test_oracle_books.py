"""The oracle's books: by hand, against the ledger over random lives, and against a whole worker's database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from e2e.day import MINUTE_MS, Day, day, through
from lives.acts import Bundle
from lives.ground import W
from lives.life import Life
from lives.tally import read
from sim.chain.setting import OUTSIDE, A, B, Setting
from support.database import connected
from tieout.ledger.books import Books
from tieout.sim.chain.calls import (
    Call,
    Convert,
    Fill,
    MatchOrders,
    Merge,
    Migrate,
    PayReward,
    Redeem,
    ReportPayouts,
    Split,
    TransferCash,
    TransferTokens,
    Unwrap,
    Withdraw,
)
from tieout.sim.chain.chain import Condition
from tieout.sim.chain.places import AUTO_REDEEMER, CTF, CTF_EXCHANGE, P_USD, USDC_E
from tieout.sim.model import Side, TradeStatus
from tieout.sim.oracle.books import TrueBooks, true_books
from tieout.sim.oracle.deeds import act_of, acts
from tieout.sim.oracle.purse import Purse, Token
from tieout.sim.oracle.reading import BookRows, MovementSeen, read_rows
from tieout.sim.oracle.verdict import disagreements
from tieout.sim.oracle.witness import Witness
from tieout.sim.virtual.run import run_virtual
from tieout.sim.world import World
from tieout.store.controls import State

ONE = 1_000_000


class Hand:
    """Wallet A on a chain, one call a block."""

    def __init__(self) -> None:
        self.setting = Setting()
        self.setting.fund(A, B)
        self.setting.mine()

    def condition(self, version: str = "v1") -> Condition:
        condition = Condition.of(self.setting.market(version=version))
        self.setting.mine()
        return condition

    def do(self, call: Call) -> str:
        (receipt,) = self.setting.mine(call).receipts
        assert receipt.status, receipt.reason
        return receipt.tx_hash

    def trade(self, condition: Condition, side: Side, shares: int, cash: int, fee: int = 0) -> None:
        """A takes what B offers of the first outcome."""
        token = condition.ctf_tokens[0]
        amounts, others = ((cash, shares), (shares, cash)) if side is Side.BUY else ((shares, cash), (cash, shares))
        taker = Fill("0x01", A, side, token, *amounts, fee)
        maker = Fill("0x02", B, Side.SELL if side is Side.BUY else Side.BUY, token, *others)
        self.do(MatchOrders(CTF_EXCHANGE, condition, taker, (maker,)))

    def purse(self) -> Purse:
        purse = Purse()
        for act in acts(self.setting.chain, A):
            purse.take(act.deeds)
        return purse


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_C1_F3_S5_what_is_sold_takes_its_part_of_the_cost_rounded_down_and_fees_are_apart():
    hand = Hand()
    condition = hand.condition()
    hand.do(Split(B, condition, 100 * ONE))
    hand.trade(condition, Side.BUY, 3 * ONE, ONE, fee=50)
    hand.trade(condition, Side.SELL, ONE, 400_000, fee=10)
    # 1.000000 x 1 / 3 leaves 0.333333; 0.4 - 0.333333 is earned.
    assert hand.purse()[str(condition.ctf_tokens[0])] == Token(2 * ONE, 666_667, 66_667, 60)
    hand.trade(condition, Side.SELL, 2 * ONE, ONE)
    assert hand.purse()[str(condition.ctf_tokens[0])] == Token(0, 0, 400_000, 60)


def test_E3_I4_a_split_and_its_merge_divide_the_collateral_alike_the_odd_unit_to_the_first():
    hand = Hand()
    condition = hand.condition()
    yes, no = map(str, condition.ctf_tokens)
    hand.do(Split(A, condition, 7))
    assert (hand.purse()[yes], hand.purse()[no]) == (Token(7, 4), Token(7, 3))
    hand.do(Merge(A, condition, 3))
    # Of 4 x 3 / 7 and 3 x 3 / 7 one unit leaves each; 3 come back as 2 and 1.
    assert (hand.purse()[yes], hand.purse()[no]) == (Token(4, 3, 1), Token(4, 2, 0))
    hand.do(Merge(A, condition, 4))
    assert (hand.purse()[yes], hand.purse()[no]) == (Token(0, 0, 0), Token(0, 0, 0))


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("by", [None, AUTO_REDEEMER])
def test_S6_E4_fractional_payouts_are_rounded_down_for_each_outcome(version: str, by: str | None):
    hand = Hand()
    condition = hand.condition(version)
    yes, no = map(str, condition.position_ids if version == "v2" else condition.ctf_tokens)
    hand.do(Split(A, condition, 1_000_001, version))
    hand.do(ReportPayouts(condition, (1, 2)))
    hand.do(Redeem(A, condition, by, version))
    # Cost 500,001 and 500,000. Both ways of payout come to floor(q / 3) and floor(2q / 3) here.
    first, second = 333_333, 666_667
    assert hand.purse()[yes] == Token(0, 0, first - 500_001)
    assert hand.purse()[no] == Token(0, 0, second - 500_000)


def test_E6_a_conversion_carries_the_cost_less_the_collateral_over_and_a_migration_all_of_it():
    hand = Hand()
    event, _ = hand.setting.event(3, fee_bips=100)
    hand.setting.mine()
    first, second, third = event.conditions
    for each in (first, second):
        hand.do(Split(A, each, 10 * ONE))
        hand.do(TransferTokens(CTF, A, B, (each.ctf_tokens[0],), (10 * ONE,)))
    hand.do(Convert(A, event, 0b011, 6 * ONE))
    purse = hand.purse()
    # Two NO of 6 leave with 3 each; 6 less 1 % come as collateral and the rest of the cost goes to the third's YES.
    for each in (first, second):
        assert purse[str(each.ctf_tokens[1])] == Token(4 * ONE, 2 * ONE)
        assert purse[str(each.ctf_tokens[0])] == Token(0, 0)
    assert purse[str(third.ctf_tokens[0])] == Token(5_940_000, 60_000)
    hand.do(Migrate(A, third))
    purse = hand.purse()
    assert purse[str(third.ctf_tokens[0])] == Token(0, 0)
    assert purse[str(third.position_ids[0])] == Token(5_940_000, 60_000)


def test_E6_a_conversion_that_pays_more_than_it_cost_is_profit_of_the_first_token_given():
    hand = Hand()
    event, _ = hand.setting.event(2)
    hand.setting.mine()
    for each in event.conditions:
        hand.do(Split(B, each, 5 * ONE))
        hand.do(TransferTokens(CTF, B, A, (each.ctf_tokens[1],), (5 * ONE,)))
    hand.do(Convert(A, event, 0b11, 2 * ONE))
    given = sorted(str(each.ctf_tokens[1]) for each in event.conditions)
    purse = hand.purse()
    assert [purse[token] for token in given] == [Token(3 * ONE, 0, 2 * ONE), Token(3 * ONE, 0, 0)]


def test_E6_what_comes_as_a_gift_costs_nothing_and_what_is_given_takes_its_cost_along():
    hand = Hand()
    condition = hand.condition()
    yes = str(condition.ctf_tokens[0])
    hand.do(Split(A, condition, 3))
    hand.do(Split(B, condition, 5 * ONE))
    hand.do(TransferTokens(CTF, B, A, (condition.ctf_tokens[0],), (4,)))
    assert hand.purse()[yes] == Token(7, 2)
    hand.do(TransferTokens(CTF, A, OUTSIDE, (condition.ctf_tokens[0],), (5,)))
    assert hand.purse()[yes] == Token(2, 1)


def test_C2_S5_collateral_by_cause_and_by_coin():
    world = World(5)
    world.fund(A, 100 * ONE)
    world.scheduler.run_for(4_000)
    for call in (
        PayReward(A, 7, "reward"),
        PayReward(A, 11, "rebate"),
        Withdraw(A, OUTSIDE, 3 * ONE),
        TransferCash(A, B, 2 * ONE),
        Unwrap(A, 5 * ONE),
        TransferCash(A, B, ONE, USDC_E),
    ):
        world.chain.submit(call)
    world.scheduler.run_for(4_000)
    books = true_books(world, A)
    assert books.causes == Counter(
        {"deposit": 100 * ONE, "reward": 7, "rebate": 11, "withdrawal": -6 * ONE, "unwrap": 0}
    )
    assert books.coins == {P_USD: 90 * ONE + 18, USDC_E: 4 * ONE}


def test_a_call_that_reverted_is_no_deed():
    hand = Hand()
    condition = hand.condition()
    (receipt,) = hand.setting.mine(Merge(A, condition, ONE)).receipts
    assert not receipt.status
    assert act_of(receipt, A, {}) is None


# --- against the ledger -----------------------------------------------------------------------------------------------


class SingleLife(Life):
    """A life of transactions with one act each, all of which the simulator has a call for."""

    def _transaction(self) -> Bundle:
        act = self._act()
        while act.name.startswith(("direct", "redeem directly")):
            act = self._act()
        return Bundle(W, (act,))


def test_C1_F3_oracle_and_ledger_come_to_the_same_cost_and_profit_over_random_lives():
    """The ledger reads receipts, the oracle calls; they share no line of arithmetic."""
    done: Counter[str] = Counter()
    for seed in range(30):
        life, books, purse = SingleLife(seed), Books(), Purse()
        results: dict[str, tuple[int, int]] = {}
        for block in life.blocks(60):
            books.extend(read(block.receipts))
            for receipt in map(_opened, block.receipts):
                act = act_of(receipt, W, results)
                purse.take(act.deeds if act else ())
        ours = {name: (t.shares, t.cost, t.realized, t.fees) for name, t in purse.tokens.items()}
        theirs = {
            name: (each.shares, each.cost, each.realized, each.fees)
            for book in books.books.values()
            for name, each in book.timeline.positions.items()
        }
        assert {k: v for k, v in ours.items() if any(v)} == {k: v for k, v in theirs.items() if any(v)}, f"seed {seed}"
        done += life.done
    names = {"match", "split", "merge", "convert", "migrate", "tokens in", "tokens out", "redeem v1", "redeem v2"}
    assert names <= done.keys(), done


def _opened(receipt: Any) -> Any:
    """The receipt with the act's own call instead of the bundle around it."""
    call = receipt.transaction.call
    if not isinstance(call, Bundle) or len(call.acts) != 1:
        return receipt
    return replace(receipt, transaction=replace(receipt.transaction, call=call.acts[0].call))


# --- against a worker -------------------------------------------------------------------------------------------------

FAULTS = [
    "auto-redeem",
    "foreign-orders",
    "human-cash",
    "human-convert",
    "human-merge",
    "human-split",
    "human-trade",
    "human-transfer",
    "late-fill",
    "logs-missing",
    "market-resolved",
    "operator-migration",
    "phantom-match",
    "reorg",
    "reward",
    "settlement-failed",
    "settlement-retried",
    "sweep",
    "ws-drop",
]


async def _watch(kept: Day, dsn: str, witness: Witness, looks: list[int]) -> None:
    """At every few seconds nothing may be booked that never happened."""
    async with connected(dsn) as connection:
        while True:
            rows = await read_rows(connection, kept.wallet_id)
            assert witness.claims_beyond(rows) == []
            looks.append(len(rows.movements))
            await kept.wait(5_000)


async def _settled(kept: Day) -> BookRows:
    """The rows when everything has had time to settle and to be heard of."""
    await kept.steer(State.PAUSED, "the oracle looks")
    await kept.wait(5 * MINUTE_MS)
    return await read_rows(kept.connection, kept.wallet_id)


def test_I1_I2_O1_F1_F2_F3_C1_C2_S4_oracle_and_worker_agree_and_one_unit_of_difference_is_noticed(dsn: str):
    async def run() -> None:
        async with day(dsn, seed=4, markets=6, operators=True) as kept:
            witness, looks = Witness(kept.scenario.world, kept.wallet), []
            watch = asyncio.create_task(_watch(kept, dsn, witness, looks))
            await through(kept, 0.75, names=FAULTS)
            rows = await _settled(kept)
            assert not watch.done(), watch.result()
            watch.cancel()
            world, wallet = kept.scenario.world, kept.wallet
            truth = true_books(world, wallet)
            assert disagreements(world, wallet, rows) == []
            assert len(looks) > 100
            causes = {"buy", "sell", "split", "merge", "redemption", "exchange", "transfer out", "cash"}
            assert causes <= {row.kind for row in rows.movements}
            assert truth.failed
            for plant, row_id in PLANTS:
                found = disagreements(world, wallet, plant(rows, truth))
                assert row_id in {each.row for each in found}, plant.__name__
            for plant, row_id in CLAIMS:
                assert row_id in {each.row for each in witness.claims_beyond(plant(rows, truth))}, plant.__name__
            witness.leave()

    run_virtual(run, wall_limit_s=600)


# --- one micro-unit ---------------------------------------------------------------------------------------------------

Plant = Callable[[BookRows, TrueBooks], BookRows]


def _position(name: str) -> Plant:
    def plant(rows: BookRows, _: TrueBooks) -> BookRows:
        first, *rest = sorted(rows.positions, key=lambda row: -row.shares)
        return replace(rows, positions=(first._replace(**{name: getattr(first, name) + 1}), *rest))

    plant.__name__ = f"position {name}"
    return plant


def _order(name: str) -> Plant:
    def plant(rows: BookRows, _: TrueBooks) -> BookRows:
        first, *rest = sorted(rows.orders, key=lambda row: -row.filled)
        return replace(rows, orders=(first._replace(**{name: getattr(first, name) + 1}), *rest))

    plant.__name__ = f"order {name}"
    return plant


def _movement(kind: str, change: Callable[[MovementSeen], list[MovementSeen]], name: str) -> Plant:
    """The first movement of a kind (of a cash flow: by its key) becomes others."""

    def plant(rows: BookRows, _: TrueBooks) -> BookRows:
        chosen = next(row for row in rows.movements if kind == row.kind or row.key.startswith(f"{kind}/"))
        rest = [row for row in rows.movements if row is not chosen]
        return replace(rows, movements=(*change(chosen), *rest))

    plant.__name__ = f"{kind} {name}"
    return plant


def _more(kind: str, name: str) -> Plant:
    return _movement(kind, lambda row: [row._replace(**{name: getattr(row, name) + 1})], name)


def _gone(kind: str) -> Plant:
    return _movement(kind, lambda _: [], "gone")


def _twice(kind: str) -> Plant:
    return _movement(kind, lambda row: [row, row], "twice")


def _leg(kind: str) -> Plant:
    """The last token of a movement of several in one micro-share more."""

    def change(row: MovementSeen) -> list[MovementSeen]:
        head, _, shares = row.legs.rpartition(":")
        return [row._replace(legs=f"{head}:{int(shares) + 1}")]

    return _movement(kind, change, "leg")


def _failed_booked(rows: BookRows, truth: TrueBooks) -> BookRows:
    """A fill of a trade that failed."""
    (trade_id, order_id), trade = next(iter(truth.failed.items()))
    assert trade.status is TradeStatus.FAILED
    row = MovementSeen(f"fill/{trade_id}/{order_id}", "buy", "1", 1, 1, 0, -1, "CONFIRMED", order_id, trade.tx_hash, "")
    return replace(rows, movements=(*rows.movements, row))


def _order_invented(rows: BookRows, _: TrueBooks) -> BookRows:
    row = rows.orders[0]._replace(order_id="0x01", state="live", claimed=0, filled=0, failed=0)
    return replace(rows, orders=(*rows.orders, row))


def _order_forgotten(rows: BookRows, _: TrueBooks) -> BookRows:
    return replace(rows, orders=tuple(row for row in rows.orders if not row.filled))


def _order_reopened(rows: BookRows, _: TrueBooks) -> BookRows:
    first, *rest = rows.orders
    return replace(rows, orders=(first._replace(state="live"), *rest))


def _other_trade(kind: str) -> Plant:
    def change(row: MovementSeen) -> list[MovementSeen]:
        return [row._replace(key=f"fill/another/{row.order_id}")]

    return _movement(kind, change, "of another trade")


def _never_mined(kind: str) -> Plant:
    return _movement(kind, lambda row: [row._replace(tx_hash="0x02")], "of another transaction")


PLANTS: list[tuple[Plant, str]] = [
    (_position("shares"), "I1"),
    (_position("cost_basis"), "C1"),
    (_position("realized_pnl"), "F3"),
    (_position("fees"), "S5"),
    (_position("unexplained_shares"), "I2"),
    (_position("unexplained_proceeds"), "I2"),
    (_position("provisional_shares"), "O3"),
    (_position("unsettled_shares"), "F1"),
    (_order("filled"), "O3"),
    (_order("failed"), "F1"),
    (_order("size"), "O1"),
    (_order("price"), "O1"),
    (_movement("buy", lambda row: [row._replace(cash=row.cash + 1)], "cash"), "C2"),
    *((_more(kind, "shares"), "S4") for kind in ("buy", "sell")),
    *((_more(kind, "collateral"), "S4") for kind in ("buy", "sell")),
    *((_more(kind, "fee"), "S5") for kind in ("buy", "sell")),
    *((_gone(kind), "F2") for kind in ("buy", "sell")),
    *((_twice(kind), "F2") for kind in ("buy", "sell")),
    (_other_trade("fill"), "F2"),
    (_never_mined("fill"), "F1"),
    *((_more(kind, "cash"), row_id) for kind, row_id in (("split", "I4"), ("redemption", "S6"), ("exchange", "E6"))),
    *((_leg(kind), row_id) for kind, row_id in (("split", "I4"), ("merge", "I4"), ("redemption", "S6"))),
    (_leg("exchange"), "E6"),
    (_more("transfer out", "shares"), "E6"),
    *((_more(kind, "cash"), row_id) for kind, row_id in (("deposit", "E6"), ("withdrawal", "E6"), ("reward", "S5"))),
    *((_gone(kind), row_id) for kind, row_id in (("merge", "I4"), ("transfer out", "E6"), ("reward", "S5"))),
    (_failed_booked, "F1"),
    (_order_invented, "O1"),
    (_order_forgotten, "O1"),
    (_order_reopened, "O1"),
]
"""One thing wrong in settled books, and the row of the catalog that it must be called by."""

CLAIMS: list[tuple[Plant, str]] = [
    (_order("claimed"), "O2"),
    (_order("filled"), "O2"),
    (_order_invented, "O1"),
    (_other_trade("fill"), "F2"),
    (_more("buy", "shares"), "S4"),
    (_never_mined("split"), "I2"),
    (_leg("split"), "I2"),
    (_more("deposit", "cash"), "I2"),
    (_more("transfer out", "shares"), "I2"),
]
"""What no moment allows."""
