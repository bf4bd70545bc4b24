"""What Polymarket's operators do with a wallet's tokens, unasked: redeem them, move them to the other generation.

`polymarket.md` 0: inventory must accept movements that the wallet did not make.
"""

from __future__ import annotations

from collections.abc import Callable

from tieout.sim.chain import ctf
from tieout.sim.chain.calls import Condition, Migrate, Redeem
from tieout.sim.chain.places import AUTO_REDEEMER, OPERATOR
from tieout.sim.events import Event, MarketMigrated, MarketResolved
from tieout.sim.model import Market
from tieout.sim.world import World
from tieout.venue.addresses import CTF, POSITION_MANAGER

DELAY_MS = (120_000, 600_000)
"""How long after the event an operator acts, drawn for each market."""


def holds(world: World, wallet: str, market: Market, version: str) -> bool:
    """The wallet has tokens of the market in one generation."""
    ledger, tokens = (POSITION_MANAGER, market.position_ids) if version == "v2" else (CTF, market.ctf_tokens)
    return any(world.chain.tokens(ledger, wallet, token) for token in tokens)


class _Operator:
    """Acts for the wallets that joined, some time after something happened to a market."""

    def __init__(self, world: World, name: str, delay_ms: tuple[int, int]) -> None:
        self.delay_ms = delay_ms
        self.wallets: set[str] = set()
        self._world = world
        self._draw = world.chance.stream(name)

    def join(self, wallet: str) -> None:
        """Act for *wallet* from now on; on chain it needs the wallet's approval besides."""
        self.wallets.add(wallet)

    def _later(self, action: Callable[[], None]) -> None:
        self._world.scheduler.after(self._draw.randint(*self.delay_ms), action)


class AutoRedemption(_Operator):
    """The AutoRedeemer: redeems what the wallets that joined hold of a resolved market."""

    def __init__(self, world: World, *, delay_ms: tuple[int, int] = DELAY_MS) -> None:
        super().__init__(world, "auto redemption", delay_ms)
        world.hub.listen(self._hear)

    def redeem(self, wallet: str, market: Market) -> list[str]:
        """Redeem now, in each generation the wallet holds; the hashes of the transactions."""
        condition = Condition.of(market)
        return [
            self._world.chain.submit(Redeem(wallet, condition, AUTO_REDEEMER, version), sender=OPERATOR)
            for version in ("v1", "v2")
            if holds(self._world, wallet, market, version)
        ]

    def _hear(self, event: Event) -> None:
        if isinstance(event, MarketResolved):
            market = event.market
            self._later(lambda: self._redeem_all(market))

    def _redeem_all(self, market: Market) -> None:
        """Wait on while the payouts are not on chain yet."""
        if not any(ctf.payouts(self._world.chain.state, Condition.of(market))):
            self._later(lambda: self._redeem_all(market))
            return
        for wallet in sorted(self.wallets):
            self.redeem(wallet, market)


class OperatorMigration(_Operator):
    """Moves the CTF tokens of the wallets that joined to the PositionManager, after their market has moved."""

    def __init__(self, world: World, *, delay_ms: tuple[int, int] = DELAY_MS) -> None:
        super().__init__(world, "operator migration", delay_ms)
        world.hub.listen(self._hear)

    def migrate(self, wallet: str, market: Market) -> str | None:
        """Migrate now; the hash of the transaction, None when there is nothing to migrate."""
        if not holds(self._world, wallet, market, "v1"):
            return None
        return self._world.chain.submit(Migrate(wallet, Condition.of(market), OPERATOR), sender=OPERATOR)

    def _hear(self, event: Event) -> None:
        if isinstance(event, MarketMigrated):
            market = event.market
            self._later(lambda: self._migrate_all(market))

    def _migrate_all(self, market: Market) -> None:
        for wallet in sorted(self.wallets):
            self.migrate(wallet, market)
