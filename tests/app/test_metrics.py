"""The metrics: every figure is what the tables say, in Prometheus' format, and no query reads what grows for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from store.operations import leased
from store.test_log import booked
from support.database import ADDRESS, connected, in_loop
from tieout.app.metrics import DATABASE_METRICS, metrics_text
from tieout.app.metrics_list import MARKET_METRICS, METRICS
from tieout.app.metrics_reading import QUERIES
from tieout.store import controls, marks, runs, statuses
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State
from tieout.store.marks import Mark
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome, Severity
from tieout.store.statuses import MarketName
from tieout.store.wallets import Lease, acquire

NOW = 1_790_000_000_000
OTHER = "0x" + "b2" * 20
STATUS = {
    "phase": "running",
    "why_not": "",
    "is_live": True,
    "feed_live": True,
    "latency_ms": {"p50": 7, "p99": None},
    "sent": {"placed": 3, "cancelled": 1},
    "alerts": {"sent": 2, "failed": 1, "dropped": 0, "problem": "the webhook answered 500"},
}

Series = dict[tuple[str, ...], float]


async def scraped(connection: asyncpg.Connection, markets: int = 0, at_ms: int = NOW) -> dict[str, Series]:
    """Samples by name; the labels of each as sorted "name=value", without that of the wallet under test."""
    text = (await metrics_text(connection, at_ms, markets)).decode()
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sorted(f"{k}={v}" for k, v in sample.labels.items() if (k, v) != ("wallet", ADDRESS)))
            assert labels not in found.setdefault(sample.name, {}), "a series is there twice"
            found[sample.name][labels] = sample.value
    return found


async def worked(connection: asyncpg.Connection, lease: Lease) -> None:
    """What a worker leaves beside the books."""
    for at_ms, outcome in ((NOW - 9_000, Outcome.OK), (NOW - 5_000, Outcome.FAILED)):
        run_id = await runs.start(connection, lease, Job.POSITION_SYNC, "schedule", at_ms - 250)
        detail = {"block": 7, "tokens": 4, "differences": 0, "pending": 1} if outcome is Outcome.OK else {}
        await runs.finish(connection, lease, run_id, outcome, at_ms, detail)
    for token, severity in (("1", Severity.WARN), ("2", Severity.WARN), ("3", Severity.ERROR)):
        finding = Finding(IssueType.POSITION_DRIFT, severity, Action.LOGGED, "differs", token_id=token)
        await runs.raise_issue(connection, lease.wallet_id, finding, NOW)
    for condition, state in (("0xc1", State.PAUSED), ("0xc2", State.HALTED), (WHOLE_WALLET, State.PAUSED)):
        await controls.set_state(connection, lease.wallet_id, Command(condition, state, "x", "ann", Actor.PERSON), NOW)
    mark = Mark(NOW - 30_000, 5_000_000, 7_500_000, 6_000_000, -250_000, 1_234, 40_000, 3, 1)
    await marks.append(connection, lease.wallet_id, mark)
    await statuses.put_worker(connection, lease.wallet_id, json.dumps(STATUS).encode(), NOW - 1_000)
    await connection.execute(
        "INSERT INTO raw_message (wallet_id, received_at_ms, source, origin, body, digest) "
        "SELECT $1, 1, 'x', 'x', 'x', int8send(n) || int8send(n) FROM generate_series(1, 3) AS n",
        lease.wallet_id,
    )
    ids = [row[0] for row in await connection.fetch("SELECT raw_id FROM raw_message ORDER BY raw_id DESC LIMIT 3")]
    codes = ("undecodable", "undecodable", "foreign")
    await connection.executemany(
        "INSERT INTO raw_problem VALUES ($1, $2, 'why')", [*zip(ids, codes, strict=True), (ids[0], "undecodable ")]
    )
    await connection.execute("INSERT INTO unknown_seen VALUES ($1, 'field', 'a.b', 5, 1)", lease.wallet_id)
    await connection.execute("INSERT INTO unknown_seen VALUES ($1, 'field', 'a.c', 2, 1)", lease.wallet_id)


@in_loop
async def test_every_figure_is_what_the_tables_say(dsn: str) -> None:
    wallet_id = await booked(dsn)
    async with leased(dsn) as (connection, lease):
        await worked(connection, lease)
        await acquire(connection, OTHER)
        found = await scraped(connection)
        sums = await connection.fetchrow(
            "SELECT sum(realized_pnl)::bigint, sum(fees)::bigint, sum(cost_basis)::bigint, "
            "count(*) FILTER (WHERE shares > 0) FROM positions"
        )
        fills = await connection.fetchval("SELECT count(*) FROM movements WHERE kind IN ('buy', 'sell')")
        head = await connection.fetchval("SELECT head_seq FROM wallet WHERE wallet_id = $1", wallet_id)
        states = await connection.fetch(
            "SELECT state, count(*) FROM orders WHERE state IN ('live', 'intended', 'closing') GROUP BY state"
        )
        gaps = await connection.fetchval("SELECT count(*) FROM orders WHERE provisional > 0")

    def one(name: str) -> float:
        return found[f"tieout_{name}"][()]

    assert fills
    assert gaps
    assert states
    assert (one("fills_total"), one("log_entries_total"), one("provisional_fills")) == (fills, head, gaps)
    assert found["tieout_orders"] == {(f"state={state}",): count for state, count in states}
    assert one("realized_pnl_dollars") == pytest.approx(sums[0] / 1e6)
    assert one("realized_pnl_after_fees_dollars") == pytest.approx((sums[0] - sums[1]) / 1e6)
    assert (one("cost_basis_dollars"), one("positions")) == (pytest.approx(sums[2] / 1e6), sums[3])
    assert one("exposure_dollars") == pytest.approx(one("cost_basis_dollars") + one("open_buys_dollars"))
    assert (one("cash_dollars"), one("market_value_dollars"), one("pnl_dollars")) == (5.0, 7.5, 1.288766)
    assert (one("mark_age_seconds"), one("unpriced_positions")) == (30.0, 1)
    assert (one("clean_comparison_age_seconds"), one("clean_comparison_block")) == (9.0, 7)
    assert one("clean_comparison_timestamp_seconds") == (NOW - 9_000) / 1_000
    assert found["tieout_verdict"] == {
        ("tieout_verdict=ties_out",): 0,
        ("tieout_verdict=catching_up",): 0,
        ("tieout_verdict=cannot_tell",): 1,
        ("tieout_verdict=does_not_tie_out",): 0,
        ("tieout_verdict=ties_out", f"wallet={OTHER}"): 0,
        ("tieout_verdict=catching_up", f"wallet={OTHER}"): 0,
        ("tieout_verdict=cannot_tell", f"wallet={OTHER}"): 1,
        ("tieout_verdict=does_not_tie_out", f"wallet={OTHER}"): 0,
    }
    assert one("ties_out") == 0
    assert found["tieout_open_issues"] == {
        ("severity=ERROR", "type=POSITION_DRIFT"): 1,
        ("severity=WARN", "type=POSITION_DRIFT"): 2,
    }
    assert found["tieout_runs_total"] == {
        ("outcome=ok", "worker_job=position_sync"): 1,
        ("outcome=failed", "worker_job=position_sync"): 1,
    }
    assert found["tieout_last_run_seconds"] == {("worker_job=position_sync",): 0.25}
    assert found["tieout_last_run_timestamp_seconds"] == {("worker_job=position_sync",): (NOW - 5_000) / 1_000}
    assert found["tieout_undecodable_messages_total"][("code=undecodable",)] == 2
    assert found["tieout_unknown_names"] == {("kind=field",): 2}
    assert found["tieout_unknown_names_seen_total"] == {("kind=field",): 7}
    assert found["tieout_control"][("tieout_control=paused",)] == 1
    assert found["tieout_held_markets"][("state=halted",)] == 1
    assert found["tieout_fill_latency_seconds"] == {("quantile=0.5",): 0.007}
    assert found["tieout_sent_total"] == {("outcome=placed",): 3, ("outcome=cancelled",): 1}
    assert found["tieout_alerts_total"] == {("outcome=sent",): 2, ("outcome=failed",): 1, ("outcome=dropped",): 0}
    assert (one("worker_up"), one("quoting"), one("user_feed_up"), one("worker_live")) == (1, 1, 1, 1)
    assert found["tieout_wallets"] == {(): 2}


@in_loop
async def test_a_worker_that_does_not_show_itself_any_more_is_down_and_tells_nothing(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        await statuses.put_worker(connection, lease.wallet_id, json.dumps(STATUS).encode(), NOW - 16_000)
        found = await scraped(connection)
        assert found["tieout_worker_up"] == {(): 0}
        assert "tieout_quoting" not in found
        assert "tieout_fill_latency_seconds" not in found
        assert "tieout_sent_total" not in found
        assert "tieout_clean_comparison_age_seconds" not in found


@in_loop
async def test_markets_have_series_of_their_own_only_when_they_are_asked_for_and_only_so_many(dsn: str) -> None:
    wallet_id = await booked(dsn)
    names = {exported.name for exported in MARKET_METRICS}
    async with connected(dsn) as connection:
        rows = await connection.fetch(
            "SELECT condition_id, sum(cost_basis)::bigint AS cost FROM positions WHERE condition_id <> '' "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        assert len(rows) > 2
        strange = MarketName(rows[0]["condition_id"], "?", 'a "strange"\\\nname', ())
        await statuses.put_names(connection, wallet_id, [strange])
        assert not names & (await scraped(connection)).keys()
        found = await scraped(connection, markets=2)
    costs = found["tieout_market_cost_basis_dollars"]
    assert len(costs) == 2
    assert costs[f"condition={rows[0]['condition_id']}", f"slug={strange.slug}"] == rows[0]["cost"] / 1e6
    assert costs[f"condition={rows[1]['condition_id']}", "slug="] == rows[1]["cost"] / 1e6


@in_loop
async def test_the_format_has_one_help_and_type_for_each_metric_and_labels_as_they_are_listed(dsn: str) -> None:
    await booked(dsn)
    async with leased(dsn) as (connection, lease):
        await worked(connection, lease)
        text = (await metrics_text(connection, NOW, 5)).decode()
    listed = {exported.name: exported.label_names for exported in (*METRICS, *MARKET_METRICS)} | DATABASE_METRICS
    helped = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert sorted(helped) == sorted(listed)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert frozenset(sample.labels) == listed[sample.name]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


FILLED = """
INSERT INTO movements SELECT $1, 'fill/' || n, 'buy', n, n, 't' || n % 1000, 'c' || n % 500, 1, 1, 0, -1,
    CASE n % 5000 WHEN 0 THEN 'MINED' ELSE 'CONFIRMED' END, 'MAKER', 'o' || n, '', '' FROM generate_series(1, 20000) n;
