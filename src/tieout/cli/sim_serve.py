"""`tieout sim serve`: the simulator on a port, with a view of what goes on in it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from rich.console import Group
from rich.live import Live
from rich.text import Text

from tieout.app.clock import now_ms
from tieout.cli.output import HOLDS, counted, out, say, when
from tieout.cli.sim_views import fault_words, market_grid
from tieout.sim.faults.faults import kind_of
from tieout.sim.scenario import Account, FaultOption, Options, Scenario, build
from tieout.sim.serve.server import Server, running
from tieout.sim.wire.control_views import state_view

REFRESH_S = 0.5
LINE_S = 10.0
"""How often a view is drawn, and a line written where nobody watches (real seconds)."""

SHOWN_MARKETS = 12


def read_fault(text: str) -> FaultOption:
    """A fault option: a name, or name=probability. Raises ValueError."""
    name, given, chance = text.partition("=")
    kind_of(name)
    try:
        probability = float(chance) if given else 1.0
    except ValueError:
        probability = -1.0
    if not 0 < probability <= 1:
        raise ValueError(f"--fault {name}: expected a probability above 0 and at most 1, was {chance!r}")
    return FaultOption(name, probability)


ANOTHER_BOT_MS = 5_000
HUMAN_MS = 20_000


class Company(NamedTuple):
    """Who acts on the account beside its bot."""

    another_bot: bool
    human: bool
    operators: bool


class Wish(NamedTuple):
    """What the command line asks for; `lifetime` in minutes."""

    port: int
    seed: int
    markets: int
    speed: float
    intensity: float
    lifetime: int | None
    company: Company
    faults: tuple[str, ...]
    quiet: bool


async def serve_until_interrupted(wish: Wish) -> int:
    """Build the venue so that its clock shows the real time when it begins to answer, and serve it."""
    options = Options(
        seed=wish.seed,
        markets=wish.markets,
        intensity=wish.intensity,
        lifetime_ms=None if wish.lifetime is None else wish.lifetime * 60_000,
        faults=tuple(map(read_fault, wish.faults)),
        another_bot_ms=ANOTHER_BOT_MS if wish.company.another_bot else None,
        human_ms=HUMAN_MS if wish.company.human else None,
        operators=wish.company.operators,
    )
    scenario = build(replace(options, start_ms=now_ms() - options.warm_up_ms))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(scenario.site, port=wish.port, speed=wish.speed) as server:
        await _until(stop, scenario, server, quiet=wish.quiet)
    return HOLDS


async def _until(stop: asyncio.Event, scenario: Scenario, server: Server, *, quiet: bool) -> None:
    """Show what goes on until *stop*; raises what makes the server fail."""
    if quiet:
        out.print(server.http_url)
    else:
        _introduce(scenario, server)
    sys.stdout.flush()
    failed = asyncio.create_task(server.forever())
    stopped = asyncio.create_task(stop.wait())
    shown = asyncio.create_task(_show(scenario, server, quiet=quiet))
    try:
        await asyncio.wait((failed, stopped, shown), return_when=asyncio.FIRST_COMPLETED)
        for ended in (failed, shown):
            if ended.done():
                ended.result()
    finally:
        for task in (failed, stopped, shown):
            task.cancel()
        await asyncio.gather(failed, stopped, shown, return_exceptions=True)
    if not quiet:
        say((f"stopped after {counted(len(scenario.world.exchange.trades), 'trade')}", "dim"))


def _introduce(scenario: Scenario, server: Server) -> None:
    """Where everything is, and how to point the official clients at it."""
    http, ws = server.http_url, server.ws_url
    out.print(Text.assemble(("Simulated Polymarket", "bold"), f", seed {scenario.world.chance.seed}"))
    out.print()
    for name, url in (
        ("CLOB", http),
        ("Gamma", f"{http}/gamma"),
        ("Data API", f"{http}/data-api"),
        ("relayer", f"{http}/relayer"),
        ("node", f"{http}/rpc"),
        ("user socket", f"{ws}/ws/user"),
        ("market socket", f"{ws}/ws/market"),
        ("control", f"{http}/control/state"),
    ):
        out.print(Text.assemble((f"  {name:<16}", "dim"), url), soft_wrap=True)
    for account in scenario.accounts:
        _introduce_account(account)
    out.print()
    for line in clients_text(http, ws).splitlines():
        out.print(Text(f"  {line}", "dim" if line.startswith("#") else ""), soft_wrap=True)
    out.print()
    say(
        "Ctrl-C ends it. In another terminal: ",
        ("tieout sim book 1 --watch", "bold"),
        ", ",
        ("tieout sim fault", "bold"),
    )
    out.print()


def _introduce_account(account: Account) -> None:
    out.print()
    out.print(Text("  an account to try it with, worth nothing anywhere else", "dim"))
    for name, value in (
        ("private key", account.private_key),
        ("address", account.address),
        ("deposit wallet", account.deposit_wallet),
        ("API key", account.api_key.key),
        ("secret", account.api_key.secret),
        ("passphrase", account.api_key.passphrase),
    ):
        out.print(Text.assemble((f"  {name:<16}", "dim"), value), soft_wrap=True)


def clients_text(http: str, ws: str) -> str:
    """Python that points both official clients at the simulator."""
    return f"""# polymarket-client 0.14
