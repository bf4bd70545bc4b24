"""What a wallet's transaction does, told beforehand from the state it finds: a call beside the movements it makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tieout.sim.chain.calls import Call
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import P_USD, USDC_E
from tieout.sim.chain.state import CASH, TOKENS, State


class Cause(NamedTuple):
    """One movement: what it is, its token ("" where several or none), micro-shares, micro-units in after fees."""

    what: str
    token: str = ""
    shares: int = 0
    cash: int = 0


def moved(token: int, shares: int) -> Cause:
    """Shares that came from (or went to) somebody else."""
    return Cause("shares", str(token), shares)


def paid(amount: int) -> Cause:
    """Coins, of either kind, that came from (or went to) somebody else."""
    return Cause("coins", "", 0, amount)


Expect = Callable[[State], Iterable[Cause]]


def nothing(_: State) -> Iterable[Cause]:
    """What does not concern the wallet."""
    return ()


@dataclass(frozen=True)
class Act:
    """A call, and what it does to the wallet when it goes through."""

    name: str
    call: Call
    expect: Expect = nothing


@dataclass(frozen=True)
class Do:
    """A call of a contract that the simulator has no transaction for."""

    run: Callable[[State, Emit], object]

    def execute(self, state: State, emit: Emit) -> None:
        self.run(state, emit)


@dataclass(eq=False)
class Bundle:
    """One transaction of one or more acts. After it ran: `causes`, and what it really did to the wallet's balances."""

    wallet: str
    acts: tuple[Act, ...]
    causes: list[Cause] = field(default_factory=list)
    cash: int = 0
    shares: Counter[str] = field(default_factory=Counter)

    def execute(self, state: State, emit: Emit) -> None:
        self.causes, self.cash, self.shares = [], 0, Counter()
        before = self._held(state)
        causes: list[Cause] = []
        for act in self.acts:
            causes += act.expect(state)
            act.call.execute(state, emit)
        self.causes = told(causes)
        changes = self._held(state)
        changes.subtract(before)
        self.cash = changes.pop("", 0)
        self.shares = Counter({token: change for token, change in changes.items() if change})

    def _held(self, state: State) -> Counter[str]:
        """Shares by token, and under "" both coins."""
        held: Counter[str] = Counter()
        for slot, value in state.slots.items():
            if slot[0] == TOKENS and slot[2] == self.wallet:
                held[str(slot[3])] += value
            elif slot[0] == CASH and slot[2] == self.wallet and slot[1] in (P_USD, USDC_E):
                held[""] += value
        return held


def told(causes: Iterable[Cause]) -> list[Cause]:
    """The movements that the causes of one transaction come to, sorted.

    Shares of one token that came and went make one transfer, coins one deposit or withdrawal, several wraps one wrap.
    What moves nothing is no movement.
    """
    found: list[Cause] = []
    shares: Counter[str] = Counter()
    turned: Counter[str] = Counter()
    coins = 0
    for cause in causes:
        if cause.what == "shares":
            shares[cause.token] += cause.shares
        elif cause.what == "coins":
            coins += cause.cash
        elif cause.what in ("wrap", "unwrap"):
            turned[cause.what] += cause.shares
        elif cause.shares or cause.what not in ("split", "merge"):
            found.append(cause)
    for token, change in shares.items():
        if change:
            found.append(Cause("transfer in" if change > 0 else "transfer out", token, abs(change)))
    found += [Cause(what, "", amount) for what, amount in turned.items()]
    if coins:
        found.append(Cause("deposit" if coins > 0 else "withdrawal", "", 0, coins))
    return sorted(found)
