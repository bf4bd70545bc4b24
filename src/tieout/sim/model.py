"""The nouns of the simulated venue: markets, orders, trades. All amounts and prices are whole micro-units (10^-6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

BYTES32_ZERO = "0x" + "0" * 64


class Side(IntEnum):
    """As the exchange contracts number it."""

    BUY = 0
    SELL = 1


class OrderKind(StrEnum):
    """`orderType` of the CLOB."""

    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"


class OrderStatus(StrEnum):
    """Order states as `polymarket.md` 2 lists them."""

    LIVE = "LIVE"
    DELAYED = "DELAYED"
    MATCHED = "MATCHED"
    UNMATCHED = "UNMATCHED"
    INVALID = "INVALID"
    CANCELED = "CANCELED"
    CANCELED_MARKET_RESOLVED = "CANCELED_MARKET_RESOLVED"
    CANCELED_NOT_ENOUGH_BALANCE = "CANCELED_NOT_ENOUGH_BALANCE"
    CANCELED_EXPIRED_ORDER = "CANCELED_EXPIRED_ORDER"


class TradeStatus(StrEnum):
    """Trade states as `polymarket.md` 2 lists them."""

    MATCHED = "MATCHED"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    RETRYING = "RETRYING"
    FAILED = "FAILED"


class MatchKind(StrEnum):
    """How the exchange settles a taker with one maker (`polymarket.md` 6.5)."""

    COMPLEMENTARY = "COMPLEMENTARY"
    MINT = "MINT"
    MERGE = "MERGE"


@dataclass(slots=True, eq=False)
class Market:
    """One binary condition and how it trades.

    `version` "v1": CTF tokens on CTFExchangeV2 (or its neg-risk twin); "v2": PositionManager ids on ExchangeV3.
    `tokens` are always those of the present version, in outcome order; `ctf_tokens` and `position_ids` are both
    generations. `fee_rate` is in micro (0.07 = 70_000). `payouts` are micro per share, set by the resolution.
    """

    condition_id: str
    question_id: str
    oracle: str
    slug: str
    question: str
    outcomes: tuple[str, str]
    ctf_tokens: tuple[int, int]
    position_ids: tuple[int, int]
    number: int
    version: str = "v1"
    neg_risk: bool = False
    event_id: str = ""
    event_slug: str = ""
    event_title: str = ""
    neg_risk_market_id: str = ""
    neg_risk_index: int = 0
    tick: int = 10_000
    min_size: int = 5_000_000
    fee_rate: int = 0
    fee_exponent: int = 1
    rebate_rate: int = 250_000
    delay_ms: int = 0
    reward_daily: int = 0
    reward_min_size: int = 0
    reward_max_spread: int = 0
    created_ms: int = 0
    end_ms: int = 0
    accepting_orders: bool = True
    closed_ms: int | None = None
    payouts: tuple[int, int] | None = None

    @property
    def tokens(self) -> tuple[int, int]:
        """The tokens that trade now, in outcome order."""
        return self.position_ids if self.version == "v2" else self.ctf_tokens

    @property
    def closed(self) -> bool:
        """Resolved: nothing trades any more."""
        return self.payouts is not None


@dataclass(slots=True)
class OrderRequest:
    """A placement as the engine takes it: the signed amounts, and who says it is whose.

    `owner` is the API key that placed it, `wallet` the maker (where the funds are), `signer` the key that signed.
    """

    id: str
    owner: str
    signer: str
    wallet: str
    token: int
    side: Side
    maker_amount: int
    taker_amount: int
    kind: OrderKind = OrderKind.GTC
    post_only: bool = False
    expiration: int = 0
    signature_type: int = 0
    salt: int = 0
    timestamp_ms: int = 0
    metadata: str = BYTES32_ZERO
    builder: str = BYTES32_ZERO


@dataclass(slots=True, eq=False)
class Order:
    """An order the engine accepted. `size` and `matched` are micro-shares; `budget` is the cash of a market BUY.

    `price` is the limit. `spent` is the cash that its matches moved (fees apart).
    """

    request: OrderRequest
    market: Market
    outcome: int
    price: int
    size: int
    budget: int | None
    created_ms: int
    status: OrderStatus = OrderStatus.LIVE
    matched: int = 0
    spent: int = 0
    trades: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def id(self) -> str:
        """The EIP-712 digest."""
        return self.request.id

    @property
    def side(self) -> Side:
        """BUY or SELL of `outcome`."""
        return self.request.side

    @property
    def remaining(self) -> int:
        """Micro-shares not yet matched."""
        return max(self.size - self.matched, 0)

    @property
    def open(self) -> bool:
        """Resting, or waiting for the taker delay."""
        return self.status in (OrderStatus.LIVE, OrderStatus.DELAYED)


@dataclass(slots=True, eq=False)
class Leg:
    """One maker's part of a trade: `cash` is what the maker pays or gets, `taker_cash` the taker's part of it."""

    maker: Order
    kind: MatchKind
    shares: int
    cash: int
    taker_cash: int


@dataclass(slots=True, eq=False)
class Trade:
    """One match of a taker with its makers: one transaction. `fee` is the taker's, in collateral.

    `price` is the taker's price (micro, rounded half up for show; the legs are exact). `tx_hash` is "" until it was
    sent and is replaced when it is sent again.
    """

    id: str
    taker: Order
    legs: tuple[Leg, ...]
    shares: int
    cash: int
    fee: int
    price: int
    match_ms: int
    updated_ms: int
    status: TradeStatus = TradeStatus.MATCHED
    tx_hash: str = ""
    attempts: int = 0
    error: str = ""
    bucket_index: int = 0

    @property
    def market(self) -> Market:
        """The market of the taker's order."""
        return self.taker.market

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every order in the trade, the taker first."""
        return (self.taker, *(leg.maker for leg in self.legs))

    @property
    def wallets(self) -> set[str]:
        """Whose money and shares it moves."""
        return {order.request.wallet for order in self.orders}

    @property
    def signers(self) -> list[str]:
        """Who traded, each once, the taker first."""
        return list(dict.fromkeys(order.request.signer for order in self.orders))
