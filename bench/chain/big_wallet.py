"""The life of a market maker's wallet with any number of logs, the same for equal seeds.

Fills of both roles in the three kinds of match and on both ledgers, over markets that begin, trade, resolve and are
redeemed; among them what else happens to a wallet: splits, merges, conversions, migrations, transfers, deposits,
withdrawals, wraps, rewards and rebates.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from long_chain import LongChain

from tieout.sim.chain import calls
from tieout.sim.chain.condition import Condition, NegRiskEvent
from tieout.sim.chain.fills import Fill
from tieout.sim.chain.log import Log
from tieout.sim.chain.places import AUTO_REDEEMER, CTF, CTF_EXCHANGE, EXCHANGE_V3, NEG_RISK_EXCHANGE, POSITION_MANAGER
from tieout.sim.markets import make_event, make_market
from tieout.sim.model import Market, Side
from tieout.sim.rng import Chance, Stream, drawn_address, drawn_hash
from tieout.venue import topics

MILLION = 1_000_000
FIRST_BLOCK = 80_000_000
LOGS_A_FILL = 3
"""About: OrderFilled, the tokens, the money."""

ACTIVE = 80
"""Markets that trade at a time."""

OTHERS = 50
"""One transaction in so many is something else than a fill."""

RICH = 10**18

QUIET_END = 100
"""Blocks at the end in which nothing happens any more: everything is final at the head."""

_MOVES = (topics.TRANSFER, topics.TRANSFER_SINGLE, topics.TRANSFER_BATCH)


@dataclass(slots=True)
class _Traded:
    market: Market
    condition: Condition
    event: NegRiskEvent | None = None
    orders: dict[tuple[int, Side], str] = field(default_factory=dict)
    """The wallet's open order by outcome and side."""

    @property
    def exchange(self) -> str:
        if self.market.version == "v2":
            return EXCHANGE_V3
        return NEG_RISK_EXCHANGE if self.market.neg_risk else CTF_EXCHANGE

    @property
    def ledger(self) -> str:
        return POSITION_MANAGER if self.market.version == "v2" else CTF


