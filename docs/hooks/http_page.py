"""The reference of the interface for programs: every operation and every problem, from its OpenAPI document."""

from __future__ import annotations

from tieout.web.api.document import document, operations
from tieout.web.api.problems import SORTS


def made(_page: str) -> str:
    """Operations by their tags, then the problems."""
    whole = document()
    parts = []
    for tag in whole["tags"]:
        rows = [
            f"| {method} | `{path}` | {operation['summary']} |"
            for path, method, operation in operations(whole)
            if tag["name"] in operation["tags"]
        ]
        parts += [f"## {tag['name']}", tag["description"], "\n".join(["| | | |", "|---|---|---|", *rows])]
    rows = [f"| {status} | `/api#{sort.name}` | {sort.words} |" for status, sort in SORTS.items()]
    return "\n\n".join(
        [*parts, "## problems", "\n".join(["| status | type | when, and what to do |", "|---|---|---|", *rows])]
    )
