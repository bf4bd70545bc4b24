"""A walk over the pages of a list meets every row once, whatever the size of a page, and while rows come in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from store.test_log import booked
from support.database import ADDRESS
from tieout.ledger.facts import CashFlowed, Flow
from web_api.stage import BOSONA, Stage

W = f"/wallets/{ADDRESS}"

LISTS = (
    ("/wallets", {}, 3),
    (f"{W}/positions", {"show": "all"}, 10),
    (f"{W}/orders", {"state": "all"}, 30),
    (f"{W}/orders", {"state": "closed"}, 5),
    (f"{W}/fills", {}, 40),
    (f"{W}/movements", {}, 100),
    (f"{W}/movements", {"kind": ["cash", "split"]}, 5),
    (f"{W}/markets", {}, 5),
    (f"/wallets/{BOSONA}/movements", {}, 5),
)
"""(list, its filter, rows at least)."""


def pages(desk: httpx.Client, path: str, **query: Any) -> Iterator[list[Any]]:
    cursor, seen = None, set()
    while True:
        answer = desk.get(path, params=query if cursor is None else {**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        # Whether a wallet ties out is another answer as time goes on.
        yield [each["address"] if path == "/wallets" else each for each in found["items"]]
        cursor = found["next"]
        if cursor is None:
            return
        assert cursor not in seen, "the walk goes round"
        seen.add(cursor)


@pytest.mark.parametrize(("path", "query", "least"), LISTS)
def test_every_row_comes_once_whatever_the_size_of_a_page(
    desk: httpx.Client, path: str, query: dict[str, Any], least: int
) -> None:
    [whole] = pages(desk, path, **query, limit=1000)
    assert len(whole) >= least
    assert len({str(each) for each in whole}) == len(whole)
    for limit in (1 if len(whole) < 20 else 3, 7, len(whole)):
        walked = list(pages(desk, path, **query, limit=limit))
        assert [len(page) for page in walked[:-1]] == [limit] * (len(walked) - 1)
        assert 0 < len(walked[-1]) <= limit
        assert [each for page in walked for each in page] == whole, limit


def test_the_log_is_walked_down_and_up(desk: httpx.Client) -> None:
    for limit in (1, 5, 34):
        down, below = [], None
        while True:
            found = desk.get(f"/wallets/{BOSONA}/log", params={"limit": limit, **({"below": below} if below else {})})
            down += found.json()["items"]
            below = found.json()["next_below"]
            if below is None:
                break
        up, after = [], 0
        while after is not None:
            found = desk.get(f"/wallets/{BOSONA}/log", params={"limit": limit, "after": after})
            up += found.json()["items"]
            after = found.json()["next_after"]
        assert [each["seq"] for each in up] == list(range(1, 35))
        assert up == down[::-1]
    beyond = desk.get(f"/wallets/{BOSONA}/log", params={"after": 1_000}).json()
    assert (beyond["items"], beyond["next_after"], beyond["head"]) == ([], None, 34)


def test_rows_that_come_in_during_a_walk_neither_hide_nor_repeat_others(desk: httpx.Client, stage: Stage) -> None:
    wallet = "0x" + "a2" * 20

    def cash(number: int, at_ms: int) -> CashFlowed:
        return CashFlowed(flow=Flow.DEPOSIT, amount=1_000_000, tx_hash=f"0x{number:064x}", occurred_at_ms=at_ms)

    # Twins of one time: a page that ends among them is where a place by time alone would go wrong.
    stage.run(booked(stage.dsn, [cash(number, 1_000 + number // 4) for number in range(12)], wallet))
    walk = pages(desk, f"/wallets/{wallet}/movements", limit=5)
    seen = next(walk)
    stage.run(booked(stage.dsn, [cash(100 + number, 9_000) for number in range(3)], wallet))
    for page in walk:
        seen += page
    assert sorted(int(each["tx_hash"], 16) for each in seen) == list(range(12))
    [whole] = pages(desk, f"/wallets/{wallet}/movements", limit=1000)
    assert [each for each in whole if each["occurred_at_ms"] < 9_000] == seen
    assert len(whole) == 15


def test_a_cursor_of_another_list_or_of_nobody_is_refused(desk: httpx.Client) -> None:
    cursor = desk.get(f"{W}/orders", params={"state": "all", "limit": 1}).json()["next"]
    for path, told in (
        ("/wallets", cursor), (f"{W}/movements", cursor), (f"{W}/positions", cursor), (f"{W}/markets", cursor),
        (f"{W}/orders", cursor[:-1] + "!"), (f"{W}/orders", "b3JkZXI6eA"), (f"{W}/orders", "b3JkZXI6Ly0tNS94"),
        (f"{W}/orders", "b3JkZXI6MS8A"), (f"{W}/orders", "_w"), ("/wallets", "d2FsbGV0Oi0x"),
        ("/wallets", "d2FsbGV0Ojk5OTk5OTk5OTk5OTk5OTk5OTk5"),
    ):  # fmt: skip
        answer = desk.get(path, params={"cursor": told})
        assert (answer.status_code, answer.json()["detail"][:7]) == (400, "cursor:"), (path, told)
