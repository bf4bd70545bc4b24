"""`tieout export`: a wallet's books as files for spreadsheets, data frames and ledgers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from tieout.app.database import session
from tieout.app.exports.export import Tally, export
from tieout.app.exports.files import may_write, whole_file
from tieout.app.exports.request import ExportRequest, Form, What
from tieout.app.history import NOW, Moment
from tieout.app.settings import Settings
from tieout.cli.export_progress import ExportBar
from tieout.cli.options import AsKnown, AsOf, Wallet, moment_of
from tieout.cli.output import HOLDS, counted, parse_time, print_json, run, say

STDOUT = "-"

app = typer.Typer(
    help="Write a wallet's books to a file: exact to the micro-unit, and whole or not at all. Tables are CSV or "
    "Parquet, a ledger is Beancount. docs/exports.md explains every column.",
    no_args_is_help=True,
)


class TableForm(StrEnum):
    """How a table is written."""

    CSV = "csv"
    PARQUET = "parquet"


Out = Annotated[str, typer.Option("--out", metavar="FILE|-", help="A new file; - for standard output.")]
TableFormat = Annotated[
    TableForm | None,
    typer.Option("--format", help="How it is written; without it as the file's name ends, CSV otherwise."),
]
Since = Annotated[str | None, typer.Option(help="Only from this time on (ISO 8601 or Unix).")]
Until = Annotated[str | None, typer.Option(help="Only before this time.")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
About = Annotated[bool, typer.Option("--json", help="Say what was written as one JSON document.")]


@dataclass(frozen=True, slots=True)
class _Target:
    """Where an export goes, and how what was done is told."""

    out: str
    force: bool
    as_json: bool

    def form(self, given: TableForm | None) -> Form:
        """The form that was named, else the one that the file's name ends with."""
        if given is not None:
            return Form(given.value)
        return Form.PARQUET if self.out.lower().endswith(".parquet") else Form.CSV

    def check(self, form: Form) -> None:
        """Refuse what cannot be written, before anything is read. Raises OSError or ValueError."""
        if self.out != STDOUT:
            may_write(Path(self.out), force=self.force)
        elif self.as_json:
            raise ValueError("--json: standard output has the export itself, name a file")
        elif form is Form.PARQUET and sys.stdout.isatty():
            raise typer.BadParameter(
                "Parquet is no text for a terminal: name a file, or use a pipe", param_hint="--out"
            )


def _history(what: What, words: str) -> None:
    """A command for a table that has a time in each row, and can be folded as of another time."""

    def command(
        wallet: Wallet,
        out: Out,
        form: TableFormat = None,
        since: Since = None,
        until: Until = None,
        as_of: AsOf = None,
        as_known: AsKnown = None,
        force: Force = False,
        as_json: About = False,
    ) -> None:
        target = _Target(out, force, as_json)
        _run(wallet, target, lambda: _table(what, target.form(form), (since, until), moment_of(as_of, as_known)))

    app.command(what.value, help=words)(command)


def _state(what: What, words: str) -> None:
    """A command for a table that tells a state."""

    def command(
        wallet: Wallet,
        out: Out,
        form: TableFormat = None,
        as_of: AsOf = None,
        as_known: AsKnown = None,
        force: Force = False,
        as_json: About = False,
    ) -> None:
        target = _Target(out, force, as_json)
        _run(wallet, target, lambda: _table(what, target.form(form), (None, None), moment_of(as_of, as_known)))

    app.command(what.value, help=words)(command)


_history(What.FILLS, "Every fill: amounts, fee, role, status, and the ids of trade, order and transaction.")
_history(What.ORDERS, "Every order: what the venue claims, what the fills cover, and the gap.")
_history(What.MOVEMENTS, "Every change of the books: fills, splits, merges, redemptions, transfers, cash.")
_state(What.POSITIONS, "Every outcome token that was held: shares, cost basis, PnL, fees.")
_history(What.TAX, "Every disposal by the lots it took, first in, first out, beside the average cost of the books.")
_state(What.LOTS, "The lots that are left, with what they cost.")
_state(What.YEARS, "The sums of the tax table and of what the venue paid, by year and kind.")


