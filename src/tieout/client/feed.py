"""One socket kept alive: subscribe, PING, notice when it is dead or silent, connect again, and say all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tieout.client.clock import Clock
from tieout.client.mailbox import Mailbox
from tieout.client.signals import Connected, Frame, Gap, Silent
from tieout.client.sockets import Socket, SocketCarrier, SocketClosedError

PING, PONG = "PING", b"PONG"

Jitter = Callable[[int], int]
"""A number from 0 to the one given, both included; chance comes in from outside."""


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Milliseconds. The first two are the venue's (`polymarket.md` 3.1); `silent_ms` 0 is never."""

    ping_ms: int = 10_000
    pong_ms: int = 30_000
    """Without a PONG for so long the connection is half-open."""
    silent_ms: int = 60_000
    silent_ends: bool = False
    """A connection that falls silent is given up for a new one."""
    backoff_ms: int = 500
    backoff_max_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class FeedNet:
    """What all feeds share."""

    carrier: SocketCarrier
    clock: Clock
    jitter: Jitter
    settings: FeedSettings = FeedSettings()


@dataclass(frozen=True, slots=True)
class Keepalive:
    """What is sent to hear whether the other side lives, and which frames answer it."""

    ping: str
    is_pong: Callable[[bytes], bool]


BY_TEXT = Keepalive(PING, PONG.__eq__)
"""The venue's."""


class Channel(Protocol):
    """What a feed subscribes to."""

    def hello(self) -> str:
        """The frame to send first on every connection."""
        ...


class Feed:
    """One task for one socket. *name* is in every signal it puts into the mailbox."""

    def __init__(
        self, name: str, url: str, channel: Channel, net: FeedNet, mailbox: Mailbox, keepalive: Keepalive = BY_TEXT
    ) -> None:
        self.name = name
        self._keepalive = keepalive
        self._url = url
        self._channel = channel
        self._net = net
        self._mailbox = mailbox
        self._socket: Socket | None = None
        self._sending = asyncio.Lock()
        """Holds back changes of the subscription until the hello is out."""
        self._task: asyncio.Task[None] | None = None
        self._heard_ms = self._pong_ms = self._event_ms = 0

    def start(self) -> None:
        """Connect, and stay so until `stop`."""
        self._task = asyncio.create_task(self._run(), name=f"feed {self.name}")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End the task and the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def send(self, text: str) -> bool:
        """Send a frame if there is a connection; False when the next hello has to say it."""
        async with self._sending:
            if self._socket is None:
                return False
            try:
                await self._socket.send(text)
            except SocketClosedError:
                return False
            return True

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that failed, and was not stopped, is a fault of ours: whoever reads the feed gets it."""
        if not task.cancelled() and task.exception() is not None:
            self._mailbox.finish(task.exception())

    async def _run(self) -> None:
        clock, settings = self._net.clock, self._net.settings
        self._heard_ms = clock.now_ms()
        failed = 0
        while True:
            heard_before = self._heard_ms
            reason = await self._connection()
            self._mailbox.put(Gap(self.name, reason, self._heard_ms))
            failed = failed + 1 if self._heard_ms == heard_before else 1
            ceiling = min(settings.backoff_ms << min(failed - 1, 20), settings.backoff_max_ms)
            await clock.sleep(ceiling // 2 + self._net.jitter(ceiling - ceiling // 2))

    async def _connection(self) -> str:
        """One connection from beginning to end; returns why it ended."""
        try:
            socket = await self._net.carrier.open(self._url)
        except SocketClosedError as error:
            return error.reason
        try:
            async with self._sending:
                self._socket = socket
                await socket.send(self._channel.hello())
            now_ms = self._net.clock.now_ms()
            self._pong_ms = self._event_ms = now_ms
            self._mailbox.put(Connected(self.name, now_ms))
            return await self._live(socket)
        except SocketClosedError as error:
            return error.reason
        finally:
            self._socket = None
            await socket.close()

    async def _live(self, socket: Socket) -> str:
        """Read and keep alive until one of the two says why it is over."""
        tasks = [asyncio.create_task(self._read(socket)), asyncio.create_task(self._keep(socket))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in tasks if task in done).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, socket: Socket) -> str:
        while True:
            try:
                raw = await socket.receive()
            except SocketClosedError as error:
                return error.reason
            self._heard_ms = self._net.clock.now_ms()
            if self._keepalive.is_pong(raw):
                self._pong_ms = self._heard_ms
                continue
            self._event_ms = self._heard_ms
            self._mailbox.put(Frame(self.name, raw, self._heard_ms))

    async def _keep(self, socket: Socket) -> str:
        clock, settings = self._net.clock, self._net.settings
        told_ms = self._event_ms
        while True:
            await clock.sleep(settings.ping_ms)
            now_ms = clock.now_ms()
            if now_ms - self._pong_ms >= settings.pong_ms:
                return f"half-open: no PONG for {now_ms - self._pong_ms} ms"
            told_ms = max(told_ms, self._event_ms)
            if settings.silent_ms and now_ms - told_ms >= settings.silent_ms:
                self._mailbox.put(Silent(self.name, now_ms - self._event_ms))
                if settings.silent_ends:
                    return f"silent: no event for {now_ms - self._event_ms} ms"
                told_ms = now_ms
            try:
                await socket.send(self._keepalive.ping)
            except SocketClosedError as error:
                return error.reason
