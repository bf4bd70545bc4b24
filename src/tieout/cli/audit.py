"""`tieout audit` and `tieout replay`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tieout.app.auditing import Audit, audit_wallet
from tieout.app.database import session
from tieout.app.history import Verification, verify
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson, NotAsKnown, NotAsOf, Wallet
from tieout.cli.output import DOES_NOT, HOLDS, entries_bar, fail, out, print_json, readable, run, say
from tieout.ledger.invariants import Finding
from tieout.store.wallets import head_of

SHOWN_MAX = 10


def audit(wallet: Wallet, as_json: AsJson = False, _as_of: NotAsOf = None, _as_known: NotAsKnown = None) -> None:
    """Check every invariant, the log, and that the log gives the stored books.

    Exit code 0: all that the books can tell holds; 1: something does not; 2: it could not be told.
    """

    async def work() -> int:
        async with session(Settings()) as connection:
            wallet_id = await require_wallet(connection, wallet)
            head, _, _ = await head_of(connection, wallet_id)
            with entries_bar() as bar:
                task = bar.add_task("auditing", total=head.seq)
                found = await audit_wallet(connection, wallet_id, lambda n: bar.update(task, completed=n))
        if as_json:
            print_json([_json(finding) for finding in found.findings])
        else:
            _show(found, wallet)
        return HOLDS if found.holds else DOES_NOT

    run(work)


def _json(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "sentence": finding.sentence,
        "holds": finding.holds,
        "checked": finding.checked,
        "violations": list(finding.violations),
    }


_MARKS = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("·", "dim")}


def _show(found: Audit, wallet: str) -> None:
    made = Grid(
        Column(""),
        Column("id"),
        Column("invariant", folds=True),
        Column("checked", drop=1, right=True),
        Column("violations", right=True),
    )
    for finding in found.findings:
        mark, style = _MARKS[finding.holds]
        made.add(
            Text(mark, style=style),
            finding.id,
            Text(finding.sentence, style="" if finding.holds is True else style),
            Text(f"{finding.checked:,}" if finding.checked else "none", style="" if finding.checked else "dim"),
            Text("not told" if finding.holds is None else f"{len(finding.violations):,}", style=style),
        )
    made.print(out)
    _show_violations(found)
    if found.notes:
        out.print()
        say(("Outside statements that differ (a witness with a lag, never a correction):", "yellow"))
        for note in found.notes[:SHOWN_MAX]:
            say(f"  {readable(note)}")
        if len(found.notes) > SHOWN_MAX:
            say((f"  ... and {len(found.notes) - SHOWN_MAX:,} more", "dim"))
    _show_verdict(found, wallet)


def _show_violations(found: Audit) -> None:
    for finding in found.findings:
        if finding.violations:
            out.print()
            say((f"{finding.id} does not hold", "bold red"))
        for violation in finding.violations[:SHOWN_MAX]:
            say(f"  {readable(violation)}")
        if len(finding.violations) > SHOWN_MAX:
            say((f"  ... and {len(finding.violations) - SHOWN_MAX:,} more (--json shows all)", "dim"))


def _show_verdict(found: Audit, wallet: str) -> None:
    untold = [finding.id for finding in found.findings if finding.holds is None]
    broken = [finding.id for finding in found.findings if finding.holds is False]
    out.print()
    if untold:
        say((f"not told: {' and '.join(untold)} need the chain or the venue; the books alone cannot tell", "dim"))
    if broken:
        words = "invariant does" if len(broken) == 1 else "invariants do"
        say(("NOT tied out: ", "bold red"), f"{len(broken)} {words} not hold ({', '.join(broken)})")
        say(("next: ", "dim"), f"tieout explain TOKEN --wallet {wallet}")
    else:
        say(("The books tie out: ", "bold green"), f"{len(found.findings) - len(untold)} invariants hold")


def replay(
    wallet: Wallet,
    as_json: AsJson = False,
    check: Annotated[bool, typer.Option("--verify", help="Compare with the stored state, byte for byte.")] = False,
    _as_of: NotAsOf = None,
    _as_known: NotAsKnown = None,
) -> None:
    """Fold the whole log again from its first entry, verifying the hash chain."""
    if not check:
        fail("say --verify: replay compares the log with the stored books and changes nothing")

    async def work() -> int:
        async with session(Settings()) as connection:
            wallet_id = await require_wallet(connection, wallet)
            head, _, _ = await head_of(connection, wallet_id)
            with entries_bar() as bar:
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
        say(("✓ ", "green"), f"{result.entries:,} entries, each carries the hash of the one before")
        say(("✓ ", "green"), "folded again from the first, they give the stored books byte for byte")
        out.print(Text.assemble(("  head ", "dim"), result.head.hash.hex()), soft_wrap=True)
        return
    found = (*result.chain_breaks, *result.differences)
    for line in found[: 4 * SHOWN_MAX]:
        say(("✗ ", "bold red"), line)
    if len(found) > 4 * SHOWN_MAX:
        say((f"  ... and {len(found) - 4 * SHOWN_MAX:,} more (--json shows all)", "dim"))
    say((f"{len(result.chain_breaks):,} breaks of the chain, {len(result.differences):,} differences", "bold red"))
