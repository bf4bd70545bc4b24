"""The books of a life, read from its receipts as a node serves them, and everything that must be equal."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from lives.acts import Bundle, Cause
from lives.ground import Book, W
from lives.life import Life
from tieout.ledger.books import Books
from tieout.ledger.facts import AnyFact
from tieout.ledger.fold import fold
from tieout.ledger.invariants import audit
from tieout.ledger.movement import CASH, EXCHANGE, OP_NAMES, TRANSFER_OUT, Movement
from tieout.ledger.position import Position
from tieout.ledger.rows import BookRows, all_rows
from tieout.sim.chain.chain import Block, Receipt
from tieout.sim.chain.places import P_USD, USDC_E
from tieout.sim.wire.rpc_views import receipt_view
from tieout.venue.decode import Identity, decode

IDENTITY = Identity(W, frozenset())


def read(receipts: Iterable[Receipt], mix: random.Random | None = None) -> list[AnyFact]:
    """What the receipts say, decoded from the bytes of JSON-RPC answers; *mix* puts the logs in another order."""
    views = [receipt_view(receipt) for receipt in receipts]
    if mix is not None:
        mix.shuffle(views)
        for view in views:
            mix.shuffle(view["logs"])
    answer = [{"jsonrpc": "2.0", "id": place, "result": view} for place, view in enumerate(views)]
    decoded = decode(msgspec.json.encode(answer), IDENTITY, kind="receipt")
    assert decoded.problems == []
    return decoded.facts


class Tally:
    """The books beside the life."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.books = Books()

    def take(self, block: Block) -> None:
        """Book a block; shares, money and causes are compared."""
        self.books.extend(read(block.receipts))
        self.compare_shares()
        self.compare_causes([block])

    def movements(self) -> list[Movement]:
        return [movement for book in self.books.books.values() for movement in book.timeline.by_key.values()]

    def shares(self) -> dict[str, int]:
        """By token, of everything that any book has."""
        positions = [book.timeline.positions for book in self.books.books.values()]
        return {token: position.shares for each in positions for token, position in each.items() if position.shares}

    def compare_shares(self) -> None:
        """Every token of both ledgers, and both coins together."""
        state = self.life.ground.state
        held = {}
        for book in self.life.ground.books:
            for token, amount in zip(book.tokens, book.held(state), strict=True):
                if amount:
                    held[str(token)] = amount
        assert self.shares() == held, self._where()
        coins = state.cash(P_USD, W) + state.cash(USDC_E, W)
        assert sum(movement.cash() for movement in self.movements()) == coins, self._where()

    def compare_causes(self, blocks: Sequence[Block]) -> None:
        """Each transaction's movements are what was done, and add up to what it did to the balances."""
        by_tx: dict[str, list[Movement]] = defaultdict(list)
        for movement in self.movements():
            by_tx[movement.tx_hash].append(movement)
        for block in blocks:
            for receipt in block.receipts:
                found = by_tx.pop(receipt.tx_hash, [])
                call = receipt.transaction.call
                if not isinstance(call, Bundle) or not receipt.status:
                    assert found == [], self._where(receipt)
                    continue
                assert sorted(filter(None, map(shown, found))) == call.causes, self._where(receipt)
                assert sum(movement.cash() for movement in found) == call.cash, self._where(receipt)
                changes: Counter[str] = Counter()
                for movement in found:
                    for token, change in movement.share_changes():
                        changes[token] += change
                assert {token: change for token, change in changes.items() if change} == call.shares, self._where(
                    receipt
                )

    def audit(self) -> None:
        """No invariant is broken, and money and profit tell the same story (C2 with collateral)."""
        books = list(self.books.books.values())
        assert [finding for finding in audit(books) if finding.violations] == [], self._where()
        cash = inflows = cost = realized = fees = given = 0
        for book in books:
            timeline = book.timeline
            running: dict[str, Position] = {}
            for place, movement in enumerate(timeline.movements):
                before = sum(position.cost for position in running.values())
                fold(running, timeline.movements, place, place + 1, timeline.payouts)
                cash += movement.cash()
                if movement.op == CASH:
                    inflows += movement.collateral
                elif movement.op == TRANSFER_OUT:
                    given += before - sum(position.cost for position in running.values())
            cost += sum(position.cost for position in running.values())
            realized += sum(position.realized for position in running.values())
            fees += sum(position.fees for position in running.values())
        assert inflows + realized - fees == cost + given + cash, self._where()

    def rows(self) -> BookRows:
        return all_rows(list(self.books.books.values()))

    def _where(self, receipt: Receipt | None = None) -> str:
        seed = self.life.seed
        if receipt is None:
            return f"seed {seed}, block {self.life.ground.chain.head.number}"
        call = receipt.transaction.call
        acts = [act.name for act in call.acts] if isinstance(call, Bundle) else [type(call).__name__]
        return f"seed {seed}, block {receipt.block_number}, transaction {receipt.tx_index}: {acts}"


def shown(movement: Movement) -> Cause | None:
    """The movement in the words of a life; None for one that moves nothing."""
    what = OP_NAMES[movement.op]
    if movement.op in (EXCHANGE, CASH):
        what = movement.key.partition("/")[0]
    shares = 0 if what == "redemption" else movement.shares
    turned = what in ("wrap", "unwrap")
    if not (turned or movement.cash() or any(change for _, change in movement.share_changes())):
        return None
    return Cause(what, movement.token_id, shares, movement.cash())


def book_of(life: Life, token: str) -> Book:
    return next(book for book in life.ground.books if token in map(str, book.tokens))
