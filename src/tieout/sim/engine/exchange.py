"""The matching engine: takes orders in, matches, rests and cancels them, and announces what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tieout.sim.engine.amounts import ONE, taker_fee
from tieout.sim.engine.backing import Backing
from tieout.sim.engine.book import Book
from tieout.sim.engine.funds import Asset, Funds, outflows
from tieout.sim.engine.intake import GTD_MARGIN_S, read_order
from tieout.sim.engine.matching import filled, fills_whole, plan
from tieout.sim.engine.rejections import Reason, Rejected
from tieout.sim.events import BookTraded, Event, Hub, LevelChanged, OrderChanged, TradeChanged
from tieout.sim.model import Leg, Market, Order, OrderKind, OrderRequest, OrderStatus, Side, Trade
from tieout.sim.rng import Stream, drawn_uuid
from tieout.sim.scheduler import Scheduler

MIN_MARKETABLE = ONE
"""A marketable BUY spends at least 1 of collateral (`polymarket.md` 1.3)."""

DELAYED = "order is delayed and can't be canceled"
"""Ours: within the taker delay an order cannot be cancelled, the venue's text is not known (`polymarket.md` 1.3)."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The answer to a placement. `status` is live, matched, delayed or unmatched; `trades` those at placement."""

    order: Order
    status: str
    trades: tuple[Trade, ...] = ()


@dataclass(slots=True)
class Modes:
    """Restrictions of the whole venue or of wallets, switched at run time."""

    cancel_only: bool = False
    post_only: bool = False
    closed_only: set[str] = field(default_factory=set)


