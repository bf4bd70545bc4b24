"""What `tieout sim run` shows: what was drawn, how a life ended, and what all of them met."""

from __future__ import annotations

import msgspec
from rich.text import Text

from tieout.cli.grid import Column, Grid
from tieout.cli.output import counted, out, readable, say
from tieout.sim.faults.kinds import KINDS
from tieout.sim.lives.coverage import ELSEWHERE, ENOUGH, Coverage
from tieout.sim.lives.options import Blow, LifeOptions, Strike
from tieout.sim.lives.shrink import Event, events_of
from tieout.sim.lives.verdict import OTHER, Happening, Verdict, clock_text

TIMES = (
    "safety_ms",
    "lifetime_ms",
    "market_making",
    "position_sync",
    "order_sync",
    "settle",
    "reconcile",
    "full_sync",
)
"""Options in milliseconds."""

AMOUNTS = ("tier_size", "half_spread", "requote_tolerance", "max_shares", "max_collateral")
"""Options in micro-units."""


def show_options(options: LifeOptions) -> None:
    """Everything that was drawn."""
    words = [f"{name} {_value(name, value)}" for name, value in _settings(options).items()]
    say((f"seed {options.seed}", "bold"), f"  {', '.join(words)}")
    made = Grid(
        Column("at"),
        Column("what goes wrong"),
        Column("for", right=True),
        Column("chance", right=True, drop=1),
        Column("most", right=True, drop=2),
        Column("settings", drop=3),
    )
    events = events_of(options)
    for event in events:
        made.add(clock_text(event.at_ms), *_event_cells(event))
    if events:
        made.print(out)
    else:
        say(("  nothing goes wrong", "dim"))


def _settings(options: LifeOptions) -> dict[str, object]:
    left_out = ("seed", "strikes", "hits")
    return {name: value for name, value in msgspec.structs.asdict(options).items() if name not in left_out}


def _value(name: str, value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name in TIMES:
        return _time_words(value)
    if isinstance(value, int) and name in AMOUNTS:
        return f"{value / 1_000_000:g}"
    return f"{value / 1_000:g}/s" if isinstance(value, int) and name == "intensity" else str(value)


def _time_words(ms: int) -> str:
    return f"{ms // 60_000} min" if ms >= 60_000 and ms % 60_000 == 0 else f"{ms / 1_000:g} s"


def _event_cells(event: Event) -> tuple[Text | str, ...]:
    if isinstance(event, Strike):
        settings = " ".join(f"{name}={value}" for name, value in event.settings.items())
        most = "" if event.count is None else str(event.count)
        chance = f"{event.probability / 10_000:.1f} %"
        return Text(event.name, "yellow"), f"{event.for_ms / 1_000:.0f} s", chance, most, settings
    words = [f"steps={event.steps}"] if event.blow.startswith("crash") else []
    words += [f"size={event.size}"] if event.size else []
    words += ["take-over"] if event.take_over else []
    away = "" if event.blow is Blow.CLOCK else f"{event.away_ms / 1_000:.0f} s"
    return Text(event.blow, "red"), away, "", "", " ".join(words)


def show_verdict(verdict: Verdict, again: str) -> None:
    """One life's end. *again*: the command that shows it once more."""
    figures = verdict.figures
    if verdict.passed:
        say(("PASSED ", "bold green"), f"seed {verdict.seed}: {figure_words(verdict)}")
        return
    say(("FAILED ", "bold red"), (verdict.id, "bold"), f" seed {verdict.seed}: {readable(verdict.sentence)}")
    if verdict.id in OTHER:
        say(("  expected  ", "dim"), OTHER[verdict.id])
    say(("  at        ", "dim"), f"{clock_text(verdict.at_ms)} of virtual time")
    if figures.entries:
        say(("  figures   ", "dim"), figure_words(verdict))
    say(("  again     ", "dim"), again)


def show_last(last: tuple[Happening, ...]) -> None:
    """What happened before it."""
    if last:
        say(("  before it", "dim"))
    for each in last:
        say(f"  {clock_text(each.at_ms)}  {readable(each.what)}")


def figure_words(verdict: Verdict) -> str:
    """A life in a line."""
    figures = verdict.figures
    return ", ".join(
        (
            f"{clock_text(figures.virtual_ms)} virtual",
            counted(figures.orders, "order"),
            counted(figures.fills, "fill"),
            f"{sum(figures.struck.values()):,} faults struck",
            counted(sum(figures.blows.values()), "blow"),
            counted(figures.workers, "worker"),
            f"{figures.entries:,} log entries",
            f"head {figures.head[:12]}",
            f"{figures.cpu_ms / 1_000:.1f} s CPU",
        )
    )


def show_coverage(met: Coverage) -> None:
    """How often everything came about."""
    made = Grid(
        Column("met in these lives", groups=True),
        Column("kind"),
        Column("times", right=True),
        Column("lives", right=True),
        Column("rows", drop=1),
    )
    for about in ("faults", "blows", "facts"):
        for name, found in met.rows(about).items():
            rows = " ".join(KINDS[name].rows) if about == "faults" else ""
            if found.times:
                made.add(about, name, f"{found.times:,}", f"{found.lives:,}", rows)
            elif name in ELSEWHERE:
                made.add(about, name, Text("–", "dim"), "", Text(f"only {ELSEWHERE[name]}", "dim"))
            else:
                made.add(about, name, Text("never", "bold red" if met.lives >= ENOUGH else "dim"), "", rows)
    made.print(out)
