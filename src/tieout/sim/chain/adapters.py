"""The collateral adapters: full sets of CTF tokens for pUSD (CtfCollateralAdapter.sol and its neg-risk twin).

The ones that wallets use tell each split, merge and redemption again with the wallet's name, in the CTF's own words
(`polymarket.md` 6.2); the earlier ones, which the exchanges use, do not (recorded receipts).
"""

from __future__ import annotations

from tieout.sim.chain import collateral, ctf, erc20, erc1155, neg_risk
from tieout.sim.chain.condition import Condition, NegRiskEvent
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import (
    CTF,
    CTF_ADAPTER,
    EXCHANGE_CTF_ADAPTER,
    EXCHANGE_NEG_ADAPTER,
    NEG_CTF_ADAPTER,
    P_USD,
    USDC_E,
    USER_ADAPTERS,
)
from tieout.sim.chain.state import State
from tieout.sim.model import BYTES32_ZERO
from tieout.venue.topics import CTF_MERGE, CTF_REDEMPTION, CTF_SPLIT


def user_adapter(condition: Condition) -> str:
    """The adapter that a wallet calls for the condition."""
    return NEG_CTF_ADAPTER if condition.neg_risk else CTF_ADAPTER


def exchange_adapter(condition: Condition) -> str:
    """The adapter that a V2 exchange calls for the condition."""
    return EXCHANGE_NEG_ADAPTER if condition.neg_risk else EXCHANGE_CTF_ADAPTER


def split(state: State, emit: Emit, adapter: str, caller: str, condition: Condition, amount: int) -> None:
    """PUSD of *caller* into a full set for it; reverts without allowance for the adapter."""
    erc20.transfer_from(state, emit, P_USD, adapter, caller, P_USD, amount)
    collateral.unwrap(state, emit, adapter, adapter, amount)
    if condition.neg_risk:
        neg_risk.split(state, emit, adapter, condition, amount)
    else:
        ctf.split_position(state, emit, adapter, condition, amount)
    both = (amount, amount)
    erc1155.transfer_batch(state, emit, CTF, adapter, adapter, caller, condition.ctf_tokens, both)
    _tell(emit, adapter, CTF_SPLIT, caller, condition, amount)


def merge(state: State, emit: Emit, adapter: str, caller: str, condition: Condition, amount: int) -> None:
    """A full set of *caller* into pUSD for it; reverts without approval of the adapter."""
    both = (amount, amount)
    erc1155.transfer_batch(state, emit, CTF, adapter, caller, adapter, condition.ctf_tokens, both)
    if condition.neg_risk:
        neg_risk.merge(state, emit, adapter, condition, amount)
    else:
        ctf.merge_positions(state, emit, adapter, condition, amount)
    _wrap_all(state, emit, adapter, caller, amount)
    _tell(emit, adapter, CTF_MERGE, caller, condition, amount)


def redeem(state: State, emit: Emit, adapter: str, caller: str, condition: Condition) -> int:
    """The caller's whole balance of both outcomes into its payout in pUSD, which is returned."""
    amounts = held(state, caller, condition)
    erc1155.transfer_batch(state, emit, CTF, adapter, caller, adapter, condition.ctf_tokens, amounts)
    if condition.neg_risk:
        payout = neg_risk.redeem(state, emit, adapter, condition, amounts)
    else:
        payout = ctf.redeem_positions(state, emit, adapter, condition)
    _wrap_all(state, emit, adapter, caller, payout)
    if adapter in USER_ADAPTERS:
        indexed = (caller, condition.collateral, BYTES32_ZERO)
        emit(adapter, CTF_REDEMPTION, indexed, (condition.condition_id, ctf.PARTITION, payout))
    return payout


def convert(state: State, emit: Emit, caller: str, event: NegRiskEvent, index_set: int, amount: int) -> None:
    """A conversion through the neg-risk collateral adapter: NO in, YES of the others and pUSD out."""
    adapter = NEG_CTF_ADAPTER
    chosen = [place for place in range(len(event.conditions)) if index_set >> place & 1]
    others = [place for place in range(len(event.conditions)) if not index_set >> place & 1]
    no_tokens = tuple(event.conditions[place].ctf_tokens[1] for place in chosen)
    yes_tokens = tuple(event.conditions[place].ctf_tokens[0] for place in others)
    erc1155.transfer_batch(state, emit, CTF, adapter, caller, adapter, no_tokens, (amount,) * len(chosen))
    neg_risk.convert(state, emit, adapter, event, index_set, amount)
    after_fee = amount - amount * event.fee_bips // 10_000
    erc1155.transfer_batch(state, emit, CTF, adapter, adapter, caller, yes_tokens, (after_fee,) * len(others))
    freed = state.cash(USDC_E, adapter)
    if freed:
        _wrap_all(state, emit, adapter, caller, freed)


def held(state: State, wallet: str, condition: Condition) -> tuple[int, int]:
    """Balances of both CTF tokens."""
    yes, no = condition.ctf_tokens
    return state.tokens(CTF, wallet, yes), state.tokens(CTF, wallet, no)


def _wrap_all(state: State, emit: Emit, adapter: str, to: str, amount: int) -> None:
    erc20.transfer(state, emit, USDC_E, adapter, P_USD, amount)
    collateral.wrap(state, emit, adapter, to, amount)


def _tell(emit: Emit, adapter: str, topic0: str, caller: str, condition: Condition, amount: int) -> None:
    if adapter in USER_ADAPTERS:
        indexed = (caller, BYTES32_ZERO, condition.condition_id)
        emit(adapter, topic0, indexed, (condition.collateral, ctf.PARTITION, amount))
