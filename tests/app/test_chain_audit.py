"""Audits against the chain, from the chain alone and from the Data API, beside what the venue's own records say."""

from __future__ import annotations

import asyncio
import os

import msgspec
import pytest

from app.audited import ALONE, Venue, of, venue
from support.database import connected, in_loop, stored
from tieout.app import chain_audit, chain_reading
from tieout.app.chain_audit import LOCATED_MAX
from tieout.app.chain_reading import ReadingEndedError
from tieout.app.data_differences import DataCompared, DataDifference, What
from tieout.app.wallet_audit import WalletAudit
from tieout.app.wallet_report import WalletReport
from tieout.cli.audit_progress import BlocksBar
from tieout.jobs.window_width import WIDTHS, WindowWidth
from tieout.ledger.facts import CashFlowed, FillObserved, Flow, Role, Side, TokenMoved, decode
from tieout.ledger.movement import block_of
from tieout.store.embedded import EmbeddedServer
from tieout.store.runs import Action
from tieout.store.wallets import wallet_id_of

REWARD, REBATE, GIFT = 12_345_678, 3_210_987, 5_000_001


@pytest.fixture
def other_dsn(server: EmbeddedServer, request: pytest.FixtureRequest) -> str:
    """A second database."""
    name = f"other_{os.getpid()}_{abs(hash(request.node.name))}"

    async def create() -> None:
        async with connected(server.dsn()) as connection:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_tieout")

    asyncio.run(create())
    return server.dsn(name)


def report_of(found: WalletAudit) -> WalletReport:
    assert found.report is not None
    return found.report


def data_of(found: WalletAudit) -> DataCompared:
    assert found.data is not None
    return found.data


def those(found: WalletAudit, what: What) -> list[DataDifference]:
    return [each for each in data_of(found).differences if each.what is what]


async def grown(at: Venue, minutes: int = 12) -> None:
    """The wallet has traded, split, merged, given away and been paid, and all of it shows in the index."""
    at.run(minutes)
    at.pay("reward", REWARD)
    at.pay("rebate", REBATE)
    at.run(4)


def test_I1_C2_F1_S5_S6_the_audit_from_the_chain_alone_ties_out_and_its_report_is_the_truth(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn, lifetime_ms=300_000) as at:
            await grown(at, minutes=20)
            found = await at.from_chain()
            assert found.audit.holds, [each for each in found.audit.findings if each.violations]
            assert not found.is_unsure
            report = report_of(found)
            truth = at.truth(report.block.number)
            assert of(found, "I1").holds is True
            assert of(found, "I1").checked == len(truth.tokens) > 8
            held = {each.row.token_id: each.row for each in report.open}
            assert {token: row.shares for token, row in held.items()} == {
                token: each.shares for token, each in truth.tokens.items() if each.shares
            }
            for token, row in held.items():
                kept = truth.tokens[token]
                assert (row.cost_basis, row.realized_pnl, row.fees) == (kept.cost, kept.realized, kept.fees), token
            assert report.realized == sum(each.realized for each in truth.tokens.values()) != 0
            assert report.fees == truth.fees > 0
            assert report.after_fees == report.realized - truth.fees
            assert report.closed == sum(not each.shares for each in truth.tokens.values())
            assert report.income == {"REWARD": REWARD}
            assert data_of(found).named == {"MAKER_REBATE": REBATE}
            own = report.flows["DEPOSIT"] + report.flows.get("WITHDRAWAL", 0)
            kinds = {"buy", "sell", "split", "merge", "redemption", "exchange"}
            outside = sum(amount for cause, amount in truth.causes.items() if cause not in kinds)
            assert own + REWARD == outside
            assert report.collateral == sum(report.coins.values()) == sum(truth.causes.values())
            assert report.trading["payouts"] == truth.causes["redemption"] + truth.causes["exchange"] > 0

    run()