import dataclasses
from polymarket import AsyncSecureClient
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
sim = create_environment(name="sim", config=dataclasses.replace(PRODUCTION_CONFIG,
    clob_url="{http}", gamma_url="{http}/gamma", data_url="{http}/data-api",
    relayer_url="{http}/relayer", rpc_url="{http}/rpc",
    clob_user_ws_url="{ws}/ws/user", clob_market_ws_url="{ws}/ws/market"))
client = await AsyncSecureClient.create(private_key=PRIVATE_KEY, wallet=ADDRESS, environment=sim)
# py-clob-client-v2 1.2
from py_clob_client_v2 import ClobClient
client = ClobClient(host="{http}", chain_id=137, key=PRIVATE_KEY, signature_type=0, funder=ADDRESS)"""


class Rates:
    """Orders and trades a real second, over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque(maxlen=10)

    def add(self, at_s: float, orders: int, trades: int) -> tuple[float, float]:
        """The rates after another reading; 0 at the first."""
        self._seen.append((at_s, orders, trades))
        before_s, before_orders, before_trades = self._seen[0]
        passed_s = max(at_s - before_s, 0.001)
        return (orders - before_orders) / passed_s, (trades - before_trades) / passed_s


async def _show(scenario: Scenario, server: Server, *, quiet: bool) -> None:
    """A live view on a terminal, a line now and then in a pipe, nothing when quiet; for ever."""
    loop, rates = asyncio.get_running_loop(), Rates()
    if quiet:
        await asyncio.Event().wait()
    if not out.is_terminal:
        rates.add(loop.time(), len(scenario.world.exchange.orders), len(scenario.world.exchange.trades))
        while True:
            await asyncio.sleep(LINE_S)
            state = state_view(scenario.world)
            line = status_line(state, scenario, rates.add(loop.time(), state["orders"], state["trades"]))
            out.print(line, soft_wrap=True)
            sys.stdout.flush()
    with Live(console=out, auto_refresh=False, transient=True) as live:
        while True:
            state = state_view(scenario.world)
            found = rates.add(loop.time(), state["orders"], state["trades"])
            live.update(view(state, scenario, found, server.clock.speed, out.width), refresh=True)
            await asyncio.sleep(REFRESH_S)


def status_line(state: Mapping[str, Any], scenario: Scenario, rates: tuple[float, float]) -> Text:
    """What goes on, in one line."""
    struck = sum(int(str(fault["struck"])) for fault in scenario.faults.state())
    return Text(
        f"{when(state['now_ms'])} UTC  block {state['block']['number']:,}  "
        f"{counted(state['orders'], 'order')} ({rates[0]:.1f}/s)  "
        f"{counted(state['trades'], 'trade')} ({rates[1]:.1f}/s)  {counted(struck, 'fault')} struck"
    )


def view(state: Mapping[str, Any], scenario: Scenario, rates: tuple[float, float], speed: float, width: int) -> Group:
    """What goes on, for a terminal of *width* columns."""
    faults = scenario.faults.state()
    struck = {str(fault["name"]): int(str(fault["struck"])) for fault in faults if fault["struck"]}
    switched: list[Any] = [fault["on"] for fault in faults if fault["on"]]
    head = Text.assemble(
        (f"{when(state['now_ms'])} UTC", "bold"),
        (f"  ×{speed:g}", "dim"),
        f"  block {state['block']['number']:,}",
        ("  finalized ", "dim"),
        f"{state['block']['finalized']:,}",
    )
    flow = Text.assemble(
        f"{rates[0]:.1f}",
        (" orders/s  ", "dim"),
        f"{rates[1]:.1f}",
        (" trades/s  ", "dim"),
        f"{state['open_orders']:,}",
        (" open orders  ", "dim"),
        f"{state['trades']:,}",
        (" trades", "dim"),
    )
    current = [market for market in state["markets"] if not market["payouts"]]
    lines = market_grid(current[:SHOWN_MARKETS]).lines(width)
    hidden = len(state["markets"]) - len(current[:SHOWN_MARKETS])
    more = [Text(f"{hidden} more: tieout sim state", "dim")] if hidden else []
    return Group(head, flow, Text.assemble(("faults  ", "dim"), fault_words(struck, switched)), Text(), *lines, *more)
