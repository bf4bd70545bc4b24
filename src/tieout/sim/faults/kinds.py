"""The kinds of fault: what each does, where, which rows of the catalog it serves, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Setting = int | str


class Place(StrEnum):
    """Where a fault acts."""

    HTTP = "HTTP"
    DATA = "Data API"
    RPC = "RPC"
    SOCKET = "WebSocket"
    CHAIN = "chain"
    ENGINE = "engine"
    HUMAN = "wallet owner"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `rows` are ids of the catalog; `settings` are names with their defaults."""

    name: str
    place: Place
    line: str
    rows: tuple[str, ...]
    settings: Mapping[str, Setting] = field(default_factory=dict)


def _kind(name: str, place: Place, line: str, rows: str, **settings: Setting) -> Kind:
    return Kind(name, place, line, tuple(rows.split()), settings)


_HTTP = (
    _kind("timeout-before", Place.HTTP, "the request is lost: no effect, no answer", "P3 A3", delay_ms=10_000),
    _kind("timeout-after", Place.HTTP, "the request takes effect, its answer is lost", "P3 A3", delay_ms=10_000),
    _kind("cut", Place.HTTP, "the request takes effect, the connection ends in the middle of the answer", "P3 A3"),
    _kind("delay", Place.HTTP, "the answer comes late", "R3 T4 A3 A4", delay_ms=2_000),
    _kind("server-error", Place.HTTP, "an error of the server instead of an answer", "A3 D2", status=503),
    _kind("outage", Place.HTTP, "nothing answers, WebSockets end", "D1 D2 A3"),
    _kind("too-early", Place.HTTP, "425 to requests of the CLOB, as while the engine restarts", "A3 D2"),
    _kind("rate-limit", Place.HTTP, "429 with Retry-After", "A3", retry_after_s=1),
    _kind("half-page", Place.HTTP, "a list misses its second half and claims to be complete", "A1 A6 A7"),
    _kind("empty-list", Place.HTTP, "a list is empty and claims to be complete", "A1"),
    _kind("null-order", Place.HTTP, "an open order is answered with null", "A1 R4"),
    _kind("wrong-cursor", Place.HTTP, "paging goes wrong: mode repeat, skip or endless", "A6 A7 P6", mode="repeat"),
    _kind("malformed-row", Place.HTTP, "one row of a list cannot be read", "A1 A7"),
    _kind("new-status", Place.HTTP, "rows with a status and a field nobody knows", "A1"),
    _kind("size-rewound", Place.HTTP, "open orders show less matched than before", "S3"),
    _kind("cancel-refused", Place.HTTP, "a cancel request is refused for part of its orders", "P5 R4"),
    _kind("balance-stale", Place.HTTP, "the balance cache of the CLOB keeps its first answer", "A4"),
)

_DATA = (
    _kind("data-stale", Place.DATA, "every answer stays what it was when first given", "A2 T1"),
    _kind("data-repeat", Place.DATA, "rows repeat beyond an offset", "A6", offset=0),
    _kind("data-average", Place.DATA, "avgPrice is wrong by so many per mille", "S1", per_mille=70),
)

_RPC = (
    _kind("node-lag", Place.RPC, "the node is so many blocks behind", "A4 R3 T1", blocks=5),
    _kind("logs-missing", Place.RPC, "eth_getLogs misses some of its logs", "A4 T2"),
    _kind("logs-refused", Place.RPC, "eth_getLogs answers that there are too many results", "A3"),
)

_SOCKET = (
    _kind("ws-drop", Place.SOCKET, "messages are lost", "A5"),
    _kind("ws-delay", Place.SOCKET, "messages come late, in order", "T4 A5", delay_ms=3_000),
    _kind("ws-duplicate", Place.SOCKET, "messages come twice", "P6 R5"),
    _kind("ws-reorder", Place.SOCKET, "a message comes after those that follow it", "T3 S3 R4", delay_ms=1_500),
    _kind("ws-silent", Place.SOCKET, "connected, PONG is answered, no event comes", "A5"),
    _kind("ws-half-dead", Place.SOCKET, "connected, nothing comes, not even PONG", "A5"),
    _kind("ws-disconnect", Place.SOCKET, "the connection ends without a close frame", "A5 D1"),
    _kind("ws-malformed", Place.SOCKET, "a frame is cut in half", "A5"),
)

