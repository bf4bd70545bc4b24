"""API keys: made and derived with L1, listed and deleted with L2; read-only and builder keys beside them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tieout.sim.keys import ApiKey
from tieout.sim.rng import drawn_uuid
from tieout.sim.wire.auth import header, hmac_of
from tieout.sim.wire.clob_desk import Desk, json_body, plain_ok
from tieout.sim.wire.errors import (
    BAD_PAYLOAD,
    BAD_REVOKE_HEADERS,
    CANNOT_CREATE_KEY,
    CANNOT_DERIVE_KEY,
    UNAUTHORIZED,
    bad_request,
)
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.market_shapes import iso

Names = Mapping[str, str]


@dataclass(slots=True)
class BuilderKey:
    """A builder's key; the times are milliseconds, 0 while it is not revoked."""

    signer: str
    key: ApiKey
    created_ms: int
    revoked_ms: int = 0


class Keys:
    """The endpoints under `/auth`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stream = desk.world.chance.stream("builder keys")
        self._readonly = 0
        self.builders: dict[str, BuilderKey] = {}

    def add_to(self, router: Router) -> None:
        """Serve the routes."""
        router.add("POST", "/auth/api-key", self.create)
        router.add("GET", "/auth/derive-api-key", self.derive)
        router.add("GET", "/auth/api-keys", self.list_keys)
        router.add("DELETE", "/auth/api-key", self.delete)
        router.add("POST", "/auth/readonly-api-key", self.create_readonly)
        router.add("GET", "/auth/readonly-api-keys", self.list_readonly)
        router.add("DELETE", "/auth/readonly-api-key", self.delete_readonly)
        router.add("POST", "/auth/builder-api-key", self.create_builder)
        router.add("GET", "/auth/builder-api-key", self.list_builder)
        router.add("DELETE", "/auth/builder-api-key", self.revoke_builder)

    def create(self, request: Request, _names: Names) -> Reply:
        """A new key; 400 when the wallet has one for this nonce, which clients take as the sign to derive it."""
        claim = self._desk.auth.level1(request)
        if self._desk.world.keys.exists(claim.address, claim.nonce):
            raise bad_request(CANNOT_CREATE_KEY)
        return json_reply(_credentials(self._desk.world.keys.derive(claim.address, claim.nonce)))

    def derive(self, request: Request, _names: Names) -> Reply:
        """The key that the wallet has for this nonce; 400 when it has none."""
        claim = self._desk.auth.level1(request)
        if not self._desk.world.keys.exists(claim.address, claim.nonce):
            raise bad_request(CANNOT_DERIVE_KEY)
        return json_reply(_credentials(self._desk.world.keys.derive(claim.address, claim.nonce)))

    def list_keys(self, request: Request, _names: Names) -> Reply:
        """The ids of the signer's keys."""
        key = self._desk.auth.level2(request)
        return json_reply({"apiKeys": [entry.key for entry in self._desk.world.keys.of(key.signer)]})

    def delete(self, request: Request, names: Names) -> Reply:
        """Delete the key that asks."""
        key = self._desk.auth.level2(request)
        self._desk.world.keys.delete(key.key)
        return plain_ok(request, names)

    def create_readonly(self, request: Request, _names: Names) -> Reply:
        """A new read-only key; it has no secret (`ReadonlyApiKeyResponse` of clob-client-v2)."""
        key = self._desk.auth.level2(request)
        self._readonly += 1
        made = self._desk.world.keys.derive(key.signer, self._readonly, readonly=True)
        return json_reply({"apiKey": made.key})

    def list_readonly(self, request: Request, _names: Names) -> Reply:
        """The ids of the signer's read-only keys."""
        key = self._desk.auth.level2(request)
        made = self._desk.world.keys.of(key.signer, readonly=True)
        return json_reply([entry.key for entry in made])

    def delete_readonly(self, request: Request, names: Names) -> Reply:
        """Delete the signer's read-only key named by `{"key": id}`. A key of others stays."""
        key = self._desk.auth.level2(request)
        raw = json_body(request, BAD_PAYLOAD)
        named = raw.get("key") if isinstance(raw, dict) else None
        if named not in {entry.key for entry in self._desk.world.keys.of(key.signer, readonly=True)}:
            raise bad_request(BAD_PAYLOAD)
        self._desk.world.keys.delete(named)
        return plain_ok(request, names)

    def create_builder(self, request: Request, _names: Names) -> Reply:
        """A new builder key."""
        signer = self._desk.auth.level2(request).signer
        secret = base64.urlsafe_b64encode(self._stream.randbytes(32)).decode()
        key = ApiKey(drawn_uuid(self._stream), secret, self._stream.randbytes(32).hex(), signer, 0)
        self.builders[key.key] = BuilderKey(signer, key, self._desk.world.scheduler.now_ms)
        return json_reply({"key": key.key, "secret": key.secret, "passphrase": key.passphrase})

    def list_builder(self, request: Request, _names: Names) -> Reply:
        """The signer's builder keys, revoked ones too."""
        signer = self._desk.auth.level2(request).signer
        rows = [
            {"key": entry.key.key, "createdAt": iso(entry.created_ms), "revokedAt": iso(entry.revoked_ms)}
            for entry in self.builders.values()
            if entry.signer == signer
        ]
        return json_reply(rows)

    def revoke_builder(self, request: Request, names: Names) -> Reply:
        """Revoke the builder key that signed the request with POLY_BUILDER_* headers."""
        entry = self.builders.get(header(request, "poly_builder_api_key"))
        timestamp = header(request, "poly_builder_timestamp")
        if entry is None or not timestamp:
            raise bad_request(BAD_REVOKE_HEADERS)
        signed = hmac_of(entry.key.secret, timestamp, request) == header(request, "poly_builder_signature")
        if entry.revoked_ms or not signed or entry.key.passphrase != header(request, "poly_builder_passphrase"):
            raise bad_request(UNAUTHORIZED, 401)
        entry.revoked_ms = self._desk.world.scheduler.now_ms
        return plain_ok(request, names)


def _credentials(key: ApiKey) -> dict[str, Any]:
    return {"apiKey": key.key, "secret": key.secret, "passphrase": key.passphrase}
