"""Reading an account: orders, trades, balances, notifications, restrictions, heartbeat (`polymarket.md` 1.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from tieout.client.pages import Listing, Page, as_list, as_row, read_rows, walk
from tieout.client.rows import Notification, OpenOrder, Trade, notification, open_order, trade
from tieout.client.service import Call, Service
from tieout.client.session import Session
from tieout.venue import fields
from tieout.venue.wire import Row, WireError, parse, shown

T = TypeVar("T")

END = "LTE="
"""The cursor behind the last page: base64 of -1."""

LARGEST = 1 << 256


@dataclass(frozen=True, slots=True)
class BalanceAllowance:
    """What the CLOB believes the wallet has and the exchanges may take, in base units (micro): a cache, often stale."""

    balance: int
    allowances: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`heartbeat_id` is what to send next. A rejected one (wrong id) did not move the deadline."""

    heartbeat_id: str
    accepted: bool


class ClobAccount:
    """Calls with an API key; reading changes nothing. Each raises VenueError."""

    def __init__(self, service: Service, session: Session) -> None:
        self._service = service
        self._session = session

    async def open_orders(self, *, market: str = "", token_id: str = "", pages_max: int = 1_000) -> Listing[OpenOrder]:
        """All open orders, page by page."""
        query = {"market": market, "asset_id": token_id}
        return await self._walk("/data/orders", "clob.orders.read", "open_order", query, open_order, pages_max)

    async def open_orders_page(self, cursor: str = "", *, market: str = "") -> Page[OpenOrder]:
        """One page of open orders."""
        query = {"market": market, "next_cursor": cursor}
        return await self._page("/data/orders", "clob.orders.read", "open_order", query, open_order)

    async def open_order(self, order_id: str) -> OpenOrder | None:
        """The order while it is open. None is "not open": filled, cancelled, or never seen by the venue."""
        call = Call("GET", f"/data/order/{quote(order_id, safe='')}", "clob.ledger", kind="open_order")
        response = await self._service.send(call, self._session.sign)
        if response.is_success and not response.body.strip():
            return None
        return self._service.read(call, response, _order_or_none)

    async def trades(
        self,
        *,
        market: str = "",
        trade_id: str = "",
        maker_address: str = "",
        after_s: int = 0,
        before_s: int = 0,
        pages_max: int = 1_000,
    ) -> Listing[Trade]:
        """Trades of the account in either role. There is no filter by token: the venue's acts on the taker's token."""
        query = {
            "market": market,
            "id": trade_id,
            "maker_address": maker_address,
            "after": str(after_s) if after_s else "",
            "before": str(before_s) if before_s else "",
        }
        return await self._walk("/data/trades", "clob.trades.read", "clob_trade", query, trade, pages_max)

    async def balance_allowance(self, asset_type: str, signature_type: int, token_id: str = "") -> BalanceAllowance:
        """*asset_type* is COLLATERAL, CONDITIONAL or CONDITIONAL-V2; the last two need a token."""
        query = _filled({"asset_type": asset_type, "token_id": token_id, "signature_type": str(signature_type)})
        call = Call("GET", "/balance-allowance", "clob.balance", kind="balance_allowance", query=query)
        return await self._service.ask(call, _balance, self._session.sign)

    async def refresh_balance_allowance(self, asset_type: str, signature_type: int, token_id: str = "") -> None:
        """Ask the CLOB to read the chain again."""
        query = _filled({"asset_type": asset_type, "token_id": token_id, "signature_type": str(signature_type)})
        call = Call("GET", "/balance-allowance/update", "clob.balance.update", query=query)
        response = await self._service.send(call, self._session.sign)
        if not response.is_success:
            raise self._service.refusal(call, response)

    async def notifications(self, signature_type: int) -> Page[Notification]:
        """What the venue noted down for the account: fills and failures among it."""
        query = {"signature_type": str(signature_type)}
        call = Call("GET", "/notifications", "clob.notifications", query=query)
        return await self._service.ask(call, _notifications, self._session.sign)

    async def closed_only(self) -> bool:
        """Whether the account may only close positions."""
        call = Call("GET", "/auth/ban-status/closed-only", "clob")
        return await self._service.ask(call, _closed_only, self._session.sign)

    async def heartbeat(self, heartbeat_id: str = "") -> Heartbeat:
        """Once one was accepted, 10 s (and up to 5 more) without another cancel every order of the API key."""
        body = msgspec.json.encode({"heartbeat_id": heartbeat_id})
        call = Call("POST", "/v1/heartbeats", "clob", body=body, write=True)
        response = await self._service.send(call, self._session.sign)
        if response.status == 400 and (expected := _expected(response.body)) is not None:
            return Heartbeat(expected, accepted=False)
        return self._service.read(call, response, _beat)

    async def _walk(
        self, path: str, group: str, kind: str, query: Mapping[str, str], read: Callable[[Row], T], pages_max: int
    ) -> Listing[T]:
        async def fetch(cursor: str) -> Page[T]:
            return await self._page(path, group, kind, {**query, "next_cursor": cursor}, read)

        return await walk(fetch, pages_max=pages_max)

    async def _page(
        self, path: str, group: str, kind: str, query: Mapping[str, str], read: Callable[[Row], T]
    ) -> Page[T]:
        call = Call("GET", path, group, kind=kind, query=_filled(query))
        return await self._service.ask(call, lambda value: clob_page(value, read), self._session.sign)


def clob_page(value: Any, read: Callable[[Row], T]) -> Page[T]:
    """The CLOB's envelope `{limit, count, next_cursor, data}`. Raises WireError."""
    envelope = as_row(value, "page")
    data = as_list([] if envelope.get("data") is None else envelope["data"], "data")
    rows, bad = read_rows(data, read)
    count, cursor, flaw = envelope.get("count"), envelope.get("next_cursor"), ""
    if type(cursor) is not str or not cursor:
        cursor, flaw = END, "the page names no next cursor"
    if type(count) is int and count != len(data):
        flaw = f"the page says it has {count} rows and has {len(data)}"
    return Page(rows, bad, "" if cursor == END else cursor, flaw)


def _filled(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value}


def _order_or_none(value: Any) -> OpenOrder | None:
    return None if value is None else open_order(as_row(value, "order"))


def _balance(value: Any) -> BalanceAllowance:
    row = as_row(value, "answer")
    allowances = as_row(row.get("allowances") or {}, "allowances")
    return BalanceAllowance(
        _units(row.get("balance"), "balance"),
        {spender.lower(): _units(amount, "allowances") for spender, amount in allowances.items()},
    )


def _units(value: Any, name: str) -> int:
    """Base units of at most 256 bits; a fraction of one, seen in a capture, is cut off."""
    digits = str(value).split(".", 1)[0] if type(value) in (str, int) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 78 and int(digits) < LARGEST):
        raise WireError(f"{name}: expected base units, was {shown(value)}")
    return int(digits)


def _notifications(value: Any) -> Page[Notification]:
    return Page(*read_rows(as_list(value, "notifications"), notification))


def _closed_only(value: Any) -> bool:
    found = as_row(value).get("closed_only")
    if type(found) is not bool:
        raise WireError(f"closed_only: expected true or false, was {shown(found)}")
    return found


def _beat(value: Any) -> Heartbeat:
    return Heartbeat(fields.text(as_row(value), "heartbeat_id"), accepted=True)


def _expected(body: bytes) -> str | None:
    """The id that the venue expected (sample heartbeat_400), may be empty; None when it is about something else."""
    try:
        row = as_row(parse(body))
        return fields.text(row, "heartbeat_id") if "heartbeat_id" in row else None
    except WireError:
        return None
