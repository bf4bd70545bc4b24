"""Amounts, order ids, signatures and headers against both official clients, and the addresses of a key."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.metadata import version

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from polymarket._internal.actions.orders.limit import _compute_limit_order_amounts
from polymarket._internal.actions.orders.typed_data import (
    _build_standard_typed_data,
    build_order_signature,
    build_order_typed_data,
)
from polymarket._internal.actions.orders.types import UnsignedOrder
from polymarket._internal.l1_auth import sign_api_key_auth
from py_clob_client_v2.clob_types import ApiCreds, RequestArgs
from py_clob_client_v2.headers.headers import create_level_1_headers, create_level_2_headers
from py_clob_client_v2.order_builder.builder import ROUNDING_CONFIG, OrderBuilder
from py_clob_client_v2.order_utils import ExchangeOrderBuilderV2
from py_clob_client_v2.order_utils.model.order_data_v2 import OrderDataV2
from py_clob_client_v2.signer import Signer

from client.stage import CREDENTIALS, KEY, SECRET, START_MS
from support.shared import SHARED
from tieout.client.amounts import TICKS, OffGridError, order_amounts
from tieout.client.orders import SALT_BITS, OrderSigner, OrderWanted
from tieout.client.signing import (
    CHAIN_ID,
    ZERO_32,
    OrderFields,
    exchange_of,
    level1_headers,
    level2_headers,
    sign_order,
    signature_type_of,
    wallets_of,
)
from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO
from tieout.sim.wire.wallets import deposit_wallet, legacy_deposit_wallet, proxy_wallet, safe_wallet

CTF_TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
V2_TOKEN = str((1 << 248) | (0xABCDEF << 120) | (2 << 104) | 1)
PRIVATE = "0x" + "a1" * 32


def test_the_private_builders_are_those_of_the_pinned_version() -> None:
    assert version("polymarket-client") == "0.14.0"


SIZES = (10_000, 20_000, 290_000, 1_000_000, 5_000_000, 5_010_000, 14_280_000, 155_030_000, 1_234_567_890_000)


def prices(tick: int) -> list[int]:
    """Every price of a coarse grid; of a fine one the ends and what lies between in steps of a prime."""
    grid = range(tick, MICRO, tick)
    return list(grid) if len(grid) < 200 else [*grid[:20], *grid[20:-20:37], *grid[-20:]]


@pytest.mark.parametrize("tick", TICKS)
@pytest.mark.parametrize("side", list(Side))
def test_amounts_equal_those_of_both_official_clients(tick: int, side: Side) -> None:
    config = ROUNDING_CONFIG[f"{Decimal(tick) / MICRO:f}"]
    builder = OrderBuilder(Signer(PRIVATE, CHAIN_ID))
    for size in SIZES:
        for price in prices(tick):
            ours = order_amounts(side, price, size, tick, "GTC")
            official = _compute_limit_order_amounts(
                price=Decimal(price) / MICRO,
                size=Decimal(size) / MICRO,
                side=side.value,
                tick_size=Decimal(tick) / MICRO,
            )
            assert ours == official
            _, maker, taker = builder.get_order_amounts(side.value, size / MICRO, price / MICRO, config)
            shares = taker if side is Side.BUY else maker
            lost = size // 10_000 * 10_000 - shares
            if lost:  # floor(0.29 x 100) is 28 in floats; the newer client and we keep the hundredth
                assert lost == 10_000
                assert int(size / MICRO * 100) != size // 10_000
            else:
                assert ours == (maker, taker)


def test_a_size_is_cut_to_hundredths_and_nothing_else_is_rounded() -> None:
    assert order_amounts(Side.BUY, 123_400, 7_579_999, 100, "GTC") == (934_138, 7_570_000)


@pytest.mark.parametrize(
    ("price", "size", "tick", "what"),
    [
        (15_000, MICRO, 10_000, "price"),
        (0, MICRO, 10_000, "price"),
        (MICRO, MICRO, 10_000, "price"),
        (9_000, MICRO, 10_000, "price"),
        (500_000, 9_999, 10_000, "size"),
        (500_000, -MICRO, 10_000, "size"),
        (500_000, MICRO, 20_000, "tick"),
    ],
)
def test_what_the_venue_would_refuse_is_refused_here(price: int, size: int, tick: int, what: str) -> None:
    with pytest.raises(OffGridError, match=what):
        order_amounts(Side.BUY, price, size, tick, "GTC")


def test_a_buy_at_once_needs_whole_cents() -> None:
    with pytest.raises(OffGridError, match="whole cents"):
        order_amounts(Side.BUY, 333_000, 1_010_000, 1_000, "FAK")
    assert order_amounts(Side.SELL, 333_000, 1_010_000, 1_000, "FAK") == (1_010_000, 336_330)


def fields(signature_type: int, *, token: str = CTF_TOKEN, neg_risk: bool = False) -> OrderFields:
    held = wallets_of(KEY.address)
    return OrderFields(
        token_id=token,
        side=Side.SELL,
        maker_amount=5_010_000,
        taker_amount=1_234_567,
        wallet=(held.eoa, held.proxy, held.safe, held.deposit)[signature_type],
        signature_type=signature_type,
        salt=(1 << SALT_BITS) - 1,
        timestamp_ms=START_MS,
        expiration_s=0,
        neg_risk=neg_risk,
        metadata="0x" + "5a" * 32,
        builder="0x" + "6b" * 32,
    )


@pytest.mark.parametrize("signature_type", [0, 1, 2, 3])
@pytest.mark.parametrize(("token", "neg_risk"), [(CTF_TOKEN, False), (CTF_TOKEN, True), (V2_TOKEN, False)])
def test_id_and_signature_equal_those_of_both_official_clients(signature_type: int, token: str, neg_risk: bool) -> None:
    wanted = fields(signature_type, token=token, neg_risk=neg_risk)
    order_id, signature, signer = sign_order(KEY, wanted)
    domain = "3" if token == V2_TOKEN else "2"
    exchange = exchange_of(token, neg_risk=neg_risk)

    theirs = UnsignedOrder(
        chain_id=CHAIN_ID, builder=wanted.builder, exchange_address=exchange, expiration=0, maker=wanted.wallet,
        maker_amount=wanted.maker_amount, metadata=wanted.metadata, order_type="GTC", salt=wanted.salt, side="SELL",
        signature_type=signature_type, signer=signer, taker_amount=wanted.taker_amount, timestamp=START_MS,
        token_id=token, protocol_version=domain,
    )  # fmt: skip
    plain = encode_typed_data(full_message=_build_standard_typed_data(theirs, protocol_version=domain))
    assert order_id == "0x" + keccak(b"\x19" + plain.version + plain.header + plain.body).hex()
    signed = Account.sign_typed_data(PRIVATE, full_message=build_order_typed_data(theirs))
    assert signature == build_order_signature(theirs, "0x" + signed.signature.hex())

    older = ExchangeOrderBuilderV2(exchange, CHAIN_ID, Signer(PRIVATE, CHAIN_ID), lambda: str(wanted.salt), domain)
    data = OrderDataV2(
        maker=wanted.wallet, tokenId=token, makerAmount=str(wanted.maker_amount), takerAmount=str(wanted.taker_amount),
        side=1, signer=signer, signatureType=signature_type, timestamp=str(START_MS), metadata=wanted.metadata,
        builder=wanted.builder,
    )  # fmt: skip
    made = older.build_signed_order(data)
    assert made.signature == signature
    assert older.build_order_hash(older.build_order_typed_data(older.build_order(data))) == order_id


def test_the_body_has_the_shape_of_a_captured_one() -> None:
    captured = json.loads((SHARED / "samples" / "post_order_body_sdk_0_14.json").read_text())
    wanted = OrderWanted(
        token_id=CTF_TOKEN, side=Side.SELL, price=570_000, size=10_000_000, tick=10_000, post_only=True
    )
    order = OrderSigner(KEY, KEY.address, lambda: 3088776900242626).sign(wanted, 1795507073279)
    body = order.body(captured["owner"])
    mine = {"maker": KEY.address, "signer": KEY.address, "signature": body["order"]["signature"]}
    assert body == {**captured, "order": {**captured["order"], **mine}}
    assert (order.shares, order.cash) == (10_000_000, 5_700_000)
    plain = OrderSigner(KEY, KEY.address, lambda: 1 << 60 | 5).sign(
        OrderWanted(token_id=CTF_TOKEN, side=Side.BUY, price=570_000, size=10_000_000, tick=10_000), 1
    )
    assert "postOnly" not in plain.body("x")
    assert plain.body("x")["order"]["salt"] == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"post_only": True, "order_type": "FAK"},
        {"order_type": "GTD"},
        {"expiration_s": 9},
        {"metadata": "0x12"},
        {"builder": ZERO_32.replace("x", "X")},
    ],
)
def test_orders_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    right = {"token_id": CTF_TOKEN, "side": Side.BUY, "price": 500_000, "size": MICRO, "tick": 10_000}
    with pytest.raises(ValueError, match=next(iter(wrong)) if "order_type" not in wrong else "expected"):
        OrderWanted(**{**right, **wrong})  # type: ignore[arg-type]


def test_headers_equal_those_of_both_official_clients() -> None:
    now_s, body, signer = START_MS // 1000, b'{"orderID":"0xab"}', Signer(PRIVATE, CHAIN_ID)
    proof = sign_api_key_auth(Account.from_key(PRIVATE), chain_id=CHAIN_ID, timestamp=now_s, nonce=3)
    ours = level1_headers(KEY, now_s, 3)
    assert ours["POLY_SIGNATURE"] == proof.signature
    assert ours == {name: str(value) for name, value in create_level_1_headers(signer, 3, now_s).items()}
    held = ApiCreds(CREDENTIALS.key, SECRET, CREDENTIALS.passphrase)
    args = RequestArgs(method="DELETE", request_path="/order", body=None, serialized_body=body.decode())
    theirs = create_level_2_headers(signer, held, args, now_s)
    assert level2_headers(CREDENTIALS, KEY.address, now_s, "DELETE", "/order", body) == theirs
    args = RequestArgs(method="GET", request_path="/data/orders")
    theirs = create_level_2_headers(signer, held, args, now_s)
    assert level2_headers(CREDENTIALS, KEY.address, now_s, "GET", "/data/orders", b"") == theirs


def test_wallets_of_a_key_and_their_signature_types() -> None:
    address = KEY.address
    held = wallets_of(address)
    lower = address.lower()
    computed = (proxy_wallet(lower), safe_wallet(lower), deposit_wallet(lower), legacy_deposit_wallet(lower))
    assert tuple(w.lower() for w in (held.proxy, held.safe, held.deposit, held.deposit_early)) == computed
    kinds = [
        signature_type_of(address, wallet)
        for wallet in (held.eoa, held.proxy, held.safe, held.deposit, held.deposit_early)
    ]
    assert kinds == [0, 1, 2, 3, 3]
    with pytest.raises(ValueError, match="wallet"):
        signature_type_of(address, "0x" + "77" * 20)
