"""The timeline: a book's movements in canonical order, and the positions they fold to.

Putting a movement anywhere costs folding again from there to the end, not from the beginning: the positions before
every STRIDE-th movement are kept.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from tieout.ledger.fold import fold
from tieout.ledger.movement import REDEEM, Movement, Order
from tieout.ledger.position import Position, Positions
from tieout.ledger.redemption import Payouts

STRIDE: Final = 32

Snapshot = dict[str, tuple[int, int, int, int, int, int, int, int]]


class Timeline:
    """Movements by key and in order; `positions` after the last of them."""

    __slots__ = (
        "_at",
        "_first",
        "_orders",
        "_snapshots",
        "_touched",
        "by_key",
        "folded",
        "movements",
        "payouts",
        "positions",
    )

    def __init__(self) -> None:
        self.by_key: dict[str, Movement] = {}
        """The movements that should stand; `place` makes it so."""
        self.movements: list[Movement] = []
        self._orders: list[Order] = []
        """The order of each of `movements`, for the binary search."""
        self.positions: Positions = {}
        self.payouts: Payouts = {}
        self.folded: int = 0
        """How many movements were folded since the timeline was made; a measure of work, not of state."""
        self._snapshots: list[Snapshot] = [{}]
        """[k]: the positions before movement k * STRIDE."""
        self._touched: dict[str, Movement | None] = {}
        """Key -> what is placed under it now, for every key put since the last `place`."""
        self._at: int = 0
        """`positions` is the fold of movements[:_at]."""
        self._first: int = 0
        """The earliest index that changed; _at when nothing did."""

    def put(self, key: str, movement: Movement | None) -> Movement | None:
        """Set, replace or (None) remove the movement of *key*; returns what stood there. Takes effect in `place`."""
        old = self.by_key.get(key)
        if movement is None:
            if old is not None:
                self._touched.setdefault(key, old)
                del self.by_key[key]
        elif old is None or not old.same_as(movement):
            self._touched.setdefault(key, old)
            self.by_key[key] = movement
        return old

    def set_payouts(self, payouts: Payouts) -> None:
        """Set what resolved tokens pay; redemptions are folded again when it changed."""
        if payouts == self.payouts:
            return
        self.payouts = payouts
        for index, movement in enumerate(self.movements):
            if movement.op == REDEEM:
                self._first = min(self._first, index)
                break

    def place(self) -> set[str]:
        """Put everything pending in its place and fold; returns the keys that changed."""
        changed = set()
        added = []
        for key, before in self._touched.items():
            after = self.by_key.get(key)
            if before is not None and after is not None and before.same_as(after):
                self.by_key[key] = before
                continue
            if before is not None:
                self._remove(before)
                changed.add(key)
            if after is not None:
                added.append(after)
                changed.add(key)
        self._touched.clear()
        if added:
            self._insert(added)
        if self._first < self._at or self._at < len(self.movements):
            self._fold()
        return changed

    def _remove(self, movement: Movement) -> None:
        index = bisect_left(self._orders, movement.order)
        del self._orders[index]
        del self.movements[index]
        self._first = min(self._first, index)

    def _insert(self, added: list[Movement]) -> None:
        added.sort(key=_order_of)
        movements, orders = self.movements, self._orders
        if not orders or added[0].order > orders[-1]:
            movements.extend(added)
            orders.extend([m.order for m in added])
        elif len(added) > 32 and len(added) * 8 > len(movements):
            self._first = min(self._first, bisect_left(orders, added[0].order))
            movements.extend(added)
            movements.sort(key=_order_of)
            self._orders = [m.order for m in movements]
        else:
            for movement in added:
                index = bisect_left(orders, movement.order)
                movements.insert(index, movement)
                orders.insert(index, movement.order)
                self._first = min(self._first, index)

    def _fold(self) -> None:
        if self._first < self._at:
            base = self._first // STRIDE
            del self._snapshots[base + 1 :]
            self.positions = {t: _restored(t, amounts) for t, amounts in self._snapshots[base].items()}
            self._at = base * STRIDE
        count = len(self.movements)
        while self._at < count:
            stop = min(count, (self._at // STRIDE + 1) * STRIDE)
            fold(self.positions, self.movements, self._at, stop, self.payouts)
            self.folded += stop - self._at
            self._at = stop
            if stop % STRIDE == 0:
                self._snapshots.append({t: p.as_tuple() for t, p in self.positions.items()})
        self._first = self._at


def _order_of(movement: Movement) -> Order:
    return movement.order


def _restored(token_id: str, amounts: tuple[int, int, int, int, int, int, int, int]) -> Position:
    position = Position(token_id)
    position.restore(amounts)
    return position
