"""Controls: whether a wallet, or one market of it, may be quoted; who said so and why.

A control applies to one market or, with an empty condition, to all of the wallet. Whoever sets it, everybody may make
it stricter. To loosen it takes as much as it was set with: a worker lifts what workers set, a person also what a
person set, and a halt set by an invariant is lifted only by a person with force. The database decides that
(`set_control` in 0002_operations.sql), writes the history and announces the change on channel `tieout`, as bookings
are: "address control condition".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from tieout.store.errors import StoreError

WHOLE_WALLET = ""
"""The condition of a control that applies to all markets."""


class State(StrEnum):
    """From the loosest to the strictest. Paused: no new quotes, resting ones are cancelled; halted: nothing until a
    person has looked.
    """

    ACTIVE = "active"
    PAUSED = "paused"
    HALTED = "halted"


class Actor(StrEnum):
    """On whose authority a control is set."""

    WORKER = "worker"
    PERSON = "person"
    INVARIANT = "invariant"


class Lift(StrEnum):
    """What it takes to loosen a control."""

    ANYONE = "anyone"
    PERSON = "person"
    FORCE = "force"


class ControlHeldError(StoreError):
    """The control may not be loosened by this actor; `lift` says what it takes."""

    def __init__(self, message: str, lift: Lift) -> None:
        super().__init__(message)
        self.lift = lift


@dataclass(frozen=True, slots=True)
class Control:
    """A state and where it comes from. An active one that nobody ever set has no reason, no `who` and time 0."""

    condition_id: str
    state: State = State.ACTIVE
    reason: str = ""
    who: str = ""
    at_ms: int = 0
    lift: Lift = Lift.ANYONE


@dataclass(frozen=True, slots=True)
class Command:
    """A change that is asked for. `force` lifts the halt of an invariant."""

    condition_id: str
    state: State
    reason: str
    who: str
    actor: Actor
    force: bool = False


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """One change in the history of a control."""

    condition_id: str
    before: State
    state: State
    reason: str
    who: str
    actor: Actor
    forced: bool
    at_ms: int


_STRICTNESS = {state: rank for rank, state in enumerate(State)}


def strictest(controls: Sequence[Control]) -> Control:
    """The one that decides; the first among equals."""
    return max(controls, key=lambda control: _STRICTNESS[control.state])


async def state_of(connection: asyncpg.Connection, wallet_id: int, condition_id: str) -> Control:
    """The control that decides over one market: the stricter of its own and the whole wallet's."""
    found = {control.condition_id: control for control in await _read(connection, wallet_id, condition_id)}
    own = found.get(condition_id, Control(condition_id))
    return strictest([own, found.get(WHOLE_WALLET, own)])


async def all_controls(connection: asyncpg.Connection, wallet_id: int) -> list[Control]:
    """Every control of the wallet that was ever set, the whole wallet's first, then by condition."""
    return await _read(connection, wallet_id, None)


async def _read(connection: asyncpg.Connection, wallet_id: int, condition_id: str | None) -> list[Control]:
    rows = await connection.fetch(
        "SELECT condition_id, state, reason, who, at_ms, lift FROM control WHERE wallet_id = $1 "
        "AND ($2::text IS NULL OR condition_id = $2 OR condition_id = '') ORDER BY condition_id",
        wallet_id,
        condition_id,
    )
    return [Control(cid, State(state), why, who, at_ms, Lift(lift)) for cid, state, why, who, at_ms, lift in rows]


async def set_state(connection: asyncpg.Connection, wallet_id: int, command: Command, at_ms: int) -> bool:
    """Carry out *command*, announced when the transaction commits; whether it changed anything.

    Raises ControlHeldError when *command* would loosen what its actor may not.
    """
    try:
        return bool(
            await connection.fetchval(
                "SELECT set_control($1, $2, $3, $4, $5, $6, $7, $8)",
                wallet_id,
                command.condition_id,
                command.state.value,
                command.reason,
                command.who,
                command.actor.value,
                command.force,
                at_ms,
            )
        )
    except asyncpg.PostgresError as error:
        if getattr(error, "sqlstate", "") != "TI004":
            raise
        lift = Lift(str(getattr(error, "hint", "")))
        needed = "a person with force" if lift is Lift.FORCE else "a person"
        raise ControlHeldError(f"{error.args[0]}: only {needed} may lift that", lift) from error


async def was_set(connection: asyncpg.Connection, wallet_id: int, condition_id: str, state: State, reason: str) -> bool:
    """Whether the control was in that state for that reason at any time."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT 1 FROM control_event WHERE wallet_id = $1 AND condition_id = $2 AND state = $3 "
            "AND reason = $4)",
            wallet_id,
            condition_id,
            state.value,
            reason,
        )
    )


async def history(connection: asyncpg.Connection, wallet_id: int, *, limit: int = 100) -> list[ControlEvent]:
    """The last changes of the wallet's controls, newest first."""
    rows = await connection.fetch(
        "SELECT condition_id, before, state, reason, who, actor, forced, at_ms FROM control_event "
        "WHERE wallet_id = $1 ORDER BY seq DESC LIMIT $2",
        wallet_id,
        limit,
    )
    return [
        ControlEvent(condition_id, State(before), State(state), reason, who, Actor(actor), forced, at_ms)
        for condition_id, before, state, reason, who, actor, forced, at_ms in rows
    ]
