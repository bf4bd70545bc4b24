"""`tieout db backup`, `verify-backup` and `restore`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tieout.app.backing import Backup, check_backup, make_backup, restore_backup
from tieout.app.clock import now_ms
from tieout.app.settings import Settings
from tieout.cli.grid import Column, Grid
from tieout.cli.options import AsJson
from tieout.cli.output import DOES_NOT, HOLDS, counted, err, fail, out, print_json, run, say, when
from tieout.store.archive import BackupError, Told

ROWS_SHOWN = ("log", "raw_message", "movements", "positions", "orders", "sync_run", "sync_issue")

File = Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")]


def backup(
    to: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A new file, or a directory: named by the time.")],
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="With a directory: keep so many of its backups, no more.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write everything of one moment into one file, while workers go on. No secret is in it.

    The schema stays what it is, so it can be made before an update.
    """
    if keep is not None and not to.is_dir():
        raise typer.BadParameter("it goes with a directory", param_hint="--keep")

    async def work() -> int:
        with err.status("reading the database") as status:
            made = await make_backup(
                Settings(),
                to,
                now_ms(),
                lambda table, size: status.update(f"writing {table}: {size / 1e6:,.0f} MB so far"),
                keep,
            )
        _show("backup made", made, as_json=as_json)
        return HOLDS

    run(work)


def verify_backup(file: File, as_json: AsJson = False) -> None:
    """Check every part of a backup and the hash chain of every log, without a database: 0 it holds, 1 it does not."""

    async def work() -> int:
        if not file.is_file():
            fail(f"{file} is no file")
        try:
            with _reading(file) as told:
                found = check_backup(file, told)
        except BackupError as error:
            if as_json:
                print_json({"holds": False, "problem": str(error)})
            else:
                say((" DOES NOT HOLD ", "bold white on red"), f"  {error}")
            return DOES_NOT
        _show("backup holds", found, as_json=as_json)
        return HOLDS

    run(work)


def restore(
    file: File,
    into: Annotated[
        str | None,
        typer.Option(
            "--into",
            metavar="ADDRESS",
            help="An empty database, postgresql://...; better by TIEOUT_DB, which other users cannot see.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty database: all of it, checked, or nothing. It is brought to the newest schema.

    Then `tieout replay --verify` folds every log again and compares.
    """

    async def work() -> int:
        settings = Settings() if into is None else Settings(db=into)
        with _reading(file) as told:
            restored = await restore_backup(settings, file, told)
        _show("restored", restored, as_json=as_json)
        return HOLDS

    run(work)


@contextmanager
def _reading(file: Path) -> Iterator[Told]:
    """Progress over the bytes of the file, on standard error, only where somebody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("reading", total=file.stat().st_size if file.is_file() else None)
        yield lambda table, position: bar.update(task, description=f"reading {table}", completed=position)


def _show(what: str, found: Backup, *, as_json: bool) -> None:
    head = found.head
    if as_json:
        print_json(
            {
                "holds": True,
                "file": str(found.path),
                "bytes": found.size,
                "made_at_ms": head.made_at_ms,
                "tieout": head.tieout,
                "schema": head.schema,
                "wallets": [{"address": each.address, "seq": each.seq, "hash": each.hash} for each in head.wallets],
                "rows": found.manifest.rows,
                "removed": [str(path) for path in found.removed],
            }
        )
        return
    grid = Grid(Column("wallet"), Column("entries", right=True), Column("head", drop=1))
    for wallet in head.wallets:
        grid.add(wallet.address, f"{wallet.seq:,}", Text(wallet.hash[:16], "dim"))
    if head.wallets:
        grid.print(out)
        out.print()
    rows = ", ".join(f"{found.manifest.rows[name]:,} {name}" for name in ROWS_SHOWN if found.manifest.rows.get(name))
    say(
        (what, "bold green"),
        f": {found.path}, {found.size / 1e6:,.1f} MB, of {when(head.made_at_ms)} UTC, schema {head.schema}"
        f"{'; ' + rows if rows else ''}",
    )
    if found.removed:
        say((f"{counted(len(found.removed), 'older backup')} removed", "dim"))
