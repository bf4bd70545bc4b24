"""Lists inside JSON answers: where their rows are, and what says whether more follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from tieout.sim.wire.cursor import END
from tieout.sim.wire.http import Reply

_NAMES = ("data", "markets", "events", "notifications")


@dataclass(slots=True)
class Page:
    """One answer that is a list, or an object that holds one under `name`."""

    value: Any
    name: str

    @property
    def rows(self) -> list[Any]:
        """Its rows."""
        found: list[Any] = self.value[self.name] if self.name else self.value
        return found

    @rows.setter
    def rows(self, rows: list[Any]) -> None:
        if not self.name:
            self.value = rows
            return
        self.value[self.name] = rows
        if "count" in self.value:
            self.value["count"] = len(rows)

    @property
    def cursor(self) -> str | None:
        """The cursor of the next page; None when this service pages otherwise."""
        inside = self._paging()
        found = inside.get("next_cursor") if inside else None
        return found if isinstance(found, str) else None

    def point_to(self, cursor: str) -> bool:
        """Name another next page; False when the answer has no place for it."""
        inside = self._paging()
        if inside is None:
            return False
        inside["next_cursor"] = cursor
        if "has_more" in inside:
            inside["has_more"] = True
        return True

    def end(self) -> None:
        """Claim that nothing follows."""
        inside = self._paging()
        if inside is None:
            return
        if "has_more" in inside:
            inside.update(has_more=False, next_cursor=None)
        elif "limit" in inside:
            inside["next_cursor"] = END
        else:
            inside.pop("next_cursor", None)

    def _paging(self) -> dict[str, Any] | None:
        if not self.name:
            return None
        inside = self.value.get("pagination", self.value)
        return inside if isinstance(inside, dict) else None


def read_page(reply: Reply) -> Page | None:
    """The list in a good answer; None when there is none."""
    value = read_json(reply)
    if isinstance(value, list):
        return Page(value, "")
    if isinstance(value, dict):
        for name in _NAMES:
            if isinstance(value.get(name), list):
                return Page(value, name)
    return None


def read_json(reply: Reply) -> Any:
    """The JSON of an answer with status 200; None for all others."""
    if reply.status != 200:
        return None
    try:
        return msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        return None


def with_json(reply: Reply, value: object, **headers: str) -> Reply:
    """The same answer with another body."""
    kept: Mapping[str, str] = {**reply.headers, **headers}
    return replace(reply, body=msgspec.json.encode(value), headers=kept)
