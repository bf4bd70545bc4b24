"""Liquidity rewards: every minute the orders at rest are scored, every day the wallets are paid.

A market's daily amount is spread evenly over the minutes of a day and, in each, over the wallets by score. Payment is
one transfer per wallet from the Rewards contract, which is funded by a deposit; under 1 collateral nothing is paid and
the period's earnings lapse (docs.polymarket.com/market-makers/liquidity-rewards).
"""

from __future__ import annotations

from collections import Counter

from tieout.sim.chain.calls import PayReward
from tieout.sim.economy.periods import DAY_MS, LEAST_PAID, MINUTE_MS, at_every
from tieout.sim.economy.scores import counts, scores
from tieout.sim.model import Order
from tieout.sim.world import World


class Rewards:
    """Runs from its making on. Amounts are micro-collateral, rounded down for each wallet and minute."""

    def __init__(self, world: World, *, period_ms: int = DAY_MS, sample_ms: int = MINUTE_MS) -> None:
        self._world = world
        self._sample_ms = sample_ms
        self._earned: dict[str, Counter[str]] = {}
        self.paid: Counter[str] = Counter()
        """What each wallet was sent, over all periods."""
        at_every(world.scheduler, sample_ms, self._sample)
        at_every(world.scheduler, period_ms, self._pay)

    def earned(self, wallet: str) -> int:
        """What the wallet earned in the running period."""
        return sum(self.by_market(wallet).values())

    def by_market(self, wallet: str) -> Counter[str]:
        """The wallet's earnings of the running period, by condition id."""
        return Counter(self._earned.get(wallet, Counter()))

    def share(self, wallet: str, condition_id: str) -> tuple[int, int]:
        """(the wallet's score, all scores) in a market at this moment."""
        exchange = self._world.exchange
        found = scores(exchange.markets[condition_id], exchange.books[condition_id])
        return found[wallet], found.total()

    def scoring(self, order: Order) -> bool:
        """The order scores at this moment."""
        return counts(order.market, self._world.exchange.books[order.market.condition_id], order)

    def _sample(self) -> None:
        exchange = self._world.exchange
        for condition_id, market in exchange.markets.items():
            if not market.reward_daily or market.closed:
                continue
            found = scores(market, exchange.books[condition_id])
            total = found.total()
            for wallet, score in found.items():
                amount = market.reward_daily * self._sample_ms * score // (DAY_MS * total)
                self._earned.setdefault(wallet, Counter())[condition_id] += amount

    def _pay(self) -> None:
        for wallet in sorted(self._earned):
            amount = self.earned(wallet)
            if amount >= LEAST_PAID:
                self._world.chain.submit(PayReward(wallet, amount, "reward"))
                self.paid[wallet] += amount
        self._earned.clear()
