"""A full audit of one wallet: every invariant, the log's chain, and the log against the stored state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from tieout.app.history import Verification, verify_books
from tieout.ledger.book import Book
from tieout.ledger.books import Books
from tieout.ledger.explain import collateral_checks, cross_checks, row_checks
from tieout.ledger.invariants import Finding
from tieout.ledger.invariants import audit as audit_books


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. `notes` are differences to outside statements: no violation, but worth a look.

    `unaccounted` are transactions whose coin transfers the movements do not account for: a violation only where the
    books were read from the chain, whole. `books` are those that were folded.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    unaccounted: tuple[str, ...] = ()
    books: Books = field(default_factory=Books, repr=False)

    @property
    def holds(self) -> bool:
        """Whether everything that the books can tell holds."""
        return all(finding.holds is not False for finding in self.findings)


async def audit_wallet(connection: asyncpg.Connection, wallet_id: int, progress: Callable[[int], None]) -> Audit:
    """Fold the wallet's log and check everything."""
    result, books = await verify_books(connection, wallet_id, progress)
    folded = list(books.books.values())
    findings = findings_of(result, folded)
    notes = [note for book in folded for note in (*cross_checks(book), *row_checks(book))]
    return Audit(tuple(findings), tuple(notes), tuple(collateral_checks(folded)), books)


def findings_of(result: Verification, folded: list[Book]) -> list[Finding]:
    """Every invariant over the books that were folded for *result*, and the two of the log."""
    findings = audit_books(folded)
    findings.append(
        Finding(
            "L1",
            "Replaying the log gives the stored state, byte for byte.",
            not result.differences,
            result.entries,
            result.differences,
        )
    )
    findings.append(
        Finding(
            "L2",
            "The log is append-only and unbroken.",
            not result.chain_breaks,
            result.entries,
            result.chain_breaks,
        )
    )
    return findings
