"""Open orders by what pays for them, so that those no longer covered are found without asking for every order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tieout.sim.contracts import exchange_of
from tieout.sim.engine.funds import Asset, Funds, asset_of, need
from tieout.sim.model import Order


@dataclass(slots=True)
class _Group:
    """Orders that are paid with the same: one asset, taken by one exchange.

    `most` is no less than any of them needs, in micro-units: what an order needs never grows.
    """

    orders: dict[str, Order] = field(default_factory=dict)
    most: int = 0


class Backing:
    """The open orders of an exchange."""

    def __init__(self, funds: Funds) -> None:
        self._funds = funds
        self._groups: dict[Asset, dict[str, _Group]] = {}

    def add(self, order: Order) -> None:
        """An order is open."""
        exchanges = self._groups.setdefault(asset_of(order), {})
        group = exchanges.setdefault(exchange_of(order.market, order.request.token), _Group())
        group.orders[order.id] = order
        group.most = max(group.most, need(order))

    def remove(self, order: Order) -> None:
        """An order is open no longer; nothing happens when it was not."""
        asset, exchange = asset_of(order), exchange_of(order.market, order.request.token)
        exchanges = self._groups.get(asset, {})
        if group := exchanges.get(exchange):
            group.orders.pop(order.id, None)
            if not group.orders:
                del exchanges[exchange]
                if not exchanges:
                    del self._groups[asset]

    def assets_of(self, wallets: Iterable[str]) -> set[Asset]:
        """Everything that *wallets* pay open orders with."""
        chosen = frozenset(wallets)
        return {asset for asset in self._groups if asset[0] in chosen} if chosen else set()

    def uncovered(self, assets: Iterable[Asset]) -> list[Order]:
        """Those paid with *assets* whose rest is no longer covered, by wallet and asset, the oldest first."""
        groups = [group for asset in sorted(assets) for group in self._groups.get(asset, {}).values()]
        return [order for group in groups for order in self._uncovered(group)]

    def _uncovered(self, group: _Group) -> list[Order]:
        free = self._funds.free(next(iter(group.orders.values())))
        if group.most <= free:
            return []
        needs = [(need(order), order) for order in group.orders.values()]
        group.most = max(amount for amount, _ in needs)
        return [order for amount, order in needs if amount > free]
