"""The owner of a wallet at work by hand: everything that moves its balances without an order of its bot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tieout.sim.chain.calls import (
    Convert,
    Deposit,
    Merge,
    NegRiskEvent,
    Redeem,
    Split,
    TransferCash,
    TransferTokens,
    Withdraw,
)
from tieout.sim.chain.condition import Condition
from tieout.sim.contracts import ledger_of
from tieout.sim.crowd.another_bot import AnotherBot
from tieout.sim.crowd.trader import Account
from tieout.sim.engine.amounts import CENT
from tieout.sim.model import Market
from tieout.sim.rng import Stream, drawn_address
from tieout.sim.world import World


class Human:
    """Acts for one wallet. Amounts are micro-units; what the wallet cannot pay reverts on chain, as it does in life.

    Every method returns the hash of the transaction it sent, or "" when there was nothing to do.
    """

    def __init__(self, world: World, wallet: str, stream: Stream) -> None:
        self._world = world
        self.wallet = wallet.lower()
        self._stream = stream
        self.friend = drawn_address(stream)

    def _balances(self, market: Market) -> tuple[int, int]:
        ledger, chain = ledger_of(market), self._world.chain
        first, second = (chain.tokens(ledger, self.wallet, token) for token in market.tokens)
        return first, second

    def split(self, market: Market, amount: int) -> str:
        """Collateral into both outcomes."""
        return self._world.chain.submit(Split(self.wallet, Condition.of(market), amount, market.version))

    def merge(self, market: Market, amount: int | None = None) -> str:
        """Both outcomes into collateral; all pairs unless told."""
        amount = min(self._balances(market)) if amount is None else amount
        if not amount:
            return ""
        return self._world.chain.submit(Merge(self.wallet, Condition.of(market), amount, market.version))

    def redeem(self, market: Market) -> str:
        """What a resolved market pays."""
        if not any(self._balances(market)):
            return ""
        return self._world.chain.submit(Redeem(self.wallet, Condition.of(market), version=market.version))

    def send_tokens(self, market: Market, outcome: int, amount: int | None = None, to: str = "") -> str:
        """Shares to another wallet; half of them unless told."""
        held = self._balances(market)[outcome]
        amount = held // 2 // CENT * CENT if amount is None else amount
        if not amount:
            return ""
        token = market.tokens[outcome]
        call = TransferTokens(ledger_of(market), self.wallet, to or self.friend, (token,), (amount,))
        return self._world.chain.submit(call)

    def get_tokens(self, market: Market, outcome: int, amount: int) -> str:
        """Shares from a friend, who buys a set of both outcomes for it."""
        self._world.fund(self.friend, amount)
        self._world.chain.submit(Split(self.friend, Condition.of(market), amount, market.version))
        call = TransferTokens(ledger_of(market), self.friend, self.wallet, (market.tokens[outcome],), (amount,))
        return self._world.chain.submit(call)

    def send_cash(self, amount: int, to: str = "") -> str:
        """Collateral to another wallet."""
        return self._world.chain.submit(TransferCash(self.wallet, to or self.friend, amount))

    def deposit(self, amount: int) -> str:
        """Money from outside."""
        return self._world.chain.submit(Deposit(self.wallet, amount))

    def withdraw(self, amount: int) -> str:
        """Money to outside."""
        return self._world.chain.submit(Withdraw(self.wallet, self.friend, amount))

    def convert(self, market: Market, amount: int | None = None) -> str:
        """NO of one question of a neg-risk event into YES of the others; all of it unless told."""
        if not market.neg_risk or market.version == "v2":
            return ""
        amount = self._balances(market)[1] if amount is None else amount
        if not amount:
            return ""
        others = self._world.exchange.markets.values()
        event = NegRiskEvent.of([m for m in others if m.neg_risk_market_id == market.neg_risk_market_id])
        return self._world.chain.submit(Convert(self.wallet, event, 1 << market.neg_risk_index, amount))

    def trade(self, market: Market, account: Account) -> str:
        """Buy or sell some shares on the web site, with the wallet's own key."""
        AnotherBot(self._world, account, self._stream, [market]).take(market)
        return ""

    def act(self, markets: Sequence[Market], account: Account) -> None:
        """One thing at random, with a few tens of shares or collateral."""
        market, amount = self._stream.choice(markets), self._stream.randrange(500, 5_000) * CENT
        outcome = self._stream.randrange(2)
        actions: tuple[Callable[[], str], ...] = (
            lambda: self.split(market, amount),
            lambda: self.merge(market),
            lambda: self.redeem(market) if market.closed else "",
            lambda: self.send_tokens(market, outcome),
            lambda: self.get_tokens(market, outcome, amount),
            lambda: self.send_cash(amount),
            lambda: self.deposit(amount),
            lambda: self.withdraw(amount),
            lambda: self.convert(market),
            lambda: self.trade(market, account),
        )
        self._stream.choice(actions)()
