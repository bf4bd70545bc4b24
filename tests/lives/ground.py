"""Where a life happens: a chain, some markets of every kind, the wallet, and others with plenty of everything."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sim.chain.setting import Setting
from tieout.sim.chain import ctf
from tieout.sim.chain.calls import Approve, Call, Deposit, Split
from tieout.sim.chain.chain import Block, Chain, Condition, NegRiskEvent
from tieout.sim.chain.places import CTF, CTF_EXCHANGE, EXCHANGE_V3, NEG_RISK_EXCHANGE, POSITION_MANAGER, THIRD_EXCHANGE
from tieout.sim.chain.state import State
from tieout.sim.model import Market

ONE = 1_000_000
W = "0x" + "a1" * 20
"""The wallet whose life it is."""

B, C = "0x" + "b2" * 20, "0x" + "c3" * 20
OUTSIDE = "0x" + "0f" * 20
RICH = 10**12


@dataclass(frozen=True)
class Book:
    """One condition in one generation: what can be traded, split, merged, sent and redeemed there."""

    condition: Condition
    version: str
    event: NegRiskEvent | None

    @property
    def tokens(self) -> tuple[int, int]:
        return self.condition.position_ids if self.version == "v2" else self.condition.ctf_tokens

    @property
    def ledger(self) -> str:
        return POSITION_MANAGER if self.version == "v2" else CTF

    def exchange(self, draw: random.Random) -> str:
        if self.version == "v2":
            return EXCHANGE_V3
        return NEG_RISK_EXCHANGE if self.condition.neg_risk else draw.choice((CTF_EXCHANGE, THIRD_EXCHANGE))

    def held(self, state: State, wallet: str = W) -> tuple[int, int]:
        yes, no = (state.tokens(self.ledger, wallet, token) for token in self.tokens)
        return yes, no

    def payouts(self, state: State) -> tuple[int, int]:
        """(0, 0) while it is open."""
        return ctf.payouts(state, self.condition)


class Ground:
    """Everything an act needs: what there is, and what the seed draws."""

    def __init__(self, seed: int, *, finality: int = 10) -> None:
        self.draw = draw = random.Random(seed)
        self.setting = Setting(seed, finality=finality)
        self.chain: Chain = self.setting.chain
        self.books: list[Book] = []
        self.events: list[NegRiskEvent] = []
        self.orders = 0
        for _ in range(draw.randint(1, 2)):
            self._add(self.setting.market())
        if draw.random() < 0.6:
            self._add(self.setting.market(version="v2"))
        for _ in range(draw.randint(0 if len(self.books) > 2 else 1, 2)):
            event, markets = self.setting.event(draw.randint(2, 4), draw.choice((0, 0, 100, 33)))
            self.events.append(event)
            for market in markets:
                self._add(market, event)

    def _add(self, market: Market, event: NegRiskEvent | None = None) -> None:
        condition = Condition.of(market)
        versions = ("v2",) if market.version == "v2" else ("v1", "v2")
        self.books += [Book(condition, version, event) for version in versions]

    @property
    def state(self) -> State:
        return self.chain.state

    def begin(self) -> Block:
        """What must be there before the life begins: not the wallet's doing, but for its approvals."""
        calls: list[Call] = []
        for wallet in (B, C):
            calls += [Deposit(wallet, RICH), Approve(wallet)]
            calls += [Split(wallet, book.condition, RICH // 100, book.version) for book in self.books]
        return self.setting.done(*calls, Approve(W))

    # drawing

    def other(self) -> str:
        return self.draw.choice((B, C))

    def open_book(self) -> Book | None:
        found = [book for book in self.books if not any(book.payouts(self.state))]
        return self.draw.choice(found) if found else None

    def part(self, held: int) -> int:
        """All of it, most often some of it, sometimes a single unit."""
        if held <= 0:
            return 0
        return self.draw.choice((held, 1, self.draw.randint(1, held), self.draw.randint(1, held)))

    def amount(self, most: int = 20 * ONE) -> int:
        return self.draw.choice((self.draw.randint(1, most), self.draw.randint(1, most), self.draw.randint(1, 300)))
