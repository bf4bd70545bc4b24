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
"""Wrong tokens before nobody is listened to for a while, each time longer."""

WAIT_MS = 5_000
WAIT_MAX_MS = 300_000
SESSIONS_MAX = 100


@dataclass(slots=True)
class Session:
    """Somebody who told the token. `csrf` has to come with every form."""

    id: str
    who: str
    csrf: str
    until_ms: int


class TooManyTriesError(Exception):
    """Nobody is listened to for `wait_ms`."""

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
        self._wrong = 0
        self._deaf_until_ms = 0

    @property
    def can_act(self) -> bool:
        """Whether anybody can do more than look."""
        return bool(self._token)

    def is_token(self, told: str) -> bool:
        """Whether that is the token, in a time that tells nothing of it. Raises TooManyTriesError."""
        now_ms = self._now_ms()
        if now_ms < self._deaf_until_ms:
            raise TooManyTriesError(self._deaf_until_ms - now_ms)
        right = bool(self._token) and hmac.compare_digest(told.encode(), self._token.encode())
        if right:
            self._wrong = 0
            return True
        self._wrong += 1
        if self._wrong >= TRIES:
            self._deaf_until_ms = now_ms + min(WAIT_MS << (self._wrong - TRIES), WAIT_MAX_MS)
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
