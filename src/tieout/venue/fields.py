"""Field readers: each takes one field of a row and gives the ledger's form of it, or says what was wrong.

Amounts and prices are integers of 10^-6; times are milliseconds of Unix time. The CLOB sends amounts as decimal
strings (polymarket.md 1.3), the Data API as JSON numbers (4.1); integers, strings and numbers are accepted everywhere.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any

from tieout.ledger.facts import Side
from tieout.ledger.units import AMOUNT_MAX, MICRO, AmountError, micro
from tieout.venue.wire import Row, WireError, shown

LARGEST_NUMBER = 2**63 - 1
"""Largest whole number that is no amount: indexes, times."""

_TENS: tuple[int, ...] = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "buy": Side.BUY, "sell": Side.SELL}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = Context(prec=120)
_NOISE_DECIMALS = 12


def _micro_text(text: str, field: str) -> int:
    """Micro-units of decimal text; plain decimals without a regular expression, the rest through units.micro."""
    whole, dot, fraction = text.partition(".")
    if whole.isdigit() and text.isascii() and len(text) <= 40:
        if not dot:
            return int(whole) * MICRO
        places = len(fraction)
        if places <= 6 and fraction.isdigit():
            return int(whole + fraction) * _TENS[6 - places]
    if len(text) > 100 or not text.isascii():
        raise WireError(f"{field}: expected a decimal number, was {shown(text)}")
    try:
        return micro(text, field)
    except AmountError as error:
        raise WireError(str(error)) from None


def _amount_of(value: Any, field: str) -> int:
    """Micro-units of a string, integer or Decimal; not negative."""
    kind = type(value)
    if kind is str:
        result = _micro_text(value, field)
    elif kind is int:
        result = value * MICRO
    elif kind is Decimal:
        result = _micro_text(str(value), field)
    else:
        raise WireError(f"{field}: expected a decimal number, was {shown(value)}")
    if not 0 <= result <= AMOUNT_MAX:
        what = "0 or more" if result < 0 else f"at most {AMOUNT_MAX // MICRO:,}"
        raise WireError(f"{field}: expected {what}, was {shown(value)}")
    return result


def amount(row: Row, field: str) -> int:
    """The field as micro-units, exact, at most six decimals, 0 or more."""
    return _amount_of(row.get(field), field)


def positive(row: Row, field: str) -> int:
    """Like `amount`, but more than 0."""
    result = _amount_of(row.get(field), field)
    if result == 0:
        raise WireError(f"{field}: expected more than 0, was {shown(row.get(field))}")
    return result


def price(row: Row, field: str = "price") -> int:
    """The field as a price in micro-units, strictly between 0 and 1."""
    result = _amount_of(row.get(field), field)
    if not 0 < result < MICRO:
        raise WireError(f"{field}: expected between 0 and 1, was {shown(row.get(field))}")
    return result


def float_amount(row: Row, field: str) -> int:
    """Like `amount`, for Data API floats, whose binary noise is rounded to the nearest micro.

    Noise shows twelve or more decimals (0.30000000000000004), or sixteen or more digits (10980911.728675001).
    """
    value = row.get(field)
    if type(value) is Decimal:
        _, digits, exponent = value.as_tuple()
        noisy = type(exponent) is int and exponent < -6 and (exponent <= -_NOISE_DECIMALS or len(digits) >= 16)
        if noisy and value.adjusted() < 20:
            value = value.quantize(Decimal("0.000001"), ROUND_HALF_EVEN, _EXACT)
    return _amount_of(value, field)


def number(row: Row, field: str) -> Decimal:
    """The field as an exact Decimal of reasonable size, 0 or more; for averages that are no amounts."""
    value = row.get(field)
    if type(value) is int:
        value = Decimal(value)
    elif type(value) is str and len(value) <= 100 and value.isascii():
        with suppress(ArithmeticError):
            value = Decimal(value)
    if type(value) is not Decimal or not value.is_finite():
        raise WireError(f"{field}: expected a decimal number, was {shown(row.get(field))}")
    if value < 0 or value.adjusted() > 20 or int(value.as_tuple().exponent) < -100:
        raise WireError(f"{field}: expected a small number of 0 or more, was {shown(row.get(field))}")
    return value


@lru_cache(maxsize=32768)
def _ident_text(text: str) -> str | None:
    """The id, 0x hex in lower case; None when it is no id."""
    if not 0 < len(text) <= 128 or " " in text or not text.isprintable():
        return None
    return text.lower() if text[:2] in ("0x", "0X") else text


def ident(row: Row, field: str) -> str:
    """The field as an id: 1 to 128 printable characters without whitespace; 0x hex in lower case."""
    value = row.get(field)
    return ident_of(value, field)


def ident_of(value: Any, field: str) -> str:
    """*value* as an id; `field` is for the message."""
    found = _ident_text(value) if type(value) is str else None
    if found is None:
        raise WireError(f"{field}: expected an id of 1 to 128 characters without spaces, was {shown(value)}")
    return found


def token(row: Row, field: str = "asset_id") -> str:
    """The field as a token id: decimal text (uint256); a JSON integer is accepted and stays exact."""
    value = row.get(field)
    if value is None and field == "asset_id":
        value = row.get("token_id")
    if type(value) is int and value >= 0:
        return str(value)
    return ident_of(value, field)


def condition(row: Row, field: str = "market") -> str:
    """The field as a condition id, "" when there is none. A bytes31 (Protocol V2) gets its cleared last byte back."""
    value = row.get(field)
    if value is None or value == "":
        return ""
    found = ident_of(value, field)
    return found + "00" if len(found) == 64 and found[:2] == "0x" else found


def tx_hash(row: Row, field: str = "transaction_hash") -> str:
    """The transaction hash, "" when null, empty or all zero (a match that is not broadcast, polymarket.md 2)."""
    value = row.get(field)
    if value is None or value == "":
        return ""
    found = ident_of(value, field)
    return "" if not found.strip("0x") else found


def side(row: Row, field: str = "side") -> Side:
    """The field as BUY or SELL."""
    value = row.get(field)
    found = _SIDES.get(value) if type(value) is str else None
    if found is None:
        raise WireError(f"{field}: expected BUY or SELL, was {shown(value)}")
    return found


def text(row: Row, field: str) -> str:
    """The field as printable text of at most 200 characters, "" when missing or null."""
    value = row.get(field)
    if value is None:
        return ""
    if type(value) is not str:
        raise WireError(f"{field}: expected text, was {shown(value)}")
    if len(value) <= 200 and value.isprintable():
        return value
    return "".join(c if c.isprintable() else "?" for c in value[:200])


def whole(row: Row, field: str, default: int = 0) -> int:
    """The field as a whole number of 0 or more; *default* when missing, null or empty."""
    value = row.get(field)
    if value is None or value == "":
        return default
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if type(value) is not int or not 0 <= value <= LARGEST_NUMBER:
        raise WireError(f"{field}: expected a whole number of 0 or more, was {shown(value)}")
    return value


def ident_list(row: Row, field: str) -> tuple[str, ...]:
    """The field as a list of ids; empty when missing or null."""
    value = row.get(field)
    if value is None or value == "":
        return ()
    if type(value) is not list:
        raise WireError(f"{field}: expected a list of ids or null, was {shown(value)}")
    return tuple(ident_of(item, field) for item in value)


def instant(row: Row, field: str) -> int:
    """The field as milliseconds: seconds, milli-, micro- or nanoseconds as number or text, or ISO 8601; 0 when none.

    Both seconds and milliseconds were seen in the same field (polymarket.md 3.1), so the magnitude decides.
    """
    value = row.get(field)
    if value is None or value == "":
        return 0
    if type(value) is str:
        if not (value.isascii() and value.isdigit() and len(value) <= 19):
            return _iso_ms(value, field)
        value = int(value)
    elif type(value) is Decimal and value.is_finite() and -20 < value.adjusted() < 19:
        return _magnitude_ms(int(value), field) + int(value % 1 * 1000 if value < 10**11 else 0)
    if type(value) is not int:
        raise WireError(f"{field}: expected a time, was {shown(value)}")
    return _magnitude_ms(value, field)


def _magnitude_ms(value: int, field: str) -> int:
    """Milliseconds of a Unix time whose unit shows in its magnitude."""
    if 0 <= value < 10**11:
        return value * 1000
    if 0 <= value < 10**14:
        return value
    if 0 <= value < 10**17:
        return value // 1000
    if 0 <= value < 10**20:
        return value // 10**6
    raise WireError(f"{field}: expected a time, was {shown(value)}")


def _iso_ms(value: str, field: str) -> int:
    """Milliseconds of ISO 8601 text; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        result = (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise WireError(f"{field}: expected a time, was {shown(value)}") from None
    if result < 0:
        raise WireError(f"{field}: expected a time since 1970, was {shown(value)}")
    return result
