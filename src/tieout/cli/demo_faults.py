"""Throwing faults into a demo: one at a time for a while of its own, and the menu to pick one from."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from rich.text import Text

from tieout.sim.faults.faults import Faults, kind_of
from tieout.sim.faults.kinds import KINDS, Kind, Place
from tieout.sim.faults.switch import Switch

LABELS = "123456789abcdefghijklmnoprstuvwxyz"
"""Keys of the lines of a menu; q is left out, since it ends the demo."""

PLACES = tuple(Place)

ACTING = frozenset(
    (
        "sweep",
        "phantom-match",
        "foreign-orders",
        "mass-cancel",
        "tick-change",
        "market-resolved",
        "late-fill",
        "engine-restart",
    )
)
"""Faults of the engine that are one event; those of the chain and of the owner all are."""

UNTIL_OVER = frozenset(("outage", "ws-silent", "ws-half-dead", "data-stale", "balance-stale", "node-lag"))
"""Faults that make sense only without a break."""

NOW_AND_THEN = 0.3
"""How likely the others are for each message: always would be an outage of another name."""


def probability_of(kind: Kind) -> float:
    """How likely a thrown fault strikes."""
    rare = kind.place in (Place.HTTP, Place.DATA, Place.RPC, Place.SOCKET) and kind.name not in UNTIL_OVER
    return NOW_AND_THEN if rare else 1.0


def count_of(kind: Kind) -> int | None:
    """How often it strikes at most; None: as often as chance has it."""
    return 1 if kind.place in (Place.CHAIN, Place.HUMAN) or kind.name in ACTING else None


class Thrower:
    """Switches faults on for *each_ms* of the world's time; those of a row come one after the other."""

    def __init__(self, faults: Faults, wallet: str, now_ms: Callable[[], int], each_ms: int) -> None:
        self._faults = faults
        self._wallet = wallet
        self._now_ms = now_ms
        self._each_ms = each_ms
        self._row: deque[str] = deque()
        self._next_ms = 0

    @property
    def waiting(self) -> int:
        """How many of a row are still to come."""
        return len(self._row)

    @property
    def is_idle(self) -> bool:
        """Nothing of a row is on or to come."""
        return not self._row and self._now_ms() >= self._next_ms

    @property
    def on(self) -> list[Switch]:
        """What is switched on, by anybody."""
        return [switch for name in KINDS if (switch := self._faults.get(name))]

    @property
    def struck(self) -> dict[str, int]:
        """How often each struck, of those that did."""
        return {name: times for name in KINDS if (times := self._faults.struck(name))}

    def throw(self, name: str) -> None:
        """Now, beside what is on already. Raises ValueError for a name that is none."""
        kind = kind_of(name)
        human = kind.place is Place.HUMAN or kind.name in ACTING
        self._faults.on(
            name,
            probability=probability_of(kind),
            count=count_of(kind),
            duration_ms=self._each_ms,
            wallet=self._wallet if human else "",
        )

    def line_up(self, names: Iterable[str]) -> None:
        """One after the other, as `tick` is called."""
        self._row.extend(names)

    def tick(self) -> None:
        """Begin the next of the row when the one before is over."""
        if self._row and self._now_ms() >= self._next_ms:
            self.throw(self._row.popleft())
            self._next_ms = self._now_ms() + self._each_ms

    def stop(self) -> None:
        """All off, and nothing more to come."""
        self._row.clear()
        for name in KINDS:
            self._faults.off(name)

    def words(self, now_ms: int) -> Text:
        """What is on and for how long, and what struck."""
        line = Text("faults ", "dim")
        for switch in self.on:
            left = "" if switch.until_ms is None else f" {max(switch.until_ms - now_ms, 0) // 1_000} s"
            line.append(f" {switch.kind.name}{left} ×{switch.struck} ", "bold black on yellow")
            line.append(" ")
        if self._row:
            line.append(f"{len(self._row)} to come ", "yellow")
        over = self.struck.keys() - {switch.kind.name for switch in self.on}
        line.append("struck " if over else "", "dim")
        line.append("  ".join(f"{name} ×{self.struck[name]}" for name in sorted(over)), "dim")
        if not self.on and not over:
            line.append("none yet", "dim")
        return line


class Menu:
    """Where the person is in it: closed, choosing a place, or choosing a fault of a place."""

    def __init__(self) -> None:
        self._is_open = False
        self._place: Place | None = None

    @property
    def is_open(self) -> bool:
        """Whether it takes the keys."""
        return self._is_open

    def open(self) -> None:
        """At the places."""
        self._is_open, self._place = True, None

    def press(self, key: str) -> str | None:
        """The name of the fault that *key* picks, None when it picks none; a key without a line goes one step back."""
        if self._place is None:
            number = LABELS.find(key)
            if 0 <= number < len(PLACES):
                self._place = PLACES[number]
            else:
                self._is_open = False
            return None
        kinds, number = _kinds(self._place), LABELS.find(key)
        if not 0 <= number < len(kinds):
            self._place = None
            return None
        self._is_open = False
        return kinds[number].name

    def lines(self) -> tuple[Text, ...]:
        """What can be picked now; nothing when it is closed."""
        if not self._is_open:
            return ()
        if self._place is None:
            rows = [(place.value, _names(place)) for place in PLACES]
            title = "throw in a fault: where?"
        else:
            rows = [(kind.name, kind.line) for kind in _kinds(self._place)]
            title = f"which, of {self._place.value}?"
        wide = max(len(name) for name, _ in rows)
        return (
            Text.assemble((title, "bold"), ("  any other key: back", "dim")),
            *(
                Text.assemble((f" {label} ", "bold cyan"), f"{name:<{wide}}  ", (words, "dim"))
                for label, (name, words) in zip(LABELS, rows, strict=False)
            ),
        )


def _kinds(place: Place) -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.place is place]


def _names(place: Place) -> str:
    return ", ".join(kind.name for kind in _kinds(place))
