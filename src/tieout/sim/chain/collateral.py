"""PUSD and its ramps: USDC.e goes into the vault, pUSD comes out, one for one (CollateralToken.sol and its ramps).

The order of the logs is that of the recorded receipts. `INFLOW` counts the USDC.e that came from outside.
"""

from __future__ import annotations

from tieout.sim.chain import erc20
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import BRIDGE, OFFRAMP, ONRAMP, P_USD, USDC_E, VAULT
from tieout.sim.chain.state import State
from tieout.venue.topics import UNWRAPPED, WRAPPED

INFLOW = "inflow"


def wrap(state: State, emit: Emit, caller: str, to: str, amount: int) -> None:
    """PUSD for *to* out of USDC.e that already lies in the pUSD contract."""
    erc20.mint(state, emit, P_USD, to, amount)
    erc20.transfer(state, emit, USDC_E, P_USD, VAULT, amount)
    emit(P_USD, WRAPPED, (caller, USDC_E, to), (amount,))


def unwrap(state: State, emit: Emit, caller: str, to: str, amount: int) -> None:
    """USDC.e for *to* out of pUSD that already lies in the pUSD contract."""
    erc20.transfer_from(state, emit, USDC_E, P_USD, VAULT, to, amount)
    erc20.burn(state, emit, P_USD, P_USD, amount)
    emit(P_USD, UNWRAPPED, (caller, USDC_E, to), (amount,))


def onramp(state: State, emit: Emit, sender: str, to: str, amount: int) -> None:
    """USDC.e of *sender* becomes pUSD of *to*; reverts without allowance for the onramp."""
    erc20.transfer_from(state, emit, USDC_E, ONRAMP, sender, P_USD, amount)
    wrap(state, emit, ONRAMP, to, amount)


def offramp(state: State, emit: Emit, sender: str, to: str, amount: int) -> None:
    """PUSD of *sender* becomes USDC.e of *to*; reverts without allowance for the offramp."""
    erc20.transfer_from(state, emit, P_USD, OFFRAMP, sender, P_USD, amount)
    unwrap(state, emit, OFFRAMP, to, amount)


def deposit(state: State, emit: Emit, to: str, amount: int) -> None:
    """Money from outside: USDC.e arrives at the bridge and is wrapped for *to*."""
    bring_in(state, emit, BRIDGE, amount)
    onramp(state, emit, BRIDGE, to, amount)


def bring_in(state: State, emit: Emit, to: str, amount: int) -> None:
    """New USDC.e for *to*, counted as an inflow."""
    erc20.mint(state, emit, USDC_E, to, amount)
    state.add((INFLOW,), amount)
