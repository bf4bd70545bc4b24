"""CTFExchangeV2: settling a match on the CTF (Trading.sol as deployed; two recorded receipts, log for log).

When every maker is on the other side, tokens go from wallet to wallet; a BUY taker's cash goes directly to the makers,
a SELL taker's through the exchange. Otherwise everything goes through the exchange, which mints or merges once.
"""

from __future__ import annotations

from tieout.sim.chain import adapters
from tieout.sim.chain.fills import order_filled, taker_filled, validate
from tieout.sim.chain.match import Match
from tieout.sim.chain.places import CTF, P_USD
from tieout.sim.chain.state import Revert
from tieout.sim.model import Side


class Settlement(Match):
    """One matchOrders of one exchange; `run` raises Revert as the contract does."""

    __slots__ = ()

    ledger = CTF

    def run(self) -> None:
        """Settle."""
        taker, makers = self.taker, self.makers
        validate(self.state, self.exchange, self.condition.ctf_tokens, taker, makers)
        if all(maker.side != taker.side for maker in makers):
            self._complementary()
        elif taker.side is Side.BUY:
            self._buy()
        else:
            self._sell()

    def _complementary(self) -> None:
        taker, buys = self.taker, self.taker.side is Side.BUY
        fees = making = taking = 0
        for maker in self.makers:
            if buys:
                self._token(maker.wallet, taker.wallet, maker.token, maker.making)
                self._charged(maker.fee)
                self._pull(taker.wallet, maker.wallet, maker.taking - maker.fee)
            else:
                self._token(taker.wallet, maker.wallet, taker.token, maker.taking)
                self._pull(maker.wallet, self.exchange, maker.making + maker.fee)
                self._charged(maker.fee)
            order_filled(self.emit, self.exchange, maker, taker.wallet, maker.making, maker.taking)
            fees += maker.fee
            making += maker.taking
            taking += maker.making
        if making > taker.making:
            raise Revert("ComplementaryFillExceedsTakerFill")
        if taker.making and taking < making * taker.taking // taker.making:
            raise Revert("TooLittleTokensReceived")
        self._charged(taker.fee)
        if not buys:
            if taker.fee > taking:
                raise Revert("FeeExceedsProceeds")
            self._pay(taker.wallet, taking - taker.fee)
        taker_filled(self.emit, self.exchange, taker, making, taking)
        fees += taker.fee
        if fees and buys:
            self._pull(taker.wallet, self.receiver, fees)
        elif fees:
            self._pay(self.receiver, fees)

    def _buy(self) -> None:
        taker = self.taker
        self._pull(taker.wallet, self.exchange, taker.making + taker.fee)
        before = self.state.tokens(CTF, self.exchange, taker.token)
        fees = self._settle_makers() + taker.fee
        self._charged(taker.fee)
        if fees:
            self._pay(self.receiver, fees)
        taking = self._received(self.state.tokens(CTF, self.exchange, taker.token) - before)
        self._token(self.exchange, taker.wallet, taker.token, taking)
        refund = self.state.cash(P_USD, self.exchange)
        if refund:
            self._pay(taker.wallet, refund)
        taker_filled(self.emit, self.exchange, taker, taker.making, taking)

    def _sell(self) -> None:
        taker = self.taker
        self._token(taker.wallet, self.exchange, taker.token, taker.making)
        before = self.state.cash(P_USD, self.exchange)
        fees = self._settle_makers()
        if fees:
            self._pay(self.receiver, fees)
        taking = self._received(self.state.cash(P_USD, self.exchange) - before)
        self._pay(taker.wallet, taking - taker.fee)
        self._charged(taker.fee)
        refund = self.state.tokens(CTF, self.exchange, taker.token)
        if refund:
            self._token(self.exchange, taker.wallet, taker.token, refund)
        taker_filled(self.emit, self.exchange, taker, taker.making, taking)
        if taker.fee:
            self._pay(self.receiver, taker.fee)

    def _settle_makers(self) -> int:
        """Take from every maker, mint and merge once, give to every maker; the fees that the exchange now holds."""
        state, exchange, adapter = self.state, self.exchange, adapters.exchange_adapter(self.condition)
        minted = merged = 0
        for maker in self.makers:
            if maker.side is Side.BUY:
                self._pull(maker.wallet, exchange, maker.making + maker.fee)
                minted += maker.taking if self.taker.side is Side.BUY else 0
            else:
                self._token(maker.wallet, exchange, maker.token, maker.making)
                merged += maker.making if self.taker.side is Side.SELL else 0
        if minted:
            adapters.split(state, self.emit, adapter, exchange, self.condition, minted)
        if merged:
            adapters.merge(state, self.emit, adapter, exchange, self.condition, merged)
        for maker in self.makers:
            if maker.side is Side.BUY:
                self._token(exchange, maker.wallet, maker.token, maker.taking)
            else:
                self._pay(maker.wallet, maker.taking - maker.fee)
            self._charged(maker.fee)
            order_filled(self.emit, exchange, maker, self.taker.wallet, maker.making, maker.taking)
        return sum(maker.fee for maker in self.makers)

    def _received(self, taking: int) -> int:
        """What came in for the taker, who keeps more than the order asked and refuses less."""
        if taking < self.taker.taking:
            raise Revert("TooLittleTokensReceived")
        return taking
