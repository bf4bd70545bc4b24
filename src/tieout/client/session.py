"""Who asks: an API key and the account it belongs to."""

from __future__ import annotations

from tieout.client.clock import Clock
from tieout.client.keys import Credentials
from tieout.client.service import Call
from tieout.client.signing import level2_headers


class Session:
    """Signs calls with an API key. *address* is the account that signs orders, not the wallet with the funds."""

    def __init__(self, credentials: Credentials, address: str, clock: Clock) -> None:
        self.credentials = credentials
        self.address = address
        self._clock = clock

    def sign(self, call: Call) -> dict[str, str]:
        """The headers of *call* at this moment, over the exact bytes of its body."""
        now_s = self._clock.now_ms() // 1000
        return level2_headers(self.credentials, self.address, now_s, call.method, call.path, call.body)
