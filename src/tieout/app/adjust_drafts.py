"""Entries by hand as people put them: what each kind says, with names of tokens and sets that may be shortened.

Each function takes an entry that is signed (who, why, when) and gives it with what it says. Amounts are micro-units.
Raises NameNotFoundError for names that the books do not know, and ValueError for what makes no entry.
"""

from __future__ import annotations

import asyncpg
from msgspec.structs import replace

from tieout.app.adjust_names import entries, find_entry, find_set, find_token
from tieout.app.adjusting import cost_at
from tieout.ledger.facts import Act, ManualEntry
from tieout.ledger.units import decimal_text


async def of_token(
    connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry, name: str, condition: str, **amounts: int
) -> ManualEntry:
    """The *amounts* of one token; a token that the books never saw needs its *condition*."""
    token = await find_token(connection, wallet_id, name, condition)
    return replace(entry, token_id=token.token_id, condition_id=token.condition_id, **amounts)


async def of_set(
    connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry, name: str, act: Act, amount: int
) -> ManualEntry:
    """A split or a merge of *amount* full sets."""
    whole = await find_set(connection, wallet_id, name)
    sign = 1 if act is Act.SPLIT else -1
    return replace(
        entry,
        act=act,
        legs=whole.tokens,
        condition_id=whole.condition_id,
        shares=sign * amount,
        collateral=-sign * amount,
    )


def moved(entry: ManualEntry, cost: int = 0, policy: str = "") -> ManualEntry:
    """The shares of *entry* as a transfer; those that come in have cost *cost*, by *policy*."""
    return replace(entry, act=Act.TRANSFER, cost=cost, cost_policy=policy)


async def cost_to(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry, to: int) -> ManualEntry:
    """The cost basis of the token of *entry* was *to* at its time."""
    change = to - await cost_at(connection, wallet_id, entry.token_id, entry.occurred_at_ms)
    if not change:
        raise ValueError(f"the cost basis was {decimal_text(to)} then already: nothing to correct")
    return replace(entry, cost_correction=change)


async def reversal(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry, name: str) -> ManualEntry:
    """The entry *name*, or the one whose id begins so, has no effect any more."""
    target = find_entry(await entries(connection, wallet_id), name)
    if not target.stands:
        raise ValueError(
            f"entry {target.entry.entry_id} has no effect already: entry {target.reversed_by} reverses it; "
            f"`tieout adjust reverse {target.reversed_by}` brings it back"
        )
    # True since the entry itself was: it never happened, at whatever time one looks.
    return replace(entry, reverses=target.entry.entry_id, occurred_at_ms=target.entry.occurred_at_ms)
