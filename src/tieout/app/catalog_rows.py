"""The catalog: what the books must survive (failure modes), and what must always hold of them (invariants).

Each row has an id. Tests carry the ids of the rows they cover in their names; kinds of fault say which rows they serve
(`sim/faults/kinds.py`). An invariant names here the faults that put it to the test: every fault may break every one of
them, these are those that have a reason to.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A row of the catalog. `no_fault` says why no fault of the simulated venue brings it about, "" where one does."""

    id: str
    sentence: str
    faults: tuple[str, ...] = ()
    no_fault: str = ""


GROUPS = {
    "R": "races",
    "T": "timing",
    "P": "crashes",
    "S": "amounts",
    "E": "others",
    "A": "answers",
    "D": "downtime",
    "I": "inventory",
    "O": "orders",
    "F": "fills",
    "C": "money",
    "L": "log",
}
"""What the rows of a letter are about. The first seven are failure modes, the others invariants."""


def _row(row_id: str, sentence: str, faults: str = "", *, no_fault: str = "") -> Row:
    return Row(row_id, sentence, tuple(faults.split()), no_fault)


_FAILURES = (
    _row(
        "R1",
        "Two jobs want the same wallet at once: they take turns, in the process and across processes.",
        no_fault="two jobs at once are the worker's own matter; the fault `delay` makes them overlap",
    ),
    _row(
        "R2",
        "A job writes from what it read before another wrote: refused, read again, done again.",
        no_fault="a stale write is the worker's own matter; `delay` and `sweep` put a change between its two steps",
    ),
    _row("R3", "A fill lands between reading the chain and writing: the older reading never takes it back."),
    _row("R4", "An order fills while it is being cancelled: the late fill is booked, whichever is heard first."),
    _row("R5", "Two jobs confirm the same fill: it counts once."),
    _row("T1", "The CLOB tells of a fill before chain or Data API: booked at once, settled later, no alarm between."),
    _row("T2", "The chain shows a change that no order explains: an event with its cause, never an overwrite."),
    _row("T3", "Messages come in any order: the same books, to the micro-unit."),
    _row("T4", "Between a fill and its booking little time passes, and the time is measured and shown."),
    _row("T5", "Many markets fill and cancel at once: nothing waits for a cycle that was too slow."),
    _row("P1", "The process dies with a fill booked and not settled: it settles after the restart."),
    _row(
        "P2",
        "The process dies between a fill and its inventory: both are one transaction, or none.",
        no_fault="a crash between two writes is the worker's own matter; `slow-settlement` keeps the first waiting",
    ),
    _row("P3", "Something is booked and the request to the venue fails or times out: the venue is asked, not guessed."),
    _row(
        "P4",
        "Inventory without its fill, or a fill without its inventory: both are one transaction.",
        no_fault="half of a booking is the worker's own matter; `settlement-failed` makes it book a fill and undo it",
    ),
    _row("P5", "A cancel fails: the order stays live until the venue says otherwise."),
    _row("P6", "One fill is told by socket, pages and chain, again and again: it is one fill."),
    _row("S1", "The Data API's average price is another than ours: shown, never taken over."),
    _row(
        "S2",
        "Shares have one unit: whole micro-shares.",
        no_fault="the unit is the code's own matter; every wire of the simulator names amounts as the venue does",
    ),
    _row("S3", "The venue's matched size is a running total: only its rise counts, a fall is an alarm."),
    _row(
        "S4",
        "Our rounding and the venue's differ: the amounts of the chain win, and there is no tolerance.",
        no_fault="the simulated venue always rounds as the real one does, with mints at odd prices",
    ),
    _row("S5", "Fees, rebates and rewards are amounts of their own; profit is shown before and after fees."),
    _row("S6", "Shares turn into cash when a market resolves, at any payout from 0 to 1."),
    _row("E1", "The owner trades by hand: a fill like any other, at its real price."),
    _row("E2", "Another bot uses the same key: its orders are shown, then adopted or cancelled; its fills are booked."),
    _row("E3", "Pairs are merged into collateral, or collateral is split: both legs move at a total of 1."),
    _row("E4", "A market resolves and is redeemed, by whomever: quoting has stopped before."),
    _row("E5", "Orders are open when their market resolves: closed by the venue's word."),
    _row("E6", "Deposits, withdrawals, transfers and conversions: events of their own, with a stated cost."),
    _row(
        "A1", "The list of open orders is empty or cut by mistake: nothing is closed before each order was asked for."
    ),
    _row("A2", "The Data API stands still: noticed, shown, and no fill is undone by it."),
    _row("A3", "A request times out or fails: tried again with patience; a write of unknown outcome is looked up."),
    _row("A4", "Two answers show two moments: judged by their own order, not by the clock."),
    _row("A5", "A socket drops, lags or falls silent: noticed, connected again, and the gap is read."),
    _row("A6", "More positions than a page holds: all pages are read."),
    _row("A7", "More orders or trades than a page holds: all pages are read."),
    _row("D1", "The worker was off while the wallet lived on: all of it is read before anything is quoted."),
    _row("D2", "A service is down for long: no new quotes, only cancels, until a clean sync."),
)

