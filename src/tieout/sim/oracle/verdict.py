"""Books against the oracle, figure by figure, when everything has settled. No tolerance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tieout.sim.model import Side
from tieout.sim.oracle.books import TrueBooks, TrueFill, TrueOrder, cause_of, true_books
from tieout.sim.oracle.deeds import Fill, Turn, cash_change, share_changes
from tieout.sim.oracle.purse import Token
from tieout.sim.oracle.reading import BookRows, MovementSeen, OrderSeen, PositionSeen
from tieout.sim.world import World

OPEN = ("live", "intended", "closing", "unknown")
"""States of an order that the books do not hold for over."""

SETTLED = ("SETTLED", "CONFIRMED")
"""Statuses of a fill that is on chain for good: by its log, or by the venue's word where the node held the log back."""

_FLOWS = {"maker_rebate": "rebate", "taker_rebate": "rebate"}
_ROW_OF_KIND = {"split": "I4", "merge": "I4", "redemption": "S6", "exchange": "E6", "reward": "S5", "rebate": "S5"}


class Disagreement(NamedTuple):
    """One thing that books and venue do not agree on: the row of the catalog, and what, in a sentence."""

    row: str
    sentence: str


def disagreements(world: World, wallet: str, rows: BookRows) -> list[Disagreement]:
    """What the books of *wallet* have otherwise than the venue's records.

    For a moment at which everything has settled: nothing matched is undecided, and the books had time to hear of it.
    """
    truth = true_books(world, wallet.lower())
    found = [
        *_orders(truth, rows),
        *_fills(truth, rows),
        *_events(truth, rows),
        *_positions(truth, rows),
        *_collateral(truth, rows),
    ]
    if truth.open_trades:
        found.insert(0, Disagreement("F1", f"{truth.open_trades} trades are neither confirmed nor given up yet"))
    return found


# --- orders -----------------------------------------------------------------------------------------------------------


def _orders(truth: TrueBooks, rows: BookRows) -> Iterator[Disagreement]:
    seen = {row.order_id: row for row in rows.orders}
    for order_id, true in truth.orders.items():
        if order_id in seen:
            yield from _order(seen[order_id], true)
        elif true.order.open:
            yield Disagreement("O1", f"order {order_id} is open at the venue, the books do not know it")
        elif true.settled:
            yield Disagreement("O1", f"order {order_id} filled {true.settled}, the books do not know it")
    for order_id in seen.keys() - truth.orders.keys():
        row = seen[order_id]
        if row.state in OPEN:
            yield Disagreement("O1", f"order {order_id} is {row.state} in the books, the venue never took it")
        if row.claimed or row.filled or row.failed:
            yield Disagreement("F2", f"order {order_id} filled {row.filled} in the books, the venue never took it")


def _order(row: OrderSeen, true: TrueOrder) -> Iterator[Disagreement]:
    order, name = true.order, f"order {row.order_id}"
    if order.open != (row.state in OPEN) and not (row.state == "closing" and 0 < row.gap <= true.phantom):
        venue = "open" if order.open else "over"
        yield Disagreement("O1", f"{name}: the venue has it {order.status} ({venue}), the books {row.state}")
    if row.filled != true.settled:
        yield Disagreement("O3", f"{name}: expected {true.settled} filled, the books have {row.filled}")
    if row.failed != true.failed:
        yield Disagreement("F1", f"{name}: expected {true.failed} failed, the books have {row.failed}")
    if row.claimed > order.matched:
        yield Disagreement("O2", f"{name}: at most {order.matched} matched, the books claim {row.claimed}")
    if row.gap > true.phantom:
        # A match that never was may be provisional until its time is over, which begins again when feeds are stale.
        yield Disagreement("O3", f"{name}: at most {true.phantom} may be provisional, the books have {row.gap}")
    if row.token_id != str(order.request.token):
        yield Disagreement("O1", f"{name}: expected token {order.request.token}, the books have {row.token_id}")
    if row.side and order.budget is None:
        terms, booked = (order.side.name, order.price, order.size), (row.side, row.price, row.size)
        if terms != booked:
            yield Disagreement("O1", f"{name}: expected (side, price, size) {terms}, the books have {booked}")


# --- fills ------------------------------------------------------------------------------------------------------------


def _fills(truth: TrueBooks, rows: BookRows) -> Iterator[Disagreement]:
    booked: dict[tuple[str, str], list[MovementSeen]] = defaultdict(list)
    for row in rows.movements:
        if row.kind in ("buy", "sell"):
            booked[row.tx_hash, row.order_id].append(row)
    for true in truth.fills:
        found = booked.pop((true.tx_hash, true.fill.order_id), [])
        if len(found) == 1:
            yield from _fill(found[0], true)
        else:
            yield Disagreement("F2", f"{_named(true)}: expected one movement, the books have {len(found)}")
    failed = {f"fill/{trade_id}/{order_id}" for trade_id, order_id in truth.failed}
    for row in (row for rows_of_one in booked.values() for row in rows_of_one):
        why = "its trade failed" if row.key in failed else "no such fill settled"
        yield Disagreement("F1", f"{row.key} ({row.kind} {row.shares} for {row.collateral}): {why}")


def _fill(row: MovementSeen, true: TrueFill) -> Iterator[Disagreement]:
    fill, name = true.fill, _named(true)
    if row.key.startswith("fill/") and row.key != f"fill/{true.trade_id}/{fill.order_id}":
        yield Disagreement("F2", f"{name}: the books have it as {row.key}")
    if row.status not in SETTLED:
        yield Disagreement("F1", f"{name}: settled on chain, the books have it {row.status}")
    side = "buy" if fill.side is Side.BUY else "sell"
    if (row.kind, row.token_id) != (side, fill.token):
        yield Disagreement("F4", f"{name}: expected {side} of {fill.token}, the books have {row.kind} {row.token_id}")
    for what, expected, was in (("shares", fill.shares, row.shares), ("collateral", fill.cash, row.collateral)):
        if expected != was:
            yield Disagreement("S4", f"{name}: expected {what} {expected}, the books have {was}")
    if row.fee != fill.fee:
        yield Disagreement("S5", f"{name}: expected a fee of {fill.fee}, the books have {row.fee}")


