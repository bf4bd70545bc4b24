"""The laws that hold after every transaction, each broken one told in words.

`check` reads the whole state. `check_block` looks only at what one block changed, so it costs as much as the block.

- nothing is negative;
- balances of a token, or of a cash contract, add up to its supply;
- an open condition has as much YES as NO as collateral behind it, on each ledger; a resolved one has enough for what
  its tokens still pay (Protocol V2 counts old tokens that its module holds, and what its rounding promises too much);
- the CTF holds the collateral of all its conditions; the vault holds USDC.e for all pUSD and for all Protocol V2 sets;
- wrapped collateral has USDC.e behind it but for conversions, whose NO tokens lie at the burn address;
- all USDC.e came in from outside;
- the contracts that money passes through are empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import mul

from tieout.sim.chain.block import Block
from tieout.sim.chain.chain import Chain
from tieout.sim.chain.collateral import INFLOW
from tieout.sim.chain.condition import KNOWN
from tieout.sim.chain.ctf import LOCKED, LOCKED_TOTAL, NUMERATOR
from tieout.sim.chain.modules import LOCKED_V2, LOCKED_V2_TOTAL, RESULT, RESULT_DENOMINATOR, SHORT
from tieout.sim.chain.neg_risk import CONVERTED, UNBACKED
from tieout.sim.chain.places import (
    CTF,
    MODULES,
    NO_BURN,
    P_USD,
    PASSING_THROUGH,
    POSITION_MANAGER,
    USDC_E,
    VAULT,
    WRAPPED_COLLATERAL,
)
from tieout.sim.chain.state import CASH, CASH_SUPPLY, TOKEN_SUPPLY, TOKENS, Slot, State

_MAY_BE_NEGATIVE = frozenset((LOCKED_V2, LOCKED_V2_TOTAL))
"""By the rounding that SHORT counts."""

_OF_A_CONDITION = frozenset((LOCKED, LOCKED_V2, NUMERATOR, RESULT))
"""Slots whose second part is a condition."""


def check(chain: Chain) -> list[str]:
    """Every law that the head state breaks; [] when all hold."""
    state = chain.state
    broken = list(_held(state, state.slots.items()))
    broken += _sums(state, Counter(state.slots))
    for slot, _ in state.of_kind(KNOWN):
        broken += _condition(state, slot)
    for slot, value in state.of_kind(TOKEN_SUPPLY):
        if slot[2] not in state.known:
            broken.append(f"{value} of token {slot[2]} belong to no condition")
    for slot, amount in state.of_kind(CONVERTED):
        broken += _converted(state, slot, amount)
    unbacked = sum((len(slot) - 3) * amount for slot, amount in state.of_kind(CONVERTED))
    broken += _equal("unbacked wrapped collateral", state.get((UNBACKED,)), "conversions", unbacked)
    locked = sum(value for _, value in state.of_kind(LOCKED))
    counted = sum(value for _, value in state.of_kind(LOCKED_TOTAL))
    broken += _equal("collateral of all conditions", counted, "their sum", locked)
    locked = sum(value for _, value in state.of_kind(LOCKED_V2))
    broken += _equal("vault part of all conditions", state.get((LOCKED_V2_TOTAL,)), "their sum", locked)
    return broken + list(_custody(state))


def check_block(chain: Chain, block: Block | None = None) -> list[str]:
    """The laws as far as the head block (or *block*, which must be the head) could have broken them."""
    block = block or chain.head
    state, undo = chain.state, block.undo
    changes: Counter[Slot] = Counter()
    for slot, old in undo.items():
        changes[slot] = state.get(slot) - old
    broken = list(_held(state, ((slot, state.get(slot)) for slot in undo)))
    broken += _sums(state, changes)
    touched = {slot[2] for slot in undo if slot[0] == TOKEN_SUPPLY}
    broken += [f"token {token} belongs to no condition" for token in touched if token not in state.known]
    touched |= {slot[1] for slot in undo if slot[0] in _OF_A_CONDITION}
    for condition in {state.known[name] for name in touched if name in state.known}:
        broken += _condition(state, condition)
    for slot in undo:
        if slot[0] == CONVERTED:
            broken += _converted(state, slot, state.get(slot))
    return broken + list(_custody(state))


def _held(state: State, slots: Iterable[tuple[Slot, int]]) -> Iterator[str]:
    """Nothing negative, and nothing left where things only pass through."""
    for slot, value in slots:
        kind = slot[0]
        if value < 0 and kind not in _MAY_BE_NEGATIVE:
            yield f"{slot} is {value}"
        if value and (kind == TOKENS or kind == CASH) and _passes(slot):
            yield f"{slot[2]} is left with {state.get(slot)} of {slot[1]}"


def _passes(slot: Slot) -> bool:
    if slot[2] in PASSING_THROUGH:
        return True
    return slot[2] in MODULES and not (slot[0] == TOKENS and slot[1] == CTF)


def _sums(state: State, amounts: Counter[Slot]) -> Iterator[str]:
    """Balances (or their changes) add up to the supply (or its change)."""
    totals: Counter[Slot] = Counter()
    for slot, amount in amounts.items():
        if slot[0] == TOKENS:
            totals[TOKEN_SUPPLY, slot[1], slot[3]] += amount
        elif slot[0] == CASH:
            totals[CASH_SUPPLY, slot[1]] += amount
        elif slot[0] == TOKEN_SUPPLY or slot[0] == CASH_SUPPLY:
            totals[slot] -= amount
    for slot, rest in totals.items():
        if rest:
            yield f"balances differ from {slot} = {state.get(slot)} by {rest}"


def _condition(state: State, known: Slot) -> list[str]:
    """The laws of one condition on both ledgers."""
    _, condition_id, structured_id, _, *ids = known
    ctf = tuple(state.get((TOKEN_SUPPLY, CTF, token)) for token in ids[:2])
    numerators = [state.get((NUMERATOR, condition_id, index)) for index in (0, 1)]
    locked = state.get((LOCKED, condition_id))
    broken = []
    if not sum(numerators):
        if not ctf[0] == ctf[1] == locked:
            broken.append(f"{condition_id}: YES {ctf[0]}, NO {ctf[1]}, collateral {locked}")
    elif sum(map(mul, ctf, numerators)) > locked * sum(numerators):
        broken.append(f"{condition_id}: {ctf} outstanding at {numerators} for {locked}")
    module = MODULES[1 if int(ids[2]) >> 248 == 2 else 0]
    new = [state.get((TOKEN_SUPPLY, POSITION_MANAGER, token)) for token in ids[2:]]
    old = [state.get((TOKENS, CTF, module, token)) for token in ids[:2]]
    results = [state.get((RESULT, structured_id, index)) for index in (0, 1)]
    vault = state.get((LOCKED_V2, structured_id))
    if not sum(results):
        if not (new[0] - old[0] == new[1] - old[1] == vault >= 0):
            broken.append(f"{condition_id}: V2 YES {new[0]}, NO {new[1]}, old {old}, in the vault {vault}")
    elif any(old) or sum(map(mul, new, results)) > (vault + state.get((SHORT, structured_id))) * RESULT_DENOMINATOR:
        broken.append(f"{condition_id}: V2 {new} outstanding at {results}, old {old}, for {vault}")
    return broken


def _converted(state: State, slot: Slot, amount: int) -> list[str]:
    """Every question's NO lies at the burn address in the converted amount."""
    return [
        f"{NO_BURN} holds {state.get((TOKENS, CTF, NO_BURN, token))} of {token}, converted {amount}"
        for token in slot[2:]
        if state.get((TOKENS, CTF, NO_BURN, token)) != amount
    ]


def _custody(state: State) -> Iterator[str]:
    """What the contracts hold against what they owe."""
    supply = {contract: state.get((CASH_SUPPLY, contract)) for contract in (P_USD, USDC_E, WRAPPED_COLLATERAL)}
    for collateral in (USDC_E, WRAPPED_COLLATERAL):
        locked = state.get((LOCKED_TOTAL, collateral))
        yield from _equal(f"{collateral} in the CTF", state.cash(collateral, CTF), "locked", locked)
    owed = supply[P_USD] + state.get((LOCKED_V2_TOTAL,))
    yield from _equal("USDC.e in the vault", state.cash(USDC_E, VAULT), "pUSD and V2 sets", owed)
    backed = state.cash(USDC_E, WRAPPED_COLLATERAL) + state.get((UNBACKED,))
    yield from _equal("wrapped collateral", supply[WRAPPED_COLLATERAL], "what is behind it", backed)
    yield from _equal("USDC.e", supply[USDC_E], "what came in", state.get((INFLOW,)))


def _equal(what: str, is_: int, than: str, should: int) -> list[str]:
    return [] if is_ == should else [f"{what} is {is_}, {than} {should}"]
