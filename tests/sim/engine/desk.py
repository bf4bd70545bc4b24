"""An engine without a chain: wallets with balances set by hand, orders by price and size."""

from __future__ import annotations

from collections import Counter

from tieout.sim.engine.amounts import ONE
from tieout.sim.engine.exchange import Exchange, Placement
from tieout.sim.engine.funds import Funds
from tieout.sim.engine.lifecycle import open_market
from tieout.sim.events import Event, Hub, OrderChanged
from tieout.sim.markets import make_market
from tieout.sim.model import Order, OrderKind, OrderRequest, Side
from tieout.sim.rng import Chance, drawn_hash
from tieout.sim.scheduler import Scheduler

BUY, SELL = Side.BUY, Side.SELL
START_MS = 1_790_000_000_000


class Purse:
    """Balances as the engine reads them."""

    def __init__(self) -> None:
        self.money: Counter[str] = Counter()
        self.shares: Counter[tuple[str, int]] = Counter()
        self.allowance = 10**15
        self.approved = True

    def cash(self, wallet: str) -> int:
        return self.money[wallet]

    def tokens(self, ledger: str, wallet: str, token: int) -> int:
        return self.shares[wallet, token]

    def cash_allowance(self, wallet: str, exchange: str) -> int:
        return self.allowance

    def tokens_approved(self, ledger: str, wallet: str, exchange: str) -> bool:
        return self.approved


class Desk:
    """One market; `place("alice", BUY, 0, "0.52", 10)`."""

    def __init__(self, *, fee_rate: int = 0, tick: int = 10_000, delay_ms: int = 0) -> None:
        chance = Chance(5)
        self.scheduler = Scheduler(START_MS)
        self.hub = Hub()
        self.events: list[Event] = []
        self.told: list[tuple[str, str, str]] = []
        self.hub.listen(self._hear)
        self.purse = Purse()
        self.exchange = Exchange(self.scheduler, self.hub, Funds(self.purse), chance.stream("trades"))
        self.market = make_market(chance.stream("market"), 1, START_MS)
        self.market.fee_rate, self.market.tick, self.market.delay_ms = fee_rate, tick, delay_ms
        open_market(self.exchange, self.market)
        self._ids = chance.stream("orders")

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, OrderChanged):
            self.told.append((event.order.request.wallet, event.kind, str(event.order.status)))

    def fund(self, *wallets: str, cash: int = 10_000, shares: int = 10_000) -> None:
        for wallet in wallets:
            self.purse.money[wallet] = cash * ONE
            for token in self.market.tokens:
                self.purse.shares[wallet, token] = shares * ONE

    def request(
        self,
        wallet: str,
        side: Side,
        outcome: int,
        price: int,
        size: int,
        kind: OrderKind = OrderKind.GTC,
        **more: object,
    ) -> OrderRequest:
        cash = size * price // ONE
        making, taking = (cash, size) if side is BUY else (size, cash)
        return OrderRequest(
            drawn_hash(self._ids),
            f"key of {wallet}",
            f"signer of {wallet}",
            wallet,
            self.market.tokens[outcome],
            side,
            making,
            taking,
            kind,
            **more,  # type: ignore[arg-type]
        )

    def place(self, wallet: str, side: Side, outcome: int, price: int, size: float, **more: object) -> Placement:
        return self.exchange.place(self.request(wallet, side, outcome, price, round(size * ONE), **more))  # type: ignore[arg-type]

    def spend(self, wallet: str, outcome: int, price: int, cash: int, kind: OrderKind = OrderKind.FOK) -> Placement:
        """A market BUY: the shares are what the limit price would buy, cut to four decimals."""
        request = self.request(wallet, BUY, outcome, price, ONE, kind)
        request.maker_amount, request.taker_amount = cash, cash * ONE // price // 100 * 100
        return self.exchange.place(request)

    def book(self, outcome: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        book = self.exchange.books[self.market.condition_id]
        return book.side(outcome, BUY), book.side(outcome, SELL)

    def orders(self) -> list[Order]:
        return list(self.exchange.orders.values())