_CHAIN = (
    _kind(
        "reorg", Place.CHAIN, "the last blocks are replaced; settings depth and shuffle", "T3 A4", depth=3, shuffle=1
    ),
    _kind("hash-replaced", Place.CHAIN, "a reorganisation loses settlements; they come back under new hashes", "T3 P6"),
    _kind("operator-migration", Place.CHAIN, "the venue moves a market and its holders to Protocol V2", "T2"),
    _kind("auto-redeem", Place.CHAIN, "the venue redeems what wallets hold of resolved markets", "E4 S6 T2"),
    _kind("reward", Place.CHAIN, "a reward or rebate is paid to the wallet", "S5", amount=12_345_678, kind="reward"),
)

_ENGINE = (
    _kind("settlement-failed", Place.ENGINE, "a match never settles: RETRYING, then FAILED", "P1 T1 T3"),
    _kind("settlement-retried", Place.ENGINE, "a settlement reverts once and returns under a new hash", "P1 T3 P6"),
    _kind("slow-settlement", Place.ENGINE, "settlements are sent late", "P1 T1 D1", delay_ms=60_000),
    _kind(
        "late-fill", Place.ENGINE, "an order fills as it is cancelled; the fill is told after", "R4 T3", delay_ms=2_000
    ),
    _kind(
        "phantom-match",
        Place.ENGINE,
        "an order of the wallet counts a match that never was: no trade of it ever comes",
        "T1 P1 S3",
    ),
    _kind("sweep", Place.ENGINE, "all open orders of the wallet fill at once, in every market", "T5 R3 D1"),
    _kind("foreign-orders", Place.ENGINE, "another bot on the same key places, cancels and trades", "E2 T2", actions=5),
    _kind("mass-cancel", Place.ENGINE, "the venue cancels all open orders of the wallet", "A1 T5 R4"),
    _kind("engine-restart", Place.ENGINE, "425, then only post-only orders for a while", "A3 D2", down_ms=15_000),
    _kind("tick-change", Place.ENGINE, "the price grid of a market changes", "R4", tick=0),
    _kind("market-resolved", Place.ENGINE, "a market resolves under its open orders", "E5 S6 E4", payouts="1/0"),
)

_HUMAN = (
    _kind("human-transfer", Place.HUMAN, "shares leave the wallet, or come from a friend", "E6 T2"),
    _kind("human-cash", Place.HUMAN, "a deposit, then a withdrawal", "E6 T2", amount=25_000_000),
    _kind("human-split", Place.HUMAN, "the owner splits collateral", "E3 T2", amount=25_000_000),
    _kind("human-merge", Place.HUMAN, "the owner merges pairs", "E3 T2"),
    _kind("human-redeem", Place.HUMAN, "the owner redeems resolved markets", "E4 S6"),
    _kind("human-convert", Place.HUMAN, "the owner converts NO shares of a neg-risk event", "E6 T2"),
    _kind("human-trade", Place.HUMAN, "the owner trades by hand", "E1 T2"),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (*_HTTP, *_DATA, *_RPC, *_SOCKET, *_CHAIN, *_ENGINE, *_HUMAN)}
"""All kinds by name."""

INTERNAL: Mapping[str, str] = {
    "R1": "two jobs of the worker at once: its own matter; `delay` makes them overlap",
    "R2": "a stale write inside the worker; `delay` and `sweep` put a change between its read and its write",
    "P2": "a crash between two writes: its own matter; `slow-settlement` keeps the first one waiting",
    "P4": "half of a booking: its own matter; `settlement-failed` makes it book a fill and take it back",
    "S2": "one unit type: its own matter; every wire of the simulator names amounts as the venue does",
    "S4": "rounding: the matching engine and the contracts round as the venue's, with every MINT at odd prices",
}
"""Rows that nothing outside the worker can break, and how the simulator still leads up to them."""

RARE = {
    "market-resolved": 1,
    "operator-migration": 1,
    "outage": 1,
    "engine-restart": 1,
    "settlement-failed": 4,
    "human-transfer": 2,
    "phantom-match": 3,
    "sweep": 1,
    "mass-cancel": 1,
    "tick-change": 2,
    "reorg": 2,
}
"""How often a kind strikes at most, where many are on in turn: a small world would come to its end soon otherwise."""
