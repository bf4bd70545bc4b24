"""What is really so in a simulated world: for comparing with anybody's books."""

from __future__ import annotations

from tieout.sim.world import World
from tieout.venue.addresses import CTF, POSITION_MANAGER


def shares_held(world: World, wallet: str) -> dict[str, int]:
    """Micro-shares by token id on both ledgers at the chain's head; tokens of which nothing is held are left out."""
    held = {}
    for market in world.exchange.markets.values():
        for ledger, tokens in ((CTF, market.ctf_tokens), (POSITION_MANAGER, market.position_ids)):
            for token in tokens:
                amount = world.chain.tokens(ledger, wallet, token)
                if amount:
                    held[str(token)] = amount
    return held


def open_orders(world: World, wallet: str) -> set[str]:
    """Ids of the wallet's open orders."""
    return {order.id for order in world.exchange.orders.values() if order.request.wallet == wallet and order.open}
