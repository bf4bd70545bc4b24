"""Protocol V2: the modules that make and destroy PositionManager tokens, and the Router in front of them.

Sources: BaseModule.sol, Router.sol, BaseMigrationMixin.sol. A split burns pUSD and leaves its USDC.e in the vault;
`LOCKED_V2` counts what of the vault stands behind each condition, `LOCKED_V2_TOTAL` behind all of them. `SHORT` is what
the rounding of a fractional result to millionths promises beyond what the old tokens paid.
"""

from __future__ import annotations

from operator import mul

from tieout.sim.chain import ctf, erc20, erc1155, wrapped
from tieout.sim.chain.adapters import held
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import (
    BINARY_MODULE,
    CTF,
    NEG_RISK_MODULE,
    P_USD,
    POSITION_MANAGER,
    ROUTER,
    USDC_E,
    VAULT,
    WRAPPED_COLLATERAL,
)
from tieout.sim.chain.state import Revert, State
from tieout.venue.topics import (
    LEGACY_SETTLED,
    PM_MERGED,
    PM_MIGRATED,
    PM_REDEEMED,
    PM_RESOLVED,
    PM_SPLIT,
    RESULT_REPORTED,
    ROUTER_MERGED,
    ROUTER_REDEEMED,
    ROUTER_SPLIT,
)

LOCKED_V2, LOCKED_V2_TOTAL, SHORT = "locked v2", "locked v2 total", "short"
REGISTERED, RESULT = "registered", "result"
RESULT_DENOMINATOR = 1_000_000


def module_of(condition: Condition) -> str:
    """The module that the first byte of the condition's ids names."""
    return NEG_RISK_MODULE if condition.position_ids[0] >> 248 == 2 else BINARY_MODULE


def split(state: State, emit: Emit, initiator: str, to: tuple[str, str], condition: Condition, amount: int) -> None:
    """PUSD that already lies in the module becomes YES of *to*[0] and NO of *to*[1]."""
    module = module_of(condition)
    for recipient, token in zip(to, condition.position_ids, strict=True):
        erc1155.mint(state, emit, POSITION_MANAGER, module, recipient, token, amount)
    erc20.burn(state, emit, P_USD, module, amount)
    _lock(state, condition, amount)
    _register(state, condition)
    emit(module, PM_SPLIT, (initiator, condition.structured_id, to[0]), (to[1], amount))


def merge(state: State, emit: Emit, initiator: str, to: str, condition: Condition, amount: int) -> None:
    """A full set that already lies in the module becomes pUSD of *to*."""
    module = module_of(condition)
    erc20.mint(state, emit, P_USD, to, amount)
    for token in condition.position_ids:
        erc1155.burn(state, emit, POSITION_MANAGER, module, token, amount)
    _lock(state, condition, -amount)
    emit(module, PM_MERGED, (initiator, condition.structured_id, to), (amount,))


def redeem(state: State, emit: Emit, initiator: str, to: str, condition: Condition, outcome: int, amount: int) -> int:
    """One token that already lies in the module becomes floor(amount x result / 10^6) pUSD of *to*; the payout."""
    results = result(state, condition)
    if not sum(results):
        raise Revert("ConditionNotResolved")
    module, token = module_of(condition), condition.position_ids[outcome]
    payout = amount * results[outcome] // RESULT_DENOMINATOR
    erc20.mint(state, emit, P_USD, to, payout)
    erc1155.burn(state, emit, POSITION_MANAGER, module, token, amount)
    _lock(state, condition, -payout)
    emit(module, PM_REDEEMED, (initiator, token, to), (amount, payout))
    return payout


def result(state: State, condition: Condition) -> tuple[int, int]:
    """The stored result in millionths; (0, 0) while there is none."""
    return state.get((RESULT, condition.structured_id, 0)), state.get((RESULT, condition.structured_id, 1))


def resolve(state: State, emit: Emit, condition: Condition) -> None:
    """Take the CTF's payouts over, if the module knows the condition: millionths, the first rounded down.

    What the module holds of the old tokens is redeemed into the vault.
    """
    if state.get((REGISTERED, condition.structured_id)) and _redeem_legacy(state, emit, condition):
        _settle_legacy(state, emit, condition)


