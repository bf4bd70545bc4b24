"""What can go wrong with the venue, told apart by what it means: may the request have had effect, will it ever work?

The statuses and texts are of `polymarket.md` 1.3 and 1.5 and of docs.polymarket.com/resources/error-codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from tieout.client.transport import HttpResponse
from tieout.venue.wire import WireError, parse

TEXT_MAX = 300
"""Characters kept of what the venue said; the whole of it is in the journal."""


class ErrorKind(StrEnum):
    """What the caller may do."""

    TRANSIENT = "transient"
    """It had no effect and may work later."""
    PERMANENT = "permanent"
    """It had no effect and will not work as it is."""
    AMBIGUOUS = "ambiguous"
    """A write that may have had effect: ask the venue before anything is assumed."""


class Meaning(StrEnum):
    """What is known of the cause."""

    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no answer"
    UNREADABLE = "unreadable answer"
    SERVER = "server error"
    REFUSED = "refused"
    RESTARTING = "matching engine restarting"
    CANCEL_ONLY = "cancel-only mode"
    POST_ONLY = "post-only mode"
    DISABLED = "trading disabled"
    RATE_LIMITED = "rate limited"
    UNAUTHORIZED = "unauthorized"
    GEOBLOCKED = "geoblocked"
    CLOSED_ONLY = "closed-only account"
    BANNED = "banned account"
    DUPLICATED = "duplicated"


class VenueError(Exception):
    """A request that did not get its answer. `retry_after_ms` is 0 when the venue names no delay; `status` 0: none.

    `service` is whom it was sent to, "" where nobody says.
    """

    def __init__(
        self,
        kind: ErrorKind,
        meaning: Meaning,
        operation: str,
        text: str = "",
        *,
        status: int = 0,
        retry_after_ms: int = 0,
        service: str = "",
    ) -> None:
        said = f": {text}" if text else ""
        answered = f" (HTTP {status})" if status else ""
        super().__init__(f"{operation}: {meaning.value}{answered}, {kind.value}{said}")
        self.kind = kind
        self.meaning = meaning
        self.operation = operation
        self.text = text
        self.status = status
        self.retry_after_ms = retry_after_ms
        self.service = service

    @property
    def may_have_had_effect(self) -> bool:
        """Whether the venue must be asked what became of the request."""
        return self.kind is ErrorKind.AMBIGUOUS


@dataclass(frozen=True, slots=True)
class Rejected:
    """The venue's refusal of one order, as a value. `order_id` is kept where the answer names one (killed orders)."""

    order_id: str
    text: str
    meaning: Meaning = Meaning.REFUSED
    status: int = 200

    @property
    def is_duplicate(self) -> bool:
        """Whether the venue has the same signed order already: an earlier attempt had effect."""
        return self.meaning is Meaning.DUPLICATED


_WORDS: tuple[tuple[str, Meaning], ...] = (
    ("cancel-only", Meaning.CANCEL_ONLY),
    ("cancel_only", Meaning.CANCEL_ONLY),
    ("post-only mode", Meaning.POST_ONLY),
    ("post_only_mode", Meaning.POST_ONLY),
    ("trading is currently disabled", Meaning.DISABLED),
    ("closed only mode", Meaning.CLOSED_ONLY),
    ("closed-only", Meaning.CLOSED_ONLY),
    ("closed_only", Meaning.CLOSED_ONLY),
    ("address banned", Meaning.BANNED),
    ("geoblock", Meaning.GEOBLOCKED),
    ("restricted in your region", Meaning.GEOBLOCKED),
    ("invalid. duplicated", Meaning.DUPLICATED),
)
_HELD_UP = frozenset((Meaning.CANCEL_ONLY, Meaning.POST_ONLY, Meaning.DISABLED))
_ACCOUNT = frozenset((Meaning.GEOBLOCKED, Meaning.CLOSED_ONLY, Meaning.BANNED))


def meaning_of(text: str) -> Meaning:
    """What a text of the venue says; UNKNOWN when none of the known words is in it."""
    lower = text.lower()
    return next((meaning for word, meaning in _WORDS if word in lower), Meaning.UNKNOWN)


def printable(text: str) -> str:
    """*text* on one line, of at most TEXT_MAX characters."""
    kept = text[:TEXT_MAX]
    return kept if kept.isprintable() else "".join(c if c.isprintable() else " " for c in kept).strip()


def said(response: HttpResponse) -> tuple[str, Any]:
    """The venue's words in an answer, and its body as JSON (None when it is none)."""
    try:
        value = parse(response.body)
    except WireError:
        return printable(response.body.decode("utf-8", "replace")), None
    if isinstance(value, dict):
        parts = [value.get(name) for name in ("error", "errorMsg", "error_msg", "message", "code")]
        words = [part for part in parts if isinstance(part, str) and part]
        if words:
            return printable(" ".join(dict.fromkeys(words))), value
    return printable(response.body.decode("utf-8", "replace")), value


def retry_after_ms(response: HttpResponse, value: Any = None) -> int:
    """The delay the venue asks for, by header or in the body (seconds), rounded up; 0 when none."""
    stated = response.header("retry-after")
    if not stated and isinstance(value, dict):
        stated = str(value.get("retry_after_seconds", ""))
    try:
        seconds = Decimal(stated)
    except InvalidOperation:
        return 0
    if not seconds.is_finite() or not 0 < seconds < 10**6:
        return 0
    return int(-(-seconds * 1000 // 1))


def refused(response: HttpResponse, operation: str, *, write: bool) -> VenueError:
    """The error that a status other than 2xx means."""
    text, value = said(response)
    status, meaning = response.status, meaning_of(text)
    kind = ErrorKind.PERMANENT
    if status == 425:
        kind, meaning = ErrorKind.TRANSIENT, Meaning.RESTARTING
    elif status == 429:
        kind, meaning = ErrorKind.TRANSIENT, Meaning.RATE_LIMITED
    elif status == 503 and meaning in _HELD_UP:
        kind = ErrorKind.TRANSIENT
    elif status >= 500 or status == 408:
        kind = ErrorKind.AMBIGUOUS if write else ErrorKind.TRANSIENT
        meaning = Meaning.SERVER
    elif meaning in _ACCOUNT:
        pass
    elif status == 451:
        meaning = Meaning.GEOBLOCKED
    elif status == 401:
        meaning = Meaning.UNAUTHORIZED
    elif meaning is Meaning.UNKNOWN:
        meaning = Meaning.REFUSED
    return VenueError(kind, meaning, operation, text, status=status, retry_after_ms=retry_after_ms(response, value))


def unsent(operation: str, text: str) -> VenueError:
    """The venue was not reached: nothing was sent."""
    return VenueError(ErrorKind.TRANSIENT, Meaning.UNREACHABLE, operation, text)


def unanswered(operation: str, text: str, *, write: bool) -> VenueError:
    """The request left, the answer did not come: a time-out, a cut connection."""
    kind = ErrorKind.AMBIGUOUS if write else ErrorKind.TRANSIENT
    return VenueError(kind, Meaning.NO_ANSWER, operation, text)


def unreadable(operation: str, text: str, *, write: bool, status: int = 200) -> VenueError:
    """An answer of success that says nothing readable."""
    kind = ErrorKind.AMBIGUOUS if write else ErrorKind.TRANSIENT
    return VenueError(kind, Meaning.UNREADABLE, operation, printable(text), status=status)
