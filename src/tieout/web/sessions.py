"""Who is at the desk: one token, told once at the login, and a session afterwards.

The token itself is in no cookie and on no page. A session ends after SESSION_MS without a request, and with the desk.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

SESSION_MS = 12 * 3_600_000

TRIES = 5
"""Wrong tokens from an address before it is not listened to for a while, each time longer."""

WAIT_MS = 5_000
WAIT_MAX_MS = 300_000
SESSIONS_MAX = 100

ADDRESSES_MAX = 1_000
"""So many addresses that told wrong tokens are remembered, the last ones."""


@dataclass(slots=True)
class Session:
    """Somebody who told the token. `csrf` has to come with every form."""

    id: str
    who: str
    csrf: str
    until_ms: int


@dataclass(slots=True)
class _Wrong:
    """What an address told wrongly, one time after the other."""

    times: int = 0
    deaf_until_ms: int = 0


class TooManyTriesError(Exception):
    """The address is not listened to for `wait_ms`."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"too many wrong tokens: try again in {-(-wait_ms // 1_000)} seconds")
        self.wait_ms = wait_ms


class Sessions:
    """All that is remembered of who is there, in memory alone."""

    def __init__(self, token: str, now_ms: Callable[[], int]) -> None:
        """*token* "": nobody can log in."""
        self._token = token
        self._now_ms = now_ms
        self._sessions: dict[str, Session] = {}
        self._wrong: dict[str, _Wrong] = {}

    @property
    def can_act(self) -> bool:
        """Whether anybody can do more than look."""
        return bool(self._token)

    def is_token(self, told: str, address: str) -> bool:
        """Whether that is the token, in a time that tells nothing of it. Raises TooManyTriesError.

        *address*: who tells it. Others are listened to all the while: whoever guesses must not keep an operator out.
        """
        now_ms = self._now_ms()
        wrong = self._wrong.pop(address, None) or _Wrong()
        if now_ms < wrong.deaf_until_ms:
            self._wrong[address] = wrong
            raise TooManyTriesError(wrong.deaf_until_ms - now_ms)
        if bool(self._token) and hmac.compare_digest(told.encode(), self._token.encode()):
            return True
        wrong.times += 1
        if wrong.times >= TRIES:
            wrong.deaf_until_ms = now_ms + min(WAIT_MS << (wrong.times - TRIES), WAIT_MAX_MS)
        self._wrong[address] = wrong
        if len(self._wrong) > ADDRESSES_MAX:
            del self._wrong[next(iter(self._wrong))]
        return False

    def begin(self, who: str) -> Session:
        """A new session; the oldest goes when there are too many."""
        self._forget_ended()
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        session = Session(secrets.token_urlsafe(32), who, secrets.token_urlsafe(32), self._now_ms() + SESSION_MS)
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str) -> Session | None:
        """The session, prolonged; None when there is none or it ended."""
        session = self._sessions.get(session_id)
        if session is None or session.until_ms < self._now_ms():
            return None
        session.until_ms = self._now_ms() + SESSION_MS
        return session

    def end(self, session_id: str) -> None:
        """Somebody leaves."""
        self._sessions.pop(session_id, None)

    def _forget_ended(self) -> None:
        now_ms = self._now_ms()
        for session_id in [each.id for each in self._sessions.values() if each.until_ms < now_ms]:
            del self._sessions[session_id]


def is_csrf(session: Session, told: str) -> bool:
    """Whether a form carries the session's own word."""
    return hmac.compare_digest(session.csrf.encode(), told.encode())
