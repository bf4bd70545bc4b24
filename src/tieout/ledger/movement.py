"""A movement: one change of the books with its place in the canonical order.

Facts are merged into movements (`book`), movements are folded into positions (`fold`). Settled movements come first,
by the time and place the chain gave them; movements that are still only the venue's word come after all of those.
"""

from __future__ import annotations

from typing import Final

from tieout.ledger.facts import Side

# What a movement does to the positions. Small integers: the fold dispatches on them.
BUY: Final = 0
SELL: Final = 1
SPLIT: Final = 2
MERGE: Final = 3
REDEEM: Final = 4
EXCHANGE: Final = 5
TRANSFER_IN: Final = 6
TRANSFER_OUT: Final = 7
PAD: Final = 8
CORRECT_COST: Final = 9
CASH: Final = 10

OP_NAMES: Final = (
    "buy",
    "sell",
    "split",
    "merge",
    "redemption",
    "exchange",
    "transfer in",
    "transfer out",
    "adjustment",
    "cost correction",
    "cash",
)

PENDING: Final = 1 << 52
"""Added to the time of a movement that is not settled: it sorts after every settled one."""

LOG_BITS: Final = 24
"""Bits of a chain position that hold the log index."""

NO_CHAIN_POSITION: Final = 1 << 62

Order = tuple[int, int, str]
"""(time in ms, plus PENDING; block and log index, or NO_CHAIN_POSITION; the movement's key)."""

Leg = tuple[str, int]
"""(token id, micro-shares)."""


def op_of(side: Side) -> int:
    """BUY or SELL."""
    return BUY if side is Side.BUY else SELL


def chain_position(block: int, log_index: int) -> int:
    """A number that sorts by block, then log index; NO_CHAIN_POSITION where the source gives no log index."""
    if log_index < 0:
        return NO_CHAIN_POSITION
    return block << LOG_BITS | log_index


def block_of(position: int) -> int:
    """The block of a chain position that is one."""
    return position >> LOG_BITS


class Movement:
    """One change of positions and collateral. Amounts in micro-units, from the wallet's view.

    `key` names the event it stands for and is unique in the wallet. `collateral` is the unsigned amount paid or
    received before fees. `legs` holds the tokens of an event that touches several: for an exchange the tokens given,
    with `gained` the tokens taken. `order` is its place in the canonical order.
    """

    __slots__ = (
        "collateral",
        "condition_id",
        "fee",
        "key",
        "op",
        "order",
        "order_id",
        "role",
        "shares",
        "status",
        "token_id",
        "tx_hash",
    )

    # What only a WideMovement can set; a plain fill has none of it, and there are very many fills.
    legs: tuple[Leg, ...] = ()
    gained: tuple[Leg, ...] = ()
    causes: tuple[str, ...] = ()

    def __init__(self, key: str, op: int, order: Order, token_id: str, shares: int, collateral: int) -> None:
        self.key = key
        self.op = op
        self.order = order
        self.token_id = token_id
        self.shares = shares
        self.collateral = collateral
        self.fee: int = 0
        self.tx_hash: str = ""
        self.order_id: str = ""
        self.condition_id: str = ""
        self.status: str = ""
        self.role: str = ""

    def same_as(self, other: Movement) -> bool:
        """Whether *other* would fold to the same and show the same."""
        return (
            self.order == other.order
            and self.shares == other.shares
            and self.collateral == other.collateral
            and self.fee == other.fee
            and self.token_id == other.token_id
            and self.op == other.op
            and self.status == other.status
            and self.tx_hash == other.tx_hash
            and self.legs == other.legs
            and self.gained == other.gained
            and self.condition_id == other.condition_id
            and self.role == other.role
            and self.causes == other.causes
        )

    def share_changes(self) -> list[Leg]:
        """(token id, signed shares) of every token it moves, as far as it is known before folding."""
        op = self.op
        if op == BUY or op == TRANSFER_IN:
            return [(self.token_id, self.shares)]
        if op == SELL or op == TRANSFER_OUT:
            return [(self.token_id, -self.shares)]
        if op == SPLIT:
            return [(token, self.shares) for token, _ in self.legs]
        if op == MERGE:
            return [(token, -self.shares) for token, _ in self.legs]
        if op == REDEEM:
            return [(token, -shares) for token, shares in self.legs if shares >= 0]
        if op == EXCHANGE:
            return [(t, -s) for t, s in self.legs] + [(t, s) for t, s in self.gained]
        return []

    def cash(self) -> int:
        """Signed collateral: received less paid, after fees."""
        op = self.op
        if op == BUY or op == SPLIT:
            return -self.collateral - self.fee
        if op in (TRANSFER_IN, TRANSFER_OUT, PAD, CORRECT_COST):
            return 0
        return self.collateral - self.fee

    def fee_paid(self) -> int:
        """The fee as far as it is part of `cash`."""
        return 0 if self.op in (TRANSFER_IN, TRANSFER_OUT, PAD, CORRECT_COST) else self.fee

    def tokens(self) -> list[str]:
        """Every token it touches."""
        if self.legs or self.gained:
            return [t for t, _ in self.legs] + [t for t, _ in self.gained]
        return [self.token_id] if self.token_id else []


class WideMovement(Movement):
    """A movement of several tokens, or one with a stated cause."""

    __slots__ = ("causes", "gained", "legs")

    def __init__(self, key: str, op: int, order: Order, token_id: str, shares: int, collateral: int) -> None:
        super().__init__(key, op, order, token_id, shares, collateral)
        self.legs: tuple[Leg, ...] = ()
        self.gained: tuple[Leg, ...] = ()
        self.causes: tuple[str, ...] = ()
