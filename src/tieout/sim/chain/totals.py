"""Supplies and custody of a state in one view."""

from __future__ import annotations

from dataclasses import dataclass

from tieout.sim.chain.places import CTF, P_USD, USDC_E, VAULT, WRAPPED_COLLATERAL
from tieout.sim.chain.state import CASH_SUPPLY, TOKEN_SUPPLY, State


@dataclass(frozen=True, slots=True)
class Totals:
    """`tokens` is the supply by (ledger, token); `cash` the supply by contract; the rest is what contracts hold."""

    tokens: dict[tuple[str, int], int]
    cash: dict[str, int]
    vault_usdc: int
    ctf_usdc: int
    ctf_wrapped: int
    wrapped_usdc: int


def totals(state: State) -> Totals:
    """Read them."""
    return Totals(
        tokens={(str(slot[1]), int(slot[2])): value for slot, value in state.of_kind(TOKEN_SUPPLY)},
        cash={contract: state.get((CASH_SUPPLY, contract)) for contract in (P_USD, USDC_E, WRAPPED_COLLATERAL)},
        vault_usdc=state.cash(USDC_E, VAULT),
        ctf_usdc=state.cash(USDC_E, CTF),
        ctf_wrapped=state.cash(WRAPPED_COLLATERAL, CTF),
        wrapped_usdc=state.cash(USDC_E, WRAPPED_COLLATERAL),
    )
