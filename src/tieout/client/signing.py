"""Everything that is signed, and the addresses that follow from a key: `polymarket-client`, wrapped here only.

The builders are private to that package, so its version is pinned, and `tests/client/test_signing.py` notices when
one of them moves or changes its result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from eth_utils.crypto import keccak
from polymarket._internal.actions.orders.typed_data import (
    _app_domain_separator,
    _order_contents_hash,
    build_order_signature,
    build_order_typed_data,
)
from polymarket._internal.actions.orders.types import BYTES32_ZERO, UnsignedOrder
from polymarket._internal.environment import PRODUCTION_CONFIG
from polymarket._internal.hmac import build_hmac_signature
from polymarket._internal.l1_auth import sign_api_key_auth
from polymarket._internal.wallet import (
    derive_beacon_deposit_wallet_address,
    derive_proxy_wallet_address,
    derive_safe_wallet_address,
    derive_uups_deposit_wallet_address,
    signature_type_for,
    try_classify_wallet_type,
)
from polymarket.models.types import ClobAssetId
from polymarket.types import EvmAddress, HexString

from tieout.client.keys import Credentials, PrivateKey
from tieout.ledger.facts import Side
from tieout.venue.tokens import is_structured

CHAIN_ID = PRODUCTION_CONFIG.chain_id
ZERO_32 = str(BYTES32_ZERO)
DEPOSIT_WALLET = 3
"""The signature type whose signature is the wallet's (ERC-1271), and whose `signer` is the wallet."""


@dataclass(frozen=True, slots=True)
class Wallets:
    """The addresses that one key can own, checksummed. `deposit_early` is the form before the beacon factory."""

    eoa: str
    proxy: str
    safe: str
    deposit: str
    deposit_early: str


def wallets_of(address: str) -> Wallets:
    """The wallets of the account *address*, computed; which of them exist only the chain knows."""
    config = PRODUCTION_CONFIG.wallet_derivation
    return Wallets(
        eoa=address,
        proxy=derive_proxy_wallet_address(address, config),
        safe=derive_safe_wallet_address(address, config),
        deposit=derive_beacon_deposit_wallet_address(address, config),
        deposit_early=derive_uups_deposit_wallet_address(address, config),
    )


def signature_type_of(address: str, wallet: str) -> int:
    """0 EOA, 1 proxy, 2 safe, 3 deposit wallet. Raises ValueError when *wallet* is none that *address* owns."""
    kind = try_classify_wallet_type(signer=address, wallet=wallet, config=PRODUCTION_CONFIG.wallet_derivation)
    if kind is None:
        raise ValueError(f"wallet: expected {address} or a wallet that it owns, was {wallet}")
    return signature_type_for(kind)


def exchange_of(token_id: str, *, neg_risk: bool) -> str:
    """The exchange that an order for the token is signed for."""
    if is_structured(token_id):
        return PRODUCTION_CONFIG.exchange_v3
    return PRODUCTION_CONFIG.neg_risk_exchange if neg_risk else PRODUCTION_CONFIG.standard_exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFields:
    """The signed fields of an order, and its expiration (unix s, 0 none), which is not signed."""

    token_id: str
    side: Side
    maker_amount: int
    taker_amount: int
    wallet: str
    signature_type: int
    salt: int
    timestamp_ms: int
    expiration_s: int
    neg_risk: bool
    metadata: str
    builder: str


def sign_order(key: PrivateKey, wanted: OrderFields) -> tuple[str, str, str]:
    """(order id, signature, signer address). The id is the EIP-712 digest that the exchange computes.

    For a deposit wallet the signature covers the digest wrapped as the wallet's; the order id stays the plain one.
    """
    order = _unsigned(key, wanted)
    digest = _digest(order)
    if wanted.signature_type == DEPOSIT_WALLET:
        signed = bytes(key.account.sign_typed_data(full_message=build_order_typed_data(order)).signature)
    else:
        signed = key.sign_digest(digest)  # what signing the typed data comes to, in a tenth of the time
    signature = build_order_signature(order, HexString("0x" + signed.hex()))
    return "0x" + digest.hex(), str(signature), str(order.signer)


def _unsigned(key: PrivateKey, wanted: OrderFields) -> UnsignedOrder:
    """The order as the official client holds it; the domain is "3" for Protocol V2 tokens, else "2"."""
    signer = wanted.wallet if wanted.signature_type == DEPOSIT_WALLET else key.address
    return UnsignedOrder(
        chain_id=CHAIN_ID,
        builder=HexString(wanted.builder),
        exchange_address=EvmAddress(exchange_of(wanted.token_id, neg_risk=wanted.neg_risk)),
        expiration=wanted.expiration_s,
        maker=EvmAddress(wanted.wallet),
        maker_amount=wanted.maker_amount,
        metadata=HexString(wanted.metadata),
        order_type="GTC",  # not signed; the type is in the envelope
        salt=wanted.salt,
        side="BUY" if wanted.side is Side.BUY else "SELL",
        signature_type=wanted.signature_type,
        signer=EvmAddress(signer),
        taker_amount=wanted.taker_amount,
        timestamp=wanted.timestamp_ms,
        token_id=cast("ClobAssetId", wanted.token_id),
        protocol_version="3" if is_structured(wanted.token_id) else "2",
    )


def _digest(order: UnsignedOrder) -> bytes:
    return bytes(keccak(b"\x19\x01" + _separator(order) + _order_contents_hash(order)))


_separators: dict[tuple[int, str, str], bytes] = {}


def _separator(order: UnsignedOrder) -> bytes:
    """That of the order's exchange, of which there are few: made once, it is a third of the work on an order."""
    domain = (order.chain_id, str(order.exchange_address), order.protocol_version)
    if domain not in _separators:
        made = _app_domain_separator(order, protocol_version=order.protocol_version)
        _separators[domain] = bytes.fromhex(made[2:])
    return _separators[domain]


def level1_headers(key: PrivateKey, now_s: int, nonce: int = 0) -> dict[str, str]:
    """Headers that prove a wallet, for the making of API keys (`polymarket.md` 1.2)."""
    proof = sign_api_key_auth(key.account, chain_id=CHAIN_ID, timestamp=now_s, nonce=nonce)
    return {
        "POLY_ADDRESS": proof.address,
        "POLY_SIGNATURE": proof.signature,
        "POLY_TIMESTAMP": str(proof.timestamp),
        "POLY_NONCE": str(proof.nonce),
    }


def level2_headers(
    credentials: Credentials, address: str, now_s: int, method: str, path: str, body: bytes
) -> dict[str, str]:
    """Headers of an API key. *address* is the account that signs, *path* has no query, *body* is what is sent."""
    signature = build_hmac_signature(
        secret=credentials.secret,
        timestamp=now_s,
        method=method,
        path=path,
        body=body.decode() if body else None,
    )
    return {
        "POLY_ADDRESS": address,
        "POLY_API_KEY": credentials.key,
        "POLY_PASSPHRASE": credentials.passphrase,
        "POLY_SIGNATURE": signature,
        "POLY_TIMESTAMP": str(now_s),
    }
