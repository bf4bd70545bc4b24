"""What only the whole transaction tells: the old token of a migration, the shares of a redemption on the CTF."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tieout.ledger.facts import (
    AnyFact,
    ChainFact,
    OutcomeTokenListed,
    PayoutRedeemed,
    PositionMigrated,
    PositionsConverted,
    PositionsMerged,
    TokenMoved,
)
from tieout.venue.addresses import CTF, ROLE, USDC_E, WRAPPED_COLLATERAL, ZERO
from tieout.venue.tokens import ctf_tokens


def name_migrated(facts: list[AnyFact], listed: Iterable[OutcomeTokenListed]) -> None:
    """Gives each migration its old token: of the CTF tokens that left in that amount, the last one before it.

    Both outcomes of a condition often migrate in the same amount. Then the module merges or redeems the pairs on the
    CTF, and *listed*, which names the tokens of such logs, tells the outcomes apart.
    """
    outcomes = {token.token_id: token.outcome_index for token in listed}
    for place, fact in enumerate(facts):
        if isinstance(fact, PositionMigrated):
            left = [
                move
                for move in facts
                if isinstance(move, TokenMoved)
                and move.contract == CTF
                and move.shares == -fact.amount
                and outcomes.get(move.token_id, fact.outcome_index) == fact.outcome_index
            ]
            before = [move for move in left if move.log_index < fact.log_index]
            last = max((move.log_index for move in before), default=-1)
            tokens = {move.token_id for move in left if not before or move.log_index == last}
            if len(tokens) == 1:
                facts[place] = msgspec.structs.replace(fact, from_token_id=tokens.pop())


def count_redeemed(facts: list[AnyFact], emitters: Mapping[int, str]) -> None:
    """Gives each redemption whose log tells only the total its shares by outcome, in a whole receipt.

    They went to the adapter that emitted the log (*emitters*, by log index), or were burned by the CTF itself, before
    the log and after the one before it. What a merge or a conversion took to the same adapter is not the redemption's.
    """
    last: dict[tuple[str, str], int] = {}
    for place, fact in sorted(enumerate(facts), key=lambda each: getattr(each[1], "log_index", -1)):
        if isinstance(fact, PayoutRedeemed) and fact.ledger == "ctf" and not fact.amounts:
            emitter = emitters.get(fact.log_index, "")
            after = last.get((emitter, fact.condition_id), -1)
            last[emitter, fact.condition_id] = fact.log_index
            between = [
                each for each in facts if isinstance(each, ChainFact) and after < each.log_index < fact.log_index
            ]
            amounts = _redeemed(fact, between, ZERO if ROLE.get(emitter) == "ledger" else emitter)
            facts[place] = msgspec.structs.replace(fact, amounts=amounts)


def _redeemed(fact: PayoutRedeemed, between: Sequence[ChainFact], went_to: str) -> tuple[int, ...]:
    """Shares by outcome; () when none are seen that could have been paid for."""
    merges = (each for each in between if isinstance(each, PositionsMerged) and each.condition_id == fact.condition_id)
    merged = sum(each.amount for each in merges)
    for collateral in (USDC_E, WRAPPED_COLLATERAL):
        left = dict.fromkeys(ctf_tokens(fact.condition_id, collateral), 0)
        for move in between:
            if isinstance(move, TokenMoved) and move.token_id in left and move.counterparty == went_to:
                left[move.token_id] += max(0, -move.shares)
            elif isinstance(move, PositionsConverted):
                left.update((token, left[token] - shares) for token, shares in move.burned if token in left)
        if any(left.values()):
            return tuple(max(0, shares - merged) for shares in left.values())
    return () if fact.payout else (0, 0)
