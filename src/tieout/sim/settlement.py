"""Settlement: every trade becomes a transaction, and the trade's status follows what the chain does with it.

MATCHED, then MINED when its block holds it, CONFIRMED when that block is final. A reverted or reorganised transaction
makes it RETRYING with a new hash; after some attempts it is FAILED and never happened: the matched size stays matched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tieout.sim.chain.calls import Call, Fill, ForcedRevert, MatchOrders
from tieout.sim.chain.chain import BlockMined, BlocksRemoved, Chain, Condition, Finalized
from tieout.sim.chain.state import ALLOWANCE, APPROVAL, CASH, TOKENS, Slot
from tieout.sim.contracts import exchange_of
from tieout.sim.engine.exchange import Exchange
from tieout.sim.engine.funds import Asset
from tieout.sim.events import TradeChanged
from tieout.sim.model import Leg, Order, Side, Trade, TradeStatus
from tieout.sim.rng import Stream
from tieout.sim.scheduler import Scheduler


@dataclass(slots=True)
class Pace:
    """How the operator settles: delays in milliseconds, and how often it tries."""

    submit_ms: tuple[int, int] = (50, 900)
    retry_ms: tuple[int, int] = (500, 3000)
    attempts: int = 3


class Settler:
    """The venue's operator: sends matches to the chain and follows them."""

    def __init__(self, scheduler: Scheduler, chain: Chain, exchange: Exchange, stream: Stream) -> None:
        self._scheduler = scheduler
        self._chain = chain
        self._exchange = exchange
        self._stream = stream
        self._by_hash: dict[str, Trade] = {}
        self._mined: dict[int, list[Trade]] = {}
        self._given_up: set[str] = set()
        """Hashes of reverted attempts: no reorganisation may bring one back beside the attempt after it."""
        self.pace = Pace()
        self.reverts: Callable[[Trade], bool] = lambda _trade: False
        """Asked at every attempt: True makes the transaction revert (a fault)."""
        exchange.settle = self.take
        chain.listen(self._on_chain)

    def take(self, trade: Trade) -> None:
        """Settle a new trade soon."""
        self._scheduler.after(self._stream.randint(*self.pace.submit_ms), lambda: self._submit(trade))

    def _submit(self, trade: Trade) -> None:
        trade.attempts += 1
        call: Call = match_call(trade)
        if self.reverts(trade):
            call = ForcedRevert(call)
        trade.tx_hash = self._chain.submit(call)
        self._by_hash[trade.tx_hash] = trade
        if trade.attempts > 1:
            self._tell(trade, TradeStatus.RETRYING)

    def _on_chain(self, event: BlockMined | BlocksRemoved | Finalized) -> None:
        if isinstance(event, BlockMined):
            self._mine(event)
        elif isinstance(event, BlocksRemoved):
            self._unmine(event)
        else:
            for number in [number for number in self._mined if number <= event.number]:
                for trade in self._mined.pop(number):
                    del self._by_hash[trade.tx_hash]
                    self._tell(trade, TradeStatus.CONFIRMED)

    def _mine(self, event: BlockMined) -> None:
        wallets: set[str] = set()
        for receipt in event.block.receipts:
            trade = self._by_hash.get(receipt.tx_hash)
            if trade is None:
                continue
            if receipt.status:
                self._mined.setdefault(event.block.number, []).append(trade)
                self._exchange.funds.release(trade)
                self._tell(trade, TradeStatus.MINED)
            else:
                del self._by_hash[trade.tx_hash]
                self._given_up.add(trade.tx_hash)
                wallets |= trade.wallets
                self._give_back(trade, receipt.reason)
        fell = event.block.fell
        wallets |= {str(slot[2]) for slot in fell if slot[0] in (ALLOWANCE, APPROVAL)}
        self._exchange.cancel_uncovered(wallets, assets=[_asset(slot) for slot in fell if slot[0] in (CASH, TOKENS)])

    def _give_back(self, trade: Trade, reason: str) -> None:
        """The transaction reverted: try again, or give the trade up."""
        trade.error = reason
        if trade.attempts < self.pace.attempts:
            self._tell(trade, TradeStatus.RETRYING)
            self._retry(trade)
        else:
            self._exchange.funds.release(trade)
            self._tell(trade, TradeStatus.FAILED)

    def _retry(self, trade: Trade) -> None:
        self._scheduler.after(self._stream.randint(*self.pace.retry_ms), lambda: self._submit(trade))

    def _unmine(self, event: BlocksRemoved) -> None:
        """A reorganisation took blocks away: their trades are open again; what was dropped is sent anew."""
        for block in event.blocks:
            for tx_hash in self._given_up.intersection(receipt.tx_hash for receipt in block.receipts):
                self._chain.withdraw(tx_hash)
            for trade in self._mined.pop(block.number, []):
                self._exchange.funds.hold(trade)
                self._tell(trade, TradeStatus.RETRYING)
                if trade.tx_hash in event.dropped:
                    del self._by_hash[trade.tx_hash]
                    self._retry(trade)

    def _tell(self, trade: Trade, status: TradeStatus) -> None:
        trade.status = status
        trade.updated_ms = self._scheduler.now_ms
        self._exchange.announce(TradeChanged(trade))


def match_call(trade: Trade) -> MatchOrders:
    """The transaction that settles *trade*."""
    taker = trade.taker
    making, taking = (trade.cash, trade.shares) if taker.side is Side.BUY else (trade.shares, trade.cash)
    return MatchOrders(
        exchange=exchange_of(trade.market, taker.request.token),
        condition=Condition.of(trade.market),
        taker=_fill(taker, making, taking, trade.fee),
        makers=tuple(_maker_fill(leg) for leg in trade.legs),
    )


def _maker_fill(leg: Leg) -> Fill:
    making, taking = (leg.cash, leg.shares) if leg.maker.side is Side.BUY else (leg.shares, leg.cash)
    return _fill(leg.maker, making, taking, 0)


def _fill(order: Order, making: int, taking: int, fee: int) -> Fill:
    request = order.request
    return Fill(
        order.id, request.wallet, request.side, request.token, making, taking, fee, request.builder, request.metadata
    )


def _asset(balance: Slot) -> Asset:
    """What the engine calls a balance."""
    kind, contract, wallet, *token = balance
    return str(wallet), "cash" if kind == CASH else f"{contract}/{token[0]}"
