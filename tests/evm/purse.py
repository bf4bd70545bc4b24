"""What wallets must have made of their acts, computed from the acts themselves: with fractions, and without any log.

Shares that come from somebody else cost nothing; shares that go away take their part of the cost along, rounded down,
and make no profit. A full set costs and brings what its collateral is, half for each token, the odd unit for Yes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from evm.ground import Condition


@dataclass
class Purse:
    """One wallet. Amounts in micro-units; tokens by their number."""

    coins: int = 0
    shares: Counter[int] = field(default_factory=Counter)
    cost: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    profit: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Realized, by condition."""

    def split(self, condition: Condition, amount: int) -> None:
        self.coins -= amount
        for token, part in zip(condition.tokens, _halves(amount), strict=True):
            self.shares[token] += amount
            self.cost[token] += part

    def merge(self, condition: Condition, amount: int) -> None:
        self.coins += amount
        for token, part in zip(condition.tokens, _halves(amount), strict=True):
            self.profit[condition.condition_id] += part - self.give(token, amount)

    def redeem(self, condition: Condition, payouts: tuple[int, int], index_sets: tuple[int, ...]) -> None:
        for index_set in index_sets:
            token = condition.tokens[index_set - 1]
            shares = self.shares[token]
            paid = math.floor(shares * Fraction(payouts[index_set - 1], sum(payouts)))
            self.coins += paid
            self.profit[condition.condition_id] += paid - self.give(token, shares)

    def give(self, token: int, amount: int) -> int:
        """Let shares go; the cost that goes with them."""
        assert amount <= self.shares[token]
        cost = math.floor(self.cost[token] * Fraction(amount, self.shares[token])) if amount else 0
        self.shares[token] -= amount
        self.cost[token] -= cost
        return cost

    def made(self) -> dict[str, int]:
        """The profit, where there is any."""
        return {condition: profit for condition, profit in self.profit.items() if profit}

    def costs(self) -> dict[str, int]:
        """The cost of what is held, where it cost anything."""
        return {str(token): cost for token, cost in self.cost.items() if cost}

    def held(self) -> dict[str, int]:
        """The shares held."""
        return {str(token): shares for token, shares in self.shares.items() if shares}


def _halves(amount: int) -> tuple[int, int]:
    return amount - amount // 2, amount // 2
