"""The NegRiskAdapter: sets on wrapped collateral, and the conversion of NO tokens (NegRiskAdapter.sol).

`CONVERTED` counts what was converted in each event. `UNBACKED` counts wrapped collateral without USDC.e behind it: a
conversion of *a* in an event of *q* questions makes (q - 1) x a of it, and leaves *a* of every question's NO at the
burn address, of which q - 1 would have paid.
"""

from __future__ import annotations

from tieout.sim.chain import ctf, erc20, erc1155, wrapped
from tieout.sim.chain.condition import Condition, NegRiskEvent
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import (
    CTF,
    NEG_RISK_ADAPTER,
    NEG_RISK_FEES,
    NO_BURN,
    USDC_E,
    WRAPPED_COLLATERAL,
)
from tieout.sim.chain.state import Revert, State
from tieout.venue.topics import NEG_CONVERTED, NEG_MERGE, NEG_REDEMPTION, NEG_SPLIT, OUTCOME_REPORTED

CONVERTED, UNBACKED = "converted", "unbacked"


def split(state: State, emit: Emit, sender: str, condition: Condition, amount: int) -> None:
    """USDC.e of *sender* into a full set for it."""
    erc20.transfer_from(state, emit, USDC_E, NEG_RISK_ADAPTER, sender, NEG_RISK_ADAPTER, amount)
    wrapped.wrap(state, emit, amount)
    ctf.split_position(state, emit, NEG_RISK_ADAPTER, condition, amount)
    _send(state, emit, sender, condition.ctf_tokens, amount)
    emit(NEG_RISK_ADAPTER, NEG_SPLIT, (sender, condition.condition_id), (amount,))


def merge(state: State, emit: Emit, sender: str, condition: Condition, amount: int) -> None:
    """A full set of *sender* into USDC.e for it."""
    _pull(state, emit, sender, NEG_RISK_ADAPTER, condition.ctf_tokens, (amount, amount))
    ctf.merge_positions(state, emit, NEG_RISK_ADAPTER, condition, amount)
    wrapped.unwrap(state, emit, NEG_RISK_ADAPTER, sender, amount)
    emit(NEG_RISK_ADAPTER, NEG_MERGE, (sender, condition.condition_id), (amount,))


def redeem(state: State, emit: Emit, sender: str, condition: Condition, amounts: tuple[int, int]) -> int:
    """*amounts* of both outcomes of *sender* into their payout in USDC.e, which is returned."""
    _pull(state, emit, sender, NEG_RISK_ADAPTER, condition.ctf_tokens, amounts)
    payout = ctf.redeem_positions(state, emit, NEG_RISK_ADAPTER, condition)
    if payout:
        wrapped.unwrap(state, emit, NEG_RISK_ADAPTER, sender, payout)
    emit(NEG_RISK_ADAPTER, NEG_REDEMPTION, (sender, condition.condition_id), (amounts, payout))
    return payout


def report(state: State, emit: Emit, condition: Condition, numerators: tuple[int, int]) -> None:
    """The adapter is the oracle of its questions; it says OutcomeReported when the outcome is YES or NO."""
    ctf.report_payouts(state, emit, condition, numerators)
    if numerators in ((1, 0), (0, 1)):
        market_id = condition.question_id[:-2] + "00"
        emit(NEG_RISK_ADAPTER, OUTCOME_REPORTED, (market_id, condition.question_id), (numerators[0],))


def convert(state: State, emit: Emit, sender: str, event: NegRiskEvent, index_set: int, amount: int) -> None:
    """NO tokens of the questions in *index_set* become YES of the others and (count - 1) x *amount* of USDC.e.

    The fee (amount x fee_bips / 10000, rounded down) is taken of both. Reverts on an index set outside the event.
    """
    count = len(event.conditions)
    if count < 2 or index_set <= 0 or index_set >> count:
        raise Revert("InvalidIndexSet")
    if not amount:
        return
    chosen = [condition for index, condition in enumerate(event.conditions) if index_set >> index & 1]
    others = [condition for index, condition in enumerate(event.conditions) if not index_set >> index & 1]
    erc20.mint(state, emit, WRAPPED_COLLATERAL, NEG_RISK_ADAPTER, len(others) * amount)
    for condition in others:
        ctf.split_position(state, emit, NEG_RISK_ADAPTER, condition, amount)
    no_tokens = tuple(condition.ctf_tokens[1] for condition in chosen)
    _pull(state, emit, sender, NO_BURN, no_tokens, (amount,) * len(chosen))
    unwanted = tuple(condition.ctf_tokens[1] for condition in others)
    _pull(state, emit, NEG_RISK_ADAPTER, NO_BURN, unwanted, (amount,) * len(others))
    _pay_out(state, emit, sender, event, [condition.ctf_tokens[0] for condition in others], amount)
    state.add((UNBACKED,), (count - 1) * amount)
    state.add((CONVERTED, event.market_id, *(condition.ctf_tokens[1] for condition in event.conditions)), amount)
    emit(NEG_RISK_ADAPTER, NEG_CONVERTED, (sender, event.market_id, index_set), (amount,))


def _pay_out(state: State, emit: Emit, sender: str, event: NegRiskEvent, yes: list[int], amount: int) -> None:
    """The collateral and the YES tokens of a conversion, each less the fee."""
    fee = amount * event.fee_bips // 10_000
    times = len(event.conditions) - len(yes) - 1
    if times:
        if fee:
            wrapped.release(state, emit, NEG_RISK_FEES, times * fee)
        wrapped.release(state, emit, sender, times * (amount - fee))
    if yes:
        if fee:
            _send(state, emit, NEG_RISK_FEES, tuple(yes), fee)
        _send(state, emit, sender, tuple(yes), amount - fee)


def _send(state: State, emit: Emit, to: str, tokens: tuple[int, ...], amount: int) -> None:
    _pull(state, emit, NEG_RISK_ADAPTER, to, tokens, (amount,) * len(tokens))


def _pull(state: State, emit: Emit, sender: str, to: str, tokens: tuple[int, ...], amounts: tuple[int, ...]) -> None:
    erc1155.transfer_batch(state, emit, CTF, NEG_RISK_ADAPTER, sender, to, tokens, amounts)
