"""Where the venue is: one address for each of its services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base addresses without a slash at the end. The defaults are production (`polymarket.md` 1.1)."""

    clob: str = "https://clob.polymarket.com"
    gamma: str = "https://gamma-api.polymarket.com"
    data_api: str = "https://data-api.polymarket.com"
    relayer: str = "https://relayer-v2.polymarket.com"
    rpc: tuple[str, ...] = field(default=("https://polygon.drpc.org",), repr=False)
    """Nodes in order of preference. Hidden in the repr: the paths of rented nodes hold their keys."""
    user_ws: str = "wss://ws-subscriptions-clob.polymarket.com/ws/user"
    market_ws: str = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    rpc_ws: str = field(default="", repr=False)
    """A node's WebSocket for new heads, "" none. Hidden in the repr as `rpc` is."""

    @classmethod
    def of(cls, base_url: str) -> Self:
        """A venue that has all services on one port, as the simulated one. Raises ValueError on another scheme."""
        base = base_url.rstrip("/")
        scheme = urlsplit(base).scheme
        if scheme not in ("http", "https"):
            raise ValueError(f"base_url: expected http:// or https://, was {base_url!r}")
        sockets = "ws" + base.removeprefix("http")
        return cls(
            clob=base,
            gamma=f"{base}/gamma",
            data_api=f"{base}/data-api",
            relayer=f"{base}/relayer",
            rpc=(f"{base}/rpc",),
            user_ws=f"{sockets}/ws/user",
            market_ws=f"{sockets}/ws/market",
        )
