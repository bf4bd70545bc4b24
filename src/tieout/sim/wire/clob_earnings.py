"""What liquidity rewards and maker rebates earned, by day: `/rewards/user...` and `/rebates/current`.

Earnings belong to the wallet that the signature type names (docs.polymarket.com, "Get reward percentages for user");
a day's listing is what the economy has measured, also where it is too little to be paid. Shapes: `polymarket-client`
0.14.0, `models/clob/rewards.py`; `rebated_fees_usdc` is decimal text (docs.polymarket.com, "Get current rebated fees
for a maker"), rewards are JSON numbers. A date that is none has no earnings: the venue's answer is not recorded.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tieout.sim.economy.periods import DAY_MS
from tieout.sim.economy.rebates import Rebates
from tieout.sim.economy.rewards import Rewards
from tieout.sim.engine.amounts import text
from tieout.sim.model import Market
from tieout.sim.wire.clob_balances import asked_wallet
from tieout.sim.wire.clob_desk import Desk
from tieout.sim.wire.clob_rewards import detailed, rewarded, rows_page
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.market_shapes import iso, number
from tieout.sim.wire.wallets import checksummed
from tieout.venue.addresses import P_USD

Names = Mapping[str, str]

_EPOCH = dt.date(1970, 1, 1)


class Earnings:
    """Rewards need a key, rebates do not. Where a part of the economy does not run, it has earned nobody anything."""

    def __init__(self, desk: Desk, rewards: Rewards | None, rebates: Rebates | None) -> None:
        self._desk = desk
        self._rewards = rewards
        self._rebates = rebates

    def add_to(self, router: Router) -> None:
        """Serve the routes."""
        router.add("GET", "/rewards/user", self.user)
        router.add("GET", "/rewards/user/total", self.total)
        router.add("GET", "/rewards/user/percentages", self.percentages)
        router.add("GET", "/rewards/user/markets", self.markets)
        router.add("GET", "/rebates/current", self.rebates)

    def user(self, request: Request, _names: Names) -> Reply:
        """Rewards of a day, a row for each market."""
        wallet, day = asked_wallet(self._desk, request), _asked_day(request)
        rows = [
            {
                **_earning(amount),
                "date": iso(day * DAY_MS),
                "condition_id": condition,
                "maker_address": checksummed(wallet),
            }
            for condition, amount in sorted(self._earned(wallet, day).items())
        ]
        return rows_page(self._desk, rows, request)

    def total(self, request: Request, _names: Names) -> Reply:
        """Rewards of a day over all markets; no row when there are none."""
        wallet, day = asked_wallet(self._desk, request), _asked_day(request)
        amount = self._earned(wallet, day).total()
        row = {
            **_earning(amount),
            "date": iso(day * DAY_MS),
            "maker_address": checksummed(wallet),
            "native_earnings": number(amount),
            "sponsored_earnings": 0,
        }
        return json_reply([row] if amount else [])

    def percentages(self, request: Request, _names: Names) -> Reply:
        """The wallet's share, 0 to 100, of every programme it earns from at this moment."""
        wallet = asked_wallet(self._desk, request)
        shares = {market.condition_id: self._percentage(wallet, market) for market in rewarded(self._desk)}
        return json_reply({condition: share for condition, share in shares.items() if share})

    def markets(self, request: Request, _names: Names) -> Reply:
        """The programmes of now and those the wallet earned from on the day, with its rewards and its share now."""
        wallet, day = asked_wallet(self._desk, request), _asked_day(request)
        earned = self._earned(wallet, day)
        rows = [
            {
                **detailed(self._desk, market),
                "maker_address": checksummed(wallet),
                "earning_percentage": self._percentage(wallet, market),
                "earnings": [_earning(earned[condition])],
            }
            for condition, market in self._desk.world.exchange.markets.items()
            if (market.reward_daily and not market.closed) or earned[condition]
        ]
        return rows_page(self._desk, rows, request)

    def rebates(self, request: Request, _names: Names) -> Reply:
        """Fee rebates of a maker on a day, a row for each market."""
        maker = request.query.get("maker_address", "").lower()
        found = Counter[str]() if self._rebates is None else self._rebates.by_market(maker, _asked_day(request))
        rows = [
            {
                "date": request.query["date"],
                "condition_id": condition,
                "asset_address": P_USD,
                "maker_address": checksummed(maker),
                "rebated_fees_usdc": text(amount),
            }
            for condition, amount in sorted(found.items())
            if amount
        ]
        return json_reply(rows)

    def _earned(self, wallet: str, day: int) -> Counter[str]:
        return Counter() if self._rewards is None else +self._rewards.by_market(wallet, day)

    def _percentage(self, wallet: str, market: Market) -> float:
        if self._rewards is None or market.closed:
            return 0
        own, all_scores = self._rewards.share(wallet, market.condition_id)
        return 100 * own / all_scores if own else 0


def _asked_day(request: Request) -> int:
    """The day of `date` (YYYY-MM-DD); -1 for other text."""
    try:
        return (dt.date.fromisoformat(request.query.get("date", "")) - _EPOCH).days
    except ValueError:
        return -1


def _earning(amount: int) -> dict[str, Any]:
    """Micro-collateral at a rate of 1 dollar."""
    return {"asset_address": P_USD, "asset_rate": 1, "earnings": number(amount)}
