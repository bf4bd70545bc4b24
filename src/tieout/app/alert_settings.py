"""What the file says of alerts: who is told, of what, when, and how often of one thing. Milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tieout.app.quiet_hours import Quiet
from tieout.store.runs import Severity


class Via(StrEnum):
    """How an alert gets to somebody."""

    APPRISE = "apprise"
    """By the service that an address of the library apprise names."""
    WEBHOOK = "webhook"
    """As JSON by POST."""
    PROGRAM = "program"
    """As JSON on the input of a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which alerts a destination hears of. Empty: all of them. `app/alert_rules.py` applies them."""

    issues_from: Severity = Severity.ERROR
    """Issues that are less grave are not told."""
    all_from: Severity = Severity.INFO
    """Nor are pauses, halts and ends that are less grave than this."""
    only_types: tuple[str, ...] = ()
    except_types: tuple[str, ...] = ()
    only_markets: tuple[str, ...] = ()
    """Condition ids, slugs and addresses of the site, as written. The whole wallet is in each of them."""
    except_markets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Somebody who is told, by name. The repr shows neither address nor command: both may hold secrets."""

    name: str
    via: Via
    url: str = field(default="", repr=False)
    source: str = ""
    """Where the address is from, in words."""
    command: tuple[str, ...] = field(default=(), repr=False)
    rules: Rules = field(default_factory=Rules)
    quiet: Quiet | None = None
    group_ms: int = 0
    """Alerts that come within so long are told by one message; 0: each by its own."""

    @property
    def service(self) -> str:
        """What takes the alert there: the scheme of the address, or the name of the program."""
        if self.via is Via.PROGRAM:
            return self.command[0].rpartition("/")[2]
        return self.url.partition("://")[0].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Everybody who is told when something is wrong, and what holds for all of them. Milliseconds."""

    command: tuple[str, ...] = ()
    """A program with its arguments; it gets the alert as JSON on its input."""
    webhook: str = field(default="", repr=False)
    """An address that takes the alert as JSON by POST. Most such addresses are secrets."""
    to: tuple[Destination, ...] = ()
    severity: Severity = Severity.ERROR
    """Of issues, for everybody without rules of his own."""
    spacing_ms: int = 600_000
    group_ms: int = 30_000
    timeout_ms: int = 10_000
    retry_ms: int = 3_600_000
    """For so long what could not be delivered is tried again."""
    quiet: Quiet | None = None
    desk_url: str = ""

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """Everybody who is told: the program and the webhook of `[alerts]` itself, then those with a table."""
        rules = Rules(issues_from=self.severity)
        found = []
        if self.command:
            program = Destination(
                name="command", via=Via.PROGRAM, command=self.command, rules=rules, quiet=self.quiet, source="[alerts]"
            )
            found.append(program)
        if self.webhook:
            webhook = Destination(
                name="webhook", via=Via.WEBHOOK, url=self.webhook, rules=rules, quiet=self.quiet, source="[alerts]"
            )
            found.append(webhook)
        return (*found, *self.to)