"""


@in_loop
async def test_no_query_reads_what_grows_for_ever(dsn: str) -> None:
    growing = {"movements", "orders", "sync_run", "raw_message", "raw_problem", "log"}
    async with connected(dsn) as connection:
        await connection.execute("SET synchronous_commit = on")  # VACUUM marks only what is on disk as seen by all
        wallet_id = (await acquire(connection, ADDRESS)).wallet_id
        await connection.execute(FILLED.replace("$1", str(wallet_id)))
        await connection.execute(
            f"INSERT INTO orders SELECT {wallet_id}, 'o' || n, 't', 'c', 'BUY', 1, 1, 'GTC', n, "
            "CASE n % 500 WHEN 0 THEN 'live' ELSE 'closed' END, 0, 0, 0, 0, 0, '' FROM generate_series(1, 20000) n"
        )
        await connection.execute(
            "INSERT INTO raw_message (wallet_id, received_at_ms, source, origin, body, digest) "
            f"SELECT {wallet_id}, 1, 'x', 'x', 'x', int8send(n) || int8send(n) FROM generate_series(1, 20000) AS n"
        )
        await connection.execute("INSERT INTO raw_problem SELECT raw_id, 'foreign', 'why' FROM raw_message")
        await connection.execute("VACUUM ANALYZE movements, orders, raw_message, raw_problem")
        for name, query in QUERIES.items():
            plan = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {query}", [wallet_id]))[0]["Plan"]
            for node in nodes(plan):
                if node.get("Relation Name") in growing:
                    assert node["Node Type"] not in ("Seq Scan", "Parallel Seq Scan"), (name, node)
                    if name == "fills":
                        assert node["Node Type"] == "Index Only Scan"
