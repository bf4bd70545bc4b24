"""Manual entries: what an entry would do to the books, and booking it only when it does that.

The preview folds the facts of the books it touches without the entry and with it. Booking holds the wallet's head
still, folds once more, and books nothing when the effect is no longer the one that was shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import asyncpg

from tieout.app.adjust_names import Booked, entries, load_books
from tieout.app.clock import now_ms
from tieout.app.queries import require_wallet
from tieout.intake.intake import Intake, own
from tieout.jobs.job import BookFacts
from tieout.jobs.position_sync import CHAIN
from tieout.ledger.books import Books, nodes_of
from tieout.ledger.explain import steps
from tieout.ledger.facts import AnyFact, ManualEntry, TokenMoved, decode
from tieout.ledger.invariants import audit
from tieout.ledger.manual import tokens_of
from tieout.ledger.movement import NO_CHAIN_POSITION
from tieout.ledger.rows import NOTHING, PositionRow, position_rows
from tieout.store import log, watermarks
from tieout.store.connect import connected
from tieout.store.errors import LeaseHeldError, StoreError
from tieout.store.wallets import LOCK_CLASS, acquire
from tieout.venue.decode import Identity

ORIGIN = "adjust"


class BooksMovedError(StoreError):
    """Between the preview and the booking another writer changed what the entry would do; nothing was booked."""


@dataclass(frozen=True, slots=True)
class Change:
    """One position without the entry and with it."""

    before: PositionRow
    after: PositionRow


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that would be broken by the entry, and how."""

    id: str
    sentence: str
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What *entry* would do. Amounts in micro-units; `collateral_before` is that of the whole wallet."""

    entry: ManualEntry
    changes: tuple[Change, ...]
    collateral_before: int
    collateral_after: int
    broken: tuple[Broken, ...]
    warnings: tuple[str, ...]

    @property
    def effect(self) -> object:
        """What must be the same when it is booked."""
        return (self.changes, self.collateral_after - self.collateral_before, self.broken)

    @property
    def effect_digest(self) -> str:
        """What the entry changes, in a few characters, to travel beside it.

        By how much, not to what: in a busy market the positions move on between the look and the booking.
        """
        moved = [(change.after.token_id, _difference(change)) for change in self.changes]
        cash = self.collateral_after - self.collateral_before
        return log.fact_digest(repr((moved, cash, self.broken)).encode()).hex()


async def preview(connection: asyncpg.Connection, wallet: str, entry: ManualEntry) -> Preview:
    """What *entry* would do to the books of *wallet* as they are now. Books nothing."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wallet_id = await require_wallet(connection, wallet)
        known = await load_books(connection, wallet_id, nodes_of(entry))
        cash = int(await connection.fetchval(_CASH, wallet_id))
        mark = await watermarks.get(connection, wallet_id, CHAIN)
        booked = await entries(connection, wallet_id)
    # In a thread: a book of tens of thousands of facts takes a second, in which a worker quotes and a desk answers.
    return await asyncio.to_thread(_previewed, entry, known, booked, cash, "" if mark is None else mark.value)


def _previewed(entry: ManualEntry, known: list[AnyFact], booked: list[Booked], cash: int, block: str) -> Preview:
    before, after = _folded(known), _folded([*known, entry])
    changes = _changes(before, after, _named(entry, booked))
    collateral_after = cash + _cash(after) - _cash(before)
    drifts = _drifts(known, changes, collateral_after - cash, block)
    warnings = (*_without_effect(entry, changes, collateral_after - cash), *_twins(entry, booked), *drifts)
    return Preview(entry, changes, cash, collateral_after, _broken(before, after), warnings)


_CASH = "SELECT COALESCE(sum(cash), 0)::bigint FROM movements WHERE wallet_id = $1"


async def holder_of(connection: asyncpg.Connection, wallet: str) -> str:
    """Who holds the wallet for itself alone, so that nothing can be booked beside it; empty when nobody does.

    Nothing stays locked: the answer is only good for telling a person early.
    """
    wallet_id = await require_wallet(connection, wallet)
    async with connection.transaction():
        free = await connection.fetchval("SELECT pg_try_advisory_xact_lock_shared($1, $2)", LOCK_CLASS, wallet_id)
    if free:
        return ""
    return str(await connection.fetchval("SELECT holder FROM wallet WHERE wallet_id = $1", wallet_id)) or "somebody"


