"""A chain with some wallets and markets, for the tests of the chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tieout.sim.chain.calls import Approve, Call, Deposit, Fill, PrepareCondition
from tieout.sim.chain.chain import Block, Chain, Condition, Log, NegRiskEvent, Receipt
from tieout.sim.chain.places import USDC_E, WRAPPED_COLLATERAL
from tieout.sim.markets import make_event, make_market
from tieout.sim.model import Market, Side
from tieout.sim.rng import Chance
from tieout.sim.scheduler import Scheduler
from tieout.venue.tokens import ctf_tokens

START_MS = 1_790_000_000_000
A, B, C, D = (f"0x{digit * 40}" for digit in "abcd")
OUTSIDE = "0x" + "0f" * 20


@dataclass
class Setting:
    """One chain and what is on it."""

    seed: int = 1
    finality: int = 10
    markets: list[Market] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(START_MS)
        self.chance = Chance(self.seed)
        self.chain = Chain(self.scheduler, self.chance, finality=self.finality)
        self.stream = self.chance.stream("test")

    def market(self, *, version: str = "v1") -> Market:
        market = make_market(self.stream, len(self.markets) + 1, START_MS, version=version)
        self.markets.append(market)
        self.chain.submit(PrepareCondition(Condition.of(market)))
        return market

    def event(self, size: int, fee_bips: int = 0) -> tuple[NegRiskEvent, list[Market]]:
        markets = make_event(self.stream, len(self.markets) + 1, START_MS, size)
        self.markets += markets
        for market in markets:
            self.chain.submit(PrepareCondition(Condition.of(market)))
        return NegRiskEvent.of(markets, fee_bips), markets

    def fund(self, *wallets: str, amount: int = 1_000_000_000) -> None:
        for wallet in wallets:
            self.chain.submit(Deposit(wallet, amount))
            self.chain.submit(Approve(wallet))

    def mine(self, *calls: Call) -> Block:
        self.scheduler.run_for(2_000)
        for call in calls:
            self.chain.submit(call)
        return self.chain.mine()

    def run(self, call: Call) -> Receipt:
        """One call in a block of its own."""
        return self.mine(call).receipts[-1]

    def done(self, *calls: Call) -> Block:
        """The calls, none of which may fail."""
        block = self.mine(*calls)
        assert [receipt.reason for receipt in block.receipts if not receipt.status] == []
        return block


def fill(wallet: str, side: Side, token: int, making: int, taking: int, fee: int = 0, number: int = 1) -> Fill:
    return Fill(f"0x{number:064x}", wallet, side, token, making, taking, fee)


def condition_of(condition_id: str, *, neg_risk: bool = False) -> Condition:
    """A condition known by its id only: the question and the position ids are not real."""
    collateral = WRAPPED_COLLATERAL if neg_risk else USDC_E
    yes, no = ctf_tokens(condition_id, collateral)
    return Condition(
        condition_id,
        "0x" + "1" * 64,
        "0x" + "2" * 40,
        neg_risk,
        collateral,
        (int(yes), int(no)),
        (1 << 248, 1 << 248 | 1),
    )


def shown(logs: Iterable[Log]) -> list[tuple[str, list[str], str]]:
    """Logs as (address, topics, data)."""
    return [(log.address, list(log.topics), log.data) for log in logs]


def row(log: Log) -> dict[str, Any]:
    """A log in the shape of eth_getLogs."""
    return {
        "address": log.address,
        "topics": list(log.topics),
        "data": log.data,
        "blockNumber": hex(log.block_number),
        "blockHash": log.block_hash,
        "blockTimestamp": hex(log.block_timestamp_s),
        "transactionHash": log.tx_hash,
        "transactionIndex": hex(log.tx_index),
        "logIndex": hex(log.log_index),
        "removed": log.removed,
    }


def storage(chain: Chain) -> dict[Any, int]:
    """What the contracts store, to compare."""
    return dict(chain.state.slots)
