"""What a JSON value is, finer than its JSON type: amounts, hashes, addresses, ids and times in text are told apart.

A shape maps a path ("maker_orders[].price") to the classes seen there. Keys that are ids themselves (a hash, an
address) count as one name, "{}".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_TEXTS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "placeholder",
            r"<[a-z_]+>|0x<orderhash>|(trade-)?0x(maker|fill|abc|def|0e$|84$).*|trade-.*|0+-.*|0x[1-3]{64}",
        ),
        ("empty", r""),
        ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ("hash", r"0x[0-9a-fA-F]{64}"),
        ("address", r"0x[0-9a-fA-F]{40}"),
        ("quantity", r"0x(0|[1-9a-f][0-9a-f]{0,16})"),
        ("hex", r"0x[0-9a-fA-F]*"),
        ("digest", r"[0-9a-f]{40}"),
        ("seconds", r"1[3-9]\d{8}"),
        ("milliseconds", r"1[3-9]\d{11}"),
        ("token", r"\d{39,78}"),
        ("whole", r"-?\d+"),
        ("decimal", r"-?\d+\.\d+"),
        ("iso", r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00(:?00)?)"),
        ("date", r"\d{4}-\d\d-\d\d"),
        ("json", r"\[.*\]"),
    )
)

WIDER = {"whole": "decimal", "int": "float", "quantity": "hex"}
"""A value of the first class may stand where the second was recorded: "5" for "5.25", 5 for 5.25."""

_ID_KEY = re.compile(r"0x[0-9a-fA-F]{40,64}")

Shape = dict[str, set[str]]


def class_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return next((name for name, pattern in _TEXTS if pattern.fullmatch(value)), "text")
    if isinstance(value, int):
        return {10: "int seconds", 13: "int milliseconds"}.get(len(str(value)), "int")
    return {dict: "object", list: "array", float: "float", type(None): "null"}[type(value)]


def walk(value: Any, path: str, into: Shape) -> None:
    into.setdefault(path, set()).add(class_of(value))
    if isinstance(value, dict):
        for name, inner in value.items():
            walk(inner, f"{path}.{'{}' if _ID_KEY.fullmatch(name) else name}", into)
    elif isinstance(value, list):
        for inner in value:
            walk(inner, f"{path}[]", into)


def shape_of(value: Any) -> Shape:
    found: Shape = {}
    walk(value, "", found)
    return found


@dataclass(slots=True)
class Union:
    """What was recorded of one kind: the classes of every path, and which paths a payload must have."""

    classes: Shape = field(default_factory=dict)
    seen: list[Shape] = field(default_factory=list)
    payloads: list[Any] = field(default_factory=list)
    described: set[str] = field(default_factory=set)
    """Paths that a kind without recordings must have."""

    def add(self, payload: Any) -> None:
        self.payloads.append(payload)
        one = shape_of(payload)
        self.seen.append(one)
        for path, classes in one.items():
            self.classes.setdefault(path, set()).update(classes)

    def required(self) -> set[str]:
        """The paths that every recording with the object around them has."""
        return self.described | {
            path
            for path in set().union(*self.seen)
            if not path.endswith(("[]", "{}"))
            and all(path in one for one in self.seen if path.rpartition(".")[0] in one)
        }

    def allows(self, path: str, given: str) -> bool:
        classes = self.classes.get(path, set())
        return "placeholder" in classes or given in classes or WIDER.get(given) in classes


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """*path* of a kind was seen as *seen* ("missing" when it was not there)."""

    kind: str
    path: str
    seen: str
    expected: str


def differences(kind: str, payloads: Iterable[Any], union: Union) -> set[Difference]:
    """Everything in which the payloads leave the union."""
    found: set[Difference] = set()
    required = union.required()
    for payload in payloads:
        one = shape_of(payload)
        for path, classes in one.items():
            expected = " | ".join(sorted(union.classes.get(path, {"no such field"})))
            found |= {Difference(kind, path, given, expected) for given in classes if not union.allows(path, given)}
        for path in required:
            if path not in one and path.rpartition(".")[0] in one:
                found.add(Difference(kind, path, "missing", " | ".join(sorted(union.classes[path]))))
    return found
