"""From what the desk reads to what the interface says: positions, orders, movements, markets, profit, the log."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tieout.app.desk.entries import Chained, Raw
from tieout.app.desk.figures import Figures, Point
from tieout.app.desk.holdings import Holding
from tieout.app.desk.markets import MarketLine
from tieout.app.desk.trades import ShownMovement, ShownOrder
from tieout.ledger.movement import LOG_BITS, NO_CHAIN_POSITION, block_of
from tieout.ledger.rows import PositionRow, share_changes
from tieout.store.controls import Control
from tieout.store.log import Entry as LogEntry
from tieout.store.marks import Mark
from tieout.web.api.models_books import (
    BookSide,
    ChainedEntry,
    Entry,
    Level,
    Marked,
    MarkedPosition,
    Market,
    MarketStory,
    Movement,
    Order,
    Pnl,
    PnlPoint,
    Position,
    Quote,
    RawMessage,
    ReadProblem,
    ShareChange,
)
from tieout.web.api.shapes import control


def position(row: PositionRow) -> Position:
    """A position."""
    return Position(**row._asdict())


def marked_position(held: Holding) -> MarkedPosition:
    """A position with its mark."""
    return MarkedPosition(
        **held.row._asdict(),
        average_price=held.average,
        price=held.price,
        value=held.value,
        unrealized_pnl=held.unrealized,
        marked_by=held.by,  # type: ignore[arg-type]  # one of three words, and checked
    )


def order(found: ShownOrder) -> Order:
    """An order."""
    fields = found.row._asdict()
    del fields["rejected_shares"]
    return Order(**fields, outcome_index=found.outcome_index, remaining=found.remaining)


def movement(found: ShownMovement) -> Movement:
    """A movement; its place on chain is taken apart."""
    fields = found.row._asdict()
    del fields["legs"]
    place = fields.pop("chain_position")
    is_placed = 0 <= place < NO_CHAIN_POSITION
    return Movement(
        **fields,
        block=block_of(place) if is_placed else None,
        log_index=place & ((1 << LOG_BITS) - 1) if is_placed else None,
        outcome_index=found.outcome_index,
        price=found.price,
        changes=[ShareChange(token_id=name, shares=shares) for name, shares in share_changes(found.row._asdict())],
        trade_id=found.trade_id if found.row.kind in ("buy", "sell") else "",
    )


def market(line: MarketLine) -> Market:
    """A market as it stands in a list."""
    return Market(**_market_fields(line))


def market_story(
    line: MarketLine, positions: Sequence[PositionRow], deciding: Control, open_incidents: int
) -> MarketStory:
    """A market with its book and quotes."""
    shown = line.status
    return MarketStory(
        **_market_fields(line),
        fair=shown.get("fair"),
        tick=shown.get("tick"),
        min_size=shown.get("min_size"),
        end_at_ms=shown.get("end_at_ms") or None,
        reasons=list(shown.get("reasons") or ()),
        book=_book(line.book),
        quotes=[_quote(each) for each in shown.get("quotes") or ()],
        resting=[_quote(each) for each in line.resting],
        positions=[position(row) for row in positions],
        deciding=control(deciding),
        open_incidents=open_incidents,
    )


def _market_fields(line: MarketLine) -> dict[str, Any]:
    return {
        "condition_id": line.condition_id,
        "question": line.name.question,
        "slug": line.name.slug,
        "outcomes": list(line.name.outcomes),
        "token_ids": list(line.tokens),
        "shares": line.shares,
        "cost_basis": line.cost,
        "realized_pnl": line.realized,
        "fees": line.fees,
        "pnl": line.pnl,
        "value": line.value,
        "unexplained_shares": line.unexplained,
        "bid": line.bid,
        "ask": line.ask,
        "why_not": line.why_not,
        "at_ms": line.at_ms,
        "control": control(line.control or Control(line.condition_id)),
    }


def _book(shown: Mapping[str, Any]) -> list[BookSide]:
    """The sides of each outcome; as many as the worker showed."""
    pairs = zip(shown.get("bids") or (), shown.get("asks") or (), strict=False)
    return [
        BookSide(bids=[_level(each) for each in bids], asks=[_level(each) for each in asks]) for bids, asks in pairs
    ]


def _level(pair: Sequence[int]) -> Level:
    return Level(price=pair[0], size=pair[1])


def _quote(shown: Mapping[str, Any]) -> Quote:
    return Quote(
        outcome_index=shown["outcome"],
        side=shown["side"],
        price=shown["price"],
        size=shown.get("size", shown.get("remaining", 0)),
        order_id=shown.get("order_id", ""),
        tier=shown.get("tier"),
    )


def pnl(found: Figures, seq: int) -> Pnl:
    """The figures of a wallet."""
    return Pnl(
        seq=seq,
        realized_pnl=found.realized,
        fees=found.fees,
        rewards=found.rewards,
        pnl=found.pnl,
        pnl_before_fees=found.pnl_before_fees,
        pnl_today=found.pnl_today,
        cost_basis=found.cost_basis,
        buying=found.buying,
        exposure=found.exposure,
        unexplained_shares=found.unexplained_shares,
        positions_held=found.positions_held,
        provisional_positions=found.provisional_positions,
        open_orders=found.open_orders,
        mark=None if found.mark is None else _mark(found.mark),
    )


def _mark(mark: Mark) -> Marked:
    return Marked(
        at_ms=mark.at_ms,
        cash=mark.cash,
        market_value=mark.market_value,
        unrealized_pnl=mark.unrealized_pnl,
        unpriced=mark.unpriced,
    )


def pnl_point(point: Point) -> PnlPoint:
    """A point of the profit over time."""
    return PnlPoint(
        at_ms=point.at_ms,
        pnl=point.after_fees,
        pnl_before_fees=point.before_fees,
        cost_basis=point.exposure,
        rewards=point.rewards,
    )


def entry(found: LogEntry) -> Entry:
    """An entry of the log."""
    return Entry(**_entry_fields(found))


def chained_entry(found: Chained) -> ChainedEntry:
    """An entry with its place in the chain."""
    return ChainedEntry(
        **_entry_fields(found.entry),
        previous_hash=found.previous.hex(),
        is_whole=found.is_whole,
        ids=list(found.names),
    )


def _entry_fields(found: LogEntry) -> dict[str, Any]:
    fields = found._asdict()
    return {
        **fields,
        "kind": str(json.loads(found.fact)["kind"]),
        "digest": found.digest.hex(),
        "hash": found.hash.hex(),
    }


def raw_message(found: Raw) -> RawMessage:
    """A message; bytes that are no text are told as base64."""
    try:
        encoding, body = "utf-8", found.body.decode()
    except UnicodeDecodeError:
        encoding, body = "base64", base64.b64encode(found.body).decode()
    return RawMessage(
        raw_id=found.raw_id,
        received_at_ms=found.received_at_ms,
        source=found.source,
        origin=found.origin,
        encoding=encoding,  # type: ignore[arg-type]  # one of two words, and checked
        body=body,
        problems=[ReadProblem(code=code, message=message) for code, message in found.problems],
        entries=list(found.entries),
    )
