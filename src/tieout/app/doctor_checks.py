"""All checks of the doctor under the names they are shown by, and that of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import asyncpg

from tieout.app import doctor_account as account
from tieout.app import doctor_venue as venue
from tieout.app.database import SCHEMES, embedded_place, newest_schema
from tieout.app.doctor import Check, Finding, Patient, State
from tieout.store.connect import connected, shown
from tieout.store.embedded import EmbeddedServer, EmbeddedServerError
from tieout.store.errors import StoreError
from tieout.store.wallets import LOCK_CLASS, wallet_id_of

_HELD = (
    "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
    "AND classid::bigint = $1 AND objid::bigint = $2 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""Who has the lease: an advisory lock with two keys."""


def checks_of(patient: Patient) -> Mapping[str, Check]:
    """Every check, in the order they are shown."""
    count = len(patient.nodes)
    nodes = {
        "node" if count == 1 else f"node {number}": venue.node_check(chain)
        for number, chain in enumerate(patient.nodes, 1)
    }
    return {
        "database": database,
        "private key": account.private_key,
        "clock": venue.clock,
        "CLOB": venue.clob,
        "API key": account.api_key,
        "restrictions": account.restrictions,
        "open orders": account.open_orders,
        "collateral, venue": account.venue_collateral,
        "collateral, chain": account.chain_collateral,
        "approvals": account.approvals,
        **(nodes or {"node": venue.no_node}),
        "Data API": venue.data_api,
        "Gamma": venue.gamma,
        "user socket": venue.user_socket,
        "market socket": venue.market_socket,
        "markets": venue.markets,
        "rate-limit tier": account.tier,
    }


async def database(patient: Patient) -> Finding:
    """It can be reached, its schema is known, and nobody holds the wallet."""
    settings = patient.settings
    if settings.db and not settings.db.startswith(SCHEMES):
        return _found(State.FAIL, f"TIEOUT_DB: expected an address that starts with {SCHEMES[0]}")
    try:
        if settings.db:
            return await _server(settings.db, shown(settings.db), patient.config.wallet)
        server = await asyncio.to_thread(EmbeddedServer.start, embedded_place(settings))
        with server:
            return await _server(server.dsn(), f"embedded, {embedded_place(settings)}", patient.config.wallet)
    except (StoreError, EmbeddedServerError, asyncpg.PostgresError) as error:
        return _found(State.FAIL, str(error), "start it, or correct TIEOUT_DB; without TIEOUT_DB there is an own one")


async def _server(dsn: str, place: str, wallet: str) -> Finding:
    async with connected(dsn) as connection:
        newest, schema = newest_schema(), await _schema(connection)
        if schema is None:
            return _found(State.OK, f"{place}: empty, the first start makes the schema")
        if schema > newest:
            text = f"{place}: schema {schema} is of a newer tieout than this, which knows {newest}"
            return _found(State.FAIL, text, "update tieout")
        if schema < newest:
            text = f"{place}: schema {schema}, brought to {newest} at the next start"
            return _found(State.WARN, text, "make a backup first if you want to be able to go back")
        if holder := await _holder(connection, wallet):
            text = f"{place}: the wallet is being written by {holder}"
            return _found(State.WARN, text, "fine if that is the worker; a second one does not start beside it")
    return _found(State.OK, f"{place}: schema {schema}, the wallet is free")


async def _schema(connection: asyncpg.Connection) -> str | None:
    try:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return None if revision is None else str(revision)


async def _holder(connection: asyncpg.Connection, wallet: str) -> str:
    """Who holds the wallet's lease; "" when it is free or not known yet."""
    wallet_id = await wallet_id_of(connection, wallet)
    if wallet_id is None or not await connection.fetch(_HELD, LOCK_CLASS, wallet_id):
        return ""
    holder = await connection.fetchval("SELECT holder FROM wallet WHERE wallet_id = $1", wallet_id)
    return str(holder or "another process")


def _found(state: State, text: str, todo: str = "") -> Finding:
    """A finding; the name of its check is put in by who runs it."""
    return Finding("", state, text, todo)
