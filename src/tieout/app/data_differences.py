"""The Data API's own figures beside the books as of a block: every difference, with what it likely is.

Nothing is booked and no figure of ours is changed.
The index lags by a time that it does not name, and it may have read further than the block: what is younger than the
lag, or newer than the block, is counted and not compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum

from tieout.app.block_books import BlockBooks
from tieout.app.data_deeds import CASH, TURNING, Deed, Key, by_movements, by_rows
from tieout.client.chain import BlockHead
from tieout.client.data_rows import EventRow, PositionRow
from tieout.client.pages import Listing
from tieout.jobs.drift_cause import may_have_held
from tieout.ledger.rows import MovementRow, share_changes
from tieout.ledger.rows import PositionRow as BookRow
from tieout.ledger.units import MICRO


class What(StrEnum):
    """What differs."""

    SIZE = "position size"
    AVERAGE = "average price"
    REALIZED = "realized PnL"
    AMOUNT = "row's amount"
    NAME = "row's name"
    NOT_IN_BOOKS = "not in the books"
    NOT_IN_INDEX = "not in the index"


@dataclass(frozen=True, slots=True)
class DataDifference:
    """`of` is a token or a transaction, `deed` what it did there; figures in micro-units, None where there is none."""

    what: What
    of: str
    deed: str
    ours: int | None
    theirs: int | None
    why: str

    @property
    def difference(self) -> int:
        """Ours less theirs."""
        return (self.ours or 0) - (self.theirs or 0)


@dataclass(frozen=True, slots=True)
class Stated:
    """What the Data API says of one wallet. `step`: positions are cut to multiples of so many micro-shares."""

    held: Listing[PositionRow]
    closed: Listing[PositionRow]
    activity: Listing[EventRow]
    step: int
    lag_ms: int

    @property
    def flaws(self) -> tuple[str, ...]:
        """Why it may not be whole."""
        named = (("positions", self.held), ("closed positions", self.closed), ("activity", self.activity))
        found = [f"{name}: {listing.flaw}" for name, listing in named if listing.flaw]
        return (*found, *(f"{name}: {len(each.bad_rows)} rows cannot be read" for name, each in named if each.bad_rows))


@dataclass(slots=True)
class DataCompared:
    """What came of it. `young` movements need not show yet; `newer` rows are of blocks after ours.

    `lagging` positions differ by nothing but those. `named` is collateral that the chain shows as a plain transfer
    and the index calls by a name: signed micro-units by the name.
    """

    differences: list[DataDifference] = field(default_factory=list)
    positions: int = 0
    rows: int = 0
    young: int = 0
    newer: int = 0
    lagging: int = 0
    flaws: tuple[str, ...] = ()
    named: dict[str, int] = field(default_factory=dict)

    def sums(self) -> dict[What, tuple[int, int, int]]:
        """By what differs: how many, and the sums of ours and theirs."""
        total: dict[What, tuple[int, int, int]] = {}
        for each in self.differences:
            count, ours, theirs = total.get(each.what, (0, 0, 0))
            total[each.what] = (count + 1, ours + (each.ours or 0), theirs + (each.theirs or 0))
        return {what: total[what] for what in What if what in total}


def compared(at: BlockBooks, block: BlockHead, stated: Stated, drifted: AbstractSet[str]) -> DataCompared:
    """The books *at* a block beside what is *stated*; *drifted* are tokens whose books differ from the chain there."""
    found = DataCompared(rows=len(stated.activity.rows), flaws=stated.flaws)
    lacking = _Activity(at, block, stated, found).compare()
    _Positions(at, block, stated, drifted, lacking, found).compare()
    order = list(What)
    found.differences.sort(key=lambda each: (order.index(each.what), -abs(each.difference), each.of, each.deed))
    return found


class _Activity:
    """Rows against movements, by transaction."""

    def __init__(self, at: BlockBooks, block: BlockHead, stated: Stated, found: DataCompared) -> None:
        self._rows = by_rows(stated.activity.rows)
        self._moved = by_movements(at.movements)
        self._transactions = {movement.tx_hash for movement in at.movements}
        self._block = block
        self._stated = stated
        self._found = found
        self._newest_ms = max((row.at_ms for row in stated.activity.rows), default=0)
        self._named: Counter[str] = Counter()

    def compare(self) -> frozenset[str]:
        """The tokens of movements that the index does not show."""
        lacking: set[str] = set()
        for key in sorted(self._rows.keys() | self._moved.keys()):
            row, movement = self._rows.get(key), self._moved.get(key)
            if row is None and movement is not None:
                lacking |= self._unshown(key, movement)
            elif movement is None and row is not None:
                self._unbooked(key, row)
            elif row is not None and movement is not None:
                self._both(key, movement, row)
        self._found.named = dict(self._named)
        return frozenset(lacking)

    def _unshown(self, key: Key, movement: Deed) -> AbstractSet[str]:
        if movement.names and movement.names <= TURNING:
            return movement.tokens  # what stays in the wallet needs no row
        if movement.at_ms > self._block.at_ms - self._stated.lag_ms:
            self._found.young += 1
            return movement.tokens
        if movement.at_ms > self._newest_ms:
            why = "newer than any row of the index: it lags, or is stuck"
        elif self._stated.activity.flaw:
            why = "the answer was not whole"
        else:
            why = "the index lacks the row; the chain has the transaction"
        self._add(What.NOT_IN_INDEX, key, movement.figure, None, why)
        return movement.tokens

    def _unbooked(self, key: Key, row: Deed) -> None:
        if row.at_ms > self._block.at_ms:
            self._found.newer += 1
        elif key.tx_hash in self._transactions:
            self._add(What.AMOUNT, key, 0, row.figure, "the books read the transaction as something else")
        elif not key.tx_hash:
            self._add(What.NOT_IN_BOOKS, key, None, row.figure, "the row names no transaction")
        else:
            why = f"no log of it up to block {self._block.number:,}: a reorganisation took it away, or it is not ours"
            self._add(What.NOT_IN_BOOKS, key, None, row.figure, why)

    def _both(self, key: Key, movement: Deed, row: Deed) -> None:
        if key.deed == CASH and movement.names != row.names:
            self._renamed(key, movement, row)
            return
        if movement.shares != row.shares and movement.shares is not None and row.shares is not None:
            self._add(What.AMOUNT, key, movement.shares, row.shares, "shares: the chain's logs say ours")
        if movement.cash != row.cash and movement.cash is not None and row.cash is not None:
            self._add(What.AMOUNT, key, movement.cash, row.cash, "collateral: the chain's logs say ours")

    def _renamed(self, key: Key, movement: Deed, row: Deed) -> None:
        """The chain shows most flows as a transfer only, and the index counts a wrap as money from outside."""
        if movement.names <= TURNING:
            why = "own coins were turned into the other one: nothing came in or went out"
            self._add(What.AMOUNT, key, movement.cash, row.cash, why)
        elif movement.cash != row.cash:
            self._add(What.AMOUNT, key, movement.cash, row.cash, "collateral: the chain's logs say ours")
        else:
            for name in row.names - movement.names:
                self._named[name] += row.cash or 0
            ours, theirs = (" + ".join(sorted(names)) for names in (movement.names, row.names))
            why = f"on chain a plain transfer ({ours}), the index calls it {theirs}"
            self._add(What.NAME, key, movement.cash, row.cash, why)

    def _add(self, what: What, key: Key, ours: int | None, theirs: int | None, why: str) -> None:
        self._found.differences.append(DataDifference(what, key.tx_hash, key.words, ours, theirs, why))


_PRICED_OTHERWISE = {
    "split": "splits",
    "merge": "merges",
    "exchange": "conversions",
    "transfer in": "transfers",
    "transfer out": "transfers",
    "adjustment": "adjustments",
    "cost correction": "corrections",
}
"""Movements whose cost or proceeds are no price that was paid: the index has rules of its own for them."""


class _Positions:
    """Sizes, average prices and realized PnL, by token."""

    def __init__(
        self,
        at: BlockBooks,
        block: BlockHead,
        stated: Stated,
        drifted: AbstractSet[str],
        lacking: AbstractSet[str],
        found: DataCompared,
    ) -> None:
        self._books = {row.token_id: row for row in at.positions if row.token_id.isdecimal()}
        self._closed = {row.token_id for row in stated.closed.rows}
        self._said = {row.token_id: row for row in (*stated.closed.rows, *stated.held.rows)}
        self._block = block
        self._stated = stated
        self._drifted = drifted
        self._lacking = lacking
        self._found = found
        self._kinds = _kinds(at.movements)
        self._young = _changes(at.movements, block.at_ms - stated.lag_ms)
        self._ahead = {row.token_id for row in stated.activity.rows if row.at_ms > block.at_ms}
        self._ahead |= {row.token_id for row in self._said.values() if row.last_event_ms > block.at_ms}

    def compare(self) -> None:
        """Add what differs."""
        self._found.positions = len(self._said)
        whole = self._stated.held.is_complete
        for token_id in sorted(self._said.keys() | (self._books.keys() if whole else set())):
            ours, theirs = self._books.get(token_id), self._said.get(token_id)
            if token_id in self._ahead:
                self._found.lagging += 1
                continue
            shares = ours.shares if ours is not None else 0
            stated = theirs.shares if theirs is not None else 0
            if 0 <= shares - stated < self._stated.step:
                if ours is not None and theirs is not None and not self._young.get(token_id):
                    self._average(ours, theirs)
                    self._realized(ours, theirs)
            elif may_have_held(shares, stated, self._young.get(token_id, ()), self._stated.step):
                self._found.lagging += 1
            else:
                self._add(What.SIZE, token_id, shares, stated, self._why_size(token_id, theirs))

    def _why_size(self, token_id: str, theirs: PositionRow | None) -> str:
        if token_id in self._drifted:
            return "the books differ from the chain, too: see I1"
        if token_id in self._lacking:
            return "the index lacks transactions of it"
        said = "the index does not list it" if theirs is None else "the index is wrong"
        return f"{said}: the chain has ours at block {self._block.number:,}"

    def _average(self, ours: BookRow, theirs: PositionRow) -> None:
        if not ours.shares or not theirs.average:
            return
        average = ours.cost_basis * MICRO // ours.shares
        # v2 rounds to six decimals, v1 to four; ours is rounded down.
        if abs(average - theirs.average) > self._stated.step:
            self._add(What.AVERAGE, ours.token_id, average, theirs.average, self._why_cost(ours.token_id))

    def _realized(self, ours: BookRow, theirs: PositionRow) -> None:
        difference = ours.realized_pnl - theirs.realized if theirs.realized is not None else 0
        if abs(difference) < self._stated.step:
            return
        if difference == ours.fees:
            why = "the index takes the fees off"
        elif ours.unexplained_proceeds:
            why = "shares left that never arrived in the books: history before the first block is missing"
        else:
            why = self._why_cost(ours.token_id)
            if self._is_plain(ours.token_id) and abs(difference) <= self._kinds[ours.token_id]["sell"]:
                why = "rounding: every sale is rounded by itself"
        self._add(What.REALIZED, ours.token_id, ours.realized_pnl, theirs.realized, why)

    def _is_plain(self, token_id: str) -> bool:
        return self._kinds[token_id].keys() <= {"buy", "sell"}

    def _why_cost(self, token_id: str) -> str:
        if token_id in self._lacking:
            return "the index lacks transactions of it"
        others = [words for kind, words in _PRICED_OTHERWISE.items() if kind in self._kinds[token_id]]
        if others:
            return f"its own prices for {', '.join(dict.fromkeys(others))}"
        return "the index is wrong: every amount is the chain's own"

    def _add(self, what: What, token_id: str, ours: int | None, theirs: int | None, why: str) -> None:
        self._found.differences.append(DataDifference(what, token_id, "", ours, theirs, why))


def _each_change(movements: Sequence[MovementRow]) -> Iterator[tuple[MovementRow, str, int]]:
    for movement in movements:
        for token_id, change in share_changes(movement._asdict()):
            yield movement, token_id, change


def _kinds(movements: Sequence[MovementRow]) -> Mapping[str, Counter[str]]:
    """Token -> how many movements of each kind touch it."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for movement, token_id, _ in _each_change(movements):
        found[token_id][movement.kind] += 1
    return found


def _changes(movements: Sequence[MovementRow], since_ms: int) -> dict[str, list[int]]:
    """Token -> signed shares of its movements after a time."""
    found: dict[str, list[int]] = {}
    for _, token_id, change in _each_change([each for each in movements if each.occurred_at_ms > since_ms]):
        found.setdefault(token_id, []).append(change)
    return found
