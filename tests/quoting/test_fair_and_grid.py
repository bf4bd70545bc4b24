"""Fair prices and the venue's grids."""

from __future__ import annotations

import pytest

from quoting.notes import book, orders
from tieout.ledger.facts import Side
from tieout.ledger.units import micro
from tieout.quoting import grid
from tieout.quoting.fair import FairModel, NoFair, fair_price
from tieout.quoting.views import BookView, touch, without

BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("note", "model", "expected"),
    [
        ("0.48x100 | 0.52x100", FairModel.MICRO, "0.5"),
        ("0.48x300 | 0.52x100", FairModel.MICRO, "0.51"),  # more to buy than to sell: up
        ("0.48x100 | 0.52x200", FairModel.MICRO, "0.493333"),  # rounded to the micro-unit
        ("0.48x300 | 0.52x100", FairModel.MID, "0.5"),
        ("0.48x100 0.46x100 | 0.52x100 0.54x100", FairModel.DEPTH, "0.5"),
        ("0.48x100 0.46x500 | 0.52x100 0.54x100", FairModel.DEPTH, "0.513333"),
        ("0.48x100 0.20x9000 | 0.52x100", FairModel.DEPTH, "0.516555"),
        ("0.48x10 0.10x10 | 0.52x900", FairModel.DEPTH, "0.48"),  # held inside the best two
    ],
)
def test_fair_price(note: str, model: FairModel, expected: str) -> None:
    assert fair_price(book(note), model, depth=5) == micro(expected)


def test_depth_reads_no_further_than_it_is_told() -> None:
    deep = book("0.48x100 0.46x500 | 0.52x100")
    assert fair_price(deep, FairModel.DEPTH, depth=1) == micro("0.5")
    assert fair_price(deep, FairModel.DEPTH, depth=2) != micro("0.5")


def test_dust_does_not_move_the_fair_price_but_is_minded() -> None:
    dusty = book("0.51x0.5 0.48x100 | 0.52x100")
    assert fair_price(dusty, FairModel.MICRO, dust=micro("5")) == micro("0.5")
    assert fair_price(book("0.53x0.5 0.48x100 | 0.52x100"), FairModel.MICRO, dust=micro("5")) is NoFair.CROSSED
    assert fair_price(book("0.48x1 | 0.52x1"), FairModel.MICRO, dust=micro("5")) is NoFair.EMPTY


def test_outcomes_that_contradict_each_other_are_a_crossed_book() -> None:
    yes = book("0.48x100 | 0.52x100")
    no = book("0.55x100 | 0.60x100")
    assert touch(BookView(bids=(yes.bids[0], no.bids[1]), asks=(yes.asks[0], no.asks[1]))) == (
        micro("0.55"),
        micro("0.52"),
    )
    torn = BookView(bids=(yes.bids[0], no.bids[1]), asks=(yes.asks[0], no.asks[1]))
    assert fair_price(torn, FairModel.MID) is NoFair.CROSSED


def test_own_orders_leave_both_outcomes_and_never_below_zero() -> None:
    seen = book("0.49x20 0.48x120 | 0.52x100")
    ours = orders("a: BUY YES 20 @ 0.49", "b: SELL NO 20 @ 0.52", "c: BUY NO 150 @ 0.48")
    assert without(seen, ours) == book("0.48x100 |")


@pytest.mark.parametrize(
    ("price", "tick", "down", "up"),
    [
        ("0.45", "0.1", "0.4", "0.5"),
        ("0.455", "0.01", "0.45", "0.46"),
        ("0.457", "0.005", "0.455", "0.46"),
        ("0.457", "0.0025", "0.455", "0.4575"),
        ("0.4567", "0.001", "0.456", "0.457"),
        ("0.45675", "0.0001", "0.4567", "0.4568"),
        ("0.45", "0.01", "0.45", "0.45"),
    ],
)
def test_rounding_to_a_tick(price: str, tick: str, down: str, up: str) -> None:
    assert micro(tick) in grid.TICKS
    assert grid.away(micro(price), micro(tick), BUY) == grid.toward(micro(price), micro(tick), SELL) == micro(down)
    assert grid.away(micro(price), micro(tick), SELL) == grid.toward(micro(price), micro(tick), BUY) == micro(up)


@pytest.mark.parametrize(
    ("price", "tick", "fits"),
    [
        ("0.01", "0.01", True),
        ("0.99", "0.01", True),
        ("0", "0.01", False),
        ("1", "0.01", False),
        ("0.995", "0.01", False),
        ("0.9975", "0.0025", True),
        ("0.9999", "0.0001", True),
        ("0.05", "0.1", False),
    ],
)
def test_the_grid_ends_a_tick_from_zero_and_one(price: str, tick: str, fits: bool) -> None:
    assert grid.on_grid(micro(price), micro(tick)) is fits


def test_sizes_are_hundredths_of_a_share() -> None:
    assert grid.whole_size(micro("12.349999")) == micro("12.34")
    assert grid.whole_size(-1) == 0
