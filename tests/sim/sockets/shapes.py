"""Whether a message has the fields and JSON types that the recorded payloads of its kind have."""

from __future__ import annotations

import json
from typing import Any

from support.shared import SHARED

Shape = dict[str, set[str]]
"""JSON types by path of the field."""


def _walk(value: Any, path: str, found: Shape) -> None:
    found.setdefault(path, set()).add(type(value).__name__)
    if isinstance(value, dict):
        for name, inner in value.items():
            _walk(inner, f"{path}.{name}", found)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, f"{path}[]", found)


def shape(*values: Any) -> Shape:
    found: Shape = {}
    for value in values:
        _walk(value, "", found)
    return found


def union(*patterns: str) -> Shape:
    """The shape of all recorded files whose names fit."""
    files = [file for pattern in patterns for file in sorted(SHARED.glob(pattern))]
    assert files, patterns
    return shape(*(json.loads(file.read_text()) for file in files))


def strange(message: Any, recorded: Shape) -> list[str]:
    """Fields or types of the message that no recorded payload has."""
    return [
        f"{path}: {sorted(kinds - recorded.get(path, set()))}"
        for path, kinds in shape(message).items()
        if kinds - recorded.get(path, set())
    ]
