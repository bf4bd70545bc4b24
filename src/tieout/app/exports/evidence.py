"""Which entries of the log a movement was made from."""

from __future__ import annotations

from collections.abc import Iterable

from tieout.ledger.book import Book
from tieout.ledger.events import EventFact, event_key
from tieout.ledger.facts import (
    AdjustmentInferred,
    AnyFact,
    FillObserved,
    ManualEntry,
    OrderFilledOnChain,
    TokenMoved,
    TradeReported,
    TransferCostStated,
)
from tieout.ledger.fills import fill_key
from tieout.ledger.movement import BUY, SELL, Movement


class Evidence:
    """Hears every fact with its entry, and tells afterwards which of them speak of a movement."""

    def __init__(self) -> None:
        self._entries: dict[str, list[int]] = {}
        """A fact's name -> the entries of the log that say it."""
        self._names: dict[str, tuple[str, ...]] = {}
        """A movement's key -> further names of what it was made from."""

    def hear(self, seq: int, fact: AnyFact) -> None:
        """Note entry *seq*."""
        name = _name_of(fact)
        if name:
            self._entries.setdefault(name, []).append(seq)

    def settle(self, books: Iterable[Book]) -> None:
        """Note what the books joined: the log that settles a fill, the event behind each movement of one."""
        for book in books:
            for key, fill in book.fills.items():
                if fill.chain is not None:
                    self._names[key] = (fill.chain.key,)
            for record in book.events.values():
                for key in record.keys:
                    self._names[key] = (record.key,)

    def of(self, movement: Movement) -> list[int]:
        """The entries that speak of it, ascending."""
        key, tx_hash = movement.key, movement.tx_hash
        names = [key, *self._names.get(key, ())]
        if key.startswith("manual/") and key not in self._entries:
            names.append(key.removesuffix("/cost"))
        if tx_hash:
            # Of the whole transaction: what moved of each token, what it was said to have cost, the rows of an index.
            names += [f"{what}/{tx_hash}/{token}" for token in movement.tokens() for what in ("move", "cost")]
            if movement.op in (BUY, SELL):
                names.append(f"row/{tx_hash}/{movement.token_id}/{'BUY' if movement.op == BUY else 'SELL'}")
        return sorted({seq for name in names for seq in self._entries.get(name, ())})


def _name_of(fact: AnyFact) -> str:
    """As the movement is called that it makes, where it makes one."""
    if isinstance(fact, FillObserved):
        return fill_key(fact.trade_id, fact.order_id)
    if isinstance(fact, OrderFilledOnChain):
        return f"log/{fact.tx_hash}/{fact.log_index}"
    if isinstance(fact, TradeReported):
        return f"row/{fact.tx_hash}/{fact.token_id}/{fact.side.value}"
    if isinstance(fact, TokenMoved):
        return f"move/{fact.tx_hash}/{fact.token_id}"
    if isinstance(fact, TransferCostStated):
        return f"cost/{fact.tx_hash}/{fact.token_id}"
    if isinstance(fact, ManualEntry):
        return f"manual/{fact.entry_id}"
    if isinstance(fact, AdjustmentInferred):
        return f"adjustment/{fact.token_id}/{fact.statement_id}"
    return event_key(fact) if isinstance(fact, EventFact) else ""
