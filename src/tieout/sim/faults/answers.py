"""Faults in answers: each takes a good answer and gives the bad one, or None where it does not apply.

Pure functions of the switch (for its settings, chance and memory), the request and the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tieout.sim.faults.pages import Page, read_json, read_page, with_json
from tieout.sim.faults.switch import Switch
from tieout.sim.wire.cursor import END, FIRST
from tieout.sim.wire.http import Reply, Request

Spoil = Callable[[Switch, Request, Reply], Reply | None]

AVERAGES = ("avgPrice", "avg_price")


def _half_page(_switch: Switch, _request: Request, reply: Reply) -> Reply | None:
    page = read_page(reply)
    if page is None or not page.rows:
        return None
    page.rows = page.rows[: len(page.rows) // 2]
    page.end()
    return with_json(reply, page.value)


def _empty_list(_switch: Switch, _request: Request, reply: Reply) -> Reply | None:
    page = read_page(reply)
    if page is None or not page.rows:
        return None
    page.rows = []
    page.end()
    return with_json(reply, page.value)


def _null_order(_switch: Switch, request: Request, reply: Reply) -> Reply | None:
    if not request.path.startswith("/data/order/") or read_json(reply) is None:
        return None
    return with_json(reply, None)


def _wrong_cursor(switch: Switch, request: Request, reply: Reply) -> Reply | None:
    page = read_page(reply)
    if page is None or not page.rows:
        return None
    mode = switch.word("mode")
    if mode == "skip":
        if page.cursor in (None, END):
            return None
        page.rows = page.rows[:-1]
    elif mode == "endless":
        if page.cursor not in (None, END) or not page.point_to(request.query.get("next_cursor") or FIRST):
            return None
    elif page.cursor in (None, END) or not _once_more(switch, request, page):
        return None
    return with_json(reply, page.value)


def _once_more(switch: Switch, request: Request, page: Page) -> bool:
    """Name this page as the next one, once for every cursor, so that a reader gets on."""
    here = request.query.get("next_cursor") or FIRST
    asked = (request.path, here, request.headers.get("poly_address", ""))
    if asked in switch.memory:
        del switch.memory[asked]
        return False
    switch.memory[asked] = True
    return page.point_to(here)


def _malformed_row(switch: Switch, _request: Request, reply: Reply) -> Reply | None:
    page = read_page(reply)
    if page is None or not page.rows or not isinstance(page.rows[0], dict):
        return None
    row = switch.stream.choice(page.rows)
    for name in ("price", "size", "original_size", "side"):
        if name in row:
            row[name] = {"broken": True}
    row.setdefault("broken", True)
    return with_json(reply, page.value)


def _new_status(_switch: Switch, _request: Request, reply: Reply) -> Reply | None:
    page = read_page(reply)
    rows = [row for row in page.rows if isinstance(row, dict) and "status" in row] if page else []
    if page is None or not rows:
        return None
    for row in rows:
        row.update(status="AWAITING_REVIEW", review_queue=7)
    return with_json(reply, page.value)


def _size_rewound(_switch: Switch, request: Request, reply: Reply) -> Reply | None:
    if not request.path.startswith("/data/order"):
        return None
    value = read_json(reply)
    page = read_page(reply)
    rows = page.rows if page else [value]
    matched = [row for row in rows if isinstance(row, dict) and row.get("size_matched", "0") != "0"]
    if not matched:
        return None
    for row in matched:
        row["size_matched"] = "0"
    return with_json(reply, page.value if page else value)


def _frozen(switch: Switch, request: Request, reply: Reply) -> Reply | None:
    """The first answer to the same question, as long as the fault is on."""
    asked = (request.path, tuple(sorted(request.query.items())), request.headers.get("poly_address", ""))
    first = switch.memory.setdefault(asked, reply)
    return first if isinstance(first, Reply) and first is not reply else None


def _balance_stale(switch: Switch, request: Request, reply: Reply) -> Reply | None:
    if request.path != "/balance-allowance" or reply.status != 200:
        return None
    return _frozen(switch, request, reply)


def _average(switch: Switch, _request: Request, reply: Reply) -> Reply | None:
    page = read_page(reply)
    wrong = 0
    for row in page.rows if page else ():
        for name in AVERAGES:
            if isinstance(row, dict) and isinstance(row.get(name), float | int) and row[name]:
                row[name] = round(row[name] * (1000 + switch.number("per_mille")) / 1000, 6)
                wrong += 1
    return with_json(reply, page.value) if page and wrong else None


SPOILS: Mapping[str, Spoil] = {
    "half-page": _half_page,
    "empty-list": _empty_list,
    "null-order": _null_order,
    "wrong-cursor": _wrong_cursor,
    "malformed-row": _malformed_row,
    "new-status": _new_status,
    "size-rewound": _size_rewound,
    "balance-stale": _balance_stale,
    "data-stale": _frozen,
    "data-average": _average,
}
"""What each fault makes of an answer."""


def cut(reply: Reply) -> Reply:
    """Half of the body under a header that promises all of it; the connection ends before the rest."""
    body: Any = reply.body[: len(reply.body) // 2]
    headers = {**reply.headers, "content-length": str(len(reply.body) + 1), "connection": "close"}
    return Reply(reply.status, body, headers)