def test_S1_the_data_api_agrees_on_every_row_and_differs_only_where_it_has_rules_of_its_own(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            await grown(at)
            found = await at.from_chain()
            data = data_of(found)
            assert data.rows > 50
            assert data.positions > 8
            assert {each.what for each in data.differences} <= {What.NAME, What.REALIZED, What.AVERAGE}
            (name,) = those(found, What.NAME)
            assert (name.ours, name.theirs, "MAKER_REBATE" in name.why) == (REBATE, REBATE, True)
            for each in those(found, What.REALIZED):
                assert "its own prices for" in each.why or "rounding" in each.why, each

    run()


def test_A2_T1_an_index_that_is_stuck_lacks_rows_and_changes_no_figure(dsn: str, other_dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            at.run(6)
            at.scenario.index.frozen = True
            at.run(6)
            found = await at.from_chain()
            lacking = those(found, What.NOT_IN_INDEX)
            assert len(lacking) > 10
            assert {each.why for each in lacking} == {"newer than any row of the index: it lags, or is stuck"}
            assert {each.theirs for each in lacking} == {None}
            assert data_of(found).young > 0
            assert those(found, What.SIZE)
            assert {each.why for each in those(found, What.SIZE)} == {"the index lacks transactions of it"}
            alone = await at.from_chain(other_dsn, no_data_api=True)
            assert alone.data is None
            assert (found.report, found.audit.findings) == (alone.report, alone.audit.findings)
            assert found.audit.holds

    run()


def test_S1_wrong_averages_are_shown_and_ours_stay(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn, human_ms=None, operators=False) as at:
            await grown(at)
            right = await at.from_chain()
            assert those(right, What.AVERAGE) == []
            at.scenario.faults.on("data-average", settings={"per_mille": 70})
            wrong = await at.from_chain()
            found = those(wrong, What.AVERAGE)
            averages = {each.row.token_id: each.average for each in report_of(wrong).open}
            assert {each.of: each.ours for each in found}.items() <= averages.items()
            assert found, "but for what moved within the lag, every average that is held"
            assert {each.why for each in found} == {"the index is wrong: every amount is the chain's own"}
            assert report_of(wrong) == report_of(right)

    run()


@pytest.mark.parametrize("fault", ["half-page", "malformed-row", "server-error"])
def test_A6_lists_that_are_not_whole_are_told_and_decide_nothing(dsn: str, fault: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            await grown(at)
            right = await at.from_chain()
            at.scenario.faults.on(fault, path="/data-api")
            found = await at.from_chain()
            assert at.scenario.faults.struck(fault)
            assert report_of(found) == report_of(right)
            assert found.audit.holds
            assert not found.is_unsure
            if fault == "server-error":
                assert found.data is None
                assert "/v2/positions" in found.data_untold
            elif fault == "half-page":
                lacking = those(found, What.NOT_IN_INDEX)
                assert len(lacking) > 10
                assert those(found, What.SIZE)
            else:
                assert any("cannot be read" in flaw for flaw in data_of(found).flaws)

    run()


def test_D1_an_audit_that_is_broken_off_goes_on_where_it_ended(
    dsn: str, other_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[int] = []
    told = BlocksBar.reached

    def broken_off(self: BlocksBar, block: int, last: int) -> None:
        told(self, block, last)
        reached.append(block)
        if len(reached) == 3:
            raise asyncio.CancelledError  # as Ctrl-C ends it

    begin = WindowWidth.__init__

    def narrow(self: WindowWidth) -> None:
        begin(self)
        self._rung = WIDTHS.index(50)

    monkeypatch.setattr(WindowWidth, "__init__", narrow)

    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            await grown(at)
            with monkeypatch.context() as patch:
                patch.setattr(BlocksBar, "reached", broken_off)
                with pytest.raises(asyncio.CancelledError):
                    await at.from_chain()
            again = await at.from_chain(first_block=None)
            assert again.reading is not None
            assert again.reading.first == reached[-1] + 1
            whole = await at.from_chain(other_dsn)
            assert whole.reading is not None
            assert whole.reading.first < again.reading.first
            assert again.report == whole.report
            assert again.audit.holds
            assert await rows(dsn, at.wallet) == await rows(other_dsn, at.wallet)

    run()


async def rows(dsn: str, wallet: str) -> object:
    async with connected(dsn) as connection:
        wallet_id = await wallet_id_of(connection, wallet)
        assert wallet_id is not None
        return await stored(connection, wallet_id)


def test_D2_a_node_that_is_away_ends_the_reading_with_what_to_do(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_reading, "RETRY_MS", 0)

    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            at.run(1)
            at.scenario.faults.on("outage")
            with pytest.raises(ReadingEndedError, match="the same command goes on from there"):
                await at.from_chain()
            at.scenario.faults.off("outage")
            assert (await at.from_chain()).audit.holds
            at.scenario.faults.on("outage")
            away = await at.by_node()
            assert (away.chain, of(away, "I1").holds, away.is_unsure) == (None, None, True)
            assert "no node answers" in away.untold

    run()


def test_I1_books_that_were_never_read_from_the_chain_say_what_to_do(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            at.run(6)
            await at.from_data_api()
            found = await at.by_node()
            assert found.chain is None
            assert found.is_unsure
            assert f"tieout audit {at.wallet} --from-chain --from-block N" in found.untold

    run()


def test_C2_a_planted_micro_unit_is_located_with_its_transaction_and_its_movement(dsn: str) -> None:
    """Twice, in two blocks: both are found."""

    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            await grown(at)
            assert (await at.from_chain()).audit.holds
            assert (await at.by_node()).audit.holds
            flows = await at.fetch(
                "SELECT key, tx_hash, chain_position FROM movements WHERE wallet_id = $1 AND kind = 'cash' "
                "ORDER BY chain_position"
            )
            planted = [flows[2], flows[-1]]
            for row in planted:
                await at.connection.execute(
                    "UPDATE movements SET cash = cash + 1, collateral = collateral + 1 WHERE key = $1", row["key"]
                )
            found = await at.by_node()
            assert not found.audit.holds
            assert found.chain is not None
            (difference,) = found.chain.differences
            assert (difference.token_id, difference.drift) == ("", 2)
            assert [where.block.number for where in difference.where] == [
                block_of(row["chain_position"]) for row in sorted(planted, key=lambda row: row["chain_position"])
            ]
            assert {tx for where in difference.where for tx in where.tx_hashes} == {row["tx_hash"] for row in planted}
            assert difference.cause == "the books have the transaction with another amount"
            (violation,) = of(found, "C2").violations
            for row in planted:
                assert row["key"] in violation
                assert f"tx {row['tx_hash']}" in violation
            assert of(found, "L1").holds is False
            assert of(found, "I1").holds is True

    run()


def test_I1_T2_a_transfer_that_the_books_did_not_see_is_located(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn, **ALONE) as at:
            market = next(iter(at.scenario.world.exchange.markets.values()))
            at.run(1)
            at.buy(market, 0, 2 * GIFT)
            at.run(1)
            at.owner().get_tokens(market, 0, GIFT)
            at.run(3)
            assert (await at.from_chain()).audit.holds
            (row,) = await at.fetch(
                "SELECT token_id, tx_hash, shares, chain_position FROM movements WHERE wallet_id = $1 "
                "AND kind = 'transfer in'"
            )
            facts = await at.fetch('SELECT fact FROM log WHERE wallet_id = $1 AND fact LIKE \'{"kind":"token_moved"%\'')
            moves = [decode(each["fact"]) for each in facts]
            (move,) = [each for each in moves if isinstance(each, TokenMoved) and each.tx_hash == row["tx_hash"]]
            await at.book(msgspec.structs.replace(move, version=move.version + 1, removed=True))
            found = await at.by_node()
            assert found.chain is not None
            (difference,) = found.chain.differences
            assert (difference.token_id, difference.drift) == (str(market.tokens[0]), -GIFT)
            (where,) = difference.where
            assert (where.block.number, where.tx_hashes) == (block_of(row["chain_position"]), (row["tx_hash"],))
            assert difference.cause == "the chain has a transfer that the books do not have"
            finding = of(found, "I1")
            assert finding.holds is False
            assert row["tx_hash"] in finding.violations[0]
            assert of(found, "L1").holds is True

    run()


def test_I1_a_token_that_only_the_index_knows_is_asked_for_on_chain(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn, **ALONE) as at:
            market = next(iter(at.scenario.world.exchange.markets.values()))
            at.run(1)
            at.owner().get_tokens(market, 1, GIFT)
            at.run(4)
            assert (await at.from_chain()).audit.holds
            facts = [decode(each["fact"]) for each in await at.fetch("SELECT fact FROM log WHERE wallet_id = $1")]
            (move,) = [each for each in facts if isinstance(each, TokenMoved)]
            await at.book(msgspec.structs.replace(move, version=move.version + 1, removed=True))
            assert (await at.from_chain(no_data_api=True)).audit.holds, "nobody knows of it"
            found = await at.from_chain()
            assert found.chain is not None
            (difference,) = found.chain.differences
            assert (difference.token_id, difference.books, difference.chain) == (str(market.tokens[1]), 0, GIFT)
            assert difference.where[0].tx_hashes == (move.tx_hash,)
            (size,) = those(found, What.SIZE)
            assert size.why == "the books differ from the chain, too: see I1"

    run()


def test_F1_a_fill_that_never_came_on_chain_is_told_with_its_token(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            await grown(at)
            assert (await at.from_chain()).audit.holds
            market = next(iter(at.scenario.world.exchange.markets.values()))
            token = str(market.tokens[0])
            ghost = FillObserved(
                trade_id="11111111-0000-4000-8000-000000000001", order_id="0x" + "9" * 64, token_id=token,
                condition_id=market.condition_id, side=Side.BUY, shares=7_500_000, collateral=3_750_000, fee=0,
                role=Role.TAKER, status="CONFIRMED", tx_hash="0x" + "8" * 64,
                occurred_at_ms=at.scenario.world.scheduler.now_ms - 600_000,
            )  # fmt: skip
            await at.book(ghost)
            found = await at.by_node()
            finding = of(found, "F1")
            assert finding.holds is False
            assert finding.checked > 10
            assert "0x" + "8" * 64 in finding.violations[0]
            assert found.chain is not None
            shares, money = found.chain.differences
            assert (shares.token_id, shares.drift) == (token, 7_500_000)
            assert shares.cause == "a fill that never came on chain"
            assert money.drift == -3_750_000

    run()


def test_C2_a_transaction_whose_transfers_and_movements_do_not_agree_is_a_violation(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            await grown(at)
            assert (await at.from_chain()).audit.holds
            row = (
                await at.fetch(
                    "SELECT tx_hash, chain_position, occurred_at_ms FROM movements WHERE wallet_id = $1 "
                    "AND kind = 'split' ORDER BY chain_position LIMIT 1"
                )
            )[0]
            await at.book(
                CashFlowed(
                    flow=Flow.DEPOSIT, amount=1, tx_hash=row["tx_hash"], log_index=9_999,
                    block=block_of(row["chain_position"]), occurred_at_ms=row["occurred_at_ms"],
                )
            )  # fmt: skip
            found = await at.by_node()
            whole, transaction = of(found, "C2").violations
            assert whole.startswith("collateral: the books have")
            assert row["tx_hash"] in whole
            assert transaction.startswith(f"tx {row['tx_hash']}: ")
            assert found.notes == ()

    run()


def test_I1_more_differences_than_are_looked_for_are_all_told(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_audit, "LOCATED_MAX", 1)

    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            await grown(at)
            assert (await at.from_chain()).audit.holds
            await at.connection.execute("UPDATE positions SET shares = shares + 1")
            found = await at.by_node()
            assert found.chain is not None
            assert len(found.chain.differences) == found.chain.at.tie.tokens > LOCATED_MAX
            assert {each.drift for each in found.chain.differences} == {1}
            assert all("changed by another hand" in each.cause for each in found.chain.differences)
            assert len(of(found, "I1").violations) == found.chain.at.tie.tokens

    run()


def test_T2_what_no_row_explains_is_inferred_with_a_cause_and_superseded_by_the_chain(
    dsn: str, other_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn, **ALONE) as at:
            monkeypatch.setattr("tieout.app.data_audit.now_ms", lambda: at.scenario.world.scheduler.now_ms)
            first, second, third = list(at.scenario.world.exchange.markets.values())[:3]
            owner = at.owner()
            at.run(1)
            at.buy(first, 0, 20 * GIFT)
            at.buy(second, 1, 10 * GIFT)
            owner.split(third, 4 * GIFT)
            at.run(1)
            owner.send_tokens(first, 0, 2 * GIFT)
            owner.get_tokens(third, 1, GIFT)
            at.pay("reward", REWARD)
            at.pay("rebate", REBATE)
            at.run(5)

            made = await at.from_data_api()
            assert made.inferred is not None
            assert {
                (each.token_id, each.evidence["drift"], each.evidence["cause"]) for each in made.inferred.findings
            } == {
                (str(first.tokens[0]), 2 * GIFT, "UNTRACKED_REDUCTION"),
                (str(third.tokens[1]), -GIFT, "UNTRACKED_INCREASE"),
            }
            assert {each.action for each in made.inferred.findings} == {Action.CORRECTED}
            assert (made.audit.holds, made.is_unsure, of(made, "I1").holds) == (True, False, None)
            assert await at.held() == {token: each.shares for token, each in at.truth(10**9).tokens.items()}
            again = await at.from_data_api()
            assert again.inferred is not None
            assert again.inferred.findings == ()

            at.buy(first, 0, 3 * GIFT)  # what comes later is no part of the statement
            at.run(2)
            found = await at.from_chain()
            alone = await at.from_chain(other_dsn)
            assert found.audit.holds, [each for each in found.audit.findings if each.violations]
            assert alone.audit.holds
            ours, theirs = report_of(found), report_of(alone)
            # The amounts: which condition a token is of, only the Data API says here.
            assert [each.row[:1] + each.row[3:] for each in ours.open] == [
                each.row[:1] + each.row[3:] for each in theirs.open
            ]
            assert (ours.realized, ours.fees, ours.trading, ours.coins, ours.collateral, ours.closed) == (
                theirs.realized, theirs.fees, theirs.trading, theirs.coins, theirs.collateral, theirs.closed
            )  # fmt: skip
            assert ours.movements == theirs.movements + 2, "the two adjustments, which pad nothing now"
            assert theirs.income == {"REWARD": REWARD}
            assert ours.income == {"REWARD": REWARD, "MAKER_REBATE": REBATE}, "its row gave the transfer its name"
            assert ours.flows["DEPOSIT"] + REBATE == theirs.flows["DEPOSIT"]

    run()


def test_A2_nothing_is_inferred_of_what_moved_within_the_lag(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            monkeypatch.setattr("tieout.app.data_audit.now_ms", lambda: at.scenario.world.scheduler.now_ms)
            at.run(12)
            found = await at.from_data_api()
            assert found.inferred is not None
            left = [each for each in found.inferred.findings if each.action is Action.LOGGED]
            assert left
            assert found.is_unsure
            adjusted = await at.fetch("SELECT token_id FROM movements WHERE wallet_id = $1 AND kind = 'adjustment'")
            assert {each.token_id for each in left}.isdisjoint(row["token_id"] for row in adjusted)

    run()
