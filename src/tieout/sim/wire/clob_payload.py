"""The body of a new order: read strictly, its signature and its wallet checked, turned into what the engine takes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from tieout.sim.contracts import CHAIN_ID, CTF_EXCHANGE, EXCHANGE_V3, NEG_RISK_EXCHANGE, exchange_of, order_version
from tieout.sim.engine.rejections import Rejected
from tieout.sim.keys import ApiKey
from tieout.sim.model import Market, OrderKind, OrderRequest, Side
from tieout.sim.wire.clob_desk import Desk
from tieout.sim.wire.clob_signing import OrderFields, domain_separator, order_digest, signed_by
from tieout.sim.wire.errors import (
    BAD_ORDER_PAYLOAD,
    BAD_SIGNATURE,
    BANNED,
    VERSION_MISMATCH,
    WRONG_MAKER,
    WRONG_OWNER,
    WRONG_SIGNER,
    Refusal,
    RefusedError,
    refusal_of,
)
from tieout.sim.wire.wallets import DEPOSIT, belongs

Digits = Annotated[str, msgspec.Meta(pattern=r"^\d{1,78}$")]
Address = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{40}$")]
Bytes32 = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{64}$")]
HexText = Annotated[str, msgspec.Meta(pattern=r"^0x(?:[0-9a-fA-F]{2})+$")]

MOST = 1 << 256

_OTHER_DOMAINS = ((CTF_EXCHANGE, "2"), (NEG_RISK_EXCHANGE, "2"), (EXCHANGE_V3, "3"), (CTF_EXCHANGE, "1"))


class SignedOrder(msgspec.Struct, rename="camel"):
    """`order` of the body. Amounts are base units as text, the salt a number below 2^53, the time milliseconds."""

    salt: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
    maker: Address
    signer: Address
    token_id: Digits
    maker_amount: Digits
    taker_amount: Digits
    side: Literal["BUY", "SELL"]
    signature_type: Annotated[int, msgspec.Meta(ge=0, le=3)]
    timestamp: Digits
    expiration: Digits
    metadata: Bytes32
    builder: Bytes32
    signature: HexText

    def fields(self) -> OrderFields:
        """What was signed; addresses lower-case."""
        return OrderFields(
            self.salt,
            self.maker.lower(),
            self.signer.lower(),
            int(self.token_id),
            int(self.maker_amount),
            int(self.taker_amount),
            0 if self.side == "BUY" else 1,
            self.signature_type,
            int(self.timestamp),
            self.metadata.lower(),
            self.builder.lower(),
        )


class OrderBody(msgspec.Struct, rename="camel"):
    """One entry of `POST /order(s)`."""

    order: SignedOrder
    owner: str
    order_type: OrderKind
    defer_exec: bool = False
    post_only: bool = False


def read_body(raw: Any) -> OrderBody:
    """The body, of which every field has its type. Raises RefusedError, by another name for an order of V1."""
    try:
        return msgspec.convert(raw, OrderBody)
    except msgspec.ValidationError as error:
        order = raw.get("order") if isinstance(raw, dict) else None
        first_version = isinstance(order, dict) and "feeRateBps" in order and "timestamp" not in order
        raise RefusedError(Refusal(VERSION_MISMATCH if first_version else BAD_ORDER_PAYLOAD)) from error


def checked_request(desk: Desk, body: OrderBody, key: ApiKey) -> tuple[OrderRequest, Market]:
    """What the engine takes for this body, and its market. Raises RefusedError.

    In the engine `signer` is the key's address also for deposit wallets, whose orders name the wallet as signer.
    """
    fields = body.order.fields()
    if max(fields.token, fields.maker_amount, fields.taker_amount, fields.timestamp_ms) >= MOST:
        raise RefusedError(Refusal(BAD_ORDER_PAYLOAD))
    _check_parties(desk, body, fields, key)
    request = _request(body, fields, key)
    try:
        market = desk.world.exchange.market_of(fields.token)
    except Rejected as rejected:
        raise RefusedError(_unknown_token(desk, fields, rejected, request)) from rejected
    exchange, version = exchange_of(market), order_version(market)
    signature = bytes.fromhex(body.order.signature[2:])
    if not signed_by(fields, signature, key.signer, chain_id=CHAIN_ID, exchange=exchange, version=version):
        raise RefusedError(Refusal(_signature_error(fields, signature, key.signer, version)))
    separator = domain_separator(CHAIN_ID, exchange, version)
    request.id = "0x" + order_digest(fields.struct_hash(), separator).hex()
    return request, market


def _check_parties(desk: Desk, body: OrderBody, fields: OrderFields, key: ApiKey) -> None:
    if body.owner != key.key:
        raise RefusedError(Refusal(WRONG_OWNER))
    if fields.signature_type == DEPOSIT:
        if fields.signer != fields.maker or not belongs(fields.maker, key.signer, DEPOSIT):
            raise RefusedError(Refusal(WRONG_SIGNER))
    elif fields.signer != key.signer:
        raise RefusedError(Refusal(WRONG_SIGNER))
    elif not belongs(fields.maker, key.signer, fields.signature_type):
        raise RefusedError(Refusal(WRONG_MAKER))
    for address in (fields.maker, key.signer):
        if address in desk.settings.banned:
            raise RefusedError(Refusal(BANNED.format(address=address)))


def _request(body: OrderBody, fields: OrderFields, key: ApiKey) -> OrderRequest:
    return OrderRequest(
        id="",
        owner=key.key,
        signer=key.signer,
        wallet=fields.maker,
        token=fields.token,
        side=Side(fields.side),
        maker_amount=fields.maker_amount,
        taker_amount=fields.taker_amount,
        kind=body.order_type,
        post_only=body.post_only,
        expiration=int(body.order.expiration),
        signature_type=fields.signature_type,
        salt=fields.salt,
        timestamp_ms=fields.timestamp_ms,
        metadata=fields.metadata,
        builder=fields.builder,
    )


def _unknown_token(desk: Desk, fields: OrderFields, rejected: Rejected, request: OrderRequest) -> Refusal:
    """A token of the generation that its market has left is a matter of the order's version."""
    if fields.token in desk.world.exchange.by_token:
        return Refusal(VERSION_MISMATCH)
    return refusal_of(rejected, request, None, desk.settings.retry_after_s)


def _signature_error(fields: OrderFields, signature: bytes, owner: str, version: str) -> str:
    """Signed well, but for another version of the exchange, or not at all."""
    for exchange, other in _OTHER_DOMAINS:
        if other != version and signed_by(
            fields, signature, owner, chain_id=CHAIN_ID, exchange=exchange, version=other
        ):
            return VERSION_MISMATCH
    return BAD_SIGNATURE