class Exchange:
    """Books, orders and trades of all markets. Wallets and keys are lower-case text; the caller verified them."""

    def __init__(self, scheduler: Scheduler, hub: Hub, funds: Funds, ids: Stream) -> None:
        self._scheduler = scheduler
        self._hub = hub
        self._ids = ids
        self.funds = funds
        self.modes = Modes()
        self.markets: dict[str, Market] = {}
        self.by_token: dict[int, Market] = {}
        self.books: dict[str, Book] = {}
        self.orders: dict[str, Order] = {}
        self.open: dict[str, dict[str, Order]] = {}
        self._backing = Backing(funds)
        self.trades: dict[str, Trade] = {}
        self.settle: Callable[[Trade], None] = lambda _trade: None

    @property
    def now_ms(self) -> int:
        """The venue's clock."""
        return self._scheduler.now_ms

    # markets

    def add_market(self, market: Market) -> None:
        """Let *market* trade, under the tokens of both generations."""
        self.markets[market.condition_id] = market
        for token in (*market.ctf_tokens, *market.position_ids):
            self.by_token[token] = market
        self.books[market.condition_id] = Book()

    def market_of(self, token: int) -> Market:
        """The market that trades *token* now. Raises Rejected UNKNOWN_TOKEN."""
        market = self.by_token.get(token)
        if market is None or token not in market.tokens:
            raise Rejected(Reason.UNKNOWN_TOKEN)
        return market

    # placing

    def place(self, request: OrderRequest) -> Placement:
        """Take an order in. Raises Rejected, with no effect on the book."""
        if request.id in self.orders:
            raise Rejected(Reason.DUPLICATED, order=self.orders[request.id])
        market = self.market_of(request.token)
        self._check_market(market, request)
        order = read_order(request, market, self._scheduler.now_ms)
        book = self.books[market.condition_id]
        marketable = book.crosses(order)
        self._check_modes(order, marketable=marketable)
        self._check_marketable(order, marketable=marketable)
        if marketable and market.delay_ms:
            self.funds.check(order)
            return self._delay(order)
        return self._execute(order, delayed=False)

    def _check_market(self, market: Market, request: OrderRequest) -> None:
        if market.closed:
            raise Rejected(Reason.MARKET_CLOSED)
        if not market.accepting_orders:
            raise Rejected(Reason.MARKET_NOT_READY)
        if self.modes.cancel_only:
            raise Rejected(Reason.CANCEL_ONLY)
        if self.modes.post_only and not request.post_only:
            raise Rejected(Reason.POST_ONLY_MODE)

    def _check_modes(self, order: Order, *, marketable: bool) -> None:
        if order.request.wallet in self.modes.closed_only and order.side is Side.BUY:
            raise Rejected(Reason.CLOSED_ONLY)
        if order.request.post_only and marketable:
            raise Rejected(Reason.POST_ONLY_CROSSES)

    def _check_marketable(self, order: Order, *, marketable: bool) -> None:
        if not marketable or order.side is Side.SELL:
            return
        cash = order.budget if order.budget is not None else order.size * order.price // ONE
        if cash < MIN_MARKETABLE:
            raise Rejected(Reason.MIN_MARKETABLE, cash=cash)

    def _delay(self, order: Order) -> Placement:
        order.status = OrderStatus.DELAYED
        self._keep(order)
        self._announce_order(order, "PLACEMENT")
        self._scheduler.after(order.market.delay_ms, lambda: self._end_delay(order))
        return Placement(order, "delayed")

    def _end_delay(self, order: Order) -> None:
        if order.status is not OrderStatus.DELAYED:
            return
        order.status = OrderStatus.LIVE
        try:
            self._execute(order, delayed=True)
        except Rejected as rejected:
            if order.open:
                self._close(order, OrderStatus.CANCELED_NOT_ENOUGH_BALANCE, note=str(rejected.reason))

    def _execute(self, order: Order, *, delayed: bool) -> Placement:
        """Match now, then rest or kill what is left."""
        book = self.books[order.market.condition_id]
        legs = plan(book, order)
        self.funds.check(order, _fee(order, legs) if order.side is Side.BUY else 0)
        self._keep(order)
        if order.request.kind is OrderKind.FOK and not fills_whole(order, legs):
            self._kill(order, Reason.FOK_NOT_FILLED)
        if order.request.kind is OrderKind.FAK and not legs:
            self._kill(order, Reason.FAK_NO_MATCH)
        if not delayed:
            self._announce_order(order, "PLACEMENT")
        trades = (self._trade(order, legs),) if legs else ()
        self._finish_taker(order, book, was_delayed=delayed)
        for trade in trades:
            self.cancel_uncovered(assets=[asset for asset, _ in outflows(trade)])
        status = "matched" if trades else ("unmatched" if delayed else "live")
        return Placement(order, status, trades)

    def _kill(self, order: Order, reason: Reason) -> None:
        self._close(order, OrderStatus.CANCELED, note=str(reason))
        raise Rejected(reason, order=order)

    def _finish_taker(self, order: Order, book: Book, *, was_delayed: bool) -> None:
        if filled(order):
            self._end(order, OrderStatus.MATCHED)
        elif order.request.kind in (OrderKind.FOK, OrderKind.FAK):
            self._close(order, OrderStatus.CANCELED)
        else:
            if was_delayed and not order.trades:
                # The recorded channel says once that the wait found nothing; the order then rests like any other.
                order.status = OrderStatus.UNMATCHED
                self._announce_order(order, "UPDATE")
                order.status = OrderStatus.LIVE
            book.add(order)
            self._announce_level(order)
            self._watch_expiry(order)

    # matching

    def _trade(self, taker: Order, legs: list[Leg]) -> Trade:
        shares = sum(leg.shares for leg in legs)
        cash = sum(leg.taker_cash for leg in legs)
        now = self._scheduler.now_ms
        price = (2 * cash * ONE + shares) // (2 * shares)
        trade = Trade(drawn_uuid(self._ids), taker, tuple(legs), shares, cash, _fee(taker, legs), price, now, now)
        self.trades[trade.id] = trade
        for leg in legs:
            self._fill_maker(leg, trade)
        taker.matched += shares
        taker.spent += cash
        taker.trades.append(trade.id)
        self.funds.hold(trade)
        if filled(taker):
            taker.status = OrderStatus.MATCHED
        self._announce_order(taker, "UPDATE")
        self._hub.announce(TradeChanged(trade))
        self._hub.announce(BookTraded(trade))
        self.settle(trade)
        return trade

    def _fill_maker(self, leg: Leg, trade: Trade) -> None:
        maker = leg.maker
        maker.matched += leg.shares
        maker.spent += leg.cash
        maker.trades.append(trade.id)
        if filled(maker):
            self.books[maker.market.condition_id].remove(maker)
            self._end(maker, OrderStatus.MATCHED)
        self._announce_level(maker)
        self._announce_order(maker, "UPDATE")

    # cancelling

    def cancel(self, signer: str, order_id: str) -> str | None:
        """Cancel one order of *signer*. None when done, else the reason why not, as the answer gives it."""
        order = self.orders.get(order_id)
        if order is None or order.request.signer != signer:
            return "order can't be found - already canceled or matched"
        if not order.open:
            return "order already filled" if order.status is OrderStatus.MATCHED else "already canceled or matched"
        if order.status is OrderStatus.DELAYED:
            return DELAYED
        self.cancel_order(order, OrderStatus.CANCELED)
        return None

    def cancel_order(self, order: Order, status: OrderStatus, *, note: str = "") -> None:
        """Take a resting order out with a final *status*."""
        if order.status is OrderStatus.LIVE:
            self.books[order.market.condition_id].remove(order)
            self._close(order, status, note=note)
            self._announce_level(order)
        else:
            self._close(order, status, note=note)

    def cancel_many(self, orders: Iterable[Order], status: OrderStatus = OrderStatus.CANCELED) -> list[Order]:
        """Cancel those of *orders* that are live, with a final *status*; returns them."""
        live = [order for order in orders if order.status is OrderStatus.LIVE]
        for order in live:
            self.cancel_order(order, status)
        return live

    def open_of(self, signer: str) -> list[Order]:
        """Open orders of a signer, oldest first."""
        return list(self.open.get(signer, {}).values())

    def cancel_uncovered(self, wallets: Iterable[str] = (), *, assets: Iterable[Asset] = ()) -> list[Order]:
        """The venue cancels resting orders that their wallet can no longer pay (`polymarket.md` 2).

        Looked at are those of *wallets*, and those paid with *assets*: whatever there may be less of than before.
        """
        uncovered = self._backing.uncovered({*assets, *self._backing.assets_of(wallets)})
        return self.cancel_many(uncovered, OrderStatus.CANCELED_NOT_ENOUGH_BALANCE)

    def _watch_expiry(self, order: Order) -> None:
        if order.request.kind is not OrderKind.GTD:
            return

        def expire() -> None:
            if order.status is OrderStatus.LIVE:
                self.cancel_order(order, OrderStatus.CANCELED_EXPIRED_ORDER)

        self._scheduler.at((order.request.expiration - GTD_MARGIN_S) * 1000, expire)

    # bookkeeping

    def _keep(self, order: Order) -> None:
        self.orders[order.id] = order
        self.open.setdefault(order.request.signer, {})[order.id] = order
        self._backing.add(order)

    def _end(self, order: Order, status: OrderStatus) -> None:
        order.status = status
        self.open[order.request.signer].pop(order.id, None)
        self._backing.remove(order)

    def _close(self, order: Order, status: OrderStatus, *, note: str = "") -> None:
        order.note = note
        self._end(order, status)
        self._announce_order(order, "CANCELLATION")

    def _announce_order(self, order: Order, kind: str) -> None:
        self._hub.announce(OrderChanged(order, kind))

    def _announce_level(self, order: Order) -> None:
        """Tell the level of the order's price as both outcomes' clients see it."""
        book, outcome, side = self.books[order.market.condition_id], order.outcome, order.side
        size = book.size_at(outcome, side, order.price)
        other = Side.SELL if side is Side.BUY else Side.BUY
        self.announce(LevelChanged(order.market, outcome, side, order.price, size))
        self.announce(LevelChanged(order.market, 1 - outcome, other, ONE - order.price, size))

    def announce(self, event: Event) -> None:
        """Tell everybody."""
        self._hub.announce(event)


def _fee(taker: Order, legs: list[Leg]) -> int:
    shares, cash = sum(leg.shares for leg in legs), sum(leg.taker_cash for leg in legs)
    return taker_fee(shares, cash, taker.market.fee_rate, taker.market.fee_exponent)
