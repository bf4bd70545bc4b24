"""Options that several commands share."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from tieout.app.history import Moment
from tieout.cli.output import parse_time

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def _wallet(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise typer.BadParameter(f"expected a wallet address 0x + 40 hex digits, was {value!r}")
    return value.lower()


Wallet = Annotated[
    str,
    typer.Option("--wallet", help="Address that holds the tokens (proxy, safe or deposit wallet).", callback=_wallet),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table; amounts are micro-units.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="True then: only what happened by this time (ISO 8601 or Unix).")
]
AsKnown = Annotated[
    str | None,
    typer.Option("--as-known", help="Believed then: only what was heard by this time, or by entry #SEQ of the log."),
]


def moment_of(as_of: str | None, as_known: str | None) -> Moment:
    """The point of view that the two options name. Raises ValueError on a time that is none."""
    true_at_ms = parse_time(as_of) if as_of else None
    if as_known and as_known.startswith("#"):
        if not as_known[1:].isdigit():
            raise ValueError(f"expected an entry such as #1200, was {as_known!r}")
        return Moment(true_at_ms=true_at_ms, known_seq=int(as_known[1:]))
    return Moment(true_at_ms=true_at_ms, known_at_ms=parse_time(as_known) if as_known else None)
