"""One unit that is wrong, in the books or on the chain, is found, and where it began is seen."""

from __future__ import annotations

import pytest

from evm.books import Kept, keeping
from evm.ground import ONE, Condition, Ground, approve, mint, pay, split
from support.database import in_loop


def blocks(ground: Ground, me: str, condition: Condition) -> None:
    """A split and a payment, and blocks until they are final."""
    ground.done(me, mint(me, 100 * ONE), approve(), split(condition, 40 * ONE))
    ground.done(me, split(condition, 7))
    ground.done(me, pay(ground.people[1], 5))
    for _ in range(21):
        ground.block()


async def drifts(kept: Kept) -> list[tuple[int, dict[str, int], int]]:
    """(block, drift by token, drift of collateral) at each block that does not tie out."""
    found = []
    for block in range(kept.first, kept.ground.evm.height() + 1):
        tie = await kept.tie(block)
        if not tie.holds:
            found.append((block, {each.token_id: each.drift for each in tie.differences}, tie.collateral.drift))
    return found


@pytest.mark.parametrize("by", [1, -1])
def test_a_unit_that_no_log_tells_of_is_found_from_its_block_on(dsn: str, ground: Ground, by: int) -> None:
    me, condition = ground.people[0], ground.condition(1)

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, me) as kept:
            blocks(ground, me, condition)
            await kept.ties_out()
            now = ground.evm.height()
            ground.slip_shares(me, condition.tokens[1], by)
            ground.block()
            ground.slip_coins(me, -by)
            ground.block()
            await kept.follow()
            shares = {str(condition.tokens[1]): -by}
            assert await drifts(kept) == [(now, shares, 0), (now + 1, shares, by), (now + 2, shares, by)]

    run()


@pytest.mark.parametrize("by", [1, -1])
def test_a_unit_that_is_wrong_in_a_booked_movement_is_found_from_its_block_on(
    dsn: str, ground: Ground, by: int
) -> None:
    me, condition = ground.people[0], ground.condition(1)

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, me) as kept:
            blocks(ground, me, condition)
            await kept.ties_out()
            changed = await kept.reader.execute(
                "UPDATE movements SET cash = cash + $1 WHERE wallet_id = $2 AND cash = -5", by, kept.wallet_id
            )
            assert changed == "UPDATE 1"
            found = await drifts(kept)
            (paid,) = [block for block in range(ground.evm.height()) if ground.coins(me, block) == 60 * ONE - 12][:1]
            assert found == [(block, {}, by) for block in range(paid, ground.evm.height() + 1)]

    run()


def test_a_share_too_many_in_the_books_is_found(dsn: str, ground: Ground) -> None:
    me, condition = ground.people[0], ground.condition(1)

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, me) as kept:
            blocks(ground, me, condition)
            await kept.ties_out()
            yes = str(condition.tokens[0])
            await kept.reader.execute(
                "UPDATE positions SET shares = shares + 1 WHERE wallet_id = $1 AND token_id = $2", kept.wallet_id, yes
            )
            assert {(str(tokens), cash) for _, tokens, cash in await drifts(kept)} == {(str({yes: 1}), 0)}

    run()
