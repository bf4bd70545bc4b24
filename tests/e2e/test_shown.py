"""What a running worker shows of itself in the database, and what it does when it is asked by it."""

from __future__ import annotations

import msgspec

from e2e.day import day
from e2e.test_worker import until_resting, virtually
from tieout.app.adjusting import preview
from tieout.app.demo import demo_config
from tieout.app.desk.by_hand import Draft, EntryKind, entry_of
from tieout.app.desk.markets import market_lines
from tieout.app.publishing import Publisher
from tieout.client.clock import LoopClock
from tieout.ledger.facts import encode
from tieout.store import requests, statuses
from tieout.store.requests import Kind, Request
from tieout.store.runs import Job, recent


def test_what_a_worker_shows_is_what_it_has_and_is_written_when_it_changes(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=2, intensity=0.3) as kept:
            await until_resting(kept)
            connection, state = kept.connection, kept.worker.state
            config = demo_config(kept.wallet, "http://127.0.0.1:1/a-key-of-the-node", 2)
            publisher = Publisher(state, LoopClock(lambda: kept.now_ms), config)
            await publisher.publish(connection)
            shown = await statuses.worker(connection, kept.wallet_id)
            assert shown is not None
            assert (shown.values["phase"], shown.values["is_live"], shown.values["feed_live"]) == (
                "running",
                True,
                True,
            )
            assert shown.values["config"]["params"]["tiers"] == config.params.tiers
            assert "a-key-of-the-node" not in msgspec.json.encode(shown.values).decode()
            lines = {line.condition_id: line for line in await market_lines(connection, kept.wallet_id)}
            assert lines.keys() == state.markets.keys()
            for condition_id, market in state.markets.items():
                line = lines[condition_id]
                assert line.title == market.market.question
                assert {order["order_id"] for order in line.resting} == {order.id for order in market.resting}
                assert market.book is not None
                assert line.bid == (market.book.bids[0][0][0] if market.book.bids[0] else None)
                assert line.status["fair"] == market.fair
            before = {cid: status.at_ms for cid, status in (await statuses.markets(connection, kept.wallet_id)).items()}
            changed = next(iter(state.markets))
            state.markets[changed].why_not = "a look"
            await kept.wait(1)
            await publisher.publish(connection)
            after = await statuses.markets(connection, kept.wallet_id)
            assert {cid for cid, status in after.items() if status.at_ms != before[cid]} == {changed}
            assert after[changed].values["why_not"] == "a look"

    virtually(run)


def test_a_running_worker_does_what_it_is_asked_and_says_what_became_of_it(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=2, intensity=0.3) as kept:
            await until_resting(kept)
            connection, wallet_id = kept.connection, kept.wallet_id

            async def done(kind: Kind, arguments: dict[str, str] | None = None) -> Request:
                asked = await requests.ask(connection, wallet_id, kind, "ana", kept.now_ms, arguments)
                while True:
                    found = await requests.get(connection, wallet_id, asked)
                    assert found is not None
                    if found.done_at_ms is not None:
                        return found
                    await kept.wait(500)

            assert (await done(Kind.FULL_SYNC)).outcome == "the next job is a full sync"
            await kept.wait(10_000)
            last = (await recent(connection, wallet_id, job=Job.FULL_SYNC, limit=1))[0]
            assert last.reason == "asked for by ana"
            assert (await done(Kind.ALERT_TEST)).outcome == "nobody is to be told"
            draft = Draft(EntryKind.CASH_IN, "ana", "found under the table", kept.now_ms, amount="5")
            entry = await entry_of(connection, kept.wallet, wallet_id, draft)
            shown = await preview(connection, kept.wallet, entry)
            arguments = {"entry": encode(entry).decode(), "effect": shown.effect_digest}
            other = await done(Kind.ADJUST, {**arguments, "effect": "another"})
            assert other.outcome.startswith("refused: the books changed since it was shown")
            found = "SELECT count(*) FROM log WHERE wallet_id = $1 AND position($2 in fact) > 0"
            assert await connection.fetchval(found, wallet_id, entry.entry_id) == 0
            assert (await done(Kind.ADJUST, arguments)).outcome == f"booked as entry {entry.entry_id}"
            assert await connection.fetchval(found, wallet_id, entry.entry_id) == 1
            assert msgspec.json.decode(arguments["entry"])["who"] == "ana"

    virtually(run)
