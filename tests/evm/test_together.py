"""Several acts of a wallet in one transaction, and books that begin in the middle of a life."""

from __future__ import annotations

import pytest

from evm.books import keeping
from evm.ground import ONE, Act, Condition, Ground, approve, merge, mint, pay, redeem, send, send_batch, split
from support.database import in_loop


def _orders(me: str, other: str, one: Condition) -> dict[str, tuple[Act, ...]]:
    """What is done in one transaction after 1/3 and 2/3 were reported, by a wallet that holds sets and 60 coins."""
    yes, no = one.tokens
    return {
        "split, send, merge, pay": (
            split(one, 10 * ONE),
            send(me, other, yes, 3 * ONE),
            merge(one, 4 * ONE),
            pay(other, 7),
        ),
        "two splits and a merge": (split(one, 5), split(one, 11), merge(one, 3)),
        "a batch and a redemption of the rest": (send_batch(me, other, (yes, no), (2 * ONE, 5)), redeem(one)),
        "a split and a redemption of all": (split(one, 10 * ONE), redeem(one)),
        "a merge and a redemption of the rest": (merge(one, 11 * ONE), redeem(one)),
        "two redemptions": (redeem(one, (1,)), redeem(one, (2,))),
    }


PROFIT = {
    "split, send, merge, pay": 0,  # 50 at 25 each; 3 of Yes leave with 1.5; 4 of both leave with 2 each, for 4
    "two splits and a merge": 1,  # of 3 units of collateral Yes gets 2, and only 1 of its cost leaves
    "a batch and a redemption of the rest": 39_333_329 - 19_000_000 - 19_999_998,
    "a split and a redemption of all": -1,  # 16.666666 and 33.333333 for what cost 50
    "a merge and a redemption of the rest": -1,
    "two redemptions": -1,
}


@pytest.mark.parametrize("name", PROFIT)
def test_acts_of_one_transaction_tie_out_with_their_profit(dsn: str, ground: Ground, name: str) -> None:
    me, other = ground.contract_wallet(1), ground.people[1]
    condition = ground.condition(1)

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, me) as kept:
            ground.done(me, mint(me, 100 * ONE), approve(), split(condition, 40 * ONE))
            ground.block(ground.report(condition, 1, 2))
            ground.done(me, *_orders(me, other, condition)[name])
            await kept.ties_out()
            assert sum((await kept.profit()).values()) == PROFIT[name]

    run()


def test_books_that_begin_in_the_middle_of_a_life_tie_out_from_there_on(dsn: str, ground: Ground) -> None:
    me, other = ground.people[:2]
    condition = ground.condition(1)

    @in_loop
    async def run() -> None:
        ground.done(me, mint(me, 100 * ONE), approve(), split(condition, 40 * ONE))
        first = ground.done(me, send(me, other, condition.tokens[0], 3), merge(condition, ONE), pay(other, 5))
        for _ in range(21):
            ground.block()
        async with keeping(dsn, ground, me, first) as kept:
            await kept.follow()
            assert not (await kept.tie(first)).holds
            head = await kept.chain.block(first)
            assert head is not None
            assert (await kept.books.compare(head)).holds
            ground.done(me, split(condition, 9), pay(other, 1))
            await kept.ties_out()

    run()
