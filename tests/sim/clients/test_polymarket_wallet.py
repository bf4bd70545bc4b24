"""The official polymarket-client 0.14.0: transactions that its key sends itself, over the node."""

from __future__ import annotations

from typing import Any

import pytest
from polymarket import BuilderApiKey
from polymarket.errors import PolymarketError, RequestRejectedError, TransactionFailedError

from support.database import in_loop
from support.endpoints import SELL, Venue, eoa, serving
from tieout.sim.chain.calls import Deposit
from tieout.sim.contracts import ledger_of
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Market
from tieout.sim.wire.wallets import deposit_wallet

CENT = ONE // 100
WALLET = eoa(1)


async def mined(venue: Venue, attempt: Any) -> None:
    handle = await attempt
    venue.mine()
    await handle.wait()


def held(venue: Venue, market: Market) -> list[int]:
    return [venue.world.chain.tokens(ledger_of(market, token), WALLET, token) // ONE for token in market.tokens]


@in_loop
async def test_splits_merges_and_redeems_on_both_kinds_of_ctf_market():
    async with serving() as venue, await venue.client(cash=100 * ONE) as client:
        for market in (venue.market, venue.event[0]):
            cash = venue.world.chain.cash(WALLET)
            await mined(venue, client.split_position(condition_id=market.condition_id, amount=10 * ONE))
            assert held(venue, market) == [10, 10]
            await mined(venue, client.merge_positions(condition_id=market.condition_id, amount=4 * ONE))
            assert held(venue, market) == [6, 6]
            await mined(venue, client.merge_positions(condition_id=market.condition_id, amount="max"))
            assert held(venue, market) == [0, 0]
            assert venue.world.chain.cash(WALLET) == cash
            await mined(venue, client.split_position(condition_id=market.condition_id, amount=10 * ONE))
            venue.world.resolve(market, (0, ONE))
            venue.mine()
            await mined(venue, client.redeem_positions(condition_id=market.condition_id))
            assert held(venue, market) == [0, 0]
            assert venue.world.chain.cash(WALLET) == cash


@in_loop
async def test_redeems_a_protocol_v2_position_by_its_id():
    async with serving() as venue, await venue.client(shares=10 * ONE) as client:
        cash = venue.world.chain.cash(WALLET)
        venue.world.resolve(venue.v2, (ONE, 0))
        venue.mine()
        await mined(venue, client.redeem_positions(position_id=str(venue.v2.tokens[0])))
        assert held(venue, venue.v2) == [0, 10]
        assert venue.world.chain.cash(WALLET) == cash + 10 * ONE


@in_loop
async def test_a_split_beyond_the_balance_reverts_when_its_gas_is_estimated():
    async with serving() as venue, await venue.client(cash=5 * ONE) as client:
        with pytest.raises(PolymarketError, match="eth_estimateGas failed: execution reverted"):
            await client.split_position(condition_id=venue.market.condition_id, amount=10 * ONE)


@in_loop
async def test_a_split_whose_money_has_left_before_its_block_fails():
    async with serving() as venue, await venue.client(cash=15 * ONE) as client:
        first, second = [
            await client.split_position(condition_id=venue.market.condition_id, amount=10 * ONE) for _ in range(2)
        ]
        venue.mine()
        await first.wait()
        with pytest.raises(TransactionFailedError):
            await second.wait()


@in_loop
async def test_a_missing_allowance_is_given_on_chain_and_the_order_posted_again():
    async with serving() as venue, await venue.client(cash=0) as client:
        venue.world.chain.submit(Deposit(WALLET, 50 * ONE))
        venue.mine()
        token = str(venue.market.tokens[0])
        signed = await client.create_limit_order(asset_id=token, price="0.30", size=10, side="BUY")
        with pytest.raises(RequestRejectedError, match="the allowance is not enough"):
            await client.post_order(signed)
        placed = await client.place_limit_order(asset_id=token, price="0.30", size=10, side="BUY")
        assert (placed.ok, placed.status) == (True, "live")


@in_loop
async def test_a_new_deposit_wallet_gives_its_approvals_through_the_relayer():
    async with serving() as venue:
        wallet = deposit_wallet(eoa(6))
        venue.world.chain.submit(Deposit(wallet, 50 * ONE))
        venue.mine()
        key = BuilderApiKey(key="0b0d6ee4-6d5b-4bd2-8d0b-6d4a3b1f4f11", secret="c2VjcmV0", passphrase="x")
        async with await venue.deposit_client(6, cash=0, api_key=key) as client:
            venue.crowd(venue.market, SELL, 0, 40 * CENT, 60)
            venue.quick_blocks()
            await client.setup_trading_approvals()
            placed = await client.place_limit_order(
                asset_id=str(venue.market.tokens[0]), price="0.40", size=10, side="BUY"
            )
            assert (placed.ok, placed.status) == (True, "matched")
