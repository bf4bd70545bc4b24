"""Lots: the same movements by "first in, first out", beside the average cost of the books.

A position has one cost for all its shares; tax laws mostly want to know which shares were sold. Here every acquisition
is a lot, and what leaves takes the oldest lots first. Worked example (amounts in whole units)::

    buy  3 for 1.00, then 3 for 2.00        lots 3 (1.00), 3 (2.00)
    sell 4 for 2.00                         first lot: 3 shares, cost 1.00, proceeds 1.50
                                            second:    1 share,  cost floor(2.00 x 1 / 3) = 0.666666, proceeds 0.50
                                            left: 2 shares, cost 1.333334; the remainder stays with the lot

So, exactly and for every token: what all lots cost = what left with the disposals + what the lots left still cost; and
the same of shares and fees (`Lots.unbalanced` looks). The average cost beside each row is that of the fold: over all
rows of a token, its gain is the position's realized PnL.

What carries its cost along (transfers out, adjustments, conversions) makes no gain, but for a conversion that pays more
collateral than its tokens cost. What a conversion gives is new lots of the rest of that cost, of its own date; a
migration only renames the token, so its lots keep their dates.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from tieout.ledger.changes import Change
from tieout.ledger.movement import (
    BUY,
    CORRECT_COST,
    EXCHANGE,
    MERGE,
    PAD,
    REDEEM,
    SELL,
    SPLIT,
    TRANSFER_IN,
    TRANSFER_OUT,
    Leg,
    Movement,
    Order,
)

_KINDS: Final = {
    SELL: "sale",
    MERGE: "merge",
    REDEEM: "redemption",
    EXCHANGE: "conversion",
    TRANSFER_OUT: "transfer out",
    PAD: "adjustment",
}
MIGRATION: Final = "migration"
KINDS: Final = (*_KINDS.values(), MIGRATION)
"""What a disposal can be."""

_TAKES_IN: Final = (BUY, SPLIT, TRANSFER_IN)
_CARRIES: Final = (TRANSFER_OUT, PAD)


class Lot:
    """Shares of a token that came in together; amounts are what is left of them, micro-units."""

    __slots__ = ("cost", "fee", "movement", "shares")

    def __init__(self, movement: Movement, shares: int, cost: int, fee: int) -> None:
        self.movement = movement
        """What brought them; its time is when they were acquired."""
        self.shares = shares
        self.cost = cost
        """Before fees."""
        self.fee = fee
        """Of the fee paid for them."""

    def take(self, shares: int) -> Lot:
        """Give out *shares* as a lot of their own, with their part of cost and fee, rounded down."""
        if shares == self.shares:
            cost, fee = self.cost, self.fee
        else:
            cost, fee = self.cost * shares // self.shares, self.fee * shares // self.shares
        self.shares -= shares
        self.cost -= cost
        self.fee -= fee
        return Lot(self.movement, shares, cost, fee)


class Disposal(NamedTuple):
    """Shares of one lot that left in one movement. Micro-units; gains are before fees, as realized PnL is."""

    movement: Movement
    token_id: str
    kind: str
    """One of KINDS."""
    acquired: Movement | None
    """What brought the lot; None: shares that the books never saw arrive, whose cost and gain nobody can tell."""
    shares: int | None
    """None: something was paid, and for how many shares is not known."""
    proceeds: int | None
    """Collateral received for them, before the fee; None: nothing is, the cost goes along."""
    fee: int
    cost: int | None
    """What the lot's part cost, by first in, first out."""
    fee_acquired: int | None
    """The fee paid when it was acquired."""
    gain: int | None
    cost_average: int | None
    gain_average: int | None


class _Totals:
    """What came in of a token, and what left, in micro-units: shares, cost, fees."""

    __slots__ = ("came", "left")

    def __init__(self) -> None:
        self.came = (0, 0, 0)
        self.left = (0, 0, 0)


def _plus(a: tuple[int, int, int], b: tuple[int, int, int]) -> tuple[int, int, int]:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


