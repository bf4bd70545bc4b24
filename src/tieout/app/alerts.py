"""Alerts: what a person has to hear of, handed to a program or an address. No job waits for it, and none fails by it.

The first of its type and market is sent at once, those that follow are counted and told by one when the spacing is
over. What cannot be delivered is counted and shown.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from tieout.app.beside import first_to_end
from tieout.app.config import AlertSettings
from tieout.app.worker_state import WorkerState
from tieout.client.clock import Clock
from tieout.client.transport import Carrier, CarrierError, HttpCarrier, HttpRequest, Timeouts
from tieout.store.controls import WHOLE_WALLET, Control, State
from tieout.store.journal import redacted
from tieout.store.runs import Action, Finding, Severity

QUEUE_MAX = 100
"""Alerts that wait for a slow channel; more are dropped, which is counted."""

OWN_VARIABLES = "TIEOUT_"
"""Variables of the environment that a program of the operator does not get: the private key is among them."""

ENDED = "ENDED"
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class DeliveryError(Exception):
    """An alert did not arrive. The message names no address."""


class Channel(Protocol):
    """Takes an alert to a person."""

    async def deliver(self, body: bytes) -> None:
        """Raises DeliveryError."""
        ...


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person has to hear of. `condition_id` "" is the whole wallet; `times` counts since `first_at_ms`."""

    type: str
    severity: Severity
    what: str
    at_ms: int
    first_at_ms: int
    condition_id: str = WHOLE_WALLET
    action: str = Action.LOGGED.value
    times: int = 1


@dataclass(slots=True)
class _Spacing:
    """What was sent last of one type and market, and what came since."""

    until_ms: int
    severity: Severity
    counted: Alert | None = None


class Alerts:
    """`tell` and its kin return at once; `run` delivers."""

    def __init__(self, settings: AlertSettings, clock: Clock, state: WorkerState, channels: Sequence[Channel]) -> None:
        """*state* names wallet and markets, and shows the figures."""
        self._settings = settings
        self._clock = clock
        self._state = state
        self._channels = channels
        self._spacings: dict[tuple[str, str], _Spacing] = {}
        self._queue: deque[Alert] = deque()
        self._changed = asyncio.Event()
        self._is_closing = False
        self._controls: dict[str, Control] = {}

    def issue(self, finding: Finding, at_ms: int) -> None:
        """An issue was raised."""
        if _RANK[finding.severity] >= _RANK[self._settings.severity]:
            self.tell(
                Alert(
                    finding.type.value,
                    finding.severity,
                    finding.summary,
                    at_ms,
                    at_ms,
                    finding.condition_id,
                    finding.action.value,
                )
            )

    def controls(self, found: Mapping[str, Control]) -> None:
        """The controls as they are now: a pause or a halt since the start is told, whoever set it."""
        for condition_id, control in found.items():
            is_new = control != self._controls.get(condition_id) and control.at_ms >= self._state.started_ms
            self._controls[condition_id] = control
            if is_new and control.state is not State.ACTIVE:
                severity = Severity.CRITICAL if control.state is State.HALTED else Severity.ERROR
                words = f"{control.state.value} by {control.who}: {control.reason}"
                kind = control.state.value.upper()
                self.tell(Alert(kind, severity, words, control.at_ms, control.at_ms, condition_id))

    def ended(self, error: Exception) -> None:
        """The worker ends by *error*."""
        now_ms = self._clock.now_ms()
        words = f"the worker ended by an error: {type(error).__name__}: {error}"
        self.tell(Alert(ENDED, Severity.CRITICAL, words, now_ms, now_ms))

    def tell(self, alert: Alert) -> None:
        """Send *alert*, or count it where its like was sent a while ago."""
        if not self._channels:
            return
        key = (alert.type, alert.condition_id)
        spacing = self._spacings.get(key)
        if spacing is None or _RANK[alert.severity] > _RANK[spacing.severity]:
            self._send(_joined(spacing.counted if spacing else None, alert))
        else:
            spacing.counted = _joined(spacing.counted, alert)
        self._changed.set()

    async def run(self) -> None:
        """Deliver until `close`."""
        while True:
            self._changed.clear()
            self._look_at_spacings()
            if self._queue:
                await self._deliver(self._queue.popleft())
            elif self._is_closing:
                return
            else:
                await self._wait()

    def close(self) -> None:
        """Let `run` return when everything is told, also what is only counted yet."""
        self._is_closing = True
        self._changed.set()

    def give_up(self) -> None:
        """Nobody delivers any more: what waits is counted as dropped."""
        self._state.alerts.dropped += len(self._queue)
        self._queue.clear()

    def _look_at_spacings(self) -> None:
        """Tell what was counted where a spacing is over, and forget those in which nothing came."""
        now_ms = self._clock.now_ms()
        for key, spacing in list(self._spacings.items()):
            if now_ms < spacing.until_ms and not self._is_closing:
                continue
            del self._spacings[key]
            if spacing.counted is not None:
                self._send(spacing.counted)

    def _send(self, alert: Alert) -> None:
        until_ms = self._clock.now_ms() + self._settings.spacing_ms
        self._spacings[alert.type, alert.condition_id] = _Spacing(until_ms, alert.severity)
        if len(self._queue) >= QUEUE_MAX:
            self._state.alerts.dropped += 1
        else:
            self._queue.append(alert)

    async def _wait(self) -> None:
        """Until something is told, or a spacing ends."""
        if not self._spacings:
            await self._changed.wait()
            return
        next_ms = min(spacing.until_ms for spacing in self._spacings.values())
        await first_to_end(self._clock.sleep(max(next_ms - self._clock.now_ms(), 0)), self._changed.wait())

    async def _deliver(self, alert: Alert) -> None:
        body = self._body(alert)
        figures = self._state.alerts
        try:
            results = await asyncio.gather(
                *(channel.deliver(body) for channel in self._channels), return_exceptions=True
            )
        except asyncio.CancelledError:
            figures.dropped += 1
            raise
        for result in results:
            if result is None:
                figures.sent += 1
            else:
                figures.failed += 1
                figures.problem = str(result) if isinstance(result, DeliveryError) else type(result).__name__

    def _body(self, alert: Alert) -> bytes:
        """The alert as JSON; secret fields are replaced as in the journal."""
        known = self._state.markets.get(alert.condition_id)
        market = known.market.question if known is not None else ""
        times = f" ({alert.times} times)" if alert.times > 1 else ""
        place = f" [{market or alert.condition_id}]" if alert.condition_id else ""
        row = {
            "text": f"{alert.severity.value} {alert.type}{place}: {alert.what}{times} (wallet {self._state.wallet})",
            "severity": alert.severity.value,
            "type": alert.type,
            "action": alert.action,
            "wallet": self._state.wallet,
            "condition_id": alert.condition_id,
            "market": market,
            "at_ms": alert.at_ms,
            "first_at_ms": alert.first_at_ms,
            "times": alert.times,
        }
        return redacted(msgspec.json.encode(row))


