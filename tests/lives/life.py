"""Random lives of one wallet on the simulated chain: everything that can move its tokens or its money, from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lives import money, positions, trading
from lives.acts import Act, Bundle
from lives.ground import Ground, W
from tieout.sim.chain.chain import Block

ACTS = {
    trading.match: 34,
    positions.split: 10,
    positions.merge: 6,
    positions.split_of_nothing: 1,
    positions.direct: 4,
    positions.convert: 7,
    positions.migrate: 4,
    positions.resolve: 3,
    positions.redeem: 8,
    positions.redeem_directly: 2,
    money.tokens_out: 5,
    money.tokens_in: 5,
    money.tokens_to_itself: 1,
    money.cash_in: 6,
    money.cash_out: 4,
    money.turn: 4,
    money.cash_of_nothing: 1,
    money.pay: 3,
    money.of_others: 2,
}
"""What a wallet does, and how often."""

_KINDS, _WEIGHTS = tuple(ACTS), tuple(ACTS.values())


class Life:
    """One life: block after block of transactions, each of which knows what it did."""

    def __init__(self, seed: int, *, finality: int = 10) -> None:
        self.seed = seed
        self.ground = Ground(seed, finality=finality)
        self.done: Counter[str] = Counter()
        """Acts that went through, by name."""

    def blocks(self, count: int) -> Iterator[Block]:
        """One after the other: what there must be, some money for the wallet, and *count* blocks of its life."""
        yield self.ground.begin()
        yield self._mine([Bundle(W, (money.cash_in(self.ground), money.cash_in(self.ground)))])
        for _ in range(count):
            yield self.block()

    def block(self) -> Block:
        """One to four transactions."""
        draw = self.ground.draw
        return self._mine([self._transaction() for _ in range(draw.choice((1, 1, 1, 2, 3, 4)))])

    def _mine(self, bundles: list[Bundle]) -> Block:
        block = self.ground.setting.mine(*bundles)
        for receipt in block.receipts:
            if receipt.status and isinstance(receipt.transaction.call, Bundle):
                self.done.update(act.name for act in receipt.transaction.call.acts)
        return block

    def _transaction(self) -> Bundle:
        """Mostly one act; sometimes several at once, as wallets that are contracts do them."""
        acts: list[Act] = []
        for _ in range(self.ground.draw.choice((1, 1, 1, 1, 1, 2, 3))):
            act = self._act()
            # Two conversions of one event in one transaction cannot be told apart, and the decoder says so.
            if act.name != "convert" or all(each.name != "convert" for each in acts):
                acts.append(act)
        return Bundle(W, tuple(acts))

    def _act(self) -> Act:
        while True:
            act: Act | None = self.ground.draw.choices(_KINDS, _WEIGHTS)[0](self.ground)
            if act is not None:
                return act
