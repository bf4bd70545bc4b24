"""What the exchange gave back of a taker's order is not part of what was paid, or sold (C2)."""

from __future__ import annotations

import pytest

from tieout.ledger.facts import CashFlowed, OrderFilledOnChain
from tieout.venue import topics
from tieout.venue.addresses import CTF, EXCHANGE_V3, P_USD
from venue.test_chain import BOSONA, EXCHANGE, OTHER, log
from venue.test_chain_cash import ORDER, paid, receipt


def buy(exchange: str, back: int) -> tuple[OrderFilledOnChain, list[CashFlowed]]:
    """An order that offers 60 for 100 shares and costs 55, or what its exchange logs."""
    offered = 60 if exchange == EXCHANGE else 60 - back
    found = receipt(
        paid(P_USD, BOSONA, exchange, 60),
        log(CTF, topics.TRANSFER_SINGLE, [exchange, exchange, BOSONA], [77, 100]),
        *([paid(P_USD, exchange, BOSONA, back)] if back else []),
        log(exchange, topics.ORDER_FILLED, [ORDER, BOSONA, exchange], [0, 77, offered, 100, 0, 0, 0]),
    )
    (fill,) = [fact for fact in found.facts if isinstance(fact, OrderFilledOnChain)]
    return fill, [fact for fact in found.facts if isinstance(fact, CashFlowed)]


@pytest.mark.parametrize("exchange", [EXCHANGE, EXCHANGE_V3])
@pytest.mark.parametrize("back", [0, 5])
def test_C2_a_refund_is_taken_off_the_cost(exchange: str, back: int) -> None:
    fill, flows = buy(exchange, back)
    assert (fill.shares, fill.collateral, flows) == (100, 60 - back, [])
    assert fill.refund == (back if exchange == EXCHANGE else 0)


def test_C2_shares_that_came_back_were_not_sold() -> None:
    found = receipt(
        log(CTF, topics.TRANSFER_SINGLE, [EXCHANGE, BOSONA, EXCHANGE], [77, 100]),
        paid(P_USD, EXCHANGE, BOSONA, 50),
        log(CTF, topics.TRANSFER_SINGLE, [EXCHANGE, EXCHANGE, BOSONA], [77, 9]),
        log(EXCHANGE, topics.ORDER_FILLED, [ORDER, BOSONA, EXCHANGE], [1, 77, 100, 50, 0, 0, 0]),
    )
    (fill,) = [fact for fact in found.facts if isinstance(fact, OrderFilledOnChain)]
    assert (fill.shares, fill.collateral, fill.refund) == (91, 50, 9)


def test_a_payment_by_somebody_else_is_no_refund() -> None:
    found = receipt(
        paid(P_USD, BOSONA, EXCHANGE, 60),
        log(CTF, topics.TRANSFER_SINGLE, [EXCHANGE, EXCHANGE, BOSONA], [77, 100]),
        paid(P_USD, OTHER, BOSONA, 5),
        log(EXCHANGE, topics.ORDER_FILLED, [ORDER, BOSONA, EXCHANGE], [0, 77, 60, 100, 0, 0, 0]),
    )
    (fill,) = [fact for fact in found.facts if isinstance(fact, OrderFilledOnChain)]
    assert (fill.collateral, fill.refund) == (60, 0)
