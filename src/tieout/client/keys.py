"""Secrets in holders that show nothing: not by repr, not by pickle, not in an error."""

from __future__ import annotations

from typing import Any, NoReturn

import coincurve
from eth_account import Account
from eth_account.signers.local import LocalAccount

HIDDEN = "***"

RECOVERY_BASE = 27
"""What Ethereum adds to the number by which the key is found again from a signature (yellow paper, appendix F)."""


class _Secretive:
    """No pickle, no copy: a secret stays where it was put."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds secrets and is not copied or pickled")

    def __reduce_ex__(self, _: Any) -> NoReturn:
        self.__reduce__()


class PrivateKey(_Secretive):
    """The key of an account that signs. `address` is its checksummed address."""

    __slots__ = ("_account", "_curve", "_hex", "address")

    def __init__(self, key: str) -> None:
        """*key* is 32 bytes of hex, with or without 0x. Raises ValueError, without the key in it."""
        account = _account_of(key)
        if account is None:
            raise ValueError("private key: expected 32 bytes of hex within the curve's order")
        self._account = account
        self._hex = key.strip().lower().removeprefix("0x")
        self._curve = coincurve.PrivateKey(bytes.fromhex(self._hex))
        self.address = str(account.address)

    def __repr__(self) -> str:
        return f"PrivateKey({self.address})"

    @property
    def account(self) -> LocalAccount:
        """What signs messages and typed data."""
        return self._account

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature of *digest*, 32 bytes that are signed as they are: r, s and v (27 or 28), 65 bytes."""
        signed = self._curve.sign_recoverable(digest, hasher=None)
        return signed[:64] + bytes((signed[64] + RECOVERY_BASE,))

    def scrub(self, text: str) -> str:
        """*text* without the key."""
        return _without(text, (self._hex,))


class Credentials(_Secretive):
    """An API key of the CLOB. `key`, its id, is public: the venue shows it as `owner`; the other two are secrets."""

    __slots__ = ("key", "passphrase", "secret")

    def __init__(self, key: str, secret: str, passphrase: str) -> None:
        self.key = key
        self.secret = secret
        self.passphrase = passphrase

    def __repr__(self) -> str:
        return f"Credentials({self.key})"

    def scrub(self, text: str) -> str:
        """*text* without the secrets, as a server might echo them."""
        return _without(text, (self.secret, self.secret.rstrip("="), self.passphrase))


def _account_of(key: str) -> LocalAccount | None:
    """The account of *key*. Errors of the libraries may quote the key, so none of them gets out."""
    digits = key.strip().lower().removeprefix("0x")
    if len(digits) != 64:
        return None
    try:
        made = Account.from_key(f"0x{digits}")
    except Exception:  # noqa: BLE001 (whatever it is, it knows the key)
        return None
    return made if isinstance(made, LocalAccount) else None


def _without(text: str, secrets: tuple[str, ...]) -> str:
    """*text* with each secret, in any case, replaced by HIDDEN."""
    for secret in secrets:
        place = text.lower().find(secret.lower()) if secret else -1
        while place >= 0:
            text = text[:place] + HIDDEN + text[place + len(secret) :]
            place = text.lower().find(secret.lower(), place + len(HIDDEN))
    return text
