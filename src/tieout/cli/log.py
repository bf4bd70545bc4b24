"""`tieout log`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from tieout.app.database import session
from tieout.app.history import Moment
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.cli.options import AsJson, AsKnown, AsOf, Wallet, moment_of
from tieout.cli.output import HOLDS, out, print_json, run, table, when
from tieout.store import log as store_log


def log(
    wallet: Wallet,
    as_json: AsJson = False,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    last: Annotated[int, typer.Option(help="So many entries from the end.", min=1)] = 50,
) -> None:
    """The append-only log: what was learned, when, from which message."""

    async def work() -> int:
        moment = moment_of(as_of, as_known)
        async with session(Settings()) as connection:
            wallet_id = await require_wallet(connection, wallet)
            found: list[store_log.Entry] = []
            async for chunk in store_log.entries(connection, wallet_id):
                found = [*found, *(entry for entry in chunk if moment.takes(entry))][-last:]
        if as_json:
            print_json([_json(entry) for entry in found])
        else:
            _show(found, moment)
        return HOLDS

    run(work)


def _json(entry: store_log.Entry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "occurred_at_ms": entry.occurred_at_ms,
        "received_at_ms": entry.received_at_ms,
        "source": entry.source,
        "raw_id": entry.raw_id,
        "fact": json.loads(entry.fact),
        "hash": entry.hash.hex(),
    }


def _show(found: list[store_log.Entry], moment: Moment) -> None:
    made = table(
        ("seq", "right"), ("happened (UTC)", "left"), ("heard (UTC)", "left"), ("kind", "left"), ("fact", "left")
    )
    for entry in found:
        fact = json.loads(entry.fact)
        kind = fact.pop("kind")
        fact.pop("occurred_at_ms", None)
        words = " ".join(f"{name}={str(value)[:14]}" for name, value in fact.items())
        made.add_row(f"{entry.seq:,}", when(entry.occurred_at_ms), when(entry.received_at_ms), kind, words)
    out.print(made)
    if not moment.is_now:
        out.print(Text("as of another moment", style="dim"))
