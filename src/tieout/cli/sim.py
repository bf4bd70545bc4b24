"""`tieout sim`: a simulated Polymarket to develop and to test against."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson
from tieout.cli.output import HOLDS, out, print_json, run, say, when
from tieout.cli.sim_client import DEFAULT_URL, PORT, Client, Url, until_interrupted
from tieout.cli.sim_run import run_
from tieout.cli.sim_views import fault_words, ladder, market_grid

app = typer.Typer(help="A simulated Polymarket that real clients cannot tell apart.", no_args_is_help=True)
faults = typer.Typer(help="Faults of a running simulator: list them, switch them on and off.", no_args_is_help=True)
app.add_typer(faults, name="fault")
app.command("run")(run_)


@app.command("serve")
def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes any free one.", min=0, max=65535)] = PORT,
    seed: Annotated[int, typer.Option(help="The same seed gives the same venue.", min=0)] = 0,
    markets: Annotated[int, typer.Option(help="How many markets there are.", min=1, max=2000)] = 10,
    speed: Annotated[
        float,
        typer.Option(
            help="Simulated seconds in a real one; 0 holds the clock. Signed requests are refused once the simulated "
            "time is 5 minutes away from that of the client.",
            min=0.0,
            max=1000.0,
        ),
    ] = 1.0,
    intensity: Annotated[
        float, typer.Option(help="Decisions of the crowd a second and market; 0 leaves the crowd out.", min=0.0)
    ] = 1.0,
    lifetime: Annotated[
        int | None, typer.Option(help="Markets live about so many minutes, and others follow them.", min=1)
    ] = None,
    another_bot: Annotated[
        bool, typer.Option("--another-bot", help="Another bot trades on the account's key, every 5 seconds.")
    ] = False,
    human: Annotated[
        bool, typer.Option("--human", help="The account's owner moves tokens and money by hand, every 20 seconds.")
    ] = False,
    operators: Annotated[
        bool, typer.Option("--operators", help="The venue's operators redeem and migrate the account's positions.")
    ] = False,
    fault: Annotated[
        list[str] | None, typer.Option(help="A fault that is on from the start: NAME or NAME=PROBABILITY; repeatable.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the address and nothing more.")] = False,
) -> None:
    """Serve a simulated Polymarket: REST, WebSockets, Gamma, Data API and a Polygon node, until Ctrl-C."""
    from tieout.cli.sim_serve import Company, Wish, serve_until_interrupted  # the simulator loads when it is wanted

    company = Company(another_bot, human, operators)
    wish = Wish(port, seed, markets, speed, intensity, lifetime, company, tuple(fault or ()), quiet)
    run(lambda: serve_until_interrupted(wish))


@app.command("state")
def state(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """The clock, the chain, the markets and the faults of a running simulator."""

    async def work() -> int:
        found = Client(url).get("/state")
        if as_json:
            print_json(found)
        else:
            _show_state(found)
        return HOLDS

    run(work)


def _show_state(found: dict[str, Any]) -> None:
    block = found["block"]
    out.print(
        Text.assemble(
            (f"{when(found['now_ms'])} UTC", "bold"),
            f"  block {block['number']:,}",
            ("  finalized ", "dim"),
            f"{block['finalized']:,}",
            (f"  seed {found['seed']}", "dim"),
        ),
        soft_wrap=True,
    )
    out.print(
        Text.assemble(
            f"{found['orders']:,}",
            (" orders, ", "dim"),
            f"{found['open_orders']:,}",
            (" open  ", "dim"),
            f"{found['trades']:,}",
            (" trades", "dim"),
        ),
        soft_wrap=True,
    )
    words = fault_words(found["faults_struck"], found["faults_on"])
    out.print(Text.assemble(("faults  ", "dim"), words), soft_wrap=True)
    out.print()
    market_grid(found["markets"]).print(out)


@app.command("book")
def book(
    market: Annotated[
        str, typer.Argument(help="Token id, condition id, slug or number of a market.", metavar="MARKET")
    ],
    url: Url = DEFAULT_URL,
    depth: Annotated[int, typer.Option(help="Levels of each side.", min=1, max=200)] = 10,
    outcome: Annotated[int, typer.Option(help="Which outcome, where MARKET is no token id.", min=0, max=1)] = 0,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """The order book of one outcome as a ladder."""

    async def work() -> int:
        client = Client(url)
        found = client.get("/book", market=market)
        tokens = found["market"]["tokens"]
        place = tokens.index(market) if market in tokens else outcome
        if as_json:
            print_json(found)
        elif watch:
            await until_interrupted(_watch(client, market, place, depth))
        else:
            for line in ladder(found, place, depth):
                out.print(line, soft_wrap=True)
        return HOLDS

    run(work)


async def _watch(client: Client, market: str, outcome: int, depth: int) -> None:
    """The ladder as it changes: in place on a terminal, one after another in a pipe. Ctrl-C ends it well."""
    last: list[Text] = []
    with Live(console=out, auto_refresh=False) as live:
        while True:
            lines = ladder(client.get("/book", market=market), outcome, depth)
            if out.is_terminal:
                live.update(Group(*lines), refresh=True)
            elif lines[1:] != last[1:]:
                for line in [*lines, Text()]:
                    out.print(line, soft_wrap=True)
            last = lines
            await asyncio.sleep(0.5)


@faults.command("list")
def list_faults(
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    only_on: Annotated[bool, typer.Option("--on", help="Only those that are on.")] = False,
) -> None:
    """Every fault, what it does, which rows of the catalog it serves, and how often it struck."""

    async def work() -> int:
        found = Client(url).get("/faults")
        shown = [fault for fault in found if fault["on"] or not only_on]
        if as_json:
            print_json(shown)
        else:
            _show_faults(shown)
        return HOLDS

    run(work)


def _show_faults(found: list[dict[str, Any]]) -> None:
    made = Grid(
        Column("fault"),
        Column("on"),
        Column("struck", right=True),
        Column("acts on", drop=3, groups=True),
        Column("what it does", drop=1, folds=True),
        Column("settings", drop=4),
        Column("rows", drop=2),
    )
    for fault in found:
        switch = fault["on"]
        settings = switch["settings"] if switch else fault["settings"]
        made.add(
            Text(fault["name"], "yellow" if switch else ""),
            Text(_switch_words(switch), "yellow"),
            f"{fault['struck']:,}" if fault["struck"] else "",
            fault["place"],
            fault["line"],
            " ".join(f"{name}={value}" for name, value in settings.items()),
            " ".join(fault["rows"]),
        )
    if found:
        made.print(out)
    else:
        out.print(Text("no fault is on", "dim"))


def _switch_words(switch: dict[str, Any] | None) -> str:
    if switch is None:
        return ""
    words = [f"{switch['probability']:g}"]
    if switch["left"] is not None:
        words.append(f"{switch['left']} left")
    if switch["until_ms"] is not None:
        words.append(f"until {when(switch['until_ms'])[11:]}")
    return ", ".join(words)


@faults.command("on")
def switch_on(
    name: Annotated[str, typer.Argument(help="As `tieout sim fault list` names it.")],
    url: Url = DEFAULT_URL,
    probability: Annotated[float, typer.Option(help="How likely it strikes, above 0 and at most 1.")] = 1.0,
    count: Annotated[int | None, typer.Option(help="How often it may strike.", min=1)] = None,
    duration: Annotated[int | None, typer.Option("--for", help="Simulated seconds it stays on.", min=1)] = None,
    wallet: Annotated[str, typer.Option(help="Only for this wallet.")] = "",
    market: Annotated[str, typer.Option(help="Only for this market: token id, condition id, slug or number.")] = "",
    path: Annotated[str, typer.Option(help="Only for paths that begin so, such as /data/orders.")] = "",
    setting: Annotated[list[str] | None, typer.Option("--set", help="A setting: NAME=VALUE; repeatable.")] = None,
) -> None:
    """Switch a fault on."""

    async def work() -> int:
        body = {
            "name": name,
            "probability": probability,
            "count": count,
            "duration_ms": None if duration is None else duration * 1000,
            "wallet": wallet,
            "market": market,
            "path": path,
            "settings": dict(_setting(text) for text in setting or ()),
        }
        answer = Client(url).post("/faults", body)
        say((name, "yellow"), f" is on: {_switch_words(answer['on'])}")
        return HOLDS

    run(work)


def _setting(text: str) -> tuple[str, int | str]:
    name, given, value = text.partition("=")
    if not given or not name:
        raise ValueError(f"--set: expected NAME=VALUE such as delay_ms=2000, was {text!r}")
    return name, int(value) if value.isascii() and value.isdigit() else value


@faults.command("off")
def switch_off(
    name: Annotated[str, typer.Argument(help="As `tieout sim fault list` names it.")], url: Url = DEFAULT_URL
) -> None:
    """Switch a fault off."""

    async def work() -> int:
        answer = Client(url).post("/faults", {"name": name, "on": False})
        say((name, "bold"), f" is off; it struck {answer['struck']:,} times")
        return HOLDS

    run(work)
