"""Splits, merges, redemptions, resolutions and migrations, of the CTF, the adapters and the Protocol V2 modules.

The adapters emit the CTF's three events again with the user as stakeholder; on the CTF itself the stakeholder is then
the adapter or exchange (polymarket.md 6.2), so each act of the wallet appears exactly once with the wallet's name.
"""

from __future__ import annotations

from tieout.ledger.facts import (
    ConditionResolved,
    OutcomeTokenListed,
    PayoutRedeemed,
    PositionMigrated,
    PositionsMerged,
    PositionSplit,
)
from tieout.venue import abi, topics
from tieout.venue.addresses import EXCHANGES, ROLE, USDC_E, WRAPPED_COLLATERAL
from tieout.venue.chain_view import Found, Log, hex32, micro_value
from tieout.venue.listings import listings
from tieout.venue.tokens import ctf_tokens, structured_condition
from tieout.venue.wire import WireError

_BINARY = (1, 2)


def ctf_split(log: Log) -> Found:
    """Collateral into a full set on the CTF."""
    condition_id, amount = _ctf_set(log)
    if log.party(1) != log.wallet:
        return None
    return [PositionSplit(condition_id=condition_id, amount=amount, ledger="ctf", **log.place())]


def ctf_merge(log: Log) -> Found:
    """A full set on the CTF into collateral."""
    condition_id, amount = _ctf_set(log)
    if log.party(1) != log.wallet:
        return None
    return [PositionsMerged(condition_id=condition_id, amount=amount, ledger="ctf", **log.place())]


def _ctf_set(log: Log) -> tuple[str, int]:
    """(condition id, amount) of a CTF split or merge; for the wallet only a whole binary set without a parent."""
    log.expect_topics(4)
    partition, amount = abi.array(log.data, 1), abi.word(log.data, 2)
    if log.party(1) == log.wallet:
        if log.topic(2) != 0:
            raise WireError("parentCollectionId: expected zero, was another position")
        if tuple(sorted(partition)) != _BINARY:
            raise WireError(f"partition: expected 1 and 2, was {partition[:8]}")
        micro_value(amount, "amount")
    return hex32(log.topic(3)), amount


def ctf_redemption(log: Log) -> Found:
    """Redemption on the CTF: the whole balance of the named index sets, of which the log tells only the total."""
    log.expect_topics(4)
    condition_id, payout = hex32(abi.word(log.data, 0)), abi.word(log.data, 2)
    abi.array(log.data, 1)
    if log.party(1) != log.wallet:
        return None
    payout = micro_value(payout, "payout")
    return [PayoutRedeemed(condition_id=condition_id, payout=payout, ledger="ctf", **log.place())]


def neg_split(log: Log) -> Found:
    """NegRiskAdapter: collateral into a full set of one question."""
    log.expect_topics(3)
    (amount,) = abi.words(log.data, 1)
    if log.party(1) != log.wallet:
        return None
    amount = micro_value(amount, "amount")
    return [PositionSplit(condition_id=hex32(log.topic(2)), amount=amount, ledger="ctf", **log.place())]


def neg_merge(log: Log) -> Found:
    """NegRiskAdapter: a full set of one question into collateral."""
    log.expect_topics(3)
    (amount,) = abi.words(log.data, 1)
    if log.party(1) != log.wallet:
        return None
    amount = micro_value(amount, "amount")
    return [PositionsMerged(condition_id=hex32(log.topic(2)), amount=amount, ledger="ctf", **log.place())]


def neg_redemption(log: Log) -> Found:
    """NegRiskAdapter: redemption with amounts by outcome index."""
    log.expect_topics(3)
    amounts, payout = abi.array(log.data, 0), abi.word(log.data, 1)
    if log.party(1) != log.wallet:
        return None
    return [
        PayoutRedeemed(
            condition_id=hex32(log.topic(2)),
            amounts=tuple(micro_value(amount, "amounts") for amount in amounts),
            payout=micro_value(payout, "payout"),
            ledger="ctf",
            **log.place(),
        )
    ]


def condition_resolution(log: Log) -> Found:
    """The CTF's payout vector; concerns everybody."""
    log.expect_topics(4)
    return _resolved(log, abi.array(log.data, 1))


def pm_resolved(log: Log) -> Found:
    """A module's payout vector (two entries that sum to 1000000)."""
    log.expect_topics(2)
    return _resolved(log, abi.array(log.data, 0))


