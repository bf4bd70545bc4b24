"""What the live view and the metrics call on its way: every fill without a final status, an unknown one too."""

from __future__ import annotations

from store.test_log import booked
from support.database import ADDRESS, connected, in_loop
from tieout.app.metrics import metrics_text
from tieout.app.showing import Shown, shown
from tieout.ledger.facts import FillObserved, Role, Side
from tieout.store.moving import MOVING

NOW = 1_790_000_000_000
STATUSES = ("MATCHED_NOT_BROADCASTED", "MATCHED", "RETRYING", "MINED", "CONFIRMED", "FAILED", "HELD_FOR_REVIEW")


def fill(number: int, status: str) -> FillObserved:
    return FillObserved(
        trade_id=f"t{number}", order_id=f"0x{number:064x}", token_id="77", side=Side.BUY, shares=5_000_000,
        collateral=2_500_000, fee=1, role=Role.TAKER, status=status, occurred_at_ms=NOW + number,
    )  # fmt: skip


@in_loop
async def test_T3_fills_of_every_status_but_the_final_ones_are_on_their_way(dsn: str) -> None:
    await booked(dsn, [fill(number, status) for number, status in enumerate(STATUSES)])
    async with connected(dsn) as connection:
        seen = await shown(connection, ADDRESS, Shown(), NOW)
        assert (seen.fills_total, seen.moving) == (6, 5)  # a failed one is none
        text = (await metrics_text(connection, NOW)).decode()
        assert f'tieout_moving_movements{{wallet="{ADDRESS}"}} 5.0' in text.splitlines()


@in_loop
async def test_what_is_on_its_way_has_an_index(dsn: str) -> None:
    async with connected(dsn) as connection:
        await connection.execute("SET enable_seqscan = off")
        rows = await connection.fetch(f"EXPLAIN SELECT 1 FROM movements WHERE wallet_id = 1 AND {MOVING}")
        assert any("movements_moving" in row[0] for row in rows)
