"""Rebates: makers get a share of the taker fees back, takers of a tier too, each in one transfer a day.

The market's share of a trade's fee (`rebate_rate`) is split over its makers by what each one's part would have cost in
fees, shares x p (1 - p) (`polymarket.md` 7). Only final trades count, on the day they become final. Less than 1
collateral waits for the next day.
"""

from __future__ import annotations

from collections import Counter

from tieout.sim.chain.calls import Deposit, PayReward, TransferCash
from tieout.sim.economy.periods import DAY_MS, LEAST_PAID, at_every, day_of
from tieout.sim.engine.amounts import ONE
from tieout.sim.events import Event, TradeChanged
from tieout.sim.index.accounts import TAKER_REBATE_PAYER
from tieout.sim.model import Leg, Trade, TradeStatus
from tieout.sim.world import World


class Rebates:
    """Runs from its making on. `taker_rate` is the share of its fees a taker gets back, in micro (0: nobody does)."""

    def __init__(self, world: World, *, taker_rate: int = 0) -> None:
        self.taker_rate = taker_rate
        self._chain = world.chain
        self._scheduler = world.scheduler
        self._days: dict[tuple[int, str], Counter[str]] = {}
        """What makers earned, by day (`day_of`), wallet and condition id."""
        self._makers: Counter[str] = Counter()
        self._takers: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        """What each wallet was sent, over all days."""
        world.hub.listen(self._hear)
        at_every(world.scheduler, DAY_MS, self._pay)

    def earned(self, wallet: str) -> int:
        """What the wallet will be paid, as a maker and as a taker."""
        return self._makers[wallet] + self._takers[wallet]

    def by_market(self, maker: str, day: int) -> Counter[str]:
        """What a wallet earned as a maker on a day, by condition id."""
        return Counter(self._days.get((day, maker), Counter()))

    def _hear(self, event: Event) -> None:
        if isinstance(event, TradeChanged) and event.trade.status is TradeStatus.CONFIRMED and event.trade.fee:
            trade, today = event.trade, day_of(self._scheduler.now_ms)
            for maker, amount in shares_of(trade).items():
                self._makers[maker] += amount
                self._days.setdefault((today, maker), Counter())[trade.market.condition_id] += amount
            self._takers[trade.taker.request.wallet] += trade.fee * self.taker_rate // ONE

    def _pay(self) -> None:
        for wallet, amount in _due(self._makers):
            self._chain.submit(PayReward(wallet, amount, "rebate"))
            self.paid[wallet] += amount
        for wallet, amount in _due(self._takers):
            self._chain.submit(Deposit(TAKER_REBATE_PAYER, amount))
            self._chain.submit(TransferCash(TAKER_REBATE_PAYER, wallet, amount))
            self.paid[wallet] += amount


def shares_of(trade: Trade) -> Counter[str]:
    """What each maker gets of the trade's fee, rounded down."""
    pool = trade.fee * trade.market.rebate_rate // ONE
    weights = [_weight(leg) for leg in trade.legs]
    found: Counter[str] = Counter()
    for leg, weight in zip(trade.legs, weights, strict=True):
        found[leg.maker.request.wallet] += pool * weight // max(sum(weights), 1)
    return found


def _weight(leg: Leg) -> int:
    """Shares x p (1 - p) of the taker's part, in micro."""
    return leg.taker_cash * (leg.shares - leg.taker_cash) // leg.shares


def _due(waiting: Counter[str]) -> list[tuple[str, int]]:
    """Takes out what is paid now, by wallet."""
    due = sorted((wallet, amount) for wallet, amount in waiting.items() if amount >= LEAST_PAID)
    for wallet, _ in due:
        del waiting[wallet]
    return due
