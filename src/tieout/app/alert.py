"""An alert is something a person has to hear of; a letter is what one destination is sent at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tieout.store.controls import WHOLE_WALLET, Lift
from tieout.store.runs import Action, IssueType, Severity

PAUSED, HALTED, ENDED = "PAUSED", "HALTED", "ENDED"
ISSUES = frozenset(each.value for each in IssueType)
TYPES = (*sorted(ISSUES), PAUSED, HALTED, ENDED)
"""Every type an alert may have, as rules name them."""

_RANK = {severity: rank for rank, severity in enumerate(Severity)}

Kind = tuple[str, str]
"""Type and condition of an alert. Of one kind the first is told, the others are counted."""


def rank(severity: Severity) -> int:
    """How grave, from 0."""
    return _RANK[severity]


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
    lift: Lift = Lift.ANYONE
    """What it takes to lift the control that it is about."""
    issue_id: int = 0
    """Of the issue that it is about; 0: none, or it is not kept yet."""

    @property
    def kind(self) -> Kind:
        """What it is counted by."""
        return self.type, self.condition_id


def joined(before: Alert | None, alert: Alert) -> Alert:
    """Both as one: the graver tells, the later among equals, and all are counted."""
    if before is None:
        return alert
    told = alert if rank(alert.severity) >= rank(before.severity) else before
    return replace(told, at_ms=alert.at_ms, first_at_ms=before.first_at_ms, times=before.times + alert.times)


@dataclass(frozen=True, slots=True)
class Letter:
    """Alerts that are told together, the gravest first."""

    alerts: tuple[Alert, ...]
    is_kept: bool = False
    """Some of them were held back in the quiet hours."""
    is_late: bool = False
    """Some of them could not be delivered before."""

    @property
    def severity(self) -> Severity:
        """That of the gravest."""
        return self.alerts[0].severity

    @property
    def times(self) -> int:
        """How often something happened, all kinds together."""
        return sum(alert.times for alert in self.alerts)


def letter_of(alerts: Iterable[Alert], *, is_kept: bool = False, is_late: bool = False) -> Letter:
    """*alerts* in one letter: the gravest first, among equals in their order."""
    return Letter(tuple(sorted(alerts, key=lambda alert: -rank(alert.severity))), is_kept, is_late)
