"""ConditionalTokens: conditions, full sets, payouts, as the deployed contract does it (ConditionalTokens.sol).

Only binary conditions without a parent collection. `LOCKED` counts the collateral behind each
condition, `LOCKED_TOTAL` that behind all conditions of one collateral.
"""

from __future__ import annotations

from tieout.sim.chain import erc20, erc1155
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.log import Emit
from tieout.sim.chain.state import Revert, State
from tieout.sim.model import BYTES32_ZERO
from tieout.venue.addresses import CTF
from tieout.venue.topics import CONDITION_PREPARATION, CONDITION_RESOLUTION, CTF_MERGE, CTF_REDEMPTION, CTF_SPLIT

LOCKED, LOCKED_TOTAL, NUMERATOR = "locked", "locked total", "numerator"
PREPARED = "prepared"
PARTITION = (1, 2)


def prepare_condition(state: State, emit: Emit, condition: Condition) -> None:
    """Make a condition known; reverts when it is already."""
    if state.get((PREPARED, condition.condition_id)):
        raise Revert("condition already prepared")
    state.put((PREPARED, condition.condition_id), 1)
    state.know(condition.slot, condition.ids)
    emit(
        CTF,
        CONDITION_PREPARATION,
        (condition.condition_id, condition.oracle, condition.question_id),
        (2,),
    )


def report_payouts(state: State, emit: Emit, condition: Condition, numerators: tuple[int, int]) -> None:
    """Store the payout vector (share of outcome i = numerator i / their sum); reverts when there is one already."""
    _expect_prepared(state, condition)
    if sum(payouts(state, condition)):
        raise Revert("payout denominator already set")
    if min(numerators) < 0 or not sum(numerators):
        raise Revert("payout is all zeroes")
    for index, numerator in enumerate(numerators):
        state.put((NUMERATOR, condition.condition_id, index), numerator)
    emit(
        CTF,
        CONDITION_RESOLUTION,
        (condition.condition_id, condition.oracle, condition.question_id),
        (2, numerators),
    )


def payouts(state: State, condition: Condition) -> tuple[int, int]:
    """The payout numerators; (0, 0) while the condition is open."""
    return state.get((NUMERATOR, condition.condition_id, 0)), state.get((NUMERATOR, condition.condition_id, 1))


def split_position(state: State, emit: Emit, stakeholder: str, condition: Condition, amount: int) -> None:
    """Collateral of *stakeholder* into a full set for it; reverts without allowance for the CTF."""
    _expect_prepared(state, condition)
    erc20.transfer_from(state, emit, condition.collateral, CTF, stakeholder, CTF, amount)
    _lock(state, condition, amount)
    erc1155.mint_batch(state, emit, CTF, stakeholder, stakeholder, condition.ctf_tokens, (amount, amount))
    emit(CTF, CTF_SPLIT, _indexed(stakeholder, condition), (condition.collateral, PARTITION, amount))


def merge_positions(state: State, emit: Emit, stakeholder: str, condition: Condition, amount: int) -> None:
    """A full set of *stakeholder* into collateral for it."""
    _expect_prepared(state, condition)
    erc1155.burn_batch(state, emit, CTF, stakeholder, condition.ctf_tokens, (amount, amount))
    _release(state, emit, stakeholder, condition, amount)
    emit(CTF, CTF_MERGE, _indexed(stakeholder, condition), (condition.collateral, PARTITION, amount))


def redeem_positions(state: State, emit: Emit, redeemer: str, condition: Condition) -> int:
    """Burn the redeemer's whole balance of both outcomes for its payout, which is returned.

    Each outcome pays floor(balance x numerator / denominator). Reverts while the condition is open.
    """
    numerators = payouts(state, condition)
    denominator = sum(numerators)
    if not denominator:
        raise Revert("result for condition not received yet")
    total = 0
    for token, numerator in zip(condition.ctf_tokens, numerators, strict=True):
        stake = state.tokens(CTF, redeemer, token)
        if stake:
            total += stake * numerator // denominator
            erc1155.burn(state, emit, CTF, redeemer, token, stake)
    if total:
        _release(state, emit, redeemer, condition, total)
    emit(
        CTF,
        CTF_REDEMPTION,
        (redeemer, condition.collateral, BYTES32_ZERO),
        (condition.condition_id, PARTITION, total),
    )
    return total


def _release(state: State, emit: Emit, to: str, condition: Condition, amount: int) -> None:
    _lock(state, condition, -amount)
    erc20.transfer(state, emit, condition.collateral, CTF, to, amount)


def _lock(state: State, condition: Condition, amount: int) -> None:
    state.add((LOCKED, condition.condition_id), amount)
    state.add((LOCKED_TOTAL, condition.collateral), amount)


def _indexed(stakeholder: str, condition: Condition) -> tuple[str, str, str]:
    return stakeholder, BYTES32_ZERO, condition.condition_id


def _expect_prepared(state: State, condition: Condition) -> None:
    if not state.get((PREPARED, condition.condition_id)):
        raise Revert("condition not prepared yet")
