"""The venue's contracts on Polygon (chain 137) and since when each counts. State of polymarket.md 6.1, 2026-11-24.

Addresses moved at least twice in 2026; an old one stays here, because old logs must still decode. The dates say when
a contract is known to have been in use ("" is open); they document and are not enforced.
"""

from __future__ import annotations

from typing import NamedTuple

ZERO = "0x" + "0" * 40


class Contract(NamedTuple):
    """One contract: `role` groups the ones that emit the same events."""

    role: str
    name: str
    address: str
    since: str = ""
    until: str = ""


CONTRACTS: tuple[Contract, ...] = (
    Contract("collateral", "pUSD", "0xc011a7e12a19f7b1f670d46f03b03f3342e82dfb", "2026-04-28"),
    Contract("collateral", "USDC.e", "0x2791bca1f2de4661ed88a30c99a7a9449aa84174"),
    Contract("wrapped", "NegRiskAdapter wrapped collateral", "0x3a3bd7bb9528e159577f7c2e685cc81a765002e2"),
    Contract("onramp", "CollateralOnramp", "0x93070a847efef7f70739046a929d47a521f5b8ee", "2026-04-28"),
    Contract("ledger", "ConditionalTokens", "0x4d97dcd97ec945f40cf65f87097ace5ea0476045"),
    Contract("ledger", "PositionManager", "0x006f54f7f9a22e0000cc2ab60031000000ae9fef", "2026-09-04"),
    Contract("exchange", "CTFExchangeV2", "0xe111180000d2663c0091e4f400237545b87b996b", "2026-04-03"),
    Contract("exchange", "NegRisk CTFExchangeV2", "0xe2222d279d744050d28e00520010520000310f59", "2026-04-03"),
    Contract("exchange", "third V2 instance", "0xe2222d002000ba0053cef3375333610f64600036", "2026-04-01"),
    Contract("exchange", "ExchangeV3", "0xe3333700ca9d93003f00f0f71f8515005f6c00aa", "2026-09-04"),
    Contract("exchange_v1", "CTFExchange", "0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e", "", "2026-04-28"),
    Contract("exchange_v1", "NegRisk CTFExchange", "0xc5d563a36ae78145c45a50134d48a1215220f80a", "", "2026-04-28"),
    Contract("fee_module", "fee module 1", "0xe3f18acc55091e2c48d883fc8c8413319d4ab7b0", "", "2026-04-28"),
    Contract("fee_module", "fee module 2", "0xb768891e3130f6df18214ac804d4db76c2c37730", "", "2026-04-28"),
    Contract("fee_module", "fee module 3", "0x56c79347e95530c01a2fc76e732f9566da16e113", "", "2026-04-28"),
    Contract("router", "Router", "0x12121212006e4cd160d18e3f00711da5c3372600", "2026-09-04"),
    Contract("module", "BinaryModule", "0x1000008dd9001b968442c1000017eae6e0da00ba", "2026-09-04"),
    Contract("module", "NegRiskModule", "0x200000900045e3b6259600682756002200028933", "2026-09-04"),
    Contract("module", "CombinatorialModule", "0x30000034706c7d8e12009dab006be20000c031a8", "2026-09-04"),
    Contract("ctf_adapter", "CTF collateral adapter", "0xada100db00ca00073811820692005400218fce1f"),
    Contract("ctf_adapter", "earlier CTF collateral adapter", "0xada100874d00e3331d00f2007a9c336a65009718"),
    Contract("neg_adapter", "neg-risk collateral adapter", "0xada2005600dec949baf300f4c6120000bdb6eaab"),
    Contract("neg_adapter", "earlier neg-risk collateral adapter", "0xada200001000ef00d07553cee7006808f895c6f1"),
    Contract("neg_risk", "NegRiskAdapter", "0xd91e80cf2e7be2e162c6513ced06f1dd0da35296"),
    Contract("redeemer", "AutoRedeemer", "0xa1200000d0002264c9a1698e001292d00e1b00af"),
    Contract("rewards", "Rewards", "0xdd8db71ce3be8d71ff148b2163d64da181a29e8b", "2026-04-01"),
)

ROLE: dict[str, str] = {contract.address: contract.role for contract in CONTRACTS}
"""Role by lower-case address."""


def _named(name: str) -> str:
    """The address of the contract called *name*."""
    return next(contract.address for contract in CONTRACTS if contract.name == name)


P_USD = _named("pUSD")
USDC_E = _named("USDC.e")
WRAPPED_COLLATERAL = _named("NegRiskAdapter wrapped collateral")
CTF = _named("ConditionalTokens")
POSITION_MANAGER = _named("PositionManager")
EXCHANGE_V3 = _named("ExchangeV3")
NEG_RISK_ADAPTER = _named("NegRiskAdapter")

EXCHANGES: frozenset[str] = frozenset(a for a, role in ROLE.items() if role in ("exchange", "exchange_v1"))
COLLATERAL_ADAPTERS: frozenset[str] = frozenset(a for a, role in ROLE.items() if role in ("ctf_adapter", "neg_adapter"))
MODULES: frozenset[str] = frozenset(a for a, role in ROLE.items() if role == "module")
