"""What a worker answers of itself, and what the database answers of it, at every step of some minutes."""

from __future__ import annotations

from e2e.day import Day, day
from e2e.test_worker import until_resting, virtually
from tieout.app.stored_answer import stored_answer
from tieout.app.tie_answer import Verdict, answer_of
from tieout.store.controls import State
from tieout.store.tallies import comparisons


async def same(kept: Day, seconds: int, met: set[Verdict]) -> None:
    """For so long both say the same. A run is over for the database a moment before it is for the worker."""
    for _ in range(seconds // 5):
        await kept.wait(5_000)
        now_ms = kept.now_ms
        before = answer_of(kept.worker.state, now_ms)
        stored = await stored_answer(kept.connection, kept.wallet, now_ms)
        await kept.wait(1)
        assert stored in (before, answer_of(kept.worker.state, now_ms)), (before, stored)
        met.add(stored.verdict)


def test_the_database_gives_the_answer_that_the_worker_gives(dsn: str) -> None:
    async def run() -> None:
        met: set[Verdict] = set()
        async with day(dsn, markets=4, intensity=0.3) as kept:
            faults, connection = kept.scenario.faults, kept.connection
            await until_resting(kept)
            await same(kept, 30, met)
            faults.on("server-error", path="/rpc")
            await same(kept, 30, met)
            faults.off("server-error")
            await same(kept, 30, met)
            await kept.steer(State.PAUSED, "a look")
            await same(kept, 60, met)
            held = await connection.fetchval("SELECT max(token_id) FROM positions WHERE shares > 0")
            more = "UPDATE positions SET shares = shares + $2 WHERE token_id = $1"
            await connection.execute(more, held, 1_000_000)
            await same(kept, 40, met)
            await connection.execute(more, held, -1_000_000)
            await same(kept, 20, met)
            await kept.steer(State.ACTIVE, "looked")
            faults.on("outage", duration_ms=40_000)
            await same(kept, 90, met)
            assert met == {Verdict.TIES_OUT, Verdict.CANNOT_TELL, Verdict.DOES_NOT, Verdict.CATCHING_UP}
            last = (await comparisons(connection, [kept.wallet_id]))[kept.wallet_id]
            assert last.since_ms == kept.worker.state.tied_out_since_ms > 0
            late = await stored_answer(connection, kept.wallet, kept.now_ms + 300_000)
            assert (late.verdict, "nothing was compared for" in late.words) == (Verdict.CANNOT_TELL, True)

    virtually(run)
