"""What the books of a life must show: naive, slow, and computed from the truth.

`expected(life, observations)` walks the true events. The observations are asked two things only: what evidence was
given of an event (so where it stands in time, and whether its amounts are exact or estimated), and what was said of
conditions and orders (resolutions, claims). No facts are merged here: a life knows which facts speak of one event.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from tieout.ledger.facts import (
    AdjustmentInferred,
    AnyFact,
    ChainFact,
    ClaimRejected,
    ConditionResolved,
    FillObserved,
    ManualEntry,
    MatchClaimed,
    OrderFact,
    OrderFilledOnChain,
    PayoutRedeemed,
    Side,
    TokenMoved,
    TradeReported,
    TransferCostStated,
)

from .history import (
    MATCH_LEAD_MS,
    AdjustmentEvent,
    CashEvent,
    ConversionEvent,
    Event,
    FillEvent,
    Leg,
    Life,
    ManualEvent,
    MergeEvent,
    MigrationEvent,
    RedemptionEvent,
    SplitEvent,
    TransferEvent,
    observe,
)

TOKEN_FIELDS = ("shares", "cost_basis", "realized_pnl", "fees", "unexplained_shares")
ORDER_FIELDS = ("matched", "filled", "provisional")


@dataclass(slots=True)
class Expected:
    """Every listed token is in `tokens`, every order named by an effective fact is in `orders`."""

    tokens: dict[str, dict[str, int]]
    cash: int
    orders: dict[str, dict[str, int]]


# --- the books --------------------------------------------------------------------------------------------------------


def part(amount: int, share: int, whole: int) -> int:
    """floor(amount x share / whole)."""
    return math.floor(Fraction(amount) * Fraction(share, whole))


@dataclass(slots=True)
class _Token:
    shares: int = 0
    cost: int = 0
    realized: int = 0
    fees: int = 0
    unexplained: int = 0
    unexplained_proceeds: int = 0


@dataclass(slots=True)
class _Books:
    """`gifts`: cost that came without cash (stated costs, corrections), less cost that left without cash."""

    tokens: dict[str, _Token] = field(default_factory=lambda: defaultdict(_Token))
    cash: int = 0
    flows: int = 0
    gifts: int = 0

    def acquire(self, token: str, shares: int, cost: int) -> None:
        self.tokens[token].shares += shares
        self.tokens[token].cost += cost

    def leave(self, token: str, shares: int) -> int:
        """Shares leave without proceeds; the cost that goes with them."""
        t = self.tokens[token]
        if shares >= t.shares:
            cost = t.cost
            t.unexplained += shares - t.shares
            t.shares = 0
        else:
            cost = part(t.cost, shares, t.shares)
            t.shares -= shares
        t.cost -= cost
        return cost

    def dispose(self, token: str, shares: int, proceeds: int) -> None:
        t = self.tokens[token]
        explained = proceeds
        if shares > t.shares:
            explained = part(proceeds, t.shares, shares)
            t.unexplained_proceeds += proceeds - explained
        elif shares == 0:
            assert proceeds == 0, "undecided by the rules: proceeds for no shares"
            return
        t.realized += explained - self.leave(token, shares)

    def trade(self, token: str, side: Side, shares: int, collateral: int, fee: int) -> None:
        if side is Side.BUY:
            self.acquire(token, shares, collateral)
            self.cash -= collateral
        else:
            self.dispose(token, shares, collateral)
            self.cash += collateral
        self.tokens[token].fees += fee
        self.cash -= fee

    def check(self) -> None:
        """Double entry: all cash is flows, less what lies in positions, plus what was made, less fees (C2)."""
        held = self.tokens.values()
        assert all(t.shares >= 0 and t.cost >= 0 for t in held)
        made = sum(t.realized + t.unexplained_proceeds - t.cost - t.fees for t in held)
        assert self.cash == self.flows + made + self.gifts, (self.cash, self.flows, made, self.gifts)


# --- the evidence -----------------------------------------------------------------------------------------------------


class _Evidence:
    def __init__(self, observations: Sequence[AnyFact]) -> None:
        latest: dict[tuple[object, ...], ChainFact] = {}
        self.rows: dict[str, list[ChainFact]] = defaultdict(list)
        self.logs: dict[str, list[ChainFact]] = defaultdict(list)
        self.moves: dict[str, list[TokenMoved]] = defaultdict(list)
        self.fills: dict[tuple[str, str], list[FillObserved]] = defaultdict(list)
        self.costs: dict[tuple[str, str], int] = {}
        self.resolved: dict[str, tuple[int, ...]] = {}
        self.words: set[str] = set()
        self.claimed: dict[str, int] = defaultdict(int)
        self.rejected: dict[str, int] = defaultdict(int)
        self.order_ids: set[str] = set()
        rows: dict[tuple[object, ...], ChainFact] = {}
        for fact in observations:
            if isinstance(fact, ChainFact):
                if fact.log_index < 0:
                    rows[(type(fact), fact.tx_hash, getattr(fact, "token_id", ""))] = fact
                    continue
                key = (type(fact), fact.tx_hash, fact.log_index, getattr(fact, "sub_index", 0))
                if key not in latest or latest[key].version < fact.version:
                    latest[key] = fact
            elif isinstance(fact, FillObserved):
                self.fills[fact.trade_id, fact.order_id].append(fact)
                self.order_ids.add(fact.order_id)
            elif isinstance(fact, OrderFact):
                self.order_ids.add(fact.order_id)
                if isinstance(fact, MatchClaimed):
                    self.claimed[fact.order_id] = max(self.claimed[fact.order_id], fact.size_matched)
                elif isinstance(fact, ClaimRejected):
                    self.rejected[fact.order_id] = max(self.rejected[fact.order_id], fact.shares)
            elif isinstance(fact, TransferCostStated):
                self.costs[fact.tx_hash, fact.token_id] = fact.cost
            elif isinstance(fact, ManualEntry):
                self.words.add(fact.entry_id)
            elif isinstance(fact, AdjustmentInferred):
                self.words.add(fact.statement_id)
        for row in rows.values():
            self.rows[row.tx_hash].append(row)
        for log in latest.values():
            if log.removed:
                continue
            if isinstance(log, TokenMoved):
                self.moves[log.tx_hash].append(log)
            elif isinstance(log, ConditionResolved):
                self.resolved[log.condition_id] = log.numerators
            else:
                self.logs[log.tx_hash].append(log)
                if isinstance(log, OrderFilledOnChain):
                    self.order_ids.add(log.order_id)


Key = tuple[int, int, int, int, int]
"""Pending, time, without a chain position, block, log index."""


def _chain_key(log: ChainFact) -> Key:
    return (0, log.occurred_at_ms, 0, log.block, log.log_index)


# --- events into effects ----------------------------------------------------------------------------------------------


class _Oracle:
    def __init__(self, life: Life, observations: Sequence[AnyFact]) -> None:
        self.life = life
        self.seen = _Evidence(observations)
        self.books = _Books()
        self.effects: list[tuple[Key, Callable[[], None]]] = []
        self.identified: dict[str, int] = defaultdict(int)
        self.filled: dict[str, int] = defaultdict(int)

    def run(self) -> Expected:
        for i, event in enumerate(self.life.events):
            handler = _EFFECT.get(type(event))
            if handler is not None and i >= self.life.hidden:
                handler(self, event)
        self.effects.sort(key=lambda e: e[0])
        for _, effect in self.effects:
            effect()
        self.books.check()
        tokens = {}
        for condition in self.life.conditions:
            for pair in condition.tokens.values():
                for token in pair:
                    t = self.books.tokens[token]
                    values = (t.shares, t.cost, t.realized, t.fees, t.unexplained)
                    tokens[token] = dict(zip(TOKEN_FIELDS, values, strict=True))
        return Expected(tokens, self.books.cash, {o: self.order(o) for o in sorted(self.seen.order_ids)})

    def order(self, order_id: str) -> dict[str, int]:
        claimed = self.seen.claimed[order_id]
        gap = claimed - self.identified[order_id] - self.seen.rejected[order_id]
        return {"matched": claimed, "filled": self.filled[order_id], "provisional": max(0, gap)}

    def at(self, key: Key, effect: Callable[[], None]) -> None:
        self.effects.append((key, effect))

    def place(self, event: Event) -> Key:
        """Where an event other than a fill stands: its log if one is in force, else its row. It must have been seen."""
        tx_hash = event.slot.tx_hash
        logs: list[ChainFact] = [*self.seen.logs[tx_hash], *self.seen.moves[tx_hash]]
        if logs:
            return min(_chain_key(log) for log in logs)
        assert self.seen.rows[tx_hash], f"nobody saw {event}"
        return (0, event.slot.time_ms, 1, 0, 0)

    # fills

    def fill(self, event: FillEvent) -> None:
        books, tx_hash = self.books, event.slot.tx_hash
        logs = {log.log_index: log for log in self.seen.logs[tx_hash] if isinstance(log, OrderFilledOnChain)}
        row = any(isinstance(r, TradeReported) for r in self.seen.rows[tx_hash])
        rest: list[Leg] = []
        for leg in event.legs:
            log = logs.get(leg.log_index) or logs.get(leg.log_index + event.slot.shift)
            said = self.seen.fills.get((leg.trade_id, leg.order_id), [])
            statuses = {f.status for f in said}
            collateral, fee = leg.collateral, leg.fee
            if log is not None:
                key = _chain_key(log)
            elif not said:
                rest.append(leg)
                continue
            elif row:
                assert "FAILED" not in statuses
                key = (0, event.slot.time_ms, 1, 0, 0)
            else:
                collateral, fee = math.floor(Fraction(leg.price * leg.shares, 10**6)), 0
                matched_ms = event.slot.time_ms - MATCH_LEAD_MS
                settled = "CONFIRMED" in statuses or ("MINED" in statuses and "RETRYING" not in statuses)
                key = (0 if settled else 1, matched_ms, 1, 0, 0)
            self.identified[leg.order_id] += leg.shares
            if log is None and "FAILED" in statuses:
                continue
            self.filled[leg.order_id] += leg.shares
            self.at(
                key,
                lambda g=leg, c=collateral, f=fee: books.trade(g.token_id, g.side, g.shares, c, f),  # type: ignore[misc]
            )
        if rest and row:
            one = rest[0]
            shares, collateral, fee = (sum(getattr(g, n) for g in rest) for n in ("shares", "collateral", "fee"))
            self.at(
                (0, event.slot.time_ms, 1, 0, 0),
                lambda: books.trade(one.token_id, one.side, shares, collateral, fee),
            )
        elif rest:
            assert event.fate != "settled", f"nobody saw {event}"

    # tokens

    def split(self, event: SplitEvent) -> None:
        books, a = self.books, event.amount
        first, second = event.condition.tokens[event.ledger]

        def effect() -> None:
            books.acquire(first, a, a - a // 2)
            books.acquire(second, a, a // 2)
            books.cash -= a

        self.at(self.place(event), effect)

    def merge(self, event: MergeEvent) -> None:
        books, a = self.books, event.amount
        first, second = event.condition.tokens[event.ledger]

        def effect() -> None:
            books.dispose(first, a, a - a // 2)
            books.dispose(second, a, a // 2)
            books.cash += a

        self.at(self.place(event), effect)

    def redemption(self, event: RedemptionEvent) -> None:
        books = self.books
        tx_hash = event.slot.tx_hash
        pair = event.condition.tokens[event.ledger]
        facts = [f for f in (*self.seen.logs[tx_hash], *self.seen.rows[tx_hash]) if isinstance(f, PayoutRedeemed)]
        by_token = any(f.token_id for f in facts)
        amounts = any(f.amounts for f in facts)
        moves = self.seen.moves[tx_hash]
        numerators = self.seen.resolved.get(event.condition.condition_id)

        def effect() -> None:
            books.cash += event.payout
            if by_token:
                for token, shares, payout in zip(pair, event.quantities, event.payouts, strict=True):
                    books.dispose(token, shares, payout)
                return
            if amounts:
                quantities = list(event.quantities)
            elif moves:
                quantities = [-sum(m.shares for m in moves if m.token_id == token) for token in pair]
            else:
                quantities = [books.tokens[token].shares for token in pair]
            for token, shares, payout in zip(
                pair, quantities, divide(quantities, event.payout, numerators), strict=True
            ):
                books.dispose(token, shares, payout)

        self.at(self.place(event), effect)

    def conversion(self, event: ConversionEvent) -> None:
        books = self.books

        def effect() -> None:
            cost = sum(books.leave(token, shares) for token, shares in event.burned)
            left = max(0, cost - event.collateral)
            books.tokens[event.burned[0][0]].realized += max(0, event.collateral - cost)
            each = math.floor(Fraction(left, len(event.minted)))
            for i, (token, shares) in enumerate(event.minted):
                books.acquire(token, shares, each + (left - each * len(event.minted) if i == 0 else 0))
            books.cash += event.collateral

        self.at(self.place(event), effect)

    def migration(self, event: MigrationEvent) -> None:
        books = self.books
        source, target = (event.condition.tokens[name][event.outcome] for name in ("ctf", "pm"))
        self.at(self.place(event), lambda: books.acquire(target, event.amount, books.leave(source, event.amount)))

    def transfer(self, event: TransferEvent) -> None:
        books = self.books
        stated = self.seen.costs

        def effect() -> None:
            for token, shares, cost in event.items:
                if shares < 0:
                    books.gifts -= books.leave(token, -shares)
                    continue
                known = cost if event.policy == "given" else stated.get((event.slot.tx_hash, token), 0)
                books.acquire(token, shares, known)
                books.gifts += known

        self.at(self.place(event), effect)

    def cash(self, event: CashEvent) -> None:
        books = self.books

        def effect() -> None:
            books.cash += event.amount
            books.flows += event.amount

        self.at(self.place(event), effect)

    # words

    def manual(self, event: ManualEvent) -> None:
        assert event.entry_id in self.seen.words, f"nobody heard {event}"
        if event.dead:
            return
        books = self.books

        def effect() -> None:
            t = books.tokens[event.token_id]
            if event.shares > 0:
                books.acquire(event.token_id, event.shares, -event.collateral)
            elif event.shares < 0:
                books.dispose(event.token_id, -event.shares, event.collateral)
            books.cash += event.collateral - event.fee
            t.fees += event.fee
            corrected = max(0, t.cost + event.cost_correction)
            books.gifts += corrected - t.cost
            t.cost = corrected

        self.at((0, event.slot.time_ms + event.jitter, 1, 0, 0), effect)

    def adjustment(self, event: AdjustmentEvent) -> None:
        assert event.statement_id in self.seen.words, f"nobody heard {event}"
        books = self.books

        def effect() -> None:
            more = event.shares - books.tokens[event.token_id].shares
            if more > 0:
                books.acquire(event.token_id, more, 0)
            elif more < 0:
                books.gifts -= books.leave(event.token_id, -more)

        self.at((0, event.slot.time_ms + event.jitter, 1, 0, 0), effect)


def divide(quantities: Sequence[int], payout: int, numerators: Sequence[int] | None) -> list[int]:
    """How a total payout is divided over the outcome tokens that left for it."""
    if numerators is not None:
        parts = [part(q, n, sum(numerators)) for q, n in zip(quantities, numerators, strict=True)]
        parts[parts.index(max(parts))] += payout - sum(parts)
        return parts
    exact = [i for i, q in enumerate(quantities) if q == payout]
    if len(exact) == 1:
        return [payout if i == exact[0] else 0 for i in range(len(quantities))]
    assert sum(quantities) > 0, "undecided by the rules: a payout for nothing"
    parts = [part(payout, q, sum(quantities)) for q in quantities]
    parts[max(i for i, q in enumerate(quantities) if q > 0)] += payout - sum(parts)
    return parts


_EFFECT: dict[type[Event], Callable[..., None]] = {
    FillEvent: _Oracle.fill,
    SplitEvent: _Oracle.split,
    MergeEvent: _Oracle.merge,
    RedemptionEvent: _Oracle.redemption,
    ConversionEvent: _Oracle.conversion,
    MigrationEvent: _Oracle.migration,
    TransferEvent: _Oracle.transfer,
    CashEvent: _Oracle.cash,
    ManualEvent: _Oracle.manual,
    AdjustmentEvent: _Oracle.adjustment,
}


def expected(life: Life, observations: Sequence[AnyFact]) -> Expected:
    """The books that these observations of this life must end in. Raises AssertionError where the life is at fault."""
    return _Oracle(life, observations).run()


def shrink(life: Life, seed: int, differs: Callable[[Sequence[AnyFact], Expected], bool]) -> Life:
    """A smaller life that still *differs*: events are taken away one at a time, while the rules decide the rest.

    For people who look for the cause of a difference: `differs(observe(life, seed), expected(...))`. The events that
    remain are told as before.
    """

    def worth(candidate: Life) -> bool:
        observations = observe(candidate, seed)
        try:
            books = expected(candidate, observations)
        except AssertionError:
            return False
        if not life.window and any(t["unexplained_shares"] for t in books.tokens.values()):
            return False
        return differs(observations, books)

    for event in reversed(life.events):
        gone = {id(event)}
        if isinstance(event, ManualEvent) and event.reverses:
            gone |= {id(e) for e in life.events if isinstance(e, ManualEvent) and e.entry_id == event.reverses}
        kept = [e for e in life.events if id(e) not in gone]
        hidden = sum(id(e) not in gone for e in life.events[: life.hidden])
        candidate = replace(life, events=kept, hidden=hidden)
        if worth(candidate):
            life = candidate
    return life
