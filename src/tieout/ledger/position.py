"""A position: shares of one outcome token and the collateral still tied up in them.

Worked example (amounts in whole units)::

    buy  3 for 1.00      shares 3  cost 1.00
    sell 1 for 0.40      removes floor(1.00 x 1 / 3) = 0.333333, realizes +0.066667
                         shares 2  cost 0.666667   (the rounding remainder stays with the shares)

Cost in always equals cost out plus cost held, to the micro-unit; selling everything removes all of it.
"""

from __future__ import annotations


class Position:
    """Running state of one outcome token. All amounts in micro-units.

    Invariant C2, exact after every step: bought - sold == cost - realized - unexplained_proceeds.
    """

    __slots__ = (
        "bought",
        "cost",
        "fees",
        "realized",
        "shares",
        "sold",
        "token_id",
        "unexplained_proceeds",
        "unexplained_shares",
    )

    def __init__(self, token_id: str) -> None:
        self.token_id = token_id
        self.shares: int = 0
        self.cost: int = 0
        """Cost basis of the shares held, before fees."""
        self.realized: int = 0
        """Proceeds less cost removed, before fees."""
        self.fees: int = 0
        self.bought: int = 0
        """Value taken in: collateral paid, cost carried in."""
        self.sold: int = 0
        """Value given out: collateral received, cost carried out."""
        self.unexplained_shares: int = 0
        """Shares that left without the books having seen them arrive (a history that starts in the middle)."""
        self.unexplained_proceeds: int = 0
        """Collateral received for those shares: neither profit nor loss can be told."""

    def acquire(self, shares: int, cost: int) -> None:
        """Take in *shares* at a total *cost*."""
        self.shares += shares
        self.cost += cost
        self.bought += cost

    def dispose(self, shares: int, proceeds: int) -> int:
        """Give out *shares* for *proceeds*; returns the cost removed, rounded down (see the module's example).

        Where fewer shares are held, only the held part realizes: its proceeds are floor(proceeds x held / shares),
        the rest is unexplained. Nothing goes below zero and nothing is invented.
        """
        held = self.shares
        self.sold += proceeds
        if shares < held:
            removed = self.cost * shares // held
            self.shares = held - shares
            self.cost -= removed
            self.realized += proceeds - removed
            return removed
        removed = self.cost
        explained = proceeds if shares == held else proceeds * held // shares
        self.shares = 0
        self.cost = 0
        self.realized += explained - removed
        self.unexplained_shares += shares - held
        self.unexplained_proceeds += proceeds - explained
        return removed

    def release(self, shares: int) -> int:
        """Give out *shares* with their cost and no profit; returns the cost that goes with them, rounded down."""
        held = self.shares
        if shares < held:
            removed = self.cost * shares // held
            self.shares = held - shares
            self.cost -= removed
        else:
            removed = self.cost
            self.shares = 0
            self.cost = 0
            self.unexplained_shares += shares - held
        self.sold += removed
        return removed

    def realize(self, amount: int) -> None:
        """Book *amount* of collateral received as profit with no shares leaving."""
        self.realized += amount
        self.sold += amount

    def as_tuple(self) -> tuple[int, int, int, int, int, int, int, int]:
        """The amounts, in the order `restore` takes them."""
        return (
            self.shares,
            self.cost,
            self.realized,
            self.fees,
            self.bought,
            self.sold,
            self.unexplained_shares,
            self.unexplained_proceeds,
        )

    def restore(self, amounts: tuple[int, int, int, int, int, int, int, int]) -> None:
        """Set every amount as `as_tuple` gave it."""
        (
            self.shares,
            self.cost,
            self.realized,
            self.fees,
            self.bought,
            self.sold,
            self.unexplained_shares,
            self.unexplained_proceeds,
        ) = amounts


Positions = dict[str, Position]
"""By token id."""


def position_of(positions: Positions, token_id: str) -> Position:
    """The position of *token_id*, new when there is none."""
    position = positions.get(token_id)
    if position is None:
        position = Position(token_id)
        positions[token_id] = position
    return position
