"""A wallet's holding of one token by the analytics' own rules, which are not those of exact books.

Sizes are the chain's. Cost is a weighted average of tracked buys; a split buys both outcomes at 0.5 and a merge sells
them at 0.5 (recorded: `samples/data_api_v2_positions.json`); a sale realizes at most what was tracked, so tokens that
came by transfer have no cost (Polymarket/polymarket-subgraph, pnl-subgraph). Fees are kept apart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Holding:
    """Micro-units. `size` is held now, `tracked` what of it has a cost; `bought` and `spent` are lifetime.

    `serial` counts holdings as they were first seen: an order that nothing later changes.
    """

    wallet: str
    token: int
    serial: int
    size: int = 0
    tracked: int = 0
    cost: int = 0
    fees: int = 0
    bought: int = 0
    spent: int = 0
    realized: int = 0
    first_s: int = 0
    last_s: int = 0

    def touch(self, at_s: int) -> None:
        """Note when something happened."""
        self.first_s = self.first_s or at_s
        self.last_s = at_s

    def buy(self, shares: int, cash: int, fee: int = 0) -> None:
        """*shares* came in for *cash* before the *fee*."""
        self.tracked += shares
        self.cost += cash
        self.fees += fee
        self.bought += shares
        self.spent += cash

    def sell(self, shares: int, proceeds: int) -> int:
        """*shares* went out for *proceeds*; the profit of the tracked part, rounded down."""
        sold = min(shares, self.tracked)
        if not sold:
            return 0
        profit = proceeds * sold // shares - self.take(sold)
        self.realized += profit
        return profit

    def take(self, shares: int) -> int:
        """Remove up to *shares* tracked ones; their part of the cost, rounded down, goes along and is returned."""
        taken = min(shares, self.tracked)
        if not taken:
            return 0
        cost = self.cost * taken // self.tracked
        self.fees -= self.fees * taken // self.tracked
        self.cost -= cost
        self.tracked -= taken
        return cost

    def cost_of(self, shares: int) -> int:
        """*shares* at the average price, rounded down; 0 without any tracked."""
        return self.cost * shares // self.tracked if self.tracked else 0
