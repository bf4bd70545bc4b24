"""The control API: JSON over loopback, to look into the world and to make things happen in it. Not a part of the venue.

Amounts, prices and payouts are whole micro-units, times are milliseconds. A request that makes no sense is answered
with 400 and a sentence that says which field, what was expected and what was there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tieout.sim.chain.calls import Merge, Migrate, Redeem, Split, TransferCash, TransferTokens
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.places import OPERATOR
from tieout.sim.contracts import AUTO_REDEEMER
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.faults.actions import payouts_of
from tieout.sim.faults.faults import Faults
from tieout.sim.model import Market
from tieout.sim.wire.control_views import book_view, state_view, truth_view
from tieout.sim.wire.http import HttpError, Reply, Request, Router, error_reply, json_reply
from tieout.sim.world import World
from tieout.venue.addresses import CTF, POSITION_MANAGER

LOOPBACK = frozenset(("127.0.0.1", "::1"))

MOST_MS = 7 * 86_400_000
"""The furthest one request may move the clock."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

Body = Mapping[str, Any]
Do = Callable[[Body], dict[str, Any]]


class FaultBody(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /faults takes."""

    name: str
    on: bool = True
    probability: float = 1.0
    count: int | None = None
    duration_ms: int | None = None
    wallet: str = ""
    market: str = ""
    path: str = ""
    settings: dict[str, int | str] = {}


class Control:
    """Answers control requests; paths are those under /control."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._router = Router()
        self._router.add("GET", "/state", self._state)
        self._router.add("GET", "/faults", lambda _request, _names: json_reply(faults.state()))
        self._router.add("GET", "/truth", self._truth)
        self._router.add("GET", "/book", self._book)
        posts: Mapping[str, Do] = {
            "/faults": self._switch,
            "/fund": self._fund,
            "/resolve": self._resolve,
            "/tick": self._tick,
            "/reorg": self._reorg,
            "/transfer": self._transfer,
            "/split": self._split,
            "/merge": self._merge,
            "/redeem": self._redeem,
            "/migrate": self._migrate,
            "/advance": self._advance,
        }
        for path, do in posts.items():
            self._router.add("POST", path, _posted(do))

    def handle(self, request: Request) -> Reply:
        """The answer to one request."""
        if request.ip not in LOOPBACK:
            return error_reply(403, "the control API answers on the machine it runs on only")
        try:
            return self._router.handle(request)
        except ValueError as error:
            return error_reply(400, str(error))

    # looking

    def _state(self, _request: Request, _names: Mapping[str, str]) -> Reply:
        struck = {str(fault["name"]): fault["struck"] for fault in self._faults.state() if fault["struck"]}
        switched = [fault["on"] for fault in self._faults.state() if fault["on"]]
        return json_reply({**state_view(self._world), "faults_on": switched, "faults_struck": struck})

    def _truth(self, request: Request, _names: Mapping[str, str]) -> Reply:
        return json_reply(truth_view(self._world, address(request.query, "wallet")))

    def _book(self, request: Request, _names: Mapping[str, str]) -> Reply:
        market = self._market(request.query)
        book = self._world.exchange.books[market.condition_id]
        return json_reply(book_view(market, book, self._world.scheduler.now_ms))

    # faults

    def _switch(self, body: Body) -> dict[str, Any]:
        try:
            asked = msgspec.convert(body, FaultBody)
        except msgspec.ValidationError as error:
            raise ValueError(f"body: {error}") from None
        if not asked.on:
            self._faults.off(asked.name)
            return {"name": asked.name, "on": None, "struck": self._faults.struck(asked.name)}
        switch = self._faults.on(
            asked.name,
            probability=asked.probability,
            count=asked.count,
            duration_ms=asked.duration_ms,
            wallet=asked.wallet,
            market=asked.market,
            path=asked.path,
            settings=asked.settings,
        )
        return {"name": asked.name, "on": switch.state(), "struck": self._faults.struck(asked.name)}

    # the world

    def _fund(self, body: Body) -> dict[str, Any]:
        wallet, amount = address(body, "wallet"), number(body, "amount")
        self._world.fund(wallet, amount)
        self._faults.targets.watch(wallet)
        return {"wallet": wallet, "amount": amount}

    def _resolve(self, body: Body) -> dict[str, Any]:
        market, payouts = self._market(body), payouts_of(text(body, "payouts"))
        if market.closed:
            raise ValueError(f"market: {market.slug} is resolved already")
        self._world.resolve(market, payouts)
        return {"market": market.condition_id, "payouts": list(payouts)}

    def _tick(self, body: Body) -> dict[str, Any]:
        market, tick = self._market(body), number(body, "tick")
        lifecycle.change_tick(self._world.exchange, market, tick)
        return {"market": market.condition_id, "tick": tick}

    def _reorg(self, body: Body) -> dict[str, Any]:
        drop = body.get("drop", [])
        if not isinstance(drop, list) or not all(isinstance(item, str) for item in drop):
            raise ValueError(f"drop: expected a list of transaction hashes, was {drop!r}")
        removed = self._world.chain.reorg(number(body, "depth"), drop=drop, shuffle=bool(body.get("shuffle", False)))
        return {"removed": [{"number": block.number, "hash": block.hash} for block in removed]}

    def _transfer(self, body: Body) -> dict[str, Any]:
        """Collateral, or shares when a token is named."""
        sender, to, amount = address(body, "from"), address(body, "to"), number(body, "amount")
        token = text(body, "token", "")
        if not token:
            return self._sent(TransferCash(sender, to, amount))
        market = self._market({"market": token})
        ledger = POSITION_MANAGER if int(token) in market.position_ids else CTF
        return self._sent(TransferTokens(ledger, sender, to, (int(token),), (amount,)))

    def _split(self, body: Body) -> dict[str, Any]:
        market = self._market(body)
        return self._sent(Split(address(body, "wallet"), Condition.of(market), number(body, "amount"), market.version))

    def _merge(self, body: Body) -> dict[str, Any]:
        market = self._market(body)
        return self._sent(Merge(address(body, "wallet"), Condition.of(market), number(body, "amount"), market.version))

    def _redeem(self, body: Body) -> dict[str, Any]:
        """By the wallet, or with `automatic` by the venue's AutoRedeemer."""
        market, by = self._market(body), AUTO_REDEEMER if body.get("automatic") else None
        if not market.closed:
            raise ValueError(f"market: {market.slug} is not resolved yet, so there is nothing to redeem")
        return self._sent(Redeem(address(body, "wallet"), Condition.of(market), by=by, version=market.version))

    def _migrate(self, body: Body) -> dict[str, Any]:
        """The market moves to Protocol V2; with a wallet, its tokens move too."""
        market = self._market(body)
        if market.version != "v2":
            lifecycle.migrate_market(self._world.exchange, market)
        if "wallet" not in body:
            return {"market": market.condition_id}
        return self._sent(Migrate(address(body, "wallet"), Condition.of(market), operator=OPERATOR))

    def _advance(self, body: Body) -> dict[str, Any]:
        duration_ms = number(body, "ms")
        if duration_ms > MOST_MS:
            raise ValueError(f"ms: expected at most {MOST_MS}, was {duration_ms}")
        self._world.scheduler.run_for(duration_ms)
        return {"now_ms": self._world.scheduler.now_ms}

    def _sent(self, call: Any) -> dict[str, Any]:
        """A transaction of that call; it is mined with the next block and may revert there."""
        return {"transaction_hash": self._world.chain.submit(call)}

    def _market(self, fields: Mapping[str, Any]) -> Market:
        return self._faults.targets.market(text(fields, "market"))


def _posted(do: Do) -> Callable[[Request, Mapping[str, str]], Reply]:
    def handler(request: Request, _names: Mapping[str, str]) -> Reply:
        try:
            body = msgspec.json.decode(request.body or b"{}")
        except msgspec.DecodeError as error:
            raise HttpError(error_reply(400, f"body: expected JSON, {error}")) from None
        if not isinstance(body, dict):
            raise HttpError(error_reply(400, f"body: expected a JSON object, was {type(body).__name__}"))
        return json_reply(do(body))

    return handler


def text(fields: Mapping[str, Any], name: str, otherwise: str | None = None) -> str:
    """A text field. Raises ValueError."""
    value = fields.get(name, otherwise)
    if isinstance(value, str):
        return value
    raise ValueError(f"{name}: expected text, {_was(fields, name)}")


def number(fields: Mapping[str, Any], name: str) -> int:
    """A whole number above 0. Raises ValueError."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < ONE * 10**12:
        raise ValueError(f"{name}: expected a whole number above 0, {_was(fields, name)}")
    return value


def address(fields: Mapping[str, Any], name: str) -> str:
    """An address, in lower case. Raises ValueError."""
    value = fields.get(name)
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise ValueError(f"{name}: expected an address, 0x and 40 hex digits, {_was(fields, name)}")
    return value.lower()


def _was(fields: Mapping[str, Any], name: str) -> str:
    return f"was {fields[name]!r}" if name in fields else "was not given"
