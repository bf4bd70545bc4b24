"""Faults of HTTP requests: before their effect, instead of it, and in their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from tieout.sim.faults import node
from tieout.sim.faults.answers import SPOILS, cut
from tieout.sim.faults.ghost import Ghost
from tieout.sim.faults.kinds import Place
from tieout.sim.faults.switch import Switch
from tieout.sim.faults.targets import Targets
from tieout.sim.model import Order, OrderStatus
from tieout.sim.wire.errors import RESTARTING, TOO_MANY_REQUESTS
from tieout.sim.wire.http import Delivery, Reply, Request, error_reply, json_reply
from tieout.sim.world import World

Handle = Callable[[Request], Reply]

CLOB, DATA, RPC, CONTROL = "/", "/data-api", "/rpc", "/control"
"""Where the services are mounted."""

ORDER_PATHS = frozenset(("/order", "/orders", "/cancel-all", "/cancel-market-orders"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the faults see it."""

    prefix: str
    request: Request
    handle: Handle

    @property
    def path(self) -> str:
        """The path as the client sent it."""
        return self.request.path if self.prefix == CLOB else self.prefix + self.request.path

    @property
    def words(self) -> str:
        """Everything that may name a wallet or a market, in lower case."""
        request = self.request
        signer = request.headers.get("poly_address", "")
        body = request.body.decode(errors="replace")
        return " ".join((self.path, *request.query.values(), signer, body)).lower()

    @property
    def places_or_cancels(self) -> bool:
        """A request for the matching engine."""
        return self.prefix == CLOB and self.request.path in ORDER_PATHS and self.request.method != "GET"

    @property
    def cancels(self) -> bool:
        """A cancel request."""
        return self.places_or_cancels and self.request.method == "DELETE"


class Switches(Protocol):
    """Where the gate asks which faults are on."""

    def on_request(self, asked: Asked, place: Place | None = None) -> Iterator[Switch]:
        """The switches meant for this request, in the order in which they were switched on."""
        ...

    def hold(self, order: Order, delay_ms: int, act: Callable[[], bool]) -> bool:
        """Do *act*, and keep what it tells of *order* back for so long."""
        ...


class HttpGate:
    """Lets requests through, with what the switches do to them."""

    def __init__(self, world: World, switches: Switches, targets: Targets, ghost: Ghost) -> None:
        self._world = world
        self._switches = switches
        self._targets = targets
        self._ghost = ghost

    def pass_on(self, asked: Asked) -> Delivery:
        """The answer to a request that is no control request."""
        for switch in self._switches.on_request(asked):
            if (lost := self._instead(switch, asked)) is not None:
                switch.strike()
                return lost
        reply = self._effect(asked)
        delay_ms = 0
        for switch in self._switches.on_request(asked):
            name = switch.kind.name
            if name in SPOILS and switch.drawn():
                spoiled = SPOILS[name](switch, asked.request, reply)
                if spoiled is not None:
                    switch.strike()
                    reply = spoiled
            elif name == "delay" and switch.drawn():
                switch.strike()
                delay_ms += switch.number("delay_ms")
            elif name in ("timeout-after", "cut") and switch.drawn():
                switch.strike()
                return Delivery(cut(reply)) if name == "cut" else Delivery(None, switch.number("delay_ms"))
        return Delivery(reply, delay_ms)

    def _instead(self, switch: Switch, asked: Asked) -> Delivery | None:
        """What a fault answers before anything has an effect."""
        name = switch.kind.name
        if name == "engine-restart":
            down = asked.places_or_cancels and self._world.scheduler.now_ms < switch.memory["until_ms"]
            return Delivery(error_reply(425, RESTARTING)) if down else None
        if name not in ("timeout-before", "outage", "server-error", "too-early", "rate-limit"):
            return None
        if name == "too-early" and not asked.places_or_cancels:
            return None
        if not switch.drawn():
            return None
        if name == "timeout-before":
            return Delivery(None, switch.number("delay_ms"))
        if name == "outage":
            return Delivery(None)
        if name == "server-error":
            return Delivery(error_reply(switch.number("status"), "Internal Server Error"))
        if name == "too-early":
            return Delivery(error_reply(425, RESTARTING))
        headers = {"retry-after": str(switch.number("retry_after_s"))}
        return Delivery(json_reply({"error": TOO_MANY_REQUESTS}, 429, headers))

    def _effect(self, asked: Asked) -> Reply:
        """What the service answers, with what happens around it."""
        if asked.cancels:
            return self._cancel(asked)
        if asked.prefix == RPC:
            return self._node(asked)
        if asked.prefix == DATA:
            return self._repeated(asked)
        return asked.handle(asked.request)

    def _node(self, asked: Asked) -> Reply:
        for switch in self._switches.on_request(asked, Place.RPC):
            if not switch.drawn():
                continue
            if switch.kind.name == "node-lag":
                reply = node.lagging(switch, asked.request, asked.handle, self._world.chain.head.number)
            else:
                reply = node.spoiled_logs(switch, asked.request, asked.handle)
            if reply is not None:
                switch.strike()
                return reply
        return asked.handle(asked.request)

    def _repeated(self, asked: Asked) -> Reply:
        """Beyond an offset the same rows come again and again."""
        request = asked.request
        offset = request.query.get("offset", "0")
        for switch in self._switches.on_request(asked, Place.DATA):
            if switch.kind.name != "data-repeat" or not offset.isdecimal() or int(offset) <= switch.number("offset"):
                continue
            if switch.drawn():
                switch.strike()
                query = {**request.query, "offset": str(switch.number("offset"))}
                return asked.handle(replace(request, query=query))
        return asked.handle(request)

    def _cancel(self, asked: Asked) -> Reply:
        """A cancel request in which an order fills at the last moment, or part of the orders cannot be cancelled."""
        orders = self._named(asked)
        locked: list[Order] = []
        for switch in self._switches.on_request(asked, Place.ENGINE):
            if switch.kind.name == "late-fill" and orders and switch.drawn() and self._fill(switch, orders[0]):
                switch.strike()
        for switch in self._switches.on_request(asked, Place.HTTP):
            resting = [order for order in orders if order.status is OrderStatus.LIVE]
            if switch.kind.name == "cancel-refused" and resting and switch.drawn():
                switch.strike()
                locked = resting[: (len(resting) + 1) // 2]
        for order in locked:
            order.status = OrderStatus.DELAYED  # the engine's own reason to refuse a cancel
        try:
            return asked.handle(asked.request)
        finally:
            for order in locked:
                order.status = OrderStatus.LIVE

    def _fill(self, switch: Switch, order: Order) -> bool:
        shares = max(order.remaining // 2, min(order.market.min_size, order.remaining))
        return self._switches.hold(order, switch.number("delay_ms"), lambda: self._ghost.take(order, shares))

    def _named(self, asked: Asked) -> list[Order]:
        """The resting orders of the signer that the request names, or all of them."""
        signer = asked.request.headers.get("poly_address", "").lower()
        orders = [order for order in self._world.exchange.open_of(signer) if order.status is OrderStatus.LIVE]
        if asked.request.path not in ("/order", "/orders"):
            return orders
        try:
            body = msgspec.json.decode(asked.request.body)
        except msgspec.DecodeError:
            return []
        named = [body.get("orderID")] if isinstance(body, dict) else body if isinstance(body, list) else []
        return [order for order in orders if order.id in named]
