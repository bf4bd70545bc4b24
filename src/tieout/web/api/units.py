"""How figures, times and names are written in JSON."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic.functional_validators import AfterValidator

from tieout.app.desk.acting import WHO_MAX, WORDS_MAX
from tieout.ledger.units import AMOUNT_MAX

TIME_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""

NUMBER_MAX = (1 << 53) - 1
"""The largest number that every reader of JSON takes exactly."""

LIMIT_MAX = 1_000
"""Rows of one page."""

_WHOLE = re.compile(r"[0-9]{1,18}")

Micro = Annotated[
    int,
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^-?[0-9]+$", "examples": ["2500000"]}),
]
"""An amount: an integer of 10^-6, as a string, so that no reader of JSON makes a float of it."""


def _whole(value: Any) -> int:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise ValueError('expected an integer of micro-units as a string, such as "2500000"')
    if int(value) > AMOUNT_MAX:
        raise ValueError(f"expected at most {AMOUNT_MAX} micro-units")
    return int(value)


AskedMicro = Annotated[
    int,
    BeforeValidator(_whole),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,18}$", "examples": ["2500000"]}),
]
"""An amount that somebody tells: no minus."""


def _line(value: str) -> str:
    """One line of words. Raises ValueError."""
    words = " ".join(value.split())
    if not words.isprintable():
        raise ValueError("expected printable characters")
    return words


def _some(value: str) -> str:
    if not value:
        raise ValueError("expected words, was empty: they are kept in the history")
    return value


Who = Annotated[
    str,
    AfterValidator(_line),
    AfterValidator(_some),
    Field(max_length=WHO_MAX, description="Who does it; kept in the history.", examples=["ann's bot"]),
]
Why = Annotated[
    str,
    AfterValidator(_line),
    Field(max_length=WORDS_MAX, description="The reason; kept in the history.", examples=["the feed lags"]),
]

Name = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z_#:./-]*$", max_length=200)]
"""An id: of a condition, token, order or transaction."""

AtMs = Annotated[int, Field(description="Milliseconds of Unix time.", examples=[1789456200000])]
AskedMs = Annotated[int, Field(ge=0, le=TIME_MAX)]
AskedNumber = Annotated[int, Field(ge=0, le=NUMBER_MAX)]


class Model(BaseModel):
    """What the interface says: nothing that its description does not have."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def described(words: str, **more: Any) -> Any:
    """A field with its description."""
    return Field(description=words, **more)
