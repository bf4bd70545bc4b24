"""Events without an order: splits, merges, redemptions, conversions, migrations, transfers, cash flows.

One event may be told by a chain log and by a Data API row. They are kept together by (kind, transaction, condition);
where there are logs, the rows explain nothing more and are only a cross-check.
"""

from __future__ import annotations

import msgspec

from tieout.ledger.evidence import TxEvidence
from tieout.ledger.facts import (
    CashFlowed,
    ChainFact,
    Flow,
    PayoutRedeemed,
    PositionMigrated,
    PositionsConverted,
    PositionsMerged,
    PositionSplit,
    TokensTransferred,
)
from tieout.ledger.movement import (
    CASH,
    EXCHANGE,
    MERGE,
    REDEEM,
    SPLIT,
    TRANSFER_IN,
    TRANSFER_OUT,
    WideMovement,
    chain_position,
)
from tieout.ledger.registry import Registry

_TURNED = (Flow.WRAP, Flow.UNWRAP)
_NAMELESS = (Flow.DEPOSIT, Flow.WITHDRAWAL, Flow.OTHER)
"""What the chain calls a flow of which it only shows the transfer."""

EventFact = (
    PositionSplit
    | PositionsMerged
    | PayoutRedeemed
    | PositionsConverted
    | PositionMigrated
    | TokensTransferred
    | CashFlowed
)


def event_key(fact: EventFact) -> str:
    """What ties a log and a row of the same event together: kind, transaction and condition (or market, token)."""
    if isinstance(fact, CashFlowed):
        # The chain knows most flows only as a transfer; a row of the same transaction says what it was.
        return f"{fact.flow.value.lower() if fact.flow in _TURNED else 'flow'}/{fact.tx_hash}/"
    if isinstance(fact, PositionsConverted):
        return f"conversion/{fact.tx_hash}/{fact.market_id}"
    if isinstance(fact, TokensTransferred):
        return f"transfer/{fact.tx_hash}/{fact.token_id}"
    return f"{fact.__struct_config__.tag}/{fact.tx_hash}/{fact.condition_id}"


class EventRecord:
    """All evidence of one event: logs by log index (the highest version wins), rows by what they say."""

    __slots__ = ("key", "keys", "logs", "rows", "tx_hash")

    def __init__(self, key: str, tx_hash: str) -> None:
        self.key = key
        self.tx_hash = tx_hash
        self.logs: dict[int, EventFact] = {}
        self.rows: dict[str, EventFact] = {}
        self.keys: list[str] = []
        """Keys of the movements that stand for it now."""

    def merge(self, fact: EventFact) -> bool:
        """Take in *fact*; returns whether it said anything new."""
        if fact.log_index < 0:
            name = _row_name(fact)
            known = self.rows.get(name)
            if known is not None and fact.occurred_at_ms <= known.occurred_at_ms:
                return False
            self.rows[name] = fact
            return True
        log = self.logs.get(fact.log_index)
        if log is not None and _version(fact) <= _version(log):
            return False
        self.logs[fact.log_index] = fact
        return True

    def standing(self) -> list[tuple[str, EventFact]]:
        """(movement key, fact) of what the books follow: the logs that stand, else the rows."""
        rows = [(f"{self._key_of(fact)}/{name}", fact) for name, fact in sorted(self.rows.items()) if not fact.removed]
        logs = [fact for _, fact in sorted(self.logs.items()) if not fact.removed]
        named = _named(logs, [fact for _, fact in rows])
        return [(f"{self._key_of(fact)}/{fact.log_index}", fact) for fact in named] or rows

    def _key_of(self, fact: EventFact) -> str:
        """The event's key; of a flow with its name, which its evidence may change."""
        return f"{fact.flow.value.lower()}/{self.tx_hash}/" if isinstance(fact, CashFlowed) else self.key


def flow_of(key: str) -> Flow:
    """Why collateral moved in a movement of collateral alone, by its *key*; OTHER where that names no flow."""
    name = key.partition("/")[0].upper()
    return Flow(name) if name in Flow.__members__ else Flow.OTHER


