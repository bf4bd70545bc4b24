"""Whether a wallet can pay: its balance and allowance on chain, less what its unsettled matches will take."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from tieout.sim.contracts import exchange_of, ledger_of
from tieout.sim.engine.rejections import Reason, Rejected
from tieout.sim.model import Order, Side, Trade

Asset = tuple[str, str]
"""(wallet, "cash" or "<ledger>/<token>")."""


class Balances(Protocol):
    """What the engine reads of the chain."""

    def cash(self, wallet: str) -> int:
        """Collateral of the wallet at the head."""
        ...

    def tokens(self, ledger: str, wallet: str, token: int) -> int:
        """Shares of the wallet at the head."""
        ...

    def cash_allowance(self, wallet: str, exchange: str) -> int:
        """Collateral the exchange may take."""
        ...

    def tokens_approved(self, ledger: str, wallet: str, exchange: str) -> bool:
        """The exchange may take tokens."""
        ...


def asset_of(order: Order) -> Asset:
    """What the order pays with."""
    if order.side is Side.BUY:
        return order.request.wallet, "cash"
    return order.request.wallet, f"{ledger_of(order.market, order.request.token)}/{order.request.token}"


def need(order: Order) -> int:
    """Micro-units the rest of the order would take, the fee of a taker not counted."""
    if order.side is Side.SELL:
        return order.remaining
    if order.budget is not None:
        return order.budget - order.spent
    return -(-order.remaining * order.request.maker_amount // order.request.taker_amount)


class Funds:
    """Balances less what is matched and not yet settled ("sum of matched orders" in the venue's words)."""

    def __init__(self, balances: Balances) -> None:
        self._balances = balances
        self.matched: Counter[Asset] = Counter()

    def free(self, order: Order) -> int:
        """What the wallet could still pay with for this order's asset."""
        return self._balance(order) - self.matched[asset_of(order)]

    def check(self, order: Order, fee: int = 0) -> None:
        """Raise Rejected unless the whole order is covered, and the *fee* of what it takes."""
        amount = need(order) + fee
        if amount > self.free(order):
            matched = self.matched[asset_of(order)]
            raise Rejected(Reason.BALANCE, balance=self._balance(order), matched=matched, amount=amount)

    def hold(self, trade: Trade) -> None:
        """Count what the trade will take."""
        for asset, amount in outflows(trade):
            self.matched[asset] += amount

    def release(self, trade: Trade) -> None:
        """The trade is settled or given up."""
        for asset, amount in outflows(trade):
            self.matched[asset] -= amount
            if not self.matched[asset]:
                del self.matched[asset]

    def _balance(self, order: Order) -> int:
        wallet, market = order.request.wallet, order.market
        exchange = exchange_of(market, order.request.token)
        if order.side is Side.BUY:
            return min(self._balances.cash(wallet), self._balances.cash_allowance(wallet, exchange))
        ledger = ledger_of(market, order.request.token)
        if not self._balances.tokens_approved(ledger, wallet, exchange):
            return 0
        return self._balances.tokens(ledger, wallet, order.request.token)


def outflows(trade: Trade) -> list[tuple[Asset, int]]:
    """What the trade takes, and how much of it in micro-units."""
    taker = trade.taker
    out = [(asset_of(taker), trade.cash + trade.fee if taker.side is Side.BUY else trade.shares)]
    out += [(asset_of(leg.maker), leg.cash if leg.maker.side is Side.BUY else leg.shares) for leg in trade.legs]
    return out
