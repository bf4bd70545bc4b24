"""Running a worker in front of somebody: the view, the signals, and what is said at the end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable

import asyncpg
from rich.live import Live
from rich.text import Text

from tieout.app.clock import now_ms
from tieout.app.glance import look
from tieout.app.worker import Worker
from tieout.cli.output import CANNOT_TELL, DOES_NOT, HOLDS, counted, out, say
from tieout.cli.run_view import tie_line, tie_words, view

REFRESH_S = 0.5
LINE_S = 15.0
"""How often a line is written where nobody watches, if nothing changes (real seconds)."""

Extra = Callable[[], Iterable[Text]]


def stop_on_signals(stop: asyncio.Event) -> None:
    """Ctrl-C and SIGTERM end the worker in order. A second one changes nothing: the cancels go on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def run_shown(
    worker: Worker,
    connection: asyncpg.Connection,
    stop: asyncio.Event,
    extra: Extra = tuple,
    beside: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Run *worker* until *stop* and show it. *beside* runs as long, and may set *stop*.

    Raises what the worker raises.
    """
    working = asyncio.create_task(worker.run(stop), name="worker")
    shown = asyncio.create_task(_show(worker, connection, extra), name="view")
    others = [asyncio.ensure_future(beside())] if beside else []
    try:
        await asyncio.wait([working, shown, *others], return_when=asyncio.FIRST_COMPLETED)
        while not working.done():
            for task in (shown, *others):
                if task.done() and task.exception() is not None:
                    stop.set()
                    await working
                    task.result()
            await asyncio.wait([working], timeout=REFRESH_S)
        await working
    finally:
        for task in (shown, *others):
            task.cancel()
        await asyncio.gather(shown, *others, return_exceptions=True)


async def _show(worker: Worker, connection: asyncpg.Connection, extra: Extra) -> None:
    """A live view on a terminal; in a pipe a line whenever the answer or the phase changes, and now and then."""
    state = worker.state
    if not out.is_terminal:
        last, at_s = "", 0.0
        while True:
            _, label, _ = tie_words(state, now_ms())
            words = f"{state.phase} {label} {state.why_not}"
            now_s = asyncio.get_running_loop().time()
            if words != last or now_s - at_s > LINE_S:
                out.print(_line(worker), soft_wrap=True)
                sys.stdout.flush()
                last, at_s = words, now_s
            await asyncio.sleep(REFRESH_S)
    with Live(console=out, auto_refresh=False, transient=True) as live:
        while True:
            found = await look(connection, state.wallet)
            live.update(view(state, found, now_ms(), out.width, extra()), refresh=True)
            await asyncio.sleep(REFRESH_S)


def _line(worker: Worker) -> Text:
    state = worker.state
    line = tie_line(state, now_ms())
    line.append(f"  {state.phase}; {state.sent['placed']:,} placed, {state.sent['cancelled']:,} cancelled")
    if state.why_not:
        line.append(f"; not quoting: {state.why_not}", "yellow")
    return line


def farewell(worker: Worker) -> int:
    """What is left when the worker has stopped, and the exit code."""
    state = worker.state
    if state.left_open:
        say(
            ("LEFT OPEN", "bold white on red"),
            f" {counted(len(state.left_open), 'order')} could not be cancelled: look at the site, or start again",
        )
        return DOES_NOT
    _, label, sentence = tie_words(state, now_ms())
    nothing = (
        "nothing was sent" if not state.is_live else f"{counted(state.sent['placed'], 'order')} placed, none left open"
    )
    say(("stopped", "bold"), f"; {nothing}; {label.lower()}: {sentence}")
    return {"TIES OUT": HOLDS, "DOES NOT TIE OUT": DOES_NOT}.get(label, CANNOT_TELL)
