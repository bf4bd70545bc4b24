"""ERC-1155 transfers as both ledgers log them: ConditionalTokens and the PositionManager."""

from __future__ import annotations

from tieout.sim.chain.log import Emit
from tieout.sim.chain.state import APPROVAL, TOKEN_SUPPLY, TOKENS, Revert, State
from tieout.venue.addresses import ZERO
from tieout.venue.topics import APPROVAL_FOR_ALL, TRANSFER_BATCH, TRANSFER_SINGLE

Ids = tuple[int, ...]


def transfer(
    state: State, emit: Emit, ledger: str, operator: str, sender: str, to: str, token: int, amount: int
) -> None:
    """Move one token; reverts on a short balance or when *operator* is not approved by *sender*."""
    _authorize(state, ledger, operator, sender)
    _take(state, ledger, sender, token, amount)
    state.add((TOKENS, ledger, to, token), amount)
    emit(ledger, TRANSFER_SINGLE, (operator, sender, to), (token, amount))


def transfer_batch(
    state: State, emit: Emit, ledger: str, operator: str, sender: str, to: str, tokens: Ids, amounts: Ids
) -> None:
    """Move several tokens with one log; reverts as `transfer`, and on lists of unequal length."""
    if len(tokens) != len(amounts):
        raise Revert("ArrayLengthsMismatch")
    _authorize(state, ledger, operator, sender)
    for token, amount in zip(tokens, amounts, strict=True):
        _take(state, ledger, sender, token, amount)
        state.add((TOKENS, ledger, to, token), amount)
    emit(ledger, TRANSFER_BATCH, (operator, sender, to), (tokens, amounts))


def mint(state: State, emit: Emit, ledger: str, operator: str, to: str, token: int, amount: int) -> None:
    """New tokens for *to*, one log."""
    _create(state, ledger, to, token, amount)
    emit(ledger, TRANSFER_SINGLE, (operator, ZERO, to), (token, amount))


def mint_batch(state: State, emit: Emit, ledger: str, operator: str, to: str, tokens: Ids, amounts: Ids) -> None:
    """New tokens of several ids for *to*, one log."""
    for token, amount in zip(tokens, amounts, strict=True):
        _create(state, ledger, to, token, amount)
    emit(ledger, TRANSFER_BATCH, (operator, ZERO, to), (tokens, amounts))


def burn(state: State, emit: Emit, ledger: str, holder: str, token: int, amount: int) -> None:
    """Destroy tokens of *holder*, who is the operator too; reverts on a short balance."""
    _destroy(state, ledger, holder, token, amount)
    emit(ledger, TRANSFER_SINGLE, (holder, holder, ZERO), (token, amount))


def burn_batch(state: State, emit: Emit, ledger: str, holder: str, tokens: Ids, amounts: Ids) -> None:
    """Destroy tokens of several ids, one log; reverts on a short balance."""
    for token, amount in zip(tokens, amounts, strict=True):
        _destroy(state, ledger, holder, token, amount)
    emit(ledger, TRANSFER_BATCH, (holder, holder, ZERO), (tokens, amounts))


def set_approval(state: State, emit: Emit, ledger: str, owner: str, operator: str, *, approved: bool) -> None:
    """Let *operator* move all tokens of *owner*, or no longer."""
    state.put((APPROVAL, ledger, owner, operator), int(approved))
    emit(ledger, APPROVAL_FOR_ALL, (owner, operator), (int(approved),))


def _authorize(state: State, ledger: str, operator: str, sender: str) -> None:
    if operator != sender and not state.approved(ledger, sender, operator):
        raise Revert("NotOwnerNorApproved")


def _take(state: State, ledger: str, holder: str, token: int, amount: int) -> None:
    slot = (TOKENS, ledger, holder, token)
    left = state.get(slot) - amount
    if amount < 0 or left < 0:
        raise Revert("InsufficientBalance")
    state.put(slot, left)


def _create(state: State, ledger: str, to: str, token: int, amount: int) -> None:
    if amount < 0:
        raise Revert("negative amount")
    state.add((TOKEN_SUPPLY, ledger, token), amount)
    state.add((TOKENS, ledger, to, token), amount)


def _destroy(state: State, ledger: str, holder: str, token: int, amount: int) -> None:
    _take(state, ledger, holder, token, amount)
    state.add((TOKEN_SUPPLY, ledger, token), -amount)
