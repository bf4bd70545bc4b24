"""The oracle's books of one wallet: what anybody's books must come to, from the simulated venue's own records.

The chain's transactions give shares, cost, profit, fees and collateral; the engine's trades give each fill its trade,
and its orders what is open. Nothing here uses the ledger, the decoders or the jobs of the worker.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tieout.sim.chain.places import P_USD, USDC_E
from tieout.sim.model import Order, Side, Trade, TradeStatus
from tieout.sim.oracle.deeds import Act, Deed, Exchange, Fill, FullSet, Gift, Money, Redemption, Turn, acts, cash_change
from tieout.sim.oracle.purse import Purse, Token
from tieout.sim.world import World


@dataclass(frozen=True, slots=True)
class TrueFill:
    """A fill that settled: `trade_id` is "" where the engine knows no trade of the transaction."""

    trade_id: str
    tx_hash: str
    fill: Fill


@dataclass(frozen=True, slots=True)
class TrueOrder:
    """An order of the wallet. `settled` and `failed` are the micro-shares of its trades that did and never will.

    `traded` are those of all its trades, and `phantom` those that the venue counts as matched and that no trade has.
    """

    order: Order
    settled: int
    failed: int
    traded: int

    @property
    def phantom(self) -> int:
        """Micro-shares matched by nobody."""
        return self.order.matched - self.traded


@dataclass(slots=True)
class TrueBooks:
    """The books of a wallet as the venue's records have them."""

    tokens: dict[str, Token]
    fills: list[TrueFill]
    failed: dict[tuple[str, str], Trade]
    """(trade id, order id) of what was matched and given up."""
    orders: dict[str, TrueOrder]
    coins: dict[str, int]
    """Balance by contract: pUSD and USDC.e."""
    causes: Counter[str]
    """Signed collateral by cause; "fees" apart."""
    acts: list[Act] = field(default_factory=list)
    open_trades: int = 0
    """Trades whose settlement is not decided yet; while there are any, the books cannot be compared."""

    @property
    def collateral(self) -> int:
        """Both coins together, one for one."""
        return sum(self.coins.values())


def true_books(world: World, wallet: str) -> TrueBooks:
    """The books of *wallet* (lower-case) at the chain's head."""
    trades = [trade for trade in world.exchange.trades.values() if wallet in trade.wallets]
    by_hash = {trade.tx_hash: trade for trade in trades if trade.tx_hash}
    done = list(acts(world.chain, wallet))
    purse, causes = Purse(), Counter[str]()
    fills: list[TrueFill] = []
    for act in done:
        purse.take(act.deeds)
        for deed in act.deeds:
            _count(causes, deed)
            if isinstance(deed, Fill):
                trade = by_hash.get(act.tx_hash)
                fills.append(TrueFill(trade.id if trade else "", act.tx_hash, deed))
    coins = {coin: world.chain.cash(wallet, coin) for coin in (P_USD, USDC_E)}
    if sum(causes.values()) != sum(coins.values()):
        raise AssertionError(f"expected causes that add up to {coins}, was {dict(causes)}")
    given_up = [trade for trade in trades if trade.status is TradeStatus.FAILED]
    failed = {(t.id, order.id): t for t in given_up for order in t.orders if order.request.wallet == wallet}
    undecided = sum(trade.status not in (TradeStatus.CONFIRMED, TradeStatus.FAILED) for trade in trades)
    return TrueBooks(purse.tokens, fills, failed, _orders(world, wallet, fills, failed), coins, causes, done, undecided)


def _orders(
    world: World, wallet: str, fills: list[TrueFill], failed: dict[tuple[str, str], Trade]
) -> dict[str, TrueOrder]:
    settled: Counter[str] = Counter()
    for each in fills:
        settled[each.fill.order_id] += each.fill.shares
    lost: Counter[str] = Counter()
    for (_, order_id), trade in failed.items():
        lost[order_id] += shares_of(trade, order_id)
    return {
        order.id: TrueOrder(order, settled[order.id], lost[order.id], traded(world, order))
        for order in world.exchange.orders.values()
        if order.request.wallet == wallet
    }


def traded(world: World, order: Order) -> int:
    """Micro-shares of all trades of an order, whatever becomes of them."""
    return sum(shares_of(world.exchange.trades[trade_id], order.id) for trade_id in order.trades)


def shares_of(trade: Trade, order_id: str) -> int:
    """Micro-shares of one order in a trade."""
    if trade.taker.id == order_id:
        return trade.shares
    return sum(leg.shares for leg in trade.legs if leg.maker.id == order_id)


def cause_of(deed: Deed) -> str:
    """What moved the collateral, in a word."""
    if isinstance(deed, Fill):
        return "buy" if deed.side is Side.BUY else "sell"
    if isinstance(deed, FullSet):
        return "split" if deed.amount > 0 else "merge"
    if isinstance(deed, Money | Turn):
        return deed.cause
    if isinstance(deed, Gift):
        return "transfer in" if deed.shares > 0 else "transfer out"
    return "exchange" if isinstance(deed, Exchange) else "redemption"


def _count(causes: Counter[str], deed: Deed) -> None:
    fee = deed.fee if isinstance(deed, Fill) else 0
    causes[cause_of(deed)] += cash_change(deed) + fee
    causes["fees"] -= fee


__all__ = ["Redemption", "TrueBooks", "TrueFill", "TrueOrder", "cause_of", "shares_of", "traded", "true_books"]