@app.command(What.MARKS.value)
def marks(
    wallet: Wallet,
    out: Out,
    form: TableFormat = None,
    since: Since = None,
    until: Until = None,
    force: Force = False,
    as_json: About = False,
) -> None:
    """What the whole wallet was worth, each time it was marked to market."""
    target = _Target(out, force, as_json)
    _run(wallet, target, lambda: _table(What.MARKS, target.form(form), (since, until), NOW))


@app.command(What.BEANCOUNT.value)
def beancount(
    wallet: Wallet,
    out: Out,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    bare: Annotated[
        bool,
        typer.Option("--bare", help="Without commodity directives, for a ledger that includes several wallets."),
    ] = False,
    force: Force = False,
    as_json: About = False,
) -> None:
    """The whole books as a Beancount ledger that balances exactly and checks itself when it is loaded."""

    def asked() -> ExportRequest:
        moment = moment_of(as_of, as_known)
        return ExportRequest(What.BEANCOUNT, Form.BEANCOUNT, moment=moment, commodities=not bare)

    _run(wallet, _Target(out, force, as_json), asked)


def _table(what: What, form: Form, window: tuple[str | None, str | None], moment: Moment) -> ExportRequest:
    since_ms, until_ms = _time("--since", window[0]), _time("--until", window[1])
    return ExportRequest(what, form, since_ms, until_ms, moment)


def _time(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def _run(wallet: str, target: _Target, asked: Callable[[], ExportRequest]) -> None:
    """Export what *asked* says; its errors are said as those of the work are."""

    async def work() -> int:
        request = asked()
        target.check(request.form)
        if target.out == STDOUT:
            await _write(wallet, request, sys.stdout.buffer)
            return HOLDS
        path = Path(target.out)
        with whole_file(path, force=target.force) as file:
            tally, digest = await _write(wallet, request, file)
        if target.as_json:
            print_json(_json(wallet, path, request, tally, digest))
        else:
            _show(path, request, tally, digest)
        return HOLDS

    run(work)


class _ReaderGoneError(Exception):
    """Nobody reads standard output any more. By any other name the database would be taken for what was lost."""


async def _write(wallet: str, request: ExportRequest, file: BinaryIO) -> tuple[Tally, str]:
    """Write the export; returns what was written, and its SHA-256. Raises BrokenPipeError when its reader has gone."""
    tally, digest = Tally(), sha256()
    try:
        async with session(Settings()) as connection:
            with ExportBar() as bar:
                async with aclosing(export(connection, wallet, request, tally, bar.reached)) as pieces:
                    async for piece in pieces:
                        digest.update(piece)
                        _put(file, piece)
    except _ReaderGoneError:
        raise BrokenPipeError from None
    return tally, digest.hexdigest()


def _put(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece)
        file.flush()
    except BrokenPipeError:
        raise _ReaderGoneError from None


def _json(wallet: str, path: Path, request: ExportRequest, tally: Tally, digest: str) -> dict[str, object]:
    head = tally.head
    return {
        "file": str(path),
        "what": request.what.value,
        "format": request.form.value,
        "wallet": wallet,
        "rows": tally.rows,
        "bytes": tally.bytes,
        "sha256": digest,
        "head": None if head is None else {"seq": head.seq, "hash": head.hash.hex()},
    }


def _show(path: Path, request: ExportRequest, tally: Tally, digest: str) -> None:
    noun = "transaction" if request.what is What.BEANCOUNT else "row"
    seq = tally.head.seq if tally.head is not None else 0
    say(("written  ", "dim"), (str(path), "bold"), f"  {counted(tally.rows, noun)}, {tally.bytes:,} bytes")
    say(("log      ", "dim"), f"{seq:,} entries")
    say(("sha256   ", "dim"), digest)
