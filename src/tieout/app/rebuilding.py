"""Making the stored state again from the log: after a change of the fold, or when the state was damaged (L1)."""

from __future__ import annotations

from collections.abc import Callable

from tieout.app.history import Verification, verify, verify_books
from tieout.ledger.rows import all_rows
from tieout.store.connect import connected
from tieout.store.errors import StoreError
from tieout.store.log import replace_state
from tieout.store.wallets import acquire


async def rebuild_state(dsn: str, wallet: str, progress: Callable[[int], None]) -> tuple[Verification, Verification]:
    """What was found before and after. Takes the wallet exclusively, so nobody writes meanwhile.

    Raises StoreError when the log's chain is broken: nothing is made from a log that cannot be trusted.
    """
    async with connected(dsn) as connection:
        lease = await acquire(connection, wallet, exclusive=True)
        before, books = await verify_books(connection, lease.wallet_id, progress)
        if before.chain_breaks:
            raise StoreError(f"the log of {wallet} is broken, the state stays as it is: {before.chain_breaks[0]}")
        await replace_state(connection, lease, before.head, all_rows(list(books.books.values())))
        return before, await verify(connection, lease.wallet_id, progress)
