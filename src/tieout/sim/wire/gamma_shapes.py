"""Gamma's rows: lists as JSON text inside JSON, dates in three spellings, numbers as JSON numbers.

Field names and types are those of `samples/nt_gamma_market*.json`; what those lack (`version`, `positionIds`,
`clobRewards`, resolution of Protocol V2) is as `polymarket-client` 0.14.0 `models/gamma/market.py` reads it.
`positionIds` is a real array, unlike `clobTokenIds` (polyoxide, SPEC_DEVIATIONS, live on 2026-10-02).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import msgspec

from tieout.sim.engine.amounts import ONE, text
from tieout.sim.engine.book import Book
from tieout.sim.index.volume import HOURS_PER_YEAR, Volumes
from tieout.sim.markets import FEE_RATES, REBATES
from tieout.sim.model import Market, Side
from tieout.sim.wire.market_shapes import number, shown_prices
from tieout.venue.addresses import P_USD

PICTURE = "https://polymarket-upload.s3.us-east-2.amazonaws.com/simulated.png"
RULES = "This market will resolve to the outcome that the title names, by the source given."

TAGS = {name: str(index) for index, name in enumerate(sorted(FEE_RATES), start=1)}
"""Tag ids by category."""


@dataclass(frozen=True, slots=True)
class EventGroup:
    """The markets that share an event, by index."""

    id: str
    markets: tuple[Market, ...]

    @property
    def slug(self) -> str:
        """The event's slug."""
        return self.markets[0].event_slug

    @property
    def title(self) -> str:
        """The event's title."""
        return self.markets[0].event_title

    @property
    def closed(self) -> bool:
        """Every market of it is resolved."""
        return all(market.closed for market in self.markets)

    @property
    def category(self) -> str:
        """The category of its markets."""
        return category_of(self.markets[0])


