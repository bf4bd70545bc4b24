"""The names an operator's entry is given by: tokens, full sets and earlier entries, whole or shortened."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from tieout.ledger.books import Books
from tieout.ledger.facts import AnyFact, ManualEntry, decode, encode
from tieout.ledger.manual import reversals
from tieout.store import log

ENTRY_ID_LEN = 12
SHOWN = 5
"""Candidates that an error names."""


class NameNotFoundError(ValueError):
    """The books of the wallet know nothing, or too much, by that name; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Token:
    """An outcome token of the books. `condition_id` is empty while no message told it."""

    token_id: str
    condition_id: str


@dataclass(frozen=True, slots=True)
class FullSet:
    """Every outcome token of a condition on one ledger, in outcome order."""

    condition_id: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry of the log. `reversed_by` names the standing entry that takes its effect away."""

    entry: ManualEntry
    seq: int
    booked_at_ms: int
    reversed_by: str

    @property
    def stands(self) -> bool:
        """Whether it has its effect."""
        return not self.reversed_by


async def load_books(connection: asyncpg.Connection, wallet_id: int, nodes: tuple[str, ...]) -> list[AnyFact]:
    """Every fact of the books that *nodes* belong to, those joined with them included."""
    rows = await connection.fetch(
        "SELECT DISTINCT book FROM node WHERE wallet_id = $1 AND node = ANY ($2)", wallet_id, list(nodes)
    )
    joins = await connection.fetch("SELECT book, into_book FROM book_join WHERE wallet_id = $1", wallet_id)
    into = {int(row["book"]): int(row["into_book"]) for row in joins}

    def root(number: int) -> int:
        while number in into:
            number = into[number]
        return number

    roots = {root(int(row["book"])) for row in rows}
    numbers = sorted(roots.union(number for number in into if root(number) in roots))
    return [decode(fact) for _, fact in await log.facts_of_books(connection, wallet_id, numbers)]


async def find_token(connection: asyncpg.Connection, wallet_id: int, name: str, condition_id: str = "") -> Token:
    """The outcome token that *name* stands for: its id, its beginning, or the form the tables show ("12ab…89").

    With *condition_id* a whole id that the books never saw is taken as a new token of that condition. Raises
    NameNotFoundError.
    """
    if not name.replace("…", "").replace(".", "").isdecimal():
        raise NameNotFoundError(f"expected a token id, decimal digits or their beginning, was {name!r}")
    whole = await _only(connection, wallet_id, name, "node ~ '^[0-9]+$'", "token")
    if whole is None:
        if condition_id and len(name) > 30 and name.isdecimal():
            return Token(name, condition_id)
        raise NameNotFoundError(
            f"no token of this wallet's books begins with {name!r}: `tieout books --all --json` has their ids; "
            "a token the wallet never held needs its whole id and --condition"
        )
    books = Books()
    books.extend(await load_books(connection, wallet_id, (whole,)))
    known = max((book.registry.condition_of.get(whole, "") for book in books.books.values()), default="")
    if known and condition_id and known != condition_id:
        raise NameNotFoundError(f"token {whole} belongs to condition {known}, not to {condition_id}")
    return Token(whole, known or condition_id)


async def find_set(connection: asyncpg.Connection, wallet_id: int, name: str) -> FullSet:
    """The full set of a condition, by the condition's id or beginning, or by one of its tokens.

    A token says which of the two token ledgers is meant. Raises NameNotFoundError.
    """
    ledger = ""
    if name.startswith("0x"):
        sort = (
            "node LIKE '0x%' AND NOT EXISTS "
            "(SELECT FROM orders WHERE orders.wallet_id = node.wallet_id AND order_id = node)"
        )
        whole = await _only(connection, wallet_id, name.lower(), sort, "condition")
        if whole is None:
            raise NameNotFoundError(
                f"no condition of this wallet's books begins with {name!r}: `tieout books --all --json` has their ids"
            )
        condition_id = node = whole
    else:
        token = await find_token(connection, wallet_id, name)
        condition_id, node = token.condition_id, token.token_id
    books = Books()
    books.extend(await load_books(connection, wallet_id, (node,)))
    for book in books.books.values():
        if node in book.registry.outcome_of:
            ledger = book.registry.outcome_of[node][0]
        tokens = tuple(book.registry.tokens(condition_id, ledger)) if condition_id in book.registry.listed else ()
        if tokens and not any("#" in token_id for token_id in tokens):
            return FullSet(condition_id, tokens)
    raise NameNotFoundError(
        f"the books do not know every outcome token of {condition_id or name}: import its market first, "
        "then the entry can name them"
    )


async def entries(connection: asyncpg.Connection, wallet_id: int) -> list[Booked]:
    """Every manual entry of the wallet, in the order booked."""
    rows = await connection.fetch(
        "SELECT seq, received_at_ms, fact FROM log WHERE wallet_id = $1 "
        """AND starts_with(fact, '{"kind":"manual",') ORDER BY seq""",
        wallet_id,
    )
    heard: dict[str, tuple[ManualEntry, int, int]] = {}
    for row in rows:
        fact = decode(row["fact"])
        if isinstance(fact, ManualEntry):
            heard[fact.entry_id] = (fact, int(row["seq"]), int(row["received_at_ms"]))
    gone = reversals({entry_id: fact for entry_id, (fact, _, _) in heard.items()})
    return [Booked(fact, seq, at_ms, gone.get(entry_id, "")) for entry_id, (fact, seq, at_ms) in heard.items()]


def find_entry(booked: list[Booked], name: str) -> Booked:
    """The entry whose id is or begins with *name*. Raises NameNotFoundError."""
    found = [one for one in booked if one.entry.entry_id.startswith(name)]
    exact = [one for one in found if one.entry.entry_id == name]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    if not found:
        raise NameNotFoundError(f"no entry of this wallet begins with {name!r}: `tieout adjust list` shows them")
    raise NameNotFoundError(f"{name!r} may be any of {_some([one.entry.entry_id for one in found])}")


def entry_id_of(draft: ManualEntry, wallet: str, at_ms: int) -> str:
    """An id for *draft*, from what it says, of which wallet, and when it is written."""
    return log.fact_digest(f"{wallet} {at_ms} ".encode() + encode(draft)).hex()[:ENTRY_ID_LEN]


async def _only(connection: asyncpg.Connection, wallet_id: int, name: str, sort: str, noun: str) -> str | None:
    """The one node of that *sort* that *name* stands for, None when there is none. Raises NameNotFoundError."""
    left, _, right = name.replace("...", "…").partition("…")
    rows = await connection.fetch(
        f"SELECT node FROM node WHERE wallet_id = $1 AND {sort} "
        "AND starts_with(node, $2) AND right(node, length($3)) = $3 ORDER BY node LIMIT 20",
        wallet_id,
        left,
        right,
    )
    names = [str(row["node"]) for row in rows]
    if name in names:
        return name
    if len(names) > 1:
        raise NameNotFoundError(f"{noun} {name!r} may be any of {_some(names)}")
    return names[0] if names else None


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
