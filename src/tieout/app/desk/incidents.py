"""Incidents with what is known around them: the run that found them, the control they led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tieout.store import runs
from tieout.store.runs import Issue, Run

EVERY_MAX = 500
"""Of the past."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An issue, the run that found it, and ids in its evidence that have a story of their own."""

    issue: Issue
    run: Run | None
    names: tuple[tuple[str, str], ...]
    """(field, id) of the evidence."""


async def incidents(connection: asyncpg.Connection, wallet_id: int, *, every: bool = False) -> Sequence[Issue]:
    """The open ones, the gravest first; *every*: the last of all, the latest first."""
    if every:
        return (await runs.all_issues(connection, wallet_id))[:EVERY_MAX]
    return await runs.open_issues(connection, wallet_id)


async def incident(connection: asyncpg.Connection, wallet_id: int, issue_id: int) -> Incident | None:
    """One of them, None when there is none."""
    issue = await runs.get_issue(connection, wallet_id, issue_id)
    if issue is None:
        return None
    run = None if issue.run_id is None else await runs.get_run(connection, wallet_id, issue.run_id)
    return Incident(issue, run, tuple(_names(issue)))


def _names(issue: Issue) -> list[tuple[str, str]]:
    """Ids that `explain` may know, each once, in the order in which they stand."""
    found = {issue.condition_id: "market", issue.token_id: "token", issue.order_id: "order"}
    for field, value in issue.evidence.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and _is_name(each):
                found.setdefault(each, field)
    return [(field, name) for name, field in found.items() if name]


def _is_name(text: str) -> bool:
    return len(text) >= 42 and (text.startswith("0x") or text.isdecimal())
