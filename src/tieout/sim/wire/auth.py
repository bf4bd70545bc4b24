"""Who is asking: L1 (a wallet's EIP-712 signature) and L2 (an API key's HMAC), as `polymarket.md` 1.2 describes them.

Every failure has the same two texts, whatever was wrong: the venue does not say.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import NamedTuple

from tieout.sim.keys import ApiKey
from tieout.sim.wire.clob_signing import auth_digest, recovered
from tieout.sim.wire.errors import BAD_L1_HEADERS, UNAUTHORIZED, bad_request
from tieout.sim.wire.http import Request
from tieout.sim.world import World

WINDOW_S = 300
"""How far a timestamp may be from the venue's clock, either way. The real bound is not published; ours."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class Claim(NamedTuple):
    """A proven L1 claim: the lower-case address and the nonce of the key it asks for."""

    address: str
    nonce: int


def header(request: Request, name: str) -> str:
    """A header of the request, "" when it is missing. Proxies may write POLY_X as poly-x."""
    headers: Mapping[str, str] = request.headers
    return headers.get(name) or headers.get(name.replace("_", "-")) or ""


def hmac_of(secret: str, timestamp: str, request: Request) -> str:
    """The signature a request must carry.

    URL-safe base64 of HMAC-SHA256 over timestamp, method, path without query, and the exact bytes of the body.
    """
    message = f"{timestamp}{request.method}{request.path}".encode() + request.body
    digest = hmac.new(base64.urlsafe_b64decode(secret), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()


class Auth:
    """Checks credentials against the keys of one world."""

    def __init__(self, world: World, chain_id: int) -> None:
        self._world = world
        self._chain_id = chain_id

    def level1(self, request: Request) -> Claim:
        """The wallet that signed a ClobAuth message. Raises HttpError 401."""
        address = header(request, "poly_address")
        timestamp = header(request, "poly_timestamp")
        nonce = header(request, "poly_nonce") or "0"
        signature = header(request, "poly_signature").removeprefix("0x")
        if not (_ADDRESS.fullmatch(address) and self._fresh(timestamp) and nonce.isdecimal() and len(nonce) < 78):
            raise bad_request(BAD_L1_HEADERS, 401)
        try:
            proof = bytes.fromhex(signature)
        except ValueError as error:
            raise bad_request(BAD_L1_HEADERS, 401) from error
        digest = auth_digest(self._chain_id, address, timestamp, int(nonce))
        if recovered(digest, proof) != address.lower():
            raise bad_request(BAD_L1_HEADERS, 401)
        return Claim(address.lower(), int(nonce))

    def level2(self, request: Request) -> ApiKey:
        """The full key that signed the request. Raises HttpError 401, also for a read-only key."""
        key = self._signed(request)
        if key is None or key.readonly:
            raise bad_request(UNAUTHORIZED, 401)
        return key

    def reader(self, request: Request) -> ApiKey:
        """A key that may read: a full one, or a read-only one, which needs no signature. Raises HttpError 401.

        A read-only key is sent as POLY_READONLY_API_KEY with POLY_ADDRESS (README of Polymarket/clob-client).
        """
        named = header(request, "poly_readonly_api_key")
        key = self._readonly(request, named) if named else self._signed(request)
        if key is None:
            raise bad_request(UNAUTHORIZED, 401)
        return key

    def _readonly(self, request: Request, named: str) -> ApiKey | None:
        key = self._world.keys.get(named)
        if key is None or not key.readonly or key.signer != header(request, "poly_address").lower():
            return None
        return key

    def _signed(self, request: Request) -> ApiKey | None:
        key = self._world.keys.get(header(request, "poly_api_key"))
        timestamp = header(request, "poly_timestamp")
        if key is None or not self._fresh(timestamp):
            return None
        expected = hmac_of(key.secret, timestamp, request)
        claimed = header(request, "poly_signature"), header(request, "poly_passphrase")
        if key.signer != header(request, "poly_address").lower():
            return None
        if not hmac.compare_digest("\n".join(claimed).encode(), f"{expected}\n{key.passphrase}".encode()):
            return None
        return key

    def _fresh(self, timestamp: str) -> bool:
        if not timestamp.isdecimal() or len(timestamp) > 12:
            return False
        return abs(int(timestamp) - self._world.scheduler.now_s) <= WINDOW_S
