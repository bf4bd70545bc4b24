"""Every market against its log: the chain of hashes is unbroken (L2), the fold made again is what is stored (L1), and
every invariant of the books holds.

Each book of the wallet is its own unit of work: one that cannot be checked is told of, and the others are checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from tieout.jobs.job import Result
from tieout.ledger.book import Book
from tieout.ledger.facts import decode
from tieout.ledger.invariants import audit
from tieout.ledger.rows import all_rows
from tieout.ledger.shortage import Shortage, shortages
from tieout.ledger.units import decimal_text
from tieout.store import log
from tieout.store.controls import State, was_set
from tieout.store.log_chain import chain_breaks
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
    """Reads one snapshot, so that a writer at work does not disturb it, and lets others in between two markets.

    After a run `broken` says why the whole wallet has to be halted, "" when it has not, with its `evidence`; `halts`
    are the conditions to halt, each with the reason (I3).
    """

    def __init__(
        self, connection: asyncpg.Connection, wallet_id: int, final_block: Callable[[], int] = lambda: 0
    ) -> None:
        """*final_block*: up to where every log of the chain is in the books, 0 where nobody can tell."""
        self._connection = connection
        self._wallet_id = wallet_id
        self._final_block = final_block
        self.broken = ""
        self.evidence: Mapping[str, Any] = {}
        self.halts: tuple[tuple[str, str], ...] = ()

    async def run(self) -> Result:
        """Check every book."""
        self.broken, self.evidence, self.halts = "", {}, ()
        findings: list[Finding] = []
        short: list[Shortage] = []
        counted = [0, 0, 0]
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            books = await self._books()
            stored: Sequence[Rows] = await log.stored_rows(self._connection, self._wallet_id)
            known = [frozenset(rows) for rows in stored]
            if breaks := await chain_breaks(self._connection, self._wallet_id):
                findings.append(_broken_log(breaks))
            for parts in books:
                facts = await log.facts_of_books(self._connection, self._wallet_id, parts)
                await asyncio.sleep(0)
                try:
                    book = _folded([fact for _, fact in facts])
                    rows, found = _checked(book, known)
                except _UNCHECKABLE as error:
                    findings.append(_failed(parts[0], error))
                    continue
                findings += found
                short += shortages(book, self._final_block())
                counted = [count + len(part) for count, part in zip(counted, rows, strict=True)]
        if not findings:
            findings += _left_over(counted, stored)
        self._break(findings)
        findings += await self._short(short)
        return Result(findings, {"books": len(books), "positions": counted[0], "movements": counted[2]})

    def _break(self, findings: Sequence[Finding]) -> None:
        """Note the first finding that the whole wallet cannot live with."""
        worst = next((found for found in findings if found.action is Action.HALTED), None)
        if worst is not None:
            self.broken, self.evidence = worst.summary, worst.evidence

    async def _short(self, short: Sequence[Shortage]) -> list[Finding]:
        """Findings for what left without having been there, and the markets to halt: each once, and then a person
        has looked.
        """
        found, halts = [], []
        for each in short:
            reason = (
                f"I3: {decimal_text(each.shares)} shares of token {each.token_id} left in {each.key} that were never "
                "there, and the chain is read up to beyond it; `tieout adjust` says where they came from"
            )
            known = await was_set(self._connection, self._wallet_id, each.condition_id, State.HALTED, reason)
            if not known:
                halts.append((each.condition_id, reason))
            found.append(
                Finding(
                    IssueType.INVARIANT_VIOLATED,
                    Severity.WARN if known else Severity.CRITICAL,
                    Action.LOGGED if known else Action.HALTED,
                    reason,
                    condition_id=each.condition_id,
                    token_id=each.token_id,
                    evidence={"invariant": "I3", "movement": each.key, "block": each.block, "shares": each.shares},
                )
            )
        self.halts = tuple(halts)
        return found

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


def _folded(facts: Sequence[str]) -> Book:
    book = Book()
    for fact in facts:
        book.merge(decode(fact))
    book.settle()
    return book


def _checked(book: Book, stored: Sequence[frozenset[tuple[object, ...]]]) -> tuple[Sequence[Rows], list[Finding]]:
    """The rows that *book* gives, and what is wrong with them, or with the *stored* ones."""
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


def _broken_log(breaks: Sequence[str]) -> Finding:
    return Finding(
        IssueType.INVARIANT_VIOLATED,
        Severity.CRITICAL,
        Action.HALTED,
        f"L2: the log is broken: {breaks[0]}; `tieout replay --verify` shows every place",
        evidence={"invariant": "L2", "breaks": list(breaks[:SHOWN])},
    )


def _unlike_the_log(condition_id: str, conditions: Sequence[str], differing: Sequence[str]) -> Finding:
    return Finding(
        IssueType.INVARIANT_VIOLATED,
        Severity.CRITICAL,
        Action.HALTED,
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
            Action.HALTED,
            "L1: rows are stored that the log does not give; `tieout db rebuild` makes the state again",
            evidence={"invariant": "L1", **more},
        )
    ]
