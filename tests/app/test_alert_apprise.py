"""Alerts by apprise to real receivers on loopback: what arrives, what is said of a failure, and what is never said."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mailbox import mail_server
from client.stage import CUT, START_MS, Asked, Clock, Says, Site, serving
from support.database import in_loop, until
from tieout.app.alert import Alert
from tieout.app.alert_apprise import HANGING_MAX, Apprise, hidden
from tieout.app.alert_channels import DeliveryError, Message
from tieout.app.alert_delivery import Attempt, Delivery
from tieout.app.alert_outbox import Outbox, Pace
from tieout.app.alert_settings import AlertSettings, Destination, Rules, Via
from tieout.app.alert_words import Words
from tieout.app.alerts import Alerts, alerting
from tieout.app.worker_state import WorkerState
from tieout.store.runs import Action, Finding, IssueType, Severity

WALLET = "0x" + "5a" * 20
PLANTED = "planted-key-123"
MESSAGE = Message(title="the title", text="line one\nline two & more", severity=Severity.ERROR, body=b"{}")


def drift(severity: Severity = Severity.ERROR, number: int = 0) -> Finding:
    return Finding(IssueType.POSITION_DRIFT, severity, Action.LOGGED, "2 is not 1", f"0x{number:064x}")


def phone(site: Site, name: str = "phone", **more: Any) -> Destination:
    address = site.url.replace("http://", "json://") + f"/{PLANTED}/?format=text"
    return Destination(name=name, via=Via.APPRISE, url=address, **{"group_ms": 30_000, **more})


@dataclass
class Told:
    """Alerts to apprise destinations at one site."""

    site: Site
    clock: Clock
    alerts: Alerts
    state: WorkerState

    @property
    def titles(self) -> list[str]:
        return [asked.json["title"] for asked in self.site.asked]

    async def until_tried(self, count: int) -> None:
        async def there() -> bool:
            return self.state.alerts.sent + self.state.alerts.failed >= count

        await until(there, f"{count} deliveries")


@asynccontextmanager
async def telling(*names: str, settings: dict[str, Any] | None = None, **more: Any) -> AsyncIterator[Told]:
    clock = Clock()
    state = WorkerState(WALLET, is_live=True, started_ms=clock.now_ms())
    async with serving() as site:
        site.script(Says(200))
        to = tuple(phone(site, name, **more) for name in names or ("phone",))
        async with alerting(AlertSettings(to=to, **(settings or {})), clock, state) as alerts:
            yield Told(site, clock, alerts, state)


@in_loop
async def test_a_storm_is_one_message_at_once_and_one_of_all_others_and_each_destination_has_its_own_rules() -> None:
    async with telling() as told:
        for number in range(20):
            told.alerts.issue(drift(number=number), START_MS)
        told.alerts.tell(Alert("PAUSED", Severity.ERROR, "news", START_MS, START_MS))
        await told.until_tried(1)
        await told.clock.advance(30_000)
        await told.until_tried(2)
        assert told.titles == ["ERROR POSITION_DRIFT", "ERROR POSITION_DRIFT and 19 more"]
        group = told.site.asked[1].json
        assert group["message"].startswith("20 alerts: 19 ERROR POSITION_DRIFT, 1 ERROR PAUSED")
        assert group["type"] == "failure"
        assert f"Command: tieout issues --wallet {WALLET}" in group["message"]
        assert told.site.asked[0].path == f"/{PLANTED}/"
        assert told.state.alerts.sent == 2


@in_loop
async def test_a_network_that_was_away_does_not_lose_the_alerts_of_its_absence() -> None:
    async with telling() as told:
        told.site.script(CUT, Says(503), Says(200))
        told.alerts.issue(drift(), START_MS)
        await told.until_tried(1)
        assert told.state.alerts.problem.startswith("phone: it was not delivered: A Connection error occurred")
        told.alerts.issue(drift(Severity.CRITICAL, number=1), START_MS)
        await told.until_tried(2)
        assert "error=503" in told.state.alerts.problem
        assert (told.state.alerts.sent, told.state.alerts.dropped) == (0, 0)
        await told.clock.advance(10_000)
        await told.until_tried(3)
        assert (told.state.alerts.sent, told.state.alerts.failed, told.state.alerts.problem) == (1, 2, "")
        last = told.site.asked[2].json
        assert last["title"] == "CRITICAL POSITION_DRIFT and 1 more"
        assert "could not be delivered before" in last["message"]


@in_loop
async def test_mail_arrives_and_a_refused_login_tells_no_password() -> None:
    async with mail_server() as server:
        url = (
            f"mailto://ann:{PLANTED}@127.0.0.1:{server.port}?smtp=127.0.0.1&mode=insecure"
            "&from=worker@planted.example&to=ann@planted.example"
        )
        await Apprise(url, 20_000).deliver(MESSAGE)
        (mail,) = server.mails
        assert mail["subject"] == "the title"
        assert server.recipients == ["TO:<ann@planted.example>"]
        part = mail.get_body(("plain", "html"))
        assert part is not None
        assert "line one" in part.get_content()
        server.refusal = f"535 {PLANTED} of ann@planted.example is no password"
        with pytest.raises(DeliveryError) as told:
            await Apprise(url, 20_000).deliver(MESSAGE)
        assert str(told.value).startswith("it was not delivered")
        assert "planted" not in str(told.value)


@in_loop
async def test_what_apprise_logs_reaches_nobody_with_a_secret_in_it(caplog: pytest.LogCaptureFixture) -> None:
    loud = logging.getLogger()
    with caplog.at_level(logging.DEBUG, loud.name):
        async with serving() as site:
            site.script(Says(403, {"error": f"no such key {PLANTED}"}), CUT, Says(302, headers={"Location": "/x"}))
            problems: list[str] = []
            for _ in range(3):
                with pytest.raises(DeliveryError) as told:
                    await Apprise(phone(site).url, 20_000).deliver(MESSAGE)
                problems.append(str(told.value))
                assert told.value.__cause__ is None
            assert len(site.asked) == 3, "no redirect is followed"
        assert problems[0] == "it was not delivered: Failed to send JSON POST notification: error=403."
        assert problems[1] == "it was not delivered: A Connection error occurred sending JSON notification to ***."
        assert problems[2].endswith("error=302.")
        for url in (f"slack://{PLANTED}", f"nosuchservice://{PLANTED}@host", f"https://h.example/{PLANTED}"):
            with pytest.raises(DeliveryError, match="apprise makes nothing of the address") as told:
                await Apprise(url, 20_000).prepare()
            assert PLANTED not in str(told.value)
    assert PLANTED not in caplog.text
    assert "apprise" not in {record.name for record in caplog.records}


@in_loop
async def test_a_receiver_that_hangs_holds_nothing_up() -> None:
    over = asyncio.Event()

    async def never(_: Asked) -> Says:
        await over.wait()
        return Says(200)

    async with serving() as site:
        site.answer = never
        # The library waits longer than we do for an answer.
        channel = Apprise(phone(site).url + "&rto=30", 100)
        for _ in range(HANGING_MAX):
            with pytest.raises(DeliveryError, match="no end of the delivery within 100 ms"):
                await channel.deliver(MESSAGE)
        with pytest.raises(DeliveryError, match="3 deliveries before this one have not ended yet"):
            await channel.deliver(MESSAGE)
        hanging = [thread for thread in threading.enumerate() if thread.name == "alert by apprise"]
        assert len(hanging) == HANGING_MAX
        assert all(thread.daemon for thread in hanging), "the process may end"
        over.set()

        async def ended() -> bool:
            return not any(thread.is_alive() for thread in hanging)

        await until(ended, "the end of the deliveries")
        site.script(Says(200))
        await Apprise(phone(site).url, 20_000).deliver(MESSAGE)


@in_loop
async def test_a_test_passes_rules_and_quiet_hours_by_and_says_what_became_of_each() -> None:
    none = Rules(only_types=("PNL_MISMATCH",), all_from=Severity.CRITICAL)
    async with telling("phone", "mail", rules=none) as told:
        told.site.answer = lambda asked: Says(200 if "phone is reached" in asked.json["message"] else 500)
        phone_, mail = await told.alerts.test("ann\nbeth")
        assert phone_ == Attempt("phone")
        assert (mail.name, mail.is_delivered) == ("mail", False)
        assert "error=500" in mail.problem
        assert told.titles == ["TEST: an alert that means nothing"] * 2
        assert told.site.asked[0].json["message"].startswith("ann beth asked for it at 2026-11-18 ")
        assert [each.name for each in await told.alerts.test("ann", {"mail"})] == ["mail"]
        told.alerts.issue(drift(Severity.CRITICAL), START_MS)
    assert len(told.site.asked) == 3
    assert (told.state.alerts.sent, told.state.alerts.failed) == (0, 0)


@in_loop
async def test_an_address_that_is_none_is_shown_before_anything_has_to_be_told() -> None:
    clock = Clock()
    state = WorkerState(WALLET, is_live=True, started_ms=clock.now_ms())
    to = Destination(name="phone", via=Via.APPRISE, url=f"slack://{PLANTED}")
    async with alerting(AlertSettings(to=(to,)), clock, state) as alerts:

        async def shown() -> bool:
            return bool(state.alerts.problem)

        await until(shown, "the problem")
        assert state.alerts.problem.startswith("phone: apprise makes nothing of the address")
        assert PLANTED not in state.alerts.problem
        alerts.issue(drift(), START_MS)
    assert (state.alerts.sent, state.alerts.failed, state.alerts.dropped) == (0, 1, 1)
    assert PLANTED not in repr(to)


WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", min_size=4, max_size=30)


@given(user=WORDS, password=WORDS, path=WORDS, value=WORDS, shape=st.integers(0, 3))
def test_nothing_of_an_address_is_left_in_what_is_said(
    user: str, password: str, path: str, value: str, shape: int
) -> None:
    url = f"mailto://{user}:{password}@host.example/{path}?to={value}&mode=insecure"
    said = (
        f"no {url} at",
        f"at {user} or {password.upper()} no, {value}",
        f"/{path}\nat host.example no",
        f"({user}:{password})=[{path}]{value}",
    )[shape]
    shown = hidden(said, url)
    rest = shown.replace("***", " ").replace("(address)", " ").lower()
    assert [secret for secret in (user, password, path, value, "host.example") if secret.lower() in rest] == []
    assert "\n" not in shown


def test_what_is_no_secret_can_be_read() -> None:
    url = "json://ann:a%20b%26c@127.0.0.1:8080/x?rto=5&to=secretary"
    said = "Failed to send JSON notification: Unauthorized, error=401. 127.0.0.1:8080 a b&c to secretary"
    assert hidden(said, url) == "Failed to send JSON notification: Unauthorized, error=401. *** *** to ***"


def test_no_other_command_waits_for_the_library() -> None:
    code = "import sys, tieout.cli.alerts; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Leaky:
    """A plug-in, and a channel, whose fault names its address."""

    def notify(self, **_: object) -> bool:
        raise ValueError(f"cannot reach slack://{PLANTED}")

    async def prepare(self) -> None:
        """Nothing."""

    async def deliver(self, _: Message) -> None:
        self.notify()


@in_loop
async def test_of_a_fault_that_nobody_foresaw_only_the_kind_is_told() -> None:
    channel = Apprise(f"slack://{PLANTED}", 20_000)
    channel._service = Leaky()
    with pytest.raises(DeliveryError) as told:
        await channel.deliver(MESSAGE)
    assert str(told.value) == "apprise failed with ValueError"
    clock = Clock()
    state = WorkerState(WALLET, is_live=True, started_ms=clock.now_ms())
    outbox = Outbox(Pace(spacing_ms=0, group_ms=0, retry_ms=0))
    to = Destination(name="phone", via=Via.APPRISE)
    delivery = Delivery(to, Leaky(), outbox, Words(WALLET, {}), clock, state)
    assert await delivery.test("ann") == Attempt("phone", "ValueError")
    delivery.tell(Alert("PAUSED", Severity.ERROR, "news", START_MS, START_MS))
    delivery.close()
    await delivery.run()
    assert (state.alerts.problem, state.alerts.failed, state.alerts.dropped) == ("phone: ValueError", 1, 1)
