"""Fills and transfers: OrderFilled, TransferSingle, TransferBatch, ERC-20 Transfer, wraps and rewards.

Sources: polymarket.md 6.2 and 6.5. Amounts on chain are micro-units already.
"""

from __future__ import annotations

from tieout.ledger.facts import CashFlowed, CollateralMoved, Flow, OrderFilledOnChain, Role, Side, TokenMoved
from tieout.venue import abi
from tieout.venue.addresses import EXCHANGES
from tieout.venue.chain_view import Found, Log, hex32, micro_value
from tieout.venue.wire import WireError


def order_filled(log: Log) -> Found:
    """OrderFilled of V2 and V3 with maker == wallet: collateral is before the fee, which is in collateral too.

    maker == wallet in both roles; as the taker, `taker` is the exchange (6.2, log queries for one wallet).
    """
    log.expect_topics(4)
    side_code, token, making, taking, fee, _, _ = abi.words(log.data, 7)
    if log.party(2) != log.wallet:
        return None
    if side_code > 1:
        raise WireError(f"data: expected side 0 or 1, was {side_code}")
    buys = side_code == 0
    return [_fill(log, str(token), buys, making if buys else taking, taking if buys else making, fee)]


def order_filled_v1(log: Log) -> Found:
    """OrderFilled of V1 with maker == wallet: makerAssetId 0 is collateral, so the maker buys.

    A V1 BUY paid its fee in shares: `shares` is what arrived (taking - fee) and the fee in collateral is 0.
    """
    log.expect_topics(4)
    maker_asset, taker_asset, making, taking, fee = abi.words(log.data, 5)
    if log.party(2) != log.wallet:
        return None
    if (maker_asset == 0) == (taker_asset == 0):
        raise WireError("data: expected collateral (asset 0) on exactly one side")
    if maker_asset == 0:
        if fee > taking:
            raise WireError(f"data: expected a fee of at most {taking}, was {fee}")
        return [_fill(log, str(taker_asset), True, making, taking - fee, 0)]
    return [_fill(log, str(maker_asset), False, taking, making, fee)]


def _fill(log: Log, token_id: str, buys: bool, collateral: int, shares: int, fee: int) -> OrderFilledOnChain:
    """The fact of one OrderFilled log."""
    return OrderFilledOnChain(
        order_id=hex32(log.topic(1)),
        token_id=token_id,
        side=Side.BUY if buys else Side.SELL,
        shares=micro_value(shares, "shares"),
        collateral=micro_value(collateral, "collateral"),
        fee=micro_value(fee, "fee"),
        role=Role.TAKER if log.party(3) in EXCHANGES else Role.MAKER,
        exchange=log.address,
        **log.place(),
    )


def transfer_single(log: Log) -> Found:
    """One token in or out of the wallet."""
    log.expect_topics(4)
    token, value = abi.words(log.data, 2)
    return _moves(log, (token,), (value,))


def transfer_batch(log: Log) -> Found:
    """Several tokens in or out of the wallet; `sub_index` is the place in the batch."""
    log.expect_topics(4)
    ids, values = abi.array(log.data, 0), abi.array(log.data, 1)
    if len(ids) != len(values):
        raise WireError(f"data: expected as many values as ids, was {len(values)} and {len(ids)}")
    return _moves(log, ids, values)


def _moves(log: Log, ids: tuple[int, ...], values: tuple[int, ...]) -> Found:
    """TokenMoved for each id; nothing for a transfer from the wallet to itself."""
    source, target = log.party(2), log.party(3)
    if log.wallet not in (source, target):
        return None
    if source == target:
        return []
    sign, other = (1, source) if target == log.wallet else (-1, target)
    place = log.place()
    return [
        TokenMoved(
            token_id=str(token),
            shares=sign * micro_value(value, "value"),
            sub_index=index,
            counterparty=other,
            contract=log.address,
            **place,
        )
        for index, (token, value) in enumerate(zip(ids, values, strict=True))
        if value
    ]


def collateral_transfer(log: Log) -> Found:
    """PUSD or USDC.e in or out of the wallet."""
    log.expect_topics(3)
    (value,) = abi.words(log.data, 1)
    source, target = log.party(1), log.party(2)
    if log.wallet not in (source, target):
        return None
    if source == target or value == 0:
        return []
    sign, other = (1, source) if target == log.wallet else (-1, target)
    amount = sign * micro_value(value, "value")
    return [CollateralMoved(amount=amount, counterparty=other, contract=log.address, **log.place())]


def turned(log: Log) -> Found:
    """Wrapped or Unwrapped, of the wallet or for it: the coins' transfers tell the rest (`chain_cash`)."""
    log.expect_topics(4)
    abi.words(log.data, 1)
    return [] if log.wallet in (log.party(1), log.party(3)) else None


def distributed_rewards(log: Log) -> Found:
    """A liquidity reward paid to the wallet."""
    log.expect_topics(2)
    (value,) = abi.words(log.data, 1)
    if log.party(1) != log.wallet:
        return None
    return [CashFlowed(flow=Flow.REWARD, amount=micro_value(value, "amount"), **log.place())]
