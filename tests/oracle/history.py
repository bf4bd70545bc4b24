"""True lives of one wallet, and the facts that a set of sources would tell about them.

`life(seed, size)` makes a life: everything that truly happened, in true chain order. `observe(life, seed)` makes the
observations: which source saw which event, how completely, in which form, with reorgs. `variants(observations, seed)`
delivers the same observations in other orders, batches and multiplicities. All of it depends on the seeds alone.

A life never disposes of more than it truly holds. With `window=True` a prefix of its events is not observed at all,
so the books (not the life) may dispose of more than they hold.

What is generated, and left out, so that the rules decide every number (see `oracle.py` for the rules):

- events stand at least 6 blocks (12 s) apart, so the CLOB's match time (4 s early) never reorders them;
- legs of one transaction share token and side; where their order could matter (several SELL legs) they are twins
  (equal shares and price), or the chain tells all of them, or the activity row alone tells them as one;
- the fills of one order have distinct shares, twins of one transaction excepted;
- a combined redemption in a window always has its token movements; a window has no conversion, no cost correction.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
from hypothesis import strategies as st

from tieout.ledger.facts import (
    AdjustmentInferred,
    AnyFact,
    CancelRefused,
    CashFlowed,
    ChainFact,
    ClaimRejected,
    ConditionResolved,
    FillObserved,
    Flow,
    ManualEntry,
    MarketNoted,
    MatchClaimed,
    OrderClosed,
    OrderFilledOnChain,
    OrderIntended,
    OrderPlaced,
    OrderRejected,
    OutcomeTokenListed,
    PayoutRedeemed,
    PositionMigrated,
    PositionsConverted,
    PositionsMerged,
    PositionSplit,
    PositionStated,
    Role,
    Side,
    TokenMoved,
    TokensTransferred,
    TradeReported,
    TransferCostStated,
)

EPOCH_MS = 1_700_000_000_000
BLOCK_MS = 2_000
MATCH_LEAD_MS = 4_000
MICRO = 1_000_000
CLOB, CHAIN, ACTIVITY = "clob", "chain", "activity"
ALL_SOURCES = frozenset({CLOB, CHAIN, ACTIVITY})


def block_time_ms(block: int) -> int:
    return EPOCH_MS + block * BLOCK_MS


# --- what exists ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Condition:
    """A binary condition. `tokens[ledger]` is (outcome 0, outcome 1); `numerators` is its resolution, if it has one."""

    condition_id: str
    tokens: dict[str, tuple[str, str]]
    market_id: str = ""
    numerators: tuple[int, int] | None = None


@dataclass(slots=True)
class Slot:
    """Where an event truly stands, and where a reorg first showed it (`alt_block`, log indexes + `shift`)."""

    block: int
    tx_hash: str
    log: int
    alt_block: int
    shift: int

    @property
    def time_ms(self) -> int:
        return block_time_ms(self.block)


@dataclass(slots=True)
class Order:
    order_id: str
    token_id: str
    condition_id: str
    side: Side
    price: int
    size: int
    matched: int = 0
    used: set[int] = field(default_factory=set)
    phantom: int = 0
    rejected: int = 0
    closed: bool = False

    @property
    def open_size(self) -> int:
        return self.size - self.matched


# --- what happens -----------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Event:
    slot: Slot
    label: str = ""


@dataclass(slots=True, kw_only=True)
class Leg:
    """One fill, exactly: `collateral` and `fee` are the chain's."""

    trade_id: str
    order_id: str
    token_id: str
    condition_id: str
    side: Side
    price: int
    shares: int
    collateral: int
    fee: int
    role: Role
    log_index: int

    @property
    def estimate(self) -> int:
        return self.price * self.shares // MICRO


@dataclass(slots=True, kw_only=True)
class FillEvent(Event):
    """The legs of one transaction, all of one token and side. `fate`: settled, failed or pending."""

    legs: list[Leg]
    fate: str = "settled"
    twins: bool = False


@dataclass(slots=True, kw_only=True)
class SplitEvent(Event):
    condition: Condition
    ledger: str
    amount: int


@dataclass(slots=True, kw_only=True)
class MergeEvent(Event):
    condition: Condition
    ledger: str
    amount: int


@dataclass(slots=True, kw_only=True)
class ResolutionEvent(Event):
    condition: Condition


@dataclass(slots=True, kw_only=True)
class RedemptionEvent(Event):
    """`form` is how sources tell it: "token" (a fact a token), "amounts" or "combined"."""

    condition: Condition
    ledger: str
    form: str
    quantities: tuple[int, int]
    payouts: tuple[int, int]
    payout: int


@dataclass(slots=True, kw_only=True)
class ConversionEvent(Event):
    market_id: str
    burned: tuple[tuple[str, int], ...]
    minted: tuple[tuple[str, int], ...]
    collateral: int


@dataclass(slots=True, kw_only=True)
class MigrationEvent(Event):
    condition: Condition
    outcome: int
    amount: int


@dataclass(slots=True, kw_only=True)
class TransferEvent(Event):
    """Items are (token, signed shares, cost). `policy`: zero; stated (TransferCostStated); given (in the fact)."""

    items: tuple[tuple[str, int, int], ...]
    policy: str = "zero"


@dataclass(slots=True, kw_only=True)
class CashEvent(Event):
    flow: Flow
    amount: int


@dataclass(slots=True, kw_only=True)
class ManualEvent(Event):
    """`dead`: reversed by a later entry, so without effect. `jitter` is added to the slot's time."""

    entry_id: str
    token_id: str = ""
    shares: int = 0
    collateral: int = 0
    fee: int = 0
    cost_correction: int = 0
    reverses: str = ""
    dead: bool = False
    jitter: int = 0


@dataclass(slots=True, kw_only=True)
class AdjustmentEvent(Event):
    """Something nobody saw left the holding at `shares`; a statement said so."""

    token_id: str
    statement_id: str
    shares: int
    jitter: int = 0


@dataclass(slots=True, kw_only=True)
class StatementEvent(Event):
    token_id: str
    shares: int


@dataclass(slots=True, kw_only=True)
class NoteEvent(Event):
    token_id: str
    note: str


@dataclass(slots=True, kw_only=True)
class PlacedEvent(Event):
    order: Order
    intended: bool
    placed: bool


@dataclass(slots=True, kw_only=True)
class OrderRejectedEvent(Event):
    order: Order


@dataclass(slots=True, kw_only=True)
class OrderClosedEvent(Event):
    order: Order


@dataclass(slots=True, kw_only=True)
class CancelRefusedEvent(Event):
    order: Order


@dataclass(slots=True, kw_only=True)
class ClaimEvent(Event):
    order: Order
    size_matched: int
    trade_ids: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ClaimRejectedEvent(Event):
    order: Order
    shares: int


