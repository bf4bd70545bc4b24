"""Bytes to JSON values: numbers exact, duplicate keys refused, nothing of the content in an error but names."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

Row = dict[str, Any]
"""One parsed JSON object; numbers with a point or exponent are Decimal."""

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')
_MAX_DEPTH = 20


class WireError(ValueError):
    """The message is not what the venue's documents say. The text names the field, the expected and the found."""


def shown(value: object, *, quoted: bool = True) -> str:
    """*value* for a message: one line, printable, at most 80 characters."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = str(value)[:81]
    text = text if len(text) <= 80 else text[:79] + "…"
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "?" for c in text)
    return f"'{text}'" if quoted and isinstance(value, str) else text


def parse(raw: bytes) -> Any:
    """The JSON value of *raw*. Raises WireError when it is not JSON, names a key twice, or nests without end."""
    try:
        value = _decoder.decode(raw)
    except (msgspec.DecodeError, ArithmeticError, RecursionError, ValueError) as error:
        raise WireError(f"message: expected JSON, {shown(str(error), quoted=False)}") from None
    keys = _count_keys(value, 0)
    if raw.count(b'":') > keys or _SPACED_COLON.search(raw) is not None:
        _refuse_duplicates(raw)
    return value


def _count_keys(value: Any, depth: int) -> int:
    """How many keys all objects in *value* have together."""
    if depth > _MAX_DEPTH:
        raise WireError(f"message: expected at most {_MAX_DEPTH} levels of nesting")
    kind = type(value)
    if kind is dict:
        total = len(value)
        for item in value.values():
            if type(item) is not str and (type(item) is dict or type(item) is list):
                total += _count_keys(item, depth + 1)
        return total
    if kind is list:
        return sum(_count_keys(item, depth + 1) for item in value if type(item) is dict or type(item) is list)
    return 0


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Hook of json.loads: the object, or WireError when a key is there twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise WireError(f"message: duplicate key {shown(key)}")
        found[key] = value
    return found


def _refuse_duplicates(raw: bytes) -> None:
    """The slow, exact check. Numbers stay text: only the keys matter here."""
    json.loads(raw, object_pairs_hook=_unique, parse_int=str, parse_float=str)
