"""What happens around the demo's worker: faults, keys, and the end at a quiet point, where everything is compared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import asyncpg
from rich.text import Text

from tieout.app.clock import now_ms
from tieout.app.demo import differences
from tieout.app.showing import on_the_way
from tieout.app.tie_answer import Verdict
from tieout.app.worker_state import WorkerState
from tieout.cli.demo_faults import Menu, Thrower
from tieout.cli.run_screen import Screen
from tieout.sim.faults.kinds import KINDS
from tieout.sim.scenario import Scenario
from tieout.sim.truth import open_orders, shares_held
from tieout.store.controls import WHOLE_WALLET, Actor, Command, Control, ControlHeldError, State, set_state
from tieout.store.wallets import wallet_id_of

QUIET_S = 120.0
"""How long the end waits until everything is final (real seconds)."""

TICK_S = 0.25
WHO = "demo"


async def until(holds: Callable[[], Awaitable[bool]], *, every_s: float) -> None:
    """Ask again and again; what is asked for lies outside of this loop, so nothing could wake it up."""
    while True:
        if await holds():
            return
        await asyncio.sleep(every_s)


class Stage:
    """Directs one demo. `differences` and `left` are those of the last comparison: (books, truth) and open orders."""

    def __init__(
        self,
        scenario: Scenario,
        state: WorkerState,
        connection: asyncpg.Connection,
        *,
        faults: Sequence[str],
        each_s: float,
        length_s: float | None,
        has_keys: bool,
        url: str,
    ) -> None:
        """*length_s* None: until somebody ends it; the *faults* are thrown in after the first tie-out with shares."""
        self._scenario = scenario
        self._state = state
        self._connection = connection
        self._faults = list(faults)
        self._length_s = length_s
        self._has_keys = has_keys
        self._url = url
        self._menu = Menu()
        self._wishes: asyncio.Queue[State] = asyncio.Queue()
        self._began_s = asyncio.get_running_loop().time()
        self._phase = ""
        self._told = ""
        self.enough = asyncio.Event()
        self.redraw = asyncio.Event()
        self.first_fill_s: float | None = None
        self.first_tie_out_s: float | None = None
        self.differences: dict[str, tuple[int, int]] = {}
        self.left: set[str] = set()
        self.thrower = Thrower(
            scenario.faults, self.wallet, lambda: scenario.world.scheduler.now_ms, round(each_s * 1_000)
        )

    @property
    def wallet(self) -> str:
        """The account that the worker trades for."""
        return self._scenario.accounts[0].address

    @property
    def passed_s(self) -> float:
        """Since the worker began."""
        return asyncio.get_running_loop().time() - self._began_s

    # what the person sees and does

    def pressed(self, key: str) -> None:
        """One key."""
        self._told = ""
        if key == "q":
            self.enough.set()
        elif self._menu.is_open:
            if name := self._menu.press(key):
                self.thrower.throw(name)
        elif key == "f":
            self._menu.open()
        elif key == "a":
            self.thrower.line_up(KINDS)
        elif key == "p":
            whole = self._state.controls.get(WHOLE_WALLET, Control(WHOLE_WALLET))
            self._wishes.put_nowait(State.PAUSED if whole.state is State.ACTIVE else State.ACTIVE)
        self.redraw.set()

    def fill_in(self, screen: Screen) -> None:
        """The demo's part of the view; and the first fill and tie-out are noticed here."""
        if self.first_fill_s is None and screen.shown.fills_total:
            self.first_fill_s = self.passed_s
        answer = screen.answer
        if self.first_tie_out_s is None and answer.verdict is Verdict.TIES_OUT and answer.balances:
            self.first_tie_out_s = self.passed_s
        notes = [*screen.notes]
        if self._phase:
            notes.append(Text(self._phase, "bold"))
        if self._told:
            notes.append(Text(self._told, "magenta"))
        screen.menu = self._menu.lines()
        screen.footer = (self.thrower.words(self._scenario.world.scheduler.now_ms), self._keys())
        if not self._has_keys:
            notes += [Text(f"fault {switch.kind.name}: {switch.kind.line}", "magenta") for switch in self.thrower.on]
        screen.notes = tuple(notes)

    def _keys(self) -> Text:
        if not self._has_keys:
            return Text(f"faults from another terminal: tieout sim fault on NAME --url {self._url}", "dim")
        line = Text()
        for key, words in (("f", "fault"), ("a", "all faults"), ("p", "pause, resume"), ("q", "end")):
            line.append_text(Text.assemble((f" {key} ", "bold reverse"), f" {words}  "))
        line.append(f"or: tieout sim fault on NAME --url {self._url}", "dim")
        return line

    # what happens

    async def direct(self, stop: asyncio.Event) -> None:
        """Until the demo is to end, then to a quiet point; *stop* ends the worker, whatever happens."""
        try:
            while not self._is_over():
                await self._tick()
            self._menu = Menu()
            self.thrower.stop()
            self._phase = "ending: no new quotes, waiting until everything is settled and final"
            await self._steer(State.PAUSED)
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET_S):
                    await until(self.is_quiet, every_s=TICK_S)
        finally:
            stop.set()

    def _is_over(self) -> bool:
        if self.enough.is_set():
            return True
        late = self._length_s is not None and self.passed_s >= self._length_s
        return late and not self._faults and self.thrower.is_idle

    async def _tick(self) -> None:
        if self.first_tie_out_s is not None and self._faults:
            self.thrower.line_up(self._faults)
            self._faults = []
        self.thrower.tick()
        while not self._wishes.empty():
            await self._steer(self._wishes.get_nowait())
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_S):
                await self.enough.wait()

    async def _steer(self, wanted: State) -> None:
        """Pause the whole wallet, or let it go on; a halt stays."""
        wallet_id = await wallet_id_of(self._connection, self.wallet)
        if wallet_id is None:
            return
        command = Command(WHOLE_WALLET, wanted, "by key" if not self._phase else "the demo ends", WHO, Actor.PERSON)
        try:
            await set_state(self._connection, wallet_id, command, now_ms())
        except ControlHeldError as error:
            self._told = str(error)

    async def is_quiet(self) -> bool:
        """No order is open, nothing is on its way, and the books equal the venue's own truth by token."""
        wallet_id = await wallet_id_of(self._connection, self.wallet)
        if wallet_id is None:
            return False
        self.differences = await differences(
            self._connection, wallet_id, shares_held(self._scenario.world, self.wallet)
        )
        self.left = open_orders(self._scenario.world, self.wallet)
        nothing_moves = await on_the_way(self._connection, wallet_id) == (0, 0)
        return nothing_moves and not self.differences and not self.left
