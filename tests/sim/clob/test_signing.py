"""Digests, signatures and wallets against the official clients' own code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from polymarket._internal import wallet as sdk_wallets
from polymarket._internal.actions.orders.typed_data import build_order_typed_data
from polymarket._internal.actions.orders.types import UnsignedOrder
from polymarket._internal.environment import PRODUCTION_CONFIG
from polymarket._internal.l1_auth import build_api_key_auth_typed_data

from sim.clob.venue import signature
from tieout.sim.contracts import CTF_EXCHANGE, EXCHANGE_V3, NEG_RISK_EXCHANGE
from tieout.sim.wire.clob_payload import read_body
from tieout.sim.wire.clob_signing import (
    OrderFields,
    auth_digest,
    domain_separator,
    order_digest,
    recovered,
    signed_by,
)
from tieout.sim.wire.wallets import (
    belongs,
    checksummed,
    deposit_wallet,
    legacy_deposit_wallet,
    proxy_wallet,
    safe_wallet,
)

OWNERS = [Account.from_key(f"0x{number:064x}") for number in (1, 2, 77, 10**20)]


def eip712_digest(typed: dict) -> bytes:
    message = encode_typed_data(full_message=typed)
    from eth_utils import keccak

    return keccak(b"\x19" + message.version + message.header + message.body)


def test_the_sample_order_has_its_known_id_and_signer(shared: Path):
    body = read_body(json.loads((shared / "samples/post_order_body_sdk_0_14.json").read_text()))
    fields = body.order.fields()
    digest = order_digest(fields.struct_hash(), domain_separator(137, CTF_EXCHANGE, "2"))
    assert digest.hex() == "cf3901c95c141da0e165e90965b05729f5d084c9bc2be9d0622a1e400b33b514"
    assert recovered(digest, bytes.fromhex(body.order.signature[2:])) == body.order.signer.lower()


def unsigned(exchange: str, version: str, **changes: object) -> dict:
    return {
        "builder": "0x" + "0b" * 32,
        "maker": OWNERS[0].address,
        "maker_amount": 12_345_678,
        "metadata": "0x" + "ad" * 32,
        "salt": (1 << 53) - 1,
        "side": "SELL",
        "signature_type": 0,
        "signer": OWNERS[0].address,
        "taker_amount": 9_999_999,
        "timestamp": 1_795_507_073_279,
        "token_id": str((1 << 256) - 5),
        "expiration": 0,
    } | changes


def fields_of(values: dict) -> OrderFields:
    return OrderFields(
        values["salt"],
        values["maker"].lower(),
        values["signer"].lower(),
        int(values["token_id"]),
        values["maker_amount"],
        values["taker_amount"],
        0 if values["side"] == "BUY" else 1,
        values["signature_type"],
        values["timestamp"],
        values["metadata"],
        values["builder"],
    )


@pytest.mark.parametrize(("exchange", "version"), [(CTF_EXCHANGE, "2"), (NEG_RISK_EXCHANGE, "2"), (EXCHANGE_V3, "3")])
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_order_ids_are_those_of_a_general_encoder(exchange: str, version: str, side: str):
    values = unsigned(exchange, version, side=side)
    order = UnsignedOrder(chain_id=137, exchange_address=exchange, order_type="GTC", protocol_version=version, **values)
    ours = order_digest(fields_of(values).struct_hash(), domain_separator(137, exchange, version))
    assert ours == eip712_digest(build_order_typed_data(order))


@pytest.mark.parametrize("signature_type", [0, 1, 2, 3])
def test_signatures_of_every_kind_verify_and_others_do_not(signature_type: int):
    owner = OWNERS[1]
    wallet = deposit_wallet(owner.address.lower())
    signer = wallet if signature_type == 3 else owner.address
    values = unsigned(CTF_EXCHANGE, "2", signature_type=signature_type, maker=wallet, signer=signer)
    signed = bytes.fromhex(signature(owner, values, CTF_EXCHANGE, "2")[2:])
    place = {"chain_id": 137, "exchange": CTF_EXCHANGE, "version": "2"}
    assert signed_by(fields_of(values), signed, owner.address.lower(), **place)
    assert not signed_by(fields_of(values), signed, OWNERS[2].address.lower(), **place)
    assert not signed_by(fields_of(values | {"salt": 1}), signed, owner.address.lower(), **place)
    assert not signed_by(fields_of(values), signed, owner.address.lower(), **(place | {"version": "3"}))
    assert not signed_by(fields_of(values), signed[:-1], owner.address.lower(), **place)


def test_bytes_that_are_no_signature_recover_nobody():
    assert recovered(bytes(32), bytes(65)) is None
    assert recovered(bytes(32), bytes(64) + b"\x1d") is None
    assert recovered(bytes(32), b"\xff" * 64 + b"\x1b") is None


def test_the_auth_message_is_that_of_the_sdk():
    address = OWNERS[3].address
    typed = build_api_key_auth_typed_data(address=address, chain_id=137, timestamp=1_795_507_073, nonce=7)
    assert auth_digest(137, address, "1795507073", 7) == eip712_digest(typed)


@pytest.mark.parametrize("owner", [owner.address for owner in OWNERS])
def test_wallets_are_derived_as_the_sdk_derives_them(owner: str):
    config, plain = PRODUCTION_CONFIG.wallet_derivation, owner.lower()
    derived = {
        1: (proxy_wallet(plain), sdk_wallets.derive_proxy_wallet_address(owner, config)),
        2: (safe_wallet(plain), sdk_wallets.derive_safe_wallet_address(owner, config)),
        3: (deposit_wallet(plain), sdk_wallets.derive_beacon_deposit_wallet_address(owner, config)),
    }
    for kind, (ours, theirs) in derived.items():
        assert checksummed(ours) == theirs
        assert belongs(ours, plain, kind)
        assert not belongs(ours, plain, (kind + 1) % 4)
    legacy = legacy_deposit_wallet(plain)
    assert checksummed(legacy) == sdk_wallets.derive_uups_deposit_wallet_address(owner, config)
    assert belongs(legacy, plain, 3)
