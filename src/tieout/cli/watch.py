"""`tieout watch`: the books of any wallet, kept from the chain beside whatever trades it, and whether they tie out."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated

import asyncpg
import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from tieout.app.database import database
from tieout.app.queries import WalletBooks, read_books
from tieout.app.settings import Settings
from tieout.app.watching import Look, Outage, WatchRequest, watch
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, wallet_address
from tieout.cli.output import CANNOT_TELL, DOES_NOT, HOLDS, counted, fail, money, out, print_json, run, when
from tieout.client.endpoints import Endpoints
from tieout.jobs.tie_out import TieOut
from tieout.ledger.units import decimal_text
from tieout.store.connect import connected

SHOWN = 20
"""Positions in the live view; `tieout books` shows all of them."""


def watch_(
    wallet: Annotated[str, typer.Argument(help="Any address; no key is needed.", callback=wallet_address)],
    node: Annotated[
        list[str] | None,
        typer.Option("--node", help="A Polygon JSON-RPC node; repeatable, the best first.", envvar="TIEOUT_NODE"),
    ] = None,
    node_ws: Annotated[
        str,
        typer.Option("--node-ws", help="A node's WebSocket: look at every new head.", envvar="TIEOUT_NODE_WS"),
    ] = "",
    first: Annotated[
        int | None,
        typer.Option("--from-block", help="Where the wallet's history begins; needed only the first time.", min=0),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Read up to the newest final block, tie out, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep the books of a wallet from the chain, and compare them with its balances at every final block."""
    if node_ws and not node_ws.startswith(("ws://", "wss://")):
        fail("--node-ws: expected ws:// or wss:// and a host, was something else")
    request = WatchRequest(wallet, tuple(node or Endpoints().rpc), first, node_ws=node_ws)

    async def work() -> int:
        async with database(Settings()) as dsn, connected(dsn) as connection:
            if once or as_json:
                return await _once(dsn, connection, request, as_json=as_json)
            return await _live(dsn, connection, request)

    run(work)


async def _once(dsn: str, connection: asyncpg.Connection, request: WatchRequest, *, as_json: bool) -> int:
    async with aclosing(watch(dsn, request)) as looks:
        async for look in looks:
            if isinstance(look, Outage):
                out.print(_outage_line(look))
                return CANNOT_TELL
            if as_json:
                print_json(_json(look, request.wallet))
            else:
                books = await read_books(connection, request.wallet)
                out.print(_view(look, books, out.width if out.is_terminal else 200))
            return _code(look.tie)
    return CANNOT_TELL


async def _live(dsn: str, connection: asyncpg.Connection, request: WatchRequest) -> int:
    """Until Ctrl-C. In a pipe: one line whenever the answer changes."""
    last = ""
    code = CANNOT_TELL
    with Live(console=out, auto_refresh=False) as live:
        async with aclosing(watch(dsn, request)) as looks:
            async for look in looks:
                line = _outage_line(look) if isinstance(look, Outage) else tie_line(look.tie)
                shown: Group | Text = line
                if isinstance(look, Look):
                    code = _code(look.tie)
                    shown = _view(look, await read_books(connection, request.wallet), out.width)
                words = "outage" if isinstance(look, Outage) else _words(look.tie)
                if out.is_terminal:
                    live.update(shown, refresh=True)
                elif words != last:
                    out.print(line, soft_wrap=True)
                last = words
    return code


def _view(look: Look, books: WalletBooks, width: int) -> Group:
    head = Text.assemble(
        ("wallet ", "dim"),
        (short(books.wallet) if width < 100 else books.wallet, "bold"),
        ("  read up to block ", "dim"),
        f"{look.step.block.number:,}",
        ("  at ", "dim"),
        f"{when(look.step.block.at_ms)} UTC",
    )
    heard = Text.assemble(
        f"{look.transactions:,}",
        (" transactions  ", "dim"),
        f"{look.report.facts:,}",
        (" facts heard  ", "dim"),
        f"{books.head.seq:,}",
        (" entries in the log", "dim"),
    )
    if look.hearing:
        heard.append_text(
            Text.assemble(("  heads ", "dim"), (look.hearing, "" if look.hearing == "live" else "yellow"))
        )
    if look.left_out:
        heard.append_text(
            Text.assemble((f"  {look.left_out:,}", "yellow"), ("  found only by a second reading", "dim"))
        )
    return Group(
        head, heard, Text(), *_positions(books).lines(width), Text(), tie_line(look.tie), *_differences(look.tie)
    )


