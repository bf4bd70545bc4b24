"""Values of a configuration file: what each may be, and what is said of one that is something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeVar
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address

from tieout.app.config import slug_of
from tieout.ledger.units import AmountError, micro

T = TypeVar("T")
D = TypeVar("D")

AMOUNT = 'an amount such as 0.01 or "0.01", of at most 6 decimals'
SHOWN_MAX = 60

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_CONDITION = re.compile(r"0x[0-9a-fA-F]{64}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
_KEYLIKE = re.compile(r"[0-9a-fA-F]{50,}|(\w+ ){11,}")
"""Long enough to be a private key, or a list of words."""


class WrongError(Exception):
    """A value is not what it should be. `was` "" lets the value be shown; *todo* is what to do about it."""

    def __init__(self, expected: str, todo: str = "", was: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.todo = todo
        self.was = was


class Table:
    """One table of the file. What is wrong is added to `problems`, and the default is taken in its place."""

    def __init__(self, path: str, rows: Mapping[str, Any], problems: list[str], kind: str = "") -> None:
        """*kind* is the table whose keys it has, "" its own name."""
        self.path = path
        self.problems = problems
        self._kind = kind or path
        self._rows = rows

    def has(self, name: str) -> bool:
        """Whether the file says something of *name*."""
        return name in self._rows

    def names(self) -> tuple[str, ...]:
        """Every key."""
        return tuple(self._rows)

    def take(self, name: str, read: Callable[[Any], T], default: D) -> T | D:
        """The value of *name* by *read*, which raises WrongError; *default* where there is none or a wrong one."""
        if name not in self._rows:
            return default
        value = self._rows[name]
        try:
            return read(value)
        except WrongError as wrong:
            self.problem(name, wrong.expected, wrong.was or shown(value), wrong.todo)
            return default

    def needed(self, name: str, read: Callable[[Any], T], what: str) -> T | None:
        """As `take`, but a missing value is a problem."""
        if name not in self._rows:
            self.problem(name, what, "nothing", "add it; `tieout init` finds it out")
        return self.take(name, read, None)

    def table(self, name: str, kind: str = "") -> Table:
        """The table *name*, empty where there is none."""
        rows = self.take(name, _rows, {})
        return Table(self._name(name), rows, self.problems, kind)

    def end(self, keys: Mapping[str, Iterable[str]]) -> None:
        """Every key that is none is a problem. *keys* are those of each table; its tables are those of the root."""
        known = tuple(keys) if self._kind == "" else tuple(keys[self._kind])
        for name in self._rows:
            if name not in known:
                self.problems.append(f"{self._name(name)}: no such key; {_meant(name, known, self.path, keys)}")

    def problem(self, name: str, expected: str, was: str, todo: str = "") -> None:
        """One line: where, what was expected, what was there, what to do."""
        do = f"; {todo}" if todo else "; correct it, or delete the line for the default"
        self.problems.append(f"{self._name(name)}: expected {expected}, was {was}{do}")

    def _name(self, name: str) -> str:
        written = name if re.fullmatch(r"[\w-]+", name) else f'"{name}"'
        if _KEYLIKE.search(name) and not _CONDITION.fullmatch(name):
            written = "(a long name)"
        return f"{self.path}.{written}" if self.path else written


def _meant(name: str, known: tuple[str, ...], path: str, keys: Mapping[str, Iterable[str]]) -> str:
    """What the writer of an unknown key may have had in mind."""
    elsewhere = [table for table, names in keys.items() if name in names and table != path]
    if elsewhere:
        return f"did you mean {name} in [{elsewhere[0]}]?"
    if near := get_close_matches(name, known, 1, 0.5):
        return f"did you mean {near[0]}?"
    everywhere = {each: table for table, names in keys.items() for each in names}
    if near := get_close_matches(name, everywhere, 1, 0.75):
        return f"did you mean {near[0]} in [{everywhere[near[0]]}]?"
    return f"there are {', '.join(known)}" if known else "delete it"


def shown(value: Any) -> str:
    """A value for a message; nothing that could be a key gets out."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value) if len(str(value)) <= SHOWN_MAX else "a very long number"
    if isinstance(value, str):
        if _KEYLIKE.search(value):
            return "a text that could be a key, which is not repeated here"
        return repr(value) if len(value) <= SHOWN_MAX else f"a text of {len(value)} characters"
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a table"
    return "a date or time"


def _rows(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongError("a table", "write its keys below a line with its name in brackets")
    return value


def text(value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise WrongError("a text in quotes")
    return value


def flag(value: Any) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise WrongError("true or false")
    return value


def whole(value: Any) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongError("a whole number")
    return value


def within(low: int, high: int, unit: str = "") -> Callable[[Any], int]:
    """A whole number from *low* to *high*."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise WrongError(f"{low} to {high}{' ' if unit else ''}{unit}")
        return value

    return read


def amount(value: Any) -> int:
    """Micro-units of a decimal amount, exact."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise WrongError(AMOUNT)
    try:
        return micro(str(value))
    except AmountError:
        raise WrongError(AMOUNT) from None


def choice(*words: str) -> Callable[[Any], str]:
    """One of *words*."""

    def read(value: Any) -> str:
        if value in words:
            return str(value)
        near = get_close_matches(value, words, 1, 0.5) if isinstance(value, str) else []
        raise WrongError(f"one of {', '.join(words)}", f"did you mean {near[0]}?" if near else "")

    return read


def list_of(read: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """A list, each item by *read*."""

    def read_all(value: Any) -> list[T]:
        if not isinstance(value, list):
            raise WrongError("a list in brackets")
        found = []
        for item in value:
            try:
                found.append(read(item))
            except WrongError as wrong:
                raise WrongError(f"{wrong.expected} in each place", wrong.todo, wrong.was or shown(item)) from None
        return found

    return read_all


def address(value: Any) -> str:
    """A lower-case address. Capital letters, where there are both, must be right: they are the address's check."""
    expected = "an address, 0x and 40 hex digits"
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise WrongError(expected, "copy it from your profile on the site")
    digits = value[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(value):
        raise WrongError("an address whose capital letters fit", "a digit was mistyped: copy it again")
    if int(value, 16) == 0:
        raise WrongError(expected, "the zero address holds nothing: name your own")
    return value.lower()


def place(*schemes: str, empty: bool = False) -> Callable[[Any], str]:
    """An address of a service, without a slash at the end. It is never repeated: its path may hold a key."""
    expected = " or ".join(f"{scheme}://" for scheme in schemes) + " and a host"

    def read(value: Any) -> str:
        if empty and value == "":
            return ""
        if not isinstance(value, str):
            raise WrongError(expected)
        try:
            parts = urlsplit(value)
            known = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            known = False
        if not known:
            raise WrongError(expected, was="an address that is none of those")
        return value.rstrip("/")

    return read


def market_name(value: Any) -> str:
    """A condition id, a slug, or an address of the site."""
    expected = "a condition id (0x and 64 hex digits), a slug, or the address of a market's page"
    if not isinstance(value, str):
        raise WrongError(expected)
    if _CONDITION.fullmatch(value) or (not value.startswith("0x") and _SLUG.fullmatch(slug_of(value))):
        return value
    raise WrongError(expected, "copy it from the address of the market's page")
