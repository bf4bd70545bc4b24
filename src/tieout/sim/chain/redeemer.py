"""The AutoRedeemer: redeeming for a wallet that approved it (AutoRedeemer.sol).

The wallet's name stands only in the token transfers, in the wrap and in the redeemer's own event: on the CTF and in
the modules the redeemer is the AutoRedeemer.
"""

from __future__ import annotations

from tieout.sim.chain import collateral, ctf, erc20, erc1155, modules, neg_risk
from tieout.sim.chain.adapters import held
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import AUTO_REDEEMER, CTF, P_USD, POSITION_MANAGER
from tieout.sim.chain.state import Revert, State
from tieout.venue.topics import AUTO_BINARY_REDEMPTION, AUTO_NEG_REDEMPTION, AUTO_REDEMPTION


def redeem_legacy(state: State, emit: Emit, wallet: str, condition: Condition) -> None:
    """The wallet's whole balance of both CTF tokens; does nothing but its event when there is none."""
    _expect_approval(state, CTF, wallet)
    amounts = held(state, wallet, condition)
    payout = 0
    if any(amounts):
        erc1155.transfer_batch(state, emit, CTF, AUTO_REDEEMER, wallet, AUTO_REDEEMER, condition.ctf_tokens, amounts)
        if condition.neg_risk:
            payout = neg_risk.redeem(state, emit, AUTO_REDEEMER, condition, amounts)
        else:
            payout = ctf.redeem_positions(state, emit, AUTO_REDEEMER, condition)
        if payout:
            collateral.onramp(state, emit, AUTO_REDEEMER, wallet, payout)
    topic0 = AUTO_NEG_REDEMPTION if condition.neg_risk else AUTO_BINARY_REDEMPTION
    emit(AUTO_REDEEMER, topic0, (wallet, condition.condition_id), (payout,))


def redeem(state: State, emit: Emit, wallet: str, condition: Condition) -> None:
    """The wallet's whole balance of both PositionManager tokens, one after the other."""
    _expect_approval(state, POSITION_MANAGER, wallet)
    module = modules.module_of(condition)
    for outcome, token in enumerate(condition.position_ids):
        amount, payout = state.tokens(POSITION_MANAGER, wallet, token), 0
        if amount:
            erc1155.transfer(state, emit, POSITION_MANAGER, AUTO_REDEEMER, wallet, module, token, amount)
            payout = modules.redeem(state, emit, AUTO_REDEEMER, AUTO_REDEEMER, condition, outcome, amount)
            if payout:
                erc20.transfer(state, emit, P_USD, AUTO_REDEEMER, wallet, payout)
        emit(AUTO_REDEEMER, AUTO_REDEMPTION, (wallet, token), (payout,))


def _expect_approval(state: State, ledger: str, wallet: str) -> None:
    """The contract skips wallets without approval; a call for one wallet alone would do nothing, so it reverts here."""
    if not state.approved(ledger, wallet, AUTO_REDEEMER):
        raise Revert("NotOwnerNorApproved")