def _positions(books: WalletBooks) -> Grid:
    made = Grid(
        Column("condition", drop=4, groups=True),
        Column("outcome", drop=5, right=True),
        Column("shares", right=True),
        Column("cost basis", drop=2, right=True),
        Column("realized", drop=3, right=True),
        Column("fees", drop=6, right=True),
        Column("unexplained", drop=1, right=True),
    )
    rows = [row for row in books.rows.positions if row.shares or row.unexplained_shares]
    for row in sorted(rows, key=lambda r: -r.cost_basis)[:SHOWN]:
        unexplained = Text(decimal_text(row.unexplained_shares), "yellow") if row.unexplained_shares else Text("")
        made.add(
            short(row.condition_id, 10, 4),
            str(row.outcome_index) if row.outcome_index >= 0 else "?",
            money(row.shares),
            money(row.cost_basis),
            money(row.realized_pnl, signed=True),
            money(row.fees),
            unexplained,
        )
    return made


def tie_line(tie: TieOut) -> Text:
    """The one line that counts."""
    place = f"block {tie.block.number:,} ({short(tie.block.hash, 10, 4)})"
    if tie.holds:
        words = f"{counted(tie.tokens, 'balance')} and the collateral equal the chain at {place}, to the micro-unit"
        return Text.assemble((" TIES OUT ", "bold black on green"), f"  {words}")
    wrong = [f"{counted(len(tie.differences), 'balance')} of {tie.tokens}"] if tie.differences else []
    wrong += ["the collateral"] if tie.collateral.drift else []
    words = f"{' and '.join(wrong)} differ from the chain at {place}"
    return Text.assemble((" DOES NOT TIE OUT ", "bold white on red"), f"  {words}")


def _differences(tie: TieOut) -> list[Text]:
    return [
        Text.assemble(
            ("token ", "dim"),
            short(each.token_id, 8, 6),
            ("  books ", "dim"),
            decimal_text(each.books),
            ("  chain ", "dim"),
            decimal_text(each.chain),
            ("  drift ", "dim"),
            (decimal_text(each.drift), "bold red"),
            (f"  why: tieout explain {short(each.token_id, 8, 6)}", "dim"),
        )
        for each in tie.differences
    ] + _money(tie)


def _money(tie: TieOut) -> list[Text]:
    """The collateral, where it differs."""
    if not tie.collateral.drift:
        return []
    coins = ", ".join(f"{name} {decimal_text(held)}" for name, held in tie.collateral.coins.items())
    return [
        Text.assemble(
            ("collateral", "dim"),
            ("  books ", "dim"),
            decimal_text(tie.collateral.books),
            ("  chain ", "dim"),
            f"{decimal_text(tie.collateral.chain)} ({coins})",
            ("  drift ", "dim"),
            (decimal_text(tie.collateral.drift), "bold red"),
            ("  where: tieout audit --node URL", "dim"),
        )
    ]


def _outage_line(outage: Outage) -> Text:
    return Text.assemble(
        (" CANNOT TELL ", "bold black on yellow"),
        f"  no node has answered since {when(outage.since_ms)} UTC, trying again: {outage.reason}",
    )


def _words(tie: TieOut) -> str:
    drifts = [f"{each.token_id}:{each.drift}" for each in tie.differences]
    drifts += [f"collateral:{tie.collateral.drift}"] if tie.collateral.drift else []
    return ",".join(drifts) or "holds"


def _code(tie: TieOut) -> int:
    return HOLDS if tie.holds else DOES_NOT


def _json(look: Look, wallet: str) -> dict[str, object]:
    tie = look.tie
    return {
        "wallet": wallet,
        "block": {"number": tie.block.number, "hash": tie.block.hash, "at_ms": tie.block.at_ms},
        "ties_out": tie.holds,
        "balances": tie.tokens,
        "differences": [
            {"token_id": d.token_id, "books": str(d.books), "chain": str(d.chain), "drift": str(d.drift)}
            for d in tie.differences
        ],
        "collateral": {
            "books": str(tie.collateral.books),
            "chain": str(tie.collateral.chain),
            "drift": str(tie.collateral.drift),
            "coins": {name: str(held) for name, held in tie.collateral.coins.items()},
        },
    }
