"""The heartbeat of orders, which is optional: the venue cancels everything when the process falls silent.

Once a beat was accepted there is no way back: 10 s without another, and up to 5 s more, cancel every order of the API
key (`polymarket.md` 1.3), also those of another process with the same key, and two who send beats fight over the id.
So a worker that uses it needs a key of its own. Whoever stops sending on purpose, or dies, has everything cancelled;
whoever was late has perhaps: after a lapse the orders must be read again before anything is assumed to rest.
"""

from __future__ import annotations

from tieout.client.clob_account import ClobAccount
from tieout.client.clock import Clock
from tieout.client.errors import VenueError

EVERY_MS = 5_000

RETRY_MS = 1_000
"""After a beat that was not accepted."""

SILENCE_MS = 10_000
"""So long after the last beat the venue may begin to cancel."""


class Heartbeat:
    """Sends beats for one API key."""

    def __init__(self, account: ClobAccount, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._id = ""
        self._accepted_ms: int | None = None
        self.lapses = 0
        """How often a deadline was missed; after each the orders are to be read again."""
        self.last_error = ""
        """Why the last beat was not accepted, "" when it was."""

    @property
    def missed_ms(self) -> int:
        """Milliseconds since the last accepted beat was sent; 0 before the first."""
        return 0 if self._accepted_ms is None else self._clock.now_ms() - self._accepted_ms

    @property
    def alive(self) -> bool:
        """Whether the venue is bound to leave the orders alone: a beat was accepted less than SILENCE_MS ago."""
        return self._accepted_ms is not None and self.missed_ms < SILENCE_MS

    async def run(self) -> None:
        """Send beats until cancelled."""
        while True:
            await self._clock.sleep(EVERY_MS if await self.beat() else RETRY_MS)

    async def beat(self) -> bool:
        """Send one beat; whether it was accepted.

        A refusal names the id the venue expects, and the beat is sent once more with that: it is refused after an
        answer was lost, after a restart, and when somebody else sends beats with the same key.
        """
        for _ in range(2):
            sent_ms = self._clock.now_ms()
            try:
                answer = await self._account.heartbeat(self._id)
            except VenueError as error:
                self.last_error = str(error)
                return False
            self._id = answer.heartbeat_id
            if answer.accepted:
                self._accept(sent_ms)
                return True
        self.last_error = "refused twice: somebody else sends beats with the same API key"
        return False

    def _accept(self, sent_ms: int) -> None:
        if self._accepted_ms is not None and sent_ms - self._accepted_ms >= SILENCE_MS:
            self.lapses += 1
        # The time of sending, not of the answer: the venue counts from somewhere in between.
        self._accepted_ms, self.last_error = sent_ms, ""
