"""The arguments and options of `tieout adjust`, checked before anything is read."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from tieout.cli.output import parse_time
from tieout.ledger.units import AmountError, micro

WORDS_MAX = 500
"""Characters of a reason or a name at most: it stands in the log for ever, and on one screen."""


def _words(value: str | None) -> str | None:
    if value is None:
        return None
    text = " ".join(value.split())
    if not text or not text.isprintable() or len(text) > WORDS_MAX:
        raise typer.BadParameter(f"expected 1 to {WORDS_MAX} printable characters, was {value!r:.80}")
    return text


def _checked(value: str | None, *, zero: bool = False, minus: bool = False) -> str | None:
    """The text as it was, when it is an amount."""
    if value is None:
        return None
    try:
        amount = micro(value)
    except AmountError as error:
        raise typer.BadParameter(str(error).removeprefix("amount: ")) from None
    if amount < 0 and not minus:
        raise typer.BadParameter(f"expected an amount without a minus, was {value!r}")
    if amount == 0 and not zero:
        raise typer.BadParameter(f"expected an amount above 0, was {value!r}")
    return value


def _positive(value: str | None) -> str | None:
    return _checked(value)


def at_least_zero(value: str | None) -> str | None:
    """The text of an amount that may be 0."""
    return _checked(value, zero=True)


def signed(value: str | None) -> str | None:
    """The text of an amount above or below 0."""
    return _checked(value, minus=True)


def _transaction(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"0x[0-9a-fA-F]{64}", value):
        raise typer.BadParameter(f"expected a transaction hash, 0x and 64 hex digits, was {value!r}")
    return value and value.lower()


def _condition(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"0x[0-9a-fA-F]{62,64}", value):
        raise typer.BadParameter(f"expected a condition id, 0x and 64 hex digits (62 on Protocol V2), was {value!r}")
    return value and value.lower()


def _time(value: str | None) -> str | None:
    if value is not None:
        try:
            parse_time(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return value


_WHICH = "The outcome token: its id, its beginning, or as the tables show it (12ab…89)."
TokenName = Annotated[str, typer.Argument(metavar="TOKEN", help=_WHICH)]
SetName = Annotated[str, typer.Argument(metavar="CONDITION", help="The condition, or one of its tokens.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="At most six decimals.", callback=_positive)]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept in the log.", callback=_words)]
Who = Annotated[
    str | None,
    typer.Option("--who", metavar="NAME", help="Who does it; the user of this system otherwise.", callback=_words),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="When it happened (ISO 8601 or Unix); --tx's time or now otherwise.",
        callback=_time,
    ),
]
Tx = Annotated[
    str | None,
    typer.Option("--tx", metavar="HASH", help="The transaction that is the evidence.", callback=_transaction),
]
Fee = Annotated[str, typer.Option("--fee", metavar="AMOUNT", help="The fee paid beside it.", callback=at_least_zero)]
New = Annotated[
    str | None,
    typer.Option("--condition", metavar="CID", help="For a token that the books never saw.", callback=_condition),
]
Look = Annotated[bool, typer.Option("--preview", help="Only show what it would do; book nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Book it though it breaks an invariant of the books.")]
