"""Every payload of a busy world fits what was recorded of its kind, path by path; what differs is one table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from sim.shapes.classes import Difference, Union, differences
from sim.shapes.recordings import envelope, known, rows
from sim.shapes.traffic import Life, Traffic

ROWS = {
    "orders page": ("page", "open order"),
    "trades page": ("page", "trade"),
    "positions v2": ("page v2", "position v2"),
    "activities v2": ("page v2", "activity v2"),
    "data trades v2": ("page v2", "data trade v2"),
    "positions v1": ("", "position v1"),
    "activities v1": ("", "activity v1"),
    "data trades v1": ("", "data trade v1"),
    "gamma markets": ("", "gamma market"),
    "batch refusal": ("", "batch refusal"),
    "logs": ("", "log"),
}
"""Lists and pages: the kind of the envelope ("" for a bare list) and of its rows."""


class Allowed(NamedTuple):
    """*paths* and *seen* hold several, with spaces between. Every path and every class must occur."""

    kind: str
    paths: str
    seen: str
    reason: str


DISPLAY = "the samples' notes say that display fields were cut out; polymarket-client 0.14.0, models/data, has them"
NO_PROFILE = "a wallet without a profile has no name; optional_text of polymarket-client 0.14.0, models/data"
NO_OUTCOME = "rows that are no trade name no outcome: real/wallet/activity_all.json has the same in v1"
GAMMA_V2 = "polymarket-client 0.14.0, models/gamma/market.py; polymarket.md 5"
NO_GAME = "of games and series, of which a simulated venue has none"

ALLOWED: tuple[Allowed, ...] = (
    Allowed("activity v1", ".name", "empty", NO_PROFILE),
    Allowed("data trade v1", ".name", "empty", NO_PROFILE),
    Allowed(
        "activity v2",
        ".bio .event_slug .icon .name .profile_image .profile_image_optimized .pseudonym .title",
        "empty text",
        DISPLAY,
    ),
    Allowed(
        "data trade v2",
        ".bio .event_slug .icon .name .profile_image .profile_image_optimized .pseudonym .slug .title",
        "empty text",
        DISPLAY,
    ),
    Allowed("activity v2", ".condition_id .outcome .side .slug .token_id", "empty", NO_OUTCOME),
    Allowed("position v1", ".entryFeesUsdc .grossInitialValue", "int float", "since 2026-08-10: polymarket.md 4.1"),
    Allowed("position v2", ".icon .verified", "text bool", DISPLAY),
    Allowed("fee rate", ".base_fee", "int", "the one fixture is hand-made; a number in TS2, client.ts getFeeRateBps"),
    Allowed("compact market", ".oas", "int", "no source was found for it; no client reads it"),
    Allowed("gamma market", ".version .resolutionStatus .requestId", "text hash", GAMMA_V2),
    Allowed("gamma market", ".positionIds .positionIds[]", "array token", GAMMA_V2),
    Allowed("gamma market", ".clobRewards .clobRewards[]", "array object", GAMMA_V2),
    Allowed(
        "gamma market",
        ".clobRewards[].assetAddress .clobRewards[].conditionId .clobRewards[].endDate .clobRewards[].id "
        ".clobRewards[].rewardsAmount .clobRewards[].rewardsDailyRate .clobRewards[].startDate",
        "address hash date whole int",
        GAMMA_V2,
    ),
    Allowed("gamma market", ".negRiskMarketID .events[].negRiskMarketID", "hash", GAMMA_V2),
    Allowed("gamma market", ".eventStartTime .events[].seriesSlug .events[].startTime", "missing", NO_GAME),
    Allowed("gamma market", ".events[].openInterest", "missing", "not simulated; optional in models/gamma/event.py"),
    Allowed("gamma market", ".feeType", "missing", "a market without fees; optional in models/gamma/market.py"),
    Allowed("gamma market", ".lastTradePrice", "missing", "nothing traded yet; optional in models/gamma/market.py"),
    Allowed("gamma market", ".resolutionSource .events[].resolutionSource", "empty", "optional free text"),
    Allowed("market", ".accepting_order_timestamp", "iso", "null only for the one market of 2024 that was recorded"),
    Allowed("market", ".icon .image", "empty", "a simulated market has no picture"),
    Allowed("market", ".neg_risk_market_id .neg_risk_request_id", "empty", "the recorded market is one of an event"),
    Allowed("market", ".rewards.rates", "null", "a market without rewards; the recorded one has them"),
    Allowed("receipt", ".logsBloom", "hex", "every node sends it (eth_getTransactionReceipt); left out in the record"),
    Allowed("ws new_market", ".group_item_title", "empty", "the recorded market is one of a group"),
)
"""Where the simulator differs from what was recorded, and why that is the venue's way or of no account."""


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return Life().live()


@pytest.fixture(scope="module")
def unions() -> dict[str, Union]:
    found = known()
    logs = found.setdefault("log", Union())
    for receipt in found["receipt"].payloads:
        for log in receipt["logs"]:
            logs.add(log)
    return found


def by_kind(traffic: Traffic) -> Iterator[tuple[str, list[Any]]]:
    """Payloads with the kind they are compared as."""
    for said in traffic.texts:
        payloads = list(traffic.payloads(said))
        outer, inner = ROWS.get(said, ("", said))
        if outer:
            yield outer, [envelope(payload) for payload in payloads]
        if said in ROWS:
            payloads = [row for payload in payloads for row in rows(payload)]
        if said != "quantity":
            yield inner, payloads


def table(found: set[Difference]) -> str:
    lines = [f"{each.kind:20} {each.path:34} {each.seen:16} {each.expected}" for each in sorted(found)]
    return "\n".join(["", f"{'kind':20} {'path':34} {'seen':16} expected", *lines])


def test_every_payload_fits_the_recordings_of_its_kind(traffic, unions):
    found: set[Difference] = set()
    for kind, payloads in by_kind(traffic):
        assert payloads, f"nothing of kind {kind} was said"
        found |= differences(kind, payloads, unions[kind])
    allowed = {(each.kind, path, seen) for each in ALLOWED for path in each.paths.split() for seen in each.seen.split()}
    met = {(each.kind, each.path, each.seen) for each in found}
    beyond = {each for each in found if (each.kind, each.path, each.seen) not in allowed}
    assert not beyond, table(beyond)
    assert not unused(met), f"allowances that nothing needs: {unused(met)}"


def unused(met: set[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Paths and classes of the table that did not occur."""
    found = []
    for each in ALLOWED:
        paths, classes = each.paths.split(), each.seen.split()
        found += [(each.kind, path) for path in paths if not any((each.kind, path, seen) in met for seen in classes)]
        found += [(each.kind, seen) for seen in classes if not any((each.kind, path, seen) in met for path in paths)]
    return found


def test_every_recorded_kind_was_said(traffic, unions):
    assert set(unions) - {kind for kind, _ in by_kind(traffic)} == set()
