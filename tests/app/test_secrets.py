"""Where secrets come from, in which order, and that none is taken from a file that others can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tieout.app.config import Config
from tieout.app.secrets import API_VARIABLES, SecretError, given_credentials, private_key
from tieout.client.keys import PrivateKey

ONE, TWO, THREE = ("0x" + digits * 32 for digits in ("a1", "b2", "c3"))


def kept(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_environment_comes_first_then_its_file_then_that_of_the_config(tmp_path: Path) -> None:
    config = Config(wallet="0x", private_key_file=kept(tmp_path / "three", THREE))
    environ = {"TIEOUT_PRIVATE_KEY": ONE, "TIEOUT_PRIVATE_KEY_FILE": str(kept(tmp_path / "two", f"{TWO[2:]}\n"))}
    for expected in (ONE, TWO, THREE):
        assert private_key(config, environ).address == PrivateKey(expected).address
        environ.pop(next(iter(environ), ""), None)
    with pytest.raises(SecretError, match="no private key: put it in a file"):
        private_key(Config(wallet="0x"), {"TIEOUT_PRIVATE_KEY": " "})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_a_file_that_is_open_to_others_is_refused_with_what_to_type(mode: int, tmp_path: Path) -> None:
    path = kept(tmp_path / "key", ONE, mode)
    with pytest.raises(SecretError, match=f"chmod 600 {path}"):
        private_key(Config(wallet="0x", private_key_file=path), {})


@pytest.mark.parametrize("text", ["", ONE[:-1], ONE + "00", "g" * 64, "f" * 64, "legal winner thank year", "\u00e4"])
def test_what_is_no_key_is_not_repeated(text: str, tmp_path: Path) -> None:
    environ = {"TIEOUT_PRIVATE_KEY_FILE": str(kept(tmp_path / "key", text))}
    with pytest.raises(SecretError) as raised:
        private_key(Config(wallet="0x"), environ)
    assert not text or text not in str(raised.value)
    assert raised.value.__suppress_context__


def test_what_is_no_file(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "expected a file"), (tmp_path / "absent", "No such file")):
        with pytest.raises(SecretError, match=words):
            private_key(Config(wallet="0x", private_key_file=path), {})
    with pytest.raises(SecretError, match="is no key file"):
        private_key(Config(wallet="0x", private_key_file=kept(tmp_path / "long", "a" * 5_000)), {})


def test_an_api_key_is_given_whole_or_not_at_all() -> None:
    whole = dict(zip(API_VARIABLES, ("id", "hush", "hush-hush"), strict=True))
    given = given_credentials(whole)
    assert given is not None
    assert (given.key, given.secret, given.passphrase) == ("id", "hush", "hush-hush")
    assert given_credentials({}) is None
    for name in API_VARIABLES:
        with pytest.raises(SecretError, match=f"missing: {name}") as raised:
            given_credentials({key: value for key, value in whole.items() if key != name})
        assert "hush" not in str(raised.value)


def test_a_credential_of_systemd_may_have_the_bits_of_its_access_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They look like those of a group; what others could do is still refused, and the same file elsewhere."""
    path = kept(tmp_path / "key", ONE, 0o440)
    environ = {"TIEOUT_PRIVATE_KEY_FILE": str(path)}
    with pytest.raises(SecretError, match="open to others"):
        private_key(Config(wallet="0x"), environ)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert private_key(Config(wallet="0x"), environ).address == PrivateKey(ONE).address
    for mode in (0o444, 0o460):
        path.chmod(mode)
        with pytest.raises(SecretError, match="open to others"):
            private_key(Config(wallet="0x"), environ)
