"""Neg-risk conversions, which only their whole transaction tells.

PositionsConverted names an event and an index set but no token (polymarket.md 6.2). The tokens follow from both by
computation (6.4): the NO of every question in the set leaves in the amount the log names, the YES of the others arrive
from the contract that converted, less its fee (6.5). Where the computation does not fit the transfers, the tokens are
those that the transaction's fills do not explain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tieout.ledger.facts import (
    AnyFact,
    CollateralMoved,
    OrderFilledOnChain,
    PositionsConverted,
    PositionSplit,
    Side,
    TokenMoved,
)
from tieout.venue import abi
from tieout.venue.addresses import COLLATERAL_ADAPTERS, WRAPPED_COLLATERAL
from tieout.venue.chain_view import Log, hex32, micro_value
from tieout.venue.decoded import Decoded
from tieout.venue.tokens import ctf_tokens, neg_risk_tokens

_QUESTIONS_MAX = 256
"""Of one event: the index is a byte."""


class _Converted(NamedTuple):
    """What one log says. `indexes` are the questions whose NO left."""

    log: Log
    market: int
    indexes: tuple[int, ...]
    amount: int

    @property
    def burned(self) -> tuple[str, ...]:
        """The NO tokens of those questions."""
        return tuple(neg_risk_tokens(self.market, index)[1] for index in self.indexes)


def add_conversions(logs: list[Log], facts: list[AnyFact], out: Decoded) -> bool:
    """Adds the wallet's conversions of one transaction to *facts*; whether any of *logs* was the wallet's.

    With a collateral adapter between, the stakeholder is the adapter: then it counts when the wallet sent it tokens.
    """
    sent_to = {fact.counterparty for fact in facts if isinstance(fact, TokenMoved) and fact.shares < 0}
    ours = [log for log in logs if log.party(1) == log.wallet or log.party(1) in COLLATERAL_ADAPTERS & sent_to]
    if not ours:
        return False
    read = [_read(log) for log in ours]
    left = _left(facts)
    fitting = [each for each in read if all(left[token] >= each.amount for token in each.burned)]
    if len({each.market for each in fitting}) < len(fitting):
        out.problem("unsupported", f"{len(fitting)} conversions of one event in one transaction cannot be told apart")
    elif fitting:
        facts.extend(_computed(fitting, facts))
    elif len(ours) > 1:
        out.problem("unsupported", f"{len(ours)} conversions in one transaction cannot be told apart")
    elif (conversion := _remaining(read[0], facts)) is not None:
        facts.append(conversion)
    else:
        out.problem("unsupported", "PositionsConverted names no tokens; import the transaction's receipt")
    return True


def _read(log: Log) -> _Converted:
    log.expect_topics(4)
    (amount,) = abi.words(log.data, 1)
    bits = log.topic(3)
    indexes = tuple(index for index in range(_QUESTIONS_MAX) if bits >> index & 1)
    # The last byte of an event's id is free for the index.
    return _Converted(log, log.topic(2) & ~0xFF, indexes, micro_value(amount, "amount"))


def _left(facts: Iterable[AnyFact]) -> Counter[str]:
    """What left the wallet by token."""
    left: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, TokenMoved) and fact.shares < 0:
            left[fact.token_id] -= fact.shares
    return left


# --- by computation ---------------------------------------------------------------------------------------------------


def _computed(read: Sequence[_Converted], facts: Sequence[AnyFact]) -> list[PositionsConverted]:
    """The conversions of several events, the tokens of each by their ids."""
    arrived = _arrived(read, facts)
    minted: dict[int, dict[str, int]] = {each.market: {} for each in read}
    waiting = set(arrived)
    for index in range(_QUESTIONS_MAX):
        for each in read if waiting else ():
            token = neg_risk_tokens(each.market, index)[0]
            if token in waiting and index not in each.indexes:
                minted[each.market][token] = arrived[token]
                waiting.remove(token)
    return [_fact(each, minted[each.market], facts) for each in read]


def _arrived(read: Sequence[_Converted], facts: Iterable[AnyFact]) -> Counter[str]:
    """What came from the contracts that converted and is no half of a split."""
    contracts = {address for each in read for address in (each.log.party(1), each.log.address)}
    arrived: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, TokenMoved) and fact.shares > 0 and fact.counterparty in contracts:
            arrived[fact.token_id] += fact.shares
        elif isinstance(fact, PositionSplit):
            for token in ctf_tokens(fact.condition_id, WRAPPED_COLLATERAL):
                arrived[token] -= fact.amount
    return +arrived


def _fact(each: _Converted, minted: dict[str, int], facts: Sequence[AnyFact]) -> PositionsConverted:
    times = len(each.indexes) - 1
    received = times * min(minted.values()) if minted else _freed(each, times, facts)
    return _conversion(each, ((token, each.amount) for token in each.burned), minted.items(), received)


def _freed(each: _Converted, times: int, facts: Iterable[AnyFact]) -> int:
    """Collateral of a conversion that brought no token to tell its fee: what came nearest to its log and can be it."""
    whole = times * each.amount
    place = each.log.index()
    fitting = [
        fact
        for fact in facts
        if isinstance(fact, CollateralMoved) and times and 0 < fact.amount <= whole and fact.amount % times == 0
    ]
    nearest = min(fitting, key=lambda fact: abs(fact.log_index - place), default=None)
    return nearest.amount if nearest else whole


# --- by what is left over ---------------------------------------------------------------------------------------------


def _remaining(each: _Converted, facts: Sequence[AnyFact]) -> PositionsConverted | None:
    """The fact, or None when the transaction's token transfers are not there."""
    net = unexplained(facts)
    burned = [(token, -shares) for token, shares in net.items() if shares < 0]
    if not burned:
        return None
    received = _received(facts)
    if received is None:
        received = (len(each.indexes) - 1) * each.amount
    return _conversion(each, burned, ((token, shares) for token, shares in net.items() if shares > 0), received)


def unexplained(facts: Iterable[AnyFact]) -> Counter[str]:
    """The wallet's net token movements by token, less its fills."""
    net: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, TokenMoved):
            net[fact.token_id] += fact.shares
        elif isinstance(fact, OrderFilledOnChain):
            net[fact.token_id] -= fact.shares if fact.side is Side.BUY else -fact.shares
    return net


def _received(facts: Sequence[AnyFact]) -> int | None:
    """Collateral that came in and is no sale's proceeds; None when no collateral transfer is visible."""
    moves = [fact.amount for fact in facts if isinstance(fact, CollateralMoved) and fact.amount > 0]
    if not moves:
        return None
    fills = (fact for fact in facts if isinstance(fact, OrderFilledOnChain) and fact.side is Side.SELL)
    return sum(moves) - sum(fact.collateral - fact.fee for fact in fills)


def _conversion(
    each: _Converted, burned: Iterable[tuple[str, int]], minted: Iterable[tuple[str, int]], received: int
) -> PositionsConverted:
    return PositionsConverted(
        market_id=hex32(each.log.topic(2)),
        burned=tuple(sorted(burned)),
        minted=tuple(sorted(minted)),
        collateral=micro_value(max(received, 0), "collateral"),
        **each.log.place(),
    )