class Lots:
    """The lots of a wallet's tokens; `apply` every movement in canonical order."""

    def __init__(self) -> None:
        self.by_token: dict[str, deque[Lot]] = {}
        """The oldest first."""
        self._totals: dict[str, _Totals] = {}

    def apply(self, movement: Movement, changes: Sequence[Change]) -> list[Disposal]:
        """Take in what *movement* did, as `changes.changes` tells it; returns what left, lot by lot."""
        op = movement.op
        if op == EXCHANGE:
            return self._exchange(movement, changes)
        if op == CORRECT_COST:
            for change in changes:
                self._correct(change.token_id, movement.collateral)
            return []
        fee = movement.fee_paid()
        found: list[Disposal] = []
        for change in changes:
            if change.shares > 0 or op in _TAKES_IN:
                self._acquire(change.token_id, Lot(movement, change.shares, change.cost, fee))
                fee = 0
            elif rows := self._dispose(movement, change, fee):
                found += rows
                fee = 0
        return found

    def unbalanced(self) -> list[str]:
        """Tokens of which what came is not what left and what is held; must be none."""
        return [
            token_id
            for token_id, totals in self._totals.items()
            if totals.came != _plus(totals.left, _sum(self.by_token.get(token_id, ())))
        ]

    def _total(self, token_id: str) -> _Totals:
        return self._totals.setdefault(token_id, _Totals())

    def _acquire(self, token_id: str, lot: Lot) -> None:
        if not (lot.shares or lot.cost or lot.fee):
            return
        totals = self._total(token_id)
        totals.came = _plus(totals.came, _sum((lot,)))
        lots = self.by_token.setdefault(token_id, deque())
        if lots and _order_of(lots[-1]) > _order_of(lot):
            # Only a migration brings lots that are older than those it finds.
            kept = list(lots)
            insort(kept, lot, key=_order_of)
            self.by_token[token_id] = deque(kept)
        else:
            lots.append(lot)

    def _take(self, token_id: str, shares: int) -> list[Lot]:
        """*shares* of the oldest lots."""
        lots = self.by_token.get(token_id, deque())
        taken: list[Lot] = []
        while shares:
            if not lots:
                raise AssertionError(f"token {token_id}: expected lots of all shares held, {shares} are in none")
            lot = lots[0]
            part = lot.take(min(shares, lot.shares))
            taken.append(part)
            shares -= part.shares
            if not lot.shares:
                lots.popleft()
        if taken:
            totals = self._total(token_id)
            totals.left = _plus(totals.left, _sum(taken))
        return taken

    def _dispose(self, movement: Movement, change: Change, fee: int) -> list[Disposal]:
        carries = movement.op in _CARRIES
        proceeds = change.sold - change.unexplained_proceeds
        average = proceeds - change.realized
        taken = self._take(change.token_id, -change.shares)
        missing = change.unexplained_shares
        unexplained = bool(missing or change.unexplained_proceeds)
        sizes = [lot.shares for lot in taken]
        fees = divided(fee, [*sizes, missing] if unexplained else sizes)
        rows = []
        for lot, part, cost_average, own_fee in zip(
            taken, divided(proceeds, sizes), divided(average, sizes), fees, strict=False
        ):
            gains = (0, 0) if carries else (part - lot.cost, part - cost_average)
            rows.append(_row(movement, change.token_id, lot, None if carries else part, own_fee, gains, cost_average))
        if unexplained:
            paid = None if carries else change.unexplained_proceeds
            rows.append(_unexplained(movement, change.token_id, missing, paid, fees[-1]))
        return rows

    def _exchange(self, movement: Movement, changes: Sequence[Change]) -> list[Disposal]:
        """Tokens given for tokens taken and collateral; what the fold books as profit stands with the first given."""
        given: dict[str, int] = {}
        for token_id, shares in movement.legs:
            given[token_id] = given.get(token_id, 0) + shares
        taken = {
            change.token_id: self._take(change.token_id, min(change.shares_before, given[change.token_id]))
            for change in changes
            if change.token_id in given
        }
        carried = sum(lot.cost for lots in taken.values() for lot in lots)
        profit = movement.collateral - carried
        rows: list[Disposal] = []
        for place, change in enumerate(change for change in changes if change.token_id in given):
            gain = profit if place == 0 and (profit > 0 or not movement.gained) else 0
            paid, fee = (movement.collateral, movement.fee) if place == 0 else (0, 0)
            rows += _given(movement, change, taken[change.token_id], (paid, fee, gain))
        if _is_migration(movement):
            self._rename(movement, [lot for lots in taken.values() for lot in lots])
        else:
            self._gain(movement, movement.gained, max(0, -profit))
        return rows

    def _rename(self, movement: Movement, lots: list[Lot]) -> None:
        """The lots of a migration under their new token, dates and all; shares nobody saw arrive cost nothing."""
        token_id, shares = movement.gained[0]
        for lot in lots:
            self._acquire(token_id, lot)
        missing = shares - sum(lot.shares for lot in lots)
        self._acquire(token_id, Lot(movement, missing, 0, 0))

    def _gain(self, movement: Movement, gained: Sequence[Leg], cost: int) -> None:
        """New lots of an equal part of *cost* each, rounded down, the rest with the first: as the fold divides it."""
        if not gained:
            return
        each = cost // len(gained)
        part = cost - each * (len(gained) - 1)
        for token_id, shares in gained:
            self._acquire(token_id, Lot(movement, shares, part, 0))
            part = each

    def _correct(self, token_id: str, amount: int) -> None:
        """Spread a correction of the cost over the lots: more by their shares, less by their cost, which stays >= 0."""
        lots = self.by_token.get(token_id)
        if not lots:
            return
        cost = sum(lot.cost for lot in lots)
        change = max(amount, -cost)
        if change >= 0:
            parts = divided(change, [lot.shares for lot in lots])
        else:
            kept = divided(cost + change, [lot.cost for lot in lots])
            parts = [keep - lot.cost for keep, lot in zip(kept, lots, strict=True)]
        for lot, part in zip(lots, parts, strict=True):
            lot.cost += part
        totals = self._total(token_id)
        totals.came = _plus(totals.came, (0, change, 0))


