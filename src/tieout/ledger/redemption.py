"""Redemptions: resolved tokens for their payout, also where the source tells only the total.

A share pays at most 1. A redemption of "all that is held" which paid more than that took shares that the books never
saw arrive; how many, of which outcome and at what cost cannot be told. Then the shares held leave with their cost, and
what was paid beyond it is unexplained: no profit is made of what was never bought.
"""

from __future__ import annotations

from tieout.ledger.movement import Movement
from tieout.ledger.position import Positions, position_of

Payouts = dict[str, tuple[int, int]]
"""Token id -> (its payout numerator, the sum of the numerators) of its resolved condition."""


def redeem(positions: Positions, movement: Movement, payouts: Payouts) -> None:
    """Legs with shares -1 leave whole. The total payout is divided as `divide_payout` says."""
    payout = movement.collateral
    quantities = [_held(positions, token_id) if shares < 0 else shares for token_id, shares in movement.legs]
    vector = [payouts.get(token_id) for token_id, _ in movement.legs]
    is_whole = any(shares < 0 for _, shares in movement.legs)
    if is_whole and payout > _payable(quantities, vector):
        _redeem_more_than_seen(positions, movement, quantities, vector)
        return
    parts = [payout] if len(quantities) == 1 else divide_payout(payout, quantities, vector)
    for (token_id, _), quantity, part in zip(movement.legs, quantities, parts, strict=True):
        if quantity:
            position_of(positions, token_id).dispose(quantity, part)
        elif part:
            _unexplained(positions, token_id, part)


def _payable(quantities: list[int], vector: list[tuple[int, int] | None]) -> int:
    """The most that *quantities* can have paid: by the payout vector, a micro-unit a leg more for its rounding."""
    if any(payout is None for payout in vector):
        return sum(quantities)
    return sum(_by_vector(quantities, vector)) + len(quantities)


def _by_vector(quantities: list[int], vector: list[tuple[int, int] | None]) -> list[int]:
    return [q * v[0] // v[1] for q, v in zip(quantities, vector, strict=True) if v is not None]


def _redeem_more_than_seen(
    positions: Positions, movement: Movement, quantities: list[int], vector: list[tuple[int, int] | None]
) -> None:
    explained = 0
    known = _by_vector(quantities, vector)
    for index, ((token_id, _), quantity) in enumerate(zip(movement.legs, quantities, strict=True)):
        if not quantity:
            continue
        position = position_of(positions, token_id)
        if len(known) == len(quantities):
            position.dispose(quantity, known[index])
            explained += known[index]
        elif explained + position.cost <= movement.collateral:
            explained += position.release(quantity)
        else:
            position.dispose(quantity, 0)
    rest = movement.collateral - explained
    if rest:
        _unexplained(positions, movement.condition_id + "#?", rest)


def _held(positions: Positions, token_id: str) -> int:
    position = positions.get(token_id)
    return position.shares if position is not None else 0


def _unexplained(positions: Positions, token_id: str, payout: int) -> None:
    """The payout of shares that the books never saw: the amount is known, their number and cost are not."""
    position = position_of(positions, token_id)
    position.sold += payout
    position.unexplained_proceeds += payout


def divide_payout(payout: int, quantities: list[int], vector: list[tuple[int, int] | None]) -> list[int]:
    """The part of *payout* that belongs to each leg.

    By the payout vector where it is known (floor each, what is left over to the largest, the first of equals); else all
    to the one leg whose quantity is the payout (the winner); else by quantity (floor each, the remainder to the last
    leg that has any).
    """
    if all(numerator is not None for numerator in vector):
        parts = _by_vector(quantities, vector)
        parts[parts.index(max(parts))] += payout - sum(parts)
        return parts
    if quantities.count(payout) == 1:
        return [payout if q == payout else 0 for q in quantities]
    total = sum(quantities)
    if total == 0:
        # Then nothing was paid either: more than that is not divided here.
        return [0] * len(quantities)
    parts = [payout * q // total for q in quantities]
    last = max(i for i, q in enumerate(quantities) if q)
    parts[last] += payout - sum(parts)
    return parts
