"""Where the events of a worker are written: a file or standard output, one event a line, JSON or text.

No trouble with it reaches the worker: what cannot be written is counted, and told once it can be again. Secrets are
replaced by the rules of the journal.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import structlog
from structlog.processors import JSONRenderer, LogfmtRenderer

from tieout.app import log_events
from tieout.app.log_events import Changes, Event
from tieout.app.showing import Shown
from tieout.app.worker_state import WorkerState
from tieout.store.errors import StoreError
from tieout.store.journal import redacted

STANDARD = "-"
"""In the place of a path: standard output."""

FIRST = ("at", "level", "event", "wallet")
"""Fields of every event, in front."""


class LogFormat(StrEnum):
    """How an event is written."""

    JSON = "json"
    TEXT = "text"
    """logfmt: name=value, quoted where it has to be."""


class Sink(Protocol):
    """Takes whole lines. Raises OSError."""

    def write(self, line: str) -> None:
        """Without its end."""
        ...


class LogFile:
    """A file that others may move, remove or cut off meanwhile, as logrotate does.

    A file that is not there any more under its name is begun anew; one that was cut off goes on at its new end. Each
    event is one write, so that no line is ever torn between two files.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError when it cannot be written."""
        self._path = path
        self._number = self._opened()
        self._is_torn = False

    def write(self, line: str) -> None:
        """Raises OSError, as when the disk is full."""
        try:
            there, ours = self._path.stat(), os.fstat(self._number)
            is_ours = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            number = self._opened()
            os.close(self._number)
            self._number, self._is_torn = number, False
        data = (b"\n" if self._is_torn else b"") + line.encode() + b"\n"
        written = os.write(self._number, data)
        self._is_torn = written < len(data)
        if self._is_torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """No more."""
        os.close(self._number)

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


class Standard:
    """Standard output."""

    def write(self, line: str) -> None:
        """Raises OSError when nobody reads any more."""
        sys.stdout.buffer.write(line.encode() + b"\n")
        sys.stdout.buffer.flush()


@contextmanager
def opened(where: str, written: LogFormat, wallet: str, now_ms: Callable[[], int]) -> Iterator[WorkerLog]:
    """The log at *where*: a path, or "-" for standard output. Raises StoreError when it cannot be written."""
    if where == STANDARD:
        yield WorkerLog(wallet, Standard(), written, now_ms)
        return
    try:
        file = LogFile(Path(where))
    except OSError as error:
        raise StoreError(f"--log {where}: cannot be written: {error.strerror}") from error
    try:
        yield WorkerLog(wallet, file, written, now_ms)
    finally:
        file.close()


class WorkerLog:
    """Writes what `Changes` finds."""

    def __init__(self, wallet: str, sink: Sink, written: LogFormat, now_ms: Callable[[], int]) -> None:
        self._sink = sink
        self._now_ms = now_ms
        self._changes = Changes()
        self._lost = 0
        self._logger = structlog.wrap_logger(
            _Lines(sink),
            processors=[structlog.processors.add_log_level, _without_secrets, _renderer(written)],
            wrapper_class=structlog.BoundLogger,
            wallet=wallet,
        )

    def see(self, state: WorkerState, shown: Shown) -> None:
        """The worker as it is now: what changed is written."""
        self.write(self._changes.of(state, shown, self._now_ms()))

    def stopped(self, state: WorkerState, code: int) -> None:
        """The worker came to its end; *code* is the program's exit code."""
        self.write(log_events.stopped(state, code))

    def failed(self, error: BaseException) -> None:
        """The worker ended by an error."""
        self.write([log_events.failed(error)])

    def write(self, events: Iterable[Event]) -> None:
        """In their order."""
        for event in events:
            try:
                if self._lost:
                    self._put(log_events.gap(self._lost))
                    self._lost = 0
                self._put(event)
            except OSError:
                self._lost += 1

    def _put(self, event: Event) -> None:
        at = datetime.fromtimestamp(self._now_ms() / 1_000, UTC).isoformat(timespec="milliseconds")
        getattr(self._logger, event.level.value)(event.name.value, at=at.replace("+00:00", "Z"), **event.fields)


class _Lines:
    """What structlog writes to: every level is a line."""

    def __init__(self, sink: Sink) -> None:
        self.info = self.warning = self.error = sink.write


def _without_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event in order, with the values of secret fields replaced: its own, and those of JSON inside of a text."""
    ordered = {name: event[name] for name in FIRST if name in event} | dict(event)
    texts = {name: _clean(value) if isinstance(value, str) else value for name, value in ordered.items()}
    found: dict[str, Any] = json.loads(_clean(json.dumps(texts)))
    return found


def _clean(text: str) -> str:
    """Half of a surrogate pair, which JSON of others may hold, is no text that could be written: it is spelled out."""
    return redacted(text.encode(errors="backslashreplace")).decode()


def _renderer(written: LogFormat) -> Callable[..., str]:
    """Structlog reads a text as the one argument of the method."""
    if written is LogFormat.JSON:
        to_json = JSONRenderer()
        return lambda logger, method, event: str(to_json(logger, method, event))
    to_text = LogfmtRenderer(key_order=FIRST, bool_as_flag=False)
    return lambda logger, method, event: str(to_text(logger, method, _flat(event)))


def _flat(event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in event.items()}
