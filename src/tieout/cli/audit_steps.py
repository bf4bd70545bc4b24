"""The steps of an audit, each with its progress: read, compare, fold, look for places, report, and ask the Data API."""

from __future__ import annotations

from dataclasses import replace

import asyncpg

from tieout.app.auditing import audit_wallet
from tieout.app.block_books import books_at
from tieout.app.certifying import asking
from tieout.app.chain_audit import AtBlock, CannotCompareError, at_block, block_to_compare, told_by_chain
from tieout.app.chain_books import chain_books
from tieout.app.chain_reading import compared as compared_there
from tieout.app.chain_reading import first_to_read, read_to_end
from tieout.app.clock import now_ms
from tieout.app.data_audit import NotToldError, data_books, stated_by
from tieout.app.data_differences import Stated, compared
from tieout.app.queries import require_wallet
from tieout.app.wallet_audit import Reading, WalletAudit
from tieout.app.wallet_report import report_of
from tieout.cli.audit_options import AuditRequest
from tieout.cli.audit_progress import BlocksBar, rows_bar
from tieout.cli.output import entries_bar, err
from tieout.client.chain import Chain
from tieout.client.clock import LoopClock
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.store.wallets import head_of


async def audited(dsn: str, connection: asyncpg.Connection, asked: AuditRequest) -> WalletAudit:
    """The audit that was *asked* for, step by step: read, compare, fold, locate, report."""
    if asked.from_chain:
        return await _from_chain(dsn, connection, asked)
    inferred = None
    if asked.from_data_api:
        async with data_books(dsn, asked.wallet, asked.data_api) as books:
            with rows_bar(asked.wallet) as told:
                books.told = told
                inferred = await books.read()
    found = replace(await _folded(connection, asked), inferred=inferred)
    if not asked.nodes or asked.from_data_api:
        return found
    wallet_id = await require_wallet(connection, asked.wallet)
    async with asking(asked.nodes) as chain:
        try:
            block = await block_to_compare(connection, chain, wallet_id, asked.wallet)
            at = await at_block(connection, chain, wallet_id, asked.wallet, block)
            return await _with_chain(connection, chain, wallet_id, found, at)
        except CannotCompareError as error:
            return replace(found, untold=str(error))
        except (VenueError, CallFailedError) as error:
            return replace(found, untold=f"no node answers: {error}; name another one with --node, or try again")


async def _from_chain(dsn: str, connection: asyncpg.Connection, asked: AuditRequest) -> WalletAudit:
    async with chain_books(dsn, asked.wallet, asked.nodes, asked.first_block, provisional=False) as books:
        begin = await first_to_read(books)
        with BlocksBar(books, begin) as bar:
            books.told = bar.reached
            block = await read_to_end(books, LoopClock(now_ms))
        wallet_id = await require_wallet(connection, asked.wallet)
        stated, untold = await _stated(connection, wallet_id, asked)
        # A token that the index knows and the books do not: the chain is asked about it like any other.
        also = [row.token_id for row in stated.held.rows] if stated is not None else []
        at = await compared_there(books, connection, wallet_id, asked.wallet, block, also)
        found = await _with_chain(connection, books.chain, wallet_id, await _folded(connection, asked), at)
        reading = Reading(begin, block.number, books.follower.transactions, books.seen["logs"], books.left_out)
    state = books_at(found.audit.books, block.number, block.at_ms)
    found = replace(found, reading=reading, report=report_of(found.audit.books, state, at.tie), data_untold=untold)
    if stated is None:
        return found
    drifted = frozenset(each.token_id for each in at.tie.differences)
    return replace(found, data=compared(state, block, stated, drifted))


async def _stated(connection: asyncpg.Connection, wallet_id: int, asked: AuditRequest) -> tuple[Stated | None, str]:
    """What the Data API says, or why it says nothing."""
    if asked.no_data_api:
        return None, ""
    try:
        with err.status("reading the Data API"):
            return await stated_by(asked.data_api, connection, wallet_id, asked.wallet), ""
    except NotToldError as error:
        return None, str(error)


async def _folded(connection: asyncpg.Connection, asked: AuditRequest) -> WalletAudit:
    wallet_id = await require_wallet(connection, asked.wallet)
    head, _, _ = await head_of(connection, wallet_id)
    with entries_bar() as bar:
        task = bar.add_task("auditing", total=head.seq)
        return WalletAudit(
            asked.wallet, await audit_wallet(connection, wallet_id, lambda n: bar.update(task, completed=n))
        )


async def _with_chain(
    connection: asyncpg.Connection, chain: Chain, wallet_id: int, found: WalletAudit, at: AtBlock
) -> WalletAudit:
    told = await told_by_chain(connection, chain, wallet_id, found.wallet, found.audit, at)
    return replace(found, audit=told.audit, chain=told)
