"""Rows of the Data API: floats and decimals appear here only, made from whole micro-units at the last moment.

Field names and JSON types: `samples/data_api_*.json`, `samples/nt_data_api_*.json`, `real/activity`, `real/wallet`, and
what `polymarket-client` 0.14.0 requires besides (`models/data`). Prices are averages of ten decimals, as recorded.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from tieout.sim.engine.amounts import ONE
from tieout.sim.index.holdings import Holding
from tieout.sim.index.rows import Kind, Row
from tieout.sim.model import Market
from tieout.sim.wire.gamma_shapes import PICTURE
from tieout.sim.wire.market_shapes import number

UNLABELED = 999
"""`outcomeIndex` of a row whose outcome is not known to the index."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A token's market and outcome, and the token on the other side of the same generation."""

    market: Market
    outcome: int
    opposite: int

    @classmethod
    def of(cls, market: Market, token: int) -> Place:
        """Where *token* belongs in *market*."""
        pair = market.ctf_tokens if token in market.ctf_tokens else market.position_ids
        outcome = pair.index(token)
        return cls(market, outcome, pair[1 - outcome])


@dataclass(frozen=True, slots=True)
class Stated:
    """A holding as the index states it, in micro-units; *price* is the present price of the token."""

    holding: Holding
    place: Place
    price: int
    mergeable: bool
    archived: bool

    @property
    def cost(self) -> int:
        """What is held now at its average price."""
        return self.holding.cost_of(self.holding.size)

    @property
    def value(self) -> int:
        """What is held now at the present price, rounded down."""
        return self.holding.size * self.price // ONE

    @property
    def unrealized(self) -> int:
        """Value less cost."""
        return self.value - self.cost

    @property
    def redeemable(self) -> bool:
        """The market is resolved and something is held."""
        return self.place.market.closed and self.holding.size > 0

    @property
    def status(self) -> str:
        """OPEN, REDEEMABLE or CLOSED."""
        if self.holding.size == 0:
            return "CLOSED"
        return "REDEEMABLE" if self.redeemable else "OPEN"


def ratio(part: int, whole: int, decimals: int) -> int | float:
    """*part* / *whole*, rounded to *decimals*; 0 for an empty whole."""
    value = round(part / whole, decimals) if whole else 0.0
    return int(value) if value.is_integer() else value


def percent(part: int, whole: int) -> int | float:
    """*part* of *whole* in percent, cut to four decimals (recorded: -99.9999 of a little more than a whole loss)."""
    cut = int(part * ONE / whole) if whole else 0
    return ratio(cut, 10_000, 4)


