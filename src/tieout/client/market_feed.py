"""The market channel: books, prices, ticks and resolutions of any number of tokens (`polymarket.md` 3.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Self

import msgspec

from tieout.client.feed import Feed, FeedNet
from tieout.client.mailbox import FRAMES_MAX, Mailbox
from tieout.client.signals import Signal

TOKENS_MAX = 500
"""Of one connection: the venue gives no first snapshot for those beyond."""


class _Shard:
    """The tokens of one connection."""

    def __init__(self, name: str, url: str, net: FeedNet, mailbox: Mailbox) -> None:
        self.tokens: dict[str, None] = {}
        self.feed = Feed(name, url, self, net, mailbox)

    def hello(self) -> str:
        """The first frame, with the resolutions and new markets that `custom_feature_enabled` brings."""
        frame = {"type": "market", "assets_ids": list(self.tokens), "custom_feature_enabled": True}
        return msgspec.json.encode(frame).decode()

    async def tell(self, operation: str, token_ids: list[str]) -> None:
        """Change the subscription of a connection that is there; the next one begins with the whole of it."""
        frame = {"operation": operation, "assets_ids": token_ids}
        await self.feed.send(msgspec.json.encode(frame).decode())


class MarketFeed:
    """Use as a context; iterate over it for signals. Each connection has a name, which is in its signals."""

    def __init__(self, url: str, net: FeedNet, *, tokens_max: int = TOKENS_MAX, frames_max: int = FRAMES_MAX) -> None:
        self._url = url
        self._net = net
        self._tokens_max = tokens_max
        self._mailbox = Mailbox(frames_max)
        self._shards: dict[str, _Shard] = {}
        self._made = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for shard in list(self._shards.values()):
            await shard.feed.stop()
        self._mailbox.finish()

    async def __aiter__(self) -> AsyncIterator[Signal]:
        while (signal := await self._mailbox.take()) is not None:
            yield signal

    def tokens_of(self, feed: str) -> tuple[str, ...]:
        """The tokens that the connection of that name hears: those a Gap of it is about."""
        shard = self._shards.get(feed)
        return tuple(shard.tokens) if shard else ()

    async def subscribe(self, token_ids: Iterable[str]) -> None:
        """Hear these tokens too; connections are filled, then made."""
        heard = {token for shard in self._shards.values() for token in shard.tokens}
        new = [token for token in dict.fromkeys(token_ids) if token not in heard]
        for shard in list(self._shards.values()):
            room = self._tokens_max - len(shard.tokens)
            part, new = new[:room], new[room:]
            if part:
                shard.tokens.update(dict.fromkeys(part))
                await shard.tell("subscribe", part)
        for start in range(0, len(new), self._tokens_max):
            self._made += 1
            shard = _Shard(f"market {self._made}", self._url, self._net, self._mailbox)
            shard.tokens.update(dict.fromkeys(new[start : start + self._tokens_max]))
            self._shards[shard.feed.name] = shard
            shard.feed.start()

    async def unsubscribe(self, token_ids: Iterable[str]) -> None:
        """Hear these tokens no longer; a connection without tokens is closed."""
        gone = set(token_ids)
        for name, shard in list(self._shards.items()):
            part = [token for token in shard.tokens if token in gone]
            if not part:
                continue
            for token in part:
                del shard.tokens[token]
            if shard.tokens:
                await shard.tell("unsubscribe", part)
            else:
                del self._shards[name]
                await shard.feed.stop()
