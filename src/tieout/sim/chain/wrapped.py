"""The wrapped collateral of the NegRiskAdapter: USDC.e in, a token of the adapter out (WrappedCollateral.sol)."""

from __future__ import annotations

from tieout.sim.chain import erc20
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import NEG_RISK_ADAPTER, USDC_E, WRAPPED_COLLATERAL
from tieout.sim.chain.state import State


def wrap(state: State, emit: Emit, amount: int) -> None:
    """USDC.e of the NegRiskAdapter becomes wrapped collateral of it."""
    erc20.transfer_from(state, emit, USDC_E, WRAPPED_COLLATERAL, NEG_RISK_ADAPTER, WRAPPED_COLLATERAL, amount)
    erc20.mint(state, emit, WRAPPED_COLLATERAL, NEG_RISK_ADAPTER, amount)


def unwrap(state: State, emit: Emit, holder: str, to: str, amount: int) -> None:
    """Wrapped collateral of *holder* becomes USDC.e of *to*."""
    erc20.burn(state, emit, WRAPPED_COLLATERAL, holder, amount)
    release(state, emit, to, amount)


def release(state: State, emit: Emit, to: str, amount: int) -> None:
    """USDC.e for *to* without burning anything: what a conversion frees."""
    erc20.transfer(state, emit, USDC_E, WRAPPED_COLLATERAL, to, amount)
