"""What is known of a market, by Gamma or the CLOB: grid, fees, rewards, dates (`polymarket.md` 1.3 and 5).

Prices, sizes and rates are micro-units; times are milliseconds, 0 when not told. Each reader raises WireError.
Where Gamma and the CLOB differ, the CLOB wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tieout.client.pages import as_list, as_row
from tieout.ledger.units import MICRO
from tieout.venue import fields
from tieout.venue.tokens import is_structured
from tieout.venue.wire import Row, WireError, parse, shown


@dataclass(frozen=True, slots=True)
class Fees:
    """fee = shares x rate x (p(1-p))^exponent, on takers only. `rebate` is the makers' part of it."""

    rate: int = 0
    exponent: int = 1
    taker_only: bool = True
    rebate: int = 0


@dataclass(frozen=True, slots=True)
class Rewards:
    """Liquidity rewards: the smallest order that counts, how far from the middle (a price), collateral a day."""

    min_size: int = 0
    max_spread: int = 0
    daily: int = 0


@dataclass(frozen=True, slots=True)
class MarketInfo:
    """One market. `token_ids` are those that trade now, in outcome order, "" where the venue has none yet."""

    condition_id: str
    version: str
    token_ids: tuple[str, ...]
    outcomes: tuple[str, ...]
    tick: int
    min_size: int
    neg_risk: bool
    accepting_orders: bool
    active: bool = True
    closed: bool = False
    question: str = ""
    slug: str = ""
    start_at_ms: int = 0
    end_at_ms: int = 0
    closed_at_ms: int = 0
    game_start_at_ms: int = 0
    taker_delay_ms: int = 0
    fees: Fees | None = None
    """None where the source does not tell them."""
    rewards: Rewards = Rewards()


def gamma_market(row: Row) -> MarketInfo:
    """A row of Gamma. A list may be JSON text inside the JSON."""
    version = fields.text(row, "version") or "v1"
    ids = "positionIds" if version == "v2" and row.get("positionIds") else "clobTokenIds"
    return MarketInfo(
        condition_id=fields.condition(row, "conditionId"),
        version=version,
        token_ids=tuple(_token(value, ids) for value in _texts(row.get(ids), ids)),
        outcomes=tuple(str(value) for value in _texts(row.get("outcomes"), "outcomes")),
        tick=_micro(row, "orderPriceMinTickSize"),
        min_size=_micro(row, "orderMinSize"),
        neg_risk=_yes(row, "negRisk"),
        accepting_orders=_yes(row, "acceptingOrders"),
        active=_yes(row, "active"),
        closed=_yes(row, "closed"),
        question=fields.text(row, "question"),
        slug=fields.text(row, "slug"),
        start_at_ms=fields.instant(row, "startDate"),
        end_at_ms=fields.instant(row, "endDate"),
        closed_at_ms=fields.instant(row, "closedTime"),
        game_start_at_ms=fields.instant(row, "gameStartTime"),
        taker_delay_ms=fields.whole(row, "secondsDelay") * 1000,
        fees=_gamma_fees(row),
        rewards=_gamma_rewards(row),
    )


def clob_market(row: Any) -> MarketInfo:
    """`/markets/{condition}`, the long form (sample clob_market); it does not tell the fees."""
    row = as_row(row, "market")
    tokens = [as_row(token, "tokens") for token in as_list(row.get("tokens"), "tokens")]
    rewards = as_row(row.get("rewards") or {}, "rewards")
    daily = sum(_micro(as_row(rate, "rates"), "rewards_daily_rate") for rate in rewards.get("rates") or ())
    ids = tuple(_token(token.get("token_id"), "token_id") for token in tokens)
    return MarketInfo(
        condition_id=fields.condition(row, "condition_id"),
        version=_version(ids),
        token_ids=ids,
        outcomes=tuple(fields.text(token, "outcome") for token in tokens),
        tick=fields.positive(row, "minimum_tick_size"),
        min_size=fields.amount(row, "minimum_order_size"),
        neg_risk=_yes(row, "neg_risk"),
        accepting_orders=_yes(row, "accepting_orders"),
        active=_yes(row, "active"),
        closed=_yes(row, "closed"),
        question=fields.text(row, "question"),
        slug=fields.text(row, "market_slug"),
        end_at_ms=fields.instant(row, "end_date_iso"),
        game_start_at_ms=fields.instant(row, "game_start_time"),
        taker_delay_ms=fields.whole(row, "seconds_delay") * 1000,
        rewards=Rewards(_micro(rewards, "min_size"), _cents(rewards, "max_spread"), daily),
    )


