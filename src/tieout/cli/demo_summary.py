"""How a demo ended: what happened, and whether the books equal the simulated venue's own truth."""

from __future__ import annotations

import asyncpg
from rich.text import Text

from tieout.app.operations import issues_of
from tieout.app.tie_answer import Verdict
from tieout.app.wording import short
from tieout.cli.demo_stage import Stage
from tieout.cli.output import DOES_NOT, HOLDS, counted, out, readable, say
from tieout.cli.run_loop import Front
from tieout.cli.run_panels import tie_line
from tieout.ledger.units import decimal_text
from tieout.store.runs import Action, Issue

_LABEL = 12


async def summary(stage: Stage, front: Front, connection: asyncpg.Connection, *, ended: bool) -> int:
    """Print it and return the exit code: 0 only when everything ties out."""
    screen = await front.look()
    state, struck = screen.state, stage.thrower.struck
    quiet = await stage.is_quiet()
    found = await issues_of(connection, stage.wallet, every=True) if screen.shown.seq >= 0 else []
    corrected = [issue for issue in found if issue.action is Action.CORRECTED]
    median, worst = state.fill_latency.quantile(500), state.fill_latency.quantile(990)
    out.print()
    _row("orders", ", ".join(f"{state.sent[name]:,} {name}" for name in ("placed", "cancelled", "rejected")))
    _row("fills", f"{screen.shown.fills_total:,}, the first after {_seconds(stage.first_fill_s)}")
    _row("tie-out", f"first after {_seconds(stage.first_tie_out_s)}, at the end {screen.answer.verdict}")
    if median is not None:
        _row("latency", f"socket to books: median {median} ms, 99 of 100 within {worst} ms")
    _row("faults", ", ".join(f"{name} ×{times}" for name, times in struck.items()) or "none")
    _row("corrected", f"{len(corrected)}, each by an event with its cause" if corrected else "nothing had to be")
    for issue in corrected[:8]:
        _row("", _words(issue))
    open_grave = [issue for issue in found if issue.is_open and issue.severity.is_grave and issue not in corrected]
    _row("open issues", f"{counted(len(open_grave), 'grave one')}" if open_grave else "none that is grave")
    for issue in open_grave[:8]:
        _row("", _words(issue))
    return _verdict(stage, front, holds=quiet and ended and screen.answer.verdict is Verdict.TIES_OUT)


def _verdict(stage: Stage, front: Front, *, holds: bool) -> int:
    """The last line."""
    out.print()
    if holds:
        balances = counted(front.screen.answer.balances, "balance")
        say(
            (" TIES OUT ", "bold black on green"),
            f"  {balances} in the books equal the venue's own truth, to the micro-share; 0 differences, 0 orders left",
        )
        return HOLDS
    out.print(tie_line(front.screen.answer, front.screen.now_ms), soft_wrap=not out.is_terminal)
    for token, (books, truth) in stage.differences.items():
        say(f"token {short(token)}: books {decimal_text(books)}, venue {decimal_text(truth)}")
    for order in sorted(stage.left):
        say(f"order {short(order)} is still open at the venue")
    say((" DOES NOT TIE OUT ", "bold white on red"), f"  {counted(len(stage.differences), 'difference')}")
    return DOES_NOT


def _row(label: str, words: str) -> None:
    out.print(Text.assemble((f"  {label:<{_LABEL}}", "dim"), words), soft_wrap=not out.is_terminal)


def _words(issue: Issue) -> str:
    times = f" ({issue.times} times)" if issue.times > 1 else ""
    return f"{issue.type.value}: {readable(issue.summary)}{times}"


def _seconds(passed_s: float | None) -> str:
    return "never" if passed_s is None else f"{passed_s:.1f} s"
