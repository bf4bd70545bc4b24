"""`tieout log`."""

from __future__ import annotations

import json
from typing import Annotated

import asyncpg
import typer
from rich.text import Text

from tieout.app.database import session
from tieout.app.history import Moment
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, AsKnown, AsOf, Wallet, moment_of, moment_words
from tieout.cli.output import HOLDS, counted, entries_bar, out, print_json, run, say, when
from tieout.store import log as store_log
from tieout.store.wallets import head_of


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
            found = await _tail(connection, wallet_id, moment, last)
        if as_json:
            print_json([_json(entry) for entry in found])
        else:
            _show(found, moment)
        return HOLDS

    run(work)


async def _tail(connection: asyncpg.Connection, wallet_id: int, moment: Moment, last: int) -> list[store_log.Entry]:
    """The last entries that belong to *moment*; only the end of the log is read when that is now."""
    head, _, _ = await head_of(connection, wallet_id)
    start = max(0, head.seq - last) if moment.is_now else 0
    found: list[store_log.Entry] = []
    with entries_bar() as bar:
        task = bar.add_task("reading the log", total=head.seq - start)
        async for chunk in store_log.entries(connection, wallet_id, after=start):
            found = [*found, *(entry for entry in chunk if moment.takes(entry))][-last:]
            bar.advance(task, len(chunk))
    return found


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
    made = Grid(
        Column("seq", right=True),
        Column("happened (UTC)", drop=2),
        Column("heard (UTC)", drop=1),
        Column("kind"),
        Column("fact", drop=3, folds=True),
    )
    for entry in found:
        fact = json.loads(entry.fact)
        kind = fact.pop("kind")
        fact.pop("occurred_at_ms", None)
        made.add(f"{entry.seq:,}", when(entry.occurred_at_ms), when(entry.received_at_ms), kind, _words(fact))
    if not moment.is_now:
        out.print(Text(moment_words(moment), style="yellow"), soft_wrap=True)
    if found:
        made.print(out)
    say((counted(len(found), "entry") if len(found) == 1 else f"{len(found):,} entries", "dim"))


def _words(fact: dict[str, object]) -> str:
    """The fields of a fact; ids with their middle left out, amounts whole."""
    words = []
    for name, value in fact.items():
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        if text:
            words.append(f"{name}={short(text, 8, 4) if isinstance(value, str) else text}")
    return " ".join(words)
