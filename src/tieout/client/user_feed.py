"""The user channel: orders and trades of one account (`polymarket.md` 3.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Self

import msgspec

from tieout.client.feed import Feed, FeedNet
from tieout.client.keys import Credentials
from tieout.client.mailbox import FRAMES_MAX, Mailbox
from tieout.client.signals import Signal

NAME = "user"


class UserFeed:
    """Use as a context; iterate over it for signals. Without *markets* it hears the whole account."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        net: FeedNet,
        *,
        markets: Iterable[str] = (),
        frames_max: int = FRAMES_MAX,
    ) -> None:
        self._credentials = credentials
        self._markets = dict.fromkeys(markets)
        self._mailbox = Mailbox(frames_max)
        self._feed = Feed(NAME, url, self, net, self._mailbox)

    async def __aenter__(self) -> Self:
        self._feed.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._feed.stop()
        self._mailbox.finish()

    async def __aiter__(self) -> AsyncIterator[Signal]:
        while (signal := await self._mailbox.take()) is not None:
            yield signal

    def hello(self) -> str:
        """The first frame; it holds the API secret."""
        held = self._credentials
        frame: dict[str, Any] = {
            "auth": {"apiKey": held.key, "secret": held.secret, "passphrase": held.passphrase},
            "type": "user",
        }
        if self._markets:
            frame["markets"] = list(self._markets)
        return msgspec.json.encode(frame).decode()

    async def subscribe(self, condition_ids: Iterable[str]) -> None:
        """Hear these markets too. Raises ValueError for a feed of the whole account, which this would narrow."""
        self._require_markets()
        new = [condition for condition in condition_ids if condition not in self._markets]
        self._markets.update(dict.fromkeys(new))
        await self._tell("subscribe", new)

    async def unsubscribe(self, condition_ids: Iterable[str]) -> None:
        """Hear these markets no longer. Raises ValueError when none would be left: that would be all of them."""
        self._require_markets()
        gone = [condition for condition in dict.fromkeys(condition_ids) if condition in self._markets]
        if len(gone) == len(self._markets):
            raise ValueError("unsubscribe: expected at least one market to stay")
        for condition in gone:
            del self._markets[condition]
        await self._tell("unsubscribe", gone)

    def _require_markets(self) -> None:
        if not self._markets:
            raise ValueError("the feed hears the whole account; make one with markets to choose them")

    async def _tell(self, operation: str, condition_ids: list[str]) -> None:
        if condition_ids:
            frame = {"operation": operation, "markets": condition_ids}
            await self._feed.send(msgspec.json.encode(frame).decode())
