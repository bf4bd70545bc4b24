"""The delivery to one destination: letter after letter, tried again until they arrive or are too old."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tieout.app.alert import Alert
from tieout.app.alert_channels import Channel, DeliveryError
from tieout.app.alert_outbox import Outbox
from tieout.app.alert_rules import admits
from tieout.app.alert_settings import Destination
from tieout.app.alert_words import Words
from tieout.app.beside import first_to_end
from tieout.app.worker_state import WorkerState
from tieout.client.clock import Clock

OWN = frozenset(("command", "webhook"))
"""Destinations without a table: what went wrong says by itself which one it is."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a test. `problem` is why it was not delivered, "" when it was."""

    name: str
    problem: str = ""

    @property
    def is_delivered(self) -> bool:
        """Whether it was."""
        return not self.problem


class Delivery:
    """`tell` returns at once; `run` delivers."""

    def __init__(
        self, to: Destination, channel: Channel, outbox: Outbox, words: Words, clock: Clock, state: WorkerState
    ) -> None:
        """*state* shows the figures."""
        self.to = to
        self._channel = channel
        self._outbox = outbox
        self._words = words
        self._clock = clock
        self._state = state
        self._changed = asyncio.Event()
        self._is_closing = False
        self._counted = 0

    def tell(self, alert: Alert) -> None:
        """Send *alert*, now or with others, if the destination hears of such."""
        known = self._state.markets.get(alert.condition_id)
        if admits(self.to.rules, alert, known.market if known is not None else None):
            self._outbox.tell(alert, self._clock.now_ms())
            self._count()
            self._changed.set()

    async def run(self) -> None:
        """Deliver until `close`. What is wrong with the destination itself is shown before anything is sent."""
        try:
            await self._channel.prepare()
        except DeliveryError as error:
            self._note(error)
        while True:
            self._changed.clear()
            self._outbox.look(self._clock.now_ms())
            if self._outbox.ready:
                await self._deliver_next()
            elif self._is_closing:
                return
            else:
                await self._wait()

    async def test(self, who: str) -> Attempt:
        """Deliver a test, whatever rules and quiet hours say."""
        try:
            await self._channel.deliver(self._words.test(self.to.name, who, self._clock.now_ms()))
        except Exception as error:  # noqa: BLE001 - a test tells of every failure
            return Attempt(self.to.name, _words_of(error))
        return Attempt(self.to.name)

    def close(self) -> None:
        """Let `run` return when everything was tried once, also what was only counted or kept yet."""
        self._is_closing = True
        self._outbox.close(self._clock.now_ms())
        self._changed.set()

    def give_up(self) -> None:
        """Nobody delivers any more: what waits is counted as dropped."""
        self._outbox.give_up()
        self._count()

    async def _deliver_next(self) -> None:
        letter = self._outbox.ready.popleft()
        figures = self._state.alerts
        try:
            await self._channel.deliver(self._words.message(letter))
        except asyncio.CancelledError:
            figures.dropped += len(letter.alerts)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the next one has to be delivered
            figures.failed += 1
            self._note(error)
            self._outbox.failed(letter, self._clock.now_ms())
        else:
            figures.sent += 1
            figures.problems.pop(self.to.name, None)
            self._outbox.delivered(letter, self._clock.now_ms())
        self._count()

    def _count(self) -> None:
        """Show what was dropped since the last time."""
        self._state.alerts.dropped += self._outbox.dropped - self._counted
        self._counted = self._outbox.dropped

    def _note(self, error: Exception) -> None:
        where = "" if self.to.name in OWN else f"{self.to.name}: "
        self._state.alerts.problems[self.to.name] = where + _words_of(error)

    async def _wait(self) -> None:
        """Until something is told, or something is due."""
        now_ms = self._clock.now_ms()
        next_ms = self._outbox.next_ms(now_ms)
        if next_ms is None:
            await self._changed.wait()
        else:
            await first_to_end(self._clock.sleep(next_ms - now_ms), self._changed.wait())


def _words_of(error: Exception) -> str:
    """Why a delivery failed; an error that is not ours may hold the address, so only its name is told."""
    return str(error) if isinstance(error, DeliveryError) else type(error).__name__
