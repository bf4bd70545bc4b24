"""Where secrets come from: the environment, or a file that only its owner can read. Nothing is ever written."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from tieout.app.config import Config
from tieout.client.clob_keys import ClobKeys
from tieout.client.keys import Credentials, PrivateKey

KEY_VARIABLE = "TIEOUT_PRIVATE_KEY"
FILE_VARIABLE = "TIEOUT_PRIVATE_KEY_FILE"
API_VARIABLES = ("TIEOUT_API_KEY", "TIEOUT_API_SECRET", "TIEOUT_API_PASSPHRASE")
FILE_MAX = 4_096
"""Bytes of a key file; a larger one is some other file."""


class SecretError(ValueError):
    """A secret is missing, in the wrong form, or open to others. The message never holds any of it."""


def private_key(config: Config, environ: Mapping[str, str] = os.environ) -> PrivateKey:
    """The key that signs: TIEOUT_PRIVATE_KEY, the file of TIEOUT_PRIVATE_KEY_FILE, that of the config, in this order.

    Raises SecretError.
    """
    if given := environ.get(KEY_VARIABLE, "").strip():
        return _key(given, KEY_VARIABLE)
    if named := environ.get(FILE_VARIABLE, "").strip():
        return _key(kept_secret(Path(named).expanduser(), FILE_VARIABLE), f"{FILE_VARIABLE} {named}")
    if config.private_key_file is not None:
        path = config.private_key_file
        return _key(kept_secret(path, "account.private_key_file"), f"account.private_key_file {path}")
    raise SecretError(
        "no private key: put it in a file (chmod 600) named by account.private_key_file or "
        f"{FILE_VARIABLE}, or in {KEY_VARIABLE}"
    )


def given_credentials(environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """The API key of the environment; None when none of its three parts is there. Raises SecretError for some of them.

    Without one, the key is derived from the private key at every start.
    """
    parts = [environ.get(name, "").strip() for name in API_VARIABLES]
    if not any(parts):
        return None
    missing = [name for name, part in zip(API_VARIABLES, parts, strict=True) if not part]
    if missing:
        raise SecretError(
            f"an API key needs all of {', '.join(API_VARIABLES)}, missing: {', '.join(missing)}; set all three, or "
            "none to have it derived from the private key"
        )
    return Credentials(*parts)


async def api_credentials(keys: ClobKeys, key: PrivateKey, environ: Mapping[str, str] = os.environ) -> Credentials:
    """The API key of the environment, else the one the venue has for *key*, made when it has none.

    Raises SecretError, VenueError.
    """
    return given_credentials(environ) or await keys.derive_or_create(key)


def _key(text: str, source: str) -> PrivateKey:
    try:
        return PrivateKey(text)
    except ValueError:
        raise SecretError(
            f"{source}: expected a private key, 32 bytes as 64 hex digits, was something else (not repeated here)"
        ) from None


def kept_secret(path: Path, source: str, what: str = "key: expected 64 hex digits") -> str:
    """The text of a file that holds a secret, which *what* describes; *source* is what names the file.

    Raises SecretError, with what to type when others can read it.
    """
    kind = what.partition(":")[0]
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise SecretError(f"{source}: expected a file, {path} is none")
        if found.st_mode & _others(path):
            raise SecretError(
                f"{source}: {path} is open to others (mode {stat.S_IMODE(found.st_mode):03o}); type: chmod 600 {path}"
            )
        if found.st_size > FILE_MAX:
            raise SecretError(f"{source}: {path} has {found.st_size} bytes and is no {kind} file")
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        raise SecretError(f"{source}: {path} holds no {what}") from None
    except OSError as error:
        raise SecretError(f"{source}: {path} cannot be read: {error.strerror}") from None


def _others(path: Path) -> int:
    """The bits of a mode by which others could read or change the file.

    systemd lets a service read its credentials by an access list, whose mask shows as bits of the group; the directory
    is the service's alone (systemd.exec, LoadCredential=).
    """
    given = os.environ.get("CREDENTIALS_DIRECTORY", "")
    by_list = given and path.parent == Path(given)
    return stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO if by_list else stat.S_IRWXG | stat.S_IRWXO
