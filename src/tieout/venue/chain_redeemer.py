"""What the AutoRedeemer did for the wallet (AutoRedeemer.sol, role read from its source).

On the ledgers the redeemer is the AutoRedeemer; the wallet's name stands in its own events, in the tokens it took and
in the payout. An event tells the payout alone, so the shares are the tokens that went to it in the transaction, or
directly to their module.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tieout.ledger.facts import AnyFact, ChainFact, OutcomeTokenListed, PayoutRedeemed, TokenMoved
from tieout.venue import abi, topics
from tieout.venue.addresses import MODULES, USDC_E, WRAPPED_COLLATERAL
from tieout.venue.chain_view import Log, hex32, micro_value
from tieout.venue.listings import listings
from tieout.venue.tokens import ctf_tokens, structured_condition

EVENTS = frozenset((topics.AUTO_REDEMPTION, topics.AUTO_BINARY_REDEMPTION, topics.AUTO_NEG_REDEMPTION))


def redemption(
    log: Log, after: int, facts: Sequence[AnyFact]
) -> tuple[PayoutRedeemed | None, tuple[OutcomeTokenListed, ...]]:
    """The redemption that *log* tells, with the tokens it is about; None when it took nothing and paid nothing.

    *after* is the log index of the event before it about the same tokens, -1 when there is none.
    """
    log.expect_topics(3)
    (payout,) = abi.words(log.data, 1)
    payout = micro_value(payout, "payout")
    index = log.index()
    between = [fact for fact in facts if isinstance(fact, ChainFact) and after < fact.log_index < index]
    if log.topic0 == topics.AUTO_REDEMPTION:
        token_id = str(log.topic(2))
        condition_id = structured_condition(token_id)
        taken = _taken(between, (token_id,), MODULES | {log.address})
        fact = PayoutRedeemed(
            condition_id=condition_id, token_id=token_id, shares=taken[0], payout=payout, ledger="pm", **log.place()
        )
        listed = listings(condition_id, token_id)
    else:
        condition_id = hex32(log.topic(2))
        collateral = USDC_E if log.topic0 == topics.AUTO_BINARY_REDEMPTION else WRAPPED_COLLATERAL
        tokens = ctf_tokens(condition_id, collateral)
        taken = _taken(between, tokens, {log.address})
        fact = PayoutRedeemed(condition_id=condition_id, amounts=taken, payout=payout, ledger="ctf", **log.place())
        listed = listings(condition_id, tokens[0])
    return (fact if payout or any(taken) else None), listed


def _taken(facts: Sequence[ChainFact], tokens: Sequence[str], receivers: Collection[str]) -> tuple[int, ...]:
    """What went to *receivers* by token, but for what the wallet itself redeemed there."""
    left = dict.fromkeys(tokens, 0)
    for fact in facts:
        if isinstance(fact, TokenMoved) and fact.counterparty in receivers and fact.token_id in left:
            left[fact.token_id] += max(0, -fact.shares)
        elif isinstance(fact, PayoutRedeemed) and fact.token_id in left:
            left[fact.token_id] -= fact.shares or 0
    return tuple(max(0, shares) for shares in left.values())
