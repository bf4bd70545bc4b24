"""The tax tables: what left, lot by lot; the lots that are left; and both by year.

The figures are those of `ledger.lots`; here stand days, terms and sums. A fee is never part of a cost or of a gain:
both fees of a row stand beside it, and the net gain is less both.

Term: long when disposed later than on the same day of the next year (a 29 February counts as the 28th), as the United
States count it. Other laws count otherwise; `holding_days` has what they need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from tieout.app.exports.names import Names
from tieout.app.exports.table import Cell, Cells, id_cell, moment_cell
from tieout.app.exports.text import day_of
from tieout.ledger.changes import Moved
from tieout.ledger.events import flow_of
from tieout.ledger.facts import INCOME
from tieout.ledger.lots import Disposal, Lots
from tieout.ledger.movement import CASH, OP_NAMES, PENDING, Movement

UNEXPLAINED = " (unexplained)"
"""Ends the kind of disposals of shares that the books never saw arrive, in the table of years."""


def time_of(movement: Movement) -> int:
    """When it happened, Unix ms; 0 where no source said."""
    return movement.order[0] & (PENDING - 1)


def disposals(moved: Iterable[Moved], lots: Lots) -> Iterator[Disposal]:
    """Everything that left, in canonical order; *lots* are what is left when it is through.

    Raises AssertionError when shares, costs or fees of the lots do not add up: then nothing of it is to be relied on.
    """
    for movement, changes in moved:
        yield from lots.apply(movement, changes)
    wrong = lots.unbalanced()
    if wrong:
        raise AssertionError(f"expected lots that add up, was: {len(wrong)} tokens do not, the first is {wrong[0]}")


def holding(row: Disposal) -> tuple[int | None, str | None]:
    """(days held, term); None where one of the two times is not known."""
    if row.acquired is None or not time_of(row.acquired) or not time_of(row.movement):
        return None, None
    acquired, disposed = day_of(time_of(row.acquired)), day_of(time_of(row.movement))
    return (disposed - acquired).days, "long" if disposed > _a_year_on(acquired) else "short"


def _a_year_on(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year + 1, 2, 28)
    return day.replace(year=day.year + 1)


def net_gain(row: Disposal) -> int | None:
    """The gain by first in, first out, less the fees of leaving and of arriving."""
    return None if row.gain is None else row.gain - row.fee - (row.fee_acquired or 0)


def tax_cells(row: Disposal, names: Names) -> Cells:
    """A disposal, in the order of `tables.TAX`."""
    days, term = holding(row)
    acquired = row.acquired
    return (
        moment_cell(time_of(row.movement)),
        moment_cell(time_of(acquired)) if acquired is not None else None,
        row.kind,
        OP_NAMES[acquired.op] if acquired is not None else None,
        *_market(row.token_id, row.movement, names),
        row.shares,
        row.proceeds,
        row.fee,
        None if row.proceeds is None else row.proceeds - row.fee,
        row.cost,
        row.fee_acquired,
        row.gain,
        net_gain(row),
        row.cost_average,
        row.gain_average,
        days,
        term,
        id_cell(row.movement.status),
        id_cell(row.movement.tx_hash),
        id_cell(acquired.tx_hash) if acquired is not None else None,
        row.movement.key,
        acquired.key if acquired is not None else None,
    )


def _market(token_id: str, movement: Movement, names: Names) -> Cells:
    """The market of a token; of a token nobody listed, the movement's own condition where it has one token."""
    return names.cells(token_id, names.condition(token_id) or movement.condition_id)


def lot_cells(lots: Lots, names: Names) -> Iterator[Cells]:
    """What is left of every lot, by token and age, in the order of `tables.LOTS`."""
    for token_id, held in sorted(lots.by_token.items(), key=lambda each: (names.condition(each[0]), each[0])):
        for lot in held:
            yield (
                moment_cell(time_of(lot.movement)),
                OP_NAMES[lot.movement.op],
                *_market(token_id, lot.movement, names),
                lot.shares,
                lot.cost,
                lot.fee,
                id_cell(lot.movement.tx_hash),
                lot.movement.key,
            )


class Years:
    """Sums by year and kind, of disposals and of what the venue paid."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, str], list[int]] = {}
        self._income: dict[tuple[int, str], list[int]] = {}

    def dispose(self, row: Disposal) -> None:
        """Count a disposal."""
        kind = row.kind if row.acquired is not None else row.kind + UNEXPLAINED
        gain, term = row.gain or 0, holding(row)[1]
        amounts = (
            1,
            row.shares or 0,
            row.proceeds or 0,
            row.fee,
            (row.proceeds or 0) - row.fee,
            row.cost or 0,
            row.fee_acquired or 0,
            gain,
            gain if term == "short" else 0,
            gain if term == "long" else 0,
            net_gain(row) or 0,
            row.cost_average or 0,
            row.gain_average or 0,
        )
        _add(self._sums, (_year_of(row.movement), kind), amounts)

    def receive(self, movement: Movement) -> None:
        """Count a movement if it is a payment of the venue."""
        flow = flow_of(movement.key)
        if movement.op == CASH and flow in INCOME:
            _add(self._income, (_year_of(movement), flow.value), (1, movement.cash()))

    def cells(self) -> Iterator[Cells]:
        """In the order of `tables.YEARS`: by year, disposals before income."""
        nothing: tuple[Cell, ...] = (None,) * 12
        rows: list[tuple[int, bool, str, Cells]] = [
            (year, False, kind, (year or None, kind, *amounts, None)) for (year, kind), amounts in self._sums.items()
        ]
        rows += [
            (year, True, kind, (year or None, kind, count, *nothing, paid))
            for (year, kind), (count, paid) in self._income.items()
        ]
        yield from (cells for *_, cells in sorted(rows))


def _year_of(movement: Movement) -> int:
    """The year of UTC; 0 where no source told the time."""
    at_ms = time_of(movement)
    return day_of(at_ms).year if at_ms else 0


def _add(sums: dict[tuple[int, str], list[int]], name: tuple[int, str], amounts: tuple[int, ...]) -> None:
    known = sums.setdefault(name, [0] * len(amounts))
    for place, amount in enumerate(amounts):
        known[place] += amount
