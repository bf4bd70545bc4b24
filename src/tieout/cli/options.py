"""Options that several commands share."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from tieout.app.history import Moment
from tieout.cli.output import parse_time, when

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def wallet_address(value: str) -> str:
    """The address in lower case. Raises BadParameter when it is none."""
    if not _ADDRESS.fullmatch(value):
        raise typer.BadParameter(f"expected a wallet address, 0x and 40 hex digits, was {value!r}")
    return value.lower()


def _wallet_or_none(value: str | None) -> str | None:
    return None if value is None else wallet_address(value)


Wallet = Annotated[
    str,
    typer.Option(
        "--wallet", help="Address that holds the tokens (proxy, safe or deposit wallet).", callback=wallet_address
    ),
]
AnyWallet = Annotated[
    str | None, typer.Option("--wallet", help="Only this wallet; all of them otherwise.", callback=_wallet_or_none)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table; amounts are micro-units.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="True then: only what happened by this time (ISO 8601 or Unix).")
]
AsKnown = Annotated[
    str | None,
    typer.Option("--as-known", help="Believed then: only what was heard by this time, or by entry #SEQ of the log."),
]


def _now_only(context: typer.Context, parameter: typer.CallbackParam, value: str | None) -> None:
    if value is not None:
        raise typer.BadParameter(
            f"{context.info_name} checks what is stored now against the whole log, which has no earlier state; "
            f"`tieout books {parameter.opts[0]} {value}` shows the books of that time",
            param_hint=parameter.opts[0],
        )


NotAsOf = Annotated[str | None, typer.Option("--as-of", hidden=True, callback=_now_only)]
NotAsKnown = Annotated[str | None, typer.Option("--as-known", hidden=True, callback=_now_only)]


def moment_of(as_of: str | None, as_known: str | None) -> Moment:
    """The point of view that the two options name. Raises ValueError on a time that is none."""
    true_at_ms = _time("--as-of", as_of) if as_of is not None else None
    if as_known is None:
        return Moment(true_at_ms=true_at_ms)
    if as_known.startswith("#"):
        if not (as_known[1:].isascii() and as_known[1:].isdigit() and len(as_known) < 20):
            raise ValueError(f"--as-known: expected an entry such as #1200, was {as_known!r}")
        return Moment(true_at_ms=true_at_ms, known_seq=int(as_known[1:]))
    return Moment(true_at_ms=true_at_ms, known_at_ms=_time("--as-known", as_known))


def _time(option: str, text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def moment_words(moment: Moment) -> str:
    """The point of view as a sentence; empty for now."""
    words = []
    if moment.true_at_ms is not None:
        words.append(f"as true at {when(moment.true_at_ms)} UTC")
    if moment.known_at_ms is not None:
        words.append(f"as believed at {when(moment.known_at_ms)} UTC")
    if moment.known_seq is not None:
        words.append(f"as believed at entry #{moment.known_seq:,} of the log")
    return " and ".join(words)
