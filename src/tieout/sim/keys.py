"""API keys of the simulated CLOB: who may speak for which signer. Secrets live in memory only."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from tieout.sim.events import Hub, KeyDeleted
from tieout.sim.rng import Chance, drawn_uuid


@dataclass(frozen=True, slots=True)
class ApiKey:
    """L2 credentials of one signer (lower-case address). The same signer and nonce always give the same key."""

    key: str
    secret: str
    passphrase: str
    signer: str
    nonce: int
    readonly: bool = False

    def __repr__(self) -> str:
        return f"ApiKey({self.key}, signer={self.signer}, nonce={self.nonce}, readonly={self.readonly})"


class KeyRing:
    """The keys that exist. Made keys stay derivable after they are deleted, and count again when derived."""

    def __init__(self, chance: Chance, hub: Hub) -> None:
        self._chance = chance
        self._hub = hub
        self._keys: dict[str, ApiKey] = {}

    def derive(self, signer: str, nonce: int = 0, *, readonly: bool = False) -> ApiKey:
        """The key of *signer* for *nonce*; it is valid from now on."""
        signer = signer.lower()
        kind = "readonly" if readonly else "full"
        stream = self._chance.stream(f"key/{signer}/{nonce}/{kind}")
        uuid = drawn_uuid(stream)
        secret = base64.urlsafe_b64encode(stream.getrandbits(256).to_bytes(32, "big")).decode()
        passphrase = f"{stream.getrandbits(256):064x}"
        return self._keys.setdefault(uuid, ApiKey(uuid, secret, passphrase, signer, nonce, readonly))

    def exists(self, signer: str, nonce: int) -> bool:
        """A full key of *signer* for *nonce* was made and not deleted."""
        return any(
            key.signer == signer.lower() and key.nonce == nonce and not key.readonly for key in self._keys.values()
        )

    def get(self, key: str) -> ApiKey | None:
        """The valid key with this id."""
        return self._keys.get(key)

    def of(self, signer: str, *, readonly: bool = False) -> list[ApiKey]:
        """The valid keys of one signer, oldest first."""
        return [key for key in self._keys.values() if key.signer == signer.lower() and key.readonly == readonly]

    def signers(self) -> set[str]:
        """Everybody who has a valid key."""
        return {key.signer for key in self._keys.values()}

    def delete(self, key: str) -> None:
        """The key is valid no longer; nothing happens for one that is not."""
        if self._keys.pop(key, None) is not None:
            self._hub.announce(KeyDeleted(key))
