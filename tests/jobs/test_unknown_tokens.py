"""Tokens that the books cannot assign to a market: told once, and nothing else comes of it."""

from __future__ import annotations

from jobs.account import MILLION
from jobs.witnesses import Witnessed, witnessed
from support.database import in_loop
from tieout.client.data_api import DataApi
from tieout.client.net import Net
from tieout.jobs.data_feed import DataFeed
from tieout.jobs.job import Ended
from tieout.jobs.reconcile import Reconcile
from tieout.ledger.facts import OutcomeTokenListed
from tieout.store import runs
from tieout.store.runs import Action, Finding, IssueType, Job, Severity


def reconcile_beside_a_node(seen: Witnessed) -> Reconcile:
    """As of a worker with a node: the Data API is compared and not booked."""
    kept = seen.kept
    net = Net(kept.net.carrier, kept.net.clock, kept.net.limiter)
    data_api = DataApi(net.service("data-api", kept.endpoints.data_api))
    feed = DataFeed(kept.connection, kept.wallet_id, kept.wallet, data_api, seen.clock)
    return Reconcile(kept.connection, kept.wallet_id, kept.wallet, data_api, feed)


def unknown(ended: Ended) -> list[Finding]:
    return [found for found in ended.result.findings if found.type is IssueType.UNKNOWN_TOKEN]


def test_E6_a_token_that_was_sent_and_that_no_market_names_is_told_once_until_one_names_it(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept, job, market = seen.kept, reconcile_beside_a_node(seen), seen.kept.market

            async def synced() -> list[Finding]:
                kept.run(130)
                assert (await seen.positions.run()).detail["differences"] == 0
                ended = await seen.runner.run(Job.RECONCILE, "test", job.run)
                assert ended.is_clean
                return unknown(ended)

            seen.buy()
            await seen.until_final()
            assert (await synced(), await synced()) == ([], []), "the CLOB named the market of what was bought"
            other = market.token_ids[1]
            seen.owner.get_tokens(seen.market, 1, 3 * MILLION)
            other_market = next(
                each for each in kept.scenario.world.exchange.markets.values() if each is not seen.market
            )
            seen.owner.get_tokens(other_market, 0, 2 * MILLION)
            stranger = str(other_market.tokens[0])
            assert await synced() == [], "whoever names its market may be late"
            (found,) = await synced()
            assert (found.token_id, found.severity, found.action) == (stranger, Severity.WARN, Action.LOGGED)
            assert found.evidence == {"shares": 2 * MILLION, "named": ""}
            assert await synced() == [], "once"
            (issue,) = [i for i in await runs.all_issues(kept.connection, kept.wallet_id) if i.type is found.type]
            await runs.acknowledge(kept.connection, kept.wallet_id, issue.issue_id, "a test", 1)
            job = reconcile_beside_a_node(seen)
            assert (await synced(), await synced()) == ([], []), "a person has seen it, and it stays"
            assert (await kept.shares())[stranger] == 2 * MILLION
            assert (await kept.shares())[other] == 3 * MILLION

    run()


def test_S1_a_stated_token_that_the_books_never_heard_of_is_told_beside_a_node_alone(dsn: str) -> None:
    """It came before the first block that was read and has not moved since, so that no balance of it is compared."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept = seen.kept
            known, stranger = [each for each in kept.scenario.world.exchange.markets.values() if each.version == "v1"][
                :2
            ]
            for market in (known, stranger):
                seen.owner.get_tokens(market, 0, 2 * MILLION)
            await kept.book(
                [OutcomeTokenListed(token_id=str(known.tokens[0]), condition_id=known.condition_id, outcome_index=0)]
            )
            kept.run(300)
            job = reconcile_beside_a_node(seen)
            assert unknown(await seen.runner.run(Job.RECONCILE, "test", job.run)) == []
            (found,) = unknown(await seen.runner.run(Job.RECONCILE, "test", job.run))
            assert (found.token_id, found.condition_id) == (str(stranger.tokens[0]), "")
            assert found.evidence == {"shares": 2 * MILLION, "named": stranger.condition_id}
            assert await kept.shares() == {}, "a statement changes nothing"
            alone = Reconcile(kept.connection, kept.wallet_id, kept.wallet, seen.data_api, seen.feed)
            for _ in range(2):
                assert unknown(await seen.runner.run(Job.RECONCILE, "test", alone.run)) == [], "its row was booked"

    run()
