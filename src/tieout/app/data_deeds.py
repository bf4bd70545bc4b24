"""Rows of the Data API and movements of the books, each as what a transaction did: so that they can be compared.

A trade is one row for a transaction, token and side, however many fills it had. All else is taken together by what it
is: conditions and tokens are named differently on the two ledgers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tieout.app.wallet_report import flow_name
from tieout.client.data_rows import EventRow
from tieout.ledger.facts import Flow
from tieout.ledger.rows import MovementRow, share_changes

CASH = "CASH"
_EVENTS = ("SPLIT", "MERGE", "REDEEM", "CONVERSION", "MIGRATION")
_KINDS = {"split": "SPLIT", "merge": "MERGE", "redemption": "REDEEM"}
_WITH_SHARES = ("BUY", "SELL", "SPLIT", "MERGE")
"""Whose sizes mean the same in both."""
TURNING = frozenset((Flow.WRAP.value, Flow.UNWRAP.value))
"""Flows of nothing: own coins that became the other ones."""

_OUT = frozenset((Flow.WITHDRAWAL.value,))


class Key(NamedTuple):
    """What one transaction did; `token_id` for trades only."""

    tx_hash: str
    deed: str
    token_id: str = ""

    @property
    def words(self) -> str:
        """For a person."""
        return self.deed.lower()


@dataclass(slots=True)
class Deed:
    """The sums of it. `cash` is signed; None means that the two sources do not say the same thing by it."""

    at_ms: int
    shares: int | None = None
    cash: int | None = None
    names: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)

    @property
    def figure(self) -> int | None:
        """The figure to show when nothing stands beside it."""
        return self.cash if self.shares is None else self.shares

    def add(self, shares: int | None, cash: int | None) -> None:
        """Another part of it."""
        self.shares = shares if self.shares is None else self.shares + (shares or 0)
        self.cash = cash if self.cash is None else self.cash + (cash or 0)


def by_rows(rows: Iterable[EventRow]) -> dict[Key, Deed]:
    """*rows* by what they tell."""
    found: dict[Key, Deed] = {}
    for row in rows:
        if row.type == "TRADE" and row.side is not None:
            key = Key(row.tx_hash, row.side.value, row.token_id)
        elif row.type in _EVENTS:
            key = Key(row.tx_hash, row.type)
        else:
            key = Key(row.tx_hash, CASH)
        if key.deed == "REDEEM" and not row.shares and not row.collateral:
            continue  # a redemption of nothing moves nothing
        deed = found.setdefault(key, Deed(row.at_ms))
        deed.add(row.shares if key.deed in _WITH_SHARES else None, _cash_of(row, key.deed))
        if key.deed == CASH:
            deed.names.add(row.type)
        if row.token_id:
            deed.tokens.add(row.token_id)
    return found


def _cash_of(row: EventRow, deed: str) -> int | None:
    if deed == "MIGRATION":
        return None
    is_out = deed in ("BUY", "SPLIT") or row.type in _OUT
    return -row.collateral if is_out else row.collateral


def by_movements(movements: Sequence[MovementRow]) -> dict[Key, Deed]:
    """*movements* that the index has rows for: not transfers of tokens, nor what no transaction tells."""
    found: dict[Key, Deed] = {}
    for movement in movements:
        key = _key(movement)
        if key is None:
            continue
        deed = found.setdefault(key, Deed(movement.occurred_at_ms))
        cash = None if key.deed == "MIGRATION" else movement.cash
        deed.add(movement.shares if key.deed in _WITH_SHARES else None, cash)
        if key.deed == CASH:
            deed.names.add(flow_name(movement))
        deed.tokens.update(token_id for token_id, _ in share_changes(movement._asdict()))
    return {key: deed for key, deed in found.items() if key.deed != CASH or deed.cash or deed.names & TURNING}


def _key(movement: MovementRow) -> Key | None:
    if not movement.tx_hash or movement.status == "MANUAL" or movement.key.startswith("opening/"):
        return None
    if movement.kind in ("buy", "sell"):
        return Key(movement.tx_hash, movement.kind.upper(), movement.token_id)
    if movement.kind in _KINDS:
        return Key(movement.tx_hash, _KINDS[movement.kind])
    if movement.kind == "exchange":
        return Key(movement.tx_hash, "CONVERSION" if movement.key.startswith("conversion/") else "MIGRATION")
    return Key(movement.tx_hash, CASH) if movement.kind == "cash" else None
