"""`tieout demo`: a simulated Polymarket, a worker that makes markets on it, and faults to throw at them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import asyncpg
import typer
from rich.text import Text

from tieout.app.clock import now_ms
from tieout.app.config import Config, Intervals, Selection
from tieout.app.glance import look
from tieout.app.running import RunRequest, worker_of
from tieout.app.worker import Worker
from tieout.cli.keyboard import keys
from tieout.cli.output import DOES_NOT, HOLDS, counted, out, run, say
from tieout.cli.run_loop import run_shown, stop_on_signals
from tieout.client.endpoints import Endpoints
from tieout.client.keys import PrivateKey
from tieout.ledger.units import MICRO
from tieout.quoting.params import Params
from tieout.sim.faults.kinds import KINDS
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import Server, running
from tieout.sim.truth import open_orders, shares_held
from tieout.store.connect import connected
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State, set_state
from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate
from tieout.store.wallets import wallet_id_of

FAULT_MS = 20_000
"""How long a fault from the keyboard stays on."""

QUIET_S = 90.0
"""How long the end waits for settlements to become final (real seconds)."""

MENU = {
    "1": "ws-drop",
    "2": "ws-reorder",
    "3": "ws-disconnect",
    "4": "ws-silent",
    "5": "timeout-after",
    "6": "server-error",
    "7": "empty-list",
    "8": "settlement-failed",
    "9": "reorg",
    "0": "outage",
    "s": "sweep",
    "h": "human-trade",
    "o": "foreign-orders",
    "l": "logs-missing",
}
"""Keys of the faults that show the most; `tieout sim fault` has all of them."""


def demo(
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="End by itself after so long; in a pipe after 1.", min=0.1)
    ] = None,
    markets: Annotated[int, typer.Option("--markets", help="Markets to make.", min=1, max=200)] = 8,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another world.")] = 1,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="Throw this in, 20 s each, one after the other; repeatable.")
    ] = None,
) -> None:
    """Make markets on a simulated Polymarket, with books that tie out whatever happens. Needs no set-up and no key."""
    unknown = sorted(set(fault or ()) - KINDS.keys())
    if unknown:
        raise typer.BadParameter(f"no fault is called {unknown[0]!r}; `tieout sim fault` lists them")
    length_s = 60.0 * (minutes or 1.0) if minutes or not out.is_terminal else None

    async def work() -> int:
        with TemporaryDirectory(prefix="tieout-demo-") as place, EmbeddedServer.start(Path(place) / "data") as database:
            await migrate(database.dsn())
            return await _play(database.dsn(), Options(seed=seed, markets=markets), length_s, fault or [])

    run(work)


async def _play(dsn: str, options: Options, length_s: float | None, faults: list[str]) -> int:
    started = Options(
        seed=options.seed, markets=options.markets, start_ms=now_ms() - options.warm_up_ms, cash=10_000 * MICRO
    )
    scenario = build(started)
    async with running(scenario.site) as server, connected(dsn) as connection:
        worker = worker_of(dsn, RunRequest(_config(scenario, server), PrivateKey(_key(scenario)), is_live=True))
        stop = asyncio.Event()
        stage = _Stage(scenario, worker, connection, stop, faults, length_s)
        stop_on_signals(stage.enough)
        out.print(
            Text(
                f"simulated Polymarket on {server.http_url}; faults also by: tieout sim fault NAME --url "
                f"{server.http_url}",
                "dim",
            ),
            soft_wrap=True,
        )
        with keys(stage.pressed):
            await run_shown(worker, connection, stop, stage.lines, stage.run)
        return await stage.summary()


def _key(scenario: Scenario) -> str:
    return scenario.accounts[0].private_key


def _config(scenario: Scenario, server: Server) -> Config:
    """Small quotes close to the price, so that there is something to see."""
    return Config(
        wallet=scenario.accounts[0].address,
        first_block=0,
        endpoints=Endpoints.of(server.http_url),
        selection=Selection(count=len(scenario.world.exchange.markets)),
        params=Params(tiers=2, tier_size=25 * MICRO, min_time_to_resolution_ms=0),
        jobs=Intervals(market_making=2_000, position_sync=5_000, order_sync=20_000, portfolio=10_000),
    )


@dataclass(slots=True)
class _Stage:
    """What happens around the worker: faults, keys, and the quiet end."""

    scenario: Scenario
    worker: Worker
    connection: asyncpg.Connection
    stop: asyncio.Event
    faults: list[str]
    length_s: float | None
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    tied_after_s: float | None = None
    filled_after_s: float | None = None
    differences: dict[str, tuple[int, int]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    ending: str = ""

    @property
    def _wallet(self) -> str:
        return self.scenario.accounts[0].address

    def pressed(self, key: str) -> None:
        """One key."""
        if key in ("q", "Q"):
            self.enough.set()
        elif key in MENU:
            self._throw(MENU[key])

    def _throw(self, name: str) -> None:
        # A condition on the fault's own clock, so that it ends by itself.
        self.scenario.faults.on(name, duration_ms=FAULT_MS)

    def lines(self) -> Iterable[Text]:
        """The faults, below the view."""
        menu = Text.assemble(("\nthrow in  ", "dim"))
        for key, name in MENU.items():
            menu.append(f"{key} ", "bold")
            menu.append(f"{name}  ", "bold red" if self.scenario.faults.get(name) else "")
        struck = [(str(one["name"]), int(str(one["struck"]))) for one in self.scenario.faults.state()]
        line = Text.assemble(("struck    ", "dim"))
        line.append("  ".join(f"{name} {times}" for name, times in struck if times) or "nothing yet")
        end = Text(self.ending, "bold") if self.ending else Text.assemble(("q", "bold"), (" ends it", "dim"))
        return menu, line, end

    async def run(self) -> None:
        """Faults in turn, then the end: nothing new, everything settled, books and venue compared."""
        began_s = asyncio.get_running_loop().time()
        throwing = asyncio.create_task(self._throw_in_turn())
        watching = asyncio.create_task(self._watch(began_s))
        with suppress(TimeoutError):
            async with asyncio.timeout(self.length_s):
                await self.enough.wait()
        for task in (throwing, watching):
            task.cancel()
        await asyncio.gather(throwing, watching, return_exceptions=True)
        self.ending = "ending: no new quotes, waiting until everything is settled and final"
        for name in KINDS:
            self.scenario.faults.off(name)
        await self._pause()
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                while not await self._agrees():  # noqa: ASYNC110 - two accounts are compared, nobody can tell us
                    await asyncio.sleep(0.5)
        self.stop.set()

    async def _throw_in_turn(self) -> None:
        for name in self.faults:
            self._throw(name)
            await asyncio.sleep(FAULT_MS / 1000)

    async def _watch(self, began_s: float) -> None:
        """Note when the first tie-out and the first fill came."""
        while self.tied_after_s is None or self.filled_after_s is None:
            passed_s = asyncio.get_running_loop().time() - began_s
            if self.tied_after_s is None and self.worker.state.tied_out_since_ms:
                self.tied_after_s = passed_s
            if self.filled_after_s is None and (await look(self.connection, self._wallet)).fills_total:
                self.filled_after_s = passed_s
            await asyncio.sleep(0.25)

    async def _pause(self) -> None:
        wallet_id = await wallet_id_of(self.connection, self._wallet)
        if wallet_id is not None:
            command = Command(WHOLE_WALLET, State.PAUSED, "the demo ends", "demo", Actor.PERSON)
            await set_state(self.connection, wallet_id, command, now_ms())

    async def _agrees(self) -> bool:
        """Books and venue, to the micro-share, and no order left."""
        shown = await look(self.connection, self._wallet)
        books = {token: held.shares for token, held in shown.held.items() if held.shares}
        truth = shares_held(self.scenario.world, self._wallet)
        self.differences = {
            token: (books.get(token, 0), truth.get(token, 0))
            for token in books.keys() | truth.keys()
            if books.get(token, 0) != truth.get(token, 0)
        }
        self.left = open_orders(self.scenario.world, self._wallet)
        return not self.differences and not self.left and not shown.orders_live

    async def summary(self) -> int:
        """What there was, and whether everything tied out."""
        agrees = await self._agrees()
        shown = await look(self.connection, self._wallet)
        seen = sorted(self.worker.state.latencies_ms)
        struck = {str(one["name"]): int(str(one["struck"])) for one in self.scenario.faults.state() if one["struck"]}
        out.print()
        for name, value in (
            ("orders", f"{self.worker.state.sent['placed']:,} placed, {len(self.left)} left open"),
            ("fills", f"{shown.fills_total:,}, the first after {_seconds(self.filled_after_s)}"),
            ("tie-out", f"first after {_seconds(self.tied_after_s)}"),
            ("faults", ", ".join(f"{name} {times}" for name, times in struck.items()) or "none"),
            ("latency", f"socket to books: median {seen[len(seen) // 2]} ms" if seen else "no frame came"),
            ("issues", f"{counted(len(shown.issues), 'open issue')}, each with its cause"),
        ):
            say((f"  {name:<10}", "dim"), value)
        if agrees:
            balances = counted(len(shares_held(self.scenario.world, self._wallet)), "balance")
            say(
                (" TIES OUT ", "bold black on green"),
                f"  {balances} in the books equal the venue's, to the micro-share",
            )
            return HOLDS
        say((" DOES NOT TIE OUT ", "bold white on red"), f"  {self.differences or self.left}")
        return DOES_NOT


def _seconds(passed_s: float | None) -> str:
    return "never" if passed_s is None else f"{passed_s:.1f} s"
