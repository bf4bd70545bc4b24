"""What people can do at the desk and by its interface: carried out, written down with who and why, and told in a
sentence. Whatever is refused is written down, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from tieout.store import controls, requests, runs
from tieout.store.controls import WHOLE_WALLET, Actor, Command, ControlHeldError, Lift, State
from tieout.store.requests import Deed, Kind

WORDS_MAX = 500
"""Characters of a reason."""

WHO_MAX = 80


class Act(StrEnum):
    """The actions, but for entries by hand (`adjusting`)."""

    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    CANCEL_ALL = "cancel-all"
    ACKNOWLEDGE = "acknowledge"
    ALERT_TEST = "alert-test"
    FULL_SYNC = "full-sync"


class RefusedError(Exception):
    """It was not done; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants. `condition_id` "" is the whole wallet; `force` lifts the halt of an invariant."""

    act: Act
    who: str
    why: str = ""
    condition_id: str = WHOLE_WALLET
    issue_id: int | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it. `request_id`: a worker has to carry it out."""

    changed: bool
    words: str
    request_id: int | None = None


_STATES = {Act.PAUSE: State.PAUSED, Act.RESUME: State.ACTIVE, Act.HALT: State.HALTED, Act.CANCEL_ALL: State.PAUSED}
_KINDS = {Act.ALERT_TEST: Kind.ALERT_TEST, Act.FULL_SYNC: Kind.FULL_SYNC}

CANCEL_WORDS = "cancel all orders"
"""What the reason of such a pause begins with."""


async def act(connection: asyncpg.Connection, wallet_id: int, wish: Wish, now_ms: int) -> Done:
    """Carry *wish* out. Raises RefusedError, then only the refusal is written down."""
    try:
        checked = _checked(wish)
        async with connection.transaction():
            done = await _do(connection, wallet_id, checked, now_ms)
            await _note(connection, wallet_id, wish, done.words, now_ms)
    except RefusedError as error:
        await _note(connection, wallet_id, wish, f"refused: {error}", now_ms)
        raise
    return done


def _checked(wish: Wish) -> Wish:
    if not wish.who.strip() or len(wish.who) > WHO_MAX or not wish.who.isprintable():
        raise RefusedError(f"expected who does it, of at most {WHO_MAX} printable characters")
    if wish.act in _STATES and not wish.why.strip():
        raise RefusedError("expected a reason: it is kept in the history")
    if len(wish.why) > WORDS_MAX or not wish.why.isprintable():
        raise RefusedError(f"expected a reason of at most {WORDS_MAX} printable characters on one line")
    return wish


async def _do(connection: asyncpg.Connection, wallet_id: int, wish: Wish, now_ms: int) -> Done:
    if wish.act in _STATES:
        return await _steer(connection, wallet_id, wish, now_ms)
    if wish.act is Act.ACKNOWLEDGE:
        return await _acknowledge(connection, wallet_id, wish, now_ms)
    request_id = await requests.ask(connection, wallet_id, _KINDS[wish.act], wish.who, now_ms)
    return Done(True, "asked of the worker that runs this wallet", request_id)


async def _steer(connection: asyncpg.Connection, wallet_id: int, wish: Wish, now_ms: int) -> Done:
    state = _STATES[wish.act]
    why = wish.why.strip()
    reason = f"{CANCEL_WORDS}: {why}" if wish.act is Act.CANCEL_ALL else why
    command = Command(wish.condition_id, state, reason, wish.who, Actor.PERSON, wish.force)
    where = f"market {wish.condition_id}" if wish.condition_id else "the whole wallet"
    try:
        changed = await controls.set_state(connection, wallet_id, command, now_ms)
    except ControlHeldError as error:
        advice = "; find the cause first, then resume with force" if error.lift is Lift.FORCE else ""
        raise RefusedError(f"{where} stays as it is: {error}{advice}") from error
    words = f"{where} is {state.value}" if changed else f"{where} was {state.value} already"
    if wish.act is Act.CANCEL_ALL:
        words += "; every resting order is cancelled in the next round, and nothing is placed until somebody resumes"
    return Done(changed, words)


async def _acknowledge(connection: asyncpg.Connection, wallet_id: int, wish: Wish, now_ms: int) -> Done:
    if wish.issue_id is None:
        raise RefusedError("expected the number of an incident")
    before = await runs.get_issue(connection, wallet_id, wish.issue_id)
    if before is None:
        raise RefusedError(f"this wallet has no incident {wish.issue_id}")
    if not before.is_open:
        return Done(False, f"incident {wish.issue_id} was acknowledged by {before.acknowledged_by} already")
    await runs.acknowledge(connection, wallet_id, wish.issue_id, wish.who, now_ms)
    return Done(True, f"incident {wish.issue_id} is acknowledged")


async def _note(connection: asyncpg.Connection, wallet_id: int, wish: Wish, words: str, now_ms: int) -> None:
    subject = wish.condition_id or ("" if wish.issue_id is None else f"incident {wish.issue_id}")
    who = _plain(wish.who.strip())[:WHO_MAX] or "nobody"
    deed = Deed(now_ms, who, wish.act.value, _plain(subject), _plain(wish.why)[:WORDS_MAX], _plain(words)[:WORDS_MAX])
    await requests.note_deed(connection, wallet_id, deed)


def _plain(text: str) -> str:
    """What can be kept of a refused text: its printable characters."""
    return "".join(each if each.isprintable() else "�" for each in text)