@dataclass(frozen=True, slots=True)
class View:
    """What a row is made of besides the market: books, volumes, the clock, and when tokens become known."""

    books: dict[str, Book]
    volumes: Volumes
    now_ms: int
    hydration_ms: int = 0

    def book(self, market: Market) -> Book:
        """The market's book."""
        return self.books[market.condition_id]

    def liquidity(self, market: Market) -> int:
        """Micro-collateral behind all resting orders: what the bids pay, and what the asks would cost as bids on NO."""
        book = self.book(market)
        bids = sum(price * size // ONE for price, size in book.bids.levels())
        return bids + sum((ONE - price) * size // ONE for price, size in book.asks.levels())

    def hydrated(self, market: Market) -> bool:
        """The market's tokens have reached Gamma."""
        return self.now_ms >= market.created_ms + self.hydration_ms


def category_of(market: Market) -> str:
    """The category whose fees the market has; "culture" when none fits."""
    for name, rate in FEE_RATES.items():
        if rate == market.fee_rate and REBATES.get(name, 250_000) == market.rebate_rate:
            return name
    return "culture"


def moment(ms: int, *, micros: bool = False) -> str:
    """Milliseconds as RFC 3339 in UTC; *micros* shows the fraction, as `createdAt` does."""
    at = dt.datetime.fromtimestamp(ms // 1000, tz=dt.UTC).replace(microsecond=ms % 1000 * 1000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micros else "%Y-%m-%dT%H:%M:%SZ")


def spaced(ms: int) -> str:
    """Milliseconds as `closedTime` of a market is written: a space, and +00."""
    return moment(ms).replace("T", " ").replace("Z", "+00")


def listed(values: list[str]) -> str:
    """A list as JSON text, with the space after the comma that Gamma has."""
    return "[" + ", ".join(msgspec.json.encode(value).decode() for value in values) + "]"


def market_row(view: View, market: Market, *, event: EventGroup | None = None, tags: bool = False) -> dict[str, Any]:
    """One market; with its event when *event* is given, with its tag when *tags*."""
    row = {
        "id": str(market.number),
        "version": market.version,
        "question": market.question,
        "conditionId": market.condition_id,
        "questionID": market.question_id,
        "slug": market.slug,
        "description": RULES,
        "resolutionSource": "",
        "image": PICTURE,
        "icon": PICTURE,
        "marketMakerAddress": "",
        **_tokens(view, market),
        **_times(market),
        **_state(view, market),
        **_trading(market),
        **_metrics(view, market),
        **_prices(view, market),
        **_resolution(market),
        **_rewards(market),
    }
    if market.neg_risk:
        row |= {
            "groupItemTitle": f"Candidate {market.neg_risk_index + 1}",
            "negRiskMarketID": market.neg_risk_market_id,
        }
    if event is not None:
        row["events"] = [event_row(view, event, markets=False)]
    if tags:
        row["tags"] = [tag_row(category_of(market))]
    return row


def _tokens(view: View, market: Market) -> dict[str, Any]:
    known = view.hydrated(market)
    prices = shown_prices(market, view.book(market))
    row: dict[str, Any] = {
        "outcomes": listed(list(market.outcomes)),
        "outcomePrices": listed([text(price) for price in prices]),
        "clobTokenIds": listed([str(token) if known else "" for token in market.ctf_tokens]),
    }
    if market.version == "v2" and known:
        row["positionIds"] = [str(token) for token in market.position_ids]
    return row


def _times(market: Market) -> dict[str, Any]:
    row = {
        "createdAt": moment(market.created_ms, micros=True),
        "updatedAt": moment(market.closed_ms or market.created_ms, micros=True),
        "startDate": moment(market.created_ms, micros=True),
        "startDateIso": moment(market.created_ms)[:10],
        "endDate": moment(market.end_ms),
        "endDateIso": moment(market.end_ms)[:10],
        "acceptingOrdersTimestamp": moment(market.created_ms),
    }
    if market.closed_ms is not None:
        row["closedTime"] = spaced(market.closed_ms)
    return row


def _state(view: View, market: Market) -> dict[str, Any]:
    known = view.hydrated(market)
    return {
        "active": True,
        "closed": market.closed,
        "archived": False,
        "new": False,
        "featured": False,
        "restricted": True,
        "ready": False,
        "funded": False,
        "approved": True,
        "cyom": False,
        "hasReviewedDates": True,
        "enableOrderBook": True,
        "acceptingOrders": market.accepting_orders and known,
        "negRisk": market.neg_risk,
        "negRiskOther": False,
        "automaticallyActive": True,
        "clearBookOnStart": False,
        "manualActivation": False,
        "pendingDeployment": False,
        "deploying": False,
        "rfqEnabled": False,
        "holdingRewardsEnabled": False,
        "requiresTranslation": False,
        "pagerDutyNotificationEnabled": False,
    }


def _trading(market: Market) -> dict[str, Any]:
    row: dict[str, Any] = {
        "orderPriceMinTickSize": number(market.tick),
        "orderMinSize": number(market.min_size),
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
        "feesEnabled": market.fee_rate > 0,
        "secondsDelay": market.delay_ms // 1000,
    }
    if market.fee_rate:
        row["feeType"] = f"{category_of(market)}_fees_v2"
        row["feeSchedule"] = {
            "exponent": market.fee_exponent,
            "rate": number(market.fee_rate),
            "takerOnly": True,
            "rebateRate": number(market.rebate_rate),
        }
    return row


def _metrics(view: View, market: Market) -> dict[str, Any]:
    volumes, condition = view.volumes, market.condition_id
    total, liquidity = volumes.of(condition).total, view.liquidity(market)
    windows = {"24hr": 24, "1wk": 24 * 7, "1mo": 24 * 30, "1yr": HOURS_PER_YEAR}
    row: dict[str, Any] = {
        "volume": text(total),
        "volumeNum": number(total),
        "volumeClob": number(total),
        "liquidity": text(liquidity),
        "liquidityNum": number(liquidity),
        "liquidityClob": number(liquidity),
    }
    for name, hours in windows.items():
        row[f"volume{name}"] = row[f"volume{name}Clob"] = number(volumes.last_hours(condition, hours))
    return row


def _prices(view: View, market: Market) -> dict[str, Any]:
    book = view.book(market)
    bid, ask = book.best(0, Side.BUY) or 0, book.best(0, Side.SELL) or ONE
    row: dict[str, Any] = {"bestBid": number(bid), "bestAsk": number(ask), "spread": number(ask - bid)}
    if last := view.volumes.of(market.condition_id).last_price:
        row["lastTradePrice"] = number(last)
    return row


def _resolution(market: Market) -> dict[str, Any]:
    row: dict[str, Any] = {"umaResolutionStatuses": listed(["proposed"] if market.closed else [])}
    if market.version == "v2":
        row["requestId"] = f"0x{market.position_ids[0] & ~0xFF:064x}"
        row["resolutionStatus"] = "resolved" if market.closed else "active"
    elif market.closed:
        row["umaResolutionStatus"] = "resolved"
        row["resolvedBy"] = market.oracle
        row["automaticallyResolved"] = True
    return row


def _rewards(market: Market) -> dict[str, Any]:
    row: dict[str, Any] = {
        "rewardsMinSize": number(market.reward_min_size),
        "rewardsMaxSpread": number(market.reward_max_spread * 100),
    }
    if market.reward_daily:
        row["clobRewards"] = [
            {
                "id": str(market.number),
                "conditionId": market.condition_id,
                "assetAddress": P_USD,
                "rewardsAmount": 0,
                "rewardsDailyRate": number(market.reward_daily),
                "startDate": moment(market.created_ms)[:10],
                "endDate": moment(market.end_ms)[:10],
            }
        ]
    return row


def event_row(view: View, event: EventGroup, *, markets: bool = True) -> dict[str, Any]:
    """One event; with its markets unless it stands inside one of them."""
    first = event.markets[0]
    volume = sum(view.volumes.of(market.condition_id).total for market in event.markets)
    liquidity = sum(view.liquidity(market) for market in event.markets)
    row: dict[str, Any] = {
        "id": event.id,
        "ticker": event.slug,
        "slug": event.slug,
        "title": event.title,
        "description": RULES,
        "resolutionSource": "",
        "image": PICTURE,
        "icon": PICTURE,
        "startDate": moment(first.created_ms, micros=True),
        "creationDate": moment(first.created_ms, micros=True),
        "endDate": moment(first.end_ms),
        "createdAt": moment(first.created_ms, micros=True),
        "updatedAt": moment(max(market.closed_ms or market.created_ms for market in event.markets), micros=True),
        "liquidity": number(liquidity),
        "liquidityClob": number(liquidity),
        "volume": number(volume),
        "commentCount": 0,
        **_event_state(event),
    }
    for name, hours in {"24hr": 24, "1wk": 24 * 7, "1mo": 24 * 30, "1yr": HOURS_PER_YEAR}.items():
        shares = sum(view.volumes.last_hours(market.condition_id, hours) for market in event.markets)
        row[f"volume{name}"] = number(shares)
    if first.neg_risk:
        row["negRiskMarketID"] = first.neg_risk_market_id
    if markets:
        row["markets"] = [market_row(view, market) for market in event.markets]
        row["tags"] = [tag_row(event.category)]
    return row


def _event_state(event: EventGroup) -> dict[str, Any]:
    neg_risk = event.markets[0].neg_risk
    row: dict[str, Any] = {
        "active": True,
        "closed": event.closed,
        "archived": False,
        "new": False,
        "featured": False,
        "restricted": True,
        "cyom": False,
        "enableOrderBook": True,
        "negRisk": neg_risk,
        "enableNegRisk": neg_risk,
        "negRiskAugmented": False,
        "showAllOutcomes": True,
        "showMarketImages": True,
        "automaticallyActive": True,
        "pendingDeployment": False,
        "deploying": False,
        "requiresTranslation": False,
    }
    if event.closed:
        row["closedTime"] = moment(max(market.closed_ms or 0 for market in event.markets))
    return row


def tag_row(category: str) -> dict[str, Any]:
    """The tag of a category."""
    return {"id": TAGS[category], "label": category.title(), "slug": category, "forceShow": False}


def series_row(category: str, *, closed: bool) -> dict[str, Any]:
    """The series that a category's events belong to."""
    return {
        "id": TAGS[category],
        "ticker": category,
        "slug": category,
        "title": category.title(),
        "seriesType": "single",
        "recurrence": "weekly",
        "active": True,
        "closed": closed,
        "archived": False,
        "featured": False,
        "restricted": True,
        "commentCount": 0,
        "requiresTranslation": False,
    }
