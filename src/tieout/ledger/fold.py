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
from tieout.ledger.position import Position

Positions = dict[str, Position]
Payouts = dict[str, tuple[int, int]]
"""Token id -> (its payout numerator, the sum of the numerators) of its resolved condition."""


def position_of(positions: Positions, token_id: str) -> Position:
    """The position of *token_id*, new when there is none."""
    position = positions.get(token_id)
    if position is None:
        position = Position(token_id)
        positions[token_id] = position
    return position


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
        _redeem(positions, movement, payouts)
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


def _redeem(positions: Positions, movement: Movement, payouts: Payouts) -> None:
    """Legs with shares -1 leave whole. The total payout is divided as `divide_payout` says."""
    quantities = [_held(positions, token_id) if shares < 0 else shares for token_id, shares in movement.legs]
    if len(quantities) > 1 and sum(quantities) == 0:
        # Nothing held of any outcome: which token paid cannot be told, so none is named.
        if movement.collateral:
            _unexplained_payout(position_of(positions, movement.condition_id + "#?"), movement.collateral)
        return
    held = [position_of(positions, token_id) for token_id, _ in movement.legs]
    if len(held) == 1:
        parts = [movement.collateral]
    else:
        parts = divide_payout(movement.collateral, quantities, [payouts.get(p.token_id) for p in held])
    for position, quantity, part in zip(held, quantities, parts, strict=True):
        if quantity == 0:
            _unexplained_payout(position, part)
        else:
            position.dispose(quantity, part)


def _held(positions: Positions, token_id: str) -> int:
    position = positions.get(token_id)
    return position.shares if position is not None else 0


def _unexplained_payout(position: Position, payout: int) -> None:
    """The payout of shares that the books never saw: the amount is known, their number and cost are not."""
    position.sold += payout
    position.unexplained_proceeds += payout


def divide_payout(payout: int, quantities: list[int], vector: list[tuple[int, int] | None]) -> list[int]:
    """The part of *payout* that belongs to each leg.

    By the payout vector where it is known (floor each, what is left over to the largest); else all to the one leg
    whose quantity is the payout (the winner); else by quantity (floor each, the remainder to the last leg that has
    any).
    """
    if all(numerator is not None for numerator in vector):
        parts = [q * v[0] // v[1] for q, v in zip(quantities, vector, strict=True) if v is not None]
        largest = parts.index(max(parts)) if any(parts) else _largest_numerator(vector)
        parts[largest] += payout - sum(parts)
        return parts
    if quantities.count(payout) == 1:
        return [payout if q == payout else 0 for q in quantities]
    total = sum(quantities)
    parts = [payout * q // total for q in quantities]
    last = max(i for i, q in enumerate(quantities) if q)
    parts[last] += payout - sum(parts)
    return parts


def _largest_numerator(vector: list[tuple[int, int] | None]) -> int:
    numerators = [v[0] if v is not None else 0 for v in vector]
    return numerators.index(max(numerators))


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
