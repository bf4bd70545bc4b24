"""The user WebSocket: one API key's orders and trades, from the moment it subscribes (`polymarket.md` 3.1).

There is no acknowledgement, no replay and no sequence number. An account is the signer of the key, so two keys of one
signer see the same. What the venue does with bad credentials is not recorded but for the end of the connection; that
the connection also ends when its key is deleted is ours.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from tieout.sim.events import Event, KeyDeleted, OrderChanged, TradeChanged
from tieout.sim.keys import ApiKey, KeyRing
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.messages import Message, order_message, trade_message
from tieout.sim.world import World

POLICY = 1008
"""The close code for a connection that may not be here (RFC 6455, 7.4.1)."""

INVALID_OPERATION = "INVALID OPERATION"
"""What the venue answers to a frame it cannot use, a second subscription for one (nautilus_trader PR 3717)."""


def read_frame(frame: str) -> dict[str, Any] | None:
    """The JSON object in a text frame, if there is one."""
    try:
        value = msgspec.json.decode(frame)
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) else None


def texts(value: object) -> list[str]:
    """The strings in a list of a client's frame; anything else counts as none."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


class UserChannel:
    """The venue's end of one user connection."""

    def __init__(self, world: World, connection: Connection) -> None:
        self._world = world
        self._connection = connection
        self._key: ApiKey | None = None
        self._markets: set[str] = set()
        """Condition ids to hear of; empty is all, so taking the last one out widens to the whole account."""

    def receive(self, text: str) -> None:
        """Take a text frame: PING, then the subscription, then changes of it."""
        if text == "PING":
            self._connection.send("PONG")
            return
        frame = read_frame(text)
        if self._key is None:
            self._start(frame or {})
        elif frame is None or not self._change(frame):
            self._connection.send(INVALID_OPERATION)

    def closed(self) -> None:
        """Stop listening."""
        if self._key is not None:
            self._key = None
            self._world.hub.unlisten(self._on_event)

    def _start(self, frame: Mapping[str, Any]) -> None:
        key = verified_key(self._world.keys, frame.get("auth"))
        if key is None or str(frame.get("type", "")).lower() != "user":
            self._connection.close(POLICY, "")
            return
        self._key = key
        self._markets = {market.lower() for market in texts(frame.get("markets"))}
        self._world.hub.listen(self._on_event)

    def _change(self, frame: Mapping[str, Any]) -> bool:
        """Whether the frame was a change of subscription."""
        markets = {market.lower() for market in texts(frame.get("markets"))}
        if frame.get("operation") == "subscribe":
            self._markets |= markets
        elif frame.get("operation") == "unsubscribe":
            self._markets -= markets
        else:
            return False
        return True

    def _on_event(self, event: Event) -> None:
        key, now_ms = self._key, self._world.scheduler.now_ms
        if key is None:
            return
        if isinstance(event, OrderChanged):
            order = event.order
            if order.request.signer == key.signer and self._hears(order.market.condition_id):
                self._send(order_message(order, event.kind, now_ms))
        elif isinstance(event, TradeChanged):
            trade = event.trade
            if key.signer in trade.signers and self._hears(trade.market.condition_id):
                self._send(trade_message(trade, key.signer, now_ms))
        elif isinstance(event, KeyDeleted) and event.key == key.key:
            self.closed()
            self._connection.close(POLICY, "")

    def _hears(self, condition_id: str) -> bool:
        return not self._markets or condition_id in self._markets

    def _send(self, message: Message) -> None:
        self._connection.send(msgspec.json.encode(message).decode())


def verified_key(keys: KeyRing, auth: object) -> ApiKey | None:
    """The key whose id, secret and passphrase the subscription names, if all three are right."""
    if not isinstance(auth, dict):
        return None
    key = keys.get(str(auth.get("apiKey", "")))
    if key is None:
        return None
    secret, passphrase = str(auth.get("secret", "")), str(auth.get("passphrase", ""))
    right = hmac.compare_digest(secret.encode(), key.secret.encode())
    right &= hmac.compare_digest(passphrase.encode(), key.passphrase.encode())
    return key if right else None
