"""Nothing is made or lost: random traders for 100,000 steps, against books kept here from what was asked for.

The books of this test know no chain rule but arithmetic: they apply each trade and call of a finalized block in order.
At every finalized block they must equal the chain's balances, to the micro-unit, for every wallet and token.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest

from tieout.sim.chain import conservation
from tieout.sim.chain.calls import (
    FEE_RECEIVER,
    Call,
    Deposit,
    Merge,
    Migrate,
    Redeem,
    Split,
    TransferCash,
    TransferTokens,
)
from tieout.sim.chain.chain import BlockMined, BlocksRemoved, Condition, Finalized
from tieout.sim.contracts import ledger_of
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import CENT, ONE
from tieout.sim.engine.rejections import Rejected
from tieout.sim.markets import make_event, make_market
from tieout.sim.model import Market, MatchKind, OrderKind, OrderRequest, Side, Trade, TradeStatus
from tieout.sim.rng import drawn_address, drawn_hash
from tieout.sim.world import World
from tieout.venue.addresses import CTF, POSITION_MANAGER

STEPS = int(os.environ.get("TIEOUT_STEPS", "100000"))
Key = tuple[str, str, int]
"""(wallet, "cash" or ledger, token)."""
Effect = Callable[[Counter[Key]], None]


class Crowd:
    """Wallets that do anything they can, some of it impossible, and the books kept of it."""

    def __init__(self, seed: int) -> None:
        self.world = world = World(seed)
        self.draw = world.chance.stream("traders")
        now = world.scheduler.now_ms
        stream = world.chance.stream("markets")
        self.markets = [
            make_market(stream, 1, now, category="crypto"),
            make_market(stream, 2, now, category="geopolitics"),
            make_market(stream, 3, now, category="sports", version="v2"),
            *make_event(stream, 4, now, 3),
        ]
        self.markets[0].delay_ms = 250
        self.wallets = [drawn_address(self.draw) for _ in range(10)]
        self.effects: dict[str, Effect] = {}
        self.books: Counter[Key] = Counter()
        self.fees = 0
        self.kinds: Counter[str] = Counter()
        self.waiting: dict[int, list[str]] = {}
        self.laws_checked = 0
        self.pending: list[Trade] = []
        self.seen = 0
        self.settled: set[str] = set()
        world.chain.listen(self._on_chain)
        for market in self.markets:
            world.open_market(market)
        for wallet in self.wallets:
            world.fund(wallet, ONE)
            self._send(Deposit(wallet, 5_000 * ONE), wallet, cash=5_000 * ONE)
            self.books[wallet, "cash", 0] += ONE
        world.scheduler.run_for(4_000)

    # what happens on chain

    def _on_chain(self, event: BlockMined | BlocksRemoved | Finalized) -> None:
        if isinstance(event, BlockMined):
            self.waiting[event.block.number] = [receipt.tx_hash for receipt in event.block.receipts if receipt.status]
        elif isinstance(event, BlocksRemoved):
            for block in event.blocks:
                self.waiting.pop(block.number, None)
        else:
            for number in sorted(number for number in self.waiting if number <= event.number):
                for tx_hash in self.waiting.pop(number):
                    if effect := self.effects.pop(tx_hash, None):
                        effect(self.books)
            self._compare(event.number)

    def _compare(self, number: int) -> None:
        chain = self.world.chain
        for wallet in self.wallets:
            assert chain.cash(wallet, block=number) == self.books[wallet, "cash", 0], (wallet, number)
            for market in self.markets:
                for ledger, tokens in ((CTF, market.ctf_tokens), (POSITION_MANAGER, market.position_ids)):
                    for token in tokens:
                        assert chain.tokens(ledger, wallet, token, block=number) == self.books[wallet, ledger, token]
        assert chain.cash(FEE_RECEIVER, block=number) == self.fees
        self.laws_checked += 1

    def _apply_trade(self, books: Counter[Key], trade: Trade) -> None:
        self.kinds[f"{trade.market.version} {'neg ' if trade.market.neg_risk else ''}trade"] += 1
        assert trade.id not in self.settled, "settled twice"
        self.settled.add(trade.id)
        self.fees += trade.fee
        taker = trade.taker
        self._move(books, taker.request, trade.cash, trade.shares)
        books[taker.request.wallet, "cash", 0] -= trade.fee
        for leg in trade.legs:
            self.kinds[str(leg.kind)] += 1
            self._move(books, leg.maker.request, leg.cash, leg.shares)

    @staticmethod
    def _move(books: Counter[Key], request: OrderRequest, cash: int, shares: int) -> None:
        sign = 1 if request.side is Side.BUY else -1
        ledger = CTF if request.token >> 248 == 0 or request.token & (((1 << 64) - 1) << 40) else POSITION_MANAGER
        books[request.wallet, ledger, request.token] += sign * shares
        books[request.wallet, "cash", 0] -= sign * cash

    # what the traders do

    def step(self) -> None:
        """One action of one wallet, or of the venue, and some time."""
        wallet, market = self.draw.choice(self.wallets), self.draw.choice(self.markets)
        act = self.draw.choices(
            (self._place, self._cancel, self._split, self._merge, self._give, self._pay, self._reorg, self._redeem),
            (70, 10, 7, 4, 3, 2, 0.5, 0.5),
        )[0]
        act(wallet, market)
        self.world.scheduler.run_for(self.draw.randrange(120))
        self.settle_new()

    def settle_new(self) -> None:
        """Note the effect of every trade that is not final under its present hash."""
        trades = list(self.world.exchange.trades.values())
        self.pending += trades[self.seen :]
        self.seen = len(trades)
        final = (TradeStatus.CONFIRMED, TradeStatus.FAILED)
        self.pending = [trade for trade in self.pending if trade.status not in final]
        for trade in self.pending:
            if trade.tx_hash:
                self.effects[trade.tx_hash] = lambda books, trade=trade: self._apply_trade(books, trade)

    def _place(self, wallet: str, market: Market) -> None:
        side, outcome = self.draw.choice(tuple(Side)), self.draw.randrange(2)
        kind = self.draw.choices((OrderKind.GTC, OrderKind.FAK, OrderKind.FOK), (70, 20, 10))[0]
        price = self.draw.randrange(35, 66) * 10_000
        size = self.draw.choice((500, 700, 1_000, 2_500, self.draw.randrange(100, 5_000))) * CENT
        making, taking = (size * price // ONE, size) if side is Side.BUY else (size, size * price // ONE)
        if kind is not OrderKind.GTC and side is Side.BUY:
            making = max(making // CENT, 1) * CENT
            taking = making * ONE // price // 100 * 100
        request = OrderRequest(
            drawn_hash(self.draw), f"key {wallet}", wallet, wallet, market.tokens[outcome], side, making, taking, kind
        )
        try:
            self._check(self.world.exchange.place(request).trades)
        except Rejected as rejected:
            self.kinds[f"rejected {rejected.reason}"] += 1

    def _check(self, trades: tuple[Trade, ...]) -> None:
        """Each match moves as much in as out, at the maker's signed rate, and no worse for the taker than its limit."""
        for trade in trades:
            taker = trade.taker
            over = trade.cash * ONE - trade.shares * taker.price
            assert (over if taker.side is Side.BUY else -over) < ONE * len(trade.legs)
        for leg in (leg for trade in trades for leg in trade.legs):
            signed, selling = leg.maker.request, leg.maker.side is Side.SELL
            making, taking = (leg.shares, leg.cash) if selling else (leg.cash, leg.shares)
            assert taking == making * signed.taker_amount // signed.maker_amount
            whole = leg.shares if leg.kind is not MatchKind.COMPLEMENTARY else 2 * leg.cash
            assert leg.cash + leg.taker_cash == whole
            assert min(leg.shares, leg.cash + 1, leg.taker_cash + 1) > 0

    def _cancel(self, wallet: str, market: Market) -> None:
        orders = self.world.exchange.open_of(wallet)
        if orders:
            self.world.exchange.cancel(wallet, self.draw.choice(orders).id)

    def _send(self, call: Call, wallet: str, market: Market | None = None, cash: int = 0, both: int = 0) -> None:
        """Send a call that moves *cash*, and *both* outcomes of a market, of a wallet."""
        ledger, tokens = (ledger_of(market), market.tokens) if market else ("", ())

        def effect(books: Counter[Key]) -> None:
            self.kinds[type(call).__name__] += 1
            books[wallet, "cash", 0] += cash
            for token in tokens:
                books[wallet, ledger, token] += both

        self.effects[self.world.chain.submit(call)] = effect

    def _split(self, wallet: str, market: Market) -> None:
        amount = self.draw.randrange(1, 60 * ONE)
        self._send(Split(wallet, Condition.of(market), amount, market.version), wallet, market, -amount, amount)

    def _merge(self, wallet: str, market: Market) -> None:
        amount = self.draw.randrange(1, 60 * ONE)
        self._send(Merge(wallet, Condition.of(market), amount, market.version), wallet, market, amount, -amount)

    def _give(self, wallet: str, market: Market) -> None:
        other, amount = self.draw.choice(self.wallets), self.draw.randrange(1, 30 * ONE)
        token, ledger = market.tokens[self.draw.randrange(2)], ledger_of(market)

        def effect(books: Counter[Key]) -> None:
            self.kinds["TransferTokens"] += 1
            books[wallet, ledger, token] -= amount
            books[other, ledger, token] += amount

        call = TransferTokens(ledger, wallet, other, (token,), (amount,))
        self.effects[self.world.chain.submit(call)] = effect

    def _pay(self, wallet: str, market: Market) -> None:
        other, amount = self.draw.choice(self.wallets), self.draw.randrange(1, 400 * ONE)

        def effect(books: Counter[Key]) -> None:
            self.kinds["TransferCash"] += 1
            books[wallet, "cash", 0] -= amount
            books[other, "cash", 0] += amount

        self.effects[self.world.chain.submit(TransferCash(wallet, other, amount))] = effect

    def _reorg(self, wallet: str, market: Market) -> None:
        chain = self.world.chain
        depth = min(self.draw.randrange(1, 5), chain.head.number - chain.finalized)
        if depth > 0:
            self.kinds["reorg"] += 1
            chain.reorg(depth)

    def _redeem(self, wallet: str, market: Market) -> None:
        """Resolve a market late in the run, and open another in its place; or redeem, or migrate."""
        resolved = [market for market in self.markets if market.payouts]
        if not resolved and len(self.world.exchange.trades) > STEPS // 12:
            market = self.draw.choice([market for market in self.markets if not market.neg_risk])
            self.world.resolve(market, (333_333, 666_667))
        elif resolved:
            self._redeem_one(wallet, self.draw.choice(resolved))
        elif market.version == "v1" and not market.neg_risk:
            self._migrate(wallet, market)

    def _redeem_one(self, wallet: str, market: Market) -> None:
        ledger, tokens, payouts = ledger_of(market), market.tokens, market.payouts or (0, 0)

        def effect(books: Counter[Key]) -> None:
            self.kinds["Redeem"] += 1
            for token, payout in zip(tokens, payouts, strict=True):
                held = books.pop((wallet, ledger, token), 0)
                books[wallet, "cash", 0] += held * payout // ONE

        call = Redeem(wallet, Condition.of(market), version=market.version)
        self.effects[self.world.chain.submit(call)] = effect

    def _migrate(self, wallet: str, market: Market) -> None:
        def effect(books: Counter[Key]) -> None:
            self.kinds["Migrate"] += 1
            for old, new in zip(market.ctf_tokens, market.position_ids, strict=True):
                books[wallet, POSITION_MANAGER, new] += books.pop((wallet, CTF, old), 0)

        self.effects[self.world.chain.submit(Migrate(wallet, Condition.of(market)))] = effect


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_made_or_lost_in_a_hundred_thousand_steps(seed):
    crowd = Crowd(seed)
    world = crowd.world
    for step in range(STEPS):
        crowd.step()
        if step % 500 == 0:
            assert conservation.check(world.chain) == []
        if step == STEPS // 2:
            lifecycle.migrate_market(world.exchange, crowd.markets[1])
    world.exchange.modes.cancel_only = True
    for _ in range(100):
        world.scheduler.run_for(2_000)
        crowd.settle_new()
    assert conservation.check(world.chain) == []
    assert {trade.status for trade in world.exchange.trades.values()} == {TradeStatus.CONFIRMED, TradeStatus.FAILED}
    assert not world.exchange.funds.matched
    confirmed = {trade.id for trade in world.exchange.trades.values() if trade.status is TradeStatus.CONFIRMED}
    assert crowd.settled == confirmed
    for kind in ("COMPLEMENTARY", "MINT", "MERGE", "v1 trade", "v1 neg trade", "v2 trade", "Split", "Merge", "Redeem",
                 "Migrate", "TransferTokens", "TransferCash", "reorg", "rejected balance"):  # fmt: skip
        assert crowd.kinds[kind], (kind, crowd.kinds)
    assert crowd.laws_checked > STEPS // 100
