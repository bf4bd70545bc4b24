"""One unit too much somewhere in the books: found, with its block, its transaction and what was booked of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lives.acts import Bundle
from lives.ground import W
from lives.life import Life
from lives.tally import read
from lives.wire import Followed, followed
from support.database import in_loop
from tieout.jobs.locate import Located, locate
from tieout.jobs.tie_out import COLLATERAL
from tieout.ledger.facts import AnyFact, CashFlowed, OrderFilledOnChain, PositionSplit, TokenMoved

BLOCKS = 25

Wrong = Callable[[Any], AnyFact]


def one_more(field: str) -> Wrong:
    return lambda fact: msgspec.structs.replace(fact, **{field: getattr(fact, field) + 1}, version=1)


def gone(fact: Any) -> AnyFact:
    return msgspec.structs.replace(fact, version=1, removed=True)


async def found(kept: Followed, what: str) -> Located | None:
    return await locate(kept.connection, kept.books.chain, kept.wallet_id, W, what, kept.first, kept.head)


CASES = [
    (TokenMoved, one_more("shares"), 1, 22),
    (TokenMoved, gone, None, 47),
    (OrderFilledOnChain, one_more("collateral"), None, 5),
    (OrderFilledOnChain, one_more("fee"), -1, 6),
    (CashFlowed, one_more("amount"), 1, 7),
    (CashFlowed, gone, None, 8),
    (PositionSplit, one_more("amount"), -1, 9),
]


@pytest.mark.parametrize(("kind", "wrong", "drift", "seed"), CASES)
def test_I1_C2_a_planted_error_is_found_and_located(
    dsn: str, kind: type, wrong: Wrong, drift: int | None, seed: int
) -> None:
    @in_loop
    async def run() -> None:
        life = Life(seed)
        async with followed(dsn, life) as kept:
            blocks = list(life.blocks(BLOCKS))
            kept.finish()
            await kept.look(kept.head - 3)
            facts = [fact for block in blocks for fact in read(block.receipts) if type(fact) is kind]
            fact = random.Random(life.seed).choice([each for each in facts if _alone(kept, each, facts)])
            what = fact.token_id if kind is TokenMoved else COLLATERAL
            assert await found(kept, what) is None
            await kept.plant([wrong(fact)])
            tie = await kept.tie(kept.head)
            assert not tie.holds
            located = await found(kept, what)
            assert located is not None
            assert (located.block.number, located.block.hash) == (fact.block, fact.block_hash)
            assert located.tx_hashes == (fact.tx_hash,)
            assert located.before == 0
            assert located.after == located.changes[0].drift != 0
            assert drift in (None, located.after)
            rows = await kept.connection.fetch(
                "SELECT key, tx_hash FROM movements WHERE wallet_id = $1", kept.wallet_id
            )
            assert set(located.movements) <= {row["key"] for row in rows if row["tx_hash"] == fact.tx_hash}
            call = _call(kept, fact.tx_hash)
            truth = call.shares[what] if what else call.cash
            assert located.changes[0].chain == truth
            assert located.changes[0].books == truth + located.after

    run()


def _alone(kept: Followed, fact: Any, facts: list[Any]) -> bool:
    """Nothing else of its kind is in the transaction, no fill says the same of its shares, and they never all left:

    shares that leave without having arrived are unexplained in the books (I3), and the balance is right again.
    """
    if sum(each.tx_hash == fact.tx_hash for each in facts) > 1:
        return False
    if not isinstance(fact, TokenMoved):
        return True
    later = [kept.held(block).get(fact.token_id, 0) for block in range(fact.block, kept.head + 1)]
    return all(act.name.startswith("tokens") for act in _call(kept, fact.tx_hash).acts) and min(later) >= fact.shares


def _call(kept: Followed, tx_hash: str) -> Bundle:
    receipt = kept.life.ground.chain.receipt(tx_hash)
    assert receipt is not None
    assert isinstance(receipt.transaction.call, Bundle)
    return receipt.transaction.call


def test_a_difference_that_was_there_before_is_none_of_the_blocks_after_it(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        life = Life(21)
        async with followed(dsn, life) as kept:
            blocks = list(life.blocks(BLOCKS))
            kept.finish()
            await kept.look(kept.head)
            flows = [fact for block in blocks for fact in read(block.receipts) if isinstance(fact, CashFlowed)]
            early, late = flows[0], flows[-1]
            assert early.block < late.block
            for fact in (early, late):
                await kept.plant([one_more("amount")(fact)])
            located = await locate(
                kept.connection, kept.books.chain, kept.wallet_id, W, COLLATERAL, early.block, kept.head
            )
            assert located is not None
            assert (located.block.number, located.before, located.after) == (late.block, 1, 2)
            with pytest.raises(ValueError, match="first_block: expected less than"):
                await locate(kept.connection, kept.books.chain, kept.wallet_id, W, COLLATERAL, 5, 5)

    run()