def divided(total: int, weights: Sequence[int]) -> list[int]:
    """*total* by *weights*: each part rounded down, what is left over to the last, so that the sum is *total*."""
    whole = sum(weights)
    if not weights:
        return []
    parts = [total * weight // whole if whole else 0 for weight in weights]
    parts[-1] += total - sum(parts)
    return parts


def _order_of(lot: Lot) -> Order:
    return lot.movement.order


def _sum(lots: Sequence[Lot] | deque[Lot]) -> tuple[int, int, int]:
    return (sum(lot.shares for lot in lots), sum(lot.cost for lot in lots), sum(lot.fee for lot in lots))


def _is_migration(movement: Movement) -> bool:
    return movement.key.startswith("migration/") and len(movement.legs) == len(movement.gained) == 1


def kind_of(movement: Movement) -> str:
    """What it is called that something left by *movement*: one of KINDS."""
    return MIGRATION if _is_migration(movement) else _KINDS[movement.op]


def _given(movement: Movement, change: Change, lots: list[Lot], amounts: tuple[int, int, int]) -> list[Disposal]:
    """The rows of one token given in an exchange; *amounts*: collateral received for it, fee, gain (FIFO)."""
    sizes = [lot.shares for lot in lots]
    missing = change.unexplained_shares
    paid, fee, gain = (divided(amount, sizes or [missing]) for amount in amounts)
    cost_average, gain_average = divided(-change.cost, sizes), divided(change.realized, sizes)
    rows = [
        _row(movement, change.token_id, lot, paid[i], fee[i], (gain[i], gain_average[i]), cost_average[i])
        for i, lot in enumerate(lots)
    ]
    if missing:
        row = _unexplained(movement, change.token_id, missing, 0, 0)
        if not lots:
            # The fold books a conversion's collateral as profit where what was given had no cost to be seen.
            row = row._replace(proceeds=paid[0], fee=fee[0], gain=gain[0], gain_average=change.realized)
        rows.append(row)
    return rows


def _row(
    movement: Movement,
    token_id: str,
    lot: Lot,
    proceeds: int | None,
    fee: int,
    gains: tuple[int, int],
    cost_average: int,
) -> Disposal:
    return Disposal(
        movement,
        token_id,
        kind_of(movement),
        lot.movement,
        lot.shares,
        proceeds,
        fee,
        lot.cost,
        lot.fee,
        gains[0],
        cost_average,
        gains[1],
    )


def _unexplained(movement: Movement, token_id: str, shares: int, proceeds: int | None, fee: int) -> Disposal:
    kind = kind_of(movement)
    return Disposal(movement, token_id, kind, None, shares or None, proceeds, fee, None, None, None, None, None)
