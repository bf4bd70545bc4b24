"""`tieout audit` and `tieout replay`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tieout.app.database import database, session
from tieout.app.history import Verification, verify
from tieout.app.queries import require_wallet
from tieout.app.settings import Settings
from tieout.cli.audit_json import findings_json, wallet_json
from tieout.cli.audit_options import request_of
from tieout.cli.audit_steps import audited
from tieout.cli.audit_views import show
from tieout.cli.options import AsJson, NotAsKnown, NotAsOf, Wallet
from tieout.cli.output import CANNOT_TELL, DOES_NOT, HOLDS, entries_bar, fail, out, print_json, run, say
from tieout.store.connect import connected
from tieout.store.wallets import head_of

SHOWN_MAX = 10


def audit(
    address: Annotated[
        str | None, typer.Argument(metavar="WALLET", help="Any address; no key is needed.", show_default=False)
    ] = None,
    wallet: Annotated[str | None, typer.Option("--wallet", help="The same, as an option.")] = None,
    node: Annotated[
        list[str] | None,
        typer.Option(
            "--node", help="Compare with the chain: a Polygon JSON-RPC node; repeatable.", envvar="TIEOUT_NODE"
        ),
    ] = None,
    from_chain: Annotated[
        bool, typer.Option("--from-chain", help="First read the chain on, from logs alone; then a report.")
    ] = False,
    first: Annotated[
        int | None,
        typer.Option("--from-block", help="Where the wallet's history begins; needed only the first time.", min=0),
    ] = None,
    from_data_api: Annotated[
        bool, typer.Option("--from-data-api", help="Without a node: first book all that the Data API tells.")
    ] = False,
    data_api: Annotated[str | None, typer.Option("--data-api", help="Address of the Data API.")] = None,
    no_data_api: Annotated[
        bool, typer.Option("--no-data-api", help="With --from-chain: do not compare with the Data API.")
    ] = False,
    as_json: AsJson = False,
    _as_of: NotAsOf = None,
    _as_known: NotAsKnown = None,
) -> None:
    """Check every invariant, the log, and that the log gives the stored books; with a node, the chain's balances.

    With --from-chain the books are made from the chain's logs first (again: only what is new), and a report follows:
    positions, PnL after fees, rewards, and every difference from the Data API's own figures, which decide nothing.
    With --from-data-api they are made from its activity; what no row explains is inferred from what it states to be
    held, with a likely cause, where nothing has happened for longer than its lag.

    Exit code 0: all that was asked and can be told holds; 1: something does not; 2: it could not be told.
    """
    asked = request_of(address, wallet, node, from_chain, first, from_data_api, data_api, no_data_api)

    async def work() -> int:
        async with database(Settings()) as dsn, connected(dsn) as connection:
            found = await audited(dsn, connection, asked)
        if not asked.is_plain and as_json:
            print_json(wallet_json(found))
        elif as_json:
            print_json(findings_json(found.audit.findings))
        else:
            show(found)
        if not found.audit.holds:
            return DOES_NOT
        return CANNOT_TELL if found.is_unsure else HOLDS

    run(work)


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
