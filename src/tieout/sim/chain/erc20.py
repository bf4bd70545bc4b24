"""ERC-20 transfers as the three cash contracts log them.

USDC.e (the bridged token of Polygon) lowers every allowance and logs the rest of it on transferFrom, even an unlimited
one (recorded receipts); pUSD and the wrapped collateral leave an unlimited allowance alone and log nothing.
"""

from __future__ import annotations

from tieout.sim.chain.log import Emit
from tieout.sim.chain.state import ALLOWANCE, CASH, CASH_SUPPLY, MAX_UINT, Revert, State
from tieout.venue.addresses import P_USD, WRAPPED_COLLATERAL, ZERO
from tieout.venue.topics import APPROVAL, TRANSFER

_SILENT = frozenset((P_USD, WRAPPED_COLLATERAL))


def transfer(state: State, emit: Emit, contract: str, sender: str, to: str, amount: int) -> None:
    """Move *amount* from the caller *sender*; reverts on a short balance."""
    _take(state, contract, sender, amount)
    state.add((CASH, contract, to), amount)
    emit(contract, TRANSFER, (sender, to), (amount,))


def transfer_from(state: State, emit: Emit, contract: str, spender: str, owner: str, to: str, amount: int) -> None:
    """Move *amount* of *owner* by the allowance of *spender*; reverts on a short balance or allowance."""
    allowed = state.allowance(contract, owner, spender)
    if allowed < amount:
        raise Revert("InsufficientAllowance")
    transfer(state, emit, contract, owner, to, amount)
    if contract not in _SILENT:
        approve(state, emit, contract, owner, spender, allowed - amount)
    elif allowed != MAX_UINT:
        state.put((ALLOWANCE, contract, owner, spender), allowed - amount)


def mint(state: State, emit: Emit, contract: str, to: str, amount: int) -> None:
    """New units for *to*."""
    if amount < 0:
        raise Revert("negative amount")
    state.add((CASH_SUPPLY, contract), amount)
    state.add((CASH, contract, to), amount)
    emit(contract, TRANSFER, (ZERO, to), (amount,))


def burn(state: State, emit: Emit, contract: str, holder: str, amount: int) -> None:
    """Destroy units of *holder*; reverts on a short balance."""
    _take(state, contract, holder, amount)
    state.add((CASH_SUPPLY, contract), -amount)
    emit(contract, TRANSFER, (holder, ZERO), (amount,))


def approve(state: State, emit: Emit, contract: str, owner: str, spender: str, amount: int) -> None:
    """Set an allowance."""
    state.put((ALLOWANCE, contract, owner, spender), amount)
    emit(contract, APPROVAL, (owner, spender), (amount,))


def _take(state: State, contract: str, holder: str, amount: int) -> None:
    slot = (CASH, contract, holder)
    left = state.get(slot) - amount
    if amount < 0 or left < 0:
        raise Revert("InsufficientBalance")
    state.put(slot, left)
