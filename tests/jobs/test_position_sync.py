"""Position sync over the wire: compared at one block, whatever lands meanwhile; what moves by itself is told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import pytest

from jobs.account import MILLION
from jobs.witnesses import Witnessed, witnessed
from support.database import in_loop
from tieout.client.chain import Chain
from tieout.client.errors import VenueError
from tieout.client.rpc import Rpc
from tieout.jobs.chain_follower import ChainFollower, Step
from tieout.jobs.drift_cause import SUMS_MAX, Cause, Evidence, likely_cause, may_have_held
from tieout.jobs.drift_findings import severity_of
from tieout.jobs.height import LATE_MS, as_of, due_at
from tieout.jobs.job import Result
from tieout.jobs.late_receipts import ASK_AGAIN_MS, LateReceipts
from tieout.jobs.opening import Opening
from tieout.jobs.position_sync import CHAIN, READ_AGAIN_MS, PositionSync
from tieout.ledger.facts import AnyFact, FillObserved, Role, Side
from tieout.ledger.movement import NO_CHAIN_POSITION
from tieout.store import watermarks
from tieout.store.errors import StoreError
from tieout.store.runs import Action, Finding, IssueType, Job, Severity


def drifts(result: Result) -> list[Finding]:
    return [
        found
        for found in result.findings
        if found.type is IssueType.POSITION_DRIFT and found.action is not Action.CORRECTED
    ]


def told(result: Result) -> dict[str, Finding]:
    """External events, by their kind."""
    return {found.evidence["cause"]: found for found in result.findings if "movement" in found.evidence}


async def ghost(seen: Witnessed, shares: int = 7 * MILLION, status: str = "CONFIRMED") -> FillObserved:
    """A fill that never settles; the venue calls it final unless told."""
    market = seen.kept.market
    fact = FillObserved(
        trade_id="11111111-0000-4000-8000-000000000001", order_id="0x" + "9" * 64, token_id=market.token_ids[0],
        condition_id=market.condition_id, side=Side.BUY, shares=shares, collateral=shares // 2, role=Role.MAKER,
        status=status, tx_hash="0x" + "8" * 64, occurred_at_ms=seen.clock.now_ms(),
    )  # fmt: skip
    await seen.kept.book([fact])
    return fact


def test_R3_a_steady_stream_of_fills_is_never_a_drift(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            pending = 0
            for number in range(15):
                seen.buy(outcome=number % 2, cash=(5 + number) * MILLION)
                seen.kept.run(2)
                await seen.trades()
                result = await seen.positions.run()
                assert drifts(result) == []
                pending += result.detail["pending"]
            assert pending > 5, "the stream was always ahead of the final block, or this proves nothing"
            await seen.until_final()
            result = await seen.positions.run()
            assert (result.detail["differences"], result.detail["pending"]) == (0, 0)
            assert await seen.kept.shares() == seen.kept.truth() != {}
            mark = await watermarks.get(seen.kept.connection, seen.kept.wallet_id, CHAIN)
            assert mark is not None
            assert int(mark.value) == result.detail["block"] + 1

    run()


@pytest.mark.parametrize("refused", [False, True])
def test_S6_what_a_redemption_of_both_outcomes_paid_for_each_is_asked_of_the_chain(dsn: str, refused: bool) -> None:
    """Nobody told of the resolution: its message was lost. The chain may refuse to tell the first time."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy(cash=30 * MILLION)
            seen.buy(cash=5 * MILLION, outcome=1)
            await seen.until_final()
            await seen.positions.run()
            held = [(await seen.kept.shares())[token] for token in seen.kept.market.token_ids]
            third = MILLION // 3
            seen.kept.scenario.world.resolve(seen.market, (third, MILLION - third))
            await seen.until_final()
            assert seen.owner.redeem(seen.market)
            await seen.until_final()
            if refused:
                lag = seen.kept.scenario.faults.on("node-lag", path="/", settings={"blocks": 10_000})
                with pytest.raises(VenueError):
                    await seen.positions.run()
                assert lag.struck
                seen.kept.scenario.faults.off("node-lag")
            await seen.positions.run()
            paid = await seen.kept.connection.fetch(
                "SELECT token_id, sold FROM positions WHERE wallet_id = $1", seen.kept.wallet_id
            )
            parts = [held[0] * third // MILLION, held[1] * (MILLION - third) // MILLION]
            assert {row["token_id"]: row["sold"] for row in paid} == dict(
                zip(seen.kept.market.token_ids, parts, strict=True)
            )

    run()


class BusyChain(Chain):
    """A node beside which a fill lands between each reading and what is done with it."""

    seen: Witnessed | None = None

    async def token_balances(self, ledger: str, wallet: str, token_ids, at) -> tuple[int, ...]:
        balances = await super().token_balances(ledger, wallet, token_ids, at)
        await self.land()
        return balances

    async def land(self) -> None:
        assert self.seen is not None
        self.seen.buy()
        self.seen.kept.run(4)
        await self.seen.trades()


class BusyFollower(ChainFollower):
    busy: BusyChain | None = None

    async def step(self) -> Step:
        step = await super().step()
        assert self.busy is not None
        await self.busy.land()
        return step


def test_R3_a_fill_between_reading_and_comparing_changes_nothing(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept = seen.kept
            seen.buy()
            await seen.until_final()
            chain = BusyChain(Rpc(kept.net, kept.endpoints.rpc))
            follower = BusyFollower(chain, kept.wallet, seen.follower.next_block)
            chain.seen, follower.busy = seen, chain
            busy = PositionSync(kept.connection, kept.wallet_id, kept.wallet, follower, chain, seen.clock, seen.opening)
            for _ in range(4):
                result = await busy.run()
                assert drifts(result) == []
                assert result.detail["pending"] > 0
            await seen.until_final()
            assert (await seen.positions.run()).detail["differences"] == 0
            assert await kept.shares() == kept.truth() != {}

    run()


def test_T1_a_fill_the_chain_has_not_yet_is_no_drift_and_settles_later(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.kept.scenario.faults.on("slow-settlement", settings={"delay_ms": 120_000})
            seen.buy()
            for _ in range(4):
                seen.kept.run(20)
                await seen.trades()
                result = await seen.positions.run()
                assert drifts(result) == []
            assert (result.detail["pending"], seen.kept.truth()) == (1, {})
            seen.kept.run(60)
            await seen.until_final()
            result = await seen.positions.run()
            assert (drifts(result), result.detail["pending"]) == ([], 0)
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


PLACED = "SELECT status, chain_position FROM movements WHERE key LIKE 'fill/%'"


def test_C1_F1_the_receipt_of_a_fill_is_asked_for_when_a_node_left_out_its_logs_and_nothing_differs(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept = seen.kept
            assert (await seen.positions.run()).detail["differences"] == 0
            kept.scenario.faults.on("logs-missing", probability=1.0)
            seen.buy()
            await seen.until_final()
            result = await seen.positions.run()
            kept.scenario.faults.off("logs-missing")
            assert (drifts(result), result.detail["pending"]) == ([], 1)
            kept.run(LATE_MS // 1_000 + 1)
            result = await seen.positions.run()
            assert (drifts(result), result.detail["pending"]) == ([], 0)
            (row,) = await kept.connection.fetch(PLACED)
            assert row["status"] == "SETTLED"
            assert row["chain_position"] < NO_CHAIN_POSITION
            assert await kept.shares() == kept.truth() != {}

    run()


class CountingChain(Chain):
    asked: tuple[str, ...] = ()

    async def receipts(self, tx_hashes: Sequence[str]) -> tuple[bool | None, ...]:
        self.asked += tuple(tx_hashes)
        return await super().receipts(tx_hashes)


def test_F1_a_receipt_that_is_not_there_is_asked_for_seldom_and_none_from_before_the_opening(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept = seen.kept
            fact = await ghost(seen)
            kept.run(2 * LATE_MS // 1_000)
            final = await seen.chain.block("finalized")
            assert final is not None
            pending = (await as_of(kept.connection, kept.wallet_id, final.number)).pending
            assert [each.tx_hash for each in pending] == [fact.tx_hash]
            chain = CountingChain(Rpc(kept.net, kept.endpoints.rpc))
            late = LateReceipts(chain, seen.follower.next_block, seen.clock)
            for _ in range(3):
                assert not await late.ask(pending, final)
            assert chain.asked == (fact.tx_hash,)
            kept.run(ASK_AGAIN_MS // 1_000)
            assert not await late.ask(pending, final)
            assert chain.asked == (fact.tx_hash,) * 2
            for first, known in ((final.number, final), (0, await seen.chain.block("earliest"))):
                assert not await LateReceipts(chain, first, seen.clock).ask(pending, known)
            assert chain.asked == (fact.tx_hash,) * 2, "before the opening, and not long before the final block"

    run()


def test_F1_a_failed_trade_is_taken_back_and_no_drift(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.kept.scenario.faults.on("settlement-failed", count=1, wallet=seen.kept.wallet)
            seen.buy()
            await seen.trades()
            held = await seen.kept.connection.fetchval("SELECT sum(shares) FROM positions")
            assert held > 0
            await seen.until_final()
            assert (await seen.positions.run()).detail["differences"] == 0
            assert await seen.kept.shares() == seen.kept.truth() == {}
            (row,) = (await seen.kept.order_rows()).values()
            assert row["failed"] == held

    run()


def test_T2_E3_E6_what_the_owner_does_by_hand_is_booked_with_its_cause(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await seen.positions.run()
            seen.buy()
            await seen.until_final()
            assert told(await seen.positions.run()) == {}, "an order of the account is no surprise"
            for act, kind in (
                (lambda: seen.owner.split(seen.market, 9 * MILLION), "split"),
                (lambda: seen.owner.merge(seen.market, 4 * MILLION), "merge"),
                (lambda: seen.owner.send_tokens(seen.market, 0), "transfer out"),
                (lambda: seen.owner.get_tokens(seen.market, 1, 3 * MILLION), "transfer in"),
            ):
                tx_hash = act()
                seen.kept.run(60)
                result = await seen.positions.run()
                assert drifts(result) == []
                (found,) = [each for each in told(result).values() if each.evidence["tx_hash"] == tx_hash]
                assert (found.evidence["cause"], found.severity, found.action) == (
                    kind,
                    Severity.INFO,
                    Action.CORRECTED,
                )
            assert await seen.kept.shares() == seen.kept.truth() != {}
            assert told(await seen.positions.run()) == {}, "each is told once"

    run()


def test_T2_a_human_at_work_beside_another_bot_never_makes_a_drift(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, human_ms=5_000, another_bot_ms=2_000, operators=True) as seen:
            kinds: set[str] = set()
            for _ in range(12):
                seen.kept.run(30)
                await seen.trades()
                result = await seen.positions.run()
                assert drifts(result) == []
                kinds |= told(result).keys()
            assert {"split", "transfer in"} <= kinds

    run()


def test_E1_a_trade_by_hand_is_external_when_no_order_is_known_and_has_its_price(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await seen.positions.run()
            seen.buy()
            seen.kept.run(60)
            result = await seen.positions.run()
            found = told(result)["buy"]
            row = await seen.kept.connection.fetchrow("SELECT * FROM positions WHERE shares > 0")
            (trade,) = [
                t
                for t in seen.kept.scenario.world.exchange.trades.values()
                if t.taker.request.wallet == seen.kept.wallet
            ]
            assert (row["shares"], row["cost_basis"], row["fees"]) == (trade.shares, trade.cash, trade.fee)
            assert found.evidence["shares"] == trade.shares
            await seen.trades()
            assert await seen.kept.connection.fetchval("SELECT count(*) FROM movements WHERE kind = 'buy'") == 1

    run()


def test_I1_a_fill_that_never_settled_is_a_drift_and_the_third_time_pauses_its_market(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            fact = await ghost(seen)
            work = seen.positions.run

            async def synced() -> Result:
                return (await seen.runner.run(Job.POSITION_SYNC, "test", work)).result

            assert drifts(await synced()) == [], "young: it may be above the block"
            seen.kept.run(LATE_MS // 1_000 + 1)
            for times in (1, 2, 3):
                result = await synced()
                (found,) = drifts(result)
                assert found.severity is Severity.ERROR
                assert found.condition_id == fact.condition_id
                assert found.evidence["drift"] == fact.shares
                assert found.evidence["block"] == result.detail["block"]
                assert len(seen.positions.pauses) == (times == 3)
            ((condition_id, reason),) = seen.positions.pauses
            assert condition_id == fact.condition_id
            assert "3 comparisons" in reason
            seen.kept.run(3_601)
            await synced()
            assert seen.positions.pauses == (), "an hour later the three are forgotten"

    run()


@pytest.mark.parametrize("status", ["MATCHED_NOT_BROADCASTED", "MATCHED", "RETRYING", "ON_ITS_WAY_SOMEHOW"])
def test_F1_a_fill_that_the_venue_does_not_say_is_on_chain_is_never_late(dsn: str, status: str) -> None:
    """Nor is one in a status that nobody knows: that is no word for settled."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await ghost(seen, status=status)
            for seconds in (0, LATE_MS // 1_000 + 1, 3_600):
                seen.kept.run(seconds)
                result = await seen.positions.run()
                assert (drifts(result), result.detail["pending"]) == ([], 1)
            block = await seen.chain.block("finalized")
            assert block is not None
            _, late = await due_at(seen.kept.connection, seen.kept.wallet_id, block)
            assert late == frozenset()

    run()


def test_T2_logs_that_a_node_left_out_are_found_by_reading_again(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await seen.positions.run()
            seen.owner.split(seen.market, 9 * MILLION)
            await seen.until_final()
            await seen.positions.run()
            seen.owner.send_tokens(seen.market, 0)
            await seen.until_final()
            seen.kept.scenario.faults.on("logs-missing", count=1)
            result = await seen.positions.run()
            corrected = [
                found for found in result.findings if found.action is Action.CORRECTED and "drift" in found.evidence
            ]
            assert drifts(result) == []
            assert [found.evidence["drift"] for found in corrected] == [9 * MILLION // 2]
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


def test_T2_logs_that_a_node_left_out_twice_are_looked_for_again_after_a_while(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await seen.positions.run()
            seen.owner.split(seen.market, 9 * MILLION)
            await seen.until_final()
            seen.kept.scenario.faults.on("logs-missing", count=2)
            assert (await seen.positions.run()).detail["differences"] == 1
            seen.kept.run(10)
            assert (await seen.positions.run()).detail["differences"] == 1, "they were looked for just now"
            seen.kept.run(READ_AGAIN_MS // 1_000)
            assert (await seen.positions.run()).detail["differences"] == 0
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


class CountingFollower(ChainFollower):
    steps = 0

    async def step(self) -> Step:
        self.steps += 1
        return await super().step()


def test_a_drift_that_stays_is_not_read_again_in_every_run(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept = seen.kept
            follower = CountingFollower(seen.chain, kept.wallet, seen.follower.next_block)
            sync = PositionSync(
                kept.connection, kept.wallet_id, kept.wallet, follower, seen.chain, seen.clock, seen.opening
            )
            await ghost(seen)
            await sync.run()
            kept.run(LATE_MS // 1_000 + 1)
            steps = []
            for _ in range(3):
                assert len(drifts(await sync.run())) == 1
                steps.append(follower.steps)
                kept.run(10)
            assert steps == [3, 4, 5]

    run()


def test_D1_an_opening_that_was_not_booked_is_asked_for_again(dsn: str) -> None:
    """The process ends between asking for the balances and booking them."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept, head = seen.kept, seen.kept.scenario.world.chain.head.number

            async def lost(_: Sequence[AnyFact]) -> None:
                raise StoreError("the database is away")

            for book in (lost, kept.book):
                follower = ChainFollower(seen.chain, kept.wallet, head)
                opening = Opening(kept.connection, kept.wallet_id, kept.wallet, seen.chain, head, seen.clock, book)
                sync = PositionSync(
                    kept.connection, kept.wallet_id, kept.wallet, follower, seen.chain, seen.clock, opening
                )
                kept.run(120)
                with nullcontext() if book is kept.book else pytest.raises(StoreError):
                    assert (await sync.run()).findings == []
            assert sync.last is not None
            assert sync.last.holds

    run()


def test_D1_fills_before_the_first_block_that_is_followed_are_no_drift(dsn: str) -> None:
    """The CLOB tells of them and the balance has them; only their receipts are not read."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            await seen.until_final()
            kept, head = seen.kept, seen.kept.scenario.world.chain.head.number
            follower = ChainFollower(seen.chain, kept.wallet, head)
            opening = Opening(kept.connection, kept.wallet_id, kept.wallet, seen.chain, head, seen.clock, kept.book)
            sync = PositionSync(kept.connection, kept.wallet_id, kept.wallet, follower, seen.chain, seen.clock, opening)
            for seconds in (60, 60, LATE_MS // 1_000 + 1, 10):
                kept.run(seconds)
                result = await sync.run()
                assert (result.findings, result.detail["tokens"]) == ([], 1)
            cash = await kept.connection.fetchval(
                "SELECT sum(cash) FROM movements WHERE wallet_id = $1", kept.wallet_id
            )
            assert cash == kept.scenario.world.chain.cash(kept.wallet)
            assert await kept.shares() == kept.truth() != {}

    run()


def test_D1_the_opening_balance_has_no_fill_that_was_not_sent_to_the_chain(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await ghost(seen, status="MATCHED_NOT_BROADCASTED")
            await seen.until_final()
            kept, head = seen.kept, seen.kept.scenario.world.chain.head.number
            follower = ChainFollower(seen.chain, kept.wallet, head)
            opening = Opening(kept.connection, kept.wallet_id, kept.wallet, seen.chain, head, seen.clock, kept.book)
            sync = PositionSync(kept.connection, kept.wallet_id, kept.wallet, follower, seen.chain, seen.clock, opening)
            kept.run(60)
            assert (await sync.run()).findings == []
            assert sync.last is not None
            assert sync.last.holds

    run()


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (Evidence(10, 4, pending=6), Cause.FEED_LAG),
        (Evidence(10, 0, is_resolved=True), Cause.REDEEMED),
        (Evidence(10, 4, sibling_drift=6), Cause.POSITION_MERGED),
        (Evidence(10, 4, recent_sells=6), Cause.TRACKED_SELLS_NOT_SYNCED),
        (Evidence(10, 0, recent_sells=3), Cause.EXTERNAL_SALE),
        (Evidence(10, 4, gained_elsewhere=True), Cause.CONVERTED),
        (Evidence(10, 4), Cause.UNTRACKED_REDUCTION),
        (Evidence(4, 10), Cause.UNTRACKED_INCREASE),
        (Evidence(10, 4, has_node=True), Cause.TRANSFER_OUT),
        (Evidence(4, 10, has_node=True), Cause.TRANSFER_IN),
    ],
)
def test_the_likely_cause_is_the_surest_that_explains_the_difference(seen: Evidence, cause: Cause) -> None:
    assert likely_cause(seen) is cause


def test_what_a_token_may_have_held_on_the_way() -> None:
    changes = [5, -3, 7]
    assert {held for held in range(-20, 40) if may_have_held(20, held, changes)} == {20, 15, 23, 13, 18, 8, 16, 11}
    many = [1 << place for place in range(20)]
    assert len(many) > SUMS_MAX.bit_length()
    assert may_have_held(1 << 20, 1, many)
    assert not may_have_held(1 << 20, 0, many)


def test_any_drift_is_kept_and_its_size_says_how_grave_it_is() -> None:
    sizes = [1, -9_999, 10_000, -99_999, 100_000, -(10**9)]
    assert [severity_of(size) for size in sizes] == [
        Severity.INFO, Severity.INFO, Severity.WARN, Severity.WARN, Severity.ERROR, Severity.ERROR,
    ]  # fmt: skip
