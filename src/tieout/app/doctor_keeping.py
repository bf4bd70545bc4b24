"""Checks of the database and of what it keeps: room, schema, the last comparison, issues, controls; and who is told."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import asyncpg

from tieout.app.alert_settings import Destination, Via
from tieout.app.backing import backups_in, head_of
from tieout.app.doctor import Check, Finding, MissingError, Patient, State
from tieout.app.doctor_database import Kept, Seen
from tieout.app.tie_answer import Verdict
from tieout.store.archive import BackupError
from tieout.store.controls import WHOLE_WALLET, Lift
from tieout.store.controls import State as Held
from tieout.store.embedded import EmbeddedServerError
from tieout.store.errors import StoreError

FREE_FAIL, FREE_WARN = 200_000_000, 2_000_000_000
"""Bytes of free disk under which the database must not be left alone, and under which somebody should know."""

BACKUP_MS = 26 * 3_600_000
"""How old the newest backup may be: one a day, and two hours for the timer."""

CANNOT_BE_ASKED = (StoreError, EmbeddedServerError, asyncpg.PostgresError)


def _found(state: State, text: str, todo: str = "") -> Finding:
    """A finding; the name of its check is put in by who runs it."""
    return Finding("", state, text, todo)


async def database(patient: Patient) -> Finding:
    """It can be reached, and nobody holds the wallet."""
    try:
        seen = await patient.database()
    except CANNOT_BE_ASKED as error:
        return _found(State.FAIL, str(error), "start it, or correct TIEOUT_DB; without TIEOUT_DB there is an own one")
    if seen.holder:
        text = f"{seen.place}: the wallet is being written by {seen.holder}"
        return _found(State.WARN, text, "fine if that is the worker; a second one does not start beside it")
    return _found(State.OK, f"{seen.place}: the wallet is free")


async def _seen(patient: Patient) -> Seen:
    try:
        return await patient.database()
    except CANNOT_BE_ASKED as error:
        raise MissingError("it needs the database, see there") from error


async def schema(patient: Patient) -> Finding:
    """It is the one that this version works with, or can be brought there."""
    seen = await _seen(patient)
    if seen.schema is None:
        return _found(State.OK, f"none yet: the first start makes {seen.newest}")
    if seen.schema > seen.newest:
        text = f"{seen.schema} is of a newer tieout than this, which knows {seen.newest}"
        return _found(State.FAIL, text, "update tieout")
    if seen.schema < seen.newest:
        text = f"{seen.schema}, brought to {seen.newest} at the next start; an older tieout cannot use it any more then"
        return _found(State.WARN, text, "make a backup first: `tieout db backup FILE`")
    return _found(State.OK, f"{seen.schema}, the newest")


async def disk(patient: Patient) -> Finding:
    """There is room for the database to grow."""
    seen = await _seen(patient)
    return room(seen.free_bytes, seen.size_bytes)


def room(free_bytes: int | None, size_bytes: int) -> Finding:
    """What is left on the disk of a database of that size."""
    size = f"the database takes {size_bytes / 1e6:,.0f} MB"
    if free_bytes is None:
        return _found(State.OK, f"{size}; how much room its server has cannot be seen from here")
    words = f"{free_bytes / 1e9:,.1f} GB free, {size}"
    if free_bytes < FREE_FAIL:
        return _found(State.FAIL, words, "make room: on a full disk nothing is booked, and the worker ends")
    # Room for a copy of it: a backup, or a migration that rewrites a table.
    if free_bytes < max(FREE_WARN, size_bytes):
        return _found(State.WARN, words, "make room, or move TIEOUT_HOME to a larger disk while nothing runs")
    return _found(State.OK, words)


async def _kept(patient: Patient) -> Kept | None:
    """What is kept of the wallet, None when it is not known yet."""
    seen = await _seen(patient)
    if seen.schema is not None and seen.schema != seen.newest:
        raise MissingError("it needs the newest schema, see there")
    return seen.kept


async def comparison(patient: Patient) -> Finding:
    """If a worker ran: the books held when they were compared last, and while it runs that is not long ago."""
    kept, seen = await _kept(patient), await _seen(patient)
    if kept is None or kept.comparison is None:
        return _found(State.OK, "none yet: no worker has compared these books")
    last, answer = kept.comparison, kept.answer
    if last.differences or answer.verdict is Verdict.DOES_NOT:
        words = answer.words if answer.verdict is Verdict.DOES_NOT else f"{last.differences} balances differed"
        return _found(State.FAIL, words, answer.to_do or f"`tieout issues --wallet {patient.config.wallet}`")
    ago = _ago(patient.clock.now_ms() - last.at_ms)
    place = f"block {last.block:,}" if last.block else "what the Data API states"
    words = f"{last.balances:,} balances equalled {place} {ago} ago"
    if answer.verdict is Verdict.CANNOT_TELL and seen.holder:
        return _found(State.FAIL, f"{words}, and none since: {answer.words}", f"`{answer.to_do}`")
    return _found(State.OK, words)


def _ago(ms: int) -> str:
    for name, length in (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000)):
        if (count := ms // length) > 0:
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{max(ms, 0) // 1_000} seconds"


async def issues(patient: Patient) -> Finding:
    """Nothing is open that makes the books doubtful."""
    kept = await _kept(patient)
    found = kept.issues if kept else ()
    todo = f"`tieout issues --wallet {patient.config.wallet}` tells each, and what to do"
    grave = [issue for issue in found if issue.severity.is_grave]
    if grave:
        more = f" and {len(grave) - 1} more" if len(grave) > 1 else ""
        return _found(State.WARN, f"{grave[0].severity} {grave[0].type}{more}: {grave[0].summary}", todo)
    if found:
        return _found(State.OK, f"{len(found)} open, none of them grave")
    return _found(State.OK, "none is open")


async def held(patient: Patient) -> Finding:
    """Nobody has paused or halted the wallet or one of its markets."""
    kept = await _kept(patient)
    found = [control for control in (kept.controls if kept else ()) if control.state is not Held.ACTIVE]
    whole = next((control for control in found if control.condition_id == WHOLE_WALLET), None)
    wallet = patient.config.wallet
    if whole is not None:
        text = f"the whole wallet is {whole.state} by {whole.who}: {whole.reason}"
        if whole.lift is Lift.FORCE:
            return _found(State.FAIL, text, f"find the cause first; then `tieout resume --force --wallet {wallet}`")
        return _found(State.WARN, text, f"`tieout resume --wallet {wallet}` lets it be quoted again")
    if found:
        text = f"{len(found)} market{'' if len(found) == 1 else 's'} held, first by {found[0].who}: {found[0].reason}"
        return _found(State.WARN, text, f"`tieout control --wallet {wallet}` tells which")
    return _found(State.OK, "nothing is paused or halted")


async def alerts(patient: Patient) -> Finding:
    """Somebody is told when something is wrong. Nothing is sent here."""
    told = patient.config.alerts.destinations
    if not told:
        return _found(State.WARN, "nobody is told when something is wrong", "see [alerts] in docs/configuration.md")
    if lost := [each for each in told if each.via is Via.PROGRAM and not _is_there(each)]:
        text = f"the program of {lost[0].name} is not there or cannot be run"
        return _found(State.FAIL, text, "correct its command; then `tieout alerts test`")
    names = ", ".join(each.name for each in told)
    return _found(State.OK, f"{names}; `tieout alerts test` shows whether they are reached")


def _is_there(to: Destination) -> bool:
    return shutil.which(to.command[0]) is not None


def backups(directory: Path) -> Check:
    """A check of the newest backup in a directory."""

    async def check(patient: Patient) -> Finding:
        return await asyncio.to_thread(newest_backup, directory, patient.config.wallet, patient.clock.now_ms())

    return check


def newest_backup(directory: Path, wallet: str, now_ms: int) -> Finding:
    """There is one, it is young, and the wallet is in it. Its content is not read."""
    todo = f"`tieout db backup {directory}`, once a day by a timer"
    if not directory.is_dir():
        return _found(State.FAIL, f"{directory} is no directory", todo)
    found = backups_in(directory)
    if not found:
        return _found(State.WARN, f"none in {directory}", todo)
    try:
        head = head_of(found[0])
    except BackupError as error:
        return _found(State.FAIL, str(error), todo)
    words = f"{found[0].name}, {_ago(now_ms - head.made_at_ms)} old, one of {len(found)}"
    if wallet not in {each.address for each in head.wallets}:
        return _found(State.WARN, f"{words}; this wallet is not in it", todo)
    late = now_ms - head.made_at_ms > BACKUP_MS
    return _found(State.WARN if late else State.OK, words, todo if late else "")
