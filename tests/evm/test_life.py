"""The life of a wallet on the real ConditionalTokens: the books equal the contracts' balances at every block."""

from __future__ import annotations

import pytest

from evm.books import keeping
from evm.ground import (
    ONE,
    Ground,
    approve,
    merge,
    mint,
    pay,
    redeem,
    send,
    send_batch,
    split,
)
from support.database import in_loop


def finish(ground: Ground) -> None:
    """Two more blocks: everything before them is final."""
    ground.block()
    ground.block()


PAYOUTS = ((1, 0), (0, 1), (1, 2))


@pytest.mark.parametrize("kind", ["key", "contract"])
@pytest.mark.parametrize("payouts", PAYOUTS)
def test_a_scripted_life_ties_out_at_every_block(dsn: str, ground: Ground, payouts: tuple[int, int], kind: str) -> None:
    """Amounts are whole units in the comments: shares of Yes and No, their cost, and what was realized."""
    me = ground.people[0] if kind == "key" else ground.contract_wallet(1)
    other = ground.people[1]
    condition = ground.condition(1)
    yes, no = condition.tokens

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, me) as kept:
            ground.done(other, mint(me, 200 * ONE), mint(other, 100 * ONE), approve(), split(condition, 100 * ONE))
            ground.done(me, approve(), split(condition, 100 * ONE))  # 100 at 50, 100 at 50
            await kept.ties_out()
            ground.done(me, merge(condition, 30 * ONE))  # 70 at 35, 70 at 35
            ground.done(me, send(me, other, yes, 20 * ONE))  # 50 at 25, 70 at 35
            ground.done(other, send(other, me, no, 10 * ONE))  # 50 at 25, 80 at 35
            ground.done(me, send_batch(me, other, (yes, no), (10 * ONE, 16 * ONE)))  # 40 at 20, 64 at 28
            await kept.ties_out()
            ground.done(other, send_batch(other, me, (no, yes), (ONE, 5 * ONE)))  # 45 at 20, 65 at 28
            ground.done(me, merge(condition, 9 * ONE))  # 36 at 16, 56 at 28 x 56/65; realized 9 - 4 - 28 x 9/65
            ground.done(me, pay(other, 7 * ONE))
            ground.block(ground.report(condition, *payouts))
            ground.done(me, redeem(condition))
            finish(ground)
            await kept.ties_out()
            paid = sum(shares * ONE * payout // sum(payouts) for shares, payout in zip((36, 56), payouts, strict=True))
            removed = 28 * ONE * 9 // 65
            merged = 9 * ONE // 2 - 4 * ONE + 9 * ONE // 2 - removed
            assert await kept.profit() == {condition.condition_id: merged + paid - 16 * ONE - (28 * ONE - removed)}
            assert await kept.costs() == {}
            for _ in range(20):  # what a condition paid is asked of a final block
                ground.block()
            await kept.follow()
            first, second = (n * ONE * payout // sum(payouts) for n, payout in zip((36, 56), payouts, strict=True))
            by_token = {
                str(yes): ONE // 2 + first - 16 * ONE,
                str(no): 9 * ONE // 2 - removed + second - 28 * ONE + removed,
            }
            assert await kept.profit_by_token() == by_token  # S6: each outcome has what it paid

    run()
