"""`tieout certify` and `tieout verify`: a file that says what a wallet held at a block, and whether that is so."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tieout.app import certificate as form
from tieout.app.certificate import Certificate, Flaw
from tieout.app.certifying import Refused, asking, certify, known
from tieout.app.clock import now_ms
from tieout.app.database import session
from tieout.app.settings import Settings
from tieout.app.verifying import OF_LOG, OF_NODE, Check, State, not_made, of_file, of_log, of_node
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, wallet_address
from tieout.cli.output import (
    CANNOT_TELL,
    DOES_NOT,
    HOLDS,
    counted,
    entries_bar,
    err,
    fail,
    out,
    print_json,
    readable,
    run,
    say,
)
from tieout.client.endpoints import Endpoints
from tieout.store.wallets import head_of

SIZE_MAX = 64_000_000
"""Bytes; a certificate of 100,000 positions is smaller."""

SHOWN_MAX = 10
"""Flaws of one check on the screen; --json shows all of them."""


def certify_(
    wallet: Annotated[str, typer.Argument(help="The address whose books are certified.", callback=wallet_address)],
    node: Annotated[
        list[str] | None,
        typer.Option("--node", help="A Polygon JSON-RPC node; repeatable, the best first.", envvar="TIEOUT_NODE"),
    ] = None,
    path: Annotated[Path | None, typer.Option("--out", help="A new file; without it: standard output.")] = None,
    number: Annotated[
        int | None, typer.Option("--block", help="A final block; without it: the last one in the books.", min=0)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the books with the chain at a final block, and write what holds as a certificate.

    Exit code 0: certified; 1: something differs or an invariant does not hold, and nothing is written; 2: it could not
    be told.
    """

    async def work() -> int:
        if path is not None and path.exists():
            fail(f"{path} is there already: a certificate is never written over; name another file")
        async with session(Settings()) as connection, asking(tuple(node or Endpoints().rpc)) as chain:
            head, _, _ = await head_of(connection, await known(connection, wallet))
            with entries_bar() as bar:
                task = bar.add_task("folding the log", total=head.seq)
                made = await certify(
                    connection,
                    chain,
                    wallet,
                    made_at_ms=now_ms(),
                    number=number,
                    progress=lambda n: bar.update(task, completed=n),
                )
        if isinstance(made, Refused):
            _show_refused(made, as_json=as_json)
            return DOES_NOT
        data = form.written(made)
        if path is None:
            sys.stdout.write(data.decode())
        else:
            _write(path, data)
            _show_made(made, path, len(data), as_json=as_json)
        return HOLDS

    run(work)


