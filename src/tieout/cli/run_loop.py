"""A worker in front of somebody: the view or the lines, the signals, and what is said at the end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Self

import asyncpg
from rich.live import Live
from rich.text import Text

from tieout.app.clock import now_ms
from tieout.app.showing import shown
from tieout.app.tie_answer import Verdict
from tieout.app.worker import Worker
from tieout.cli.output import CANNOT_TELL, DOES_NOT, HOLDS, counted, out, say
from tieout.cli.run_lines import Lines
from tieout.cli.run_panels import tie_line
from tieout.cli.run_screen import Screen, view

REFRESH_S = 0.5
"""How often the view is drawn (real seconds); a key draws it at once."""

_CODES = {Verdict.TIES_OUT: HOLDS, Verdict.DOES_NOT: DOES_NOT}


class Ending:
    """Ctrl-C, SIGTERM and a terminal that goes away: the first asks for the end, the third gives up what it takes."""

    def __init__(self, asked: Callable[[], None]) -> None:
        """*asked* begins the end."""
        self._asked = asked
        self.signals = 0
        self.given_up = asyncio.Event()

    def __enter__(self) -> Self:
        """From now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.signal)
        return self

    def __exit__(self, *_: object) -> None:
        """No more."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)

    def signal(self) -> None:
        """One more of them."""
        self.signals += 1
        if self.signals == 1:
            self._asked()
        elif self.signals > 2:
            self.given_up.set()

    @property
    def words(self) -> str:
        """What the person who pressed has to know; "" when there is nothing."""
        if self.signals == 1:
            return "stopping: nothing is placed any more, every order is being cancelled"
        if self.signals > 1:
            return "still cancelling; one more Ctrl-C gives that up, and orders may rest on at the venue"
        return ""


class Front:
    """Shows *worker* while it runs. `more` fills in what only its caller knows, before each drawing."""

    def __init__(
        self,
        worker: Worker,
        connection: asyncpg.Connection,
        ending: Ending,
        *,
        is_live_view: bool,
        quiet: bool = False,
        silent: bool = False,
        more: Callable[[Screen], None] = lambda _: None,
        redraw: asyncio.Event | None = None,
    ) -> None:
        """*connection* is for the view alone. *quiet*: in a pipe only what changes, no line now and then.

        *silent*: nothing is shown, `more` alone hears of it.
        *redraw* set: the view is drawn at once.
        """
        self.worker = worker
        self.screen = Screen(worker.state, now_ms())
        self._redraw = redraw or asyncio.Event()
        self.orders_before = 0
        """How many orders were open when the end was asked for."""
        self._connection = connection
        self._ending = ending
        self._is_live_view = is_live_view
        self._lines = Lines(quiet=quiet)
        self._silent = silent
        self._more = more

    async def run(self, stop: asyncio.Event) -> bool:
        """Until the worker has ended; False when somebody gave that up. Raises what the worker raises."""
        working = asyncio.create_task(self.worker.run(stop), name="worker")
        showing = asyncio.create_task(self._show(), name="view")
        given_up = asyncio.create_task(self._ending.given_up.wait(), name="given up")
        try:
            await asyncio.wait((working, showing, given_up), return_when=asyncio.FIRST_COMPLETED)
            if showing.done():
                # The view is broken, the worker is not: it ends in order, and then the fault is told.
                stop.set()
                await working
                showing.result()
            if not working.done():
                return False
            working.result()
            return True
        finally:
            for task in (working, showing, given_up):
                task.cancel()
            await asyncio.gather(working, showing, given_up, return_exceptions=True)

    async def look(self) -> Screen:
        """Everything as it is now."""
        screen = self.screen
        screen.now_ms = now_ms()
        screen.shown = await shown(self._connection, screen.state.wallet, screen.shown, screen.now_ms)
        if not self._ending.signals and screen.state.phase == "running":
            self.orders_before = screen.shown.open_orders
        screen.notes = (Text(self._ending.words, "bold magenta"),) if self._ending.words else ()
        self._more(screen)
        return screen

    async def _show(self) -> None:
        if not self._is_live_view:
            while True:
                screen = await self.look()
                if not self._silent:
                    for line in self._lines.of(screen):
                        out.print(line, soft_wrap=True)
                    sys.stdout.flush()
                await asyncio.sleep(REFRESH_S)
        with Live(console=out, auto_refresh=False, transient=True) as live:
            while True:
                self._redraw.clear()
                live.update(view(await self.look(), *out.size), refresh=True)
                try:
                    async with asyncio.timeout(REFRESH_S):
                        await self._redraw.wait()
                except TimeoutError:
                    continue


async def farewell(front: Front, *, ended: bool) -> int:
    """What the worker left, and the exit code. *ended*: it came to its end, nobody gave that up."""
    state = front.worker.state
    screen = await front.look()
    if not ended:
        say(
            (" GIVEN UP ", "bold white on red"),
            f"  the cancelling was given up: up to {counted(screen.shown.open_orders, 'order')} may rest at the venue; "
            "start again with `tieout run --live`, or cancel them on the venue's site",
        )
        return DOES_NOT
    out.print(tie_line(screen.answer, screen.now_ms), soft_wrap=not out.is_terminal)
    if state.left_open:
        say(
            (" LEFT OPEN ", "bold white on red"),
            f"  {counted(len(state.left_open), 'order')} may rest at the venue still, first {state.left_open[0]}; "
            "start again with `tieout run --live`, or cancel them on the venue's site",
        )
        return DOES_NOT
    if state.is_live:
        say(("stopped", "bold"), f"; {counted(front.orders_before, 'open order')} cancelled, nothing is left open")
    else:
        say(("stopped", "bold"), "; it was a dry run, nothing was sent")
    return _CODES.get(screen.answer.verdict, CANNOT_TELL)
