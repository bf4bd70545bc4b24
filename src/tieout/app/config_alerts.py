"""The table `[alerts]` and those of its destinations, `[[alerts.to]]`. No address is ever repeated."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tieout.app.alert import TYPES
from tieout.app.alert_settings import AlertSettings, Destination, Rules, Via
from tieout.app.config_values import Table, WrongError, choice, list_of, market_name, place, shown, text, within
from tieout.app.quiet_hours import Quiet
from tieout.app.secrets import SecretError, kept_secret
from tieout.store.runs import Severity

DAY_MS = 86_400_000
VARIABLE = "TIEOUT_ALERT_"
WEBHOOK_VARIABLE = f"{VARIABLE}WEBHOOK"
TAKEN = ("command", "webhook")
"""Names of the destinations that `[alerts]` itself has."""

KEYS = (
    "command",
    "webhook",
    "severity",
    "spacing_ms",
    "group_ms",
    "timeout_ms",
    "retry_ms",
    "quiet",
    "quiet_zone",
    "quiet_below",
    "desk_url",
    "to",
)
TO_KEYS = (
    "name",
    "url",
    "url_file",
    "via",
    "command",
    "severity",
    "only_types",
    "except_types",
    "only_markets",
    "except_markets",
    "group_ms",
    "quiet",
    "quiet_zone",
    "quiet_below",
)
_TO = "[alerts.to]"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class _File:
    """Where the tables are from, and what stands beside them."""

    path: Path
    environ: Mapping[str, str]
    keys: Mapping[str, Iterable[str]]


@dataclass(frozen=True, slots=True)
class _Hours:
    """The three keys of quiet hours; `span` None: none."""

    span: tuple[int, int] | None = None
    zone: ZoneInfo | None = None
    below: Severity = Severity.CRITICAL

    @property
    def quiet(self) -> Quiet | None:
        """As the settings have it."""
        return Quiet(*self.span, self.zone, self.below) if self.span and self.zone else None


def read_alerts(
    table: Table, path: Path, environ: Mapping[str, str], keys: Mapping[str, Iterable[str]]
) -> AlertSettings:
    """What the file at *path* says of alerts, with the addresses of *environ* before its own.

    *keys* are those of every table. What is wrong is added to the problems of *table*.
    """
    file = _File(path, environ, {**keys, _TO: TO_KEYS})
    default = AlertSettings()
    hours = _hours(table, _Hours())
    milliseconds = within(0, DAY_MS, "milliseconds")
    found = AlertSettings(
        command=_program(table, path),
        webhook=_webhook(table, environ),
        severity=Severity(table.take("severity", choice(*Severity), default.severity)),
        spacing_ms=table.take("spacing_ms", milliseconds, default.spacing_ms),
        group_ms=table.take("group_ms", milliseconds, default.group_ms),
        timeout_ms=table.take("timeout_ms", within(100, 60_000, "milliseconds"), default.timeout_ms),
        retry_ms=table.take("retry_ms", milliseconds, default.retry_ms),
        quiet=hours.quiet,
        desk_url=table.take("desk_url", _desk, ""),
    )
    found = replace(found, to=_destinations(table, file, found, hours))
    table.end(file.keys)
    return found


def variable_of(name: str) -> str:
    """The variable of the environment that may hold the address of the destination *name*."""
    return VARIABLE + name.upper().replace("-", "_")


def _destinations(table: Table, file: _File, base: AlertSettings, hours: _Hours) -> tuple[Destination, ...]:
    found: list[Destination] = []
    variables = {variable_of(name): name for name in TAKEN}
    for number, rows in enumerate(table.take("to", _tables, []), start=1):
        one = Table(f"alerts.to[{number}]", rows, table.problems, _TO)
        name = one.needed("name", _name, "a name, as phone")
        if name is None:
            one.end(file.keys)
            continue
        one.path = f"alerts.to[{name}]"
        if other := variables.get(variable_of(name)):
            one.problem("name", f"a name unlike {other}", shown(name), "choose another")
        variables[variable_of(name)] = name
        destination = _destination(one, name, file, base, hours)
        if destination is not None:
            found.append(destination)
        one.end(file.keys)
    return tuple(found)


def _destination(one: Table, name: str, file: _File, base: AlertSettings, hours: _Hours) -> Destination | None:
    """The destination of a table; None when nobody knows where it is."""
    rules = _rules(one, base.severity)
    quiet = _hours(one, hours).quiet
    via = Via(one.take("via", choice(Via.APPRISE, Via.WEBHOOK), Via.APPRISE))
    group_ms = one.take("group_ms", within(0, DAY_MS, "milliseconds"), None)
    if one.has("command"):
        extra = [key for key in ("url", "url_file", "via") if one.has(key)]
        if extra:
            one.problem(extra[0], "nothing beside command", "something", "delete one of the two")
        command = _program(one, file.path)
        if not command:
            return None
        return Destination(
            name=name, via=Via.PROGRAM, command=command, rules=rules, quiet=quiet, group_ms=group_ms or 0, source="file"
        )
    url, source = _url(one, name, via, file)
    if not url:
        return None
    usual = base.group_ms if via is Via.APPRISE else 0
    return Destination(
        name=name,
        via=via,
        url=url,
        source=source,
        rules=rules,
        quiet=quiet,
        group_ms=usual if group_ms is None else group_ms,
    )


def _url(one: Table, name: str, via: Via, file: _File) -> tuple[str, str]:
    """The address and where it is from: the environment, a file of its own, the table; empty when it is wrong."""
    read = _web_address if via is Via.WEBHOOK else _address
    variable = variable_of(name)
    inline, named = one.take("url", read, ""), one.take("url_file", text, "")
    if one.has("url") and one.has("url_file"):
        one.problem("url", "nothing beside url_file", "an address", "delete one of the two")
    if given := file.environ.get(variable, "").strip():
        return _checked(one, variable, given, read), variable
    if named:
        path = file.path.parent / Path(named).expanduser()
        try:
            kept = kept_secret(path, f"{one.path}.url_file", "address: expected one line of plain text").strip()
        except SecretError as error:
            one.problems.append(str(error))
            return "", ""
        return _checked(one, f"{one.path}.url_file: {path}", kept, read), named
    if not one.has("url") and not one.has("url_file"):
        one.problem("url", f"an address here, in url_file or in {variable}, or a command", "nothing", "add one of them")
    return inline, "file"


def _checked(one: Table, source: str, given: str, read: Callable[[Any], str]) -> str:
    """An address from outside of the file; "" and a problem when it is none."""
    try:
        return read(given)
    except WrongError as wrong:
        one.problems.append(f"{source}: expected {wrong.expected}, was something else, which is not repeated here")
        return ""


def _rules(one: Table, usual: Severity) -> Rules:
    """Without a severity of its own: issues from the usual one on, and every pause, halt and end."""
    severity = Severity(one.take("severity", choice(*Severity), usual))
    return Rules(
        issues_from=severity,
        all_from=severity if one.has("severity") else Severity.INFO,
        only_types=_some(one, "only_types", choice(*TYPES)),
        except_types=_some(one, "except_types", choice(*TYPES)),
        only_markets=_some(one, "only_markets", market_name),
        except_markets=_some(one, "except_markets", market_name),
    )


def _some(one: Table, name: str, read: Callable[[Any], str]) -> tuple[str, ...]:
    found = one.take(name, list_of(read), None)
    if found == []:
        one.problem(name, "at least one in the list", "none", "delete the line to make no difference")
    return tuple(found or ())


def _hours(table: Table, base: _Hours) -> _Hours:
    """The quiet hours of *table*, each key by default that of *base*."""
    span = table.take("quiet", _span, base.span)
    zone = table.take("quiet_zone", _zone, base.zone)
    below = Severity(table.take("quiet_below", choice(*Severity), base.below))
    if span and zone is None and not table.has("quiet_zone"):
        table.problem("quiet_zone", "a time zone such as Europe/Berlin beside quiet", "nothing", "add it; UTC is one")
    return _Hours(span, zone, below)


def _span(value: Any) -> tuple[int, int] | None:
    """Minutes of the day."""
    if value == "":
        return None
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise WrongError('hours as "22:00-07:00"', 'for none, say ""')
    begins, ends = (int(found[at]) * 60 + int(found[at + 1]) for at in (1, 3))
    if begins == ends:
        raise WrongError("hours that end at another time than they begin", 'for none, say ""')
    return begins, ends


def _zone(value: Any) -> ZoneInfo | None:
    if value == "":
        return None
    try:
        return ZoneInfo(text(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongError(
            "a time zone such as Europe/Berlin or America/New_York",
            "take a name of the IANA database; if no name is known here, install the system's tzdata",
        ) from None


def _tables(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise WrongError("a table for each destination", "begin each by a line [[alerts.to]]")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise WrongError("a short name of letters, digits, - and _")
    return value


def _address(value: Any) -> str:
    if value == "" or not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise WrongError("one address of apprise, as slack://…, tgram://… or mailto://…", was="something else")
    return value


def _web_address(value: Any) -> str:
    """As it was written: a slash at its end may mean something."""
    place("http", "https")(value)
    return str(value)


def _desk(value: Any) -> str:
    """The address of the desk, without a user and a password: it stands in every message."""
    found = place("http", "https", empty=True)(value)
    if any(mark in found for mark in "@?#"):
        raise WrongError("the plain address of the desk: messages repeat it", was="one with more in it")
    return found


def _webhook(table: Table, environ: Mapping[str, str]) -> str:
    found = table.take("webhook", lambda value: "" if value == "" else _web_address(value), "")
    given = environ.get(WEBHOOK_VARIABLE, "").strip()
    if given and not given.startswith(("http://", "https://")):
        table.problems.append(f"{WEBHOOK_VARIABLE}: expected http:// or https:// and a host; correct the variable")
    return given or found


def _program(table: Table, path: Path) -> tuple[str, ...]:
    """The command with its program found: one with a slash is relative to the file at *path*, another is looked up."""
    command = table.take("command", list_of(text), [])
    if not command:
        return ()
    name = command[0]
    found = shutil.which(str(path.parent.absolute() / Path(name).expanduser()) if "/" in name else name)
    if found is None:
        table.problem("command", "a program that can be run, then its arguments", shown(name), "correct its path")
    return (found or name, *command[1:])
