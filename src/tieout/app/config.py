"""What a worker is told: one wallet, its venue, its markets, how they are quoted and what may be at risk.

Plain data. Amounts are micro-units and times milliseconds, whatever the file writes; `config_reading` makes it from a
file. No key of the wallet is ever in it; addresses that may hold one of a service are not in its repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from tieout.app.alert_settings import AlertSettings
from tieout.client.endpoints import Endpoints
from tieout.client.health import BreakerSettings
from tieout.client.limits import DEFAULT_RULES, Rule
from tieout.client.markets import MarketInfo
from tieout.client.signer_limits import TIERS, Tier
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.market_making import Maker
from tieout.quoting.ladder import Ladder
from tieout.quoting.params import Params
from tieout.quoting.risk import Limits

SIGNATURE_KINDS: Mapping[int, str] = {0: "EOA", 1: "proxy", 2: "safe", 3: "deposit wallet"}
"""What holds the tokens, by signature type (`client/signing.py`)."""


class MarketOrder(StrEnum):
    """What markets are picked by, the largest first."""

    VOLUME = "volume"
    """Of the last 24 hours."""
    REWARDS = "rewards"
    """Paid for liquidity each day."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which markets are quoted: those named, or else the first *count* open ones by *by*.

    `markets` holds condition ids, slugs and addresses of the site, as they were written.
    """

    markets: tuple[str, ...] = ()
    count: int = 5
    by: MarketOrder = MarketOrder.VOLUME


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How often each job runs, and how long a provisional fill may stay one. Milliseconds."""

    market_making: int = 5_000
    position_sync: int = 10_000
    order_sync: int = 60_000
    quick_sync: int = 300_000
    full_sync: int = 3_600_000
    settle: int = 30_000
    reconcile: int = 120_000
    portfolio: int = 60_000
    provisional_ttl_ms: int = 900_000
    head_spacing_ms: int = 2_000
    """Between two position syncs that new heads bring forward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a worker is told. The repr shows no address that may hold a key or a password."""

    wallet: str
    """Lower-case address that holds the tokens (the funder)."""
    signature_type: int = 0
    """0 EOA, 1 proxy, 2 safe, 3 deposit wallet."""
    private_key_file: Path | None = None
    first_block: int | None = None
    """Where the wallet's history begins; None: from what is booked already."""
    endpoints: Endpoints = field(default_factory=Endpoints)
    """`rpc` is empty when the wallet is to be kept without a node."""
    proxy: str = field(default="", repr=False)
    """"" none. May hold a password."""
    data_api_version: Literal["v1", "v2"] = "v2"
    selection: Selection = field(default_factory=Selection)
    params: Params = field(default_factory=Params)
    """Of every market without an override."""
    overrides: Mapping[str, Params] = field(default_factory=dict)
    """Whole parameters, by condition id, slug or address of the site, as written."""
    limits: Limits = field(default_factory=Limits)
    jobs: Intervals = field(default_factory=Intervals)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    foreign_orders: ForeignOrders = ForeignOrders.ADOPT
    heartbeat: bool = False
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    rate_limits: Mapping[str, Rule] = field(default_factory=lambda: DEFAULT_RULES)
    """Every group's rule, those of the file over the defaults: what `Limiter` takes."""
    tier: str = "Standard"
    tiers: Mapping[str, Tier] = field(default_factory=lambda: TIERS)
    """What `SignerLimiter` takes, with `tier`."""

    def params_of(self, market: MarketInfo) -> Params:
        """How *market* is quoted."""
        return next((params for name, params in self.overrides.items() if is_name_of(name, market)), self.params)

    def maker_of(self, market: MarketInfo) -> Maker:
        """What *market* is quoted with. Its open buys may take what its own cap and the limits both allow."""
        params = self.params_of(market)
        return Maker(Ladder(), params, self.limits, min(params.max_collateral, self.limits.market_exposure_max))


def slug_of(written: str) -> str:
    """The slug in a slug or an address of the site (".../event/EVENT/MARKET", ".../market/MARKET")."""
    return written.partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")[2].lower()


def is_name_of(written: str, market: MarketInfo) -> bool:
    """Whether *written* (a condition id, a slug, an address of the site) names the market."""
    return written.lower() == market.condition_id or slug_of(written) == market.slug.lower() != ""
