"""What one destination is told, and when. Nothing here waits or sends: a function of what came, and of the time.

The first alert of its kind is told at once; what follows of that kind is counted until its spacing is over. Where
alerts are grouped, those that come within a window are told by one letter at its end, but the first grave one, and one
graver than it, at once. In the quiet hours everything that is less grave than `Quiet.below` is kept, and told by one
letter when they end. What could not be delivered comes back, and is tried again with increasing spacing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tieout.app.alert import Alert, Kind, Letter, joined, letter_of, rank
from tieout.app.quiet_hours import Quiet, quiet_until_ms

WAITING_MAX = 1_000
"""Kinds of alerts that wait for one destination; of more the least grave are dropped, which is counted."""

AGAIN_MS, AGAIN_MAX_MS = 5_000, 300_000
"""From a delivery that failed to the next one; doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a destination is told. Milliseconds; see `AlertSettings`."""

    spacing_ms: int
    group_ms: int
    retry_ms: int
    quiet: Quiet | None = None


@dataclass(slots=True)
class _Waiting:
    """What is not told yet of one kind."""

    alert: Alert
    is_kept: bool = False
    """The quiet hours held it back."""
    is_late: bool = False
    """It could not be delivered before."""


class Outbox:
    """Take letters from `ready`, and say of each whether it was delivered. Times are milliseconds of Unix time."""

    def __init__(self, pace: Pace) -> None:
        self.ready: deque[Letter] = deque()
        self.dropped = 0
        """Alerts that nobody will hear of."""
        self._pace = pace
        self._waiting: dict[Kind, _Waiting] = {}
        self._spacings: dict[Kind, tuple[int, int]] = {}
        """Until when a kind is counted only, and how grave what was told of it is."""
        self._window = (0, -1)
        """Until when alerts are grouped, 0 when they are not, and how grave what was told in it is."""
        self._late_until: dict[Kind, int] = {}
        """How long what could not be delivered is worth another try."""
        self._failures = 0
        self._again_ms = 0
        self._is_closing = False

    @property
    def late(self) -> int:
        """Kinds that could not be delivered and are tried again."""
        return len(self._late_until)

    def tell(self, alert: Alert, now_ms: int) -> None:
        """Take *alert*; what it makes due is in `ready` then."""
        self.look(now_ms)
        waiting = self._waiting.get(alert.kind)
        if waiting is None:
            self._waiting[alert.kind] = _Waiting(alert)
        else:
            if waiting.is_late:
                self._late_until[alert.kind] = now_ms + self._pace.retry_ms
                waiting.is_late = rank(alert.severity) <= rank(waiting.alert.severity)  # a graver one is tried at once
            waiting.alert = joined(waiting.alert, alert)
        self.look(now_ms)
        self._bound()

    def look(self, now_ms: int) -> None:
        """Put into `ready` what is due by now."""
        self._spacings = {kind: spacing for kind, spacing in self._spacings.items() if spacing[0] > now_ms}
        free = [waiting for waiting in self._waiting.values() if self._due_ms(waiting, now_ms) <= now_ms]
        if not self._pace.group_ms:
            self._release_each(free, now_ms)
        elif self._is_time(free, now_ms):
            self._release(free, now_ms)
            told = max(rank(self.ready[-1].severity), self._window[1])
            self._window = (now_ms + self._pace.group_ms, told)

    def next_ms(self, now_ms: int) -> int | None:
        """When to look again if nothing is told before; None: never."""
        due = [self._due_ms(waiting, now_ms) for waiting in self._waiting.values()]
        due += [until for until, _ in self._spacings.values()]
        due.append(self._window[0])
        return min((ms for ms in due if ms > now_ms), default=None)

    def delivered(self, letter: Letter, now_ms: int) -> None:
        """*letter* arrived: whatever could not be delivered before is due now."""
        for alert in letter.alerts:
            self._late_until.pop(alert.kind, None)
        self._failures = 0
        self._again_ms = now_ms

    def failed(self, letter: Letter, now_ms: int) -> None:
        """*letter* did not arrive: it comes back, unless it is too old by now or everything ends.

        So does what is ready behind it, as far as it is not graver: a destination that is away is not tried once for
        each.
        """
        behind = [each for each in self.ready if rank(each.severity) <= rank(letter.severity)]
        if not self._is_closing:
            self.ready = deque(each for each in self.ready if rank(each.severity) > rank(letter.severity))
        for each in (letter, *behind) if not self._is_closing else (letter,):
            for alert in each.alerts:
                self._take_back(alert, each.is_kept, now_ms)
        for kind in [kind for kind, until in self._late_until.items() if until <= now_ms]:
            self._drop(kind)
        wait_ms = min(AGAIN_MS << min(self._failures, 10), AGAIN_MAX_MS)
        self._failures += 1
        self._window = (0, -1)  # nothing was told in it
        # The last try is when the time is up, not when the spacing happens to end.
        self._again_ms = min([now_ms + wait_ms, *self._late_until.values()])

    def close(self, now_ms: int) -> None:
        """Everything is due now, also what is kept for the end of the quiet hours: nobody would tell it then."""
        self._is_closing = True
        self.look(now_ms)

    def give_up(self) -> None:
        """Nobody delivers any more: what waits is dropped."""
        self.dropped += len(self._waiting) + sum(len(letter.alerts) for letter in self.ready)
        self._waiting.clear()
        self._late_until.clear()
        self.ready.clear()

    def _due_ms(self, waiting: _Waiting, now_ms: int) -> int:
        """When it may be told. Notes what the quiet hours hold back."""
        alert, quiet = waiting.alert, self._pace.quiet
        if self._is_closing:
            return 0
        until, told = self._spacings.get(alert.kind, (0, -1))
        if waiting.is_late:
            due_ms = self._again_ms
        else:
            due_ms = until if rank(alert.severity) <= told else 0
        if quiet is None or not quiet.holds(alert.severity):
            return due_ms
        quiet_until = quiet_until_ms(quiet, now_ms)
        if due_ms < quiet_until:
            waiting.is_kept = True
        return max(due_ms, quiet_until)

    def _is_time(self, free: list[_Waiting], now_ms: int) -> bool:
        """Whether what is free is told now. Opens the window in which it waits for others."""
        until, told = self._window
        is_open = until > now_ms
        if not is_open:
            told = -1
        if not free:
            self._window = (until if is_open else 0, told)
            return False
        gravest = max((waiting.alert.severity for waiting in free), key=rank)
        is_first = gravest.is_grave and rank(gravest) > told
        if self._is_closing or is_first or any(waiting.is_kept or waiting.is_late for waiting in free):
            self._window = (until, told)
            return True
        if until == 0:
            self._window = (now_ms + self._pace.group_ms, -1)
            return False
        self._window = (until, told)
        return not is_open

    def _release_each(self, free: list[_Waiting], now_ms: int) -> None:
        """A letter for each, but one for all that the quiet hours held back.

        Of what is late one is tried first; the others follow when it has arrived.
        """
        kept = [waiting for waiting in free if waiting.is_kept]
        if kept:
            self._release(kept, now_ms)
        late = [waiting for waiting in free if waiting.is_late and not waiting.is_kept]
        if late and self._failures and not self._is_closing:
            late = late[:1]
            self._again_ms = now_ms + AGAIN_MAX_MS  # what becomes of this one says when
        fresh = [waiting for waiting in free if not waiting.is_late and not waiting.is_kept]
        for waiting in (*fresh, *late):
            self._release([waiting], now_ms)

    def _release(self, free: list[_Waiting], now_ms: int) -> None:
        for waiting in free:
            alert = waiting.alert
            del self._waiting[alert.kind]
            self._spacings[alert.kind] = (now_ms + self._pace.spacing_ms, rank(alert.severity))
        self.ready.append(
            letter_of(
                (waiting.alert for waiting in free),
                is_kept=any(waiting.is_kept for waiting in free),
                is_late=any(waiting.is_late for waiting in free),
            )
        )

    def _take_back(self, alert: Alert, is_kept: bool, now_ms: int) -> None:
        """Let *alert* wait for another try, with what came of its kind meanwhile."""
        kind = alert.kind
        fresh = self._waiting.get(kind)
        if fresh is not None or kind not in self._late_until:
            self._late_until[kind] = now_ms + self._pace.retry_ms
        if self._is_closing or self._late_until[kind] <= now_ms:
            del self._late_until[kind]
            self.dropped += 1
        elif fresh is None:
            self._waiting[kind] = _Waiting(alert, is_kept, is_late=True)
        else:
            fresh.is_late = fresh.is_late or rank(fresh.alert.severity) <= rank(alert.severity)
            fresh.is_kept = fresh.is_kept or is_kept
            fresh.alert = joined(alert, fresh.alert)

    def _drop(self, kind: Kind) -> None:
        """Forget what is too old for another try."""
        del self._late_until[kind]
        if kind in self._waiting and self._waiting[kind].is_late:
            del self._waiting[kind]
            self.dropped += 1

    def _bound(self) -> None:
        """Drop the least grave, the latest among equals, while more waits than may."""
        while len(self._waiting) + sum(len(letter.alerts) for letter in self.ready) > WAITING_MAX:
            everything = [alert for letter in self.ready for alert in letter.alerts]
            everything += [waiting.alert for waiting in self._waiting.values()]
            least = min(reversed(everything), key=lambda alert: rank(alert.severity))
            self.dropped += 1
            waiting = self._waiting.get(least.kind)
            if waiting is not None and waiting.alert is least:
                del self._waiting[least.kind]
                self._late_until.pop(least.kind, None)
            else:
                self._withdraw(least)

    def _withdraw(self, least: Alert) -> None:
        """Take an alert out of its letter."""
        letters = [
            letter_of((a for a in letter.alerts if a is not least), is_kept=letter.is_kept, is_late=letter.is_late)
            for letter in self.ready
        ]
        self.ready = deque(letter for letter in letters if letter.alerts)
        if least.kind not in self._waiting:
            self._late_until.pop(least.kind, None)
