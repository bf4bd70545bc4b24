"""The built-in strategy: tiers around the fair price on both outcomes, skewed by inventory.

Both sides are made by the same code. The bid side is the *long* side of YES, the ask side that of NO: a tier of outcome
o at price p is a SELL of the other outcome at 1-p as far as that is held, and else a BUY of o at p, which is the
same wish (see `views`). So a BUY of NO stands in for a SELL of YES when there is no YES to sell.
"""

from __future__ import annotations

from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO
from tieout.quoting import grid
from tieout.quoting.fair import NoFair, fair_price
from tieout.quoting.params import Params
from tieout.quoting.strategy import Situation, Wanted
from tieout.quoting.views import NO, YES, Holding, MarketView, Quote, touch


class Ladder:
    """Tiers of equal size around a fair price. It keeps nothing between calls."""

    def wanted(self, situation: Situation) -> Wanted:
        """Two tiers at each distance, inner ones first, as far as caps and bounds allow."""
        market, params = situation.market, situation.params
        stop = _stop(market, params, situation.now_ms)
        if stop:
            return Wanted(reason=stop)
        fair = fair_price(situation.book, params.fair_model, depth=params.fair_depth, dust=params.fair_dust)
        if isinstance(fair, NoFair):
            return Wanted(reason=fair.value)
        if not params.price_min <= fair <= params.price_max:
            return Wanted(reason="the fair price is outside price_min and price_max", fair=fair)
        bid, ask = touch(situation.book)
        center = fair + _shift(situation.holding, params)
        middle = (bid + ask) // 2
        prices = (
            _prices(YES, center, ask, middle, market, params),
            _prices(NO, MICRO - center, MICRO - bid, MICRO - middle, market, params),
        )
        return _sized(prices, middle, situation, fair)


def _stop(market: MarketView, params: Params, now_ms: int) -> str:
    """Why the market is not quoted at all; empty when it is."""
    if market.closed:
        return "the market is closed"
    if not market.accepting:
        return "the market accepts no orders"
    if market.end_ms is not None and market.end_ms - now_ms < params.min_time_to_resolution_ms:
        return "the market resolves in less than min_time_to_resolution"
    if market.tick not in grid.TICKS:
        return "the market's tick is not one the venue is known to use"
    return ""


def _shift(holding: Holding, params: Params) -> int:
    """What the fair price moves by for the holding: down when long YES. Rounded towards zero."""
    off = holding.shares[YES] - holding.shares[NO] - params.inventory_target
    off = min(max(off, -params.max_shares), params.max_shares)
    amount = params.skew * abs(off) // params.max_shares
    return -amount if off > 0 else amount


def _rewarded(market: MarketView, params: Params) -> bool:
    """Liquidity rewards are paid, and for a size that we are ready to show."""
    return market.reward_max_spread > 0 and market.reward_min_size <= params.reward_size_max


def _prices(outcome: int, center: int, ask: int, middle: int, market: MarketView, params: Params) -> list[int]:
    """Prices of the tiers that would buy *outcome*, best first; all other prices in terms of it, too.

    The first lies half a spread below the center, or nearer where rewards ask for it, but never so near that the two
    sides leave less than `min_spread`, and always a tick below the best *ask* of others: it is post-only.
    """
    tick = market.tick
    nearest = center - -(-params.min_spread // 2)
    first = min(grid.away(center - params.half_spread, tick, Side.BUY), grid.away(nearest, tick, Side.BUY))
    edge = middle - market.reward_max_spread
    if first < edge and _rewarded(market, params):
        first = min(grid.toward(edge, tick, Side.BUY), grid.away(nearest, tick, Side.BUY))
    first = min(first, grid.away(ask - 1, tick, Side.BUY))
    low, high = params.price_min, params.price_max
    if outcome == NO:
        low, high = MICRO - high, MICRO - low
    low, high = max(low, tick), min(high, MICRO - tick)
    step = max(params.tier_step, tick)
    tiers = [grid.away(first - tier * step, tick, Side.BUY) for tier in range(params.tiers)]
    return [price for price in tiers if low <= price <= high]


class _Room:
    """What can still be sold and bought; shrinks as quotes are made."""

    def __init__(self, holding: Holding, params: Params) -> None:
        self.held = [grid.whole_size(shares) for shares in holding.shares]
        self.shares = [params.max_shares - shares for shares in holding.shares]
        self.collateral = params.max_collateral - sum(holding.cost)
        self.slack = params.requote_tolerance
        """A resting order may be kept at a price that is worse by this, so every buy is counted as if it were."""

    def sell(self, outcome: int, size: int, min_size: int) -> int:
        """How much of *size* can be sold; taken out of what is held."""
        size = min(size, self.held[outcome])
        if size < min_size:
            return 0
        self.held[outcome] -= size
        return size

    def buy(self, outcome: int, price: int, size: int, min_size: int) -> int:
        """How much of *size* can be bought; taken out of the room under both caps."""
        worst = min(price + self.slack, MICRO)
        size = grid.whole_size(min(size, self.shares[outcome], self.collateral * MICRO // worst))
        if size < min_size:
            return 0
        self.shares[outcome] -= size
        self.collateral -= -(-size * worst // MICRO)
        return size


def _sized(prices: tuple[list[int], list[int]], middle: int, situation: Situation, fair: int) -> Wanted:
    """Sizes for the *prices* of both sides, inner tiers first, under the caps."""
    market, params = situation.market, situation.params
    room = _Room(situation.holding, params)
    quotes: list[Quote] = []
    capped = small = False
    for tier in range(params.tiers):
        for outcome in (YES, NO):
            if tier >= len(prices[outcome]):
                continue
            price = prices[outcome][tier]
            size = _size(price, middle if outcome == YES else MICRO - middle, market, params)
            small |= size < market.min_size
            sold = room.sell(1 - outcome, size, market.min_size)
            if sold:
                quotes.append(Quote(1 - outcome, Side.SELL, MICRO - price, sold, tier))
            rest = size - sold
            if rest < market.min_size:
                continue
            bought = room.buy(outcome, price, rest, market.min_size)
            if bought:
                quotes.append(Quote(outcome, Side.BUY, price, bought, tier))
            capped |= bought < rest
    reasons = []
    if any(len(side) < params.tiers for side in prices):
        reasons.append("tiers outside the price bounds are left out")
    if small:
        reasons.append("tier_size is below the market's minimum order size")
    if capped:
        reasons.append("max_shares or max_collateral is reached")
    return Wanted(quotes=tuple(quotes), reason="; ".join(reasons), fair=fair)


def _size(price: int, middle: int, market: MarketView, params: Params) -> int:
    """The size of a tier: enough for the reward where its price earns it."""
    size = params.tier_size
    if _rewarded(market, params) and middle - price <= market.reward_max_spread:
        size = max(size, market.reward_min_size)
    return grid.whole_size(size)