def _write(path: Path, data: bytes) -> None:
    """A new file, whole or not at all."""
    try:
        with path.open("xb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                path.unlink()
                raise
    except FileExistsError:
        fail(f"{path} is there already: a certificate is never written over; name another file")


def _show_refused(refused: Refused, *, as_json: bool) -> None:
    if as_json:
        block = None if refused.block is None else {"number": refused.block.number, "hash": refused.block.hash}
        print_json({"certified": False, "block": block, "flaws": [_flaw_json(flaw) for flaw in refused.flaws]})
        return
    where = "" if refused.block is None else f" at block {refused.block.number:,} ({short(refused.block.hash, 10, 4)})"
    err.print(
        Text.assemble((" NOT CERTIFIED ", "bold white on red"), f"  the books do not hold{where}; nothing written")
    )
    for flaw in refused.flaws[:SHOWN_MAX]:
        _show_flaw(flaw, to_stderr=True)
    if len(refused.flaws) > SHOWN_MAX:
        err.print(Text(f"  ... and {len(refused.flaws) - SHOWN_MAX:,} more (--json shows all)", style="dim"))


def _show_made(made: Certificate, path: Path, size: int, *, as_json: bool) -> None:
    digest = form.digest_of(form.content_of(made))
    if as_json:
        block = {"number": made.block.number, "hash": made.block.hash}
        print_json({"certified": True, "file": str(path), "block": block, "digest": digest})
        return
    told = sum(each.result == form.HELD for each in made.invariants)
    out.print(
        Text.assemble(
            (" CERTIFIED ", "bold black on green"),
            f"  {counted(len(made.positions), 'position')} and {counted(len(made.collateral.coins), 'coin')} equal the "
            f"chain at block {made.block.number:,} ({short(made.block.hash, 10, 4)}), to the micro-unit",
        ),
        soft_wrap=not out.is_terminal,
    )
    say(("log      ", "dim"), f"{made.log.seq:,} entries, {told} invariants hold")
    say(("digest   ", "dim"), digest)
    say(("written  ", "dim"), f"{path}, {size:,} bytes")
    say(("next     ", "dim"), f"tieout verify {path} --node URL --log")


def verify_(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A certificate.")],
    node: Annotated[
        list[str] | None,
        typer.Option(
            "--node", help="Compare with the chain: a Polygon JSON-RPC node; repeatable.", envvar="TIEOUT_NODE"
        ),
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Fold it again from the log in this database.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a certificate: that no byte was changed; with --node that the chain says the same; with --log, the books.

    Exit code 0: all that was checked holds; 1: something does not; 2: something could not be told.
    """

    async def work() -> int:
        read = form.read(_bytes(path))
        checks = of_file(read)
        made = read.certificate
        if made is None:
            checks += not_made("node", OF_NODE) + not_made("log", OF_LOG)
        else:
            checks += await _against_node(made, node)
            checks += await _against_log(made, log=log)
        if as_json:
            print_json(_json(path, made, checks))
        else:
            _show(path, made, checks)
        return _code(checks)

    run(work)


def _bytes(path: Path) -> bytes:
    size = path.stat().st_size
    if size > SIZE_MAX:
        fail(f"{path} has {size:,} bytes: no certificate is as large")
    return path.read_bytes()


async def _against_node(made: Certificate, nodes: list[str] | None) -> list[Check]:
    if not nodes:
        return not_made("node", OF_NODE, "say --node URL, and the chain is asked")
    async with asking(nodes) as chain:
        return await of_node(made, chain)


async def _against_log(made: Certificate, *, log: bool) -> list[Check]:
    if not log:
        return not_made("log", OF_LOG, "say --log where the wallet's books are, and they are folded again")
    async with session(Settings()) as connection:
        with entries_bar() as bar:
            task = bar.add_task("folding the log", total=made.log.seq)
            return await of_log(made, connection, lambda n: bar.update(task, completed=n))


def _code(checks: list[Check]) -> int:
    states = {check.state for check in checks}
    if State.DOES_NOT in states:
        return DOES_NOT
    return CANNOT_TELL if State.UNTOLD in states else HOLDS


_MARKS = {
    State.HOLDS: ("✓", "green"),
    State.DOES_NOT: ("✗", "bold red"),
    State.UNTOLD: ("?", "bold yellow"),
    State.NOT_CHECKED: ("·", "dim"),
}


def _show(path: Path, made: Certificate | None, checks: list[Check]) -> None:
    if made is not None:
        _show_head(made)
    grid = Grid(
        Column(""),
        Column("by", groups=True),
        Column("what", folds=True),
        Column("checked", right=True),
        Column("result"),
    )
    for check in checks:
        mark, style = _MARKS[check.state]
        shade = "" if check.state is State.HOLDS else style
        checked = f"{check.checked:,}" if check.state in (State.HOLDS, State.DOES_NOT) else ""
        grid.add(
            Text(mark, style=style), check.of, Text(check.what, style=shade), checked, Text(check.state, style=style)
        )
    grid.print(out)
    for check in checks:
        _show_flaws(check)
    _show_verdict(path, checks)


def _show_head(made: Certificate) -> None:
    say(("wallet  ", "dim"), (made.wallet, "bold"), ("  chain ", "dim"), str(made.chain_id))
    say(("block   ", "dim"), f"{made.block.number:,}  {made.block.hash}  {made.block.time}")
    say(("made    ", "dim"), f"{made.made_at} by tieout {made.tieout}, from {made.log.seq:,} entries of the log")
    out.print()


def _show_flaws(check: Check) -> None:
    if not check.flaws:
        return
    out.print()
    say((f"{check.of}: {check.what}", "bold red"), (" does not hold", "bold red"))
    for flaw in check.flaws[:SHOWN_MAX]:
        _show_flaw(flaw)
    if len(check.flaws) > SHOWN_MAX:
        say((f"  ... and {len(check.flaws) - SHOWN_MAX:,} more (--json shows all)", "dim"))


def _show_flaw(flaw: Flaw, *, to_stderr: bool = False) -> None:
    console = err if to_stderr else out
    line = Text.assemble(("  ✗ ", "bold red"), (readable(flaw.where), "bold"), f"  {readable(flaw.what)}")
    console.print(line, soft_wrap=not console.is_terminal)
    if flaw.advice:
        console.print(Text.assemble(("    ", ""), (flaw.advice, "dim")), soft_wrap=not console.is_terminal)


def _show_verdict(path: Path, checks: list[Check]) -> None:
    out.print()
    notes = {(check.of, check.state, check.note): None for check in checks if check.note}
    for of, state, note in notes:
        say((f"{state} by the {of}: ", "bold yellow" if state is State.UNTOLD else "yellow"), note)
    code = _code(checks)
    if code == DOES_NOT:
        say((" DOES NOT HOLD ", "bold white on red"), f"  {path}: do not rely on it")
    elif code == CANNOT_TELL:
        say((" CANNOT TELL ", "bold black on yellow"), f"  {path}: what could be checked holds")
    else:
        word, sentence = _HOW_FAR[frozenset(check.of for check in checks if check.state is State.HOLDS)]
        say((f" {word} ", "bold black on green"), f"  {path}: {sentence}")


_HOW_FAR = {
    frozenset(("file",)): ("UNCHANGED", "as it was written; whether it is true, the chain and the log can tell"),
    frozenset(("file", "node")): ("HOLDS", "the chain says the same, to the micro-unit; not folded again from the log"),
    frozenset(("file", "log")): ("HOLDS", "the log gives the same, to the micro-unit; not compared with the chain"),
    frozenset(("file", "node", "log")): ("HOLDS", "the chain and the log say the same, to the micro-unit"),
}
"""What is said of a file that holds, by what it was compared with."""


def _json(path: Path, made: Certificate | None, checks: list[Check]) -> dict[str, object]:
    return {
        "file": str(path),
        "holds": _code(checks) == HOLDS,
        "wallet": None if made is None else made.wallet,
        "block": None if made is None else made.block.number,
        "checks": [
            {
                "by": check.of,
                "what": check.what,
                "state": str(check.state),
                "checked": check.checked,
                "note": check.note,
                "flaws": [_flaw_json(flaw) for flaw in check.flaws],
            }
            for check in checks
        ],
    }


def _flaw_json(flaw: Flaw) -> dict[str, str]:
    return {"where": flaw.where, "what": flaw.what, "advice": flaw.advice}
