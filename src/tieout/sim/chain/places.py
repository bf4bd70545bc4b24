"""Where the contracts and the venue's own accounts are, by what they do (`polymarket.md` 6.1)."""

from __future__ import annotations

from tieout.sim.contracts import (
    AUTO_REDEEMER,
    CTF_EXCHANGE,
    EXCHANGE_V3,
    NEG_RISK_EXCHANGE,
    REWARDS,
    contract,
)
from tieout.venue.addresses import CTF, P_USD, POSITION_MANAGER, USDC_E, WRAPPED_COLLATERAL

THIRD_EXCHANGE = contract("third V2 instance")
NEG_RISK_ADAPTER = contract("NegRiskAdapter")
ONRAMP = contract("CollateralOnramp")
ROUTER = contract("Router")
BINARY_MODULE = contract("BinaryModule")
NEG_RISK_MODULE = contract("NegRiskModule")

CTF_ADAPTER = contract("CTF collateral adapter")
NEG_CTF_ADAPTER = contract("neg-risk collateral adapter")
"""What wallets split, merge and redeem with."""

EXCHANGE_CTF_ADAPTER = contract("earlier CTF collateral adapter")
EXCHANGE_NEG_ADAPTER = contract("earlier neg-risk collateral adapter")
"""What the V2 exchanges mint and merge with (recorded receipts of September 2026)."""

OFFRAMP = "0x2957922eb93258b93368531d39facca3b4dc5854"
VAULT = "0xc417fd8e9661c0d2120b64a04bb3278c17e99db1"
"""Holds the USDC.e behind pUSD (recorded receipts)."""

FEE_RECEIVER = "0x115f48dc2a731aa16251c6d6e1befc42f92accc9"
"""Gets the trading fees (recorded receipts)."""

NO_BURN = "0xa5ef39c3d3e10d0b270233af41cac69796b12966"
"""Where a conversion leaves the NO tokens (`polymarket.md` 6.5)."""

NEG_RISK_FEES = "0x7f67327e88c258932d7d8f72950be0d46975e11d"
"""Gets the fee of a conversion."""

PERPS_DEPOSIT = "0xdca4af75705dbb50f62437045aff9921947917d2"
"""One of the spenders the official client asks an allowance for (polymarket-client 0.14.0, `environments.py`)."""

BRIDGE = "0x00000000000000000000000000000000000b21d9"
REBATE_PAYER = "0x00000000000000000000000000000000000aeba7"
OPERATOR = "0x0000000000000000000000000000000000009e12"
"""Accounts of the simulator: where deposits come in, what pays rebates, who sends transactions."""

V2_EXCHANGES = (CTF_EXCHANGE, NEG_RISK_EXCHANGE, THIRD_EXCHANGE)
EXCHANGES = (*V2_EXCHANGES, EXCHANGE_V3)
USER_ADAPTERS = (CTF_ADAPTER, NEG_CTF_ADAPTER)
MODULES = (BINARY_MODULE, NEG_RISK_MODULE)

PASSING_THROUGH: frozenset[str] = frozenset(
    (
        *EXCHANGES,
        *USER_ADAPTERS,
        EXCHANGE_CTF_ADAPTER,
        EXCHANGE_NEG_ADAPTER,
        NEG_RISK_ADAPTER,
        ONRAMP,
        OFFRAMP,
        P_USD,
        ROUTER,
        AUTO_REDEEMER,
    )
)
"""Contracts that are empty again after every transaction."""

__all__ = [
    "AUTO_REDEEMER",
    "BINARY_MODULE",
    "BRIDGE",
    "CTF",
    "CTF_ADAPTER",
    "CTF_EXCHANGE",
    "EXCHANGES",
    "EXCHANGE_CTF_ADAPTER",
    "EXCHANGE_NEG_ADAPTER",
    "EXCHANGE_V3",
    "FEE_RECEIVER",
    "MODULES",
    "NEG_CTF_ADAPTER",
    "NEG_RISK_ADAPTER",
    "NEG_RISK_EXCHANGE",
    "NEG_RISK_FEES",
    "NEG_RISK_MODULE",
    "NO_BURN",
    "OFFRAMP",
    "ONRAMP",
    "OPERATOR",
    "PASSING_THROUGH",
    "PERPS_DEPOSIT",
    "POSITION_MANAGER",
    "P_USD",
    "REBATE_PAYER",
    "REWARDS",
    "ROUTER",
    "THIRD_EXCHANGE",
    "USDC_E",
    "USER_ADAPTERS",
    "V2_EXCHANGES",
    "VAULT",
    "WRAPPED_COLLATERAL",
]
