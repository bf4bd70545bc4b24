"""Desks served for real, in a loop of their own beside the tests, over books with everything in them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import msgspec

from oracle.history import life, observe
from store.operations import leased
from store.test_log import booked
from support.database import ADDRESS, connected
from tieout.app.clock import now_ms
from tieout.app.importing import ImportRequest, import_files
from tieout.app.publishing import worker_status
from tieout.app.worker_state import WorkerState
from tieout.sim.lives.cluster import fresh
from tieout.store import controls, marks, requests, runs, statuses
from tieout.store.controls import Actor, Command, State
from tieout.store.embedded import EmbeddedServer
from tieout.store.marks import Mark
from tieout.store.requests import Kind
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome, Severity
from tieout.store.statuses import MarketName
from tieout.store.wallets import Lease
from tieout.web.house import DeskSettings
from tieout.web.serving import serving

T = TypeVar("T")

TOKEN = "a-token-that-is-long-enough"
BOSONA = "0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed"
OWNED = "0x0b0b" + "00" * 18
OWNER = "000000000-0000-0000-0000-000000000000"
PATIENCE_S = 60.0
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}


@dataclass
class Stage:
    """A loop in a thread, and what is served there until the end."""

    dsn: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    """Ids of the furnished wallet: condition, run, issue, request, raw."""

    def __post_init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="desks", daemon=True)
        self.thread.start()
        self.served: dict[str, AsyncExitStack] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What *work* gives in the loop."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, PATIENCE_S), self.loop).result()

    def serve(self, clock: Any = now_ms, **settings: Any) -> str:
        """The address of a new desk; of this machine alone, with a token, unless *settings* say otherwise."""
        given = DeskSettings(**{"dsn": self.dsn, "token": TOKEN, "port": 0, **settings})
        stack = AsyncExitStack()
        address = self.run(stack.enter_async_context(serving(given, clock)))
        self.served[address] = stack
        return address

    def stop(self, address: str) -> None:
        """End a desk."""
        self.run(self.served.pop(address).aclose())

    def query(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows of the database."""

        async def work() -> list[asyncpg.Record]:
            async with connected(self.dsn) as connection:
                return await connection.fetch(query, *arguments)

        return self.run(work())

    def close(self) -> None:
        """End all of it."""
        for address in list(self.served):
            self.stop(address)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE_S)
        self.loop.close()


def client(address: str, **more: Any) -> httpx.Client:
    """Somebody who asks the interface of the desk at *address*."""
    return httpx.Client(base_url=f"{address}/api/v1", timeout=PATIENCE_S, **more)


async def furnish(server: EmbeddedServer, name: str, shared: Path) -> tuple[str, dict[str, Any]]:
    """A database with three wallets: one with everything, one imported from the chain, one of a user channel."""
    await fresh(server.dsn(), name)
    dsn = server.dsn(name)
    facts = observe(life(5, 160), 5)
    await booked(dsn, facts)
    async with leased(dsn) as (connection, lease):
        names = await _worked(connection, lease)
    real = shared / "real"
    for wallet, owners, paths in (
        (BOSONA, frozenset(), (real / "activity", real / "receipts")),
        (OWNED, frozenset((OWNER,)), (real / "user-channel",)),
    ):
        await import_files(dsn, ImportRequest(wallet, owners, paths), lambda *_: None)
    return dsn, names


async def _worked(connection: asyncpg.Connection, lease: Lease) -> dict[str, Any]:
    """What a worker and a person leave beside the books of ADDRESS."""
    now, wallet_id = now_ms(), lease.wallet_id
    conditions = [
        row["condition_id"]
        for row in await connection.fetch(
            "SELECT DISTINCT condition_id FROM positions WHERE condition_id <> '' ORDER BY 1"
        )
    ]
    drift = Finding(
        IssueType.POSITION_DRIFT, Severity.ERROR, Action.LOGGED, "the books hold 2.0", conditions[0], "77", "",
        {"order_id": "0x" + "0d" * 32, "expected": 5},
    )  # fmt: skip
    issues = []
    for at_ms, job, findings, detail in (
        (now - 9_000, Job.FULL_SYNC, (drift,), {"positions": {"block": 7, "tokens": 4, "differences": 1}}),
        (now - 5_000, Job.POSITION_SYNC, (), {"block": 8, "tokens": 4, "differences": 0, "pending": 1}),
    ):
        run_id = await runs.start(connection, lease, job, "schedule", at_ms - 100)
        issues += [await runs.raise_issue(connection, wallet_id, each, at_ms, run_id) for each in findings]
        outcome = Outcome.ISSUES if findings else Outcome.OK
        await runs.finish(connection, lease, run_id, outcome, at_ms, detail)
    for number in range(5):
        finding = Finding(IssueType.ORDER_MISMATCH, Severity.WARN, Action.CORRECTED, "a price", order_id=f"0x{number}")
        issues.append(await runs.raise_issue(connection, wallet_id, finding, now - number))
    await runs.acknowledge(connection, wallet_id, issues.pop(), "ann", now)
    for number in range(8):
        mark = Mark(now - 3_600_000 + number, 5_000_000, 7_500_000, 6_000_000, -250_000 + number, 1_234, 40_000, 3, 1)
        await marks.append(connection, wallet_id, mark)
    await statuses.put_names(connection, wallet_id, [MarketName(conditions[0], "Rain?", "rain", ("Yes", "No"))])
    shown = {**MARKET, "resting": [{**QUOTE, "order_id": "0x01", "remaining": 5_000_000}]}
    await statuses.put_markets(connection, wallet_id, {conditions[0]: json.dumps(shown).encode()}, now)
    state = WorkerState(ADDRESS, is_live=True, started_ms=now, phase="running", why_not="", feed_live=True)
    await statuses.put_worker(connection, wallet_id, msgspec.json.encode(worker_status(state)), now)
    await controls.set_state(
        connection, wallet_id, Command(conditions[1], State.PAUSED, "news", "ann", Actor.PERSON), now
    )
    raw_id = await connection.fetchval(
        "INSERT INTO raw_message (wallet_id, received_at_ms, source, origin, body, digest) "
        "VALUES ($1, $2, 'test', 'here', $3, $4) RETURNING raw_id",
        wallet_id,
        now,
        b"\xff\xfe no text",
        bytes(16),
    )
    await connection.execute("INSERT INTO raw_problem VALUES ($1, 'undecodable', 'no JSON')", raw_id)
    request = await requests.ask(connection, wallet_id, Kind.FULL_SYNC, "ann", now)
    return {"conditions": conditions, "issues": issues, "raw": raw_id, "request": request}


QUOTE = {"outcome": 0, "side": "BUY", "price": 400_000, "size": 5_000_000, "tier": 0}
MARKET = {
    "tick": 10_000,
    "min_size": 5_000_000,
    "fair": 450_000,
    "why_not": "",
    "reasons": ["tier 1 is within the band"],
    "end_at_ms": 1_800_000_000_000,
    "book": {
        "bids": [[[440_000, 1_000_000], [430_000, 2_000_000]], [[530_000, 9_000_000]]],
        "asks": [[[470_000, 9_000_000]], [[560_000, 1_000_000]]],
    },
    "quotes": [QUOTE],
}
