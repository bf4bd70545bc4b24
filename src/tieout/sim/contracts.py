"""Which contract a market trades on, and on which ledger its tokens are (`polymarket.md` 0 and 6.1)."""

from __future__ import annotations

from tieout.sim.model import Market
from tieout.venue.addresses import CONTRACTS, CTF, POSITION_MANAGER


def contract(name: str) -> str:
    """The lower-case address of the contract called *name* in the dated table."""
    return next(entry.address for entry in CONTRACTS if entry.name == name)


CHAIN_ID = 137
"""Polygon."""

CTF_EXCHANGE = contract("CTFExchangeV2")
NEG_RISK_EXCHANGE = contract("NegRisk CTFExchangeV2")
EXCHANGE_V3 = contract("ExchangeV3")
REWARDS = contract("Rewards")
AUTO_REDEEMER = contract("AutoRedeemer")


def version_of(market: Market, token: int) -> str:
    """The generation of one of the market's tokens: a match made before a migration settles in the old one."""
    return "v2" if token in market.position_ids else "v1"


def exchange_of(market: Market, token: int | None = None) -> str:
    """The exchange that settles *token*, or the present tokens; also the verifying contract of their orders."""
    version = market.version if token is None else version_of(market, token)
    if version == "v2":
        return EXCHANGE_V3
    return NEG_RISK_EXCHANGE if market.neg_risk else CTF_EXCHANGE


def order_version(market: Market) -> str:
    """The version in the EIP-712 domain of the market's orders."""
    return "3" if market.version == "v2" else "2"


def ledger_of(market: Market, token: int | None = None) -> str:
    """The ERC-1155 contract that holds *token*, or the tokens the market trades now."""
    version = market.version if token is None else version_of(market, token)
    return POSITION_MANAGER if version == "v2" else CTF
