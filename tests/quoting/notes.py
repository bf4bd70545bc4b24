"""Books, orders and quotes as a trader would note them, and back.

book("0.47x300 0.48x100 | 0.52x80")        bids | asks of YES, in any order; NO mirrors it
quotes("BUY NO 20 @ 0.48")                 side, outcome, size @ price
orders("a: BUY YES 12.5 @ 0.47")           with an id
"""

from __future__ import annotations

from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO, decimal_text, micro
from tieout.quoting.views import BookView, Holding, Levels, MarketView, Quote, Resting

OUTCOMES = ("YES", "NO")
NOON = 1_790_000_000_000


def market(tick: str = "0.01", min_size: str = "5", **more: object) -> MarketView:
    return MarketView(
        condition_id="0xc0",
        tokens=("11", "22"),
        tick=micro(tick),
        min_size=micro(min_size),
        **more,  # type: ignore[arg-type]
    )


def mirrored(bids: Levels, asks: Levels) -> BookView:
    """The book whose YES levels these are; best first is made here."""
    bids, asks = tuple(sorted(bids, reverse=True)), tuple(sorted(asks))
    of_no = [tuple((MICRO - price, size) for price, size in side) for side in (bids, asks)]
    return BookView(bids=(bids, of_no[1]), asks=(asks, of_no[0]))


def book(note: str) -> BookView:
    sides = []
    for side in note.split("|"):
        sides.append(tuple((micro(price), micro(size)) for price, size in (level.split("x") for level in side.split())))
    return mirrored(sides[0], sides[1])


def holding(yes: str = "0", no: str = "0", cost_yes: str = "0", cost_no: str = "0") -> Holding:
    return Holding(shares=(micro(yes), micro(no)), cost=(micro(cost_yes), micro(cost_no)))


def quotes(*notes: str) -> tuple[Quote, ...]:
    found = []
    for note in notes:
        side, outcome, size, _, price = note.split()
        found.append(Quote(OUTCOMES.index(outcome), Side(side), micro(price), micro(size), 0))
    return tuple(found)


def orders(*notes: str) -> tuple[Resting, ...]:
    """Earlier notes are older orders."""
    found = []
    for place, note in enumerate(notes):
        name, rest = note.split(":")
        (quote,) = quotes(rest)
        found.append(Resting(name, quote.outcome, quote.side, quote.price, quote.size, NOON + place))
    return tuple(found)


def _short(amount: int) -> str:
    return decimal_text(amount).replace(",", "").rstrip("0").rstrip(".")


def noted(found: tuple[Quote, ...] | list[Quote]) -> list[str]:
    return [f"{q.side} {OUTCOMES[q.outcome]} {_short(q.size)} @ {_short(q.price)}" for q in found]


def names(found: tuple[Resting, ...]) -> str:
    return " ".join(order.id for order in found)


def placed(found: tuple[Quote, ...]) -> tuple[Resting, ...]:
    """The orders that rest once the quotes are placed."""
    return tuple(
        Resting(f"new-{place}", q.outcome, q.side, q.price, q.size, NOON + 1_000 + place)
        for place, q in enumerate(found)
    )