@dataclass(slots=True)
class Life:
    """`holdings` is the truth at the end (pending fills included). The first `hidden` events are never observed."""

    seed: int
    conditions: list[Condition]
    events: list[Event]
    holdings: dict[str, int]
    hidden: int = 0
    window: bool = False

    def condition_of(self) -> dict[str, str]:
        return {t: c.condition_id for c in self.conditions for pair in c.tokens.values() for t in pair}


# --- the generator of lives -------------------------------------------------------------------------------------------

_WEIGHTS = {
    "fill": 38,
    "failed": 4,
    "place": 2,
    "claim": 6,
    "claim_rejected": 3,
    "close": 3,
    "order_rejected": 2,
    "cancel_refused": 2,
    "split": 6,
    "merge": 5,
    "resolve": 5,
    "redeem": 12,
    "convert": 6,
    "migrate": 5,
    "transfer_in": 5,
    "transfer_out": 4,
    "cash": 6,
    "manual": 7,
    "adjust": 4,
    "state": 2,
    "note": 2,
}
_VECTORS = ((1, 0), (0, 1), (1, 0), (0, 1), (1, 1), (1, 2), (3, 2), (7, 3), (0, 1_000_000), (333_333, 666_667))
_OUT_FLOWS = (Flow.WITHDRAWAL, Flow.WITHDRAWAL, Flow.TIP, Flow.OTHER, Flow.WRAP)


