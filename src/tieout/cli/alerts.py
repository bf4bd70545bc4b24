"""`tieout alerts`: who is told when something is wrong, and whether they are reached."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from tieout.app.alert_delivery import Attempt
from tieout.app.alert_settings import AlertSettings, Destination, Rules
from tieout.app.alerts import alerting
from tieout.app.clock import now_ms
from tieout.app.config_reading import read_config
from tieout.app.quiet_hours import Quiet, is_quiet
from tieout.app.worker_state import WorkerState
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson
from tieout.cli.output import DOES_NOT, HOLDS, counted, err, fail, out, print_json, run, say
from tieout.client.clock import LoopClock

app = typer.Typer(help="Who is told when something is wrong, and whether they are reached.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", help="The worker's configuration.")]
DEFAULT = Path("tieout.toml")


@app.command("test")
def send_test(
    config: ConfigFile = DEFAULT,
    to: Annotated[list[str] | None, typer.Option("--to", metavar="NAME", help="Only this destination.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send a marked test to every destination: 0 all were delivered, 1 one was not, 2 there is nobody to tell.

    Rules, grouping and quiet hours do not hold it back. It needs no worker.
    """

    async def work() -> int:
        told = read_config(config)
        names = [each.name for each in told.alerts.destinations]
        if not names:
            fail(f"{config} names nobody to tell: add [[alerts.to]], see docs/configuration.md")
        for name in to or ():
            if name not in names:
                fail(f"--to: expected one of {', '.join(names)}, was {name!r}")
        clock = LoopClock(now_ms)
        state = WorkerState(told.wallet, is_live=False)
        async with alerting(told.alerts, clock, state, told.proxy) as alerts:
            with err.status("waiting for the answers"):
                tested = await alerts.test(_user(), to or ())
        if as_json:
            print_json(_tested_json(tested))
        else:
            _show_tested(tested)
        return HOLDS if all(each.is_delivered for each in tested) else DOES_NOT

    run(work)


@app.command("list")
def list_(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Every destination with its rules and quiet hours. Addresses are not shown."""

    async def work() -> int:
        settings = read_config(config).alerts
        if as_json:
            print_json(_settings_json(settings))
        else:
            _show(settings)
        return HOLDS

    run(work)


def _user() -> str:
    """Whoever types, as far as the system knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def _tested_json(tested: tuple[Attempt, ...]) -> dict[str, object]:
    rows = [{"name": each.name, "delivered": each.is_delivered, "problem": each.problem} for each in tested]
    return {"holds": all(each.is_delivered for each in tested), "destinations": rows}


def _show_tested(tested: tuple[Attempt, ...]) -> None:
    grid = Grid(Column("destination"), Column("test"), Column("why", folds=True))
    for each in tested:
        outcome = Text("delivered", "green") if each.is_delivered else Text("not delivered", "bold red")
        grid.add(each.name, outcome, each.problem)
    grid.print(out)
    out.print()
    failed = sum(not each.is_delivered for each in tested)
    if failed:
        say(("Not all are reached.", "bold red"), f" {counted(len(tested), 'destination')}, {failed} not delivered.")
    else:
        say(("Delivered.", "bold green"), f" {counted(len(tested), 'destination')}; look whether it is really there.")


def _show(settings: AlertSettings) -> None:
    grid = Grid(
        Column("destination"),
        Column("by"),
        Column("address from", drop=2),
        Column("quiet"),
        Column("grouped", drop=1, right=True),
        Column("hears of", folds=True),
    )
    for each in settings.destinations:
        grid.add(
            each.name,
            f"{each.via.value} {each.service}",
            each.source,
            _quiet_words(each.quiet),
            f"{each.group_ms / 1_000:g} s" if each.group_ms else "no",
            _rule_words(each.rules),
        )
    if not settings.destinations:
        say(("Nobody is told.", "bold yellow"), " Add [[alerts.to]] to the configuration, see docs/configuration.md.")
        return
    grid.print(out)
    out.print()
    pace = (
        f"; of one type and market one alert in {settings.spacing_ms / 1_000:g} s, the others are counted; "
        f"what fails is tried again for {settings.retry_ms / 60_000:g} min"
    )
    say((counted(len(settings.destinations), "destination") + pace, "dim"))


def _quiet_words(quiet: Quiet | None) -> Text:
    if quiet is None:
        return Text("no", "dim")
    now = ", now" if is_quiet(quiet, now_ms()) else ""
    return Text(f"{quiet} but {quiet.below.value}{now}", "yellow" if now else "")


def _rule_words(rules: Rules) -> str:
    parts = [f"issues from {rules.issues_from.value}"]
    if rules.all_from is rules.issues_from:
        parts = [f"everything from {rules.all_from.value}"]
    for words, names in (
        ("only", rules.only_types),
        ("not", rules.except_types),
        ("only in", rules.only_markets),
        ("not in", rules.except_markets),
    ):
        if names:
            parts.append(f"{words} {', '.join(names)}")
    return "; ".join(parts)


def _settings_json(settings: AlertSettings) -> dict[str, object]:
    return {
        "destinations": [_json(each) for each in settings.destinations],
        "spacing_ms": settings.spacing_ms,
        "timeout_ms": settings.timeout_ms,
        "retry_ms": settings.retry_ms,
        "desk_url": settings.desk_url,
    }


def _json(to: Destination) -> dict[str, Any]:
    rules, quiet = to.rules, to.quiet
    return {
        "name": to.name,
        "via": to.via.value,
        "service": to.service,
        "address_from": to.source,
        "group_ms": to.group_ms,
        "issues_from": rules.issues_from.value,
        "all_from": rules.all_from.value,
        "only_types": list(rules.only_types),
        "except_types": list(rules.except_types),
        "only_markets": list(rules.only_markets),
        "except_markets": list(rules.except_markets),
        "quiet": None
        if quiet is None
        else {
            "hours": quiet.hours,
            "zone": quiet.zone.key,
            "below": quiet.below.value,
            "now": is_quiet(quiet, now_ms()),
        },
    }