_INVARIANTS = (
    _row(
        "I1",
        "Shares in the books are the tokens on chain, at the same block.",
        "node-lag logs-missing reorg hash-replaced human-transfer operator-migration",
    ),
    _row(
        "I2",
        "Every change of inventory has a fill or an event behind it.",
        "human-transfer human-trade human-convert auto-redeem foreign-orders logs-missing",
    ),
    _row("I3", "Inventory is never below zero.", "ws-reorder late-fill settlement-failed reorg human-transfer"),
    _row("I4", "A split or merge moves the same amount of every leg.", "human-split human-merge"),
    _row(
        "O1",
        "Orders live in the books are those live at the venue, both ways.",
        "mass-cancel empty-list half-page null-order foreign-orders timeout-after cut outage",
    ),
    _row("O2", "The matched size of an order never falls and never exceeds its size.", "size-rewound ws-reorder"),
    _row(
        "O3",
        "No order is closed while a fill of it is unbooked.",
        "late-fill ws-drop market-resolved mass-cancel phantom-match",
    ),
    _row("O4", "An order id is there once.", "ws-duplicate wrong-cursor timeout-after"),
    _row(
        "F1",
        "A settled fill is on chain; a trade that failed is reversed, never deleted.",
        "settlement-failed settlement-retried hash-replaced logs-missing reorg",
    ),
    _row(
        "F2",
        "One fill for each real match.",
        "ws-duplicate wrong-cursor hash-replaced settlement-retried phantom-match",
    ),
    _row(
        "F3",
        "The profit of a market is the sum over its events.",
        "market-resolved human-merge human-split human-redeem late-fill",
    ),
    _row("F4", "Prices lie between 0 and 1, cash is price times shares as the venue rounds.", "tick-change sweep"),
    _row("C1", "The average cost changes only when shares are acquired.", "data-average human-transfer sweep"),
    _row(
        "C2",
        "Collateral in and out adds up to cost, profit and fees, and to the wallet's balance.",
        "human-cash reward human-split human-merge human-redeem logs-missing",
    ),
    _row("C3", "The cost of what is held is never below zero.", "human-convert settlement-failed late-fill"),
    _row("C4", "Nothing held costs nothing.", "human-redeem auto-redeem operator-migration"),
    _row(
        "L1",
        "The log, folded again, gives the stored state byte for byte.",
        "ws-reorder reorg late-fill settlement-failed",
    ),
    _row(
        "L2",
        "The log is only added to, and each entry carries the hash of the one before.",
        no_fault="no fault of a venue reaches into the database; the tests change its rows by hand",
    ),
)

ROWS: dict[str, Row] = {row.id: row for row in (*_FAILURES, *_INVARIANTS)}
"""By id, in the order of the catalog."""