def _joined(before: Alert | None, alert: Alert) -> Alert:
    """Both as one: the graver tells, the later among equals, and all are counted."""
    if before is None:
        return alert
    told = alert if _RANK[alert.severity] >= _RANK[before.severity] else before
    return replace(told, at_ms=alert.at_ms, first_at_ms=before.first_at_ms, times=before.times + alert.times)


class Program:
    """Runs a command with the alert on its input."""

    def __init__(self, command: Sequence[str], timeout_ms: int) -> None:
        self._command = command
        self._timeout_ms = timeout_ms

    async def deliver(self, body: bytes) -> None:
        """Raises DeliveryError when it cannot be run, ends with another code than 0, or takes too long."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
        nowhere = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=nowhere,
                stderr=nowhere,
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            raise DeliveryError(f"the program cannot be run: {error.strerror}") from None
        try:
            async with asyncio.timeout(self._timeout_ms / 1_000):
                await process.communicate(body)
        except TimeoutError:
            raise DeliveryError(f"the program took longer than {self._timeout_ms} ms") from None
        finally:
            if process.returncode is None:
                # It leads a session of its own, so what it started ends with it.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            raise DeliveryError(f"the program ended with {process.returncode}")


class Webhook:
    """Posts the alert to an address, which is never shown."""

    def __init__(self, url: str, carrier: Carrier) -> None:
        self._url = url
        self._carrier = carrier

    async def deliver(self, body: bytes) -> None:
        """Raises DeliveryError without an answer, and for one that is not 2xx."""
        try:
            answer = await self._carrier.send(
                HttpRequest("POST", self._url, {"content-type": "application/json"}, body)
            )
        except CarrierError as error:
            raise DeliveryError(f"the webhook gave no answer: {error.reason}") from None
        if not answer.is_success:
            raise DeliveryError(f"the webhook answered {answer.status}")


@asynccontextmanager
async def alerting(settings: AlertSettings, clock: Clock, state: WorkerState, proxy: str = "") -> AsyncIterator[Alerts]:
    """Alerts for the time of the context. At its end what waits is delivered, within two time-outs of a delivery."""
    async with AsyncExitStack() as stack:
        channels: list[Channel] = []
        timeout_s = settings.timeout_ms / 1_000
        if settings.command:
            channels.append(Program(settings.command, settings.timeout_ms))
        if settings.webhook:
            times = Timeouts(timeout_s, timeout_s, timeout_s, timeout_s, timeout_s)
            carrier = await stack.enter_async_context(HttpCarrier(timeouts=times, proxy=proxy or None))
            channels.append(Webhook(settings.webhook, carrier))
        alerts = Alerts(settings, clock, state, channels)
        running = asyncio.create_task(alerts.run(), name="alerts")
        try:
            yield alerts
            await _finished(alerts, running, 2 * timeout_s)
        except Exception:
            await _finished(alerts, running, 2 * timeout_s)
            raise
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _finished(alerts: Alerts, running: asyncio.Task[None], within_s: float) -> None:
    """Let *alerts* tell what it has; a slow channel holds the end of a worker for a while only."""
    alerts.close()
    done, _ = await asyncio.wait((running,), timeout=within_s)
    if not done:
        alerts.give_up()
