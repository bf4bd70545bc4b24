"""Movements of the entries that people and jobs make: manual entries and adjustments to a statement."""

from __future__ import annotations

from tieout.ledger.facts import AdjustmentInferred, ManualEntry
from tieout.ledger.movement import BUY, CASH, CORRECT_COST, NO_CHAIN_POSITION, PAD, SELL, Movement, WideMovement


def adjustment_movement(key: str, fact: AdjustmentInferred) -> Movement:
    """The movement that pads the holding to what the statement says."""
    order = (fact.occurred_at_ms, NO_CHAIN_POSITION, key)
    movement = WideMovement(key, PAD, order, fact.token_id, fact.shares, 0)
    movement.condition_id = fact.condition_id
    movement.status = "INFERRED"
    movement.causes = (f"cause:{fact.cause}",)
    return movement


def manual_movements(entries: dict[str, ManualEntry]) -> dict[str, Movement]:
    """The movements of every entry that stands, by key.

    An entry that reverses another has no effect of its own; it takes the other's effect away, unless it is itself
    reversed.
    """
    movements: dict[str, Movement] = {}
    gone = _reversed(entries)
    for entry_id, entry in entries.items():
        if entry_id not in gone and not entry.reverses:
            for movement in _movements(entry):
                movements[movement.key] = movement
    return movements


def _reversed(entries: dict[str, ManualEntry]) -> set[str]:
    """Ids of entries whose effect is taken away. Later entries are judged first, so that a chain of reversals ends."""
    gone: set[str] = set()
    for entry_id, entry in sorted(entries.items(), key=lambda e: (e[1].occurred_at_ms, e[0]), reverse=True):
        if entry.reverses and entry_id not in gone:
            gone.add(entry.reverses)
    return gone


def _movements(entry: ManualEntry) -> list[WideMovement]:
    key = f"manual/{entry.entry_id}"
    order = (entry.occurred_at_ms, NO_CHAIN_POSITION, key)
    found: list[WideMovement] = []
    if entry.shares > 0:
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
        movement.status = "MANUAL"
        movement.causes = (f"who:{entry.who}", f"why:{entry.why}")
    return found
