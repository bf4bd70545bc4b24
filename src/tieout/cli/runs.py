"""`tieout runs` and `tieout issues`: what the worker did, and what did not tie out."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from tieout.app.clock import now_ms
from tieout.app.database import session
from tieout.app.issue_words import GUIDANCE
from tieout.app.operations import acknowledge_issue, issues_of, recent_runs
from tieout.app.settings import Settings
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, counted, out, print_json, readable, run, say, when
from tieout.store.runs import Action, Issue, Job, Outcome, Run, Severity

_OUTCOME_STYLE = {
    Outcome.OK: "green",
    Outcome.RUNNING: "cyan",
    Outcome.ISSUES: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.SKIPPED: "dim",
}
_SEVERITY_STYLE = {
    Severity.INFO: "dim",
    Severity.WARN: "yellow",
    Severity.ERROR: "red",
    Severity.CRITICAL: "bold red",
}
_ACTION_STYLE = {
    Action.CORRECTED: "green",
    Action.LOGGED: "",
    Action.REQUIRES_MANUAL: "yellow",
    Action.HALTED: "bold red",
}


def runs(
    wallet: Wallet,
    as_json: AsJson = False,
    job: Annotated[Job | None, typer.Option(help="Only runs of this job.")] = None,
    limit: Annotated[int, typer.Option(help="So many, from the newest.", min=1, max=10_000)] = 30,
) -> None:
    """Runs of the worker's jobs, newest first: how each ended, how long it took, how many issues it raised."""

    async def work() -> int:
        async with session(Settings()) as connection:
            found = await recent_runs(connection, wallet, job, limit)
        if as_json:
            print_json([{**asdict(one), "duration_ms": _duration_ms(one)} for one in found])
        else:
            _show_runs(found)
        return HOLDS

    run(work)


def _duration_ms(one: Run) -> int | None:
    return None if one.ended_at_ms is None else one.ended_at_ms - one.started_at_ms


def _show_runs(found: list[Run]) -> None:
    made = Grid(
        Column("run", right=True),
        Column("job", groups=True),
        Column("started (UTC)", drop=2),
        Column("took", drop=1, right=True),
        Column("outcome"),
        Column("issues", right=True),
        Column("reason", drop=4),
        Column("detail", drop=3, folds=True),
    )
    for one in found:
        took = _duration_ms(one)
        made.add(
            str(one.run_id),
            one.job,
            when(one.started_at_ms),
            Text("") if took is None else Text(duration(took)),
            Text(one.outcome, style=_OUTCOME_STYLE[one.outcome]),
            Text(f"{one.issues:,}" if one.issues else "", style="yellow"),
            Text(one.reason, style="dim"),
            _words(one.detail),
        )
    if found:
        made.print(out)
    say((counted(len(found), "run") if found else "no runs: no worker has written this wallet yet", "dim"))


def duration(milliseconds: int) -> str:
    """A duration for people: "850 ms", "12.3 s", "5 min 04 s"; rounded down."""
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds // 1_000}.{milliseconds % 1_000 // 100} s"
    return f"{milliseconds // 60_000:,} min {milliseconds % 60_000 // 1_000:02} s"


def _words(fields: dict[str, Any]) -> str:
    """Figures as "name value", long ids with their middle left out."""
    shown = ((name, value if isinstance(value, str) else json.dumps(value)) for name, value in sorted(fields.items()))
    return "  ".join(f"{name} {readable(text)}" for name, text in shown)


def issues(
    wallet: Wallet,
    as_json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Also those that were acknowledged.")] = False,
    ack: Annotated[int | None, typer.Option("--ack", metavar="ID", help="Mark this one as seen.")] = None,
    who: Annotated[str | None, typer.Option("--who", metavar="NAME", help="Who has seen it; with --ack.")] = None,
) -> None:
    """What did not tie out, the gravest first: what happened, how we know it, what to do, when it is over.

    Exit code 1 when an ERROR or CRITICAL one is open. --ack ID --who NAME marks one as seen.
    """
    if (ack is None) != (not who):
        raise typer.BadParameter("--ack ID and --who NAME go together", param_hint="--ack")

    async def work() -> int:
        async with session(Settings()) as connection:
            if ack is not None and who:
                seen = await acknowledge_issue(connection, wallet, ack, who, now_ms())
                _show_acknowledged(seen, as_json)
                return HOLDS
            found = await issues_of(connection, wallet, every=every)
        if as_json:
            print_json([_json(issue) for issue in found])
        else:
            _show_issues(found, every)
        return DOES_NOT if any(issue.is_open and issue.severity.is_grave for issue in found) else HOLDS

    run(work)


def _json(issue: Issue) -> dict[str, object]:
    return {**asdict(issue), **GUIDANCE[issue.type]._asdict()}


def _show_acknowledged(issue: Issue, as_json: bool) -> None:
    if as_json:
        print_json(_json(issue))
    else:
        by = f"acknowledged by {issue.acknowledged_by} at {when(issue.acknowledged_at_ms or 0)} UTC"
        say(f"issue {issue.issue_id} {issue.type}: {by}")


def _show_issues(found: list[Issue], every: bool) -> None:
    for issue in found:
        _show_issue(issue)
        out.print()
    standing = [issue for issue in found if issue.is_open]
    grave = sum(issue.severity.is_grave for issue in standing)
    if grave:
        say((f"{counted(grave, 'grave issue')} open", "bold red"), f" of {len(standing):,}")
    elif standing:
        say((f"{counted(len(standing), 'issue')} open, none of them grave", "yellow"))
    else:
        say(("no open issues", "green"))
    if standing:
        say(("`tieout issues --ack ID --who NAME` marks one as seen", "dim"))
    elif not every:
        say(("--all shows those that were acknowledged", "dim"))


def _show_issue(issue: Issue) -> None:
    head = Text.assemble(
        (f"{issue.severity:<8}", _SEVERITY_STYLE[issue.severity] if issue.is_open else "dim"),
        f"  {issue.type}  ",
        (issue.action, _ACTION_STYLE[issue.action]),
        (f"  #{issue.issue_id}  {_since(issue)}", "dim"),
    )
    out.print(head, soft_wrap=not out.is_terminal)
    guidance = GUIDANCE[issue.type]
    _part("found", readable(issue.summary))
    for name in ("condition", "token", "order"):
        if value := getattr(issue, f"{name}_id"):
            _part(name, short(value, 10, 6))
    _part("what happened", guidance.happened)
    _part("how we know", guidance.known_by)
    if issue.evidence:
        _part("evidence", _words(issue.evidence))
    _part("what to do", guidance.to_do)
    _part("it is over", guidance.clears)
    if not issue.is_open:
        _part("seen by", f"{issue.acknowledged_by} at {when(issue.acknowledged_at_ms or 0)} UTC")


def _since(issue: Issue) -> str:
    if issue.times == 1:
        return f"{when(issue.at_ms)} UTC"
    return f"{issue.times:,} times from {when(issue.at_ms)} to {when(issue.last_at_ms)} UTC"


_LABEL = 15


def _part(label: str, text: str) -> None:
    """One labeled sentence, folded beside its label on a terminal, one line in a pipe."""
    if not out.is_terminal:
        out.print(Text.assemble((f"  {label:<{_LABEL}}", "dim"), text), soft_wrap=True)
        return
    width = max(20, out.width - _LABEL - 2)
    for number, line in enumerate(Text(text).wrap(out, width)):
        head = label if number == 0 else ""
        line.rstrip()
        out.print(Padding(Text.assemble((f"{head:<{_LABEL}}", "dim"), line), (0, 0, 0, 2), expand=False))
