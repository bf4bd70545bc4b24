"""The doctor on what the database keeps: schema, room, comparison, issues, controls; and words for each check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from app.clinic import Clinic, clinic
from app.test_stored_answer import CLEAN, DRIFT, ran
from support.database import connected, in_loop
from tieout.app.backing import make_backup
from tieout.app.config import Config
from tieout.app.doctor import Finding, Patient, State
from tieout.app.doctor_checks import checks_of
from tieout.app.doctor_keeping import BACKUP_MS, FREE_FAIL, FREE_WARN, room
from tieout.app.doctor_words import CONFIGURATION, EXPLAINED, explained
from tieout.app.settings import Settings
from tieout.client.clock import LoopClock
from tieout.client.endpoints import Endpoints
from tieout.client.transport import HttpCarrier
from tieout.store import runs
from tieout.store.controls import WHOLE_WALLET, Actor, Command, set_state
from tieout.store.controls import State as Held
from tieout.store.runs import Job
from tieout.store.wallets import Lease, acquire, add_wallet


async def one(visit: Clinic, name: str) -> Finding:
    return (await visit.look(name))[name]


@in_loop
async def test_an_older_schema_is_said_and_left_alone_and_what_needs_the_newest_says_so(dsn: str) -> None:
    async with clinic(dsn) as visit, connected(dsn) as connection:
        await add_wallet(connection, visit.account.address)
        await connection.execute("UPDATE alembic_version SET version_num = '0001'")
        found = await visit.look("schema", "controls", "database")
        assert (found["schema"].state, "at the next start" in found["schema"].text) == (State.WARN, True)
        assert "tieout db backup" in found["schema"].todo
        assert (found["controls"].state, found["controls"].text) == (
            State.UNKNOWN,
            "it needs the newest schema, see there",
        )
        assert found["database"].state is State.OK
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0001"
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
        assert (await one(visit, "schema")).state is State.FAIL
        await connection.execute("DROP TABLE alembic_version")
        assert "none yet" in (await one(visit, "schema")).text


async def held(visit: Clinic, connection: asyncpg.Connection) -> Lease:
    return await acquire(connection, visit.account.address, exclusive=True)


@in_loop
async def test_the_last_comparison_is_told_by_its_age_and_fails_when_a_worker_makes_none(dsn: str) -> None:
    async with clinic(dsn) as visit, connected(dsn) as looking:
        assert "no worker has compared" in (await one(visit, "last comparison")).text
        now_ms = visit.clock.now_ms()
        async with connected(dsn) as connection:
            lease = await held(visit, connection)
            await ran(connection, lease, Job.POSITION_SYNC, now_ms - 180_000, **CLEAN)
            found = await one(visit, "last comparison")
            assert (found.state, found.text) == (
                State.FAIL,
                "4 balances equalled block 7 3 minutes ago, and none since: nothing was compared for 180 seconds",
            )
            await ran(connection, lease, Job.POSITION_SYNC, now_ms - 5_000, **CLEAN)
            found = await one(visit, "last comparison")
            assert (found.state, found.text) == (State.OK, "4 balances equalled block 7 5 seconds ago")
        visit.clock.off_ms += 3 * 86_400_000
        found = await one(visit, "last comparison")
        assert (found.state, found.text) == (State.OK, "4 balances equalled block 7 3 days ago"), "no worker runs"
        visit.clock.off_ms = 0
        lease = await held(visit, looking)
        await ran(looking, lease, Job.POSITION_SYNC, now_ms - 4_000, DRIFT, **{**CLEAN, "differences": 1})
        found = await one(visit, "last comparison")
        assert (found.state, found.text) == (State.FAIL, "the books hold 2.0")
        issues = await one(visit, "open issues")
        assert (issues.state, issues.text) == (State.WARN, "ERROR POSITION_DRIFT: the books hold 2.0")
        for issue in await runs.open_issues(looking, lease.wallet_id):
            await runs.acknowledge(looking, lease.wallet_id, issue.issue_id, "ann", now_ms)
        assert (await one(visit, "open issues")).state is State.OK


@in_loop
async def test_a_pause_warns_and_a_halt_by_an_invariant_fails(dsn: str) -> None:
    async with clinic(dsn) as visit, connected(dsn) as connection:
        lease = await held(visit, connection)

        async def after(condition: str, state: Held, actor: Actor) -> tuple[State, str]:
            command = Command(condition, state, "a look", "ann", actor, force=True)
            await set_state(connection, lease.wallet_id, command, visit.clock.now_ms())
            found = await one(visit, "controls")
            return found.state, found.text

        assert (await one(visit, "controls")).state is State.OK
        assert await after("0xc1", Held.PAUSED, Actor.PERSON) == (State.WARN, "1 market held, first by ann: a look")
        told = await after(WHOLE_WALLET, Held.PAUSED, Actor.PERSON)
        assert told == (State.WARN, "the whole wallet is paused by ann: a look")
        assert (await after(WHOLE_WALLET, Held.HALTED, Actor.INVARIANT))[0] is State.FAIL
        await after(WHOLE_WALLET, Held.ACTIVE, Actor.PERSON)
        assert (await after("0xc1", Held.ACTIVE, Actor.PERSON))[0] is State.OK


@pytest.mark.parametrize(
    ("free", "size", "state"),
    [
        (FREE_FAIL - 1, 1, State.FAIL),
        (FREE_FAIL, 1, State.WARN),
        (FREE_WARN - 1, 1, State.WARN),
        (FREE_WARN, FREE_WARN, State.OK),
        (FREE_WARN, FREE_WARN + 1, State.WARN),
        (None, 10**12, State.OK),
    ],
)
def test_room_is_judged_by_what_is_free_and_by_what_the_database_takes(free: int, size: int, state: State) -> None:
    assert room(free, size).state is state


@in_loop
async def test_the_newest_backup_is_looked_at_where_a_directory_is_named(dsn: str, tmp_path: Path) -> None:
    async with clinic(dsn) as visit:
        assert "backup" not in await visit.look("backup")
        visit.settings = Settings(db=dsn, backups=tmp_path / "absent")
        assert (await one(visit, "backup")).state is State.FAIL
        visit.settings = Settings(db=dsn, backups=tmp_path)
        assert "none in" in (await one(visit, "backup")).text
        now_ms = visit.clock.now_ms()
        await make_backup(visit.settings, tmp_path, now_ms - 7_200_000, lambda *_: None)
        assert "this wallet is not in it" in (await one(visit, "backup")).text
        async with connected(dsn) as connection:
            await add_wallet(connection, visit.account.address)
        made = await make_backup(visit.settings, tmp_path, now_ms - 3_600_000, lambda *_: None)
        found = await one(visit, "backup")
        assert (found.state, found.text) == (State.OK, f"{made.path.name}, 1 hour old, one of 2")
        visit.clock.off_ms += BACKUP_MS - 3_600_000 + 1
        assert (await one(visit, "backup")).state is State.WARN
        made.path.write_bytes(b"")
        assert (await one(visit, "backup")).state is State.FAIL


@in_loop
async def test_every_check_says_what_it_means_how_we_know_and_what_to_do() -> None:
    for nodes in ((), ("http://127.0.0.1:9/a",), ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b")):
        places = replace(Endpoints.of("http://127.0.0.1:9"), rpc=nodes)
        config = Config(wallet="0x" + "1" * 40, endpoints=places)
        async with HttpCarrier() as carrier:
            patient = Patient(config, Settings(backups=Path()), LoopClock(lambda: 1), carrier, {})
            names = {CONFIGURATION, *checks_of(patient)}
            patient.end()
        for name in names:
            for words in explained(name):
                assert len(words) > 30, name
    assert {explained(name) for name in names} == set(EXPLAINED.values())