def _resolved(log: Log, numerators: tuple[int, ...]) -> Found:
    """The fact of a payout vector; a vector that pays nothing is refused."""
    if not any(numerators) or sum(numerators) >= 1 << 63:
        raise WireError(f"payoutNumerators: expected a payout, was {numerators[:8]}")
    return [ConditionResolved(condition_id=hex32(log.topic(1)), numerators=numerators, **log.place())]


def pm_split(log: Log) -> Found:
    """A module's split into both tokens. The initiator is usually the Router; an exchange's own split is a match."""
    log.expect_topics(4)
    second, amount = abi.words(log.data, 2)
    recipients = {log.party(3), abi.address(second)}
    initiator = log.party(1)
    if initiator in EXCHANGES or log.wallet not in recipients | {initiator}:
        return None
    if recipients != {log.wallet}:
        if initiator != log.wallet:
            return None
        raise WireError("PositionsSplit: expected both recipients to be the wallet; give its transfers")
    amount = micro_value(amount, "amount")
    return [PositionSplit(condition_id=hex32(log.topic(2)), amount=amount, ledger="pm", **log.place())]


def pm_merged(log: Log) -> Found:
    """A module's merge whose collateral went to the wallet."""
    log.expect_topics(4)
    (amount,) = abi.words(log.data, 1)
    if log.party(1) in EXCHANGES or log.party(3) != log.wallet:
        return None
    amount = micro_value(amount, "amount")
    return [PositionsMerged(condition_id=hex32(log.topic(2)), amount=amount, ledger="pm", **log.place())]


def pm_redeemed(log: Log) -> Found:
    """A module's redemption of one token whose payout went to the wallet."""
    log.expect_topics(4)
    amount, payout = abi.words(log.data, 2)
    if log.party(3) != log.wallet:
        if log.party(1) != log.wallet:
            return None
        raise WireError("PositionRedeemed: expected the payout to go to the wallet; give its transfers")
    token_id = str(log.topic(2))
    return [
        PayoutRedeemed(
            condition_id=structured_condition(token_id),
            token_id=token_id,
            shares=micro_value(amount, "amount"),
            payout=micro_value(payout, "payout"),
            ledger="pm",
            **log.place(),
        )
    ]


def pm_migrated(log: Log) -> Found:
    """CTF tokens of the wallet moved to the PositionManager; chain_groups finds the old token in the transaction."""
    log.expect_topics(4)
    index, amount = abi.words(log.data, 2)
    if log.party(1) != log.wallet:
        return None
    if index > 1:
        raise WireError(f"outcomeIndex: expected 0 or 1, was {index}")
    return [
        PositionMigrated(
            condition_id=hex32(log.topic(2)),
            to_token_id=str(log.topic(3)),
            outcome_index=index,
            amount=micro_value(amount, "amount"),
            **log.place(),
        )
    ]


def ctf_listings(log: Log) -> tuple[OutcomeTokenListed, ...]:
    """Both tokens of a CTF split, merge or redemption: the collateral behind them is in the log or its emitter."""
    role = ROLE.get(log.address, "")
    redemption = log.topic0 == topics.CTF_REDEMPTION
    condition_id = hex32(abi.word(log.data, 0) if redemption else log.topic(3))
    collateral = abi.address(log.topic(2) if redemption else abi.word(log.data, 0))
    if role in ("ctf_adapter", "neg_adapter"):
        collateral = USDC_E if role == "ctf_adapter" else WRAPPED_COLLATERAL
    if collateral not in (USDC_E, WRAPPED_COLLATERAL):
        return ()
    return listings(condition_id, ctf_tokens(condition_id, collateral)[0])


def neg_listings(log: Log) -> tuple[OutcomeTokenListed, ...]:
    """Both tokens of a NegRiskAdapter split, merge or redemption: wrapped collateral."""
    condition_id = hex32(log.topic(2))
    return listings(condition_id, ctf_tokens(condition_id, WRAPPED_COLLATERAL)[0])


def pm_listings(log: Log) -> tuple[OutcomeTokenListed, ...]:
    """Both tokens of a Protocol V2 condition, from the condition or the position the log names."""
    condition = log.topic(1) if len(log.topics) == 2 else log.topic(2)
    return listings(hex32(condition & ~0xFF), str(condition & ~0xFF))