class _Maker:
    def __init__(self, seed: int, window: bool) -> None:
        self.rng = random.Random(f"life/{seed}/{window}")
        self.window = window
        self.block = self.rng.randint(1, 1_000)
        self.events: list[Event] = []
        self.held: dict[str, int] = {}
        self.orders: list[Order] = []
        self.trades: dict[str, list[str]] = {}
        self.dead: list[ManualEvent] = []
        self.count = 0
        self.conditions = self._conditions()
        self.place_of = {
            t: (c, ledger, i) for c in self.conditions for ledger, pair in c.tokens.items() for i, t in enumerate(pair)
        }
        self.held = dict.fromkeys(self.place_of, 0)

    # identifiers, places, amounts

    def hex32(self) -> str:
        return f"0x{self.rng.getrandbits(256):064x}"

    def token(self) -> str:
        return str((1 << 254) | self.rng.getrandbits(254))

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}-{self.count}-{self.rng.getrandbits(32):08x}"

    def slot(self) -> Slot:
        rng = self.rng
        self.block += rng.randint(6, 30)
        log = 0 if rng.random() < 0.1 else rng.randint(1_000, 1_100)
        shift = rng.randint(300, 800) * (1 if log == 0 or rng.random() < 0.5 else -1)
        return Slot(self.block, self.hex32(), log, self.block - rng.randint(1, 3), shift)

    def add(self, event: Event) -> bool:
        self.events.append(event)
        return True

    def shares(self, cap: int) -> int:
        """An amount from 1 to *cap*: all of it, a round one, any one, or dust."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.15:
            return cap
        if kind < 0.55 and cap >= 10_000:
            return rng.randint(1, cap // 10_000) * 10_000
        if kind < 0.65:
            return rng.randint(1, min(cap, 50))
        return rng.randint(1, cap)

    def _conditions(self) -> list[Condition]:
        rng = self.rng
        found = []
        for _ in range(rng.randint(1, 2)):
            found.append(Condition(self.hex32(), {"ctf": (self.token(), self.token())}))
        for _ in range(rng.randint(0, 2)):
            pairs = {"ctf": (self.token(), self.token()), "pm": (self.token(), self.token())}
            found.append(Condition(self.hex32(), pairs))
        if rng.random() < 0.75:
            market = self.hex32()
            for _ in range(rng.randint(3, 4)):
                found.append(Condition(self.hex32(), {"ctf": (self.token(), self.token())}, market))
        return found

    def alive(self) -> list[Condition]:
        return [c for c in self.conditions if c.numerators is None]

    def alive_tokens(self, held: bool = False) -> list[str]:
        return [t for t, (c, _, _) in self.place_of.items() if c.numerators is None and (not held or self.held[t])]

    # orders and fills

    def new_order(self, token: str = "", side: Side | None = None, cap: int = 0) -> Order | None:
        rng = self.rng
        if not token:
            mine = self.alive_tokens(held=True)
            if mine and rng.random() < 0.65:
                token = rng.choice(mine)
            elif self.alive_tokens():
                token = rng.choice(self.alive_tokens())
            else:
                return None
        if side is None:
            side = Side.SELL if self.held[token] and rng.random() < 0.55 else Side.BUY
        cap = cap or (self.held[token] if side is Side.SELL else rng.choice((200, 300_000_000, 2_000_000_000)))
        price = rng.randint(1, 99) * 10_000 if rng.random() < 0.6 else rng.randint(1, 999) * 1_000
        size = cap if rng.random() < 0.2 else self.shares(cap)
        order = Order(self.hex32(), token, self.place_of[token][0].condition_id, side, price, size)
        self.orders.append(order)
        seen = rng.random()
        self.add(
            PlacedEvent(slot=self.slot(), label="order.placed", order=order, intended=seen > 0.5, placed=seen < 0.85)
        )
        return order

    def pick_order(self) -> Order | None:
        fit = [
            o
            for o in self.orders
            if not o.closed
            and o.open_size > 0
            and self.place_of[o.token_id][0].numerators is None
            and (o.side is Side.BUY or self.held[o.token_id] > 0)
        ]
        if fit and self.rng.random() < 0.5:
            return self.rng.choice(fit)
        return self.new_order()

    def leg(self, order: Order, shares: int, price: int, trade_id: str, role: Role, log_index: int) -> Leg:
        rng = self.rng
        estimate = price * shares // MICRO
        collateral = max(0, estimate + rng.choice((0, 0, 0, 0, 1, -1)))
        fee = 0
        if role is Role.TAKER and rng.random() < 0.8:
            fee = rng.randint(0, max(1, collateral // 50))
        order.used.add(shares)
        order.matched += shares
        self.trades.setdefault(order.order_id, []).append(trade_id)
        return Leg(
            trade_id=trade_id,
            order_id=order.order_id,
            token_id=order.token_id,
            condition_id=order.condition_id,
            side=order.side,
            price=price,
            shares=shares,
            collateral=collateral,
            fee=fee,
            role=role,
            log_index=log_index,
        )

    def fresh(self, order: Order, cap: int, taken: Sequence[int] = ()) -> int:
        """Shares that no other fill of the order has; 0 when none was found."""
        if cap < 1:
            return 0
        for _ in range(6):
            shares = self.shares(cap)
            if shares not in order.used and shares not in taken:
                return shares
        return 0

    def fill_price(self, order: Order) -> int:
        if self.rng.random() < 0.7:
            return order.price
        better = self.rng.randint(0, 20) * 1_000
        return max(1_000, order.price - better) if order.side is Side.BUY else min(999_000, order.price + better)

    def fill(self, fate: str = "settled") -> bool:
        rng = self.rng
        order = self.pick_order()
        if order is None:
            return False
        sell = order.side is Side.SELL
        cap = min(order.open_size, self.held[order.token_id]) if sell else order.open_size
        shape = rng.random() if fate == "settled" else 1.0
        legs: list[Leg] = []
        twins = False
        if shape < 0.32 and cap >= 2:
            shared = shape < 0.14
            twins = sell and rng.random() < 0.6
            first = self.fresh(order, cap // 2 if twins else cap - 1)
            if not first:
                return False
            other = order
            if shared:
                other_cap = (self.held[order.token_id] - first) if sell else rng.choice((1_000, 90_000_000))
                other_or_none = self.new_order(order.token_id, order.side, max(other_cap, first if twins else 1))
                assert other_or_none is not None
                other = other_or_none
                if twins:
                    other.size = max(other.size, first)
            left = min(other.open_size if shared else other.open_size - first, cap - first if not shared else 10**18)
            if sell:
                left = min(left, self.held[order.token_id] - first)
            second = first if twins else self.fresh(other, left, (first,))
            if not second or second > left:
                return False
            slot = self.slot()
            trade = self.name("trade")
            price = self.fill_price(order)
            roles = (Role.MAKER, Role.MAKER) if shared else (rng.choice(tuple(Role)),) * 2
            legs.append(self.leg(order, first, price, trade, roles[0], slot.log))
            price = price if twins or rng.random() < 0.5 else self.fill_price(other)
            trade = trade if shared else self.name("trade")
            legs.append(self.leg(other, second, price, trade, roles[1], slot.log + rng.randint(1, 5)))
            label = "fill.shared_trade" if shared else "fill.two_of_order"
        else:
            shares = self.fresh(order, cap)
            if not shares:
                return False
            slot = self.slot()
            role = rng.choice(tuple(Role))
            legs.append(self.leg(order, shares, self.fill_price(order), self.name("trade"), role, slot.log))
            label = f"fill.{role.lower()}" if fate == "settled" else f"fill.{fate}"
        if fate != "failed":
            for leg in legs:
                self.held[leg.token_id] += -leg.shares if sell else leg.shares
        return self.add(FillEvent(slot=slot, label=label, legs=legs, fate=fate, twins=twins))

    def failed(self) -> bool:
        return self.fill("failed")

    def place(self) -> bool:
        return self.new_order() is not None

    def some_order(self) -> Order | None:
        return self.rng.choice(self.orders) if self.orders else None

    def claim(self) -> bool:
        order = self.some_order()
        if order is None:
            return False
        rng = self.rng
        if rng.random() < 0.3:
            order.phantom += rng.randint(1, 5_000_000)
        claimed = order.matched + order.phantom
        if rng.random() < 0.15:
            claimed = rng.randint(0, claimed)
        trades = tuple(self.trades.get(order.order_id, ()))
        label = "claim.gap" if order.phantom else "claim"
        return self.add(ClaimEvent(slot=self.slot(), label=label, order=order, size_matched=claimed, trade_ids=trades))

    def claim_rejected(self) -> bool:
        fit = [o for o in self.orders if o.phantom > o.rejected]
        if not fit:
            return False
        order = self.rng.choice(fit)
        order.rejected = self.rng.choice((order.phantom, self.rng.randint(order.rejected + 1, order.phantom)))
        return self.add(
            ClaimRejectedEvent(slot=self.slot(), label="claim.rejected", order=order, shares=order.rejected)
        )

    def close(self) -> bool:
        order = self.some_order()
        if order is None or order.closed:
            return False
        order.closed = True
        return self.add(OrderClosedEvent(slot=self.slot(), label="order.closed", order=order))

    def order_rejected(self) -> bool:
        tokens = self.alive_tokens()
        if not tokens:
            return False
        token = self.rng.choice(tokens)
        condition = self.place_of[token][0].condition_id
        order = Order(self.hex32(), token, condition, Side.BUY, 500_000, 5_000_000, closed=True)
        return self.add(OrderRejectedEvent(slot=self.slot(), label="order.rejected", order=order))

    def cancel_refused(self) -> bool:
        order = self.some_order()
        if order is None:
            return False
        return self.add(CancelRefusedEvent(slot=self.slot(), label="order.cancel_refused", order=order))

    # tokens

    def split(self) -> bool:
        rng = self.rng
        alive = self.alive()
        if not alive:
            return False
        condition = rng.choice(alive)
        ledger = rng.choice(tuple(condition.tokens))
        amount = self.shares(rng.choice((9, 50_000_000, 400_000_000)))
        for token in condition.tokens[ledger]:
            self.held[token] += amount
        label = f"split.{ledger}"
        return self.add(SplitEvent(slot=self.slot(), label=label, condition=condition, ledger=ledger, amount=amount))

    def merge(self) -> bool:
        fit = [
            (c, ledger, min(self.held[t] for t in pair))
            for c in self.alive()
            for ledger, pair in c.tokens.items()
            if min(self.held[t] for t in pair)
        ]
        if not fit:
            return False
        condition, ledger, cap = self.rng.choice(fit)
        amount = self.shares(cap)
        for token in condition.tokens[ledger]:
            self.held[token] -= amount
        label = f"merge.{ledger}"
        return self.add(MergeEvent(slot=self.slot(), label=label, condition=condition, ledger=ledger, amount=amount))

    def resolve(self) -> bool:
        alive = self.alive()
        if len(alive) < 2 or len(self.events) < 6:
            return False
        rng = self.rng
        mine = [c for c in alive if any(self.held[t] for pair in c.tokens.values() for t in pair)]
        condition = rng.choice(mine if mine and rng.random() < 0.8 else alive)
        condition.numerators = rng.choice(_VECTORS)
        label = "resolution" if 0 in condition.numerators else "resolution.fractional"
        return self.add(ResolutionEvent(slot=self.slot(), label=label, condition=condition))

    def redeem(self) -> bool:
        rng = self.rng
        fit = [
            (c, ledger, pair)
            for c in self.conditions
            if c.numerators is not None
            for ledger, pair in c.tokens.items()
            if any(self.held[t] for t in pair)
        ]
        if not fit:
            return False
        condition, ledger, pair = rng.choice(fit)
        assert condition.numerators is not None
        form = rng.choice(("token", "token", "amounts", "combined"))
        held = [self.held[t] for t in pair]
        if form == "combined":
            amounts = held
        else:
            amounts = [h if rng.random() < 0.5 else (self.shares(h) if h else 0) for h in held]
            if form == "token" and rng.random() < 0.6:
                keep = rng.choice([i for i in (0, 1) if amounts[i]])
                amounts[1 - keep] = 0
        whole = sum(condition.numerators)
        payouts = [q * n // whole for q, n in zip(amounts, condition.numerators, strict=True)]
        payout = sum(payouts)
        if form != "token" and rng.random() < 0.5:
            payout = sum(q * n for q, n in zip(amounts, condition.numerators, strict=True)) // whole
        for token, amount in zip(pair, amounts, strict=True):
            self.held[token] -= amount
        fractional = 0 not in condition.numerators
        result = "fractional" if fractional else ("winner" if payout else "loser")
        return self.add(
            RedemptionEvent(
                slot=self.slot(),
                label=f"redemption.{form}.{result}",
                condition=condition,
                ledger=ledger,
                form=form,
                quantities=(amounts[0], amounts[1]),
                payouts=(payouts[0], payouts[1]),
                payout=payout,
            )
        )

    def convert(self) -> bool:
        if self.window:
            return False
        rng = self.rng
        market = [c for c in self.conditions if c.market_id]
        if not market or any(c.numerators is not None for c in market):
            return False
        fit = [c for c in market if self.held[c.tokens["ctf"][1]]]
        if not fit:
            return False
        rng.shuffle(fit)
        chosen = fit[: rng.randint(1, min(len(fit), len(market) - 1))]
        amount = self.shares(min(self.held[c.tokens["ctf"][1]] for c in chosen))
        burned = tuple((c.tokens["ctf"][1], amount) for c in chosen)
        minted = tuple((c.tokens["ctf"][0], amount) for c in market if c not in chosen)
        for token, _ in burned:
            self.held[token] -= amount
        for token, _ in minted:
            self.held[token] += amount
        return self.add(
            ConversionEvent(
                slot=self.slot(),
                label="conversion.one" if len(burned) == 1 else "conversion.several",
                market_id=market[0].market_id,
                burned=burned,
                minted=minted,
                collateral=amount * (len(burned) - 1),
            )
        )

    def migrate(self) -> bool:
        fit = [(c, i) for c in self.conditions if "pm" in c.tokens for i in (0, 1) if self.held[c.tokens["ctf"][i]]]
        if not fit:
            return False
        condition, outcome = self.rng.choice(fit)
        source, target = condition.tokens["ctf"][outcome], condition.tokens["pm"][outcome]
        amount = self.shares(self.held[source])
        self.held[source] -= amount
        self.held[target] += amount
        return self.add(
            MigrationEvent(slot=self.slot(), label="migration", condition=condition, outcome=outcome, amount=amount)
        )

    def transfer_in(self) -> bool:
        rng = self.rng
        tokens = rng.sample(sorted(self.held), rng.choice((1, 1, 1, 2)))
        policy = rng.choice(("zero", "stated", "given"))
        items = []
        for token in tokens:
            shares = self.shares(200_000_000)
            self.held[token] += shares
            items.append((token, shares, 0 if policy == "zero" else rng.randint(0, shares)))
        label = f"transfer_in.{policy}"
        return self.add(TransferEvent(slot=self.slot(), label=label, items=tuple(items), policy=policy))

    def transfer_out(self) -> bool:
        rng = self.rng
        mine = sorted(t for t, n in self.held.items() if n)
        if not mine:
            return False
        items = []
        for token in rng.sample(mine, min(len(mine), rng.choice((1, 1, 1, 2)))):
            shares = self.shares(self.held[token])
            self.held[token] -= shares
            items.append((token, -shares, 0))
        return self.add(TransferEvent(slot=self.slot(), label="transfer_out", items=tuple(items)))

    def cash(self) -> bool:
        rng = self.rng
        flow = rng.choice(tuple(Flow))
        amount = rng.randint(1, 500_000_000) * (-1 if flow in _OUT_FLOWS else 1)
        return self.add(CashEvent(slot=self.slot(), label=f"cash.{flow.lower()}", flow=flow, amount=amount))

    # our own words

    def manual(self) -> bool:
        rng = self.rng
        kind = rng.choice(("buy", "sell", "correction", "reverse"))
        if kind == "reverse":
            if not self.dead:
                return False
            return self.reverse(self.dead.pop(rng.randrange(len(self.dead))))
        dead = rng.random() < 0.3
        mine = sorted(t for t, n in self.held.items() if n)
        if kind != "buy" and not mine:
            return False
        token = rng.choice(mine if kind != "buy" else sorted(self.held))
        entry = ManualEvent(
            slot=self.slot(),
            label=f"manual.{kind}",
            entry_id=self.name("entry"),
            token_id=token,
            dead=dead,
            jitter=rng.randrange(BLOCK_MS),
        )
        if kind == "buy":
            entry.shares = self.shares(100_000_000)
            entry.collateral = -rng.randint(0, entry.shares)
            entry.fee = rng.choice((0, rng.randint(0, 20_000)))
        elif kind == "sell":
            entry.shares = -self.shares(self.held[token])
            entry.collateral = rng.randint(0, -entry.shares)
            entry.fee = rng.choice((0, rng.randint(0, 20_000)))
        elif self.window and not dead:
            return False
        else:
            entry.cost_correction = rng.choice((1, -1)) * rng.randint(1, rng.choice((50, 200_000_000)))
        if dead:
            self.dead.append(entry)
        else:
            self.held[token] += entry.shares
        return self.add(entry)

    def reverse(self, entry: ManualEvent) -> bool:
        return self.add(
            ManualEvent(
                slot=self.slot(),
                label="manual.reverse",
                entry_id=self.name("entry"),
                token_id=entry.token_id if self.rng.random() < 0.5 else "",
                reverses=entry.entry_id,
                dead=True,
                jitter=self.rng.randrange(BLOCK_MS),
            )
        )

    def adjust(self) -> bool:
        rng = self.rng
        token = rng.choice(self.alive_tokens(held=rng.random() < 0.7) or sorted(self.held))
        held = self.held[token]
        shares = rng.choice((held, rng.randint(0, held), held + rng.randint(1, 90_000_000), held))
        self.held[token] = shares
        how = "none" if shares == held else ("up" if shares > held else "down")
        return self.add(
            AdjustmentEvent(
                slot=self.slot(),
                label=f"adjustment.{how}",
                token_id=token,
                statement_id=self.name("statement"),
                shares=shares,
                jitter=rng.randrange(BLOCK_MS),
            )
        )

    def state(self) -> bool:
        token = self.rng.choice(sorted(self.held))
        shares = self.held[token] if self.rng.random() < 0.6 else self.rng.randint(0, 90_000_000)
        return self.add(StatementEvent(slot=self.slot(), label="statement", token_id=token, shares=shares))

    def note(self) -> bool:
        token = self.rng.choice(sorted(self.held))
        note = self.rng.choice(("tick_size_changed", "paused", "halted"))
        return self.add(NoteEvent(slot=self.slot(), label="note", token_id=token, note=note))

    def run(self, size: int) -> None:
        rng = self.rng
        kinds = list(_WEIGHTS)
        weights = list(_WEIGHTS.values())
        while len(self.events) < size:
            getattr(self, rng.choices(kinds, weights)[0])()
        while self.dead:
            self.reverse(self.dead.pop())
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            self.fill("pending")
        for order in self.orders:
            if order.matched and rng.random() < 0.4:
                trades = tuple(self.trades[order.order_id])
                claimed = order.matched + order.phantom
                self.add(
                    ClaimEvent(slot=self.slot(), label="claim", order=order, size_matched=claimed, trade_ids=trades)
                )


def life(seed: int, size: int, *, window: bool = False) -> Life:
    """A life of about *size* events (pending fills and closing claims come on top). `window`: hide a prefix of it."""
    made = _Maker(seed, window)
    made.run(size)
    hidden = made.rng.randint(size // 6, size // 2) if window else 0
    return Life(seed, made.conditions, made.events, made.held, hidden, window)


# --- what the sources say ---------------------------------------------------------------------------------------------

_FINAL = (
    ("MATCHED", "MINED", "CONFIRMED"),
    ("MATCHED", "MINED", "CONFIRMED"),
    ("CONFIRMED",),
    ("MATCHED", "CONFIRMED"),
    ("MINED", "CONFIRMED"),
    ("MATCHED", "RETRYING", "MINED", "CONFIRMED"),
    ("MATCHED_NOT_BROADCASTED", "MATCHED", "MINED", "CONFIRMED"),
    ("MINED",),
    ("MATCHED", "MINED"),
)
_OPEN = (
    ("MATCHED",),
    ("MATCHED_NOT_BROADCASTED",),
    ("MATCHED", "RETRYING"),
    ("RETRYING",),
    ("MATCHED", "MINED", "RETRYING"),
)
_FAILED = (
    ("MATCHED", "FAILED"),
    ("FAILED",),
    ("MATCHED", "RETRYING", "FAILED"),
    ("MATCHED", "MINED", "FAILED"),
    ("MATCHED_NOT_BROADCASTED", "FAILED"),
)


@dataclass(slots=True, frozen=True)
class Knobs:
    """Probabilities of the awkward ways to tell a true thing; 0 leaves one out of the observations.

    `untied`: the CLOB tells a fill only without its transaction, and the chain tells it (tied by order and shares).
    `contradicted`: the CLOB says FAILED and the chain has the fill. `stale_tx`: before RETRYING another transaction.
    `mixed_form`: one redemption told as a combined total by one source, by token by another. `dropped`: a chain log
    taken back and never seen again, the other sources vouch. `reincluded`: version 2 at the same log index.
    `log_transfer`: a transfer told by TokensTransferred with a log index instead of by TokenMoved.
    """

    reorg: float = 0.12
    dropped: float = 0.2
    reincluded: float = 0.2
    untied: float = 0.1
    contradicted: float = 0.04
    stale_tx: float = 0.0
    partial: float = 0.2
    mixed_form: float = 0.3
    log_transfer: float = 0.3
    moved: float = 0.6
    moved_alone: float = 0.15


class _Observer:
    def __init__(self, true: Life, seed: int, sources: frozenset[str], knobs: Knobs) -> None:
        self.life = true
        self.base = f"observe/{true.seed}/{seed}/{','.join(sorted(sources))}"
        self.rng = random.Random(self.base)
        self.sources = sources
        self.knobs = knobs
        self.condition_of = true.condition_of()
        self.facts: list[AnyFact] = []

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def run(self) -> list[AnyFact]:
        for c in self.life.conditions:
            for ledger, pair in c.tokens.items():
                for i, token in enumerate(pair):
                    self.facts.append(
                        OutcomeTokenListed(
                            token_id=token,
                            condition_id=c.condition_id,
                            outcome_index=i,
                            ledger=ledger,
                            outcome=("Yes", "No")[i],
                        )
                    )
        for i, event in enumerate(self.life.events):
            self.rng.seed(f"{self.base}/{event.slot.tx_hash}")  # so that an event is told alike without its neighbours
            if i >= self.life.hidden:
                _WITNESS[type(event)](self, event)
            elif isinstance(event, TransferEvent) and event.policy == "stated" and self.chance(0.3):
                self.state_costs(event)
        return self.facts

    # chain places

    def place(self, slot: Slot, offset: int = 0) -> dict[str, int | str]:
        """The chain fields of a fact at its true place."""
        return {
            "tx_hash": slot.tx_hash,
            "log_index": slot.log + offset,
            "block": slot.block,
            "block_hash": f"0x{slot.block:064x}",
            "occurred_at_ms": slot.time_ms,
        }

    def row(self, slot: Slot) -> dict[str, int | str]:
        """The chain fields of a row without log positions."""
        block = slot.block if self.chance(0.3) else 0
        return {"tx_hash": slot.tx_hash, "log_index": -1, "block": block, "occurred_at_ms": slot.time_ms}

    def chain_mode(self, can_drop: bool) -> str:
        if not self.chance(self.knobs.reorg):
            return "plain"
        if can_drop and self.chance(self.knobs.dropped):
            return "dropped"
        return "reincluded" if self.chance(self.knobs.reincluded) else "moved"

    def emit_chain(self, slot: Slot, facts: Sequence[ChainFact], mode: str) -> None:
        """The chain facts of one transaction as a watcher through a reorg tells them."""
        if mode == "plain":
            self.facts.extend(facts)  # type: ignore[arg-type]
            return
        first = [
            msgspec.structs.replace(
                f,
                log_index=f.log_index + slot.shift,
                block=slot.alt_block,
                block_hash=f"0x{slot.alt_block:064x}",
                occurred_at_ms=block_time_ms(slot.alt_block),
            )
            for f in facts
        ]
        self.facts.extend(first)  # type: ignore[arg-type]
        self.facts.extend(msgspec.structs.replace(f, version=1, removed=True) for f in first)  # type: ignore[misc]
        if mode == "moved":
            self.facts.extend(facts)  # type: ignore[arg-type]
        elif mode == "reincluded":
            self.facts.extend(
                msgspec.structs.replace(f, log_index=f.log_index + slot.shift, version=2)  # type: ignore[misc]
                for f in facts
            )

    def two_sources(self) -> tuple[bool, bool]:
        """Whether the chain and whether the activity index tells a thing that the CLOB knows nothing of."""
        chain, activity = CHAIN in self.sources, ACTIVITY in self.sources
        if chain and activity:
            return self.rng.choice(((True, True), (True, False), (False, True)))
        return chain, activity or not chain

    def ledger(self, condition: Condition, ledger: str, exact: bool) -> str:
        return ledger if exact or len(condition.tokens) > 1 else ""

    def moved(self, slot: Slot, token: str, shares: int, offset: int, sub: int = 0) -> TokenMoved:
        contract = "pm" if self.life_ledger(token) == "pm" else "ctf"
        return TokenMoved(token_id=token, shares=shares, sub_index=sub, contract=contract, **self.place(slot, offset))

    def life_ledger(self, token: str) -> str:
        for c in self.life.conditions:
            for ledger, pair in c.tokens.items():
                if token in pair:
                    return ledger
        raise KeyError(token)

    # fills

    def fill(self, event: FillEvent) -> None:
        if event.fate != "settled":
            return self.unsettled(event)
        rng, knobs, legs, slot = self.rng, self.knobs, event.legs, event.slot
        wanted = {s for s in sorted(self.sources) if rng.random() < 0.6} or {rng.choice(sorted(self.sources))}
        chain, act, clob = CHAIN in wanted, ACTIVITY in wanted, CLOB in wanted
        several_sells = len(legs) > 1 and legs[0].side is Side.SELL
        touchy = several_sells and (not event.twins or self.life.window)
        if touchy and not chain:
            if act:
                clob = False
            elif not event.twins:
                chain = True
        mode = self.chain_mode(can_drop=(act or clob) and not touchy) if chain else "none"
        on_chain = set(range(len(legs))) if mode not in ("none", "dropped") else set()
        keys = {(leg.order_id, leg.shares) for leg in legs}
        tellable = len(on_chain) > 1 and not several_sells and len(keys) == len(legs) and (act or clob)
        if tellable and self.chance(knobs.partial):
            on_chain = {rng.randrange(len(legs))}
        if clob:
            self.clob_fill(event, on_chain, act)
        if chain:
            told = on_chain if mode != "dropped" else set(range(len(legs)))
            facts: list[ChainFact] = []
            for i in sorted(told):
                leg = legs[i]
                facts.append(
                    OrderFilledOnChain(
                        order_id=leg.order_id,
                        token_id=leg.token_id,
                        condition_id=rng.choice(("", leg.condition_id)),
                        side=leg.side,
                        shares=leg.shares,
                        collateral=leg.collateral,
                        fee=leg.fee,
                        role=leg.role,
                        exchange="0xexchange",
                        **self.place(slot, leg.log_index - slot.log),
                    )
                )
            if len(told) == len(legs) and self.chance(knobs.moved):
                facts.extend(self.fill_moves(event))
            self.emit_chain(slot, facts, mode)
        elif CHAIN in self.sources and self.chance(knobs.moved_alone):
            self.facts.extend(self.fill_moves(event))
        if act:
            self.facts.append(
                TradeReported(
                    token_id=legs[0].token_id,
                    condition_id=legs[0].condition_id,
                    side=legs[0].side,
                    shares=sum(leg.shares for leg in legs),
                    collateral=sum(leg.collateral for leg in legs),
                    fee=sum(leg.fee for leg in legs),
                    **self.row(slot),
                )
            )

    def fill_moves(self, event: FillEvent) -> list[TokenMoved]:
        sign = 1 if event.legs[0].side is Side.BUY else -1
        return [self.moved(event.slot, g.token_id, sign * g.shares, 20 + i) for i, g in enumerate(event.legs)]

    def clob_fill(self, event: FillEvent, on_chain: set[int], act: bool) -> None:
        legs = event.legs
        told = list(range(len(legs)))
        if len(legs) > 1 and (act or len(on_chain) == len(legs)) and self.chance(self.knobs.partial):
            told = [self.rng.randrange(len(legs))]
        for i in told:
            proven = i in on_chain
            if proven and len(legs) == 1 and self.chance(self.knobs.contradicted):
                statuses: tuple[str, ...] = ("MATCHED", "FAILED")
            else:
                statuses = self.rng.choice(_FINAL + _OPEN if proven or act else _FINAL)
            untied = proven and "FAILED" not in statuses and self.chance(self.knobs.untied)
            self.say_fill(event.slot, legs[i], statuses, tied=not untied)

    def say_fill(self, slot: Slot, leg: Leg, statuses: Sequence[str], tied: bool) -> None:
        condition = leg.condition_id if self.chance(0.8) else ""
        stale = ""
        if "RETRYING" in statuses and statuses[-1] == "CONFIRMED" and self.chance(self.knobs.stale_tx):
            stale = f"0x{self.rng.getrandbits(256):064x}"
        for n, status in enumerate(statuses):
            tx_hash = slot.tx_hash
            early = status.startswith("MATCHED") or status == "RETRYING"
            if not tied or (early and len(statuses) > n + 1 and self.chance(0.4)):
                tx_hash = ""
            elif stale and early:
                tx_hash = stale
            self.facts.append(
                FillObserved(
                    trade_id=leg.trade_id,
                    order_id=leg.order_id,
                    token_id=leg.token_id,
                    condition_id=condition,
                    side=leg.side,
                    shares=leg.shares,
                    collateral=leg.estimate,
                    fee=0 if leg.role is Role.MAKER else None,
                    role=leg.role,
                    status=status,
                    tx_hash=tx_hash,
                    occurred_at_ms=slot.time_ms - MATCH_LEAD_MS,
                )
            )

    def unsettled(self, event: FillEvent) -> None:
        if CLOB not in self.sources:
            return
        (leg,) = event.legs
        if event.fate == "pending":
            self.say_fill(event.slot, leg, self.rng.choice(_OPEN), tied=self.chance(0.6))
            return
        self.say_fill(event.slot, leg, self.rng.choice(_FAILED), tied=self.chance(0.8))
        if CHAIN in self.sources and self.chance(self.knobs.reorg * 2):
            log = OrderFilledOnChain(
                order_id=leg.order_id,
                token_id=leg.token_id,
                side=leg.side,
                shares=leg.shares,
                collateral=leg.collateral,
                fee=leg.fee,
                role=leg.role,
                **self.place(event.slot),
            )
            self.emit_chain(event.slot, [log, *self.fill_moves(event)], "dropped")

    # tokens and cash

    def tell(
        self, slot: Slot, logs: Sequence[ChainFact], moves: Sequence[TokenMoved], rows: Sequence[ChainFact], must: bool
    ) -> None:
        """An event told by chain logs, by activity rows, or both; `must`: the token movements are never left out."""
        chain, act = self.two_sources()
        if chain:
            with_moves = [*logs, *moves] if must or self.chance(self.knobs.moved) else list(logs)
            self.rng.shuffle(with_moves)
            self.emit_chain(slot, with_moves, self.chain_mode(can_drop=act and not must))
        elif must or (CHAIN in self.sources and self.chance(self.knobs.moved_alone)):
            self.facts.extend(moves)
        if act:
            self.facts.extend(rows)  # type: ignore[arg-type]

    def split(self, event: SplitEvent) -> None:
        c, slot = event.condition, event.slot
        log = PositionSplit(
            condition_id=c.condition_id,
            amount=event.amount,
            ledger=self.ledger(c, event.ledger, True),
            **self.place(slot),
        )
        row = PositionSplit(
            condition_id=c.condition_id,
            amount=event.amount,
            ledger=self.ledger(c, event.ledger, False),
            **self.row(slot),
        )
        moves = [self.moved(slot, t, event.amount, 1, i) for i, t in enumerate(c.tokens[event.ledger])]
        self.tell(slot, [log], moves, [row], False)

    def merge(self, event: MergeEvent) -> None:
        c, slot = event.condition, event.slot
        log = PositionsMerged(
            condition_id=c.condition_id,
            amount=event.amount,
            ledger=self.ledger(c, event.ledger, True),
            **self.place(slot),
        )
        row = PositionsMerged(
            condition_id=c.condition_id,
            amount=event.amount,
            ledger=self.ledger(c, event.ledger, False),
            **self.row(slot),
        )
        moves = [self.moved(slot, t, -event.amount, 1, i) for i, t in enumerate(c.tokens[event.ledger])]
        self.tell(slot, [log], moves, [row], False)

    def resolution(self, event: ResolutionEvent) -> None:
        assert event.condition.numerators is not None
        if self.chance(0.75):
            fact = ConditionResolved(
                condition_id=event.condition.condition_id,
                numerators=event.condition.numerators,
                **self.place(event.slot),
            )
            self.emit_chain(event.slot, [fact], self.chain_mode(can_drop=False))

    def redemption_facts(self, event: RedemptionEvent, form: str, row: bool) -> list[ChainFact]:
        c, slot = event.condition, event.slot
        pair = c.tokens[event.ledger]
        ledger = self.ledger(c, event.ledger, not row)

        def where(i: int) -> dict[str, int | str]:
            return self.row(slot) if row else self.place(slot, i)

        if form == "combined":
            return [PayoutRedeemed(condition_id=c.condition_id, payout=event.payout, ledger=ledger, **where(0))]
        if form == "amounts":
            return [
                PayoutRedeemed(
                    condition_id=c.condition_id,
                    amounts=event.quantities,
                    payout=event.payout,
                    ledger=ledger,
                    **where(0),
                )
            ]
        return [
            PayoutRedeemed(
                condition_id=c.condition_id,
                token_id=pair[i],
                shares=event.quantities[i],
                payout=event.payouts[i],
                ledger=ledger,
                **where(i),
            )
            for i in (0, 1)
            if event.quantities[i]
        ]

    def redemption(self, event: RedemptionEvent) -> None:
        pair = event.condition.tokens[event.ledger]
        forms = [event.form, event.form]
        one_token = 0 in event.quantities and event.payout == sum(event.payouts)
        if event.form == "combined" and one_token and not self.life.window and self.chance(self.knobs.mixed_form):
            forms[self.rng.randrange(2)] = "token"
        moves = [self.moved(event.slot, pair[i], -event.quantities[i], 10 + i) for i in (0, 1) if event.quantities[i]]
        self.tell(
            event.slot,
            self.redemption_facts(event, forms[0], row=False),
            moves,
            self.redemption_facts(event, forms[1], row=True),
            must=event.form == "combined" and self.life.window,
        )

    def conversion(self, event: ConversionEvent) -> None:
        slot = event.slot
        log, row = (
            PositionsConverted(
                market_id=event.market_id,
                burned=event.burned,
                minted=event.minted,
                collateral=event.collateral,
                **where,
            )
            for where in (self.place(slot), self.row(slot))
        )
        moves = [self.moved(slot, t, -n, 1, i) for i, (t, n) in enumerate(event.burned)]
        moves += [self.moved(slot, t, n, 2, i) for i, (t, n) in enumerate(event.minted)]
        self.tell(slot, [log], moves, [row], False)

    def migration(self, event: MigrationEvent) -> None:
        slot, c = event.slot, event.condition
        source, target = c.tokens["ctf"][event.outcome], c.tokens["pm"][event.outcome]
        log, row = (
            PositionMigrated(
                condition_id=c.condition_id,
                from_token_id=source if self.chance(0.5) else "",
                to_token_id=target,
                outcome_index=event.outcome,
                amount=event.amount,
                **where,
            )
            for where in (self.place(slot), self.row(slot))
        )
        moves = [self.moved(slot, source, -event.amount, 1), self.moved(slot, target, event.amount, 2)]
        self.tell(slot, [log], moves, [row], False)

    def transfer(self, event: TransferEvent) -> None:
        slot = event.slot
        given = event.policy == "given"

        def told(where: list[dict[str, int | str]]) -> list[TokensTransferred]:
            return [
                TokensTransferred(
                    token_id=t,
                    condition_id=self.condition_of[t],
                    shares=n,
                    cost=cost if given else 0,
                    cost_policy="given" if given else "zero",
                    counterparty="0xsomebody",
                    **at,
                )
                for (t, n, cost), at in zip(event.items, where, strict=True)
            ]

        chain, act = self.two_sources()
        act = act or (given and not self.knobs.log_transfer)
        if chain:
            if (given and not act) or self.chance(self.knobs.log_transfer):
                logs: list[ChainFact] = list(told([self.place(slot, i) for i in range(len(event.items))]))
            else:
                logs = [self.moved(slot, t, n, 0, i) for i, (t, n, _) in enumerate(event.items)]
            self.emit_chain(slot, logs, self.chain_mode(can_drop=act))
        if act:
            self.facts.extend(told([self.row(slot) for _ in event.items]))
        if event.policy == "stated":
            self.state_costs(event)

    def state_costs(self, event: TransferEvent) -> None:
        for token, _, cost in event.items:
            self.facts.append(
                TransferCostStated(
                    tx_hash=event.slot.tx_hash,
                    token_id=token,
                    cost=cost,
                    cost_policy=self.rng.choice(("given", "mark")),
                    who="operator",
                    occurred_at_ms=event.slot.time_ms + 60_000,
                )
            )

    def cash(self, event: CashEvent) -> None:
        log, row = (
            CashFlowed(flow=event.flow, amount=event.amount, **where)
            for where in (self.place(event.slot), self.row(event.slot))
        )
        self.tell(event.slot, [log], [], [row], False)

    # words

    def manual(self, event: ManualEvent) -> None:
        self.facts.append(
            ManualEntry(
                entry_id=event.entry_id,
                who="operator",
                why=event.label,
                token_id=event.token_id,
                condition_id=self.condition_of.get(event.token_id, ""),
                shares=event.shares,
                collateral=event.collateral,
                fee=event.fee,
                cost_correction=event.cost_correction,
                reverses=event.reverses,
                occurred_at_ms=event.slot.time_ms + event.jitter,
            )
        )

    def adjustment(self, event: AdjustmentEvent) -> None:
        self.facts.append(
            AdjustmentInferred(
                token_id=event.token_id,
                condition_id=self.condition_of[event.token_id],
                statement_id=event.statement_id,
                shares=event.shares,
                cause="unexplained",
                occurred_at_ms=event.slot.time_ms + event.jitter,
            )
        )

    def statement(self, event: StatementEvent) -> None:
        self.facts.append(
            PositionStated(
                token_id=event.token_id,
                condition_id=self.condition_of[event.token_id],
                shares=event.shares,
                average_price="0.5",
                source="data-api",
                occurred_at_ms=event.slot.time_ms,
            )
        )

    def note(self, event: NoteEvent) -> None:
        condition = self.condition_of[event.token_id]
        at_ms = event.slot.time_ms
        self.facts.append(
            MarketNoted(condition_id=condition, token_id=event.token_id, note=event.note, occurred_at_ms=at_ms)
        )

    # orders

    def placed(self, event: PlacedEvent) -> None:
        o = event.order
        if CLOB not in self.sources:
            return
        terms = {
            "order_id": o.order_id,
            "token_id": o.token_id,
            "condition_id": o.condition_id,
            "side": o.side,
            "price": o.price,
            "size": o.size,
            "order_type": "GTC",
        }
        if event.intended:
            self.facts.append(OrderIntended(occurred_at_ms=event.slot.time_ms - 50, **terms))
        if event.placed:
            self.facts.append(OrderPlaced(occurred_at_ms=event.slot.time_ms, **terms))

    def about(self, event: Event, order: Order) -> dict[str, int | str]:
        return {
            "order_id": order.order_id,
            "token_id": order.token_id,
            "condition_id": order.condition_id,
            "occurred_at_ms": event.slot.time_ms,
        }

    def order_rejected(self, event: OrderRejectedEvent) -> None:
        if CLOB in self.sources:
            self.facts.append(OrderRejected(reason="not enough balance", **self.about(event, event.order)))

    def order_closed(self, event: OrderClosedEvent) -> None:
        if CLOB in self.sources:
            self.facts.append(OrderClosed(reason="CANCELED", **self.about(event, event.order)))

    def cancel_refused(self, event: CancelRefusedEvent) -> None:
        if CLOB in self.sources:
            self.facts.append(CancelRefused(reason="matched or canceled", **self.about(event, event.order)))

    def claim(self, event: ClaimEvent) -> None:
        if CLOB in self.sources and self.chance(0.9):
            self.facts.append(
                MatchClaimed(
                    size_matched=event.size_matched,
                    trade_ids=event.trade_ids,
                    observed_at_ms=self.rng.choice((0, event.slot.time_ms)),
                    **self.about(event, event.order),
                )
            )

    def claim_rejected(self, event: ClaimRejectedEvent) -> None:
        if CLOB in self.sources:
            self.facts.append(
                ClaimRejected(shares=event.shares, reason="never matched", **self.about(event, event.order))
            )


_WITNESS = {
    FillEvent: _Observer.fill,
    SplitEvent: _Observer.split,
    MergeEvent: _Observer.merge,
    ResolutionEvent: _Observer.resolution,
    RedemptionEvent: _Observer.redemption,
    ConversionEvent: _Observer.conversion,
    MigrationEvent: _Observer.migration,
    TransferEvent: _Observer.transfer,
    CashEvent: _Observer.cash,
    ManualEvent: _Observer.manual,
    AdjustmentEvent: _Observer.adjustment,
    StatementEvent: _Observer.statement,
    NoteEvent: _Observer.note,
    PlacedEvent: _Observer.placed,
    OrderRejectedEvent: _Observer.order_rejected,
    OrderClosedEvent: _Observer.order_closed,
    CancelRefusedEvent: _Observer.cancel_refused,
    ClaimEvent: _Observer.claim,
    ClaimRejectedEvent: _Observer.claim_rejected,
}


def observe(
    true: Life, seed: int, *, sources: frozenset[str] = ALL_SOURCES, knobs: Knobs | None = None
) -> list[AnyFact]:
    """What *sources* say of a life, in about the order of its events. Every event draws its own subset of sources.

    Sources that cannot tell an event at all are helped out by one that can: token and cash events fall back to
    activity rows where neither chain nor activity is given; SELL legs whose order matters fall back to the chain.
    """
    return _Observer(true, seed, sources, knobs or Knobs()).run()


# --- the same observations, told otherwise ----------------------------------------------------------------------------


def _split(facts: Sequence[AnyFact], rng: random.Random) -> list[list[AnyFact]]:
    batches, at = [], 0
    while at < len(facts):
        n = rng.choice((1, 1, 2, 5, 20))
        batches.append(list(facts[at : at + n]))
        at += n
    return batches


def variants(observations: Sequence[AnyFact], seed: int) -> Iterator[list[list[AnyFact]]]:
    """Deliveries (lists of batches) of the same observations that must all end in the same books.

    In order: at once; one by one; reversed one by one; shuffled and split; shuffled with duplicates and split; half,
    then everything again; kind by kind; the ends shuffled locally (late stragglers).
    """
    rng = random.Random(f"variants/{seed}")
    facts = list(observations)
    yield [facts]
    yield [[f] for f in facts]
    yield [[f] for f in reversed(facts)]
    mixed = rng.sample(facts, len(facts))
    yield _split(mixed, rng)
    doubled = mixed + [f for f in facts if rng.random() < 0.4]
    rng.shuffle(doubled)
    yield _split(doubled, rng)
    half = facts[: len(facts) // 2]
    yield [half, [], *_split(facts, rng)]
    by_kind = sorted(facts, key=lambda f: (type(f).__name__, rng.random()))
    yield _split(by_kind, rng)
    late = [f for i, f in sorted(enumerate(facts), key=lambda p: p[0] + rng.choice((0, 0, 3, 15, 60)))]
    yield _split(late, rng)


# --- hypothesis -------------------------------------------------------------------------------------------------------


def lives(max_size: int = 60, *, window: bool = False) -> st.SearchStrategy[Life]:
    """Lives of up to *max_size* events. `life(seed, n)` begins like `life(seed, n + 1)`, so sizes shrink well."""
    return st.builds(life, st.integers(0, 2**32 - 1), st.integers(1, max_size), window=st.just(window))
