"""What a message says: to somebody who is woken up by it, and to a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from tieout.app.alert import ENDED, HALTED, ISSUES, PAUSED, Alert, Letter
from tieout.app.alert_channels import Message
from tieout.app.issue_words import GUIDANCE, Guidance
from tieout.app.quiet_hours import Quiet
from tieout.app.worker_state import MarketState
from tieout.store.controls import Lift
from tieout.store.journal import redacted
from tieout.store.runs import IssueType, Severity

LINES_MAX = 8
"""Alerts that a letter of several tells one by one; most services take 2,000 characters."""
SENTENCE_MAX, LINE_MAX = 800, 160
"""Characters of what happened, alone and among others."""

TEST, SEVERAL = "TEST", "SEVERAL"

_CONTROLS: Mapping[str, Guidance] = {
    PAUSED: Guidance(
        "Nothing new is quoted there and what rests is cancelled, for a while.",
        "Somebody said so, or the worker did, by a rule of its own.",
        "Find out why it was paused, then resume it; the books go on meanwhile.",
        "It is quoted again.",
    ),
    HALTED: Guidance(
        "Nothing is quoted there, what rests is cancelled, and nothing starts again by itself.",
        "Somebody said so, or a rule of the books was broken.",
        "Keep the evidence and find the cause first; only then resume it.",
        "Somebody has resumed it, and it is quoted again.",
    ),
    ENDED: Guidance(
        "The worker is not running: nobody watches the books, and what rests at the venue may rest still.",
        "It ended by an error.",
        "Look at the open orders at the venue, read the error, then start the worker again.",
        "A worker runs again and its books tie out.",
    ),
}


@dataclass(frozen=True, slots=True)
class Words:
    """Makes messages of the letters of one destination. `markets` is looked at when a letter is written."""

    wallet: str
    markets: Mapping[str, MarketState]
    desk_url: str = ""
    quiet: Quiet | None = None

    def message(self, letter: Letter) -> Message:
        """The letter. The values of secret fields are replaced as in the journal."""
        first = letter.alerts[0]
        if len(letter.alerts) == 1:
            title, lines, row = self._title(first), self._alone(first), self._row(first)
        else:
            title = f"{self._title(first)} and {len(letter.alerts) - 1} more"
            lines, row = self._among(letter), self._rows(letter)
        if note := self._note(letter):
            lines = [*lines, note]
        return _message(title, "\n".join(lines), letter.severity, row)

    def test(self, name: str, who: str, at_ms: int) -> Message:
        """Something that means nothing, for the destination *name*."""
        title = "TEST: an alert that means nothing"
        text = f"{_line(who)} asked for it at {_when(at_ms)}, to see whether {name} is reached. Nothing has happened."
        row = {
            "text": f"{title}: {text} (wallet {self.wallet})",
            "severity": Severity.INFO.value,
            "type": TEST,
            "wallet": self.wallet,
            "at_ms": at_ms,
        }
        return _message(title, f"{text}\nWallet: {self.wallet}", Severity.INFO, row)

    def _title(self, alert: Alert) -> str:
        place = f": {market[:LINE_MAX]}" if (market := self._market(alert)) else ""
        return f"{alert.severity.value} {alert.type}{place}{_times(alert)}"

    def _alone(self, alert: Alert) -> list[str]:
        guidance = _guidance(alert)
        since = f", {alert.times} times since {_when(alert.first_at_ms)}" if alert.times > 1 else ""
        market = [f"Market: {self._market(alert)} {alert.condition_id}".replace("  ", " ")]
        return [
            _line(alert.what)[:SENTENCE_MAX],
            "",
            f"What it means: {guidance.happened}",
            f"What to do: {guidance.to_do}",
            f"Command: {self._command(alert)}",
            *self._link(alert),
            *(market if alert.condition_id else []),
            f"Wallet: {self.wallet}",
            f"Time: {_when(alert.at_ms)}{since}",
            f"Alert: {alert.severity.value} {alert.type} {alert.action}",
        ]

    def _among(self, letter: Letter) -> list[str]:
        """How many of what, then one line each, then what to do about the gravest."""
        first = letter.alerts[0]
        counts: Counter[str] = Counter()
        for alert in letter.alerts:
            counts[f"{alert.severity.value} {alert.type}"] += alert.times
        told = [
            f"{alert.severity.value} {alert.type}{self._in(alert)}: {_line(alert.what)[:LINE_MAX]}"
            f"{_times(alert)}, {_when(alert.at_ms)}"
            for alert in letter.alerts[:LINES_MAX]
        ]
        rest = len(letter.alerts) - len(told)
        return [
            f"{letter.times} alerts: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()),
            "",
            *told,
            *([f"and {rest} more of other kinds or markets"] if rest else []),
            "",
            f"What to do about {first.type}: {_guidance(first).to_do}",
            f"Command: {self._command(first)}",
            *self._link(first),
            f"Wallet: {self.wallet}",
        ]

    def _note(self, letter: Letter) -> str:
        """Why it comes only now."""
        why = [f"Held back in the quiet hours {self.quiet}."] if letter.is_kept and self.quiet is not None else []
        why += ["It could not be delivered before."] if letter.is_late else []
        return " ".join(why)

    def _command(self, alert: Alert) -> str:
        """What to type first."""
        if alert.type == ENDED:
            return "tieout doctor"
        if alert.type in (PAUSED, HALTED):
            market = f" --market {alert.condition_id}" if alert.condition_id else ""
            force = " --force" if alert.lift is Lift.FORCE else ""
            return f"tieout resume --wallet {self.wallet}{market}{force} --who YOU --why REASON"
        return f"tieout issues --wallet {self.wallet}"

    def _link(self, alert: Alert) -> list[str]:
        return [f"Desk: {self._url(alert)}"] if self.desk_url else []

    def _url(self, alert: Alert) -> str:
        """The page of the desk that tells of it."""
        desk = f"{self.desk_url}/w/{self.wallet}"
        if alert.type in ISSUES:
            return f"{desk}/incident/{alert.issue_id}" if alert.issue_id else f"{desk}/incidents"
        return f"{desk}/market/{alert.condition_id}" if alert.condition_id else desk

    def _market(self, alert: Alert) -> str:
        known = self.markets.get(alert.condition_id)
        return _line(known.market.question) if known is not None else ""

    def _in(self, alert: Alert) -> str:
        place = self._market(alert) or alert.condition_id
        return f" [{place}]" if place else ""

    def _row(self, alert: Alert) -> dict[str, object]:
        """One alert as JSON."""
        row: dict[str, object] = {
            "text": f"{alert.severity.value} {alert.type}{self._in(alert)}: {alert.what}{_times(alert)} "
            f"(wallet {self.wallet})",
            "severity": alert.severity.value,
            "type": alert.type,
            "action": alert.action,
            "wallet": self.wallet,
            "condition_id": alert.condition_id,
            "market": self._market(alert),
            "at_ms": alert.at_ms,
            "first_at_ms": alert.first_at_ms,
            "times": alert.times,
        }
        return row | ({"url": self._url(alert)} if self.desk_url else {})

    def _rows(self, letter: Letter) -> dict[str, object]:
        """Several alerts as JSON: a head with the fields of one, and each of them below."""
        lines = self._among(letter)
        return {
            "text": f"{lines[0]} (wallet {self.wallet})",
            "severity": letter.severity.value,
            "type": SEVERAL,
            "action": letter.alerts[0].action,
            "wallet": self.wallet,
            "condition_id": "",
            "market": "",
            "at_ms": max(alert.at_ms for alert in letter.alerts),
            "first_at_ms": min(alert.first_at_ms for alert in letter.alerts),
            "times": letter.times,
            "alerts": [self._row(alert) for alert in letter.alerts],
        }


def _guidance(alert: Alert) -> Guidance:
    return GUIDANCE[IssueType(alert.type)] if alert.type in ISSUES else _CONTROLS[alert.type]


def _message(title: str, text: str, severity: Severity, row: Mapping[str, object]) -> Message:
    return Message(title=_safe(title), text=_safe(text), severity=severity, body=redacted(msgspec.json.encode(row)))


def _safe(text: str) -> str:
    return redacted(text.encode()).decode()


def _times(alert: Alert) -> str:
    return f" ({alert.times} times)" if alert.times > 1 else ""


def _line(text: str) -> str:
    """*text* on one line, whoever wrote it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
