"""One WebSocket behind the gate: what the venue says passes through here, and may be lost, late, doubled or broken."""

from __future__ import annotations

from typing import Protocol

from tieout.sim.faults.switch import Switch
from tieout.sim.scheduler import Scheduler
from tieout.sim.wire.connection import ABRUPT, Connection

PONG = "PONG"


class Source(Protocol):
    """Where a line asks which faults strike."""

    def on_frame(self, name: str, path: str, text: str) -> Switch | None:
        """The switch of the fault *name* if it is on and meant for this frame."""
        ...

    def held_ms(self, text: str) -> int:
        """How long a frame is kept back because it tells a fill that must seem late."""
        ...


class Line:
    """The connection a session gets to see; `raw` is the one behind it."""

    def __init__(self, source: Source, scheduler: Scheduler, path: str, raw: Connection) -> None:
        self._source = source
        self._scheduler = scheduler
        self._path = path
        self._raw = raw
        self._free_ms = 0
        self._kept: list[str] = []
        self._cursed: dict[Switch, bool] = {}
        self.over = False

    def connection(self) -> Connection:
        """What to give to the session."""
        return Connection(self.send, self.close)

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        self.over = True
        self._raw.close(code, reason)

    def send(self, text: str) -> None:
        """Pass a frame on, or do to it what the faults demand."""
        if self.over or self._swallowed(text):
            return
        if self._strikes("ws-disconnect", text):
            self.close(ABRUPT, "")
            return
        if text == PONG:
            self._raw.send(text)
            return
        if self._strikes("ws-drop", text):
            return
        sent = text[: len(text) // 2] if self._strikes("ws-malformed", text) else text
        self._pass(sent, text)

    def _pass(self, sent: str, text: str) -> None:
        """In time or late, once or twice, at once or after the next."""
        if held_ms := self._source.held_ms(text):
            self._later(held_ms, sent)
            return
        if switch := self._strikes("ws-reorder", text):
            self._kept.append(sent)
            self._scheduler.after(switch.number("delay_ms"), self._let_go)
            return
        wait_ms = max(self._free_ms - self._scheduler.now_ms, 0)
        if switch := self._strikes("ws-delay", text):
            wait_ms = max(wait_ms, switch.number("delay_ms"))
        self._free_ms = self._scheduler.now_ms + wait_ms
        copies = 2 if self._strikes("ws-duplicate", text) else 1
        for _ in range(copies):
            self._later(wait_ms, sent)
        self._let_go()

    def _later(self, wait_ms: int, text: str) -> None:
        if wait_ms:
            self._scheduler.after(wait_ms, lambda: self._deliver(text))
        else:
            self._deliver(text)

    def _let_go(self) -> None:
        """What was kept back goes out now, the newest first."""
        while self._kept:
            self._deliver(self._kept.pop())

    def _deliver(self, text: str) -> None:
        if not self.over:
            self._raw.send(text)

    def _swallowed(self, text: str) -> bool:
        """The connection as a whole is dead (nothing comes) or silent (only PONG comes)."""
        return self._is_cursed("ws-half-dead", text) or (text != PONG and self._is_cursed("ws-silent", text))

    def _is_cursed(self, name: str, text: str) -> bool:
        """Drawn once for a connection while the fault is on."""
        switch = self._source.on_frame(name, self._path, text)
        if switch is None:
            return False
        if switch not in self._cursed:
            self._cursed[switch] = switch.drawn()
            if self._cursed[switch]:
                switch.strike()
        return self._cursed[switch]

    def _strikes(self, name: str, text: str) -> Switch | None:
        switch = self._source.on_frame(name, self._path, text)
        if switch is None or not switch.drawn():
            return None
        switch.strike()
        return switch
