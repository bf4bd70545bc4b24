"""Orders before they are sent: what is wanted, signed, with its id and the exact body."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tieout.client.amounts import AT_ONCE, order_amounts
from tieout.client.keys import PrivateKey
from tieout.client.signing import ZERO_32, OrderFields, sign_order, signature_type_of
from tieout.ledger.facts import Side

OrderType = Literal["GTC", "GTD", "FOK", "FAK"]

SALT_BITS = 53
"""The salt travels as a JSON number, which must stay exact in a double (`polymarket.md` 1.3)."""

_BYTES32 = re.compile(r"0x[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWanted:
    """An order as the caller wants it: price, size and tick in micro. `metadata` (bytes32) is free for an own id."""

    token_id: str
    side: Side
    price: int
    size: int
    tick: int
    neg_risk: bool = False
    order_type: OrderType = "GTC"
    post_only: bool = False
    expiration_s: int = 0
    metadata: str = ZERO_32
    builder: str = ZERO_32

    def __post_init__(self) -> None:
        if self.post_only and self.order_type in AT_ONCE:
            raise ValueError(f"post_only: expected GTC or GTD, was {self.order_type}")
        if (self.order_type == "GTD") != (self.expiration_s > 0):
            raise ValueError(f"expiration_s: expected one for GTD only, was {self.expiration_s} for {self.order_type}")
        for name, value in (("metadata", self.metadata), ("builder", self.builder)):
            if not _BYTES32.fullmatch(value):
                raise ValueError(f"{name}: expected 32 bytes of lower-case 0x hex, was {value!r}")


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order ready to be sent. `order_id` is known now, so it can be stored before anything leaves."""

    order_id: str
    wanted: OrderWanted
    shares: int
    """Micro-shares after rounding to the grid."""
    cash: int
    """Micro-collateral at the limit price."""
    placed_at_ms: int
    _wire: dict[str, Any] = field(repr=False)

    def body(self, owner: str) -> dict[str, Any]:
        """The JSON to post (shape: `samples/post_order_body_sdk_0_14.json`). *owner* is the id of the API key."""
        made: dict[str, Any] = {
            "deferExec": False,
            "order": self._wire,
            "orderType": self.wanted.order_type,
            "owner": owner,
        }
        if self.wanted.post_only:
            made["postOnly"] = True
        return made


class OrderSigner:
    """Signs the orders of one wallet. *salt* gives a fresh number for each; its lowest 53 bits are used."""

    def __init__(
        self, key: PrivateKey, wallet: str, salt: Callable[[], int], signature_type: int | None = None
    ) -> None:
        """Without *signature_type* it is computed; ValueError when *wallet* is not one of the key's."""
        self._key = key
        self._salt = salt
        self.wallet = wallet
        self.signature_type = signature_type_of(key.address, wallet) if signature_type is None else signature_type

    def sign(self, wanted: OrderWanted, now_ms: int) -> SignedOrder:
        """*wanted* with its id. Raises OffGridError."""
        amounts = order_amounts(wanted.side, wanted.price, wanted.size, wanted.tick, wanted.order_type)
        fields = OrderFields(
            token_id=wanted.token_id,
            side=wanted.side,
            maker_amount=amounts[0],
            taker_amount=amounts[1],
            wallet=self.wallet,
            signature_type=self.signature_type,
            salt=self._salt() & ((1 << SALT_BITS) - 1),
            timestamp_ms=now_ms,
            expiration_s=wanted.expiration_s,
            neg_risk=wanted.neg_risk,
            metadata=wanted.metadata,
            builder=wanted.builder,
        )
        order_id, signature, signer = sign_order(self._key, fields)
        cash, shares = amounts if wanted.side is Side.BUY else amounts[::-1]
        return SignedOrder(order_id, wanted, shares, cash, now_ms, _wire(fields, signature, signer))


def _wire(fields: OrderFields, signature: str, signer: str) -> dict[str, Any]:
    """The `order` of the body: decimal strings, but for the salt and the signature type."""
    return {
        "builder": fields.builder,
        "expiration": str(fields.expiration_s),
        "maker": fields.wallet,
        "makerAmount": str(fields.maker_amount),
        "metadata": fields.metadata,
        "salt": fields.salt,
        "side": fields.side.value,
        "signature": signature,
        "signatureType": fields.signature_type,
        "signer": signer,
        "takerAmount": str(fields.taker_amount),
        "timestamp": str(fields.timestamp_ms),
        "tokenId": fields.token_id,
    }
