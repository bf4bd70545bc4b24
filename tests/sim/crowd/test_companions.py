"""Those who act on an account beside its bot: another bot on its key, its owner, the venue's operators."""

from __future__ import annotations

from collections import Counter

from tieout.sim.chain import calls
from tieout.sim.chain.chain import BlockMined, BlocksRemoved, Finalized
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.scenario import Options, Scenario, build


def lived(seed: int = 3, minutes: int = 15, **company: object) -> tuple[Scenario, Counter[str], Counter[str]]:
    """A world after some minutes; what the account's orders became, and the calls that named its wallet."""
    scenario = build(Options(seed=seed, markets=6, accounts=1, **company))  # type: ignore[arg-type]
    wallet = scenario.accounts[0].address
    done: Counter[str] = Counter()

    def note(event: BlockMined | BlocksRemoved | Finalized) -> None:
        if isinstance(event, BlockMined):
            for receipt in event.block.receipts:
                call = receipt.transaction.call
                if receipt.status and wallet in (getattr(call, "wallet", ""), getattr(call, "sender", "")):
                    by = "" if getattr(call, "by", None) is None and getattr(call, "operator", None) is None else " by"
                    done[type(call).__name__ + by] += 1

    scenario.world.chain.listen(note)
    scenario.world.scheduler.run_for(minutes * 60_000)
    orders = Counter(
        str(order.status) for order in scenario.world.exchange.orders.values() if order.request.wallet == wallet
    )
    return scenario, orders, done


def test_nobody_touches_an_account_unless_asked():
    _, orders, done = lived(minutes=2)
    assert not orders
    assert not done


def test_another_bot_places_takes_and_cancels_on_the_same_key():
    scenario, orders, _ = lived(another_bot_ms=2_000)
    key = scenario.accounts[0].api_key.key
    assert {"LIVE", "MATCHED", "CANCELED"} <= orders.keys()
    wallet = scenario.accounts[0].address
    mine = [order for order in scenario.world.exchange.orders.values() if order.request.wallet == wallet]
    assert {order.request.owner for order in mine} == {key}


def test_the_owner_moves_tokens_and_money_by_hand():
    _, orders, done = lived(human_ms=2_000)
    assert {"Split", "Merge", "TransferTokens", "TransferCash", "Deposit", "Withdraw"} <= done.keys()
    assert orders["MATCHED"]


def test_operators_redeem_and_migrate_for_the_account():
    scenario, _, _ = lived(minutes=0, operators=True)
    world, wallet = scenario.world, scenario.accounts[0].address
    first, second = [m for m in world.exchange.markets.values() if m.version == "v1" and not m.neg_risk][:2]
    for market in (first, second):
        world.chain.submit(calls.Split(wallet, calls.Condition.of(market), 10 * ONE))
    world.scheduler.run_for(4_000)
    world.resolve(first, (ONE, 0))
    lifecycle.migrate_market(world.exchange, second)
    world.scheduler.run_for(3_600_000)
    ledger = world.ledger(first)
    assert [world.chain.tokens(ledger, wallet, token) for token in first.ctf_tokens] == [0, 0]
    assert [world.chain.tokens(world.ledger(second), wallet, token) for token in second.position_ids] == [10 * ONE] * 2
