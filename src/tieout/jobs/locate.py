"""Where a difference came into the books: the block, the transactions and the movements of one token, or of collateral.

What is compared at a block is a sum over everything before it. So a difference that is there at one block and was not
at an earlier one is found by halving: some twenty comparisons for a million blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from tieout.client.chain import BlockHead, Chain
from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.jobs.chain_logs import filters
from tieout.jobs.height import as_of
from tieout.jobs.tie_out import COLLATERAL, by_ledger, coin_balances
from tieout.ledger.facts import AnyFact, CollateralMoved, TokenMoved
from tieout.ledger.movement import LOG_BITS
from tieout.ledger.rows import share_changes
from tieout.venue.chain_logs import by_transaction, decode_transaction
from tieout.venue.chain_window import rows_of
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.wire import WireError

_THERE = (
    "SELECT key, kind, token_id, shares, legs, cash, tx_hash FROM movements "
    "WHERE wallet_id = $1 AND chain_position BETWEEN $2 AND $3 ORDER BY chain_position, key"
)


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction's effect by the books and by the chain, signed micro-units; `movements` are keys in the books."""

    tx_hash: str
    books: int
    chain: int
    movements: tuple[str, ...] = ()

    @property
    def drift(self) -> int:
        """Books minus truth."""
        return self.books - self.chain


@dataclass(frozen=True, slots=True)
class Located:
    """Books minus chain was `before` at the end of the block before `block`, and is `after` at its end.

    `changes` are the transactions of the block that do not tie out; all that touch the token when each of them does.
    """

    what: str
    block: BlockHead
    before: int
    after: int
    changes: tuple[Change, ...]

    @property
    def tx_hashes(self) -> tuple[str, ...]:
        """The transactions to look at."""
        return tuple(change.tx_hash for change in self.changes)

    @property
    def movements(self) -> tuple[str, ...]:
        """Keys of their movements in the books."""
        return tuple(key for change in self.changes for key in change.movements)


class Locator:
    """Looks for differences of one wallet; *chain* must keep the balances of the blocks it is asked about."""

    def __init__(self, connection: asyncpg.Connection, chain: Chain, wallet_id: int, wallet: str) -> None:
        self._connection = connection
        self._chain = chain
        self._wallet_id = wallet_id
        self._wallet = wallet

    async def locate(self, what: str, first_block: int, last_block: int) -> Located | None:
        """The block in which the difference of a token (or COLLATERAL) changed from what it is at *first_block*.

        None when it is the same at both ends. Where it changed more than once, one of the changes is found: ask again
        up to the block before it, and from it on. Raises VenueError, CallFailedError.
        """
        if not first_block < last_block:
            raise ValueError(f"first_block: expected less than {last_block}, was {first_block}")
        low, high = first_block, last_block
        before, after = await self._difference(what, low), await self._difference(what, high)
        if before == after:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            found = await self._difference(what, middle)
            if found == before:
                low = middle
            else:
                high, after = middle, found
        head = await self._head(high)
        return Located(what, head, before, after, await self._changes(what, head))

    async def _head(self, number: int) -> BlockHead:
        head = await self._chain.block(number)
        if head is None:
            raise VenueError(
                ErrorKind.TRANSIENT, Meaning.UNREADABLE, "eth_getBlockByNumber", f"the node has no block {number}"
            )
        return head

    async def _difference(self, what: str, number: int) -> int:
        """Books minus chain at the end of a block; both by the block's hash, so of one branch."""
        head = await self._head(number)
        books = await as_of(self._connection, self._wallet_id, number)
        if what == COLLATERAL:
            return books.collateral - sum((await coin_balances(self._chain, self._wallet, head.hash)).values())
        ((ledger, _),) = [each for each in by_ledger((what,)) if each[1]]
        return books.shares.get(what, 0) - await self._chain.token_balance(ledger, self._wallet, what, head.hash)

    async def _changes(self, what: str, head: BlockHead) -> tuple[Change, ...]:
        bottom = head.number << LOG_BITS
        rows = await self._connection.fetch(_THERE, self._wallet_id, bottom, bottom + (1 << LOG_BITS) - 1)
        booked: Counter[str] = Counter()
        keys: dict[str, list[str]] = {}
        for row in rows:
            touches, amount = _booked(what, row)
            if touches:
                booked[row["tx_hash"]] += amount
                keys.setdefault(row["tx_hash"], []).append(row["key"])
        shown = await self._shown(what, head.number)
        changes = [
            Change(tx_hash, booked[tx_hash], shown[tx_hash], tuple(keys.get(tx_hash, ())))
            for tx_hash in dict.fromkeys((*shown, *booked))
        ]
        return tuple(change for change in changes if change.drift) or tuple(changes)

    async def _shown(self, what: str, block: int) -> Counter[str]:
        """What each transaction of the block did to the wallet's balance, by its transfers."""
        answers = await self._chain.window(filters(self._wallet, block, block), block)
        identity = Identity(self._wallet, frozenset())
        shown: Counter[str] = Counter()
        try:
            for group in by_transaction(rows_of(answers)):
                alone = Decoded("")
                decode_transaction(group, {}, identity, alone)
                if any(_is_of(what, fact) for fact in alone.facts):
                    shown[str(group[0].get("transactionHash")).lower()] += _moved(what, alone.facts)
        except WireError as error:
            raise VenueError(ErrorKind.TRANSIENT, Meaning.UNREADABLE, "eth_getLogs", str(error)) from None
        return shown


def _booked(what: str, row: Mapping[str, object]) -> tuple[bool, int]:
    """Whether a stored movement touches *what*, and by how much."""
    if what == COLLATERAL:
        cash = int(str(row["cash"]))
        return cash != 0, cash
    changes = [change for token_id, change in share_changes(row) if token_id == what]
    return bool(changes), sum(changes)


def _is_of(what: str, fact: AnyFact) -> bool:
    if what == COLLATERAL:
        return isinstance(fact, CollateralMoved)
    return isinstance(fact, TokenMoved) and fact.token_id == what


def _moved(what: str, facts: Sequence[AnyFact]) -> int:
    if what == COLLATERAL:
        return sum(fact.amount for fact in facts if isinstance(fact, CollateralMoved))
    return sum(fact.shares for fact in facts if isinstance(fact, TokenMoved) and fact.token_id == what)


async def locate(
    connection: asyncpg.Connection,
    chain: Chain,
    wallet_id: int,
    wallet: str,
    what: str,
    first_block: int,
    last_block: int,
) -> Located | None:
    """`Locator.locate` of one wallet."""
    return await Locator(connection, chain, wallet_id, wallet).locate(what, first_block, last_block)
