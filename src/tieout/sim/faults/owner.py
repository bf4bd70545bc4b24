"""Faults that are the wallet owner's doing: he moves balances by hand, behind the back of his bot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tieout.sim.crowd.human import Human
from tieout.sim.engine.amounts import ONE
from tieout.sim.faults.switch import Switch
from tieout.sim.faults.targets import Targets
from tieout.sim.model import Market
from tieout.sim.world import World

GIFT = 10 * ONE
"""Micro-shares that a friend sends to a wallet that has none."""


class Owner:
    """What the owner does; each returns whether he could."""

    def __init__(self, world: World, targets: Targets) -> None:
        self._world = world
        self._targets = targets
        self._humans: dict[str, Human] = {}
        self.table: Mapping[str, Callable[[Switch], bool]] = {
            "human-transfer": self.transfer,
            "human-cash": self.cash,
            "human-split": self.split,
            "human-merge": self.merge,
            "human-redeem": self.redeem,
            "human-convert": self.convert,
            "human-trade": self.trade,
        }

    def _human(self, switch: Switch) -> Human | None:
        wallet = self._targets.wallet(switch)
        if wallet is None:
            return None
        if wallet not in self._humans:
            self._humans[wallet] = Human(self._world, wallet, self._world.chance.stream(f"human/{wallet}"))
        return self._humans[wallet]

    def _first(self, switch: Switch, do: Callable[[Human, Market], str], *, closed: bool = False) -> bool:
        """Do it in one market, the first in drawn order where it is possible."""
        human, markets = self._human(switch), self._targets.markets(switch, closed=closed)
        switch.stream.shuffle(markets)
        return human is not None and any(do(human, market) for market in markets)

    def transfer(self, switch: Switch) -> bool:
        """Half of what the wallet holds of a token goes to a friend; a wallet with nothing gets shares."""
        outcome = switch.stream.randrange(2)
        if self._first(switch, lambda human, market: human.send_tokens(market, outcome)):
            return True
        return self._first(switch, lambda human, market: human.get_tokens(market, outcome, GIFT))

    def cash(self, switch: Switch) -> bool:
        """A deposit and a withdrawal by turns."""
        human = self._human(switch)
        if human is None:
            return False
        amount = switch.number("amount")
        return bool(human.withdraw(amount) if switch.struck % 2 else human.deposit(amount))

    def split(self, switch: Switch) -> bool:
        """Collateral into both outcomes of one market."""
        return self._first(switch, lambda human, market: human.split(market, switch.number("amount")))

    def merge(self, switch: Switch) -> bool:
        """All pairs of one market."""
        return self._first(switch, lambda human, market: human.merge(market))

    def redeem(self, switch: Switch) -> bool:
        """One resolved market."""
        return self._first(switch, lambda human, market: human.redeem(market), closed=True)

    def convert(self, switch: Switch) -> bool:
        """All NO shares of one question."""
        return self._first(switch, lambda human, market: human.convert(market))

    def trade(self, switch: Switch) -> bool:
        """Buy or sell in one market."""
        human, markets = self._human(switch), self._targets.markets(switch)
        account = self._targets.account(human.wallet) if human else None
        if human is None or account is None or not markets:
            return False
        before = len(self._world.exchange.trades)
        human.trade(switch.stream.choice(markets), account)
        return len(self._world.exchange.trades) > before
