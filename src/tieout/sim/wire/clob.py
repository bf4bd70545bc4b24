"""The CLOB's REST interface: one handler over one world."""

from __future__ import annotations

from tieout.sim.economy.rebates import Rebates
from tieout.sim.economy.rewards import Rewards
from tieout.sim.wire.clob_account import Account
from tieout.sim.wire.clob_balances import Balances
from tieout.sim.wire.clob_desk import Desk, Settings
from tieout.sim.wire.clob_earnings import Earnings
from tieout.sim.wire.clob_keys import Keys
from tieout.sim.wire.clob_markets import Markets
from tieout.sim.wire.clob_orders import Orders
from tieout.sim.wire.clob_prices import Prices
from tieout.sim.wire.clob_rewards import Programmes
from tieout.sim.wire.errors import TOO_MANY_REQUESTS
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.limits import IpLimits, SignerLimits
from tieout.sim.world import World

RETRY_AFTER_S = 10
"""After a 429 by address: the length of the shorter window."""


class Clob:
    """Answers requests from the state of the world at the moment of its clock; nothing waits.

    Make it before the world trades: it keeps its own records of trades from then on. It tells of the earnings of
    the economy that is handed in; without, there are none.
    """

    def __init__(self, world: World, rewards: Rewards | None = None, rebates: Rebates | None = None) -> None:
        self._desk = Desk(world)
        self._router = Router()
        for part in (Markets, Prices, Keys, Account, Balances, Orders, Programmes):
            part(self._desk).add_to(self._router)
        Earnings(self._desk, rewards, rebates).add_to(self._router)

    @property
    def settings(self) -> Settings:
        """Modes and page sizes, to be set while it runs."""
        return self._desk.settings

    @property
    def ip_limits(self) -> IpLimits:
        """The windows by address."""
        return self._desk.ip_limits

    @property
    def signer_limits(self) -> SignerLimits:
        """The token buckets by signer."""
        return self._desk.signer_limits

    def handle(self, request: Request) -> Reply:
        """The answer to one request."""
        if not self._desk.ip_limits.admits(request.ip, request.method, request.path):
            return json_reply({"error": TOO_MANY_REQUESTS}, 429, {"retry-after": str(RETRY_AFTER_S)})
        return self._router.handle(request)
