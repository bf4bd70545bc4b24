"""Where the worker's reading of the chain begins, and that a first block below it is not read.

The worker does not read the earlier part by itself: what was held before the first block may be in the books already,
as an opening, and would be there twice.
"""

from __future__ import annotations

import asyncpg

from tieout.app.chain_books import BEGAN, first_read
from tieout.app.config import Config
from tieout.jobs.position_sync import CHAIN
from tieout.store import watermarks
from tieout.store.runs import Action, Finding, IssueType, Severity
from tieout.store.watermarks import Watermark


async def reading_start(
    connection: asyncpg.Connection, wallet_id: int, first_block: int | None, now_ms: int
) -> tuple[int, int]:
    """(the block at which the books begin, the one to read on from)."""
    known = await watermarks.get(connection, wallet_id, CHAIN)
    if known is None:
        begins = first_block or 0
        await watermarks.put(connection, wallet_id, BEGAN, Watermark(str(begins), now_ms), forced=True)
        return begins, begins
    first = await first_read(connection, wallet_id)
    # Where that was not kept the configuration is believed, as it always was.
    return (first_block or 0) if first is None else first, int(known.value)


def unread(config: Config, begins: int) -> Finding | None:
    """That the configuration names a block before the one at which the books begin; None when it does not."""
    first = config.first_block
    if first is None or first >= begins:
        return None
    return Finding(
        IssueType.SYNC_FAILED,
        Severity.WARN,
        Action.LOGGED,
        f"account.first_block is {first}, but the chain was read from block {begins} on and is read on from where that "
        f"ended: what came before {begins} is in the books only as what the wallet held by then, if at all. Set it to "
        f"{begins}; or, with the worker stopped, tieout watch {config.wallet} --node URL --from-block {first} --once, "
        "which says so when it needs books of their own",
    )
