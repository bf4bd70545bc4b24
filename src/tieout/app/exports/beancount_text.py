"""The words of a Beancount ledger: strings, numbers, metadata, directives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from tieout.ledger.units import MICRO

Meta = Mapping[str, str | int | None]
"""Key -> text or number; what is None or "" is left out."""

_LINK = re.compile(r"[A-Za-z0-9\-_/.]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLACES: Final = 12


class Posting(NamedTuple):
    """An amount of a commodity on an account, in units of 10^-12; *cost* as it is written, "" for none."""

    account: str
    amount: int
    commodity: str
    cost: str = ""


def quoted(text: str) -> str:
    """*text* as a string. Control characters, which have no place in a ledger of lines, become blanks."""
    return '"' + _CONTROL.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def number(amount: int) -> str:
    """An *amount* of 10^-12 as a decimal: six places, more where it has more."""
    whole, fraction = divmod(abs(amount), MICRO * MICRO)
    places = f"{fraction:0{_PLACES}d}".rstrip("0").ljust(6, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{places}"


def links(names: Iterable[str]) -> str:
    """The *names* that can be links, as links: transactions of one name are found together."""
    return "".join(f" ^{name}" for name in dict.fromkeys(names) if _LINK.fullmatch(name))


def metadata(meta: Meta) -> list[str]:
    """The lines of *meta*."""
    return [
        f"  {key}: {quoted(value) if isinstance(value, str) else value}"
        for key, value in meta.items()
        if value is not None and value != ""
    ]


def posting(line: Posting) -> str:
    """One line of a transaction."""
    return f"  {line.account}  {number(line.amount)} {line.commodity}{' ' + line.cost if line.cost else ''}"


def opened(day: date, account: str, commodities: Iterable[str], meta: Meta) -> list[str]:
    """An account, from *day* on. STRICT: Beancount itself refuses to take from a lot more than it holds."""
    names = list(commodities)
    booking = ' "STRICT"' if len(names) > 1 else ""
    return [f"{day} open {account} {','.join(names)}{booking}", *metadata(meta)]


def balance(day: date, account: str, amount: int, commodity: str) -> str:
    """Beancount must find exactly this before *day*; no tolerance."""
    return f"{day} balance {account} {number(amount)} ~ 0 {commodity}"
