"""Whom a fault is meant for: the markets, wallets and orders that its filters leave."""

from __future__ import annotations

from tieout.sim.crowd.trader import Account
from tieout.sim.events import Event, OrderChanged
from tieout.sim.faults.switch import Switch
from tieout.sim.model import Market, Order, OrderStatus
from tieout.sim.world import World


class Targets:
    """Reads the filters of switches. *wallets* are those that the world was made for, besides its crowd."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.wallets: dict[str, None] = {}
        self._accounts: dict[str, Account] = {}
        world.hub.listen(self._on_event)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OrderChanged):
            request = event.order.request
            account = Account(request.owner, request.signer, request.wallet, request.signature_type)
            self._accounts[request.wallet] = account

    def account(self, wallet: str) -> Account | None:
        """Who trades for *wallet*, as its newest order names it; a wallet that signs for itself has its own key."""
        if wallet not in self._accounts and (keys := self._world.keys.of(wallet)):
            return Account(keys[-1].key, wallet, wallet)
        return self._accounts.get(wallet)

    def watch(self, wallet: str) -> None:
        """Count *wallet* among those that faults without a filter are for."""
        self.wallets[wallet.lower()] = None

    def market(self, name: str) -> Market:
        """The market of a condition id, a token id, a slug or a number. Raises ValueError."""
        exchange = self._world.exchange
        found = exchange.markets.get(name.lower())
        if found is None and name.isascii() and name.isdigit():
            found = exchange.by_token.get(int(name)) or next(
                (market for market in exchange.markets.values() if str(market.number) == name), None
            )
        if found is None:
            found = next((market for market in exchange.markets.values() if market.slug == name), None)
        if found is None:
            raise ValueError(f"market: expected a condition id, token id, slug or number of this world, was {name!r}")
        return found

    def names_of(self, wallet: str) -> tuple[str, ...]:
        """The wallet, and who signs for it once it has placed an order: how requests and messages name it."""
        account = self.account(wallet)
        return (wallet,) if account is None else (wallet, account.signer)

    def markets(self, switch: Switch, *, closed: bool = False) -> list[Market]:
        """The markets the switch is meant for that are open, or resolved."""
        if switch.market:
            markets = [self.market(switch.market)]
        else:
            markets = list(self._world.exchange.markets.values())
        return [market for market in markets if market.closed == closed]

    def wallet(self, switch: Switch) -> str | None:
        """One wallet: the one named, or a drawn one of those watched."""
        if switch.wallet:
            return switch.wallet
        return switch.stream.choice(list(self.wallets)) if self.wallets else None

    def traders(self, switch: Switch) -> list[str]:
        """The wallet named, or all that ever placed an order or are watched."""
        return [switch.wallet] if switch.wallet else list(self.wallets | dict.fromkeys(self._accounts))

    def orders(self, switch: Switch) -> list[Order]:
        """Resting orders of the wallet; of everybody in the market that is named, or when no wallet is watched."""
        watched = set() if switch.market else set(self.wallets)
        wallets = {switch.wallet} if switch.wallet else watched
        return [
            order
            for orders in self._world.exchange.open.values()
            for order in orders.values()
            if order.status is OrderStatus.LIVE
            and (not wallets or order.request.wallet in wallets)
            and self.meant(switch, order.market)
        ]

    def meant(self, switch: Switch, market: Market) -> bool:
        """The market filter fits."""
        return not switch.market or self.market(switch.market) is market
