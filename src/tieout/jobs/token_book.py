"""The order book of one token from snapshots and changes that may come late, twice, in any order, or not at all. Pure.

Each price holds the newest that was said of it, by the venue's time (milliseconds). A snapshot speaks of all prices at
once, and a change is newer than a snapshot of an earlier time. So what is heard twice or out of order changes nothing.
What contradicts the book (the best prices in a change, two snapshots of one time) makes it wrong until the truth is
heard or read. Two sizes of one price in one millisecond are taken in the order they come, and the book is unproven: an
order replaced at its price does that, and a match that takes two from a level, which is followed by a snapshot. So does
a change that is older than a book read by REST, which does not show it: it crossed, or their clocks differ.

Two things show in nothing but the next snapshot or reading: a lost change away from the best prices, and three messages
of one price and one millisecond in another order than they were sent, with a snapshot of that millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tieout.jobs.market_frames import Sizes
from tieout.ledger.units import MICRO
from tieout.quoting.views import Levels

NO_SNAPSHOT = "no snapshot yet"
OUT_OF_ORDER = "a snapshot and what was said in its millisecond differ"


class Reading(Enum):
    """What became of a book read by REST."""

    OLD = "old"
    """It does not cover what is known already: ask again."""
    SAME = "same"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was known when a book was asked for."""

    heard: int
    turn: int
    marks: int
    last_ms: int


@dataclass(slots=True)
class Side:
    """One side. `times` has the prices that were changed at the time of the last snapshot or after, gone ones too."""

    is_bid: bool
    sizes: Sizes = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    best: int = 0
    levels: Levels | None = None
    """The cache of `sorted_levels`."""

    def __post_init__(self) -> None:
        self._find_best()

    def set(self, price: int, size: int) -> None:
        """The new total at *price*."""
        self.levels = None
        if size:
            self.sizes[price] = size
            if (price > self.best) if self.is_bid else (price < self.best):
                self.best = price
        elif self.sizes.pop(price, 0) and price == self.best:
            self._find_best()

    def replace(self, sizes: Sizes, since_ms: int) -> None:
        """All levels anew; only changes at *since_ms* or later are remembered."""
        self.sizes = sizes
        self.times = {price: at_ms for price, at_ms in self.times.items() if at_ms >= since_ms}
        self.levels = None
        self._find_best()

    def merged(self, sizes: Sizes, at_ms: int) -> tuple[Sizes, bool]:
        """A snapshot of *at_ms* with the changes since, and whether it agrees with those of that very time.

        In order it would: a snapshot has what was said before it. So where it does not, the change came after it.
        """
        merged, agrees = dict(sizes), True
        for price, changed_ms in self.times.items():
            if changed_ms < at_ms:
                continue
            ours = self.sizes.get(price, 0)
            if changed_ms == at_ms and ours != sizes.get(price, 0):
                agrees = False
            merged[price] = ours
            if not ours:
                del merged[price]
        return merged, agrees

    def sorted_levels(self) -> Levels:
        """(price, size), best first."""
        if self.levels is None:
            self.levels = tuple(sorted(self.sizes.items(), reverse=self.is_bid))
        return self.levels

    def _find_best(self) -> None:
        self.best = max(self.sizes, default=0) if self.is_bid else min(self.sizes, default=MICRO)


