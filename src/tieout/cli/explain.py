"""`tieout explain`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from tieout.app.database import session
from tieout.app.explaining import Explanation, explain_name
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, money, out, print_json, run, short, table, when


def explain(
    name: Annotated[str, typer.Argument(help="A token, condition, order, trade or transaction, or a movement's key.")],
    wallet: Wallet,
    as_json: AsJson = False,
) -> None:
    """Why the books say what they say: every movement of NAME, and the messages behind it."""

    async def work() -> int:
        async with session(Settings()) as connection:
            wallet_id = await require_wallet(connection, wallet)
            found = await explain_name(connection, wallet_id, name)
        if as_json:
            print_json(_json(found))
        elif not found.facts:
            out.print(Text(f"nothing in the log of this wallet speaks of {name}", style="yellow"))
        else:
            _show(found)
        return HOLDS if found.facts else DOES_NOT

    run(work)


def _json(found: Explanation) -> dict[str, object]:
    return {
        "steps": [
            {
                "key": s.movement.key,
                "occurred_at_ms": s.movement.order[0] & ((1 << 52) - 1),
                "token_id": s.token_id,
                "status": s.movement.status,
                "causes": list(s.movement.causes),
                "shares_before": str(s.shares_before),
                "shares_after": str(s.shares_after),
                "cost_before": str(s.cost_before),
                "cost_after": str(s.cost_after),
                "realized": str(s.realized),
                "fee": str(s.movement.fee),
                "unexplained_shares": str(s.unexplained_shares),
            }
            for s in found.steps
        ],
        "facts": [
            {
                "seq": e.seq,
                "received_at_ms": e.received_at_ms,
                "source": e.source,
                "origin": origin,
                "raw_id": e.raw_id,
                "fact": json.loads(e.fact),
            }
            for e, origin in found.facts
        ],
        "notes": list(found.notes),
    }


def _show(found: Explanation) -> None:
    made = table(
        ("when (UTC)", "left"),
        ("what", "left"),
        ("token", "left"),
        ("shares", "right"),
        ("", "left"),
        ("cost basis", "right"),
        ("realized", "right"),
        ("fee", "right"),
        ("status", "left"),
        ("because", "left"),
        title="What happened",
    )
    for step in found.steps:
        movement = step.movement
        change = step.shares_after - step.shares_before
        unexplained = f"{money(step.unexplained_shares).plain} never seen to arrive" if step.unexplained_shares else ""
        made.add_row(
            when(movement.order[0] & ((1 << 52) - 1)),
            movement.key.partition("/")[0],
            short(step.token_id),
            money(change, signed=True),
            Text(f"→ {money(step.shares_after).plain}", style="dim"),
            money(step.cost_after),
            money(step.realized, signed=True) if step.realized else Text(""),
            money(movement.fee) if movement.fee else Text(""),
            movement.status,
            Text(unexplained or " ".join(movement.causes), style="yellow" if unexplained else ""),
        )
    out.print(made)
    facts = table(("seq", "right"), ("heard (UTC)", "left"), ("fact", "left"), ("from", "left"), title="\nHow we know")
    for entry, origin in found.facts:
        fact = json.loads(entry.fact)
        kind = fact["kind"] + (f" {fact['status']}" if "status" in fact else "")
        facts.add_row(f"{entry.seq:,}", when(entry.received_at_ms), kind, origin)
    out.print(facts)
    for note in found.notes:
        out.print(Text(note, style="yellow"), soft_wrap=True)
