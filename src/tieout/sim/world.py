"""One simulated world: clock, chain, exchange and the operator between them. Everything follows from the seed."""

from __future__ import annotations

from dataclasses import dataclass

from tieout.sim.chain.calls import Approve, Deposit, PrepareCondition, ReportPayouts
from tieout.sim.chain.chain import Chain, Condition
from tieout.sim.contracts import ledger_of
from tieout.sim.engine import lifecycle
from tieout.sim.engine.exchange import Exchange
from tieout.sim.engine.funds import Funds
from tieout.sim.engine.heartbeat import Heartbeats
from tieout.sim.events import Hub
from tieout.sim.keys import KeyRing
from tieout.sim.model import Market
from tieout.sim.rng import Chance
from tieout.sim.scheduler import Scheduler
from tieout.sim.settlement import Settler

START_MS = 1_790_000_000_000
"""Where worlds begin unless told otherwise: 2026-09-21T14:13:20Z."""


@dataclass(slots=True)
class ChainBalances:
    """The chain's head as the engine reads it."""

    chain: Chain

    def cash(self, wallet: str) -> int:
        """Collateral of the wallet."""
        return self.chain.cash(wallet)

    def tokens(self, ledger: str, wallet: str, token: int) -> int:
        """Shares of the wallet."""
        return self.chain.tokens(ledger, wallet, token)

    def cash_allowance(self, wallet: str, exchange: str) -> int:
        """Collateral the exchange may take."""
        return self.chain.cash_allowance(wallet, exchange)

    def tokens_approved(self, ledger: str, wallet: str, exchange: str) -> bool:
        """The exchange may take tokens."""
        return self.chain.tokens_approved(ledger, wallet, exchange)


class World:
    """A venue with its chain. Nothing happens but by `scheduler.advance` and by what callers do between."""

    def __init__(self, seed: int = 0, *, start_ms: int = START_MS) -> None:
        self.chance = Chance(seed)
        self.scheduler = Scheduler(start_ms)
        self.hub = Hub()
        self.keys = KeyRing(self.chance, self.hub)
        self.chain = Chain(self.scheduler, self.chance)
        self.exchange = Exchange(
            self.scheduler, self.hub, Funds(ChainBalances(self.chain)), self.chance.stream("trade ids")
        )
        self.settler = Settler(self.scheduler, self.chain, self.exchange, self.chance.stream("settlement"))
        self.heartbeats = Heartbeats(self.scheduler, self.exchange, self.chance.stream("heartbeats"))
        self.chain.start()

    def open_market(self, market: Market) -> None:
        """Prepare the condition on chain and let the market trade."""
        self.chain.submit(PrepareCondition(Condition.of(market)))
        lifecycle.open_market(self.exchange, market)

    def fund(self, wallet: str, amount: int) -> None:
        """A deposit of collateral from outside, and the approvals a wallet gives when it is set up."""
        self.chain.submit(Deposit(wallet, amount))
        self.chain.submit(Approve(wallet))

    def resolve(self, market: Market, payouts: tuple[int, int]) -> None:
        """Resolve a market on the venue and report its payouts (micro per share) on chain."""
        lifecycle.resolve_market(self.exchange, market, payouts)
        self.chain.submit(ReportPayouts(Condition.of(market), payouts))

    def ledger(self, market: Market) -> str:
        """The ERC-1155 contract of the market's present tokens."""
        return ledger_of(market)
