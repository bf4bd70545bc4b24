"""A worker told in lines, where nobody watches a terminal: every change of what matters, and a line now and then."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from tieout.app.tie_answer import Verdict
from tieout.cli.output import counted, readable, when
from tieout.cli.run_panels import SEVERITY_STYLE, beside, gain, held_words, tie_line
from tieout.cli.run_screen import Screen
from tieout.store.controls import Control
from tieout.store.runs import Issue

EVERY_MS = 10_000
"""Between two lines about nothing new."""


class Lines:
    """Remembers what was told. Each line begins with the time in UTC."""

    def __init__(self, *, quiet: bool) -> None:
        """*quiet*: no line about nothing new."""
        self._quiet = quiet
        self._phase = ""
        self._answer: tuple[Verdict, str] | None = None
        self._notes: tuple[str, ...] = ()
        self._controls: dict[str, Control] = {}
        self._issues: dict[int, Issue] = {}
        self._told_ms = 0

    def of(self, screen: Screen) -> list[Text]:
        """What is to be told now."""
        lines = list(self._changes(screen))
        if not lines and not self._quiet and screen.now_ms - self._told_ms >= EVERY_MS:
            lines = [status(screen)]
        if lines:
            self._told_ms = screen.now_ms
        at = when(screen.now_ms)
        return [Text.assemble((f"{at}  ", "dim"), line) for line in lines]

    def _changes(self, screen: Screen) -> Iterator[Text]:
        state = screen.state
        if state.phase != self._phase:
            self._phase = state.phase
            mode = "LIVE" if state.is_live else "DRY RUN, nothing is sent"
            yield Text.assemble((state.phase, "bold"), f"  {mode}  wallet {state.wallet}")
        notes = tuple(note.plain for note in screen.notes)
        yield from (note for note in screen.notes if note.plain not in self._notes)
        self._notes = notes
        answer = screen.answer
        if answer.subject != self._answer:
            self._answer = answer.subject
            yield tie_line(answer, screen.now_ms)
        for condition, control in state.controls.items():
            if control != self._controls.get(condition, Control(condition)):
                yield _control(screen, condition)
        self._controls = dict(state.controls)
        yield from self._raised(screen)

    def _raised(self, screen: Screen) -> Iterator[Text]:
        """Issues that are new, or graver than they were."""
        for issue in screen.shown.issues:
            known = self._issues.get(issue.issue_id)
            if known is None or known.severity is not issue.severity:
                yield Text.assemble(
                    (issue.severity.value, SEVERITY_STYLE[issue.severity]),
                    f"  {issue.type.value} {issue.action.value}  {readable(issue.summary)}",
                )
        self._issues = {issue.issue_id: issue for issue in screen.shown.issues}


def _control(screen: Screen, condition: str) -> Text:
    market = screen.state.markets.get(condition)
    name = market.market.question if market else condition
    words = held_words({condition: screen.state.controls[condition]}, condition) or "active again"
    return Text(f"{name or 'the whole wallet'}: {words}", "bold yellow")


def status(screen: Screen) -> Text:
    """The worker in one line."""
    state, shown = screen.state, screen.shown
    today = shown.pnl_today
    median = state.fill_latency.quantile(500)
    line = Text.assemble(
        tie_line(screen.answer, screen.now_ms),
        f"  {counted(shown.fills_total, 'fill')}, {counted(shown.open_orders, 'order')} open, PnL today ",
        gain(None if today is None else today[1]),
    )
    if median is not None:
        line.append(f", socket to books {median} ms")
    line.append_text(beside(state))
    if state.why_not:
        line.append(f"; not quoting: {state.why_not}", "yellow")
    return line
