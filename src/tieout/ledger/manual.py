"""Movements of the entries that people and jobs make: manual entries and adjustments to a statement."""

from __future__ import annotations

from collections.abc import Mapping

from tieout.ledger.facts import Act, AdjustmentInferred, ManualEntry
from tieout.ledger.movement import (
    BUY,
    CASH,
    CORRECT_COST,
    MERGE,
    NO_CHAIN_POSITION,
    PAD,
    SELL,
    SPLIT,
    TRANSFER_IN,
    TRANSFER_OUT,
    Movement,
    WideMovement,
)


def adjustment_movement(key: str, fact: AdjustmentInferred) -> Movement:
    """The movement that pads the holding to what the statement says."""
    order = (fact.occurred_at_ms, NO_CHAIN_POSITION, key)
    movement = WideMovement(key, PAD, order, fact.token_id, fact.shares, 0)
    movement.condition_id = fact.condition_id
    movement.status = "INFERRED"
    movement.causes = (f"cause:{fact.cause}",)
    return movement


def manual_movements(entries: Mapping[str, ManualEntry]) -> dict[str, Movement]:
    """The movements of every entry that stands, by key.

    An entry that reverses another has no effect of its own; it takes the other's effect away, unless it is itself
    reversed.
    """
    movements: dict[str, Movement] = {}
    gone = reversals(entries)
    for entry_id, entry in entries.items():
        if entry_id not in gone and not entry.reverses:
            for movement in _movements(entry):
                movements[movement.key] = movement
    return movements


def reversals(entries: Mapping[str, ManualEntry]) -> dict[str, str]:
    """Entry -> the standing entry that takes its effect away (the first by id, where there are several).

    Judged from the last reversal of each chain back to its entry, whatever the times say. Entries that reverse each
    other in a circle have no effect to take away and are left out.
    """
    waiting = dict.fromkeys(entries, 0)
    for entry in entries.values():
        if entry.reverses in waiting:
            waiting[entry.reverses] += 1
    gone: dict[str, str] = {}
    judged = [entry_id for entry_id, reversers in waiting.items() if not reversers]
    while judged:
        entry_id = judged.pop()
        target = entries[entry_id].reverses
        if target not in waiting:
            continue
        if entry_id not in gone:
            gone[target] = min(entry_id, gone.get(target, entry_id))
        waiting[target] -= 1
        if not waiting[target]:
            judged.append(target)
    return gone


def tokens_of(entry: ManualEntry) -> tuple[str, ...]:
    """Every token the entry names."""
    return tuple(token_id for token_id in (entry.token_id, *entry.legs) if token_id)


def _movements(entry: ManualEntry) -> list[WideMovement]:
    key = f"manual/{entry.entry_id}"
    order = (entry.occurred_at_ms, NO_CHAIN_POSITION, key)
    found: list[WideMovement] = []
    if entry.act in (Act.SPLIT, Act.MERGE):
        found.append(_full_set(key, order, entry))
    elif entry.act is Act.TRANSFER:
        found.append(_transfer(key, order, entry))
    elif entry.shares > 0:
        found.append(WideMovement(key, BUY, order, entry.token_id, entry.shares, -entry.collateral))
    elif entry.shares < 0:
        found.append(WideMovement(key, SELL, order, entry.token_id, -entry.shares, entry.collateral))
    elif entry.collateral:
        found.append(WideMovement(key, CASH, order, "", 0, entry.collateral))
    if found:
        found[0].fee = entry.fee
    if entry.cost_correction:
        cost_key = f"{key}/cost"
        cost_order = (entry.occurred_at_ms, NO_CHAIN_POSITION, cost_key)
        found.append(WideMovement(cost_key, CORRECT_COST, cost_order, entry.token_id, 0, entry.cost_correction))
    for movement in found:
        movement.condition_id = entry.condition_id
        movement.tx_hash = entry.tx_hash
        movement.status = "MANUAL"
        movement.causes = (*movement.causes, f"who:{entry.who}", f"why:{entry.why}")
    return found


def _full_set(key: str, order: tuple[int, int, str], entry: ManualEntry) -> WideMovement:
    """A share of every outcome for one of collateral, or back."""
    amount = abs(entry.shares)
    movement = WideMovement(key, SPLIT if entry.act is Act.SPLIT else MERGE, order, "", amount, amount)
    movement.legs = tuple((token_id, amount) for token_id in entry.legs)
    return movement


def _transfer(key: str, order: tuple[int, int, str], entry: ManualEntry) -> WideMovement:
    if entry.shares < 0:
        return WideMovement(key, TRANSFER_OUT, order, entry.token_id, -entry.shares, 0)
    movement = WideMovement(key, TRANSFER_IN, order, entry.token_id, entry.shares, entry.cost)
    movement.causes = (f"cost:{entry.cost_policy or 'zero'}",)
    return movement
