"""Audits against the chain, from the chain alone and from the Data API, beside what the venue's own records say."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from app.audited import ALONE, GIFT, REBATE, REWARD, data_of, grown, of, report_of, venue
from support.database import connected, in_loop, stored
from tieout.app import chain_audit, chain_reading
from tieout.app.chain_audit import LOCATED_MAX
from tieout.app.chain_reading import TRIES, ReadingEndedError
from tieout.cli.audit_progress import BlocksBar
from tieout.jobs.window_width import WIDTHS, WindowWidth
from tieout.ledger.facts import CashFlowed, FillObserved, Flow, Role, Side, TokenMoved, decode
from tieout.ledger.movement import block_of
from tieout.store.wallets import wallet_id_of


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
            assert whole.reading.transactions > again.reading.transactions > 0
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


def test_A3_a_node_that_fails_for_a_moment_is_asked_again(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_reading, "RETRY_MS", 0)

    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            at.run(2)
            at.scenario.faults.on("server-error", count=TRIES, path="/rpc")
            assert (await at.from_chain(no_data_api=True)).audit.holds
            assert at.scenario.faults.struck("server-error") == TRIES

    run()