def compact_market(row: Any) -> MarketInfo:
    """`/clob-markets/{condition}`: one or two letters a field, booleans that are false left out."""
    row = as_row(row, "market")
    tokens = [as_row(token, "t") for token in as_list(row.get("t"), "t")]
    rewards, fees = as_row(row.get("r") or {}, "r"), as_row(row.get("fd") or {}, "fd")
    ids = tuple(_token(token.get("t"), "t") for token in tokens)
    return MarketInfo(
        condition_id=fields.condition(row, "c"),
        version=_version(ids),
        token_ids=ids,
        outcomes=tuple(fields.text(token, "o") for token in tokens),
        tick=fields.positive(row, "mts"),
        min_size=fields.amount(row, "mos"),
        neg_risk=_yes(row, "nr"),
        accepting_orders=_yes(row, "ao"),
        game_start_at_ms=fields.instant(row, "gst"),
        taker_delay_ms=fields.whole(row, "sd") * 1000,
        fees=Fees(_micro(fees, "r"), fields.whole(fees, "e", 1), fees.get("to") is not False),
        rewards=Rewards(_micro(rewards, "mi"), _cents(rewards, "ma")),
    )


def _gamma_fees(row: Row) -> Fees | None:
    """`feeSchedule`; the legacy maker and taker base fees mean nothing (`polymarket.md` 5)."""
    schedule = row.get("feeSchedule")
    if schedule is None:
        return None if row.get("feesEnabled") else Fees()
    schedule = as_row(schedule, "feeSchedule")
    return Fees(
        _micro(schedule, "rate"),
        fields.whole(schedule, "exponent", 1),
        schedule.get("takerOnly") is not False,
        _micro(schedule, "rebateRate"),
    )


def _gamma_rewards(row: Row) -> Rewards:
    programs = as_list(row.get("clobRewards") or [], "clobRewards")
    daily = sum(_micro(as_row(program, "clobRewards"), "rewardsDailyRate") for program in programs)
    return Rewards(_micro(row, "rewardsMinSize"), _cents(row, "rewardsMaxSpread"), daily)


def _texts(value: Any, name: str) -> list[Any]:
    """A list, or the list in a JSON text; none is empty."""
    if value in (None, ""):
        return []
    if type(value) is str:
        value = parse(value.encode("utf-8", "replace"))
    return as_list(value, name)


def _token(value: Any, name: str) -> str:
    """A token id; "" when the venue has none yet."""
    return "" if value in (None, "") else fields.token({"asset_id": value, "of": name})


def _version(token_ids: tuple[str, ...]) -> str:
    """Version "v2" when the tokens are those of Protocol V2."""
    return "v2" if token_ids and all(is_structured(token) for token in token_ids) else "v1"


def _yes(row: Row, name: str) -> bool:
    return row.get(name) is True


def _micro(row: Row, name: str) -> int:
    """Micro-units, 0 when missing; numbers with binary noise are rounded to the nearest."""
    return 0 if row.get(name) in (None, "") else fields.float_amount(row, name)


def _cents(row: Row, name: str) -> int:
    """A spread in cents as a price in micro-units."""
    value, rest = divmod(_micro(row, name), 100)
    if rest or value >= MICRO:
        raise WireError(f"{name}: expected cents below 100, was {shown(row.get(name))}")
    return value
