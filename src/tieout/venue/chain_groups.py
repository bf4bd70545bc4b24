"""What only the whole transaction tells: neg-risk conversions, and the old token of a migration.

PositionsConverted names a market and an index set but no token (polymarket.md 6.2), so the tokens are the wallet's
transfers of the same transaction that its fills do not explain (6.5: the NO tokens leave, the others' YES arrive).
"""

from __future__ import annotations

from collections import Counter

import msgspec

from tieout.ledger.facts import (
    AnyFact,
    CollateralMoved,
    OrderFilledOnChain,
    PositionMigrated,
    PositionsConverted,
    Side,
    TokenMoved,
)
from tieout.venue import abi
from tieout.venue.addresses import COLLATERAL_ADAPTERS, CTF
from tieout.venue.chain_view import Log, hex32, micro_value
from tieout.venue.decoded import Decoded


def add_conversions(logs: list[Log], facts: list[AnyFact], out: Decoded) -> bool:
    """Adds the wallet's conversion of one transaction to *facts*; whether any of *logs* was the wallet's.

    With a collateral adapter between, the stakeholder is the adapter: then it counts when the wallet sent it tokens.
    """
    direct = [log for log in logs if log.party(1) == log.wallet]
    sent_to = {fact.counterparty for fact in facts if isinstance(fact, TokenMoved) and fact.shares < 0}
    ours = direct or [log for log in logs if log.party(1) in COLLATERAL_ADAPTERS & sent_to]
    if not ours:
        return False
    if len(ours) > 1:
        out.problem("unsupported", f"{len(ours)} conversions in one transaction cannot be told apart")
        return True
    conversion = _conversion(ours[0], facts)
    if conversion is None:
        out.problem("unsupported", "PositionsConverted names no tokens; import the transaction's receipt")
    else:
        facts.append(conversion)
    return True


def _conversion(log: Log, facts: list[AnyFact]) -> PositionsConverted | None:
    """The fact, or None when the transaction's token transfers are not there."""
    log.expect_topics(4)
    (amount,) = abi.words(log.data, 1)
    net = _unexplained(facts)
    burned = tuple(sorted((token, -shares) for token, shares in net.items() if shares < 0))
    minted = tuple(sorted((token, shares) for token, shares in net.items() if shares > 0))
    if not burned:
        return None
    collateral = _received(facts)
    if collateral is None:
        collateral = (log.topic(3).bit_count() - 1) * micro_value(amount, "amount")
    return PositionsConverted(
        market_id=hex32(log.topic(2)),
        burned=burned,
        minted=minted,
        collateral=micro_value(max(collateral, 0), "collateral"),
        **log.place(),
    )


def _unexplained(facts: list[AnyFact]) -> Counter[str]:
    """The wallet's net token movements by token, less its fills."""
    net: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, TokenMoved):
            net[fact.token_id] += fact.shares
        elif isinstance(fact, OrderFilledOnChain):
            net[fact.token_id] -= fact.shares if fact.side is Side.BUY else -fact.shares
    return net


def _received(facts: list[AnyFact]) -> int | None:
    """Collateral that came in and is no sale's proceeds; None when no collateral transfer is visible."""
    moves = [fact.amount for fact in facts if isinstance(fact, CollateralMoved) and fact.amount > 0]
    if not moves:
        return None
    fills = (fact for fact in facts if isinstance(fact, OrderFilledOnChain) and fact.side is Side.SELL)
    return sum(moves) - sum(fact.collateral - fact.fee for fact in fills)


def name_migrated(facts: list[AnyFact]) -> None:
    """Gives a migration its old token, when exactly one CTF token left in that amount in the transaction."""
    for place, fact in enumerate(facts):
        if isinstance(fact, PositionMigrated):
            left = {
                move.token_id
                for move in facts
                if isinstance(move, TokenMoved) and move.contract == CTF and move.shares == -fact.amount
            }
            if len(left) == 1:
                facts[place] = msgspec.structs.replace(fact, from_token_id=left.pop())