def _named(true: TrueFill) -> str:
    return f"fill of trade {true.trade_id or '?'}, order {true.fill.order_id}"


# --- everything that has no order -------------------------------------------------------------------------------------

Event = tuple[str, str]
"""Transaction and cause."""


def _events(truth: TrueBooks, rows: BookRows) -> Iterator[Disagreement]:
    """Tokens and collateral by transaction and cause; a wrap by what was turned."""
    expected: dict[Event, Counter[str]] = defaultdict(Counter)
    for act in truth.acts:
        for deed in act.deeds:
            if not isinstance(deed, Fill):
                what = expected[act.tx_hash, cause_of(deed)]
                what.update(share_changes(deed))
                what["collateral"] += deed.amount if isinstance(deed, Turn) else cash_change(deed)
    booked: dict[Event, Counter[str]] = defaultdict(Counter)
    for row in rows.movements:
        if row.kind not in ("buy", "sell"):
            cause = cause_of_row(row)
            what = booked[row.tx_hash, cause]
            what.update(shares_of_row(row))
            what["collateral"] += row.shares if cause in ("wrap", "unwrap") else row.cash
    _call_rebates_alike(expected, booked)
    for event in sorted({*expected, *booked}):
        ours, theirs = _clean(expected[event]), _clean(booked[event])
        if ours != theirs:
            tx_hash, cause = event
            row_id = _ROW_OF_KIND.get(cause, "E6")
            yield Disagreement(row_id, f"{cause} in {tx_hash}: expected {ours}, the books have {theirs}")


def _call_rebates_alike(expected: dict[Event, Counter[str]], booked: dict[Event, Counter[str]]) -> None:
    """A rebate is a plain transfer on chain: books that read the chain alone may call it a deposit."""
    for tx_hash, cause in list(expected):
        if cause == "rebate" and (tx_hash, cause) not in booked:
            expected[tx_hash, "deposit"].update(expected.pop((tx_hash, cause)))


def cause_of_row(row: MovementSeen) -> str:
    """The cause of a movement, in the oracle's words."""
    if row.kind != "cash":
        return row.kind
    name = row.key.partition("/")[0]
    return _FLOWS.get(name, name)


def shares_of_row(row: MovementSeen) -> Mapping[str, int]:
    """Signed micro-shares by token of a movement without an order, as it is stored."""
    given, _, taken = row.legs.partition(">")
    if row.kind in ("transfer in", "transfer out"):
        return {row.token_id: row.shares if row.kind == "transfer in" else -row.shares}
    if row.kind == "split":
        return _legs(given, 1)
    if row.kind in ("merge", "redemption"):
        return _legs(given, -1)
    return {**_legs(given, -1), **_legs(taken, 1)}


def _legs(text: str, sign: int) -> dict[str, int]:
    pairs = (leg.rpartition(":") for leg in text.split(",") if leg)
    return {token: sign * int(shares) for token, _, shares in pairs}


def _clean(what: Mapping[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in sorted(what.items()) if amount}


# --- positions and collateral -----------------------------------------------------------------------------------------

_FIGURES = (("I1", "shares"), ("C1", "cost"), ("F3", "realized"), ("S5", "fees"))


def _positions(truth: TrueBooks, rows: BookRows) -> Iterator[Disagreement]:
    seen = {row.token_id: row for row in rows.positions}
    nothing = PositionSeen("", 0, 0, 0, 0, 0, 0, 0, 0)
    gaps = _gaps(rows)
    for token_id in sorted({*truth.tokens, *seen}):
        true, row = truth.tokens.get(token_id, Token()), seen.get(token_id, nothing)
        expected = (true.shares, true.cost, true.realized, true.fees)
        booked = (row.shares, row.cost_basis, row.realized_pnl, row.fees)
        for (row_id, name), ours, theirs in zip(_FIGURES, expected, booked, strict=True):
            if ours != theirs:
                yield Disagreement(row_id, f"token {token_id}: expected {name} {ours}, the books have {theirs}")
        for row_id, name in (
            ("I2", "unexplained_shares"),
            ("I2", "unexplained_proceeds"),
            ("F1", "unsettled_shares"),
        ):
            if getattr(row, name):
                yield Disagreement(row_id, f"token {token_id}: expected no {name}, was {getattr(row, name)}")
        if row.provisional_shares != gaps[token_id]:
            sentence = f"expected provisional_shares {gaps[token_id]}, was {row.provisional_shares}"
            yield Disagreement("O3", f"token {token_id}: {sentence}")


def _gaps(rows: BookRows) -> Counter[str]:
    """Signed micro-shares by token that the orders' rows leave provisional; how many may be is asked of each order."""
    gaps: Counter[str] = Counter()
    for order in rows.orders:
        gaps[order.token_id] += -order.gap if order.side == "SELL" else order.gap
    return gaps


def _collateral(truth: TrueBooks, rows: BookRows) -> Iterator[Disagreement]:
    booked = sum(row.cash for row in rows.movements)
    if booked != truth.collateral:
        coins = ", ".join(str(amount) for amount in truth.coins.values())
        yield Disagreement("C2", f"collateral: expected {truth.collateral} (pUSD and USDC.e: {coins}), was {booked}")
