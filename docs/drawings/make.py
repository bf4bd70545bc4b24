"""Draws the pictures of the pages about the books into docs/img/drawn: `python docs/drawings/make.py`.

Every figure in them is the ledger's own. A test draws them again and compares.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import examples
from draw import Drawing

from tieout.ledger.movement import PENDING, Movement
from tieout.ledger.units import MICRO, decimal_text

OUT = Path(__file__).resolve().parents[1] / "img" / "drawn"


def way() -> Drawing:
    """From messages to positions."""
    made = Drawing(860, 250)
    sources = (
        ("user socket", "orders, trades, at once"),
        ("CLOB pages", "orders, trades, whole"),
        ("Data API", "rows, some seconds late"),
        ("the chain", "logs, exact amounts"),
    )
    for number, (name, words) in enumerate(sources):
        top = 8 + number * 60
        made.card(8, top, 186, 48, name, words)
        made.arrow(194, top + 24, 252, 124)
    stops = (
        ("facts", "what was said,", "one by one, kept"),
        ("movements", "what happened,", "each once"),
        ("order", "by the chain,", "then by the match"),
        ("positions", "shares and cost,", "folded"),
    )
    for number, (name, *lines) in enumerate(stops):
        left = 252 + number * 155
        made.card(left, 84, 128, 80, name, *lines, looks="tint" if name == "positions" else "wash")
        if number:
            made.arrow(left - 27, 124, left, 124)
    made.text(252, 196, "the log holds these", "soft")
    made.text(407, 196, "these follow from the facts, whatever order they came in", "soft")
    return made


def merge() -> Drawing:
    """One fill told four times is one movement."""
    movement = examples.one_movement()
    made = Drawing(860, 250)
    told = (
        ("user socket", "MATCHED, 5 shares at 0.46"),
        ("user socket", "CONFIRMED, 5 shares at 0.46"),
        ("the chain", f"log 7: 5.000000 for {decimal_text(movement.collateral)}"),
        ("Data API", "a row: 5.000000 for 2.300000"),
    )
    for number, (name, words) in enumerate(told):
        top = 8 + number * 60
        made.card(8, top, 270, 48, name, words)
        made.arrow(278, top + 24, 470, 124)
    made.card(
        470,
        76,
        376,
        96,
        "one movement",
        f"buy {decimal_text(movement.shares)} for {decimal_text(movement.collateral)}, {movement.status}",
        "the chain's amounts win, nothing is added up",
        looks="tint",
    )
    return made


def order() -> Drawing:
    """A late fact goes to its place."""
    made = Drawing(860, 262)
    for row, (title, late) in enumerate((("before", False), ("a log of block 13 arrives", True))):
        top = 8 + row * 128
        made.text(8, top + 16, title, "strong")
        for place, movement in enumerate(examples.in_order(late=late)):
            left = 8 + place * 212
            is_new = late and place == 1
            made.card(left, top + 30, 186, 52, *_place(movement), looks="tint" if is_new else _looks(movement))
            if place:
                made.arrow(left - 26, top + 56, left, top + 56)
    made.line(220, 228, 830, 228, "cut")
    made.text(220, 250, "only this is folded again: from the new one on", "good")
    return made


def _looks(movement: Movement) -> str:
    return "hole" if movement.order[0] >= PENDING else "wash"


def _place(movement: Movement) -> tuple[str, str]:
    shares = movement.shares // MICRO
    if movement.order[0] >= PENDING:
        return f"buy {shares}", "matched, after all settled"
    return f"buy {shares}", f"settled in block {movement.order[1] >> 24}"


def cost() -> Drawing:
    """Shares and cost after each trade of the worked example."""
    made = Drawing(880, 236)
    made.line(66, 146, 850, 146)
    for name, base in (("shares", 194), ("cost", 216)):
        made.text(8, base, name, "soft")
    for number, step in enumerate(examples.worked()):
        left, high = 74 + number * 158, step.cost * 66 // MICRO
        made.box(left, 146 - high, 74, high, "tint", 3)
        if step.removed:
            gone = step.removed * 66 // MICRO
            made.box(left, 146 - high - gone, 74, gone, "gone", 3)
            made.text(left + 80, 146 - high - gone / 2 - 3, "removed", "soft")
            made.text(left + 80, 146 - high - gone / 2 + 13, decimal_text(step.removed), "mono")
        made.text(left, 170, f"{step.side} {decimal_text(step.traded, 1)}", "strong")
        made.text(left, 194, decimal_text(step.shares), "mono")
        made.text(left, 216, decimal_text(step.cost), "mono")
    return made


def gap() -> Drawing:
    """What the venue claims of an order, what fills cover, and the gap."""
    made = Drawing(860, 232)
    for row, (title, found) in enumerate(
        (("an order message: 8 matched", examples.gap()), ("the trade of the other 3 arrives", examples.gap_closed()))
    ):
        top = 8 + row * 114
        unit = 60 / MICRO
        made.text(8, top + 16, title, "strong")
        made.box(8, top + 28, 10 * MICRO * unit, 40, "gone", 4)
        made.box(8, top + 28, found.covered * unit, 40, "tint", 4)
        if found.provisional:
            made.box(8 + found.covered * unit, top + 28, found.provisional * unit, 40, "hole", 4)
            words = f"gap {decimal_text(found.provisional)}"
            made.text(8 + (found.covered + found.provisional / 2) * unit, top + 53, words, "warn", "middle")
        words = f"fills {decimal_text(found.covered)}"
        made.text(8 + found.covered * unit / 2, top + 53, words, "good", "middle")
        made.text(622, top + 45, f"claimed {decimal_text(found.claimed)}", "soft")
        made.text(622, top + 62, "of 10.000000", "soft")
        held = decimal_text(found.covered)
        made.text(8, top + 88, f"the position holds {held} shares" + _beside(found.provisional), "soft")
    return made


def _beside(provisional: int) -> str:
    return f", and shows {decimal_text(provisional)} provisional beside them" if provisional else ""


def height() -> Drawing:
    """Balance and books at the same block."""
    made = Drawing(860, 250)
    final = 2
    for number in range(5):
        left = 20 + number * 150
        is_final = number <= final
        made.card(left, 70, 116, 46, f"block {100 + number}", looks="wash" if is_final else "gone")
        if number:
            made.line(left - 34, 93, left, 93)
    made.line(20 + final * 150 + 133, 20, 20 + final * 150 + 133, 226, "cut")
    made.text(20 + final * 150 + 122, 34, "finalized: block 102", "good", "end")
    made.text(20 + final * 150 + 144, 34, "left out of the comparison", "soft")
    made.card(140, 156, 176, 66, "the books", "every movement", "up to block 102", looks="tint")
    made.card(20, 156, 100, 66, "balance", "read at", "block 102", looks="box")
    made.text(130, 194, "=", "strong", "middle")
    made.card(470, 156, 176, 66, "in block 103", "may be taken away", "by a reorganisation", looks="gone")
    made.card(662, 156, 186, 66, "matched only", "no block yet: it counts", "when it is settled", looks="hole")
    return made


def moments() -> Drawing:
    """What happened by a time, and what was heard by a time."""
    made = Drawing(860, 320)
    left, bottom, wide, high = 80, 274, 12.0, 4.2
    made.line(left, bottom, 840, bottom)
    made.line(left, bottom, left, 14)
    made.text(840, bottom + 22, "when it happened", "soft", "end")
    made.text(8, 22, "when we", "soft")
    made.text(8, 38, "heard it", "soft")
    for minute in (0, 15, 30, 45):
        made.text(left + minute * wide, bottom + 22, f"10:{minute:02}", "soft", "middle")
    made.line(left, bottom, left + 60 * wide, bottom - 60 * high, "gone")
    made.text(left + 57 * wide, bottom - 49 * high, "heard at once", "soft", "middle")
    made.line(left + 30 * wide, bottom, left + 30 * wide, 14, "cut")
    made.text(left + 30 * wide + 8, bottom - 10, "--as-of 10:30", "good mono")
    made.line(left, bottom - 30 * high, 840, bottom - 30 * high, "cut late")
    made.text(836, bottom - 30 * high - 8, "--as-known 10:30", "warn mono", "end")
    for name, happened, heard in (("A", 8, 8), ("B", 22, 22), ("C", 14, 40), ("D", 44, 44)):
        x, y = left + happened * wide, bottom - heard * high
        made.dot(x, y, "solid late" if heard > happened else "solid")
        made.text(x + 12, y + 5, f"{name}, heard late" if heard > happened else name, "strong")
    return made


PICTURES: dict[str, Callable[[], Drawing]] = {
    each.__name__: each for each in (way, merge, order, cost, gap, height, moments)
}


def write(folder: Path) -> None:
    """Every picture into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawn in PICTURES.items():
        (folder / f"{name}.svg").write_text(drawn().svg(), encoding="utf-8")


if __name__ == "__main__":
    write(OUT)
