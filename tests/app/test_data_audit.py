"""The Data API in an audit: beside the chain it decides nothing; without a node it is all there is."""

from __future__ import annotations

import msgspec
import pytest

from app.audited import ALONE, GIFT, REBATE, REWARD, data_of, grown, of, report_of, those, venue
from support.database import in_loop
from tieout.app.data_audit import NotToldError, data_books
from tieout.app.data_differences import What
from tieout.client.clock import LoopClock
from tieout.client.data_api import DataApi
from tieout.client.limits import Limiter
from tieout.client.net import Net
from tieout.client.transport import HttpCarrier
from tieout.ledger.facts import TokenMoved, decode
from tieout.store.runs import Action
from tieout.venue.addresses import CTF


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


def test_D1_rows_of_the_data_api_are_counted_as_they_are_booked(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            at.run(10)
            told: list[int] = []
            async with data_books(dsn, at.wallet, at.asked.data_api) as books:
                books.told = told.append
                found = await books.read()
            assert told[0] == found.rows > 50
            at.scenario.faults.on("server-error", path="/data-api")
            with pytest.raises(NotToldError, match="0 rows of it are booked, and the same command goes on"):
                await at.from_data_api()

    run()


def test_T1_one_statement_is_not_enough_for_what_happened_within_the_lag(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row tells of a transfer, so the books know of nothing that moves: the index's own word has to say it."""

    @in_loop
    async def run() -> None:
        async with venue(dsn, **ALONE) as at:
            monkeypatch.setattr("tieout.app.data_audit.now_ms", lambda: at.scenario.world.scheduler.now_ms)
            at.scenario.index.lag_ms = (0, 0)
            market = next(iter(at.scenario.world.exchange.markets.values()))
            at.run(1)
            at.buy(market, 0, 10 * GIFT)
            at.run(5)
            at.owner().send_tokens(market, 0, GIFT)
            at.run(1)
            young = await at.from_data_api()
            assert young.inferred is not None
            (left,) = young.inferred.findings
            assert (left.action, left.evidence["drift"]) == (Action.LOGGED, GIFT)
            assert young.is_unsure
            assert await at.fetch("SELECT key FROM movements WHERE wallet_id = $1 AND kind = 'adjustment'") == []
            at.run(3)
            old = await at.from_data_api()
            assert old.inferred is not None
            (done,) = old.inferred.findings
            assert (done.action, done.evidence["drift"]) == (Action.CORRECTED, GIFT)
            assert not old.is_unsure

    run()


def test_A4_an_index_that_is_ahead_of_the_final_block_is_no_difference(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn, **ALONE) as at:
            at.scenario.index.lag_ms = (0, 0)
            market = next(iter(at.scenario.world.exchange.markets.values()))
            at.run(1)
            at.buy(market, 0, 10 * GIFT)
            at.run(5)
            at.buy(market, 0, 2 * GIFT)
            world = at.scenario.world
            while world.chain.tokens(CTF, at.wallet, market.tokens[0]) == (
                world.chain.tokens(CTF, at.wallet, market.tokens[0], block=world.chain.block_by_tag("finalized").number)
            ):
                world.scheduler.run_for(500)
            found = await at.from_chain()
            data = data_of(found)
            assert (data.newer, data.lagging, data.differences) == (1, 1, [])
            assert found.audit.holds

    run()


def test_S1_both_versions_of_the_index_tell_what_was_realized_and_what_is_closed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn, lifetime_ms=300_000) as at:
            await grown(at, minutes=20)
            held: dict[str, dict[str, int]] = {}
            closed: dict[str, dict[str, int]] = {}
            clock = LoopClock(lambda: 0)
            async with HttpCarrier() as carrier:
                for version in ("v1", "v2"):
                    service = Net(carrier, clock, Limiter(clock)).service("data-api", at.asked.data_api)
                    data_api = DataApi(service, version)  # type: ignore[arg-type]
                    for found, listing in (
                        (held, await data_api.positions(at.wallet)),
                        (closed, await data_api.closed(at.wallet)),
                    ):
                        assert listing.is_complete
                        assert all(row.realized is not None for row in listing.rows)
                        assert all((row.last_event_ms > 0) == (version == "v2") for row in listing.rows)
                        found[version] = {row.token_id: row.realized or 0 for row in listing.rows}
            assert closed["v1"] == closed["v2"] != {}
            assert held["v1"].keys() == held["v2"].keys() != set()
            assert all(abs(held["v1"][token] - amount) < 100 for token, amount in held["v2"].items())
            assert min((*held["v2"].values(), *closed["v2"].values())) < 0

    run()
