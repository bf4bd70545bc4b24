"""What an exchange gave back of a taker's order in the same transaction.

The V1 and V2 exchanges take what the order offers, pay its makers, and return the rest just before they log the taker's
OrderFilled, which still names the whole offer (Trading.sol, read in its source). V3 logs the amount without the rest.
"""

from __future__ import annotations

from msgspec.structs import replace

from tieout.ledger.facts import AnyFact, CollateralMoved, OrderFilledOnChain, Role, Side, TokenMoved
from tieout.venue.addresses import EXCHANGE_V3


def take_refunds(facts: list[AnyFact]) -> None:
    """Takes the refund, told by the log before each taker's fill, off that fill."""
    money = {fact.log_index: fact for fact in facts if isinstance(fact, CollateralMoved)}
    tokens = {fact.log_index: fact for fact in facts if isinstance(fact, TokenMoved)}
    for place, fill in enumerate(facts):
        if not isinstance(fill, OrderFilledOnChain) or fill.role is not Role.TAKER or fill.exchange == EXCHANGE_V3:
            continue
        paid, left = money.get(fill.log_index - 1), tokens.get(fill.log_index - 1)
        if fill.side is Side.BUY and paid is not None and paid.counterparty == fill.exchange and paid.amount > 0:
            facts[place] = replace(fill, refund=paid.amount, collateral=fill.collateral - paid.amount)
        elif fill.side is Side.SELL and left is not None and left.token_id == fill.token_id and left.shares > 0:
            facts[place] = replace(fill, refund=left.shares, shares=fill.shares - left.shares)
