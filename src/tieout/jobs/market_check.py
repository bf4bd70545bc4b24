"""Every market against its log: the fold made again is what is stored (L1), and every invariant of the books holds.

Each book of the wallet is its own unit of work: one that cannot be checked is told of, and the others are checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import msgspec

from tieout.jobs.job import Result
from tieout.ledger.book import Book
from tieout.ledger.facts import decode
from tieout.ledger.invariants import audit
from tieout.ledger.rows import all_rows
from tieout.store import log
from tieout.store.runs import Action, Finding, IssueType, Severity

BROKEN = frozenset(("I2", "I4", "O3", "O4", "F2", "F3", "C1", "C2", "C3", "C4"))
"""Invariants that only a fault of ours can break. The others say something of the history: warnings."""

SHOWN = 5
"""Violations that an issue quotes."""

_UNCHECKABLE = (ArithmeticError, AssertionError, LookupError, ValueError, TypeError, msgspec.MsgspecError)
"""What folding a damaged log may raise."""

_TABLES = ("positions", "orders", "movements")

Rows = Sequence[tuple[object, ...]]


class MarketCheck:
    """Reads one snapshot, so that a writer at work does not disturb it, and lets others in between two markets."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int) -> None:
        self._connection = connection
        self._wallet_id = wallet_id

    async def run(self) -> Result:
        """Check every book."""
        findings: list[Finding] = []
        counted = [0, 0, 0]
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            books = await self._books()
            stored: Sequence[Rows] = await log.stored_rows(self._connection, self._wallet_id)
            known = [frozenset(rows) for rows in stored]
            for parts in books:
                facts = await log.facts_of_books(self._connection, self._wallet_id, parts)
                await asyncio.sleep(0)
                try:
                    rows, found = _checked([fact for _, fact in facts], known)
                except _UNCHECKABLE as error:
                    findings.append(_failed(parts[0], error))
                    continue
                findings += found
                counted = [count + len(part) for count, part in zip(counted, rows, strict=True)]
        if not findings:
            findings += _left_over(counted, stored)
        return Result(findings, {"books": len(books), "positions": counted[0], "movements": counted[2]})

    async def _books(self) -> list[list[int]]:
        """The parts of every book, its own number first."""
        joins = await self._connection.fetch(
            "SELECT book, into_book FROM book_join WHERE wallet_id = $1", self._wallet_id
        )
        into = {row["book"]: row["into_book"] for row in joins}
        rows = await self._connection.fetch("SELECT DISTINCT book FROM node WHERE wallet_id = $1", self._wallet_id)
        parts: dict[int, set[int]] = {}
        for book in {row["book"] for row in rows} | into.keys() | set(into.values()):
            root = book
            while root in into:
                root = into[root]
            parts.setdefault(root, {root}).add(book)
        return [sorted(parts[root]) for root in sorted(parts)]


def _checked(
    facts: Sequence[str], stored: Sequence[frozenset[tuple[object, ...]]]
) -> tuple[Sequence[Rows], list[Finding]]:
    """The rows that *facts* give, and what is wrong with them, or with the *stored* ones."""
    book = Book()
    for fact in facts:
        book.merge(decode(fact))
    book.settle()
    folded_rows = all_rows([book])
    rows: Sequence[Rows] = (folded_rows.positions, folded_rows.orders, folded_rows.movements)
    conditions = sorted({condition for condition in book.registry.condition_of.values() if condition})
    condition_id = conditions[0] if len(conditions) == 1 else ""
    differing = [
        f"{table}: {row[0]}"
        for table, folded, kept in zip(_TABLES, rows, stored, strict=True)
        for row in folded
        if row not in kept
    ]
    found = [_unlike_the_log(condition_id, conditions, differing)] if differing else []
    found += [
        _violated(each.id, each.sentence, each.violations, condition_id, conditions)
        for each in audit([book])
        if each.holds is False
    ]
    return rows, found


def _unlike_the_log(condition_id: str, conditions: Sequence[str], differing: Sequence[str]) -> Finding:
    return Finding(
        IssueType.INVARIANT_VIOLATED,
        Severity.CRITICAL,
        Action.REQUIRES_MANUAL,
        f"L1: {len(differing)} stored rows are not what the log gives; `tieout db rebuild` makes them again",
        condition_id=condition_id,
        evidence={"invariant": "L1", "conditions": list(conditions[:SHOWN]), "rows": list(differing[:SHOWN])},
    )


def _violated(
    invariant: str, sentence: str, violations: Sequence[str], condition_id: str, conditions: Sequence[str]
) -> Finding:
    is_broken = invariant in BROKEN
    return Finding(
        IssueType.PNL_MISMATCH if invariant == "F3" else IssueType.INVARIANT_VIOLATED,
        Severity.ERROR if is_broken else Severity.WARN,
        Action.REQUIRES_MANUAL if is_broken else Action.LOGGED,
        f"{invariant}: {sentence} It does not: {violations[0]}",
        condition_id=condition_id,
        evidence={
            "invariant": invariant,
            "violations": list(violations[:SHOWN]),
            "count": len(violations),
            "conditions": list(conditions[:SHOWN]),
        },
    )


def _failed(book: int, error: BaseException) -> Finding:
    return Finding(
        IssueType.SYNC_FAILED,
        Severity.ERROR,
        Action.REQUIRES_MANUAL,
        f"book {book} could not be folded from its log again: {type(error).__name__}: {error}",
        evidence={"book": book, "error": f"{type(error).__name__}: {error}"},
    )


def _left_over(counted: Sequence[int], stored: Sequence[Rows]) -> list[Finding]:
    """Rows that no book gives, when every book gives what is stored of it."""
    more = {
        table: len(rows) - count
        for table, rows, count in zip(_TABLES, stored, counted, strict=True)
        if len(rows) != count
    }
    if not more:
        return []
    return [
        Finding(
            IssueType.INVARIANT_VIOLATED,
            Severity.CRITICAL,
            Action.REQUIRES_MANUAL,
            "L1: rows are stored that the log does not give; `tieout db rebuild` makes the state again",
            evidence={"invariant": "L1", **more},
        )
    ]
