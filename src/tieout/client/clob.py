"""The CLOB over REST: everything one account needs of it, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from tieout.client.clob_account import ClobAccount
from tieout.client.clob_keys import ClobKeys
from tieout.client.clob_orders import ClobOrders
from tieout.client.clob_public import ClobPublic
from tieout.client.endpoints import Endpoints
from tieout.client.keys import Credentials
from tieout.client.net import Net
from tieout.client.session import Session
from tieout.client.signer_limits import SignerLimiter
from tieout.client.withheld import WithheldOrders


@dataclass(frozen=True, slots=True)
class Clob:
    """What needs no API key."""

    public: ClobPublic
    keys: ClobKeys

    @classmethod
    def of(cls, net: Net, endpoints: Endpoints, scrub: Callable[[str], str] = str) -> Self:
        """The CLOB at *endpoints*. *scrub* takes a private key out of what a server might echo."""
        service = net.service("clob", endpoints.clob, scrub)
        return cls(ClobPublic(service), ClobKeys(service))


@dataclass(frozen=True, slots=True)
class Desk:
    """What one API key can do: read its account, place and cancel."""

    account: ClobAccount
    orders: ClobOrders
    session: Session

    @classmethod
    def of(
        cls,
        net: Net,
        endpoints: Endpoints,
        credentials: Credentials,
        address: str,
        signer_limiter: SignerLimiter,
        *,
        is_live: bool = True,
    ) -> Self:
        """*address* is the account that signs; the limiter is that of the signer, shared by all its keys.

        Without *is_live* nothing is ever placed or cancelled.
        """
        service = net.service("clob", endpoints.clob, credentials.scrub)
        session = Session(credentials, address, net.clock)
        orders = (ClobOrders if is_live else WithheldOrders)(service, session, signer_limiter)
        return cls(ClobAccount(service, session), orders, session)
