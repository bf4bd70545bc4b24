"""The fields of recorded rows and their JSON types, by kind."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from support.shared import SHARED

Fields = dict[str, set[str]]

FILES = {
    "activity_v1": ("real/activity/*.json", "real/wallet/activity*.json"),
    "activity_v2": ("samples/data_api_v2_activity.json",),
    "trade_v1": ("samples/data_api_v1_trades.json", "samples/nt_data_api_trades_*.json", "real/wallet/trades.json"),
    "trade_v2": ("samples/data_api_v2_trades.json",),
    "position_v1": ("samples/nt_data_api_positions_*.json", "real/wallet/positions.json"),
    "position_v2": ("samples/data_api_v2_positions.json",),
    "gamma_market": ("samples/nt_gamma_market*.json",),
}


def json_type(value: Any) -> str:
    """JSON has one kind of number."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def fields(rows: Iterable[Any]) -> Fields:
    found: Fields = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, set()).add(json_type(value))
    return found


def rows_of(payload: Any) -> list[Any]:
    if isinstance(payload, list):
        return payload
    return payload.get("data") or payload.get("rows") or [payload]


def recorded(kind: str) -> Fields:
    files = [file for pattern in FILES[kind] for file in sorted(SHARED.glob(pattern))]
    assert files, kind
    return fields(row for file in files for row in rows_of(json.loads(file.read_text())))


def differences(rows: Iterable[Any], kind: str) -> tuple[set[str], set[str], dict[str, set[str]]]:
    """(fields of ours that were never recorded, recorded ones we never send, types of ours never recorded)."""
    ours, theirs = fields(rows), recorded(kind)
    types = {name: kinds - theirs[name] for name, kinds in ours.items() if name in theirs and kinds - theirs[name]}
    return set(ours) - set(theirs), set(theirs) - set(ours), types
