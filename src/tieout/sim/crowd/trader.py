"""One participant: its wallet, its key, and how it speaks to the matching engine."""

from __future__ import annotations

from typing import NamedTuple, Self

from tieout.sim.chain.calls import Split
from tieout.sim.chain.condition import Condition
from tieout.sim.contracts import ledger_of
from tieout.sim.engine.amounts import CENT, ONE, on_grid
from tieout.sim.engine.exchange import Placement
from tieout.sim.engine.intake import GTD_MARGIN_S
from tieout.sim.engine.rejections import Rejected
from tieout.sim.model import Market, OrderKind, OrderRequest, Side
from tieout.sim.rng import Stream, drawn_address, drawn_hash
from tieout.sim.world import World


class Account(NamedTuple):
    """Who an order is from: the API key that places it, the key that signs, and the wallet that pays."""

    owner: str
    signer: str
    wallet: str
    signature_type: int = 0


class Trader:
    """Places orders for an account at engine level. Refused orders are counted, not raised: they are a part of life."""

    def __init__(self, world: World, account: Account, stream: Stream) -> None:
        self.world = world
        self.account = account
        self.stream = stream
        self.rejected = 0

    @classmethod
    def drawn(cls, world: World, stream: Stream) -> Self:
        """A participant with a new wallet, which signs for itself, and an API key."""
        signer = drawn_address(stream)
        return cls(world, Account(world.keys.derive(signer).key, signer, signer), stream)

    def held(self, market: Market, outcome: int) -> int:
        """Micro-shares of an outcome in the wallet at the head."""
        return self.world.chain.tokens(ledger_of(market), self.account.wallet, market.tokens[outcome])

    def cash(self) -> int:
        """Collateral in the wallet at the head."""
        return self.world.chain.cash(self.account.wallet)

    def split(self, market: Market, amount: int) -> None:
        """Turn collateral into both outcomes of *market*, from the next block on."""
        self.world.chain.submit(Split(self.account.wallet, Condition.of(market), amount, market.version))

    def limit(
        self,
        market: Market,
        outcome: int,
        side: Side,
        price: int,
        size: int,
        *,
        post_only: bool = False,
        lifetime_s: int = 0,
    ) -> Placement | None:
        """A GTC order, or a GTD order with *lifetime_s*. None when it was refused, or no such price is on the grid."""
        size = size // CENT * CENT
        if not on_grid(price, market.tick) or size <= 0:
            return None
        cash = size * price // ONE
        expiration = self.world.scheduler.now_s + GTD_MARGIN_S + lifetime_s if lifetime_s else 0
        kind = OrderKind.GTD if lifetime_s else OrderKind.GTC
        making, taking = (cash, size) if side is Side.BUY else (size, cash)
        return self._place(market, outcome, side, making, taking, kind, post_only=post_only, expiration=expiration)

    def market_buy(self, market: Market, outcome: int, price: int, cash: int, kind: OrderKind) -> Placement | None:
        """Spend *cash* at *price* or better; FOK or FAK."""
        cash = cash // CENT * CENT
        size = cash * ONE // price // 100 * 100
        return self._place(market, outcome, Side.BUY, cash, size, kind)

    def market_sell(self, market: Market, outcome: int, price: int, size: int, kind: OrderKind) -> Placement | None:
        """Sell *size* at *price* or better; FOK or FAK."""
        size = size // CENT * CENT
        return self._place(market, outcome, Side.SELL, size, size * price // ONE, kind)

    def _place(
        self,
        market: Market,
        outcome: int,
        side: Side,
        making: int,
        taking: int,
        kind: OrderKind,
        *,
        post_only: bool = False,
        expiration: int = 0,
    ) -> Placement | None:
        request = OrderRequest(
            id=drawn_hash(self.stream),
            owner=self.account.owner,
            signer=self.account.signer,
            wallet=self.account.wallet,
            token=market.tokens[outcome],
            side=side,
            maker_amount=making,
            taker_amount=taking,
            kind=kind,
            post_only=post_only,
            expiration=expiration,
            signature_type=self.account.signature_type,
            salt=self.stream.getrandbits(50),
            timestamp_ms=self.world.scheduler.now_ms,
        )
        try:
            return self.world.exchange.place(request)
        except Rejected:
            self.rejected += 1
            return None


def drawn_size(stream: Stream) -> int:
    """Micro-shares of a trade: mostly tens, sometimes hundreds, with cents."""
    scale = stream.choice((5, 10, 10, 20, 20, 50, 100, 400))
    return stream.randrange(scale * ONE // 2, scale * 2 * ONE) // CENT * CENT
