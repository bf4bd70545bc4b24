"""Marks of a wallet: kept for ever, read back as they were, and what a day began with."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest

from support.database import ADDRESS, connected, in_loop
from tieout.store import marks
from tieout.store.marks import DAY_MS, NEAR_MIDNIGHT_MS, Mark
from tieout.store.wallets import acquire

MIDNIGHT = 20_700 * DAY_MS
HOUR = 3_600_000
A_MARK = Mark(
    at_ms=MIDNIGHT + HOUR,
    cash=5_000_000,
    market_value=7_000_003,
    cost_basis=6_000_000,
    realized_pnl=-250_000,
    fees=1_234,
    rewards=40_000,
    positions=3,
    unpriced=1,
)


async def wallet(connection: asyncpg.Connection, address: str = ADDRESS) -> int:
    return (await acquire(connection, address)).wallet_id


def at(at_ms: int) -> Mark:
    return replace(A_MARK, at_ms=at_ms, realized_pnl=at_ms % 1_000_007)


def test_pnl_is_realized_unrealized_and_rewards_after_fees() -> None:
    assert A_MARK.unrealized_pnl == 1_000_003
    assert A_MARK.pnl == -250_000 + 1_000_003 + 40_000 - 1_234


def test_marks_come_back_as_they_were_oldest_first_and_by_wallet(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with connected(dsn) as connection, connected(dsn) as other:
            mine, theirs = await wallet(connection), await wallet(other, "0x" + "b2" * 20)
            assert await marks.latest(connection, mine) is None
            unknown_cash = replace(at(MIDNIGHT + 3), cash=None)
            for mark in (at(MIDNIGHT + 2), unknown_cash, at(MIDNIGHT + 1)):
                await marks.append(connection, mine, mark)
            await marks.append(connection, theirs, at(MIDNIGHT + 9))
            assert await marks.latest(connection, mine) == unknown_cash
            assert await marks.since(connection, mine, MIDNIGHT + 2) == [at(MIDNIGHT + 2), unknown_cash]
            assert await marks.since(connection, theirs, 0) == [at(MIDNIGHT + 9)]

    run()


@pytest.mark.parametrize(
    ("kept", "start"),
    [
        ([], None),
        ([-NEAR_MIDNIGHT_MS - 1, HOUR, 2 * HOUR], HOUR),
        ([-2, -1, HOUR], -1),
        ([-1, 0, HOUR], 0),
        ([-3 * HOUR], None),
        ([-3 * HOUR, 20 * HOUR], None),
    ],
)
def test_a_day_begins_with_the_mark_at_midnight(dsn: str, kept: list[int], start: int | None) -> None:
    @in_loop
    async def run() -> None:
        async with connected(dsn) as connection:
            wallet_id = await wallet(connection)
            for offset in kept:
                await marks.append(connection, wallet_id, at(MIDNIGHT + offset))
            found = await marks.at_day_start(connection, wallet_id, MIDNIGHT + 10 * HOUR)
            assert found == (None if start is None else at(MIDNIGHT + start))

    run()


def test_a_mark_is_never_changed_and_makes_sense(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with connected(dsn) as connection:
            wallet_id = await wallet(connection)
            await marks.append(connection, wallet_id, A_MARK)
            for change in ("UPDATE portfolio_mark SET fees = 0", "DELETE FROM portfolio_mark"):
                with pytest.raises(asyncpg.PostgresError, match="append-only"):
                    await connection.execute(change)
            with pytest.raises(asyncpg.CheckViolationError, match="unpriced"):
                await marks.append(connection, wallet_id, replace(A_MARK, unpriced=4))

    run()
