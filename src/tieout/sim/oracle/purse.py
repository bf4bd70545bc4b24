"""Average cost, by another formula than the books': what stays is rounded up.

The rule (decision 6): a token's cost is one total; what leaves takes floor(cost x shares / held). So of what stays the
cost is ceil(cost x left / held), and here it is computed so. Fees are apart. Amounts are micro-units.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from tieout.sim.model import Side
from tieout.sim.oracle.deeds import Deed, Exchange, Fill, FullSet, Gift, Redemption


@dataclass(slots=True)
class Token:
    """One outcome token of a wallet: shares, their cost, profit before fees, fees."""

    shares: int = 0
    cost: int = 0
    realized: int = 0
    fees: int = 0

    def come(self, shares: int, cost: int) -> None:
        """Shares arrive at a cost."""
        self.shares += shares
        self.cost += cost

    def go(self, shares: int) -> int:
        """Shares leave; the cost that goes with them. Raises AssertionError when fewer are held."""
        if shares > self.shares:
            raise AssertionError(f"expected {shares} micro-shares or more, was {self.shares}")
        left = self.shares - shares
        kept = ceil(Fraction(self.cost) * Fraction(left, self.shares)) if left else 0
        gone, self.shares, self.cost = self.cost - kept, left, kept
        return gone


class Purse:
    """The tokens of a wallet by id."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}

    def __getitem__(self, token: str) -> Token:
        return self.tokens.setdefault(token, Token())

    def take(self, deeds: Iterable[Deed]) -> None:
        """Live through *deeds* in their order."""
        for deed in deeds:
            if isinstance(deed, Fill):
                self._fill(deed)
            elif isinstance(deed, FullSet):
                self._full_set(deed)
            elif isinstance(deed, Redemption):
                token = self[deed.token]
                token.realized += deed.payout - token.go(deed.shares)
            elif isinstance(deed, Exchange):
                self._exchange(deed)
            elif isinstance(deed, Gift):
                # What comes as a gift costs nothing; what is given away takes its cost along.
                if deed.shares > 0:
                    self[deed.token].come(deed.shares, 0)
                else:
                    self[deed.token].go(-deed.shares)

    def _fill(self, fill: Fill) -> None:
        token = self[fill.token]
        token.fees += fill.fee
        if fill.side is Side.BUY:
            token.come(fill.shares, fill.cash)
        else:
            token.realized += fill.cash - token.go(fill.shares)

    def _full_set(self, deed: FullSet) -> None:
        """The collateral in two halves; the odd micro-unit belongs to the first outcome."""
        amount = abs(deed.amount)
        for name, half in zip(deed.tokens, (ceil(Fraction(amount, 2)), amount // 2), strict=True):
            token = self[name]
            if deed.amount > 0:
                token.come(amount, half)
            else:
                token.realized += half - token.go(amount)

    def _exchange(self, deed: Exchange) -> None:
        """The cost goes over, less the collateral received; more collateral than cost is profit of the first given.

        The cost is spread evenly over what is taken, what is left over to the first.
        """
        carried = sum(self[name].go(shares) for name, shares in deed.given) - deed.cash
        if carried < 0 or not deed.taken:
            self[deed.given[0][0]].realized -= carried
            carried = 0
        count = len(deed.taken)
        for place, (name, shares) in enumerate(deed.taken):
            self[name].come(shares, carried // count + (carried % count if place == 0 else 0))
