"""ExchangeV3: settling a match on the PositionManager (Exchange.sol of Protocol V2).

Not checked against a recorded receipt. Other than V2: a maker's OrderFilled comes when its assets are taken, a BUY
taker spends only what the makers cost (`making` is the most), merged tokens go straight to the module, and the tokens
of a SELL taker go from wallet to wallet.
"""

from __future__ import annotations

from tieout.sim.chain import modules
from tieout.sim.chain.fills import Fill, order_filled, taker_filled, validate
from tieout.sim.chain.match import Match
from tieout.sim.chain.places import POSITION_MANAGER
from tieout.sim.chain.state import Revert
from tieout.sim.model import Side


class SettlementV3(Match):
    """One matchOrders of one exchange; `run` raises Revert as the contract does."""

    __slots__ = ()

    ledger = POSITION_MANAGER

    def run(self) -> None:
        """Settle."""
        taker, makers = self.taker, self.makers
        validate(self.state, self.exchange, self.condition.position_ids, taker, makers)
        buys = taker.side is Side.BUY
        if all(maker.side != taker.side for maker in makers):
            making, taking = self._complementary_buy() if buys else self._complementary_sell()
        else:
            making, taking = self._buy() if buys else self._sell()
        taker_filled(self.emit, self.exchange, taker, making, taking)

    def _complementary_buy(self) -> tuple[int, int]:
        taker, making, taking = self.taker, 0, 0
        for maker in self.makers:
            self._token(maker.wallet, taker.wallet, maker.token, maker.making)
            self._pull(taker.wallet, maker.wallet, maker.taking - maker.fee)
            self._filled(maker)
            self._charged(maker.fee)
            making += maker.taking
            taking += maker.making
        self._check_complementary(making, taking)
        self._charged(taker.fee)
        if self._fees():
            self._pull(taker.wallet, self.receiver, self._fees())
        return making, taking

    def _complementary_sell(self) -> tuple[int, int]:
        taker, making, taking = self.taker, 0, 0
        fees = self._fees()
        for maker in self.makers:
            if fees:
                self._filled(maker)
                self._pull(maker.wallet, self.exchange, maker.making + maker.fee)
                self._token(taker.wallet, maker.wallet, taker.token, maker.taking)
                self._charged(maker.fee)
            else:
                self._token(taker.wallet, maker.wallet, taker.token, maker.taking)
                self._pull(maker.wallet, taker.wallet, maker.making)
                self._filled(maker)
            making += maker.taking
            taking += maker.making
        self._check_complementary(making, taking)
        if fees:
            if taker.fee > taking:
                raise Revert("FeeExceedsProceeds")
            self._pay(taker.wallet, taking - taker.fee)
            self._charged(taker.fee)
            self._pay(self.receiver, fees)
        return making, taking

    def _buy(self) -> tuple[int, int]:
        taker, exchange = self.taker, self.exchange
        self._pull(taker.wallet, exchange, taker.making + taker.fee)
        cash, minted, shares = taker.making + taker.fee, 0, 0
        for maker in self.makers:
            if maker.side is Side.BUY:
                self._pull(maker.wallet, exchange, maker.making + maker.fee)
                cash += maker.making + maker.fee
                minted += maker.taking
            else:
                self._token(maker.wallet, exchange, maker.token, maker.making)
                shares += maker.making
            self._filled(maker)
        if minted:
            self._pay(modules.module_of(self.condition), minted)
            modules.split(self.state, self.emit, exchange, (exchange, exchange), self.condition, minted)
        cash -= minted
        for maker in self.makers:
            if maker.side is Side.SELL:
                self._pay(maker.wallet, maker.taking - maker.fee)
                cash -= maker.taking - maker.fee
            else:
                self._token(exchange, maker.wallet, maker.token, maker.taking)
            self._charged(maker.fee)
        if shares + minted != taker.taking:
            raise Revert("AssetAccountingMismatch")
        self._token(exchange, taker.wallet, taker.token, taker.taking)
        return self._end_of_buy(cash - self._fees()), taker.taking

    def _end_of_buy(self, refund: int) -> int:
        """Pay the fees and give back what the makers did not cost; what the taker spent."""
        if not 0 <= refund <= self.taker.making:
            raise Revert("AssetAccountingMismatch")
        if self._fees():
            self._pay(self.receiver, self._fees())
        if refund:
            self._pay(self.taker.wallet, refund)
        self._charged(self.taker.fee)
        return self.taker.making - refund

    def _sell(self) -> tuple[int, int]:
        taker, module = self.taker, modules.module_of(self.condition)
        cash, merged, left = 0, 0, taker.making
        for maker in self.makers:
            if maker.side is Side.BUY:
                self._pull(maker.wallet, self.exchange, maker.making + maker.fee)
                cash += maker.making + maker.fee
                left -= maker.taking
            else:
                self._token(maker.wallet, module, maker.token, maker.making)
                merged += maker.making
                left -= maker.making
            self._filled(maker)
        if left:
            raise Revert("TakerFillMismatch")
        if merged:
            self._token(taker.wallet, module, taker.token, merged)
            modules.merge(self.state, self.emit, self.exchange, self.exchange, self.condition, merged)
        return taker.making, self._end_of_sell(cash + merged)

    def _end_of_sell(self, cash: int) -> int:
        """Give to the makers, then to the taker, then the fees; what the taker received before its fee."""
        taker = self.taker
        for maker in self.makers:
            if maker.side is Side.BUY:
                self._token(taker.wallet, maker.wallet, taker.token, maker.taking)
            else:
                self._pay(maker.wallet, maker.taking - maker.fee)
                cash -= maker.taking - maker.fee
            self._charged(maker.fee)
        taking = cash - (self._fees() - taker.fee)
        if taking != taker.taking or taker.fee > taking:
            raise Revert("AssetAccountingMismatch")
        self._pay(taker.wallet, taking - taker.fee)
        if self._fees():
            self._pay(self.receiver, self._fees())
        self._charged(taker.fee)
        return taking

    def _check_complementary(self, making: int, taking: int) -> None:
        if making > self.taker.making:
            raise Revert("ComplementaryFillExceedsTakerFill")
        if taking != self.taker.taking:
            raise Revert("AssetAccountingMismatch")

    def _fees(self) -> int:
        return self.taker.fee + sum(maker.fee for maker in self.makers)

    def _filled(self, maker: Fill) -> None:
        order_filled(self.emit, self.exchange, maker, self.taker.wallet, maker.making, maker.taking)
