"""`tieout doctor`: is everything there that a worker needs? It changes nothing at the venue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tieout.app.clock import now_ms
from tieout.app.config_reading import ConfigError, read_config
from tieout.app.doctor import Finding, State, examine, patient_of
from tieout.app.doctor_checks import checks_of
from tieout.app.doctor_words import CONFIGURATION, EXPLAINED, explained
from tieout.app.settings import Settings
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson
from tieout.cli.output import CANNOT_TELL, DOES_NOT, HOLDS, counted, err, out, print_json, run, say
from tieout.client.clock import LoopClock

STYLES = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red", State.UNKNOWN: "bold magenta"}
ALL = "all"


def doctor(
    config: Annotated[Path, typer.Option("--config", help="The worker's configuration.")] = Path("tieout.toml"),
    backups: Annotated[
        Path | None,
        typer.Option("--backups", metavar="DIR", help="Look how old the newest backup in it is (TIEOUT_BACKUPS)."),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="CHECK", help="What a check means, how we know, what to do; `all`: of all."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check everything that a worker needs, at the same time: 0 all is well, 1 something fails, 2 could not tell."""
    if explain is not None:
        _explain(explain, as_json=as_json)
        return

    async def work() -> int:
        found = await _findings(config, backups)
        if as_json:
            print_json(_json(found))
        else:
            _show(found)
        return code_of(found)

    run(work)


async def _findings(path: Path, backups: Path | None) -> list[Finding]:
    try:
        config = read_config(path)
    except ConfigError as error:
        return [Finding(CONFIGURATION, State.FAIL, f"{path}: {problem}") for problem in error.problems]
    first = Finding(CONFIGURATION, State.OK, f"{path}, wallet {config.wallet}")
    settings = Settings() if backups is None else Settings(backups=backups)
    async with patient_of(config, settings, LoopClock(now_ms)) as patient:
        checks = checks_of(patient)
        with err.status("looking") as status:

            def told(done: int, waiting: Sequence[str]) -> None:
                names = ", ".join(waiting[:4]) + (" …" if len(waiting) > 4 else "")
                status.update(f"{done} of {counted(len(checks), 'check')} done, waiting for {names}")

            return [first, *await examine(patient, checks, told)]


def code_of(found: Sequence[Finding]) -> int:
    """A failure outweighs what could not be told; a warning is no failure."""
    states = {each.state for each in found}
    if State.FAIL in states:
        return DOES_NOT
    return CANNOT_TELL if State.UNKNOWN in states else HOLDS


def _explain(name: str, *, as_json: bool) -> None:
    """Print what there is to say of the check *name*, in any case of letters, or of all. Raises BadParameter."""
    names = {each.lower(): each for each in EXPLAINED}
    if name.lower() != ALL and name.lower() not in names:
        raise typer.BadParameter(f"expected one of {', '.join(EXPLAINED)}, was {name!r}", param_hint="--explain")
    chosen = list(EXPLAINED) if name.lower() == ALL else [names[name.lower()]]
    if as_json:
        print_json({each: EXPLAINED[each]._asdict() for each in chosen})
        return
    for place, each in enumerate(chosen):
        means, known_by, to_do = EXPLAINED[each]
        if place:
            out.print()
        say((each, "bold"))
        for label, words in (("what it means", means), ("how we know", known_by), ("what to do", to_do)):
            say((f"{label}: ", "dim"), words)


def _json(found: Sequence[Finding]) -> dict[str, object]:
    rows = [
        {"check": f.check, "state": f.state.value, "text": f.text, "todo": f.todo, **explained(f.check)._asdict()}
        for f in found
    ]
    return {"holds": code_of(found) == HOLDS, "checks": rows}


def _show(found: Sequence[Finding]) -> None:
    grid = Grid(Column("check", groups=True), Column("state"), Column("what was found, and what to do", folds=True))
    for each in found:
        grid.add(each.check, Text(each.state.value, STYLES[each.state]), each.text)
        if each.todo:
            grid.add("", "", Text(f"→ {each.todo}", "cyan"))
    grid.print(out)
    out.print()
    if all(each.check == CONFIGURATION for each in found):
        say(("Not ready.", "bold red"), f" {counted(len(found), 'problem')} in the file; nothing else was looked at.")
        return
    counts = Counter(each.state for each in found)
    words = {State.OK: "well", State.WARN: "with a warning", State.FAIL: "failed", State.UNKNOWN: "could not tell"}
    told = ", ".join(f"{counts[state]} {words[state]}" for state in State if counts[state])
    verdict = {
        HOLDS: ("Ready.", "bold green"),
        DOES_NOT: ("Not ready.", "bold red"),
        CANNOT_TELL: ("Cannot tell.", "bold magenta"),
    }[code_of(found)]
    say(verdict, f" {counted(len(found), 'check')}: {told}.")
    if odd := next((each.check for each in found if each.state is not State.OK), ""):
        name = f'"{odd}"' if " " in odd else odd
        say((f"`tieout doctor --explain {name}` says what it means, how we know, and what to do.", "dim"))
