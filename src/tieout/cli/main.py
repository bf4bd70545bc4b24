"""The command line: `tieout`. Only the command that was typed is loaded; for help, all of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

if not __debug__:
    sys.exit("tieout does not run under python -O: its own checks would be off")

COMMANDS = {
    "init": "init:init",
    "doctor": "doctor:doctor",
    "import": "importing:import_",
    "books": "books:books",
    "orders": "movements:orders",
    "fills": "movements:fills",
    "log": "log:log",
    "explain": "explain:explain",
    "export": "export:app",
    "replay": "audit:replay",
    "audit": "audit:audit",
    "certify": "certify:certify_",
    "verify": "certify:verify_",
    "demo": "demo:demo",
    "run": "run:run_",
    "watch": "watch:watch_",
    "desk": "desk:desk_",
    "runs": "runs:runs",
    "issues": "runs:issues",
    "quotes": "quotes:quotes",
    "control": "control:control",
    "pause": "control:pause",
    "resume": "control:resume",
    "halt": "control:halt",
    "alerts": "alerts:app",
    "adjust": "adjust:app",
    "catalog": "catalog:catalog",
    "db": "database:app",
    "metrics": "metrics:metrics",
    "sim": "sim:app",
}
"""Command -> the module of `tieout.cli` and the function, or the group of commands, that it is."""


def app_of(typed: Sequence[str]) -> typer.Typer:
    """The command line for what was *typed*: the one command it names, or all of them."""
    made = typer.Typer(
        name="tieout",
        help="Exact books for Polymarket wallets: every change of inventory with its evidence.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_nothing)  # a group, also with one command in it
    for name in [typed[0]] if typed and typed[0] in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"tieout.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=name)
        else:
            made.command(name)(found)
    return made


def _nothing() -> None:
    """Exact books for Polymarket wallets: every change of inventory with its evidence."""


def main() -> None:
    """Run what was typed."""
    app_of(sys.argv[1:])()