def held_words(wallet: str, holder: str) -> str:
    """What to do when a worker holds the wallet."""
    return (
        f"wallet {wallet} is being written by {holder} alone: nothing was booked. Stop that worker (one Ctrl-C: it "
        "takes its quotes off), book the entry, and start it again"
    )


async def book_entry(dsn: str, wallet: str, shown: Preview) -> int:
    """Book the entry of *shown*, when it still does what was shown; returns its number in the log.

    Raises LeaseHeldError when a worker holds the wallet, BooksMovedError when the effect is another by now.
    """
    async with AsyncExitStack() as stack:
        writer, reader = [await stack.enter_async_context(connected(dsn)) for _ in range(2)]
        await require_wallet(reader, wallet)
        try:
            lease = await acquire(writer, wallet)
        except LeaseHeldError as error:
            raise LeaseHeldError(held_words(wallet, await holder_of(reader, wallet) or "another process")) from error
        intake = Intake(writer, reader, lease, Identity(wallet, frozenset()), now_ms)
        async with writer.transaction():
            # Other writers wait for this row, so the books stay as they are between the look and the booking.
            await writer.execute("SELECT FROM wallet WHERE wallet_id = $1 FOR NO KEY UPDATE", lease.wallet_id)
            if (await preview(reader, wallet, shown.entry)).effect != shown.effect:
                raise BooksMovedError(
                    "the books changed since the preview, and the entry would do something else now: nothing was "
                    "booked; look at it again by the same command"
                )
            await intake.take([own(shown.entry, ORIGIN)])
            return int(await writer.fetchval("SELECT head_seq FROM wallet WHERE wallet_id = $1", lease.wallet_id))


async def book_asked(connection: asyncpg.Connection, wallet: str, arguments: Mapping[str, Any], book: BookFacts) -> str:
    """Book the entry that a worker was asked for, by its own intake; what became of it in a sentence.

    *arguments*: the `entry` as a fact's JSON, and the digest of the `effect` that was shown.
    """
    entry = decode(str(arguments["entry"]))
    if not isinstance(entry, ManualEntry):
        return "refused: it is no entry by hand"
    if (await preview(connection, wallet, entry)).effect_digest != arguments["effect"]:
        return "refused: the books changed since it was shown, and it would do something else now; look at it again"
    await book([entry])
    return f"booked as entry {entry.entry_id}"


def _folded(facts: list[AnyFact]) -> Books:
    books = Books()
    books.extend(facts)
    return books


def _named(entry: ManualEntry, booked: list[Booked]) -> tuple[str, ...]:
    """The tokens that the entry names, or that the entry names which it takes away, at any distance."""
    by_id = {one.entry.entry_id: one.entry for one in booked}
    seen: set[str] = set()
    while entry.reverses and entry.reverses in by_id and entry.reverses not in seen:
        seen.add(entry.reverses)
        entry = by_id[entry.reverses]
    return tokens_of(entry)


def _difference(change: Change) -> tuple[int, ...]:
    """By how much every amount of the position changes."""
    return tuple(
        after - before
        for after, before in zip(change.after, change.before, strict=True)
        if isinstance(after, int) and isinstance(before, int)
    )


def _rows(books: Books) -> dict[str, PositionRow]:
    return {token_id: row for book in books.books.values() for token_id, row in position_rows(book).items()}


def _changes(before: Books, after: Books, named: tuple[str, ...]) -> tuple[Change, ...]:
    """The positions named, and every other that changes."""
    old, new = _rows(before), _rows(after)
    changed = sorted(t for t in old.keys() | new.keys() if old.get(t) != new.get(t) and t not in named)
    found = []
    for token_id in (*named, *changed):
        one, two = old.get(token_id), new.get(token_id)
        like = two or one
        nothing = PositionRow(
            token_id, like.condition_id if like else "", like.outcome_index if like else -1, *NOTHING, 0, 0
        )
        found.append(Change(one or nothing, two or nothing))
    return tuple(found)


def _cash(books: Books) -> int:
    return sum(movement.cash() for book in books.books.values() for movement in book.timeline.movements)


