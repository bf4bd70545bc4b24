"""New heads of the chain, as a node tells them over its WebSocket (`eth_subscribe`, go-ethereum's pub/sub).

A head only says that it is time to look. What happened is read by JSON-RPC from the nodes that are asked anyway, so a
head that is late, doubled, invented or taken away again by a reorganisation does no harm.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import msgspec

from tieout.client.errors import printable
from tieout.client.feed import Feed, FeedNet, Keepalive
from tieout.client.mailbox import Mailbox
from tieout.client.signals import Connected, Frame, Gap, Silent

NAME = "heads"

PING_MS, PONG_MS = 5_000, 15_000
SILENT_MS = 20_000
"""Ten blocks of Polygon. A node may lose its own peers and keep our connection, so a silent one is given up."""

FRAMES_MAX = 1_000

SECRET_MIN = 8
"""Characters from which a part of an address may be a key."""

_SUBSCRIBE, _PING = 1, 2
"""Ids of our two requests."""


@dataclass(frozen=True, slots=True)
class Head:
    """A block that the node takes for the newest. After a reorganisation its number may be one that was told before."""

    number: int
    hash: str
    received_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The node takes no subscription to heads. Nothing more comes, and it is not asked again."""

    feed: str
    reason: str


HeadSignal: TypeAlias = Connected | Head | Gap | Silent | Refused


class _Answer(msgspec.Struct):
    id: Any = None


def _is_pong(raw: bytes) -> bool:
    """Whether *raw* answers our ping; an error answers it, too."""
    try:
        return bool(msgspec.json.decode(raw, type=_Answer).id == _PING)
    except msgspec.MsgspecError:
        return False


_KEEPALIVE = Keepalive(msgspec.json.encode({"jsonrpc": "2.0", "id": _PING, "method": "eth_chainId"}).decode(), _is_pong)
"""A request that every node answers from memory; text is no request, and pings of the protocol are not ours to see."""


class ChainHeads:
    """Use as a context; iterate over it for signals. `Connected` comes when the node has taken the subscription."""

    def __init__(self, url: str, net: FeedNet) -> None:
        """*url* is never shown: it may hold a key."""
        settings = replace(net.settings, ping_ms=PING_MS, pong_ms=PONG_MS, silent_ms=SILENT_MS, silent_ends=True)
        self._secrets = _secrets(url)
        self._mailbox = Mailbox(FRAMES_MAX)
        self._feed = Feed(NAME, url, self, replace(net, settings=settings), self._mailbox, _KEEPALIVE)
        self._subscription = ""
        self._was_served = False
        self._last_hash = ""
        self.unread = 0
        """Frames that were no head and no answer to us."""

    async def __aenter__(self) -> Self:
        self._feed.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._feed.stop()
        self._mailbox.finish()

    async def __aiter__(self) -> AsyncIterator[HeadSignal]:
        while (signal := await self._mailbox.take()) is not None:
            if isinstance(signal, Connected):
                # The request is out. It is the answer that says whether heads will come.
                continue
            if not isinstance(signal, Frame):
                self._subscription = ""
                yield signal
            elif (said := self._read(signal)) is not None:
                yield said
                if isinstance(said, Refused):
                    await self._feed.stop()
                    return

    def hello(self) -> str:
        """The request for heads."""
        request = {"jsonrpc": "2.0", "id": _SUBSCRIBE, "method": "eth_subscribe", "params": ["newHeads"]}
        return msgspec.json.encode(request).decode()

    def _read(self, frame: Frame) -> HeadSignal | None:
        """What a frame says; None when that is nothing new, or nothing that can be read."""
        try:
            row = msgspec.json.decode(frame.raw)
        except msgspec.DecodeError:
            row = None
        if type(row) is dict and row.get("id") == _SUBSCRIBE:
            return self._subscribed(row, frame.received_ms)
        head = self._head(row, frame.received_ms)
        if head is None:
            self.unread += 1
        elif head.hash != self._last_hash:
            self._last_hash = head.hash
            return head
        return None

    def _subscribed(self, row: dict[str, Any], at_ms: int) -> HeadSignal | None:
        name = row.get("result")
        if type(name) is str and name:
            self._subscription, self._was_served = name, True
            return Connected(NAME, at_ms)
        if self._was_served:
            # It has served heads before, so this will pass: the silence ends the connection, and it is asked again.
            return None
        error = row.get("error")
        text = error.get("message") if type(error) is dict else error
        words = printable(str(text or "neither result nor error"))
        for secret in self._secrets:
            words = words.replace(secret, "***")
        return Refused(NAME, words)

    def _head(self, row: Any, at_ms: int) -> Head | None:
        try:
            params = row["params"]
            result = params["result"]
            number, block_hash = int(result["number"], 16), result["hash"]
        except (KeyError, TypeError, ValueError):
            return None
        if params.get("subscription") != self._subscription or type(block_hash) is not str:
            return None
        return Head(number, block_hash, at_ms)


def _secrets(url: str) -> tuple[str, ...]:
    """The parts of an address that may be a key, the longest first."""
    parts = re.split(r"[/?&=@:#]+", url)
    return tuple(sorted((part for part in parts[1:] if len(part) >= SECRET_MIN), key=len, reverse=True))