def router_split(state: State, emit: Emit, caller: str, condition: Condition, amount: int) -> None:
    """PUSD of *caller* into a full set for it; reverts without allowance for the Router."""
    erc20.transfer_from(state, emit, P_USD, ROUTER, caller, module_of(condition), amount)
    split(state, emit, ROUTER, (caller, caller), condition, amount)
    emit(ROUTER, ROUTER_SPLIT, (caller, condition.structured_id), (amount,))


def router_merge(state: State, emit: Emit, caller: str, condition: Condition, amount: int) -> None:
    """A full set of *caller* into pUSD for it; reverts without approval of the Router."""
    for token in condition.position_ids:
        erc1155.transfer(state, emit, POSITION_MANAGER, ROUTER, caller, module_of(condition), token, amount)
    merge(state, emit, ROUTER, caller, condition, amount)
    emit(ROUTER, ROUTER_MERGED, (caller, condition.structured_id), (amount,))


def router_redeem(state: State, emit: Emit, caller: str, condition: Condition, outcome: int, amount: int) -> None:
    """One token of *caller* into its payout; reverts while there is no result."""
    token = condition.position_ids[outcome]
    erc1155.transfer(state, emit, POSITION_MANAGER, ROUTER, caller, module_of(condition), token, amount)
    redeem(state, emit, ROUTER, caller, condition, outcome, amount)
    emit(ROUTER, ROUTER_REDEEMED, (caller, token), (amount,))


def migrate(state: State, emit: Emit, holder: str, condition: Condition) -> None:
    """The holder's CTF tokens of the condition become PositionManager tokens, its whole balances.

    Both sides in the module are merged (or redeemed after the resolution) and their USDC.e goes into the vault.
    """
    module = module_of(condition)
    moved = [(index, amount) for index, amount in enumerate(held(state, holder, condition)) if amount]
    if not moved:
        raise Revert("nothing to migrate")
    amounts = tuple(amount for _, amount in moved)
    old = tuple(condition.ctf_tokens[index] for index, _ in moved)
    new = tuple(condition.position_ids[index] for index, _ in moved)
    erc1155.transfer_batch(state, emit, CTF, module, holder, module, old, amounts)
    erc1155.mint_batch(state, emit, POSITION_MANAGER, module, holder, new, amounts)
    _register(state, condition)
    if not _redeem_legacy(state, emit, condition):
        pairs = min(held(state, module, condition))
        if pairs:
            ctf.merge_positions(state, emit, module, condition, pairs)
    for index, amount in moved:
        token = condition.position_ids[index]
        emit(module, PM_MIGRATED, (holder, condition.structured_id, token), (index, amount))
    _settle_legacy(state, emit, condition)


def _redeem_legacy(state: State, emit: Emit, condition: Condition) -> bool:
    """Store the result if the CTF has one, and redeem the module's old tokens; whether it has one."""
    numerators = ctf.payouts(state, condition)
    if not sum(numerators):
        return False
    module = module_of(condition)
    if not sum(result(state, condition)):
        first = numerators[0] * RESULT_DENOMINATOR // sum(numerators)
        results = (first, RESULT_DENOMINATOR - first)
        for index, value in enumerate(results):
            state.put((RESULT, condition.structured_id, index), value)
        emit(module, PM_RESOLVED, (condition.structured_id,), (results,))
        emit(module, RESULT_REPORTED, (module, condition.structured_id), (results,))
    amounts = held(state, module, condition)
    if any(amounts):
        paid = ctf.redeem_positions(state, emit, module, condition)
        promised = sum(map(mul, amounts, result(state, condition)))
        short = -(-promised // RESULT_DENOMINATOR) - paid
        state.add((SHORT, condition.structured_id), max(short, 0))
    return True


def _settle_legacy(state: State, emit: Emit, condition: Condition) -> None:
    """Old collateral of the module goes into the vault."""
    module = module_of(condition)
    amount = state.cash(condition.collateral, module)
    if not amount:
        return
    if condition.collateral == WRAPPED_COLLATERAL:
        wrapped.unwrap(state, emit, module, VAULT, amount)
    else:
        erc20.transfer(state, emit, USDC_E, module, VAULT, amount)
    _lock(state, condition, amount)
    emit(module, LEGACY_SETTLED, (condition.collateral, VAULT), (amount,))


def _register(state: State, condition: Condition) -> None:
    state.put((REGISTERED, condition.structured_id), 1)
    state.know(condition.slot, condition.ids)


def _lock(state: State, condition: Condition, amount: int) -> None:
    state.add((LOCKED_V2, condition.structured_id), amount)
    state.add((LOCKED_V2_TOTAL,), amount)
