"""Random lives of some wallets on the simulated chain: every kind of call, most possible, some not."""

from __future__ import annotations

import random

from sim.chain.setting import OUTSIDE, A, B, C, D, Setting
from tieout.sim.chain.calls import (
    Approve,
    Call,
    Condition,
    Convert,
    Deposit,
    Disapprove,
    Fill,
    ForcedRevert,
    MatchOrders,
    Merge,
    Migrate,
    MintCash,
    PauseUser,
    PayReward,
    PrepareCondition,
    Redeem,
    ReportPayouts,
    Split,
    TransferCash,
    TransferTokens,
    Unwrap,
    Withdraw,
    Wrap,
)
from tieout.sim.chain.chain import Block
from tieout.sim.chain.places import (
    AUTO_REDEEMER,
    CTF,
    CTF_EXCHANGE,
    EXCHANGE_V3,
    NEG_RISK_EXCHANGE,
    POSITION_MANAGER,
    USDC_E,
)
from tieout.sim.model import Market, Side

ONE = 1_000_000


class Life:
    """Wallets that do anything, drawn from a seed."""

    def __init__(self, seed: int, *, finality: int = 10) -> None:
        self.setting = setting = Setting(seed, finality=finality)
        self.draw = random.Random(seed)
        self.wallets = (A, B, C, D)
        setting.market()
        setting.market()
        setting.market(version="v2")
        self.event, _ = setting.event(3)
        self.dear_event, _ = setting.event(4, fee_bips=150)
        setting.fund(*self.wallets)
        setting.done()
        self.number = 0

    def block(self, calls: int) -> Block:
        """A block of random calls."""
        return self.setting.mine(*(self.call() for _ in range(calls)))

    def call(self) -> Call:
        """One random call."""
        draw = self.draw
        wallet, other = draw.choice(self.wallets), draw.choice(self.wallets)
        market = draw.choice(self.setting.markets)
        kind = draw.choices(_KINDS, _WEIGHTS)[0]
        call: Call = kind(self, wallet, other, market)
        return ForcedRevert(call) if draw.random() < 0.02 else call

    def amount(self) -> int:
        """Mostly something a wallet could have."""
        draw = self.draw
        return draw.choice((draw.randrange(50 * ONE), draw.randrange(50 * ONE), draw.randrange(300), 10**13, 0))

    def version(self) -> str:
        return self.draw.choice(("v1", "v2"))

    # kinds

    def match(self, wallet: str, _: str, market: Market) -> Call:
        """A match of one to three makers at prices that fit, with and without fees."""
        draw, version = self.draw, self.version()
        tokens = market.position_ids if version == "v2" else market.ctf_tokens
        exchange = EXCHANGE_V3 if version == "v2" else NEG_RISK_EXCHANGE if market.neg_risk else CTF_EXCHANGE
        side, outcome = draw.choice((Side.BUY, Side.SELL)), draw.randrange(2)
        price, fees = draw.randrange(10_000, 990_000), draw.random() < 0.3
        makers, shares, cash = [], 0, 0
        for _count in range(draw.randint(1, 3)):
            same = draw.random() < 0.5
            size = draw.randrange(1, 20 * ONE)
            taker_cash = size * price // ONE
            maker_cash = taker_cash if not same else size - taker_cash
            token = tokens[1 - outcome] if same else tokens[outcome]
            maker_side = side if same else Side(1 - side)
            fee = draw.randrange(maker_cash // 20 + 1) if fees else 0
            makers.append(self.order(draw.choice(self.wallets), maker_side, token, size, maker_cash, fee))
            shares, cash = shares + size, cash + taker_cash
        if draw.random() < 0.1:
            cash += draw.randrange(1, 1000)
        taker = self.order(wallet, side, tokens[outcome], shares, cash, draw.randrange(cash // 20 + 1))
        return MatchOrders(exchange, Condition.of(market), taker, tuple(makers))

    def order(self, wallet: str, side: Side, token: int, shares: int, cash: int, fee: int) -> Fill:
        self.number += 1
        making, taking = (cash, shares) if side is Side.BUY else (shares, cash)
        return Fill(f"0x{self.number:064x}", wallet, side, token, making, taking, fee)

    def split(self, wallet: str, _: str, market: Market) -> Call:
        return Split(wallet, Condition.of(market), self.amount(), self.version())

    def merge(self, wallet: str, _: str, market: Market) -> Call:
        return Merge(wallet, Condition.of(market), self.amount(), self.version())

    def redeem(self, wallet: str, _: str, market: Market) -> Call:
        by = self.draw.choice((None, AUTO_REDEEMER))
        return Redeem(wallet, Condition.of(market), by, self.version())

    def convert(self, wallet: str, _: str, __: Market) -> Call:
        event = self.draw.choice((self.event, self.dear_event))
        return Convert(wallet, event, self.draw.randrange(2 ** len(event.conditions) + 1), self.amount())

    def migrate(self, wallet: str, _: str, market: Market) -> Call:
        return Migrate(wallet, Condition.of(market))

    def send_tokens(self, wallet: str, other: str, market: Market) -> Call:
        ledger, ids = self.draw.choice(((CTF, market.ctf_tokens), (POSITION_MANAGER, market.position_ids)))
        if self.draw.random() < 0.5:
            ids = ids[:1]
        return TransferTokens(ledger, wallet, other, ids, tuple(self.amount() for _ in ids))

    def send_cash(self, wallet: str, other: str, _: Market) -> Call:
        to = self.draw.choice((other, OUTSIDE))
        return TransferCash(wallet, to, self.amount(), *self.draw.choice(((), (USDC_E,))))

    def ramp(self, wallet: str, other: str, _: Market) -> Call:
        amount = self.amount()
        return self.draw.choice(
            (
                Wrap(wallet, amount),
                Unwrap(wallet, amount),
                Deposit(wallet, amount % 10**9),
                Withdraw(wallet, self.draw.choice((other, OUTSIDE)), amount),
                MintCash(wallet, amount % 10**9),
                PayReward(wallet, amount % 10**6, self.draw.choice(("reward", "rebate", "gift"))),
            )
        )

    def set_up(self, wallet: str, _: str, __: Market) -> Call:
        kinds = (Approve, Approve, Approve, Approve, Disapprove)
        return PauseUser(wallet) if self.draw.random() < 0.05 else self.draw.choice(kinds)(wallet)

    def resolve(self, _: str, __: str, market: Market) -> Call:
        """Rarely; of an event only its last question comes true, the others late."""
        if self.draw.random() < 0.7 or market.closed:
            return PrepareCondition(Condition.of(market))
        if market.neg_risk:
            event = self.event if Condition.of(market) in self.event.conditions else self.dear_event
            last = Condition.of(market) == event.conditions[-1]
            return ReportPayouts(Condition.of(market), (1, 0) if last else (0, 1))
        return ReportPayouts(
            Condition.of(market), self.draw.choice(((1, 0), (0, 1), (1, 2), (333_333, 666_667), (0, 0)))
        )


_CHOICES = {
    Life.match: 30,
    Life.split: 14,
    Life.merge: 8,
    Life.redeem: 6,
    Life.convert: 6,
    Life.migrate: 4,
    Life.send_tokens: 8,
    Life.send_cash: 6,
    Life.ramp: 6,
    Life.set_up: 4,
    Life.resolve: 1,
}
_KINDS, _WEIGHTS = tuple(_CHOICES), tuple(_CHOICES.values())
