"""The book of one token against a venue that is heard in any order, twice, or in part. Everything is in micro-units."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from tieout.jobs.market_frames import Sizes
from tieout.jobs.token_book import Reading, TokenBook
from tieout.ledger.units import MICRO

CENT = 10_000
PRICES = (30, 31, 32, 33, 34, 35)


@dataclass(frozen=True)
class Said:
    """One message of the venue, and the whole book after it."""

    at_ms: int
    change: tuple[bool, int, int] | None
    """(is a bid, price, size); None: the whole book."""
    bids: Sizes
    asks: Sizes

    @property
    def best(self) -> tuple[int, int]:
        return max(self.bids, default=0), min(self.asks, default=MICRO)


class Venue:
    """Orders come and go, and matches: several levels change in one millisecond, then the book is shown."""

    def __init__(self, rng: random.Random, steps: int) -> None:
        self.rng = rng
        self.sides: tuple[Sizes, Sizes] = ({30 * CENT: 5, 31 * CENT: 6}, {34 * CENT: 7, 35 * CENT: 8})
        self.at_ms = 1_000
        self.said: list[Said] = []
        self.say(None)
        for _ in range(steps):
            self.at_ms += rng.choice((1, 1, 1, 2, 50))
            self.match() if rng.random() < 0.3 else self.order(rng.random() < 0.5)

    def say(self, change: tuple[bool, int, int] | None) -> None:
        if change is not None:
            is_bid, price, size = change
            side = self.sides[not is_bid]
            side[price] = size
            if not size:
                del side[price]
        self.said.append(Said(self.at_ms, change, dict(self.sides[0]), dict(self.sides[1])))

    def order(self, is_bid: bool) -> None:
        own, other = self.sides[not is_bid], self.sides[is_bid]
        room = [p * CENT for p in PRICES if (not other or (p * CENT < min(other) if is_bid else p * CENT > max(other)))]
        if room:
            price = self.rng.choice(room)
            size = self.rng.choice((0, 1, 2, 3)) if price in own else self.rng.choice((1, 2, 3))
            if own.get(price) != size:
                self.say((is_bid, price, size))

    def match(self) -> None:
        """A taker hits some levels, a level twice; what is left of it may rest."""
        is_bid = self.rng.random() < 0.5
        side = self.sides[not is_bid]
        for price in sorted(side, reverse=is_bid)[: self.rng.choice((1, 2))]:
            if side[price] > 1:
                self.say((is_bid, price, side[price] - 1))
            self.say((is_bid, price, 0))
        self.say(None)
        if self.rng.random() < 0.4:
            self.order(not is_bid)

    def rest(self, progress: int) -> tuple[Sizes, Sizes, int]:
        """The book by REST after so many messages; its time is that of the last change."""
        last = self.said[progress - 1]
        return dict(last.bids), dict(last.asks), last.at_ms


def hear(book: TokenBook, said: Said) -> None:
    if said.change is None:
        book.snapshot(dict(said.bids), dict(said.asks), said.at_ms)
        return
    is_bid, price, size = said.change
    book.change(is_bid=is_bid, price=price, size=size, at_ms=said.at_ms)
    book.check(*said.best, said.at_ms)


def shows(book: TokenBook, said: Said) -> bool:
    return (book.bids.sizes, book.asks.sizes) == (said.bids, said.asks)


def shuffled(rng: random.Random, said: list[Said]) -> list[int]:
    """Each message at least once: slightly out of order, or wildly, with some of them twice."""
    spread = rng.choice((0.0, 1.5, 4.0, 1_000.0))
    order = list(range(len(said))) + rng.choices(range(len(said)), k=rng.choice((0, 0, len(said) // 3)))
    return sorted(order, key=lambda index: index + rng.uniform(0, spread))


@pytest.mark.parametrize("block", range(10))
def test_T3_in_any_order_a_book_that_is_taken_for_right_is_right(block: int) -> None:
    right = 0
    for seed in range(block * 300, block * 300 + 300):
        rng = random.Random(seed)
        venue = Venue(rng, rng.randrange(1, 25))
        book, done, asked = TokenBook(), 0, []
        for index in shuffled(rng, venue.said):
            hear(book, venue.said[index])
            done = max(done, index + 1)
            if rng.random() < 0.1:
                asked.append((venue.rest(rng.randint(done, len(venue.said))), book.asked()))
            if asked and rng.random() < 0.3:
                answer, when = asked.pop(rng.randrange(len(asked)))
                book.read(*answer, when)
        assert book.wrong or book.unproven or shows(book, venue.said[-1]), seed
        right += not (book.wrong or book.unproven)
        was_right = shows(book, venue.said[-1])
        assert book.read(*venue.rest(len(venue.said)), book.asked()) is (Reading.SAME if was_right else Reading.CHANGED)
        assert not book.wrong
        assert not book.unproven
        assert shows(book, venue.said[-1])
        assert book.bids.best == max(book.bids.sizes, default=0)
        assert book.asks.best == min(book.asks.sizes, default=MICRO)
    assert right > 50, "nearly all were taken for wrong: nothing was shown"


def test_P6_in_order_and_each_twice_the_book_is_right_after_every_message() -> None:
    for seed in range(500):
        rng = random.Random(seed)
        venue, book = Venue(rng, 20), TokenBook()
        for said in venue.said:
            for _ in range(rng.choice((1, 2))):
                hear(book, said)
            assert shows(book, said), seed
            assert not book.wrong, seed
            assert not (said.change is None and book.unproven), seed


def test_A5_whatever_was_lost_a_later_snapshot_makes_it_right() -> None:
    for seed in range(1_000):
        rng = random.Random(seed)
        venue, book = Venue(rng, 20), TokenBook()
        for index in shuffled(rng, venue.said):
            if rng.random() < 0.7:
                hear(book, venue.said[index])
        last = venue.said[-1]
        book.snapshot(dict(last.bids), dict(last.asks), last.at_ms + 1)
        assert not book.wrong, seed
        assert shows(book, last), seed


def fresh(at_ms: int = 1_000) -> TokenBook:
    book = TokenBook()
    book.snapshot({30 * CENT: 5}, {35 * CENT: 5}, at_ms)
    assert not book.wrong
    return book


def test_A5_a_lost_change_of_the_best_price_shows_in_the_next_change() -> None:
    book = fresh()
    book.change(is_bid=True, price=29 * CENT, size=1, at_ms=1_002)
    book.check(31 * CENT, 35 * CENT, 1_002)
    assert "310000" in book.wrong
    assert "300000" in book.wrong
    book.snapshot({30 * CENT: 5}, {35 * CENT: 5}, 1_002)
    assert book.wrong, "the snapshot is no newer than what contradicts it"
    book.snapshot({31 * CENT: 5, 29 * CENT: 1}, {35 * CENT: 5}, 1_003)
    assert not book.wrong


def test_T3_a_change_before_the_first_snapshot_is_not_taken_and_counted() -> None:
    book = TokenBook()
    book.change(is_bid=True, price=31 * CENT, size=5, at_ms=1_001)
    book.snapshot({30 * CENT: 5}, {35 * CENT: 5}, 1_000)
    assert book.wrong, "the snapshot is older than the change that was not taken"
    assert (book.early, book.late) == (1, 1)
    assert book.read({31 * CENT: 5, 30 * CENT: 5}, {35 * CENT: 5}, 1_001, book.asked()) is Reading.CHANGED
    assert not book.wrong


def test_T3_a_book_read_by_REST_does_not_undo_the_change_that_crossed_it() -> None:
    book = fresh()
    asked = book.asked()
    book.change(is_bid=True, price=31 * CENT, size=5, at_ms=1_001)
    assert book.read({30 * CENT: 5}, {35 * CENT: 5}, 1_000, asked) is Reading.SAME
    assert book.read({30 * CENT: 5}, {35 * CENT: 5}, 1_001, asked) is Reading.OLD, "perhaps from before the change"
    assert book.bids.best == 31 * CENT
    assert book.read({31 * CENT: 5}, {35 * CENT: 5}, 1_000, book.asked()) is Reading.OLD, "older than what was known"
    assert book.read({31 * CENT: 5}, {35 * CENT: 5}, 1_001, book.asked()) is Reading.CHANGED
    assert not book.wrong


def test_T3_what_crossed_a_book_read_by_REST_stays() -> None:
    book = fresh()
    book.doubt("a message could not be read")
    asked = book.asked()
    book.change(is_bid=True, price=31 * CENT, size=5, at_ms=1_020)
    assert book.read({29 * CENT: 5}, {35 * CENT: 5}, 1_010, asked) is Reading.CHANGED
    assert not book.wrong
    assert book.bids.sorted_levels() == ((31 * CENT, 5), (29 * CENT, 5))


def test_T3_a_book_read_by_REST_that_is_older_than_what_was_known_is_asked_again() -> None:
    book = fresh()
    book.change(is_bid=True, price=31 * CENT, size=5, at_ms=1_010)
    book.doubt("a message could not be read")
    asked = book.asked()
    book.change(is_bid=True, price=29 * CENT, size=5, at_ms=1_020)
    assert book.read({31 * CENT: 5, 30 * CENT: 5}, {35 * CENT: 5}, 1_005, asked) is Reading.OLD
    assert book.wrong


def test_A5_a_snapshot_does_not_make_up_for_a_message_that_could_not_be_read() -> None:
    """It may be from before that message, lost or not."""
    for lost in (False, True):
        book = fresh()
        if lost:
            book.lose("connection lost")
        book.doubt("a message could not be read")
        book.snapshot({31 * CENT: 5}, {35 * CENT: 5}, 1_500)
        assert book.wrong
        assert book.read({31 * CENT: 5}, {35 * CENT: 5}, 1_500, book.asked()) is not Reading.OLD
        assert not book.wrong


def test_T3_what_contradicts_the_book_after_it_was_read_stays_a_reason() -> None:
    book = fresh()
    asked = book.asked()
    book.change(is_bid=True, price=29 * CENT, size=5, at_ms=1_020)
    book.check(31 * CENT, 35 * CENT, 1_020)
    assert book.read({30 * CENT: 5}, {35 * CENT: 5}, 1_010, asked) is Reading.OLD
    assert book.wrong


def test_A4_a_quiet_book_older_than_its_snapshot_is_confirmed_by_its_content_only() -> None:
    book = fresh()
    book.doubt("a message could not be read")
    assert book.read({31 * CENT: 5}, {35 * CENT: 5}, 900, book.asked()) is Reading.OLD
    assert book.wrong
    assert book.read({30 * CENT: 5}, {35 * CENT: 5}, 900, book.asked()) is Reading.SAME
    assert not book.wrong


def test_A5_what_was_asked_before_a_gap_does_not_count_after_it() -> None:
    book = fresh()
    asked = book.asked()
    book.lose("connection lost")
    assert book.read({30 * CENT: 5}, {35 * CENT: 5}, 2_000, asked) is Reading.OLD
    assert book.wrong == "connection lost"


def test_A5_after_a_gap_an_older_snapshot_is_not_taken() -> None:
    book = fresh()
    book.change(is_bid=True, price=31 * CENT, size=5, at_ms=1_001)
    book.lose("connection lost")
    book.snapshot({30 * CENT: 5}, {35 * CENT: 5}, 1_000)
    assert book.wrong
    book.snapshot({30 * CENT: 4}, {35 * CENT: 5}, 1_500)
    assert not book.wrong
    assert book.bids.sizes == {30 * CENT: 4}


def test_T3_a_late_change_that_the_book_read_does_not_show_is_asked_for() -> None:
    book = fresh()
    book.read({30 * CENT: 5}, {35 * CENT: 5}, 1_500, book.asked())
    book.change(is_bid=True, price=30 * CENT, size=5, at_ms=1_400)
    assert not book.unproven
    book.change(is_bid=True, price=31 * CENT, size=5, at_ms=1_450)
    assert book.unproven


def test_a_book_that_crosses_is_wrong() -> None:
    book = TokenBook()
    book.snapshot({36 * CENT: 5}, {35 * CENT: 5}, 1_000)
    assert "not below" in book.wrong
