"""Units: every amount in the books is a whole number of 10^-6 of a share or of collateral.

The outcome tokens and the collateral both have six decimals on chain, so a *micro-unit* is the smallest amount that
can exist. Text is turned into micro-units here and nowhere else; anything that does not fit exactly is refused.
"""

from __future__ import annotations

import re

MICRO = 1_000_000

AMOUNT_MAX = 10**17
"""The largest amount the books take: 10^11 shares or collateral, more than exists, and far inside 64 bits."""

_DECIMAL = re.compile(r"(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?")


class AmountError(ValueError):
    """The text is not an amount the books can hold. The sender is at fault; the message says what was expected."""


def micro(text: str, field: str = "amount") -> int:
    """Micro-units of a decimal *text*, exact. Raises AmountError on more than six decimals, NaN or other text."""
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        raise AmountError(f"{field}: expected a decimal number, was {text!r}")
    sign, whole, fraction, exponent = match.groups()
    fraction = fraction or ""
    shift = int(exponent or 0) + 6
    digits = whole + fraction
    places = shift - len(fraction)
    if places >= 0:
        value = int(digits) * int(10**places)
    else:
        kept, dropped = (digits[:places] or "0"), digits[places:]
        if dropped.strip("0"):
            raise AmountError(f"{field}: expected at most 6 decimals, was {text!r}")
        value = int(kept)
    if value > AMOUNT_MAX:
        raise AmountError(f"{field}: expected at most {AMOUNT_MAX // MICRO:,}, was {text!r}")
    return -value if sign else value


def decimal_text(amount: int, places: int = 6) -> str:
    """A micro-unit *amount* as decimal text with six places; for people, never for arithmetic."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), MICRO)
    return f"{sign}{whole:,}.{fraction:06d}"[: None if places >= 6 else places - 6]


def cash_of(shares: int, price: int) -> int:
    """Collateral for *shares* at *price* (both micro), rounded down.

    The exchange rounds the same way: floor(price x size) met 21 of 21 recorded taker fills
    (`polymarket.md` 6.5); the chain's own amount replaces it when it is known.
    """
    return shares * price // MICRO