class TokenBook:
    """`wrong` says why the book is not to be used, "" when it is. `early` and `late` count what came out of order.

    `unproven`: it is right if messages came in order, which their times do not tell; a reading would.
    """

    __slots__ = (
        "_base_ms",
        "_base_read",
        "_heard",
        "_lost",
        "_marks",
        "_missed",
        "_tie_ms",
        "_turn",
        "_unsure",
        "_wrong_ms",
        "asks",
        "bids",
        "early",
        "last_ms",
        "late",
        "unproven",
        "wrong",
    )

    def __init__(self) -> None:
        self.bids = Side(is_bid=True)
        self.asks = Side(is_bid=False)
        self.last_ms = 0
        """The time of the newest that was heard or read."""
        self.wrong = NO_SNAPSHOT
        self.unproven = False
        self.early = self.late = 0
        self._base_ms = 0
        """The time of the snapshot that the book rests on."""
        self._base_read = False
        """That snapshot is REST's: whether its times are those of the channel, nobody says."""
        self._wrong_ms = 0
        """A snapshot of a later time makes it right again."""
        self._tie_ms = 0
        """When the book became unproven; an agreeing snapshot of that time is enough."""
        self._lost = True
        """Nothing is known for sure: only a snapshot helps, and changes before it are not taken."""
        self._missed = False
        """A change was not taken, or the book was wrong when it was lost: its content is no evidence."""
        self._unsure = False
        """Something unreadable was said, nobody knows of when: only a reading helps."""
        self._heard = self._turn = self._marks = 0

    # what the channel says

    def change(self, *, is_bid: bool, price: int, size: int, at_ms: int) -> None:
        """The new total at a price, 0 when there is none left."""
        self._heard += 1
        if self._lost:
            self._missed = True
            self.early += 1
            self.last_ms = max(self.last_ms, at_ms)
            return
        side = self.bids if is_bid else self.asks
        known_ms = side.times.get(price, self._base_ms)
        if at_ms < known_ms:
            self.late += 1
            if self._base_read and price not in side.times and side.sizes.get(price, 0) != size:
                self._mark_unproven(known_ms)
            return
        if side.sizes.get(price, 0) != size:
            if at_ms == known_ms:
                self._mark_unproven(at_ms)
            side.set(price, size)
        side.times[price] = at_ms
        if at_ms > self.last_ms:
            self.last_ms = at_ms
        elif at_ms < self.last_ms:
            self.late += 1

    def check(self, best_bid: int, best_ask: int, at_ms: int) -> None:
        """Compare with the best prices that the venue stated with the newest change; those of the past say nothing."""
        if self._lost or at_ms < self.last_ms:
            return
        bid, ask = self.bids.best, self.asks.best
        if bid != best_bid or ask != best_ask:
            self._mark(f"best prices {bid}/{ask} here, {best_bid}/{best_ask} by the venue (micro)", at_ms)
        elif bid >= ask:
            self._mark(f"best bid {bid} is not below best ask {ask} (micro)", at_ms)

    def snapshot(self, bids: Sizes, asks: Sizes, at_ms: int) -> None:
        """The whole book at a time."""
        self._heard += 1
        if self._lost:
            covers = at_ms > self.last_ms or (not self._missed and (at_ms == self.last_ms or self._shows(bids, asks)))
            if covers and not self._unsure:
                self._rest_on(bids, asks, at_ms, read=False)
            else:
                self.late += 1
            return
        if at_ms < self._base_ms:
            self.late += 1
        elif self._merge(bids, asks, at_ms) and at_ms > self._wrong_ms and not self._unsure:
            self.wrong = ""

    # what may be missing

    def lose(self, reason: str) -> None:
        """Anything may have been missed: wait for a snapshot or a reading."""
        if self.wrong and not self._lost:
            self._missed = True
        self._lost, self._unsure = True, False
        self._turn += 1
        self.wrong = reason

    def doubt(self, reason: str) -> None:
        """Something may have been missed, nobody knows of when: only a reading from now on helps."""
        self._unsure = True
        self._turn += 1
        self.wrong = reason

    # what REST says

    def asked(self) -> Asked:
        """To be handed to `read` with the answer."""
        return Asked(self._heard, self._turn, self._marks, self.last_ms)

    def read(self, bids: Sizes, asks: Sizes, at_ms: int, asked: Asked) -> Reading:
        """Take a book that was asked for: it counts when it is as new as all that was heard before.

        Frames cross it: what they say of later times stays. The time of a book that rests may be that of its last
        change, before that of a snapshot: then its content tells.
        """
        if asked.turn != self._turn:
            return Reading.OLD
        alone = asked.heard == self._heard
        same, before = self._shows(bids, asks), (self.bids.sizes, self.asks.sizes)
        if at_ms > self.last_ms or (at_ms == self.last_ms and alone):
            self._rest_on(bids, asks, at_ms, read=True)
        elif alone and same and not self._missed and at_ms >= self._wrong_ms:
            self._lost = self._unsure = self.unproven = False
            self.wrong = ""
        elif self._is_crossed_by_news(at_ms, asked) and self._merge(bids, asks, at_ms):
            self._base_read, self._unsure, self.wrong = True, False, ""
        else:
            return Reading.OLD
        return Reading.SAME if self._shows(*before) else Reading.CHANGED

    def _is_crossed_by_news(self, at_ms: int, asked: Asked) -> bool:
        """A book as new as all that was heard when it was asked for, and nothing contradicted ours since its time."""
        covers = at_ms >= asked.last_ms and at_ms >= self._base_ms and not self._lost
        return covers and (asked.marks == self._marks or at_ms > max(self._wrong_ms, self._tie_ms))

    def _merge(self, bids: Sizes, asks: Sizes, at_ms: int) -> bool:
        """Rest on a snapshot that is no older than the last; what was said of later times stays.

        Whether it agrees with what was said of its own millisecond; the book is wrong where it does not.
        """
        merged_bids, bids_agree = self.bids.merged(bids, at_ms)
        merged_asks, asks_agree = self.asks.merged(asks, at_ms)
        repeats = at_ms > self._base_ms or self._shows(merged_bids, merged_asks)
        self._base_ms, self._base_read, self.last_ms = at_ms, False, max(self.last_ms, at_ms)
        self.bids.replace(merged_bids, at_ms)
        self.asks.replace(merged_asks, at_ms)
        if not (bids_agree and asks_agree and repeats):
            self._mark(OUT_OF_ORDER, at_ms)
            return False
        if at_ms >= self._tie_ms:
            self.unproven = False
        return True

    def _rest_on(self, bids: Sizes, asks: Sizes, at_ms: int, *, read: bool) -> None:
        """Begin anew with a book that covers everything heard."""
        self._lost = self._missed = self._unsure = self.unproven = False
        self._base_read = read
        self._base_ms, self.last_ms, self._wrong_ms, self.wrong = at_ms, max(self.last_ms, at_ms), 0, ""
        self.bids.replace(bids, at_ms + 1)
        self.asks.replace(asks, at_ms + 1)
        if self.bids.best >= self.asks.best:
            self._mark(f"best bid {self.bids.best} is not below best ask {self.asks.best} (micro)", at_ms)

    def _mark(self, reason: str, at_ms: int) -> None:
        """Wrong, until a snapshot of later than *at_ms* is heard or a book as new as all that was heard is read."""
        self._wrong_ms = max(self._wrong_ms, at_ms) if self.wrong else at_ms
        if not self._unsure:
            self.wrong = reason
        self._marks += 1

    def _mark_unproven(self, at_ms: int) -> None:
        self._tie_ms = max(self._tie_ms, at_ms) if self.unproven else at_ms
        self.unproven = True
        self._marks += 1

    def _shows(self, bids: Sizes, asks: Sizes) -> bool:
        return self.bids.sizes == bids and self.asks.sizes == asks
