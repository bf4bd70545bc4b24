"""The failure modes of the catalog that this part of the house must survive, provoked through the intake.

Every test takes payloads in the venue's shapes, books them into a real PostgreSQL, and reads the stored rows. The id
in its name is the catalog's.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from catalog.world import (
    CONDITION,
    NO,
    YES,
    World,
    activity_row,
    hash_of,
    maker_leg,
    order_filled_log,
    order_message,
    trade_message,
    transfer_log,
)
from tieout.ledger.books import Books
from tieout.ledger.explain import collateral_checks
from tieout.ledger.facts import (
    ClaimRejected,
    ConditionResolved,
    OrderFilledOnChain,
    OutcomeTokenListed,
    PayoutRedeemed,
    TokensTransferred,
)
from tieout.venue.decode import Identity, decode

MICRO = 1_000_000
LISTED = [
    OutcomeTokenListed(token_id=YES, condition_id=CONDITION, outcome_index=0),
    OutcomeTokenListed(token_id=NO, condition_id=CONDITION, outcome_index=1),
]


def statuses(*names: str, trade: str = "t1", order: int = 1, size: str = "4", tx: int = 7) -> list[dict[str, object]]:
    return [trade_message(trade, order, size, status=name, tx=tx if name != "MATCHED" else None) for name in names]


def test_R5_a_fill_confirmed_by_two_jobs_is_one_fill(world: World) -> None:
    """The quoting job sees the trade on the socket, the position sync reads it from the trades page."""
    from_socket = trade_message("t1", 1, "4", status="CONFIRMED", tx=7)
    from_page = {k: v for k, v in from_socket.items() if k not in ("event_type", "type", "timestamp", "trade_owner")}
    world.take(from_socket)
    world.take(
        {"data": [{**from_page, "status": "TRADE_STATUS_CONFIRMED"}], "next_cursor": "LTE=", "limit": 1, "count": 1}
    )
    assert [row.key for row in world.movements()] == [f"fill/t1/{hash_of(1)}"]
    assert world.position(YES).shares == 4 * MICRO


def test_T3_every_order_of_arrival_gives_the_same_rows(world: World) -> None:
    messages = [
        order_message(1),
        order_message(1, kind="UPDATE", matched="8"),
        order_message(1, kind="CANCELLATION", matched="8", status="CANCELED"),
        trade_message("t1", 1, "5", "0.49", status="MINED", tx=7, at=10),
        trade_message("t2", 1, "3", "0.5", status="MATCHED", at=20),
    ]
    seen = set()
    for arrival in itertools.islice(itertools.permutations(messages), 0, 120, 17):
        world.runner.run(_empty(world))
        world.take_each(*arrival)
        positions, orders, movements = world.rows()
        seen.add((tuple(positions), tuple(orders), tuple(movements)))
        assert world.verify().holds
    assert len(seen) == 1
    assert world.position(YES).shares == 8 * MICRO
    assert world.position(YES).cost_basis == 2_450_000 + 1_500_000


async def _empty(world: World) -> None:
    """Forget everything, as superuser with the guards off: a fresh wallet for the next order of arrival."""
    for table in ("log", "raw_message"):
        await world.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await world.connection.execute(
        "TRUNCATE log, raw_message, raw_problem, node, book_join, positions, orders, movements"
    )
    await world.connection.execute(
        "UPDATE wallet SET head_seq = 0, head_hash = decode(repeat('00', 32), 'hex'), next_book = 1"
    )
    for table in ("log", "raw_message"):
        await world.connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    world.intake.booker.cache.drop()


def test_P1_a_provisional_fill_survives_a_crash_and_settles_after_the_restart(world: World) -> None:
    world.take(order_message(1), order_message(1, kind="UPDATE", matched="4"))
    assert world.position(YES).provisional_shares == 4 * MICRO
    world.restart()
    world.take(*statuses("MATCHED"))
    assert world.position(YES).unsettled_shares == 4 * MICRO
    world.restart()
    world.take(*statuses("CONFIRMED"))
    row = world.position(YES)
    assert (row.shares, row.provisional_shares, row.unsettled_shares) == (4 * MICRO, 0, 0)
    assert world.verify().holds


def test_P6_one_match_from_four_sources_and_again_after_a_restart_is_one_fill(world: World) -> None:
    trade = trade_message("t1", 1, "4", "0.5", status="CONFIRMED", tx=7, at=96)
    page = {k: v for k, v in trade.items() if k not in ("event_type", "type", "timestamp", "trade_owner")}
    log = order_filled_log(1, shares=4 * MICRO, collateral=1_999_999, tx=7, log_index=3, block=1050)
    row = activity_row("TRADE", size="4", usdc="1.999999", tx=7, at=100, price=0.49999975, side="BUY", token=YES)
    for _ in range(2):
        for payload in (trade, page, log, row, [log], {"data": [page, page], "next_cursor": "LTE="}, row, trade):
            world.take(payload)
        world.restart()
    assert [(m.key, m.shares, m.collateral, m.status) for m in world.movements()] == [
        (f"fill/t1/{hash_of(1)}", 4 * MICRO, 1_999_999, "SETTLED")
    ]
    assert world.position(YES).cost_basis == 1_999_999
    assert world.verify().holds


def test_S2_every_amount_is_a_whole_number_of_micro_shares(world: World) -> None:
    world.take(trade_message("t1", 1, "0.000001", "0.5"), trade_message("t2", 1, "10980911.728675", "0.0001"))
    assert world.position(YES).shares == 1 + 10_980_911_728_675
    report = world.take(trade_message("t3", 1, "1.0000001", "0.5"))
    assert [t.message for t in report.troubles if t.is_error] != []
    assert world.position(YES).shares == 1 + 10_980_911_728_675


def test_S3_cumulative_claims_are_never_added_up(world: World) -> None:
    world.take(order_message(1), *(order_message(1, kind="UPDATE", matched=m) for m in ("2", "5", "5", "8")))
    assert world.position(YES).provisional_shares == 8 * MICRO
    assert world.order(hash_of(1)).claimed == 8 * MICRO
    assert world.audit()["O2"].holds is True


def test_S3_a_claim_that_decreases_is_an_alarm(world: World) -> None:
    later = order_message(1, kind="UPDATE", matched="3", timestamp=str(1_780_000_999_000))
    world.take(order_message(1), order_message(1, kind="UPDATE", matched="8"), later)
    assert world.order(hash_of(1)).claimed == 8 * MICRO
    assert world.audit()["O2"].holds is False


def test_S4_the_chains_amount_wins_over_price_times_size_by_one_micro_unit(world: World) -> None:
    """polymarket.md 6.5: 14.285715 x 0.93 is 13.28571495; the exchange moved 13.285715."""
    world.take(trade_message("t1", 1, "14.285715", "0.93", status="CONFIRMED", tx=7, at=96))
    assert world.position(YES).cost_basis == 13_285_714
    world.take(order_filled_log(1, shares=14_285_715, collateral=13_285_715, tx=7, log_index=3, block=1050))
    assert world.position(YES).cost_basis == 13_285_715


def test_S5_fees_rebates_and_rewards_are_amounts_of_their_own(world: World) -> None:
    world.take(
        activity_row("TRADE", size="21", usdc="10.8675", tx=7, price=0.5, side="BUY", token=YES),
        activity_row("MAKER_REBATE", size="1.5", usdc="1.5", tx=8, conditionId=""),
        activity_row("REWARD", size="2.25", usdc="2.25", tx=9, conditionId=""),
    )
    row = world.position(YES)
    assert (row.cost_basis, row.fees, row.realized_pnl) == (10_500_000, 367_500, 0)
    cash = {m.key.partition("/")[0]: m.cash for m in world.movements()}
    assert cash == {"row": -10_867_500, "maker_rebate": 1_500_000, "reward": 2_250_000}


def test_S6_a_resolved_position_turns_into_its_payout(world: World) -> None:
    world.book(*LISTED)
    world.take(
        trade_message("t1", 1, "10", "0.6", status="CONFIRMED"),
        trade_message("t2", 2, "4", "0.3", status="CONFIRMED", token=NO),
        activity_row("REDEEM", size="10", usdc="10", tx=20, at=100, token=YES),
        activity_row("REDEEM", size="4", usdc="0", tx=20, at=100, token=NO),
    )
    yes, no = world.position(YES), world.position(NO)
    assert (yes.shares, yes.cost_basis, yes.realized_pnl) == (0, 0, 4_000_000)
    assert (no.shares, no.cost_basis, no.realized_pnl) == (0, 0, -1_200_000)


def test_S6_a_fractional_payout_is_divided_by_the_oracles_vector(world: World) -> None:
    world.book(*LISTED)
    world.take(
        trade_message("t1", 1, "10", "0.6", status="CONFIRMED"),
        trade_message("t2", 2, "4", "0.3", status="CONFIRMED", token=NO),
    )
    world.book(
        ConditionResolved(condition_id=CONDITION, numerators=(1, 2), occurred_at_ms=1_780_000_050_000),
        PayoutRedeemed(condition_id=CONDITION, payout=5_999_999, tx_hash=hash_of(20), occurred_at_ms=1_780_000_100_000),
    )
    yes, no = world.position(YES), world.position(NO)
    assert (yes.shares, yes.sold, yes.realized_pnl) == (0, 3_333_333, 3_333_333 - 6_000_000)
    assert (no.shares, no.sold, no.realized_pnl) == (0, 2_666_666, 2_666_666 - 1_200_000)


def test_S6_a_redemption_of_what_was_never_seen_to_arrive_invents_nothing(world: World) -> None:
    world.take(activity_row("REDEEM", size="10", usdc="10", tx=20))
    assert [(r.shares, r.realized_pnl, r.unexplained_proceeds) for r in world.rows()[0]] == [(0, 0, 10 * MICRO)]
    assert world.audit()["I3"].holds is False


def test_S6_a_redemption_of_more_than_the_books_saw_makes_no_profit_of_the_rest(world: World) -> None:
    """Recorded in July 2026: 10.98 M paid for a whole balance of which the window shows the last purchases only."""
    world.book(*LISTED)
    world.take(trade_message("t1", 1, "10", "0.6", status="CONFIRMED"))
    world.take(activity_row("REDEEM", size="25", usdc="25", tx=20, at=100))
    rows = {r.token_id: r for r in world.rows()[0]}
    assert (rows[YES].shares, rows[YES].cost_basis, rows[YES].realized_pnl) == (0, 0, 0)
    assert rows[f"{CONDITION}#?"].unexplained_proceeds == 25 * MICRO - 6 * MICRO
    assert world.audit()["I3"].holds is False
    assert world.audit()["C2"].holds is True
    world.take(trade_message("t0", 3, "15", "0.5", status="CONFIRMED", at=-50))
    assert (world.position(YES).realized_pnl, world.audit()["I3"].holds) == (25_000_000 - 13_500_000, True)


def test_E3_a_partial_merge_takes_the_same_from_both_legs_at_a_total_of_one(world: World) -> None:
    world.book(*LISTED)
    world.take(
        activity_row("SPLIT", size="10", usdc="10", tx=5),
        activity_row("MERGE", size="4", usdc="4", tx=6, at=50),
    )
    yes, no = world.position(YES), world.position(NO)
    assert (yes.shares, no.shares) == (6 * MICRO, 6 * MICRO)
    assert (yes.cost_basis, no.cost_basis) == (3 * MICRO, 3 * MICRO)
    assert yes.realized_pnl + no.realized_pnl == 0
    assert sum(m.cash for m in world.movements()) == -6 * MICRO


def test_E3_a_merge_of_bought_legs_realizes_one_less_their_cost(world: World) -> None:
    world.book(*LISTED)
    world.take(
        trade_message("t1", 1, "4", "0.6", status="CONFIRMED"),
        trade_message("t2", 2, "4", "0.3", status="CONFIRMED", token=NO),
        activity_row("MERGE", size="4", usdc="4", tx=6, at=50),
    )
    assert sum(world.position(t).realized_pnl for t in (YES, NO)) == 4_000_000 - 2_400_000 - 1_200_000
    assert world.audit()["I4"].holds is True


def test_I2_a_movement_of_tokens_that_no_fill_explains_is_a_transfer_with_its_evidence(world: World) -> None:
    world.take(transfer_log(YES, 5 * MICRO, incoming=True, tx=40, log_index=2, block=1010))
    assert [(m.kind, m.shares, m.cash, m.tx_hash) for m in world.movements()] == [
        ("transfer in", 5 * MICRO, 0, hash_of(40))
    ]
    assert world.audit()["I2"].holds is True


def test_I2_a_transfer_that_a_fill_explains_is_no_transfer(world: World) -> None:
    world.take(transfer_log(YES, 5 * MICRO, incoming=True, tx=40, log_index=2, block=1010))
    world.take(order_filled_log(1, shares=5 * MICRO, collateral=2 * MICRO, tx=40, log_index=3, block=1010))
    assert [(m.kind, m.shares) for m in world.movements()] == [("buy", 5 * MICRO)]
    assert world.position(YES).shares == 5 * MICRO
    assert world.verify().holds


def test_I3_selling_more_than_held_never_goes_below_zero_and_is_shown(world: World) -> None:
    world.take(
        trade_message("t1", 1, "3", "0.4", status="CONFIRMED"),
        trade_message("t2", 2, "5", "0.6", status="CONFIRMED", side="SELL", at=10),
    )
    row = world.position(YES)
    assert (row.shares, row.cost_basis) == (0, 0)
    assert (row.unexplained_shares, row.unexplained_proceeds) == (2 * MICRO, 1_200_000)
    assert row.realized_pnl == 1_800_000 - 1_200_000
    assert world.audit()["I3"].holds is False


def test_I3_the_missing_buy_heals_it(world: World) -> None:
    world.take(trade_message("t2", 2, "5", "0.6", status="CONFIRMED", side="SELL", at=10))
    world.take(trade_message("t1", 1, "5", "0.4", status="CONFIRMED"))
    row = world.position(YES)
    assert (row.shares, row.unexplained_shares, row.realized_pnl) == (0, 0, 1_000_000)
    assert world.audit()["I3"].holds is True


def test_I4_a_split_and_a_merge_move_every_leg_by_the_same_amount(world: World) -> None:
    """Also while the tokens are not known yet: the legs then have names of their own, and take the real ones later."""
    world.take(activity_row("SPLIT", size="10", usdc="10", tx=5), activity_row("MERGE", size="4", usdc="4", tx=6, at=9))
    assert {r.token_id: r.shares for r in world.rows()[0]} == {f"{CONDITION}#{i}": 6 * MICRO for i in (0, 1)}
    world.book(*LISTED)
    assert {r.token_id: r.shares for r in world.rows()[0]} == {YES: 6 * MICRO, NO: 6 * MICRO}
    assert world.audit()["I4"].holds is True
    assert world.verify().holds


def test_O2_more_matched_than_the_order_holds_is_an_alarm(world: World) -> None:
    world.take(order_message(1), order_message(1, kind="UPDATE", matched="10.5"))
    assert world.audit()["O2"].holds is False


def test_O3_an_order_that_the_venue_ended_stays_open_until_its_fills_are_booked(world: World) -> None:
    world.take(order_message(1), order_message(1, kind="CANCELLATION", matched="4", status="CANCELED"))
    assert world.order(hash_of(1)).state == "closing"
    world.take(*statuses("MATCHED"))
    assert world.order(hash_of(1)).state == "closed"


def test_O3_a_gap_that_truth_does_not_confirm_is_closed_by_a_fact_not_dropped(world: World) -> None:
    world.take(order_message(1), order_message(1, kind="CANCELLATION", matched="4", status="CANCELED"))
    world.book(ClaimRejected(order_id=hash_of(1), shares=4 * MICRO, reason="asked again: no such trade"))
    order = world.order(hash_of(1))
    assert (order.state, order.provisional, order.rejected_shares) == ("closed", 0, 4 * MICRO)
    assert world.position(YES).shares == 0


def test_O4_an_order_told_by_many_messages_is_one_row(world: World) -> None:
    world.take_each(order_message(1), order_message(1), order_message(1, kind="UPDATE", matched="1"))
    assert [row.order_id for row in world.rows()[1]] == [hash_of(1)]
    assert world.audit()["O4"].holds is True


def test_F2_one_trade_with_two_own_orders_is_two_fills_and_its_repetition_none(world: World) -> None:
    trade = trade_message("t1", 1, "7", status="CONFIRMED", tx=7)
    trade["maker_orders"] = [maker_leg(1, "5", "0.4"), maker_leg(2, "2", "0.3")]
    world.take_each(trade, trade)
    assert sorted((m.order_id, m.shares) for m in world.movements()) == [
        (hash_of(1), 5 * MICRO),
        (hash_of(2), 2 * MICRO),
    ]
    assert world.audit()["F2"].holds is True


def test_F1_a_trade_that_failed_is_reversed_and_its_messages_stay(world: World) -> None:
    world.take(*statuses("MATCHED", "MINED"))
    assert world.position(YES).shares == 4 * MICRO
    world.take(*statuses("FAILED"))
    assert world.position(YES).shares == 0
    assert world.movements() == []
    assert world.verify().entries == 3
    assert world.order(hash_of(1)).failed == 4 * MICRO


def test_F3_realized_pnl_of_a_market_is_the_sum_over_its_movements(world: World) -> None:
    world.take(
        trade_message("t1", 1, "3.000001", "0.333333", status="CONFIRMED"),
        *(trade_message(f"s{i}", 2, "0.7", "0.4", status="CONFIRMED", side="SELL", at=i) for i in range(1, 5)),
    )
    row = world.position(YES)
    assert row.realized_pnl == 4 * 280_000 - (999_999 - row.cost_basis)
    assert world.audit()["F3"].holds is True


def test_F4_a_price_outside_the_unit_interval_is_refused_and_its_neighbors_are_booked(world: World) -> None:
    report = world.take(trade_message("t1", 1, "4", "1.2"), trade_message("t2", 1, "4", "0.5"))
    assert [(t.origin, t.code) for t in report.troubles] == [("payload 0", "undecodable")]
    assert "1.2" in report.troubles[0].message
    assert world.position(YES).shares == 4 * MICRO
    assert world.audit()["F4"].holds is True


def test_C1_selling_leaves_the_average_cost_to_the_rounding_remainder(world: World) -> None:
    world.take(
        trade_message("t1", 1, "3.000001", "0.333333", status="CONFIRMED"),
        trade_message("t2", 2, "1", "0.4", status="CONFIRMED", side="SELL", at=5),
    )
    row = world.position(YES)
    assert row.cost_basis == 999_999 - 999_999 * 1_000_000 // 3_000_001
    assert world.audit()["C1"].holds is True


def test_C2_the_books_balance_to_the_unit_in_sql_and_in_the_audit(world: World) -> None:
    world.book(*LISTED)
    world.take(
        activity_row("SPLIT", size="9.999999", usdc="9.999999", tx=5),
        trade_message("t1", 1, "3.000001", "0.333333", status="CONFIRMED", at=5),
        trade_message("t2", 2, "7.77", "0.61", status="CONFIRMED", side="SELL", at=9),
        activity_row("MERGE", size="1.234567", usdc="1.234567", tx=6, at=50),
    )
    rows, _, movements = world.rows()
    cost, realized = sum(r.cost_basis for r in rows), sum(r.realized_pnl for r in rows)
    assert -sum(m.cash for m in movements) == cost - realized
    assert world.audit()["C2"].holds is True


def test_C2_the_collateral_that_a_transaction_moved_is_what_its_movements_account_for(
    world: World, shared: Path
) -> None:
    """A recorded receipt: 10.5 for the shares and 0.3675 of fee left the wallet in one transfer."""
    receipt = "0x2102dbbdcda563c858cc419e05530786d3287775c2f8300cbcf6f04a7dd51ec1"
    payload = json.loads((shared / "real" / "receipts" / f"{receipt}.json").read_bytes())
    address = "0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed"
    facts = decode(json.dumps(payload).encode(), Identity(address, frozenset())).facts
    books = Books()
    books.extend(facts)
    assert collateral_checks(list(books.books.values())) == []
    books = Books()
    books.extend(fact for fact in facts if not isinstance(fact, OrderFilledOnChain))
    assert collateral_checks(list(books.books.values())) == [
        f"tx {receipt}: -10867500 micro-units of collateral moved, the books account for 0"
    ]


def test_C3_C4_selling_everything_leaves_no_cost(world: World) -> None:
    world.take(
        trade_message("t1", 1, "3.333333", "0.333333", status="CONFIRMED"),
        trade_message("t2", 2, "1.1", "0.4", status="CONFIRMED", side="SELL", at=5),
        trade_message("t3", 2, "2.233333", "0.4", status="CONFIRMED", side="SELL", at=6),
    )
    row = world.position(YES)
    assert (row.shares, row.cost_basis) == (0, 0)
    found = world.audit()
    assert found["C3"].holds is True
    assert found["C4"].holds is True


def test_L1_L2_the_log_gives_the_stored_state_and_is_unbroken(world: World) -> None:
    world.take(order_message(1), order_message(1, kind="UPDATE", matched="8"), *statuses("MATCHED", "CONFIRMED"))
    world.book(
        *LISTED,
        TokensTransferred(
            token_id=YES, condition_id=CONDITION, shares=5, cost=2, cost_policy="given", tx_hash=hash_of(3)
        ),
    )
    result = world.verify()
    assert result.holds
    assert result.entries == world.runner.run(world.connection.fetchval("SELECT count(*) FROM log"))
