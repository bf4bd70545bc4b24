"""The end of a life: nothing goes wrong any more, and within a bounded time everything must be equal to the unit."""

from __future__ import annotations

from tieout.app.history import verify_books
from tieout.ledger.invariants import audit
from tieout.sim.lives.house import House
from tieout.sim.lives.invariants import TICK_MS, Safety
from tieout.sim.lives.keeper import Keeper, steer
from tieout.sim.lives.options import MINUTE_MS
from tieout.sim.lives.verdict import ViolationError
from tieout.sim.oracle.reading import read_rows
from tieout.sim.oracle.verdict import Disagreement, disagreements
from tieout.sim.wire.errors import MARKET_NOT_READY
from tieout.store.controls import State, all_controls
from tieout.store.runs import IssueType, all_issues
from tieout.venue.addresses import CTF, POSITION_MANAGER

RESUMED_MS = 15 * MINUTE_MS
"""Within so much time after the last fault the worker quotes again."""

SETTLED_MS = 15 * MINUTE_MS
"""Within so much time after the last order was cancelled books and venue are equal."""

LOOK_MS = 20_000

HELD_BACK = f"%{MARKET_NOT_READY}%"
"""How the venue refuses orders of a market that it has paused itself."""

TRIES = 2
"""Rounds in which each order of a market was refused while nothing goes wrong; one may be bad luck: prices move."""


async def quotes_again(house: House, keeper: Keeper, safety: Safety) -> None:
    """Everything that was paused is lifted by a person; then the worker has to come back by itself."""
    end_ms = house.now_ms + RESUMED_MS
    lifted = False
    while True:
        running = keeper.running
        if running is not None and not running.task.done() and running.worker.state.phase == "running":
            if not lifted and house.wallet_id is not None:
                for control in await all_controls(house.connection, house.wallet_id):
                    if control.state is not State.ACTIVE:
                        house.note(f"lifted: {control.state} of {control.condition_id or 'all'}: {control.reason}")
                        await steer(house, State.ACTIVE, "go on", control.condition_id)
                lifted = True
            if not running.worker.state.why_not:
                return
        if house.now_ms > end_ms:
            state = running.worker.state if running is not None else None
            why = f"{state.phase}, {state.why_not}, {state.problem}" if state is not None else "no worker"
            raise ViolationError("LIVE", f"not quoting {RESUMED_MS // MINUTE_MS} minutes after the last fault: {why}")
        await house.wait(TICK_MS)
        await safety.look()


async def settles(house: House, safety: Safety) -> None:
    """Pause; then books, venue and oracle agree within a bounded time, and stay that way for one look more."""
    await steer(house, State.PAUSED, "quiet point")
    end_ms = house.now_ms + SETTLED_MS
    held = 0
    while True:
        await house.wait(LOOK_MS)
        await safety.look()
        found = await _disagreements(house)
        held = 0 if found else held + 1
        if held > 1:
            break
        if house.now_ms > end_ms:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise ViolationError(found[0].row, found[0].sentence + more)
    if house.wallet_id is not None:
        await _books_hold(house, house.wallet_id)
        await _causes(house, house.wallet_id)


async def stops(house: House, keeper: Keeper, calm_ms: int) -> None:
    """The worker goes on for a while, is stopped, and leaves nothing at the venue. All is calm since *calm_ms*."""
    await steer(house, State.ACTIVE, "go on")
    await house.wait(2 * MINUTE_MS)
    await _some_are_taken(house, calm_ms)
    if house.failed is not None:
        raise house.failed
    left = await keeper.end()
    resting = house.resting()
    if resting or left:
        raise ViolationError(
            "LEAK", f"{len(resting)} orders rest after the worker stopped, first {min(resting | set(left))}"
        )


async def _some_are_taken(house: House, calm_ms: int) -> None:
    """D2: of the orders of each market at least one was not refused, now that nothing goes wrong."""
    rows = await house.connection.fetch(
        "SELECT condition_id, count(*) AS tried, count(DISTINCT placed_at_ms) AS rounds, "
        "count(*) FILTER (WHERE state = 'rejected' AND reason NOT LIKE $3) AS refused FROM orders "
        "WHERE wallet_id = $1 AND placed_at_ms >= $2 GROUP BY condition_id ORDER BY condition_id",
        house.wallet_id,
        calm_ms,
        HELD_BACK,
    )
    for row in rows:
        if row["refused"] == row["tried"] and row["rounds"] >= TRIES:
            raise ViolationError("D2", f"each of {row['tried']} orders in market {row['condition_id']} was refused")


async def _disagreements(house: House) -> list[Disagreement]:
    if house.wallet_id is None:
        return [Disagreement("LIVE", "the wallet is not in the database")]
    rows = await read_rows(house.connection, house.wallet_id)
    found = disagreements(house.scenario.world, house.wallet, rows)
    for order in rows.orders:
        if order.gap:  # the oracle lets a match that never was be provisional; its time is over by now
            found.append(Disagreement("T1", f"order {order.order_id}: {order.gap} shares are provisional for ever"))
    if resting := house.resting():
        found.append(Disagreement("O1", f"{len(resting)} orders rest while paused, first {min(resting)}"))
    return found


async def _books_hold(house: House, wallet_id: int) -> None:
    """L1, L2 and every invariant of the folded books."""
    verification, books = await verify_books(house.connection, wallet_id)
    for row, broken in (("L2", verification.chain_breaks), ("L1", verification.differences)):
        if broken:
            raise ViolationError(row, broken[0])
    for finding in audit(list(books.books.values())):
        if finding.holds is False:
            raise ViolationError(finding.id, finding.violations[0])


async def _causes(house: House, wallet_id: int) -> None:
    """T2: what was corrected says why. R3: a drift is told by the balance of its own block."""
    chain = house.scenario.world.chain
    for issue in await all_issues(house.connection, wallet_id):
        if issue.type is IssueType.POSITION_DRIFT and "chain" in issue.evidence:
            told, token, block = issue.evidence["chain"], int(issue.token_id), issue.evidence["block"]
            held = sum(chain.tokens(ledger, house.wallet, token, block) for ledger in (CTF, POSITION_MANAGER))
            if told != held:
                raise ViolationError("R3", f"a drift says {told} of token {token} at block {block}, it was {held}")
        if issue.action == "CORRECTED" and not (issue.summary and issue.evidence):
            raise ViolationError("T2", f"issue {issue.issue_id} {issue.type}: corrected without evidence")
