"""Histories for the benchmarks: what a market maker's wallet hears, as facts and as the venue's bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tieout.ledger.facts import AnyFact, FillObserved, MatchClaimed, OrderPlaced, Role, Side

WALLET = "0x" + "a1" * 20
OWNER = "00000000-0000-0000-0000-00000000000a"
STATUSES = ("MATCHED", "MINED", "CONFIRMED")
START_MS = 1_780_000_000_000
PENDING_FACTS = 400
"""Facts between two statuses of a trade, about what 5 to 10 s of a busy wallet bring."""


def facts(count: int, positions: int, seed: int = 1) -> list[AnyFact]:
    """Orders of three fills: placed, claimed, and every fill MATCHED, MINED and CONFIRMED, interleaved."""
    waiting: list[tuple[int, int, AnyFact]] = []
    for number, (due, fact) in enumerate(_timed(count, positions, seed)):
        waiting.append((due, number, fact))
        if len(waiting) >= count:
            break
    waiting.sort(key=lambda item: item[:2])
    return [fact for _, _, fact in waiting]


def _timed(count: int, positions: int, seed: int) -> Iterator[tuple[int, AnyFact]]:
    rng = random.Random(seed)
    fills_of = [0] * positions
    due = 0
    for number in range(count):
        token = rng.randrange(positions)
        nth = fills_of[token]
        fills_of[token] += 1
        side = Side.BUY if (nth // 3) % 2 == 0 or rng.random() < 0.2 else Side.SELL
        at = START_MS + number * 500
        common = {
            "order_id": f"0x{(token + 1) * 10_000_000 + nth // 3:064x}",
            "token_id": str(10**76 + token),
            "condition_id": f"0x{token // 2 + 1:064x}",
        }
        if nth % 3 == 0:
            due += 1
            yield (
                due,
                OrderPlaced(side=side, price=500_000, size=9_000_000, order_type="GTC", occurred_at_ms=at, **common),
            )
        due += 1
        yield due, MatchClaimed(size_matched=3_000_000 * (nth % 3 + 1), observed_at_ms=at, **common)
        for step, status in enumerate(STATUSES):
            yield (
                due + step * PENDING_FACTS,
                FillObserved(
                    trade_id=f"{number:08x}-0000-4000-8000-000000000000",
                    side=side,
                    shares=3_000_000,
                    collateral=1_500_000 - number % 7,
                    fee=0,
                    role=Role.MAKER,
                    status=status,
                    tx_hash=f"0x{number + 1:064x}" if step else "",
                    occurred_at_ms=at // 1000 * 1000,
                    **common,
                ),
            )
            due += 1


def wire(fact: AnyFact) -> dict[str, object]:
    """The user channel's message that says *fact*."""
    if isinstance(fact, FillObserved):
        return {
            "event_type": "trade",
            "type": "TRADE",
            "id": fact.trade_id,
            "taker_order_id": "0x" + "ee" * 32,
            "market": fact.condition_id,
            "asset_id": fact.token_id,
            "side": "SELL" if fact.side is Side.BUY else "BUY",
            "size": "3",
            "price": "0.5",
            "fee_rate_bps": "0",
            "status": fact.status,
            "match_time": str(fact.occurred_at_ms // 1000),
            "last_update": str(fact.occurred_at_ms // 1000),
            "outcome": "Yes",
            "owner": "00000000-0000-0000-0000-00000000000b",
            "trade_owner": "00000000-0000-0000-0000-00000000000b",
            "maker_address": "0x" + "b2" * 20,
            "transaction_hash": fact.tx_hash or None,
            "bucket_index": 0,
            "trader_side": "MAKER",
            "timestamp": str(fact.occurred_at_ms),
            "maker_orders": [
                {
                    "order_id": fact.order_id,
                    "owner": OWNER,
                    "maker_address": WALLET,
                    "matched_amount": "3",
                    "price": "0.5",
                    "fee_rate_bps": "0",
                    "asset_id": fact.token_id,
                    "outcome": "Yes",
                    "side": fact.side.value,
                }
            ],
        }
    order = fact
    matched = order.size_matched if isinstance(order, MatchClaimed) else 0
    return {
        "event_type": "order",
        "type": "UPDATE" if matched else "PLACEMENT",
        "id": order.order_id,
        "owner": OWNER,
        "order_owner": OWNER,
        "market": order.condition_id,
        "asset_id": order.token_id,
        "side": "BUY",
        "original_size": "9",
        "size_matched": str(matched // 1_000_000),
        "price": "0.5",
        "associate_trades": None,
        "outcome": "Yes",
        "created_at": str(START_MS // 1000),
        "expiration": "0",
        "order_type": "GTC",
        "status": "LIVE",
        "maker_address": WALLET,
        "timestamp": str(getattr(order, "observed_at_ms", 0) or order.occurred_at_ms),
    }
