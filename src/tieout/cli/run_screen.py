"""The live view of a worker, laid out for a terminal: what counts is never left out, the rest takes the room left."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Group
from rich.text import Text

from tieout.app.showing import Shown
from tieout.app.tie_answer import Answer, answer_of
from tieout.app.worker_state import WorkerState
from tieout.cli import run_panels as panels

TALL = 36
"""Rows from which more than the gravest issues are shown."""


@dataclass(slots=True)
class Screen:
    """Everything that is drawn. `notes` are told above the `footer`; a `menu` stands where fills are otherwise."""

    state: WorkerState
    now_ms: int
    shown: Shown = field(default_factory=Shown)
    notes: tuple[Text, ...] = ()
    footer: tuple[Text, ...] = ()
    menu: tuple[Text, ...] = ()

    @property
    def answer(self) -> Answer:
        """Whether everything ties out."""
        return answer_of(self.state, self.now_ms)


def view(screen: Screen, width: int, height: int) -> Group:
    """At most *height* - 1 lines of at most *width*: a last line that is written would scroll the terminal."""
    state, shown, now_ms = screen.state, screen.shown, screen.now_ms
    rows = height - 1
    top = [
        *panels.header(state, shown, now_ms, width),
        *panels.wrapped(panels.tie_line(screen.answer, now_ms), width, 2),
        *panels.trouble(state, width),
    ]
    bottom = [
        *panels.issues(shown.issues, state.wallet, width, 5 if height >= TALL else 2),
        *panels.jobs(state, now_ms, width),
        *(line for each in screen.notes for line in panels.wrapped(each, width, 2)),
        *(panels.fitted(line, width) for line in screen.footer),
    ]
    room = rows - len(top) - len(bottom)
    return Group(*top, *_middle(screen, width, room), *bottom)


def _middle(screen: Screen, width: int, room: int) -> list[Text]:
    """Markets, then fills, then quotes; each with a blank line before it, if there is room for it."""
    state, shown = screen.state, screen.shown
    if screen.menu:
        return [Text(), *(panels.fitted(line, width) for line in screen.menu)][: max(room, 0)]
    found = _block(panels.markets(state, shown, width, min(len(state.markets) + 1, max((room - 2) * 3 // 5, room - 6))))
    left = room - len(found) - 2
    lower = min(len(shown.fills), max(left, 4)) + 1
    if left > 12:
        lower = min(lower, left * 3 // 5)
    found += _block(panels.fills(state, shown, width, min(lower, left)))
    found += _block(panels.events(state, width, room - len(found) - 2))
    return [*found, Text()] if len(found) < room else found[: max(room, 0)]


def _block(lines: list[Text]) -> list[Text]:
    return [Text(), *lines] if lines else []
