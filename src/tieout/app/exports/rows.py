"""Rows of the books and marks as cells of the tables."""

from __future__ import annotations

from tieout.app.exports.names import Names
from tieout.app.exports.table import Cell, Cells, id_cell, moment_cell
from tieout.app.exports.text import exact_text
from tieout.ledger.events import flow_of
from tieout.ledger.movement import LOG_BITS, NO_CHAIN_POSITION, block_of
from tieout.ledger.rows import MovementRow, OrderRow, PositionRow
from tieout.ledger.units import MICRO
from tieout.store.marks import Mark


def fill_cells(row: MovementRow, names: Names) -> Cells:
    """A buy or sell, in the order of `tables.FILLS`."""
    return (
        moment_cell(row.occurred_at_ms),
        row.kind.upper(),
        row.shares,
        row.collateral * MICRO // row.shares if row.shares else None,
        row.collateral,
        row.fee,
        row.cash,
        id_cell(row.role),
        id_cell(row.status),
        *names.cells(row.token_id, row.condition_id),
        id_cell(trade_id(row)),
        id_cell(row.order_id),
        *_place(row),
    )


def movement_cells(row: MovementRow, names: Names) -> Cells:
    """Any movement, in the order of `tables.MOVEMENTS`."""
    given, _, taken = row.legs.partition(">")
    return (
        moment_cell(row.occurred_at_ms),
        row.kind,
        flow_of(row.key).value if row.kind == "cash" else None,
        row.shares,
        row.collateral,
        row.fee,
        row.cash,
        id_cell(row.role),
        id_cell(row.status),
        *names.cells(row.token_id, row.condition_id),
        id_cell(_legs(given)),
        id_cell(_legs(taken)),
        id_cell(trade_id(row)),
        id_cell(row.order_id),
        *_place(row),
    )


def order_cells(row: OrderRow, names: Names) -> Cells:
    """An order, in the order of `tables.ORDERS`; without its terms, side, price and size are not known."""
    told = bool(row.side)
    return (
        moment_cell(row.placed_at_ms),
        row.state,
        id_cell(row.side),
        id_cell(row.order_type),
        row.price if told else None,
        row.size if told else None,
        row.claimed,
        row.filled,
        row.failed,
        row.provisional,
        row.rejected_shares,
        id_cell(row.reason),
        *names.cells(row.token_id, row.condition_id),
        row.order_id,
    )


def position_cells(row: PositionRow, names: Names) -> Cells:
    """A position, in the order of `tables.POSITIONS`."""
    return (
        *names.cells(row.token_id, row.condition_id),
        row.shares,
        row.cost_basis,
        row.cost_basis * MICRO // row.shares if row.shares else None,
        row.realized_pnl,
        row.fees,
        row.realized_pnl - row.fees,
        row.bought,
        row.sold,
        row.unexplained_shares,
        row.unexplained_proceeds,
        row.provisional_shares,
        row.unsettled_shares,
    )


def mark_cells(mark: Mark) -> Cells:
    """A mark, in the order of `tables.MARKS`."""
    return (
        mark.at_ms,
        mark.cash,
        mark.market_value,
        mark.cost_basis,
        mark.unrealized_pnl,
        mark.realized_pnl,
        mark.fees,
        mark.rewards,
        mark.pnl,
        mark.positions,
        mark.unpriced,
    )


def trade_id(row: MovementRow) -> str:
    """The CLOB's trade of a fill, out of its key (`fills.fill_key`); "" where the CLOB told nothing of it."""
    start, end = "fill/", "/" + row.order_id
    return row.key[len(start) : -len(end)] if row.key.startswith(start) and row.key.endswith(end) else ""


def _place(row: MovementRow) -> tuple[Cell, ...]:
    position = row.chain_position
    if not 0 < position < NO_CHAIN_POSITION:
        return (id_cell(row.tx_hash), None, None, row.key)
    return (id_cell(row.tx_hash), block_of(position) or None, position & ((1 << LOG_BITS) - 1), row.key)


def _legs(text: str) -> str:
    """Legs as `rows.movement_row` keeps them, with shares as decimals; -1 is all that was held."""
    parts = (leg.rpartition(":") for leg in text.split(",") if leg)
    return " ".join(f"{token}:{'all' if shares == '-1' else exact_text(int(shares))}" for token, _, shares in parts)
