"""Bugs in what facts come to: merging, joining, ordering, folding."""

from __future__ import annotations

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
    ),
    Mutant(
        id="replaced-hash-is-another-fill",
        file="ledger/fills.py",
        old="    for use_tx, use_shares in ((True, False), (False, True)):",
        new="    for use_tx, use_shares in ((True, False),):",
        wrong="A fill that settled under another hash than the one told first is booked twice.",
        rows="F2 R5",
        origin=OLDER,
    ),
    Mutant(
        id="removed-log-still-settles",
        file="ledger/fills.py",
        old="        each.fill = None\n        if not each.fact.removed:\n            free.append(each)",
        new="        each.fill = None\n        free.append(each)",
        wrong="A log that a reorganisation took away goes on settling a fill.",
        rows="F1 T3",
        origin=HERE,
    ),
    Mutant(
        id="failed-trade-kept",
        file="ledger/book.py",
        old="        counts = fill.rank != RANK_FAILED\n",
        new="        counts = True\n",
        wrong="A trade that the venue gave up stays in the books.",
        rows="F1",
        origin=OLDER,
    ),
    Mutant(
        id="average-of-the-last-buy",
        file="ledger/fold.py",
        old="            position.cost += collateral\n",
        new="            position.cost = position.shares * collateral // movement.shares\n",
        wrong="The average cost is overwritten by the price of the last buy.",
        rows="C1 C2",
        origin=OLDER,
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
    ),
    Mutant(
        id="conversion-without-cost",
        file="ledger/fold.py",
        old="    cost = 0 if profit > 0 else -profit\n",
        new="    cost = 0\n",
        wrong="What the NO shares of a neg-risk conversion had cost is lost on the way to the YES shares.",
        rows="E6 C1",
        origin=HERE,
    ),
    Mutant(
        id="payout-in-halves",
        file="ledger/redemption.py",
        old="    return [q * v[0] // v[1] for q, v in zip(quantities, vector, strict=True) if v is not None]",
        new="    return [q // len(vector) for q, v in zip(quantities, vector, strict=True) if v is not None]",
        wrong="A redemption of both outcomes is divided as if each share had paid the same.",
        rows="S6 F3",
        origin=HERE,
    ),
    Mutant(
        id="block-without-order",
        file="ledger/movement.py",
        old="    return block << LOG_BITS | log_index\n",
        new="    return block << LOG_BITS\n",
        wrong="Movements of one block are folded in the order of their names, not of their logs.",
        rows="T3 C1",
        origin=HERE,
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
    ),
    Mutant(
        id="closed-before-its-fills",
        file="ledger/orders.py",
        old='            return "closing" if self.provisional else "closed"\n',
        new='            return "closed"\n',
        wrong="An order is closed while fills of it are not booked.",
        rows="O3",
        origin=OLDER,
    ),
    Mutant(
        id="fees-of-others-lost",
        file="ledger/fills.py",
        old="""fact.token_id, fact.shares, fact.collateral)
    movement.fee = fact.fee
""",
        new="""fact.token_id, fact.shares, fact.collateral)
""",
        wrong="The fee of a trade that only the chain tells of is not booked.",
        rows="S5 E1 C2",
        origin=OLDER,
    ),
)
