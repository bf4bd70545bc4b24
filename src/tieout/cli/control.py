"""`tieout pause`, `resume`, `halt` and `control`: whether the worker may quote."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from tieout.app.clock import now_ms
from tieout.app.database import session
from tieout.app.operations import ControlView, control_view, is_known_market, steer
from tieout.app.settings import Settings
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import HOLDS, fail, out, print_json, run, say, when
from tieout.store.controls import WHOLE_WALLET, Actor, Command, Control, ControlHeldError, Lift, State

_CONDITION = re.compile(r"0x[0-9a-fA-F]{62,64}")


def _condition(value: str | None) -> str | None:
    if value is None or _CONDITION.fullmatch(value):
        return None if value is None else value.lower()
    raise typer.BadParameter(f"expected a condition id, 0x and 64 hex digits (62 on Protocol V2), was {value!r}")


def _words(value: str) -> str:
    if not value.strip():
        raise typer.BadParameter("expected words, was empty: they are kept in the history")
    return value.strip()


Market = Annotated[
    str | None,
    typer.Option("--market", metavar="CID", help="Only this market, by its condition id.", callback=_condition),
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept in the history.", callback=_words)]
Who = Annotated[str, typer.Option("--who", metavar="NAME", help="Who does it, kept in the history.", callback=_words)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask back.")]

_STYLE = {State.ACTIVE: "green", State.PAUSED: "yellow", State.HALTED: "bold red"}
_EFFECT = {
    State.ACTIVE: "it may be quoted again",
    State.PAUSED: "no new quotes, and those that rest are cancelled; the books go on",
    State.HALTED: "no new quotes, those that rest are cancelled, and nothing starts again by itself; the books go on",
}


def pause(wallet: Wallet, why: Why, who: Who, market: Market = None, yes: Yes = False) -> None:
    """Stop quoting a wallet, or one market of it, until it is resumed."""
    _steer(wallet, Command(market or WHOLE_WALLET, State.PAUSED, why, who, Actor.PERSON), yes)


def halt(wallet: Wallet, why: Why, who: Who, market: Market = None, yes: Yes = False) -> None:
    """Stop quoting because something is wrong."""
    _steer(wallet, Command(market or WHOLE_WALLET, State.HALTED, why, who, Actor.PERSON), yes)


def resume(
    wallet: Wallet,
    why: Why,
    who: Who,
    market: Market = None,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Also lift the halt of an invariant.")] = False,
) -> None:
    """Let a wallet, or one market of it, be quoted again."""
    _steer(wallet, Command(market or WHOLE_WALLET, State.ACTIVE, why, who, Actor.PERSON, force), yes)


def _steer(wallet: str, command: Command, yes: bool) -> None:
    where = f"market {command.condition_id}" if command.condition_id else f"the whole wallet {wallet}"

    async def work() -> int:
        async with session(Settings()) as connection:
            before = await control_view(connection, wallet)
            own = before.own(command.condition_id)
            if command.condition_id and not await is_known_market(connection, wallet, command.condition_id):
                say(("note: ", "yellow"), "the wallet never held, ordered or quoted anything of this market")
            if not yes:
                say("now ", (own.state, _STYLE[own.state]), _because(own))
                _ask(f"{where} -> {command.state}: {_EFFECT[command.state]}. Go on?")
            try:
                changed = await steer(connection, wallet, command, now_ms())
            except ControlHeldError as error:
                advice = "; find the cause, then: tieout resume --force" if error.lift is Lift.FORCE else ""
                fail(f"{where} stays as it is: {error}{advice}")
            after = await control_view(connection, wallet)
        _show_done(where, command, after, changed)
        return HOLDS

    run(work)


def _ask(question: str) -> None:
    """Ends with exit code 2 unless the answer is yes."""
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        fail("nothing was changed (--yes does it without asking)")


def _because(control: Control) -> str:
    if not control.who:
        return ""
    return f" since {when(control.at_ms)} UTC by {control.who}: {control.reason}"


def _show_done(where: str, command: Command, after: ControlView, changed: bool) -> None:
    own = after.own(command.condition_id)
    if changed:
        say(f"{where} is now ", (own.state, _STYLE[own.state]), f": {_EFFECT[own.state]}")
        say(("every running worker was told", "dim"))
    else:
        say(f"{where} is ", (own.state, _STYLE[own.state]), " already; nothing was changed", _because(own))
    deciding = after.deciding(command.condition_id)
    if deciding.state is not own.state:
        say(("but ", "yellow"), "the whole wallet is ", (deciding.state, _STYLE[deciding.state]), _because(deciding))
    if command.state is State.ACTIVE and not command.condition_id and after.held:
        say(("but ", "yellow"), f"{len(after.held)} of its markets still not, each by its own: `tieout control`")


def control(wallet: Wallet, as_json: AsJson = False) -> None:
    """What is paused or halted, since when, by whom and why; and the last changes."""

    async def work() -> int:
        async with session(Settings()) as connection:
            view = await control_view(connection, wallet)
        if as_json:
            print_json(asdict(view))
        else:
            _show(view)
        return HOLDS

    run(work)


def _show(view: ControlView) -> None:
    made = Grid(
        Column("what"),
        Column("state"),
        Column("since (UTC)", drop=1),
        Column("who"),
        Column("lifted by", drop=2),
        Column("why", folds=True),
    )
    for one in (view.whole, *view.markets):
        made.add(
            short(one.condition_id, 8, 4) or "whole wallet",
            Text(one.state, style=_STYLE[one.state]),
            when(one.at_ms),
            one.who,
            "" if one.state is State.ACTIVE else {"force": "a person, --force", "person": "a person"}.get(one.lift, ""),
            Text(one.reason, style="dim" if one.state is State.ACTIVE else ""),
        )
    made.print(out)
    if view.history:
        out.print()
        _show_history(view)


def _show_history(view: ControlView) -> None:
    made = Grid(
        Column("when (UTC)"),
        Column("what"),
        Column("change"),
        Column("who", drop=1),
        Column("why", drop=2, folds=True),
        title="last changes",
    )
    for event in view.history:
        forced = " (forced)" if event.forced else ""
        made.add(
            when(event.at_ms),
            short(event.condition_id, 8, 4) or "whole wallet",
            Text.assemble(event.before, " → ", (event.state, _STYLE[event.state]), forced),
            event.who,
            Text(event.reason, style="dim"),
        )
    made.print(out)
