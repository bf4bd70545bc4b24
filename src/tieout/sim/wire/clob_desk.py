"""What the handlers of the CLOB share: the world, its settings, and lookups with the venue's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tieout.sim.contracts import CHAIN_ID
from tieout.sim.engine.rejections import Rejected
from tieout.sim.model import Market, Order
from tieout.sim.wire.auth import Auth
from tieout.sim.wire.clob_records import Records
from tieout.sim.wire.errors import (
    BAD_MARKET,
    BAD_ORDER_ID,
    BAD_ORDER_PAYLOAD,
    BAD_TOKEN,
    DISABLED,
    NO_MARKET,
    RESTARTING,
    TOO_MANY_REQUESTS,
    bad_request,
)
from tieout.sim.wire.http import HttpError, Reply, Request, error_reply, json_reply
from tieout.sim.wire.limits import Admission, IpLimits, SignerLimits
from tieout.sim.world import World

ORDER_ID = re.compile(r"0x[0-9a-fA-F]{64}")
_CONDITION_ID = re.compile(r"0x(?:[0-9a-fA-F]{62}|[0-9a-fA-F]{64})")


@dataclass(slots=True)
class Settings:
    """What can be set while the venue runs. Times in seconds, fees in basis points as (maker, taker)."""

    page_size: int = 100
    markets_page_size: int = 1000
    retry_after_s: int = 79
    restarting: bool = False
    disabled: bool = False
    banned: set[str] = field(default_factory=set)
    builder_fees: dict[str, tuple[int, int]] = field(default_factory=dict)


class Desk:
    """The world as REST handlers see it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = Settings()
        self.auth = Auth(world, CHAIN_ID)
        self.records = Records(world)
        self.ip_limits = IpLimits(world.scheduler)
        self.signer_limits = SignerLimits(world.scheduler)

    def require_engine(self) -> None:
        """Raise HttpError 425 or 503 while orders and cancels are not taken."""
        if self.settings.restarting:
            raise HttpError(error_reply(425, RESTARTING))
        if self.settings.disabled:
            raise bad_request(DISABLED, 503)

    def market(self, condition_id: str) -> Market:
        """The market with this condition id, whole or without its last byte. Raises HttpError 400 or 404."""
        if not _CONDITION_ID.fullmatch(condition_id):
            raise bad_request(BAD_MARKET)
        condition = condition_id.lower()
        markets = self.world.exchange.markets
        market = markets.get(condition)
        if market is None and len(condition) == 64:
            market = next((market for key, market in markets.items() if key.startswith(condition)), None)
        if market is None:
            raise bad_request(NO_MARKET, 404)
        return market

    def token(self, text: str | None) -> int:
        """The number of a token id. Raises HttpError 400 when it is missing; other text is a token nobody knows."""
        if not text:
            raise bad_request(BAD_TOKEN)
        return int(text) if text.isdecimal() and len(text) <= 78 else -1

    def market_of(self, text: str | None) -> tuple[Market, int]:
        """The market that trades a token, and the outcome. Raises HttpError 400 or 404."""
        token = self.token(text)
        try:
            market = self.world.exchange.market_of(token)
        except Rejected as rejected:
            raise bad_request(NO_MARKET, 404) from rejected
        return market, market.tokens.index(token)

    def order_of(self, order_id: str, signer: str) -> Order | None:
        """An order of this signer. Raises HttpError 400 for text that is no order id."""
        if not ORDER_ID.fullmatch(order_id):
            raise bad_request(BAD_ORDER_ID)
        order = self.world.exchange.orders.get(order_id.lower())
        return order if order is not None and order.request.signer == signer else None


def admitted(admission: Admission) -> Mapping[str, str]:
    """The headers of the answer. Raises HttpError 429 when the signer's bucket is empty."""
    if not admission.admitted:
        raise HttpError(json_reply({"error": TOO_MANY_REQUESTS}, 429, admission.headers))
    return admission.headers


def json_body(request: Request, message: str = BAD_ORDER_PAYLOAD) -> Any:
    """The body as JSON. Raises HttpError 400 with *message*."""
    try:
        return msgspec.json.decode(request.body)
    except msgspec.DecodeError as error:
        raise bad_request(message) from error


def plain_ok(_request: Request, _names: Mapping[str, str]) -> Reply:
    """The JSON text "OK"."""
    return json_reply("OK")