def cut(micro: int) -> int | float:
    """Micro-units cut to four decimals, as `/positions` of v1 shows every amount (`real/wallet/positions.json`)."""
    return number(abs(micro) // 100 * (100 if micro >= 0 else -100))


def day(ms: int) -> str:
    """The calendar day in UTC."""
    return dt.datetime.fromtimestamp(ms // 1000, tz=dt.UTC).strftime("%Y-%m-%d")


def pseudonym(wallet: str) -> str:
    """The public name of a wallet: two words of the address."""
    return f"Trader-{wallet[2:8]}"


def price_of(row: Row) -> int | float:
    """The average price of a trade before fees; 0 of other rows."""
    return ratio(row.cash, row.size, 10) if row.kind is Kind.TRADE else 0


def outcome_index(row: Row, *, labeled: bool) -> int:
    """The outcome's index, 999 where the row names none or the index has not labeled it."""
    return UNLABELED if row.outcome is None or not labeled else row.outcome


def _display_v1(market: Market | None) -> Json:
    if market is None:
        return {"title": "", "slug": "", "icon": "", "eventSlug": ""}
    return {"title": market.question, "slug": market.slug, "icon": PICTURE, "eventSlug": market.event_slug}


def _display_v2(market: Market | None) -> Json:
    return {("event_slug" if name == "eventSlug" else name): value for name, value in _display_v1(market).items()}


def _person(wallet: str, image: str, optimized: str) -> Json:
    return {"name": "", "pseudonym": pseudonym(wallet), "bio": "", image: "", optimized: ""}


def _outcome(row: Row, market: Market | None) -> str:
    return "" if market is None or row.outcome is None else market.outcomes[row.outcome]


def activity_v1(row: Row, market: Market | None, *, labeled: bool = True) -> Json:
    """A row of `/activity`."""
    return {
        "proxyWallet": row.wallet,
        "timestamp": row.at_s,
        "conditionId": row.condition_id,
        "type": str(row.kind),
        "size": number(row.size),
        "usdcSize": number(row.usdc),
        "transactionHash": row.tx_hash,
        "price": price_of(row),
        "asset": str(row.token) if row.token else "",
        "side": "" if row.side is None else row.side.name,
        "outcomeIndex": outcome_index(row, labeled=labeled),
        **_display_v1(market),
        "outcome": _outcome(row, market),
        **_person(row.wallet, "profileImage", "profileImageOptimized"),
    }


def activity_v2(row: Row, market: Market | None, *, labeled: bool = True) -> Json:
    """A row of `/v2/activity`."""
    return {
        "proxy_wallet": row.wallet,
        "timestamp": row.at_s,
        "condition_id": row.condition_id,
        "type": str(row.kind),
        "size": number(row.size),
        "usdc_size": number(row.usdc),
        "transaction_hash": row.tx_hash,
        "price": price_of(row),
        "token_id": str(row.token) if row.token else "",
        "side": "" if row.side is None else row.side.name,
        "outcome_index": outcome_index(row, labeled=labeled),
        "outcome": _outcome(row, market),
        **_display_v2(market),
        **_person(row.wallet, "profile_image", "profile_image_optimized"),
    }


def trade_v1(row: Row, market: Market, *, labeled: bool = True) -> Json:
    """A row of `/trades`."""
    return {
        "proxyWallet": row.wallet,
        "side": "" if row.side is None else row.side.name,
        "asset": str(row.token),
        "conditionId": row.condition_id,
        "size": number(row.size),
        "price": price_of(row),
        "timestamp": row.at_s,
        **_display_v1(market),
        "outcome": _outcome(row, market),
        "outcomeIndex": outcome_index(row, labeled=labeled),
        **_person(row.wallet, "profileImage", "profileImageOptimized"),
        "transactionHash": row.tx_hash,
    }


def trade_v2(row: Row, market: Market, *, labeled: bool = True) -> Json:
    """A row of `/v2/trades`."""
    return {
        "proxy_wallet": row.wallet,
        "side": "" if row.side is None else row.side.name,
        "token_id": str(row.token),
        "condition_id": row.condition_id,
        "size": number(row.size),
        "price": price_of(row),
        "timestamp": row.at_s,
        **_display_v2(market),
        "outcome": _outcome(row, market),
        "outcome_index": outcome_index(row, labeled=labeled),
        **_person(row.wallet, "profile_image", "profile_image_optimized"),
        "transaction_hash": row.tx_hash,
    }


def position_v1(stated: Stated) -> Json:
    """A row of `/positions`.

    `percentRealizedPnl` compares the present value with everything ever bought, as recorded
    (`samples/data_api_v2_positions.json`: -94.1886).
    """
    holding, market, outcome = stated.holding, stated.place.market, stated.place.outcome
    return {
        "proxyWallet": holding.wallet,
        "asset": str(holding.token),
        "conditionId": market.condition_id,
        "size": cut(holding.size),
        "avgPrice": ratio(holding.cost, holding.tracked, 4),
        "initialValue": cut(stated.cost),
        "currentValue": cut(stated.value),
        "cashPnl": cut(stated.unrealized),
        "percentPnl": percent(stated.unrealized, stated.cost),
        "totalBought": cut(holding.bought),
        "realizedPnl": cut(holding.realized),
        "percentRealizedPnl": percent(stated.value - holding.spent, holding.spent),
        "curPrice": number(stated.price),
        "redeemable": stated.redeemable,
        "mergeable": stated.mergeable,
        "title": market.question,
        "slug": market.slug,
        "icon": PICTURE,
        "eventId": market.event_id,
        "eventSlug": market.event_slug,
        "outcome": market.outcomes[outcome],
        "outcomeIndex": outcome,
        "oppositeOutcome": market.outcomes[1 - outcome],
        "oppositeAsset": str(stated.place.opposite),
        "endDate": day(market.end_ms),
        "negativeRisk": market.neg_risk,
        "grossInitialValue": cut(stated.cost + holding.fees),
        "entryFeesUsdc": cut(holding.fees),
    }


def closed_v1(stated: Stated) -> Json:
    """A row of `/closed-positions`."""
    holding, market, outcome = stated.holding, stated.place.market, stated.place.outcome
    return {
        "proxyWallet": holding.wallet,
        "asset": str(holding.token),
        "conditionId": market.condition_id,
        "avgPrice": ratio(holding.spent, holding.bought, 4),
        "totalBought": number(holding.bought),
        "realizedPnl": number(holding.realized),
        "curPrice": number(stated.price),
        "timestamp": holding.last_s,
        "title": market.question,
        "slug": market.slug,
        "icon": PICTURE,
        "eventSlug": market.event_slug,
        "outcome": market.outcomes[outcome],
        "outcomeIndex": outcome,
        "oppositeOutcome": market.outcomes[1 - outcome],
        "oppositeAsset": str(stated.place.opposite),
        "endDate": day(market.end_ms),
    }


def position_v2(stated: Stated) -> Json:
    """A row of `/v2/positions`; costs are without fees, which are told beside them."""
    holding, market, outcome = stated.holding, stated.place.market, stated.place.outcome
    return {
        "proxy_wallet": holding.wallet,
        "token_id": str(holding.token),
        "condition_id": market.condition_id,
        "current_size": number(holding.size),
        "avg_price": ratio(holding.cost, holding.tracked, 6),
        "entry_cost_usdc": number(stated.cost),
        "entry_fees_usdc": number(holding.fees),
        "total_cost_usdc": number(stated.cost + holding.fees),
        "current_price": number(stated.price),
        "current_value": number(stated.value),
        "total_size": number(holding.bought),
        "realized_pnl": number(holding.realized),
        "unrealized_pnl": number(stated.unrealized),
        "total_pnl": number(holding.realized + stated.unrealized),
        "percent_pnl": percent(stated.unrealized, stated.cost),
        "percent_realized_pnl": percent(stated.value - holding.spent, holding.spent),
        "status": stated.status,
        "redeemable": stated.redeemable,
        "mergeable": stated.mergeable,
        "negative_risk": market.neg_risk,
        "archived": stated.archived,
        "verified": False,
        "title": market.question,
        "slug": market.slug,
        "icon": PICTURE,
        "event_id": market.event_id,
        "event_slug": market.event_slug,
        "outcome": market.outcomes[outcome],
        "outcome_index": outcome,
        "opposite_outcome": market.outcomes[1 - outcome],
        "opposite_token_id": str(stated.place.opposite),
        "end_date": day(market.end_ms),
        "last_event_at": holding.last_s,
    }
