"""What a request is about: a wallet, and a page of its rows."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Annotated

import asyncpg
from fastapi import Depends, Path, Query, Request

from tieout.app.desk.trades import Place, place_of
from tieout.store.wallets import head_of, wallet_id_of
from tieout.web.api.problems import ApiError
from tieout.web.api.units import LIMIT_MAX, AskedNumber, Name
from tieout.web.house import House, house_of

_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,700}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request about *wallet*."""

    house: House
    wallet: str
    wallet_id: int

    @property
    def now_ms(self) -> int:
        """The time."""
        return self.house.now_ms()

    async def seq(self, connection: asyncpg.Connection) -> int:
        """The entry of the log that the books are at."""
        head, _, _ = await head_of(connection, self.wallet_id)
        return head.seq


Address = Annotated[
    str,
    Path(
        pattern="^0x[0-9a-fA-F]{40}$",
        description="Address of the wallet that holds the tokens.",
        examples=["0x7e570000000000000000000000000000000000a1"],
    ),
]


async def asked(request: Request, wallet: Address) -> Asked:
    """What is asked. Raises ApiError where the database has no such wallet."""
    house, address = house_of(request), wallet.lower()
    async with house.connection() as connection:
        wallet_id = await wallet_id_of(connection, address)
    if wallet_id is None:
        raise ApiError(404, f"this database has no books of wallet {address}; GET /api/v1/wallets lists those it has")
    return Asked(house, address, wallet_id)


Asking = Annotated[Asked, Depends(asked)]

ConditionId = Annotated[Name, Path(description="Condition id of a market.", examples=["0xc0ffee"])]
Market = Annotated[Name | None, Query(description="Only this market, by its condition id.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description=f"Rows of a page, {LIMIT_MAX} at most.")]
Cursor = Annotated[
    str | None, Query(description="Where the page begins: the `next` of the page before.", max_length=700)
]
SeqPath = Annotated[AskedNumber, Path(description="Number of an entry of the log.")]
NumberPath = Annotated[AskedNumber, Path(description="Its number.")]


def lowered(name: str | None) -> str:
    """A condition as the books write it; "" where none is named."""
    return (name or "").lower()


def cursor_of(sort: str, place: object) -> str:
    """*place* as it travels in an address: letters, digits, - and _. *sort* keeps cursors of other lists out."""
    return base64.urlsafe_b64encode(f"{sort}:{place}".encode()).decode().rstrip("=")


def place_in(sort: str, cursor: str | None) -> str:
    """The place that *cursor* holds, "" for none. Raises ApiError."""
    if not cursor:
        return ""
    if _CURSOR.fullmatch(cursor):
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        if text.startswith(f"{sort}:") and "\0" not in text:
            return text.removeprefix(f"{sort}:")
    raise ApiError(400, "cursor: expected the `next` of an earlier page of the same list, as it was told")


def row_place(sort: str, cursor: str | None) -> Place | None:
    """The place of a row by its time. Raises ApiError."""
    try:
        return place_of(place_in(sort, cursor))
    except ValueError as error:
        raise ApiError(400, f"cursor: {error}") from error
