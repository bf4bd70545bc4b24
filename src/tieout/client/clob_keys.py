"""API keys of the CLOB: made or derived by a wallet's signature (`polymarket.md` 1.2). Answers are never recorded."""

from __future__ import annotations

from typing import Any

from tieout.client.errors import VenueError
from tieout.client.keys import Credentials, PrivateKey
from tieout.client.pages import as_list, as_row
from tieout.client.service import Call, Service
from tieout.client.session import Session
from tieout.client.signing import level1_headers
from tieout.venue import fields
from tieout.venue.wire import WireError


class ClobKeys:
    """The endpoints under `/auth`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def derive(self, key: PrivateKey, nonce: int = 0) -> Credentials:
        """The API key that exists for the nonce. Raises VenueError, permanent when there is none."""
        return await self._prove(Call("GET", "/auth/derive-api-key", "clob.keys"), key, nonce)

    async def create(self, key: PrivateKey, nonce: int = 0) -> Credentials:
        """A new API key. Raises VenueError, permanent when the nonce has one."""
        return await self._prove(Call("POST", "/auth/api-key", "clob.keys", write=True), key, nonce)

    async def derive_or_create(self, key: PrivateKey, nonce: int = 0) -> Credentials:
        """The API key of the nonce, made when there is none. The same nonce gives the same key."""
        try:
            return await self.derive(key, nonce)
        except VenueError as error:
            if error.status not in (400, 404):
                raise
        return await self.create(key, nonce)

    async def key_ids(self, session: Session) -> tuple[str, ...]:
        """The ids of the account's API keys."""
        call = Call("GET", "/auth/api-keys", "clob.keys")
        return await self._service.ask(call, _ids, session.sign)

    async def _prove(self, call: Call, key: PrivateKey, nonce: int) -> Credentials:
        clock = self._service.clock
        return await self._service.ask(call, _credentials, lambda _: level1_headers(key, clock.now_ms() // 1000, nonce))


def _credentials(value: Any) -> Credentials:
    """Raises WireError without a word of the answer: it holds secrets."""
    row = as_row(value, "answer")
    parts = [row.get(name) for name in ("apiKey", "secret", "passphrase")]
    if not all(isinstance(part, str) and part for part in parts):
        raise WireError("answer: expected apiKey, secret and passphrase")
    return Credentials(*map(str, parts))


def _ids(value: Any) -> tuple[str, ...]:
    return tuple(fields.ident_of(item, "apiKeys") for item in as_list(as_row(value).get("apiKeys"), "apiKeys"))
