"""Bugs in what facts come to: merging, joining, ordering, folding."""

from __future__ import annotations

from mutants.life import Life, directed
from mutants.mutant import HERE, OLDER, Mutant

MUTANTS = (
    Mutant(
        id="one-fill-a-trade",
        file="ledger/book.py",
        old="        fill = self.fills.get(key)\n",
        new='        fill = next((f for at, f in self.fills.items() if at.split("/")[1] == fact.trade_id), None)\n',
        wrong="Where a trade fills two of our orders, the second fill is taken for the first one told again.",
        rows="F2 P6",
        origin=OLDER,
        known=(Life(1),),
    ),
    Mutant(
        id="failed-trade-kept",
        file="ledger/book.py",
        old="        counts = fill.rank != RANK_FAILED\n",
        new="        counts = True\n",
        wrong="A trade that the venue gave up stays in the books.",
        rows="F1",
        origin=OLDER,
        known=(directed(3, "settlement-failed"),),
    ),
    Mutant(
        id="average-of-the-last-buy",
        file="ledger/fold.py",
        old="            position.cost += collateral\n",
        new="            position.cost = position.shares * collateral // movement.shares\n",
        wrong="The average cost is overwritten by the price of the last buy.",
        rows="C1 C2",
        origin=OLDER,
        known=(directed(1),),
    ),
    Mutant(
        id="cost-rounded-up",
        file="ledger/position.py",
        old="""        self.sold += proceeds
        if shares < held:
            removed = self.cost * shares // held
""",
        new="""        self.sold += proceeds
        if shares < held:
            removed = -(-self.cost * shares // held)
""",
        wrong="A sale takes a micro-unit too much of the cost with it.",
        rows="C1 F3 S4",
        origin=OLDER,
        known=(directed(1),),
    ),
    Mutant(
        id="conversion-without-cost",
        file="ledger/fold.py",
        old="    cost = 0 if profit > 0 else -profit\n",
        new="    cost = 0\n",
        wrong="What the NO shares of a neg-risk conversion had cost is lost on the way to the YES shares.",
        rows="E6 C1",
        origin=HERE,
        known=(directed(9, "human-convert"),),
    ),
    Mutant(
        id="payout-in-halves",
        file="ledger/redemption.py",
        old="    return [q * v[0] // v[1] for q, v in zip(quantities, vector, strict=True) if v is not None]",
        new="    return [q // len(vector) for q, v in zip(quantities, vector, strict=True) if v is not None]",
        wrong="A redemption of both outcomes is divided as if each share had paid the same.",
        rows="S6 F3",
        origin=HERE,
        known=(directed(1, "market-resolved", "human-redeem"),),
    ),
    Mutant(
        id="block-without-order",
        file="ledger/movement.py",
        old="    return block << LOG_BITS | log_index\n",
        new="    return block << LOG_BITS\n",
        wrong="Movements of one block are folded in the order of their names, not of their logs.",
        rows="T3 C1",
        origin=HERE,
        known=(directed(10, "sweep"),),
    ),
    Mutant(
        id="matched-added-up",
        file="ledger/orders.py",
        old="""        news = fact.size_matched > self.claimed
        self.claimed = max(self.claimed, fact.size_matched)
""",
        new="""        news = fact.size_matched > 0
        self.claimed += fact.size_matched
""",
        wrong="What an order tells as matched so far is added to what it told before.",
        rows="S3 O2",
        origin=OLDER,
        known=(directed(1),),
    ),
    Mutant(
        id="closed-before-its-fills",
        file="ledger/orders.py",
        old='            return "closing" if self.provisional else "closed"\n',
        new='            return "closed"\n',
        wrong="An order is closed while fills of it are not booked.",
        rows="O3",
        origin=OLDER,
        known=(directed(6, "late-fill", "ws-reorder"),),
    ),
    Mutant(
        id="fees-of-takers-lost",
        file="ledger/fills.py",
        old="        movement.fee = log.fact.fee\n",
        new="        movement.fee = fill.fee or 0\n",
        wrong="The fee is looked for where the order book tells a fill, and it never names one.",
        rows="S5 E1 C2",
        origin=OLDER,
        known=(directed(4, "human-trade", "foreign-orders"),),
    ),
    Mutant(
        id="given-away-for-nothing",
        file="ledger/fold.py",
        old="        position_of(positions, movement.token_id).release(movement.shares)\n",
        new="        position_of(positions, movement.token_id).dispose(movement.shares, 0)\n",
        wrong="Shares that leave as a transfer count as sold for nothing.",
        rows="E6 F3",
        origin=OLDER,
        known=(directed(5, "human-transfer"),),
    ),
    Mutant(
        id="merge-pays-one-leg",
        file="ledger/fold.py",
        old="    each = amount // legs\n",
        new="    each = 0\n",
        wrong="All that a merge pays goes to the first of its legs, and all that a split costs.",
        rows="E3 C1",
        origin=HERE,
        known=(directed(13, "human-merge", "human-split"),),
    ),
    Mutant(
        id="leaving-shares-unseen",
        file="ledger/book.py",
        old="if rest != -unlogged",
        new="if rest > 0 and rest != -unlogged",
        wrong="Shares that leave the wallet without a trade stay in the books.",
        rows="E6 T2 I1",
        origin=OLDER,
        known=(directed(5, "human-transfer"),),
    ),
    Mutant(
        id="splits-for-free",
        file="ledger/movement.py",
        old="        if op == BUY or op == SPLIT:\n            return -self.collateral - self.fee\n",
        new="        if op == BUY:\n            return -self.collateral - self.fee\n",
        wrong="What a split costs is counted as received.",
        rows="E3 C2",
        origin=HERE,
        known=(Life(5),),
    ),
)