def _named(logs: list[EventFact], rows: list[EventFact]) -> list[EventFact]:
    """*logs*, the flows that are only transfers called what *rows* call them: by amount, else as the only one."""
    named: list[EventFact] = []
    left = [row for row in rows if isinstance(row, CashFlowed) and row.flow not in _NAMELESS]
    nameless = sum(isinstance(log, CashFlowed) and log.flow in _NAMELESS for log in logs)
    for log in logs:
        if isinstance(log, CashFlowed) and log.flow in _NAMELESS:
            alone = left if nameless == len(left) == 1 and left[0].amount * log.amount > 0 else []
            row = next((row for row in left if row.amount == log.amount), alone[0] if alone else None)
            if row is not None:
                left.remove(row)
                log = msgspec.structs.replace(log, flow=row.flow, condition_id=row.condition_id)
        named.append(log)
    return named


def _version(fact: ChainFact) -> tuple[int, bool, str]:
    return (fact.version, fact.removed, repr(fact))


def _row_name(fact: EventFact) -> str:
    if isinstance(fact, PayoutRedeemed):
        return f"row-{fact.token_id}-{fact.shares}-{fact.payout}"
    if isinstance(fact, TokensTransferred):
        return f"row-{fact.shares}"
    if isinstance(fact, PositionsConverted):
        return f"row-{fact.collateral}"
    if isinstance(fact, CashFlowed):
        return f"row-{fact.flow.value.lower()}-{fact.amount}"
    return f"row-{fact.amount}"


def movement_of(key: str, fact: EventFact, registry: Registry, evidence: TxEvidence | None) -> WideMovement:
    """The movement that *fact* is, with what transfers and stated costs of its transaction (*evidence*) add."""
    order = (fact.occurred_at_ms, chain_position(fact.block, fact.log_index), key)
    movement = _build(key, order, fact, registry, evidence.moved() if evidence is not None else {})
    if movement.op == TRANSFER_IN and evidence is not None and movement.causes == ("cost:zero",):
        evidence.state_cost(movement)
    movement.tx_hash = fact.tx_hash
    movement.status = "SETTLED" if fact.log_index >= 0 else "REPORTED"
    return movement


def _build(
    key: str, order: tuple[int, int, str], fact: EventFact, registry: Registry, moved: dict[str, int]
) -> WideMovement:
    if isinstance(fact, PositionSplit | PositionsMerged):
        op = SPLIT if isinstance(fact, PositionSplit) else MERGE
        movement = WideMovement(key, op, order, "", fact.amount, fact.amount)
        movement.legs = tuple((token, fact.amount) for token in registry.tokens(fact.condition_id, fact.ledger))
        movement.condition_id = fact.condition_id
    elif isinstance(fact, PayoutRedeemed):
        movement = WideMovement(key, REDEEM, order, fact.token_id, 0, fact.payout)
        movement.legs = _redeemed_legs(fact, registry, moved)
        movement.condition_id = fact.condition_id
    elif isinstance(fact, PositionsConverted):
        op = EXCHANGE if fact.burned else CASH
        movement = WideMovement(key, op, order, "", 0, fact.collateral)
        movement.legs, movement.gained = fact.burned, fact.minted
    elif isinstance(fact, PositionMigrated):
        old = fact.from_token_id or registry.tokens(fact.condition_id, "ctf")[fact.outcome_index]
        movement = WideMovement(key, EXCHANGE, order, "", fact.amount, 0)
        movement.legs, movement.gained = ((old, fact.amount),), ((fact.to_token_id, fact.amount),)
        movement.condition_id = fact.condition_id
    elif isinstance(fact, TokensTransferred):
        op = TRANSFER_IN if fact.shares > 0 else TRANSFER_OUT
        cost = fact.cost if fact.shares > 0 else 0
        movement = WideMovement(key, op, order, fact.token_id, abs(fact.shares), cost)
        movement.causes = (f"cost:{fact.cost_policy}",) if fact.shares > 0 else ()
    else:
        movement = WideMovement(key, CASH, order, "", fact.turned, fact.amount)
        movement.condition_id = fact.condition_id
    return movement


def _redeemed_legs(fact: PayoutRedeemed, registry: Registry, moved: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Tokens and quantities that a redemption takes: named, or seen leaving in its transaction, or (-1) all held."""
    if fact.token_id:
        return ((fact.token_id, -1 if fact.shares is None else fact.shares),)
    tokens = registry.tokens(fact.condition_id, fact.ledger)
    if fact.amounts:
        return tuple(zip(tokens, fact.amounts, strict=False))
    if any(moved.get(token, 0) < 0 for token in tokens):
        return tuple((token, max(0, -moved.get(token, 0))) for token in tokens)
    return tuple((token, -1) for token in tokens)
