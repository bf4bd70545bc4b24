"""Liquidity rewards: every minute the orders at rest are scored, every day the wallets are paid.

A market's daily amount is spread evenly over the minutes of a day and, in each, over the wallets by score. Payment is
one transfer per wallet from the Rewards contract, which is funded by a deposit; under 1 collateral nothing is paid and
the day's earnings lapse (docs.polymarket.com/market-makers/liquidity-rewards). What was earned stays on record by day.
"""

from __future__ import annotations

from collections import Counter

from tieout.sim.chain.calls import PayReward
from tieout.sim.economy.periods import DAY_MS, LEAST_PAID, MINUTE_MS, at_every, day_of
from tieout.sim.economy.scores import scores
from tieout.sim.world import World


class Rewards:
    """Runs from its making on. Amounts are micro-collateral, rounded down for each wallet and minute."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._days: dict[int, dict[str, Counter[str]]] = {}
        """Earnings by day (`day_of`), wallet and condition id."""
        self.paid: Counter[str] = Counter()
        """What each wallet was sent, over all days."""
        at_every(world.scheduler, MINUTE_MS, self._sample)
        at_every(world.scheduler, DAY_MS, self._pay)

    def earned(self, wallet: str) -> int:
        """What the wallet has earned today."""
        return self.by_market(wallet, day_of(self._world.scheduler.now_ms)).total()

    def by_market(self, wallet: str, day: int) -> Counter[str]:
        """What the wallet earned on a day, by condition id."""
        return Counter(self._days.get(day, {}).get(wallet, Counter()))

    def share(self, wallet: str, condition_id: str) -> tuple[int, int]:
        """(the wallet's score, all scores) in a market at this moment."""
        exchange = self._world.exchange
        found = scores(exchange.markets[condition_id], exchange.books[condition_id])
        return found[wallet], found.total()

    def _sample(self) -> None:
        exchange = self._world.exchange
        today = self._days.setdefault(day_of(self._world.scheduler.now_ms), {})
        for condition_id, market in exchange.markets.items():
            if not market.reward_daily or market.closed:
                continue
            found = scores(market, exchange.books[condition_id])
            total = found.total()
            for wallet, score in found.items():
                amount = market.reward_daily * MINUTE_MS * score // (DAY_MS * total)
                today.setdefault(wallet, Counter())[condition_id] += amount

    def _pay(self) -> None:
        """At midnight, for the day that ended."""
        ended = self._days.get(day_of(self._world.scheduler.now_ms) - 1, {})
        for wallet, markets in sorted(ended.items()):
            amount = markets.total()
            if amount >= LEAST_PAID:
                self._world.chain.submit(PayReward(wallet, amount, "reward"))
                self.paid[wallet] += amount
