"""`tieout audit` and `tieout replay`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tieout.app.auditing import Audit, audit_wallet
from tieout.app.database import session
from tieout.app.history import Verification, verify
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.cli.options import AsJson, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, err, fail, out, print_json, run, table
from tieout.ledger.invariants import Finding
from tieout.store.wallets import head_of

SHOWN_MAX = 10


def audit(wallet: Wallet, as_json: AsJson = False) -> None:
    """Check every invariant, the log, and that the log gives the stored books.

    Exit code 0: all that the books can tell holds; 1: something does not; 2: it could not be told.
    """

    async def work() -> int:
        async with session(Settings()) as connection:
            wallet_id = await require_wallet(connection, wallet)
            head, _, _ = await head_of(connection, wallet_id)
            with _bar(as_json) as bar:
                task = bar.add_task("auditing", total=head.seq)
                found = await audit_wallet(connection, wallet_id, lambda n: bar.update(task, completed=n))
        if as_json:
            print_json([_json(finding) for finding in found.findings])
        else:
            _show(found)
        return HOLDS if found.holds else DOES_NOT

    run(work)


def _bar(off: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("entries"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=off,
    )


def _json(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "sentence": finding.sentence,
        "holds": finding.holds,
        "checked": finding.checked,
        "violations": list(finding.violations),
    }


def _show(found: Audit) -> None:
    made = table(("", "left"), ("id", "left"), ("invariant", "left"), ("checked", "right"), ("violations", "right"))
    for finding in found.findings:
        mark, style = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("·", "dim")}[finding.holds]
        count = "not from the books alone" if finding.holds is None else f"{len(finding.violations):,}"
        made.add_row(
            Text(mark, style=style),
            finding.id,
            Text(finding.sentence, style=style if finding.holds is not True else ""),
            f"{finding.checked:,}",
            Text(count, style=style),
        )
    out.print(made)
    for finding in found.findings:
        for violation in finding.violations[:SHOWN_MAX]:
            out.print(Text.assemble((f"  {finding.id} ", "bold red"), violation), soft_wrap=True)
        if len(finding.violations) > SHOWN_MAX:
            out.print(f"  {finding.id} ... and {len(finding.violations) - SHOWN_MAX:,} more (--json shows all)")
    if found.notes:
        out.print(Text("\nOutside statements that differ (a witness with a lag, never a correction):", style="yellow"))
        for note in found.notes[:SHOWN_MAX]:
            out.print(Text(f"  {note}", style="dim"), soft_wrap=True)
    out.print()
    out.print(Text("the books tie out", style="bold green") if found.holds else Text("NOT tied out", style="bold red"))


def replay(
    wallet: Wallet,
    as_json: AsJson = False,
    check: Annotated[bool, typer.Option("--verify", help="Compare with the stored state, byte for byte.")] = False,
) -> None:
    """Fold the whole log again from its first entry, verifying the hash chain."""
    if not check:
        fail("say --verify: replay compares the log with the stored books and changes nothing")

    async def work() -> int:
        async with session(Settings()) as connection:
            wallet_id = await require_wallet(connection, wallet)
            head, _, _ = await head_of(connection, wallet_id)
            with _bar(as_json) as bar:
                task = bar.add_task("replaying", total=head.seq)
                result = await verify(connection, wallet_id, lambda n: bar.update(task, completed=n))
        if as_json:
            print_json(_replay_json(result))
        else:
            _show_replay(result)
        return HOLDS if result.holds else DOES_NOT

    run(work)


def _replay_json(result: Verification) -> dict[str, object]:
    return {
        "holds": result.holds,
        "entries": result.entries,
        "head": {"seq": result.head.seq, "hash": result.head.hash.hex()},
        "chain_breaks": list(result.chain_breaks),
        "differences": list(result.differences),
    }


def _show_replay(result: Verification) -> None:
    if result.holds:
        out.print(
            Text.assemble(
                ("✓ ", "green"), f"{result.entries:,} entries, the chain is unbroken, and they give the stored books "
            ),
            Text(f"head {result.head.hash.hex()[:16]}", style="dim"),
        )
        return
    for line in (*result.chain_breaks, *result.differences)[: 4 * SHOWN_MAX]:
        out.print(Text.assemble(("✗ ", "bold red"), line), soft_wrap=True)
    out.print(Text(f"{len(result.chain_breaks)} breaks, {len(result.differences)} differences", style="bold red"))
