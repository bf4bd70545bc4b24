"""The causes of collateral movements: what a transaction's own facts account for, and what is left over.

pUSD and USDC.e count together, one for one: either can be turned into the other by anybody (`polymarket.md` 6.1), and
fills before 2026-04-28 were paid in USDC.e. Only a whole receipt is looked at: of some logs alone nothing could be
said to be left over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tieout.ledger.facts import (
    AnyFact,
    CashFlowed,
    ChainFact,
    CollateralMoved,
    Flow,
    OrderFilledOnChain,
    PayoutRedeemed,
    PositionsConverted,
    PositionsMerged,
    PositionSplit,
    Side,
)
from tieout.venue.addresses import P_USD, ROLE, USDC_E

_TURNING = frozenset(address for address, role in ROLE.items() if role in ("collateral", "onramp"))
"""Where coins go that are turned into the other."""


class Turned(NamedTuple):
    """A log of pUSD: micro-units of `coin` turned into the other coin, for the wallet or for somebody else."""

    coin: str
    log_index: int
    is_ours: bool
    amount: int


def caused(facts: Sequence[AnyFact]) -> int:
    """The signed collateral that *facts* of one transaction account for."""
    return sum(_cash(fact) for fact in facts)


def _cash(fact: AnyFact) -> int:
    if isinstance(fact, OrderFilledOnChain):
        return -fact.collateral - fact.fee if fact.side is Side.BUY else fact.collateral - fact.fee
    if isinstance(fact, PositionSplit):
        return -fact.amount
    if isinstance(fact, PositionsMerged | CashFlowed):
        return fact.amount
    if isinstance(fact, PayoutRedeemed):
        return fact.payout
    return fact.collateral if isinstance(fact, PositionsConverted) else 0


def flows(facts: Sequence[AnyFact], turned: Sequence[Turned]) -> list[CashFlowed]:
    """The flows that make the coin transfers among *facts* add up: a wrap or unwrap, a deposit or withdrawal.

    Their place on chain is that of a transfer they stand for; where somebody else paid for what the wallet got, and
    nothing of its own moved, that of what it got.
    """
    moves = [fact for fact in facts if isinstance(fact, CollateralMoved)]
    found = []
    rest = sum(move.amount for move in moves) - caused(facts)
    if wrapped := _own(turned, moves, USDC_E):
        found.append(_flow(Flow.WRAP, 0, wrapped, _last(moves, USDC_E)))
    if unwrapped := _own(turned, moves, P_USD):
        found.append(_flow(Flow.UNWRAP, 0, unwrapped, _last(moves, P_USD)))
    if rest:
        flow = Flow.DEPOSIT if rest > 0 else Flow.WITHDRAWAL
        same_way = [move for move in moves if move.amount * rest > 0]
        found.append(_flow(flow, rest, 0, _last(same_way or moves or [fact for fact in facts if _cash(fact)])))
    return found


def _own(turned: Sequence[Turned], moves: Sequence[CollateralMoved], coin: str) -> int:
    """What of the wallet's own *coin* became the other one of its own: the log after its transfer says whose it is.

    Adapters, and other people, turn coins for the wallet too, and the wallet may turn its coins for others.
    """
    total = 0
    for move in moves:
        if move.contract == coin and move.amount < 0 and move.counterparty in _TURNING:
            after = [each for each in turned if each.coin == coin and each.log_index > move.log_index]
            told = min(after, key=lambda each: each.log_index, default=None)
            total += min(-move.amount, told.amount) if told and told.is_ours else 0
    return total


def _last(facts: Sequence[AnyFact], contract: str = "") -> ChainFact:
    placed = [fact for fact in facts if isinstance(fact, ChainFact)]
    named = [fact for fact in placed if contract in ("", getattr(fact, "contract", ""))]
    return max(named, key=lambda fact: fact.log_index)


def _flow(flow: Flow, amount: int, turned: int, at: ChainFact) -> CashFlowed:
    return CashFlowed(
        flow=flow,
        amount=amount,
        turned=turned,
        counterparty=getattr(at, "counterparty", ""),
        occurred_at_ms=at.occurred_at_ms,
        tx_hash=at.tx_hash,
        log_index=at.log_index,
        block=at.block,
        block_hash=at.block_hash,
        version=at.version,
        removed=at.removed,
    )