class BigWallet:
    """A wallet with about *logs* logs over *blocks* blocks and *markets* markets, on `chain`."""

    def __init__(self, *, logs: int, blocks: int, markets: int, seed: int = 1) -> None:
        chance = Chance(seed)
        self._draw: Stream = chance.stream("life")
        self.wallet = drawn_address(self._draw)
        self._house = drawn_address(self._draw)
        self._friend = drawn_address(self._draw)
        self.chain = LongChain(FIRST_BLOCK)
        self.last = FIRST_BLOCK + blocks
        self.logs = 0
        self.fills = 0
        self._block = FIRST_BLOCK
        self._waiting = _markets(chance.stream("markets"), markets)[::-1]
        self._active: list[_Traded] = []
        self._set_up()
        self._live(logs, max(1, logs // LOGS_A_FILL // markets))
        self.chain.end()

    def _run(self, call: calls.Call) -> None:
        receipt = self.chain.run(self._block, call)
        self.logs += sum(self.tells_us(log) for log in receipt.logs)

    def tells_us(self, log: Log) -> bool:
        """Whether it is one of the logs by which a wallet is followed: its tokens, its money, fills of its orders."""
        if log.topic0 == topics.ORDER_FILLED:
            return log.indexed[1] == self.wallet
        return log.topic0 in _MOVES and self.wallet in log.indexed

    def _set_up(self) -> None:
        for each in (self.wallet, self._house, self._friend):
            self._run(calls.Approve(each))
        self._run(calls.MintCash(self._house, RICH))
        self._run(calls.MintCash(self._friend, RICH))
        self.logs = 0
        self._block += 1
        self._run(calls.Deposit(self.wallet, 5_000_000 * MILLION))

    def _live(self, logs: int, fills_a_market: int) -> None:
        begin, last = self._block, self.last - QUIET_END
        number = 0
        while self.logs < logs:
            # Evenly over the blocks, some of them in the same one.
            due = begin + (last - begin) * self.logs // logs
            self._block = max(self._block, due + self._draw.randrange(-3, 4))
            if number % fills_a_market == 0:
                self._begin_market()
            traded = self._draw.choice(self._active)
            if number % OTHERS == OTHERS - 1:
                self._other(traded)
            else:
                self._fill(traded)
            number += 1

    # markets

    def _begin_market(self) -> None:
        """One more market trades; the oldest one ends when there are enough."""
        if self._waiting:
            if len(self._active) >= ACTIVE:
                self._end(self._active.pop(0))
            self._begin(self._waiting.pop())

    def _begin(self, traded: _Traded) -> None:
        version = traded.market.version
        self._run(calls.PrepareCondition(traded.condition))
        self._run(calls.Split(self._house, traded.condition, 50_000_000 * MILLION, version))
        self._active.append(traded)

    def _end(self, traded: _Traded) -> None:
        """The market resolves; what the wallet holds is redeemed, by itself or by the redeemer."""
        event = traded.event
        if event is not None and any(each.event is event for each in self._active):
            # An event comes true as a whole, when its last market ends.
            return
        conditions = event.conditions if event is not None else (traded.condition,)
        winner = self._draw.randrange(len(conditions))
        for index, condition in enumerate(conditions):
            yes = index == winner if event is not None else self._draw.random() < 0.5
            self._run(calls.ReportPayouts(condition, (1, 0) if yes else (0, 1)))
            version = traded.market.version
            tokens = condition.position_ids if version == "v2" else condition.ctf_tokens
            if any(self._held(traded.ledger, token) for token in tokens):
                by = AUTO_REDEEMER if version == "v2" and self._draw.random() < 0.5 else None
                self._run(calls.Redeem(self.wallet, condition, by=by, version=version))

    def _held(self, ledger: str, token: int) -> int:
        return self.chain.state.tokens(ledger, self.wallet, token)

    # fills

    def _fill(self, traded: _Traded) -> None:
        draw, outcome = self._draw, self._draw.randrange(2)
        tokens = traded.market.tokens
        price, shares = draw.randrange(2, 99) * 10_000, draw.randrange(5 * MILLION, 400 * MILLION)
        held = self._held(traded.ledger, tokens[outcome])
        sells = held > 2_000 * MILLION or (held > 5 * MILLION and draw.random() < 0.5)
        if sells:
            shares = min(shares, held)
        side = Side.SELL if sells else Side.BUY
        kind = draw.random()
        # Both buy, or both sell: the exchange makes or takes full sets.
        together = kind < 0.3
        taking = draw.random() < 0.25
        ours = self._order(traded, outcome, side, price, shares, taker=taking)
        theirs = self._theirs(traded, ours, outcome, side, shares, together=together, taker=not taking)
        taker, maker = (ours, theirs) if taking else (theirs, ours)
        self._run(calls.MatchOrders(traded.exchange, traded.condition, taker, (maker,)))
        self.fills += 1

    def _order(self, traded: _Traded, outcome: int, side: Side, price: int, shares: int, *, taker: bool) -> Fill:
        """Our part. An order is filled several times before the next one."""
        known = traded.orders.get((outcome, side))
        if known is None or taker or self._draw.random() < 0.4:
            known = drawn_hash(self._draw)
            if not taker:
                traded.orders[outcome, side] = known
        fee = shares * 7 // 1000 * price // MILLION * (MILLION - price) // MILLION if taker else 0
        return _part(known, self.wallet, side, traded.market.tokens[outcome], price, shares, fee)

    def _theirs(
        self, traded: _Traded, ours: Fill, outcome: int, side: Side, shares: int, *, together: bool, taker: bool
    ) -> Fill:
        """The part of the other one: the other side of the same token, or the same side of the other token."""
        fee = self._draw.randrange(MILLION // 100) if taker else 0
        order = drawn_hash(self._draw)
        if together:
            token = traded.market.tokens[1 - outcome]
            cash = ours.making if side is Side.BUY else ours.taking
            making, taking = (shares - cash, shares) if side is Side.BUY else (shares, shares - cash)
            return Fill(order, self._house, side, token, making, taking, min(fee, taking))
        other = Side.SELL if side is Side.BUY else Side.BUY
        return Fill(order, self._house, other, ours.token, ours.taking, ours.making, min(fee, ours.making))

    # everything else

    def _other(self, traded: _Traded) -> None:
        draw, wallet, condition = self._draw, self.wallet, traded.condition
        version, ledger = traded.market.version, traded.ledger
        amount = draw.randrange(MILLION, 500 * MILLION)
        sets = min(self._held(ledger, token) for token in traded.market.tokens)
        token = draw.choice(traded.market.tokens)
        some = min(amount, self._held(ledger, token))
        kind = draw.randrange(11)
        if kind <= 2 and sets:
            self._run(calls.Merge(wallet, condition, min(amount, sets), version))
        elif kind == 3:
            self._run(calls.Deposit(wallet, amount))
        elif kind == 4:
            self._run(calls.Withdraw(wallet, self._friend, amount))
        elif kind == 5:
            self._run(calls.PayReward(wallet, amount, draw.choice(("reward", "rebate"))))
        elif kind == 6:
            self._run(calls.TransferTokens(ledger, self._house, wallet, (token,), (amount,)))
        elif kind == 7 and some:
            self._run(calls.TransferTokens(ledger, wallet, self._friend, (token,), (some,)))
        elif kind == 8:
            self._run(calls.Unwrap(wallet, amount))
            self._run(calls.Wrap(wallet, amount))
        elif kind == 9 and traded.event is not None:
            self._convert(traded, amount)
        else:
            self._run(calls.Split(wallet, condition, amount, version))

    def _convert(self, traded: _Traded, amount: int) -> None:
        event = traded.event
        assert event is not None
        prepared = [each for each in self._active if each.event is event]
        if len(prepared) == len(event.conditions):
            index = event.conditions.index(traded.condition)
            self._run(calls.Split(self.wallet, traded.condition, amount))
            self._run(calls.Convert(self.wallet, event, 1 << index, amount))


def _part(order: str, wallet: str, side: Side, token: int, price: int, shares: int, fee: int) -> Fill:
    cash = shares * price // MILLION
    making, taking = (cash, shares) if side is Side.BUY else (shares, cash)
    return Fill(order, wallet, side, token, making, taking, fee)


def _markets(draw: Stream, count: int) -> list[_Traded]:
    """A tenth of them on the PositionManager, a fifth in neg-risk events of five."""
    made: list[_Traded] = []
    while len(made) < count:
        number = len(made) + 1
        if number % 25 == 1:
            members = make_event(draw, number, 0, 5)
            event = NegRiskEvent.of(members)
            made += [_Traded(each, Condition.of(each), event) for each in members]
        else:
            market = make_market(draw, number, 0, version="v2" if number % 10 == 0 else "v1")
            made.append(_Traded(market, Condition.of(market)))
    return made[:count] if made[count - 1].event is None else made
