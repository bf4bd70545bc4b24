"""Which markets a worker quotes: those named, or the first ones by what the venue says of them."""

from __future__ import annotations

from collections.abc import Sequence

from tieout.app.config import MarketOrder, Selection, is_name_of
from tieout.client.gamma import PAGE, Gamma
from tieout.client.markets import MarketInfo


class UnknownMarketsError(ValueError):
    """Markets that were named and that the venue does not list."""


async def chosen(gamma: Gamma, selection: Selection) -> list[MarketInfo]:
    """The markets of *selection*, in its order. Raises UnknownMarketsError, VenueError."""
    found = await _named(gamma, selection.markets) if selection.markets else await _picked(gamma, selection)
    return [market for market in found if _is_binary(market)]


def _is_binary(market: MarketInfo) -> bool:
    """It has two outcomes, and the venue has tokens for both."""
    return len(market.token_ids) == 2 and all(market.token_ids)


async def details(gamma: Gamma, conditions: Sequence[str]) -> list[MarketInfo]:
    """The markets of *conditions* as they are now, open or closed. Raises VenueError."""
    found: dict[str, MarketInfo] = {}
    for start in range(0, len(conditions), PAGE):
        part = conditions[start : start + PAGE]
        found |= {market.condition_id: market for market in (await gamma.markets_of(part)).rows}
        missing = [condition for condition in part if condition not in found]
        if missing:
            closed = await gamma.markets_of(missing, closed=True)
            found |= {market.condition_id: market for market in closed.rows}
    return [found[condition] for condition in conditions if condition in found]


async def _named(gamma: Gamma, names: Sequence[str]) -> list[MarketInfo]:
    """By condition id where all are such; a slug is looked for in the list of open markets."""
    if all(name.startswith("0x") for name in names):
        markets = await details(gamma, [name.lower() for name in names])
    else:
        markets = list((await gamma.markets()).rows)
    found = {name: next((m for m in markets if is_name_of(name, m)), None) for name in names}
    missing = [name for name, market in found.items() if market is None]
    if missing:
        raise UnknownMarketsError(
            f"markets: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not among the venue's open markets; "
            "take them out, or correct them (a condition id, a slug, or the address of the market's page)"
        )
    return [market for market in found.values() if market is not None]


async def _picked(gamma: Gamma, selection: Selection) -> list[MarketInfo]:
    if selection.by is MarketOrder.VOLUME:
        pages = selection.count // PAGE + 2
        rows = (await gamma.markets(order="volume24hr", descending=True, pages_max=pages)).rows
    else:
        rows = tuple(sorted((await gamma.markets()).rows, key=lambda m: -m.rewards.daily))
    open_now = [m for m in rows if m.accepting_orders and not m.closed and _is_binary(m)]
    return open_now[: selection.count]
