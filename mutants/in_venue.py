"""Bugs in reading what the venue and the chain say."""

from __future__ import annotations

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
    ),
    Mutant(
        id="shares-and-money-swapped",
        file="venue/chain_transfers.py",
        old="making if buys else taking, taking if buys else making, fee)]",
        new="making, taking, fee)]",
        wrong="Of a sale on chain the shares are read as the money and the money as the shares.",
        rows="S2 F4",
        origin=HERE,
    ),
    Mutant(
        id="refund-overlooked",
        file="venue/chain_refunds.py",
        old="replace(fill, refund=paid.amount, collateral=fill.collateral - paid.amount)",
        new="replace(fill, refund=paid.amount)",
        wrong="What an exchange gave back of a taker's offer is booked as paid.",
        rows="S4 E1",
        origin=HERE,
    ),
    Mutant(
        id="outcomes-swapped",
        file="venue/tokens.py",
        old="collection_id(condition, index_set)) for index_set in (1, 2))",
        new="collection_id(condition, index_set)) for index_set in (2, 1))",
        wrong="YES is taken for NO wherever a token is known by its condition alone.",
        rows="S6 E4",
        origin=HERE,
    ),
    Mutant(
        id="withdrawals-unseen",
        file="venue/chain_cash.py",
        old="    if rest:\n        flow =",
        new="    if rest > 0:\n        flow =",
        wrong="Collateral that leaves the wallet is not booked.",
        rows="E6 C2",
        origin=OLDER,
    ),
    Mutant(
        id="batch-as-one",
        file="venue/chain_transfers.py",
        old="            sub_index=index,\n",
        new="            sub_index=0,\n",
        wrong="Of several tokens that one log moves only one is booked.",
        rows="E6 I1",
        origin=HERE,
    ),
    Mutant(
        id="rewards-are-deposits",
        file="venue/chain_transfers.py",
        old="CashFlowed(flow=Flow.REWARD,",
        new="CashFlowed(flow=Flow.DEPOSIT,",
        wrong="A reward is booked as money that the owner paid in, and is no income.",
        rows="S5",
        origin=OLDER,
    ),
)
