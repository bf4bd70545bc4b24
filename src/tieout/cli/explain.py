"""`tieout explain`."""

from __future__ import annotations

import json
from typing import Annotated

import asyncpg
import typer
from rich.text import Text

from tieout.app.database import session
from tieout.app.explaining import Explanation, explain_name, full_names
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, AsKnown, AsOf, Wallet, moment_of, moment_words
from tieout.cli.output import DOES_NOT, HOLDS, blank_zero, money, out, print_json, readable, run, say, when
from tieout.ledger.explain import Step
from tieout.ledger.movement import OP_NAMES, PENDING


def explain(
    name: Annotated[
        str,
        typer.Argument(
            help="A token, condition, order, trade or transaction, or a movement's key; also shortened as the tables "
            "show it (12ab…89)."
        ),
    ],
    wallet: Wallet,
    as_json: AsJson = False,
    as_of: AsOf = None,
    as_known: AsKnown = None,
) -> None:
    """Why the books say what they say: every movement of NAME, and the messages behind it.

    Exit code 0: explained; 1: nothing in the log speaks of it.
    """

    async def work() -> int:
        moment = moment_of(as_of, as_known)
        async with session(Settings()) as connection:
            wallet_id = await require_wallet(connection, wallet)
            full = await _full_name(connection, wallet_id, name)
            found = await explain_name(connection, wallet_id, full, moment)
        if as_json:
            print_json(_json(found))
        else:
            out.print(Text.assemble(("explaining ", "dim"), (full, "bold")), soft_wrap=True)
            if not moment.is_now:
                say((moment_words(moment), "yellow"))
            _show(found)
        return HOLDS if found.facts else DOES_NOT

    run(work)


async def _full_name(connection: asyncpg.Connection, wallet_id: int, name: str) -> str:
    """The whole id of a shortened one. Raises ValueError when it stands for none or for several."""
    if "…" not in name and "..." not in name:
        return name
    names = await full_names(connection, wallet_id, name)
    if len(names) == 1:
        return names[0]
    if not names:
        raise ValueError(f"no id of this wallet looks like {name!r}")
    raise ValueError(f"{name!r} may be any of {', '.join(names)}")


def _happened_at_ms(step: Step) -> int:
    return step.movement.order[0] & (PENDING - 1)


def _json(found: Explanation) -> dict[str, object]:
    return {
        "steps": [_step_json(step) for step in found.steps],
        "facts": [
            {
                "seq": entry.seq,
                "received_at_ms": entry.received_at_ms,
                "source": entry.source,
                "origin": origin,
                "raw_id": entry.raw_id,
                "fact": json.loads(entry.fact),
            }
            for entry, origin in found.facts
        ],
        "notes": list(found.notes),
    }


def _step_json(step: Step) -> dict[str, object]:
    return {
        "key": step.movement.key,
        "occurred_at_ms": _happened_at_ms(step),
        "token_id": step.token_id,
        "status": step.movement.status,
        "causes": list(step.movement.causes),
        "shares_before": str(step.shares_before),
        "shares_after": str(step.shares_after),
        "cost_before": str(step.cost_before),
        "cost_after": str(step.cost_after),
        "realized": str(step.realized),
        "fee": str(step.movement.fee),
        "unexplained_shares": str(step.unexplained_shares),
    }


def _show(found: Explanation) -> None:
    if not found.facts:
        say(("nothing in the log of this wallet speaks of it", "yellow"))
        return
    out.print()
    if found.steps:
        _show_steps(found.steps)
    else:
        say(("What happened", "bold"))
        say("nothing moved: what is known of it changed no position")
    out.print()
    _show_facts(found)
    if found.notes:
        out.print()
    for note in found.notes:
        say((readable(note), "yellow"))


def _show_steps(steps: tuple[Step, ...]) -> None:
    made = Grid(
        Column("when (UTC)", drop=4),
        Column("what"),
        Column("token", drop=5, groups=True),
        Column("change", right=True),
        Column("shares", drop=1, right=True),
        Column("cost basis", drop=2, right=True),
        Column("realized", drop=3, right=True),
        Column("fee", drop=6, right=True),
        Column("status", drop=7),
        Column("because", drop=8, folds=True),
        title="What happened",
    )
    for step in steps:
        missing = f"{money(step.unexplained_shares).plain} never seen to arrive" if step.unexplained_shares else ""
        made.add(
            when(_happened_at_ms(step)),
            OP_NAMES[step.movement.op],
            short(step.token_id, 6, 4),
            money(step.shares_after - step.shares_before, signed=True),
            money(step.shares_after),
            money(step.cost_after),
            blank_zero(step.realized, signed=True),
            blank_zero(step.movement.fee),
            step.movement.status,
            Text(missing or " ".join(step.movement.causes), style="yellow" if missing else ""),
        )
    made.print(out)


def _show_facts(found: Explanation) -> None:
    made = Grid(
        Column("entry", right=True),
        Column("heard (UTC)", drop=1),
        Column("fact"),
        Column("from", folds=True),
        title="How we know",
    )
    for entry, origin in found.facts:
        fact = json.loads(entry.fact)
        kind = fact["kind"] + (f" {fact['status']}" if "status" in fact else "")
        made.add(f"{entry.seq:,}", when(entry.received_at_ms), kind, Text(origin, style="dim"))
    made.print(out)
