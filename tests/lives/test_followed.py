"""Lives read over a node's JSON-RPC into PostgreSQL: tied out at every block, whatever reorganisations take away."""

from __future__ import annotations

from collections import Counter

import pytest

from lives.life import Life
from lives.tally import Tally, read
from lives.wire import Followed, followed
from support.database import in_loop

DEPTHS = 20
BLOCKS = 30


@pytest.mark.parametrize("seed", range(DEPTHS // 2))
def test_I1_C2_T2_F1_a_followed_life_ties_out_at_every_block_under_reorganisations(dsn: str, seed: int) -> None:
    """Each life has two reorganisations, of one depth and its complement: together each depth from 1 to 20."""

    @in_loop
    async def run() -> None:
        life = Life(seed, finality=DEPTHS + 5)
        async with followed(dsn, life) as kept:
            reorganised = Counter[str]()
            depths = {BLOCKS // 2 + seed: seed + 1, BLOCKS - 1: DEPTHS - seed}
            for place, _ in enumerate(life.blocks(BLOCKS)):
                await kept.look(kept.head)
                if depth := depths.get(place):
                    before = kept.transactions(depth)
                    lost, again = before[:1], before[1:3]
                    kept.replace(depth, lost, again)
                    await kept.look(kept.head - depth - 1)
                    reorganised.update(("lost",) * len(lost) + ("again",) * len(again) + ("kept",) * len(before[3:]))
            blocks = kept.finish()
            await kept.look()
            assert kept.compared > 2 * BLOCKS
            assert reorganised["lost"]
            tally = Tally(life)
            for block in blocks:
                tally.books.extend(read(block.receipts))
            tally.compare_shares()
            tally.compare_causes(blocks)
            assert await _movements(kept) == sorted(
                (row.key, row.kind, row.token_id, row.shares, row.collateral, row.fee, row.cash, row.legs)
                for row in tally.rows().movements
            )

    run()


async def _movements(kept: Followed) -> list[tuple[object, ...]]:
    rows = await kept.connection.fetch(
        "SELECT key, kind, token_id, shares, collateral, fee, cash, legs FROM movements WHERE wallet_id = $1",
        kept.wallet_id,
    )
    return sorted(tuple(row) for row in rows)
