"""The market WebSocket: books, prices and life of the markets whose tokens a client names (`polymarket.md` 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tieout.sim.events import (
    BookTraded,
    Event,
    LevelChanged,
    MarketOpened,
    MarketResolved,
    TickChanged,
)
from tieout.sim.model import Market, Trade
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.messages import (
    Message,
    best_message,
    best_prices,
    book_message,
    last_trade_message,
    new_market_message,
    price_change_message,
    resolved_message,
    tick_message,
)
from tieout.sim.wire.user_channel import INVALID_OPERATION, read_frame, texts
from tieout.sim.world import World

SNAPSHOTS = 500
"""Tokens of one connection that get a snapshot; those named after get only changes (`polymarket.md` 3.2)."""

SNAPSHOTS_A_FRAME = 50
"""Snapshots come as an array; this many keep a frame below what clients take by default (1 MiB)."""


class MarketChannel:
    """The venue's end of one market connection. A token nobody knows yet counts once its market opens."""

    def __init__(self, world: World, connection: Connection) -> None:
        self._world = world
        self._connection = connection
        self._started = False
        self._custom = False
        self._tokens: set[int] = set()
        self._best: dict[int, tuple[int, int]] = {}

    def receive(self, text: str) -> None:
        """Take a text frame: PING, then the subscription, then changes of it."""
        if text == "PING":
            self._connection.send("PONG")
            return
        frame = read_frame(text) or {}
        operation = frame.get("operation")
        if not self._started and str(frame.get("type", "")).lower() == "market":
            self._started = True
            self._world.hub.listen(self._on_event)
            self._subscribe(frame)
        elif self._started and operation == "subscribe":
            self._subscribe(frame)
        elif self._started and operation == "unsubscribe":
            self._tokens -= tokens_of(frame).keys()
        else:
            self._connection.send(INVALID_OPERATION)

    def closed(self) -> None:
        """Stop listening."""
        if self._started:
            self._started = False
            self._world.hub.unlisten(self._on_event)

    def _subscribe(self, frame: Mapping[str, Any]) -> None:
        """Add tokens; the flag counts even when all of them are known (polymarket-client, `market_protocol.py`)."""
        if isinstance(custom := frame.get("custom_feature_enabled"), bool):
            self._custom = custom
        snapshots: list[Message] = []
        for token in tokens_of(frame):
            if token in self._tokens:
                continue
            if len(self._tokens) < SNAPSHOTS and (found := self._place(token)):
                snapshots.append(self._book(*found))
            self._tokens.add(token)
        if frame.get("initial_dump") is not False:
            for start in range(0, len(snapshots), SNAPSHOTS_A_FRAME):
                self._send(snapshots[start : start + SNAPSHOTS_A_FRAME])

    def _place(self, token: int) -> tuple[Market, int] | None:
        """The market that trades the token now, and the outcome it is."""
        market = self._world.exchange.by_token.get(token)
        if market is None or token not in market.tokens:
            return None
        return market, market.tokens.index(token)

    def _book(self, market: Market, outcome: int) -> Message:
        book = self._world.exchange.books[market.condition_id]
        return book_message(market, outcome, book, self._world.scheduler.now_ms)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, LevelChanged):
            self._level(event)
        elif isinstance(event, BookTraded):
            self._traded(event.trade)
        elif isinstance(event, TickChanged):
            for outcome in self._heard(event.market):
                self._send(tick_message(event.market, outcome, (event.old, event.new), self._world.scheduler.now_ms))
        elif isinstance(event, MarketOpened):
            if self._custom:
                self._send(new_market_message(event.market, self._world.scheduler.now_ms))
        elif isinstance(event, MarketResolved):
            message = resolved_message(event.market, self._world.scheduler.now_ms)
            if self._custom and message is not None and not self._tokens.isdisjoint(event.market.tokens):
                self._send(message)

    def _level(self, event: LevelChanged) -> None:
        """Every change is announced for both outcomes and sent once, with both: on the announcement of outcome 0."""
        market = event.market
        if event.outcome or self._tokens.isdisjoint(market.tokens):
            return
        book, now_ms = self._world.exchange.books[market.condition_id], self._world.scheduler.now_ms
        self._send(price_change_message(market, book, (event.side, event.price, event.size), now_ms))
        if not self._custom:
            return
        for outcome in self._heard(market):
            token, best = market.tokens[outcome], best_prices(book, outcome)
            if self._best.get(token) != best:
                self._best[token] = best
                self._send(best_message(market, outcome, best, now_ms))

    def _traded(self, trade: Trade) -> None:
        if trade.taker.request.token in self._tokens:
            self._send(last_trade_message(trade, self._world.scheduler.now_ms))
        for outcome in self._heard(trade.market):
            self._send(self._book(trade.market, outcome))

    def _heard(self, market: Market) -> Iterator[int]:
        """The outcomes of the market that the client named."""
        return (outcome for outcome, token in enumerate(market.tokens) if token in self._tokens)

    def _send(self, message: Message | list[Message]) -> None:
        self._connection.send(msgspec.json.encode(message).decode())


def tokens_of(frame: Mapping[str, Any]) -> dict[int, None]:
    """The token ids a frame names, in its order; what is no decimal number names none."""
    named = texts(frame.get("assets_ids"))
    return {int(token): None for token in named if token.isascii() and token.isdigit() and len(token) <= 78}
