"""Every row has the fields and JSON types of the recorded rows of its kind; what differs is listed here, and why."""

from __future__ import annotations

import json

import pytest

from sim.data_api.lives import Lives, lived
from sim.data_api.recorded import differences, rows_of
from support.shared import SHARED

DISPLAY = {
    "title", "slug", "icon", "event_slug", "name", "pseudonym", "bio", "profile_image", "profile_image_optimized",
}  # fmt: skip
"""Cut out of the v2 samples, as their source notes say; `models/data` of polymarket-client 0.14.0 has them."""

ADDED = {
    "activity_v1": set(),
    "activity_v2": DISPLAY - {"slug"},
    "trade_v1": set(),
    "trade_v2": DISPLAY,
    "position_v1": {"grossInitialValue", "entryFeesUsdc"},  # since 2026-08-10, polymarket.md 4.1
    "position_v2": {"icon", "verified"},  # required by the SDK's model
}


@pytest.fixture(scope="module")
def lives() -> Lives:
    return lived(3)


def all_rows(lives: Lives, kind: str) -> list[dict[str, object]]:
    found = []
    for wallet in lives.wallets:
        found += {
            "activity_v1": lambda who: lives.ask("/activity", user=who, limit=500),
            "activity_v2": lambda who: lives.walk("/v2/activity", user=who, exclude_deposits_withdrawals=False),
            "trade_v1": lambda who: lives.ask("/trades", user=who, takerOnly=False, limit=500),
            "trade_v2": lambda who: lives.walk("/v2/trades", user=who, taker_only=False),
            "position_v1": lambda who: lives.ask("/positions", user=who, sizeThreshold=0),
            "position_v2": lambda who: lives.walk("/v2/positions", user=who, filter_amount=0),
        }[kind](wallet)
    return found


@pytest.mark.parametrize("kind", sorted(ADDED))
def test_rows_differ_from_the_recorded_ones_in_nothing_but_what_is_listed(lives, kind):
    rows = all_rows(lives, kind)
    assert len(rows) > 5
    added, missing, types = differences(rows, kind)
    assert (added, missing, types) == (ADDED[kind], set(), {})


def test_each_kind_of_activity_is_filled_as_the_recorded_ones_are():
    """Which fields of a row are empty follows from its type alone, apart from names and pictures."""
    known = {}
    for file in sorted(SHARED.glob("real/*/*.json")):
        for row in rows_of(json.loads(file.read_text())):
            if "type" in row and "asset" in row:
                known.setdefault(row["type"], []).append(_emptiness(row))
    lives = lived(3)
    kinds = set()
    for row in all_rows(lives, "activity_v1"):
        kinds.add(row["type"])
        if row["type"] in known:
            assert _emptiness(row) in known[row["type"]], row
    assert {"TRADE", "REDEEM", "REWARD", "MAKER_REBATE", "SPLIT", "MERGE", "CONVERSION"} <= kinds


def _emptiness(row: dict[str, object]) -> tuple[bool, ...]:
    names = ("asset", "side", "price", "conditionId", "outcome")
    return (*(bool(row[name]) for name in names), row["outcomeIndex"] == 999)


def test_amounts_are_numbers_that_read_back_to_the_micro_unit():
    lives = Lives(1)
    lives.match(*lives.wallets[:2], lives.markets[1], 0, 600_000, 155_030_000)
    (row,) = lives.ask("/trades", user=lives.wallets[0])
    assert json.dumps(row["size"]) == "155.03"
    lives.match(*lives.wallets[:2], lives.markets[1], 0, 600_000, 148_000_000)
    assert json.dumps(lives.ask("/trades", user=lives.wallets[0])[0]["size"]) == "148"
