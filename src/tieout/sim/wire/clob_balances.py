"""`/balance-allowance`: what the CLOB believes a wallet has. A cache, as on the venue, so it can be stale.

It is filled by the first reading, by `/balance-allowance/update`, and when a trade of the wallet is mined; deposits,
transfers, splits and redemptions do not touch it (`polymarket.md` 1.3 and 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieout.sim.contracts import (
    CTF_EXCHANGE,
    EXCHANGE_V3,
    NEG_RISK_EXCHANGE,
    contract,
    exchange_of,
    ledger_of,
)
from tieout.sim.engine.rejections import Rejected
from tieout.sim.events import Event, TradeChanged
from tieout.sim.model import Market, OrderRequest, Side, TradeStatus
from tieout.sim.wire.clob_desk import Desk
from tieout.sim.wire.errors import BAD_ASSET_TYPE, BAD_SIGNATURE_TYPE, BAD_TOKEN, allowance_text, bad_request
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.wallets import (
    DEPOSIT,
    EOA,
    PROXY,
    checksummed,
    deposit_wallet,
    legacy_deposit_wallet,
    proxy_wallet,
    safe_wallet,
)
from tieout.sim.world import World
from tieout.venue.addresses import CTF, POSITION_MANAGER

UNLIMITED = (1 << 256) - 1
NEG_RISK_ADAPTER = contract("NegRiskAdapter")
SPENDERS = {
    "COLLATERAL": (CTF_EXCHANGE, NEG_RISK_EXCHANGE, NEG_RISK_ADAPTER, EXCHANGE_V3),
    "CONDITIONAL": (CTF_EXCHANGE, NEG_RISK_EXCHANGE, NEG_RISK_ADAPTER),
    "CONDITIONAL-V2": (EXCHANGE_V3,),
}
"""Whose allowances are listed, by asset type."""

_LEDGERS = {"CONDITIONAL": CTF, "CONDITIONAL-V2": POSITION_MANAGER}

Asset = tuple[str, int]
"""(asset type, token)."""

Entry = tuple[int, dict[str, int]]
"""(balance, allowance by spender), base units."""


def wallet_of(world: World, signer: str, signature_type: int) -> str:
    """The wallet that a signer trades with under a signature type; the old deposit wallet while it holds money."""
    if signature_type == EOA:
        return signer
    if signature_type == PROXY:
        return proxy_wallet(signer)
    if signature_type == DEPOSIT:
        legacy = legacy_deposit_wallet(signer)
        return legacy if world.chain.cash(legacy) else deposit_wallet(signer)
    return safe_wallet(signer)


def asked_wallet(desk: Desk, request: Request) -> str:
    """The wallet that the caller's key and `signature_type` name. Raises HttpError 400 or 401."""
    key = desk.auth.reader(request)
    signature_type = request.query.get("signature_type", "0")
    if signature_type not in ("0", "1", "2", "3"):
        raise bad_request(BAD_SIGNATURE_TYPE)
    return wallet_of(desk.world, key.signer, int(signature_type))


def missing_allowance(world: World, rejected: Rejected, request: OrderRequest, market: Market) -> str:
    """The venue's text when the wallet has enough but the exchange may not take it; "" when money is what lacks."""
    exchange, wallet = exchange_of(market), request.wallet
    if request.side is Side.BUY:
        allowance, held = world.chain.cash_allowance(wallet, exchange), world.chain.cash(wallet)
    else:
        ledger = ledger_of(market)
        allowance = UNLIMITED if world.chain.tokens_approved(ledger, wallet, exchange) else 0
        held = world.chain.tokens(ledger, wallet, request.token)
    wanted = rejected.facts["amount"] + rejected.facts["matched"]
    if held < wanted or allowance >= wanted:
        return ""
    return allowance_text(checksummed(exchange), allowance, rejected)


class Balances:
    """The cache, by wallet and asset."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: dict[str, dict[Asset, Entry]] = {}
        desk.world.hub.listen(self._on_event)

    def add_to(self, router: Router) -> None:
        """Serve the routes."""
        router.add("GET", "/balance-allowance", self.get)
        router.add("GET", "/balance-allowance/update", self.update)

    def get(self, request: Request, _names: Mapping[str, str]) -> Reply:
        """The cached figures, read now when there are none."""
        wallet, asset = self._asked(request)
        kept = self._kept.setdefault(wallet, {})
        if asset not in kept:
            kept[asset] = self._read(wallet, asset)
        return json_reply(_shape(kept[asset]))

    def update(self, request: Request, _names: Mapping[str, str]) -> Reply:
        """Read the chain again; the answer is empty (GH py-clob-client#287)."""
        wallet, asset = self._asked(request)
        self._kept.setdefault(wallet, {})[asset] = self._read(wallet, asset)
        return Reply(200, b"", {"content-type": "application/json; charset=utf-8"})

    def _asked(self, request: Request) -> tuple[str, Asset]:
        wallet = asked_wallet(self._desk, request)
        asset_type = request.query.get("asset_type", "")
        if asset_type not in SPENDERS:
            raise bad_request(BAD_ASSET_TYPE)
        token = 0
        if asset_type != "COLLATERAL":
            token = self._desk.token(request.query.get("token_id"))
            if token < 0:
                raise bad_request(BAD_TOKEN)
        return wallet, (asset_type, token)

    def _read(self, wallet: str, asset: Asset) -> Entry:
        asset_type, token = asset
        chain = self._desk.world.chain
        spenders = SPENDERS[asset_type]
        if asset_type == "COLLATERAL":
            return chain.cash(wallet), {spender: chain.cash_allowance(wallet, spender) for spender in spenders}
        ledger = _LEDGERS[asset_type]
        allowances = {
            spender: UNLIMITED if chain.tokens_approved(ledger, wallet, spender) else 0 for spender in spenders
        }
        return chain.tokens(ledger, wallet, token), allowances

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, TradeChanged) or event.trade.status is not TradeStatus.MINED:
            return
        for wallet in event.trade.wallets:
            kept = self._kept.get(wallet, {})
            for asset in kept:
                kept[asset] = self._read(wallet, asset)


def _shape(entry: Entry) -> dict[str, Any]:
    balance, allowances = entry
    return {
        "balance": str(balance),
        "allowances": {checksummed(spender): str(amount) for spender, amount in allowances.items()},
    }