def _broken(before: Books, after: Books) -> tuple[Broken, ...]:
    """The invariants that hold less with the entry than without it."""
    old = {finding.id: set(finding.violations) for finding in audit(list(before.books.values()))}
    found = []
    for finding in audit(list(after.books.values())):
        fresh = tuple(violation for violation in finding.violations if violation not in old[finding.id])
        if fresh:
            found.append(Broken(finding.id, finding.sentence, fresh))
    return tuple(found)


def _without_effect(entry: ManualEntry, changes: tuple[Change, ...], cash: int) -> tuple[str, ...]:
    if cash or any(change.before != change.after for change in changes):
        return ()
    why = " (a cost basis can only be corrected while shares are held)" if entry.cost_correction else ""
    return (f"the entry would change no figure{why}",)


def _twins(entry: ManualEntry, booked: list[Booked]) -> tuple[str, ...]:
    """Standing entries that say the same."""
    return tuple(
        f"entry {one.entry.entry_id} by {one.entry.who} says the same and stands: is this a repetition?"
        for one in booked
        if one.stands and not entry.reverses and _says(one.entry) == _says(entry)
    )


def _says(entry: ManualEntry) -> tuple[object, ...]:
    amounts = (entry.shares, entry.collateral, entry.fee, entry.cost_correction, entry.cost)
    return (entry.act, tokens_of(entry), entry.reverses, entry.tx_hash, *amounts)


def _drifts(known: list[AnyFact], changes: tuple[Change, ...], cash: int, block: str) -> tuple[str, ...]:
    """Where the entry leads the books away from what the logs of the chain account for."""
    told = _chain_shares(known)
    if not told and not block:
        return ()
    up_to = f", read up to block {block}," if block else ""
    found = []
    for change in changes:
        token_id = change.before.token_id
        if token_id not in told and not block:
            continue
        shares, held, then = told.get(token_id, 0), change.before.shares, change.after.shares
        if held == then:
            continue
        if then == shares:
            found.append(f"token {token_id}: with the entry the books equal what the chain's logs account for")
        else:
            found.append(
                f"token {token_id}: the chain's logs{up_to} account for {shares} micro-shares; the books hold {held} "
                f"now and {then} with the entry, a drift of {then - shares} micro-shares at the next tie-out"
            )
    if cash:
        found.append(
            f"collateral: the chain's logs{up_to} are booked with every coin they move; the entry adds {cash} "
            "micro-units beside them, which the next tie-out will tell as a drift"
        )
    return tuple(found)


def _chain_shares(known: list[AnyFact]) -> dict[str, int]:
    """Token -> the shares that movements with a place on chain give, as if no entry had been made.

    Only tokens that such movements, or token transfers, speak of.
    """
    total = {fact.token_id: 0 for fact in known if isinstance(fact, TokenMoved)}
    for book in _folded([fact for fact in known if not isinstance(fact, ManualEntry)]).books.values():
        for step in steps(book):
            if step.movement.order[1] != NO_CHAIN_POSITION:
                total[step.token_id] = total.get(step.token_id, 0) + step.shares_after - step.shares_before
    return total


async def cost_at(connection: asyncpg.Connection, wallet_id: int, token_id: str, at_ms: int) -> int:
    """The cost basis of the token after everything that had happened by *at_ms*: what a correction then starts from."""
    return await asyncio.to_thread(_cost_at, await load_books(connection, wallet_id, (token_id,)), token_id, at_ms)


def _cost_at(known: list[AnyFact], token_id: str, at_ms: int) -> int:
    cost = 0
    for book in _folded(known).books.values():
        for step in steps(book):
            if step.token_id == token_id and step.movement.order[0] <= at_ms:
                cost = step.cost_after
    return cost


async def time_of(connection: asyncpg.Connection, wallet: str, tx_hash: str) -> int | None:
    """The millisecond after the transaction, by the books; None when they know nothing of it.

    Within one millisecond a row without a place on chain may come after an entry.
    """
    wallet_id = await require_wallet(connection, wallet)
    at_ms = await connection.fetchval(
        "SELECT max(occurred_at_ms) FROM movements WHERE wallet_id = $1 AND tx_hash = $2", wallet_id, tx_hash
    )
    return None if at_ms is None else int(at_ms) + 1
