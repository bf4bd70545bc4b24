"""Alerts: what a person has to hear of, handed to every destination. No job waits for it, and none fails by it.

When and how often is up to each destination (`alert_outbox.py`); what cannot be delivered is tried again, counted and
shown (`alert_delivery.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tieout.app.alert import ENDED, Alert
from tieout.app.alert_apprise import Apprise
from tieout.app.alert_channels import Channel, Program, Webhook
from tieout.app.alert_delivery import Attempt, Delivery
from tieout.app.alert_outbox import Outbox, Pace
from tieout.app.alert_settings import AlertSettings, Destination, Via
from tieout.app.alert_words import Words
from tieout.app.worker_state import WorkerState
from tieout.client.clock import Clock
from tieout.client.transport import HttpCarrier, Timeouts
from tieout.store.controls import Control, State
from tieout.store.runs import Finding, Severity


class Alerts:
    """`tell` and its kin return at once."""

    def __init__(self, clock: Clock, state: WorkerState, deliveries: Sequence[Delivery]) -> None:
        self._clock = clock
        self._state = state
        self._deliveries = deliveries
        self._controls: dict[str, Control] = {}

    def issue(self, finding: Finding, at_ms: int, issue_id: int = 0) -> None:
        """An issue was raised; *issue_id* 0: it is not kept yet."""
        self.tell(
            Alert(
                finding.type.value,
                finding.severity,
                finding.summary,
                at_ms,
                at_ms,
                finding.condition_id,
                finding.action.value,
                issue_id=issue_id,
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
                self.tell(Alert(kind, severity, words, control.at_ms, control.at_ms, condition_id, lift=control.lift))

    def ended(self, error: Exception) -> None:
        """The worker ends by *error*."""
        now_ms = self._clock.now_ms()
        words = f"the worker ended by an error: {type(error).__name__}: {error}"
        self.tell(Alert(ENDED, Severity.CRITICAL, words, now_ms, now_ms))

    def tell(self, alert: Alert) -> None:
        """Hand *alert* to every destination that hears of such."""
        for delivery in self._deliveries:
            delivery.tell(alert)

    async def test(self, who: str, only: Collection[str] = ()) -> tuple[Attempt, ...]:
        """Send a marked test by *who* to every destination, or to those named, at the same time; what became of each.

        It passes rules, grouping and quiet hours by, is not tried again, and is not counted in the figures.
        """
        asked = [each for each in self._deliveries if not only or each.to.name in only]
        return tuple(await asyncio.gather(*(each.test(who) for each in asked)))


@asynccontextmanager
async def alerting(settings: AlertSettings, clock: Clock, state: WorkerState, proxy: str = "") -> AsyncIterator[Alerts]:
    """Alerts for the time of the context. At its end what waits is tried once, within two time-outs of a delivery."""
    async with AsyncExitStack() as stack:
        deliveries = [await _delivery(to, settings, clock, state, proxy, stack) for to in settings.destinations]
        running = [asyncio.create_task(each.run(), name=f"alerts to {each.to.name}") for each in deliveries]
        try:
            yield Alerts(clock, state, deliveries)
            await _finished(deliveries, running, 2 * settings.timeout_ms / 1_000)
        except Exception:
            await _finished(deliveries, running, 2 * settings.timeout_ms / 1_000)
            raise
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _delivery(
    to: Destination, settings: AlertSettings, clock: Clock, state: WorkerState, proxy: str, stack: AsyncExitStack
) -> Delivery:
    pace = Pace(spacing_ms=settings.spacing_ms, group_ms=to.group_ms, retry_ms=settings.retry_ms, quiet=to.quiet)
    words = Words(state.wallet, state.markets, settings.desk_url, to.quiet)
    channel = await _channel(to, settings.timeout_ms, proxy, stack)
    return Delivery(to, channel, Outbox(pace), words, clock, state)


async def _channel(to: Destination, timeout_ms: int, proxy: str, stack: AsyncExitStack) -> Channel:
    """The way to a destination, closed with *stack*. Apprise knows no proxy but that of the environment."""
    match to.via:
        case Via.PROGRAM:
            return Program(to.command, timeout_ms)
        case Via.APPRISE:
            return Apprise(to.url, timeout_ms)
        case Via.WEBHOOK:
            seconds = timeout_ms / 1_000
            times = Timeouts(seconds, seconds, seconds, seconds, seconds)
            return Webhook(to.url, await stack.enter_async_context(HttpCarrier(timeouts=times, proxy=proxy or None)))


async def _finished(deliveries: Sequence[Delivery], running: Sequence[asyncio.Task[None]], within_s: float) -> None:
    """Let everybody be told what there is; a slow channel holds the end of a worker for a while only."""
    for delivery in deliveries:
        delivery.close()
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=within_s)
    for delivery, task in zip(deliveries, running, strict=True):
        if task in late:
            delivery.give_up()
