"""Allowances: what a wallet gives when it is set up, and what the contracts gave each other when they were deployed."""

from __future__ import annotations

from collections.abc import Iterator

from tieout.sim.chain import erc20, erc1155
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import (
    AUTO_REDEEMER,
    BRIDGE,
    CTF,
    CTF_ADAPTER,
    EXCHANGE_CTF_ADAPTER,
    EXCHANGE_NEG_ADAPTER,
    EXCHANGE_V3,
    EXCHANGES,
    MODULES,
    NEG_CTF_ADAPTER,
    NEG_RISK_ADAPTER,
    OFFRAMP,
    ONRAMP,
    P_USD,
    PERPS_DEPOSIT,
    POSITION_MANAGER,
    ROUTER,
    USDC_E,
    USER_ADAPTERS,
    V2_EXCHANGES,
    VAULT,
    WRAPPED_COLLATERAL,
)
from tieout.sim.chain.state import ALLOWANCE, APPROVAL, MAX_UINT, State

_CASH = (
    *((P_USD, spender) for spender in (*EXCHANGES, *USER_ADAPTERS, ROUTER, OFFRAMP, PERPS_DEPOSIT)),
    (USDC_E, ONRAMP),
)
_TOKENS = (
    *((CTF, operator) for operator in (*V2_EXCHANGES, *USER_ADAPTERS, *MODULES, AUTO_REDEEMER)),
    *((POSITION_MANAGER, operator) for operator in (EXCHANGE_V3, ROUTER, AUTO_REDEEMER)),
)


def approve_all(state: State, emit: Emit, wallet: str) -> None:
    """Unlimited allowances and all approvals of a wallet."""
    for contract, spender in _CASH:
        erc20.approve(state, emit, contract, wallet, spender, MAX_UINT)
    for ledger, operator in _TOKENS:
        erc1155.set_approval(state, emit, ledger, wallet, operator, approved=True)


def disapprove_all(state: State, emit: Emit, wallet: str) -> None:
    """None of them any more."""
    for contract, spender in _CASH:
        erc20.approve(state, emit, contract, wallet, spender, 0)
    for ledger, operator in _TOKENS:
        erc1155.set_approval(state, emit, ledger, wallet, operator, approved=False)


def _deployed_allowances() -> Iterator[tuple[str, str, str]]:
    """(contract, owner, spender) between the contracts."""
    yield USDC_E, VAULT, P_USD
    yield USDC_E, BRIDGE, ONRAMP
    yield USDC_E, AUTO_REDEEMER, ONRAMP
    yield USDC_E, NEG_RISK_ADAPTER, WRAPPED_COLLATERAL
    yield WRAPPED_COLLATERAL, NEG_RISK_ADAPTER, CTF
    for adapter in (CTF_ADAPTER, EXCHANGE_CTF_ADAPTER, NEG_CTF_ADAPTER, EXCHANGE_NEG_ADAPTER):
        yield USDC_E, adapter, CTF
    for adapter in (NEG_CTF_ADAPTER, EXCHANGE_NEG_ADAPTER):
        yield USDC_E, adapter, NEG_RISK_ADAPTER
    for exchange in V2_EXCHANGES:
        yield P_USD, exchange, EXCHANGE_CTF_ADAPTER
        yield P_USD, exchange, EXCHANGE_NEG_ADAPTER


def _deployed_approvals() -> Iterator[tuple[str, str]]:
    """(owner, operator) on the CTF between the contracts."""
    for adapter in (NEG_CTF_ADAPTER, EXCHANGE_NEG_ADAPTER, AUTO_REDEEMER):
        yield adapter, NEG_RISK_ADAPTER
    for exchange in V2_EXCHANGES:
        yield exchange, EXCHANGE_CTF_ADAPTER
        yield exchange, EXCHANGE_NEG_ADAPTER


def deploy(state: State) -> None:
    """What the contracts allow each other, before the first block and without logs."""
    for contract, owner, spender in _deployed_allowances():
        state.put((ALLOWANCE, contract, owner, spender), MAX_UINT)
    for owner, operator in _deployed_approvals():
        state.put((APPROVAL, CTF, owner, operator), 1)
