"""The fold: movements in canonical order, applied to positions. Pure, exact, and the only place that does it."""

from __future__ import annotations

from tieout.ledger.movement import (
    BUY,
    CASH,
    CORRECT_COST,
    EXCHANGE,
    MERGE,
    PAD,
    REDEEM,
    SELL,
    SPLIT,
    TRANSFER_IN,
    TRANSFER_OUT,
    Movement,
)
from tieout.ledger.position import Position, Positions, position_of
from tieout.ledger.redemption import Payouts, redeem


def fold(positions: Positions, movements: list[Movement], start: int, stop: int, payouts: Payouts) -> None:
    """Apply movements[start:stop], which are in canonical order, to *positions*."""
    for index in range(start, stop):
        movement = movements[index]
        op = movement.op
        if op == BUY:
            position = positions.get(movement.token_id)
            if position is None:
                position = position_of(positions, movement.token_id)
            collateral = movement.collateral
            position.shares += movement.shares
            position.cost += collateral
            position.bought += collateral
            position.fees += movement.fee
        elif op == SELL:
            position = position_of(positions, movement.token_id)
            position.dispose(movement.shares, movement.collateral)
            position.fees += movement.fee
        else:
            apply_rare(positions, movement, payouts)


def apply_rare(positions: Positions, movement: Movement, payouts: Payouts) -> None:
    """Everything that is not a plain buy or sell."""
    op = movement.op
    if op == SPLIT or op == MERGE:
        _split_or_merge(positions, movement)
    elif op == REDEEM:
        redeem(positions, movement, payouts)
    elif op == EXCHANGE:
        _exchange(positions, movement)
    elif op == TRANSFER_IN:
        position_of(positions, movement.token_id).acquire(movement.shares, movement.collateral)
    elif op == TRANSFER_OUT:
        position_of(positions, movement.token_id).release(movement.shares)
    elif op == PAD:
        _pad(position_of(positions, movement.token_id), movement.shares)
    elif op == CORRECT_COST:
        _correct_cost(position_of(positions, movement.token_id), movement.collateral)
    elif op != CASH:
        raise AssertionError(f"expected a known movement, was op {op}")


def shares_of_collateral(amount: int, legs: int) -> list[int]:
    """*amount* divided over *legs* outcomes, floor each; the remainder goes to the first.

    A split and a merge use the same division, so that splitting and merging the same amount is free of profit.
    """
    each = amount // legs
    return [amount - each * (legs - 1)] + [each] * (legs - 1)


def _split_or_merge(positions: Positions, movement: Movement) -> None:
    parts = shares_of_collateral(movement.collateral, len(movement.legs))
    for (token_id, _), part in zip(movement.legs, parts, strict=True):
        position = position_of(positions, token_id)
        if movement.op == SPLIT:
            position.acquire(movement.shares, part)
        else:
            position.dispose(movement.shares, part)


def _exchange(positions: Positions, movement: Movement) -> None:
    """Tokens given for tokens taken and collateral: cost is carried over, less the collateral received."""
    carried = 0
    first: Position | None = None
    for token_id, shares in movement.legs:
        position = position_of(positions, token_id)
        first = first or position
        carried += position.release(shares)
    profit = movement.collateral - carried
    cost = 0 if profit > 0 else -profit
    if first is not None and (profit > 0 or not movement.gained):
        first.realize(profit)
    if not movement.gained:
        return
    each = cost // len(movement.gained)
    part = cost - each * (len(movement.gained) - 1)
    for token_id, shares in movement.gained:
        position_of(positions, token_id).acquire(shares, part)
        part = each


def _pad(position: Position, stated: int) -> None:
    """Bring the holding to *stated*: what is missing comes at no cost, what is over leaves with its cost."""
    if stated > position.shares:
        position.acquire(stated - position.shares, 0)
    elif stated < position.shares:
        position.release(position.shares - stated)


def _correct_cost(position: Position, amount: int) -> None:
    """Add *amount* to the cost basis; it never goes below zero, nor above zero where nothing is held (C3, C4)."""
    if position.shares == 0:
        return
    change = max(amount, -position.cost)
    position.cost += change
    position.bought += change
