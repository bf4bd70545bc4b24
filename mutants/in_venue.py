"""Bugs in reading what the venue and the chain say."""

from __future__ import annotations

from mutants.life import directed
from mutants.mutant import HERE, OLDER, Mutant

MUTANTS = (
    Mutant(
        id="side-of-the-taker",
        file="venue/clob_trades.py",
        old="        side=_maker_side(row, leg, token_id),\n",
        new="        side=fields.side(row),\n",
        wrong="A fill that we made is booked with the side of whoever took it.",
        rows="F4 I1",
        origin=OLDER,
        known=(directed(1),),
    ),
    Mutant(
        id="shares-and-money-swapped",
        file="venue/chain_transfers.py",
        old="making if buys else taking, taking if buys else making, fee)]",
        new="making, taking, fee)]",
        wrong="Of a sale on chain the shares are read as the money and the money as the shares.",
        rows="S2 F4",
        origin=HERE,
        known=(directed(1),),
    ),
    Mutant(
        id="withdrawals-unseen",
        file="venue/chain_cash.py",
        old="    if rest:\n        flow =",
        new="    if rest > 0:\n        flow =",
        wrong="Collateral that leaves the wallet is not booked.",
        rows="E6 C2",
        origin=OLDER,
        known=(directed(10, "human-cash"),),
    ),
    Mutant(
        id="refused-cancel-closes",
        file="venue/clob_answers.py",
        old="out.facts.append(CancelRefused(order_id=order_id, reason=",
        new="out.facts.append(OrderClosed(order_id=order_id, reason=",
        wrong="An order whose cancel the venue refused is closed in the books.",
        rows="P5 O1",
        origin=OLDER,
        known=(directed(4, "cancel-refused"),),
    ),
    Mutant(
        id="rest-for-the-matched",
        file="venue/clob_orders.py",
        old='value == "" else fields.amount(row, "size_matched")',
        new='value == "" else fields.amount(row, "original_size") - fields.amount(row, "size_matched")',
        wrong="What is left of an order is taken for what was matched.",
        rows="S3 O2",
        origin=OLDER,
        known=(directed(1),),
    ),
)
