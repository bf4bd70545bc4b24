"""Faults that act on the venue and the chain by themselves. Each returns whether it struck."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tieout.sim.chain.calls import MatchOrders, Migrate, PayReward, Redeem
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.places import OPERATOR
from tieout.sim.contracts import AUTO_REDEEMER, ledger_of
from tieout.sim.crowd.another_bot import AnotherBot
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.faults.ghost import Ghost
from tieout.sim.faults.switch import Switch
from tieout.sim.faults.targets import Targets
from tieout.sim.model import Market
from tieout.sim.world import World

Act = Callable[[Switch], bool]

OTHER_TICK = {10_000: 1_000, 1_000: 10_000}


class Actions:
    """What the venue, its operator and other people do to a wallet."""

    def __init__(self, world: World, targets: Targets, ghost: Ghost) -> None:
        self._world = world
        self._targets = targets
        self._ghost = ghost
        self.table: Mapping[str, Act] = {
            "reorg": self.reorg,
            "hash-replaced": self.replace_hash,
            "operator-migration": self.migrate,
            "auto-redeem": self.auto_redeem,
            "reward": self.reward,
            "phantom-match": self.phantom,
            "sweep": self.sweep,
            "foreign-orders": self.foreign_orders,
            "mass-cancel": self.mass_cancel,
            "tick-change": self.change_tick,
            "market-resolved": self.resolve,
        }

    def reorg(self, switch: Switch) -> bool:
        """Replace the newest blocks, as many as finality allows; their transactions are mined again."""
        chain = self._world.chain
        depth = min(switch.number("depth"), chain.head.number - chain.finalized)
        if depth < 1:
            return False
        self._replace(depth, shuffle=bool(switch.number("shuffle")))
        return True

    def replace_hash(self, switch: Switch) -> bool:
        """Lose the settlements of the newest block that has any; the operator sends them again."""
        chain = self._world.chain
        wallets = set(self._targets.traders(switch))
        for number in range(chain.head.number, chain.finalized, -1):
            block = chain.block(number)
            calls = [(each.tx_hash, each.transaction.call) for each in block.receipts] if block else []
            lost = [tx for tx, call in calls if isinstance(call, MatchOrders) and wallets & _makers(call)]
            if lost:
                self._replace(chain.head.number - number + 1, drop=lost)
                return True
        return False

    def _replace(self, depth: int, *, drop: Sequence[str] = (), shuffle: bool = False) -> None:
        """Another branch of the same length, at once: a node never shows a lower head."""
        self._world.chain.reorg(depth, drop=drop, shuffle=shuffle)
        for _ in range(depth):
            self._world.chain.mine()

    def migrate(self, switch: Switch) -> bool:
        """One market of the first generation and all its holders; their orders are wiped."""
        markets = [market for market in self._targets.markets(switch) if market.version == "v1"]
        if not switch.market:
            markets = [market for market in markets if not market.neg_risk]
        if not markets:
            return False
        market = switch.stream.choice(markets)
        holders = self._holders(switch, market)
        lifecycle.migrate_market(self._world.exchange, market)
        for wallet in holders:
            self._world.chain.submit(Migrate(wallet, Condition.of(market), operator=OPERATOR))
        return True

    def auto_redeem(self, switch: Switch) -> bool:
        """Everything that the wallets hold of resolved markets."""
        struck = False
        for market in self._targets.markets(switch, closed=True):
            for wallet in self._holders(switch, market):
                self._world.chain.submit(Redeem(wallet, Condition.of(market), by=AUTO_REDEEMER, version=market.version))
                struck = True
        return struck

    def _holders(self, switch: Switch, market: Market) -> list[str]:
        ledger, chain = ledger_of(market), self._world.chain
        traders = self._targets.traders(switch)
        return [w for w in traders if any(chain.tokens(ledger, w, token) for token in market.tokens)]

    def reward(self, switch: Switch) -> bool:
        """Pay `amount` as a reward or a rebate."""
        wallet = self._targets.wallet(switch)
        if wallet is None:
            return False
        self._world.chain.submit(PayReward(wallet, switch.number("amount"), switch.word("kind")))
        return True

    def sweep(self, switch: Switch) -> bool:
        """Fill every resting order of the wallet to its last share."""
        return any([self._ghost.take(order, order.remaining) for order in self._targets.orders(switch)])

    def phantom(self, switch: Switch) -> bool:
        """Half of what is left of one resting order is gone as if somebody had taken it, and nobody did."""
        orders = self._targets.orders(switch)
        return bool(orders) and self._ghost.pretend(switch.stream.choice(orders))

    def foreign_orders(self, switch: Switch) -> bool:
        """Some actions of another bot that has the same key."""
        wallet = self._targets.wallet(switch)
        account = self._targets.account(wallet) if wallet else None
        if account is None:
            return False
        bot = AnotherBot(self._world, account, switch.stream, self._targets.markets(switch))
        for _ in range(switch.number("actions")):
            bot.act()
        return True

    def mass_cancel(self, switch: Switch) -> bool:
        """Cancel the resting orders without being asked."""
        return bool(self._world.exchange.cancel_many(self._targets.orders(switch)))

    def change_tick(self, switch: Switch) -> bool:
        """To the tick that is set, or (0) to the finer or coarser one of the usual two."""
        markets = self._targets.markets(switch)
        if not markets:
            return False
        market = switch.stream.choice(markets)
        tick = switch.number("tick") or OTHER_TICK.get(market.tick, 10_000)
        if tick == market.tick:
            return False
        lifecycle.change_tick(self._world.exchange, market, tick)
        return True

    def resolve(self, switch: Switch) -> bool:
        """The market named, or one with orders of the wallet, or any."""
        markets = [order.market for order in self._targets.orders(switch)] or self._targets.markets(switch)
        if not markets or markets[0].closed:
            return False
        self._world.resolve(switch.stream.choice(markets), payouts_of(switch.word("payouts")))
        return True


def _makers(call: MatchOrders) -> set[str]:
    return {call.taker.wallet, *(maker.wallet for maker in call.makers)}


def payouts_of(text: str) -> tuple[int, int]:
    """Payouts a share in micro from "1/0", "0.25/0.75" or "250000/750000". Raises ValueError."""
    wrong = ValueError(f"payouts: expected two shares of 1 such as 1/0 or 0.25/0.75, was {text!r}")
    parts = text.split("/")
    if len(parts) != 2:
        raise wrong
    try:
        first, second = (_micro(part.strip()) for part in parts)
    except ValueError:
        raise wrong from None
    if first + second != ONE or min(first, second) < 0:
        raise wrong
    return first, second


def _micro(text: str) -> int:
    """A decimal of at most six places in micro-units; whole numbers above 1 are micro-units already."""
    whole, _, part = text.partition(".")
    if len(part) > 6 or not (whole + part).isdigit():
        raise ValueError(text)
    if not part and int(whole) > 1:
        return int(whole)
    return int(whole or "0") * ONE + int(part.ljust(6, "0"))
