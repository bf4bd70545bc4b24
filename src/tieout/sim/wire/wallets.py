"""The wallets a key owns: proxy, safe and deposit wallet addresses follow from the owner's address (CREATE2).

Factories, implementations and init codes are those of `polymarket-client` 0.14.0 (`environments.py`,
`_internal/wallet.py`); the derivations are compared with that client in the tests. Addresses are lower-case text.
"""

from __future__ import annotations

from functools import lru_cache

from eth_hash.auto import keccak

PROXY_FACTORY = bytes.fromhex("ab45c5a4b0c941a2f231c04c3f49182e1a254052")
PROXY_IMPLEMENTATION = bytes.fromhex("44e999d5c2f66ef0861317f9a4805ac2e90aeb4f")
SAFE_FACTORY = bytes.fromhex("aacfeea03eb1561c4e67d661e40682bd20e3541b")
SAFE_INIT_CODE_HASH = bytes.fromhex("2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf")
DEPOSIT_FACTORY = bytes.fromhex("00000000000fb5c9adea0298d729a0cb3823cc07")
DEPOSIT_IMPLEMENTATION = bytes.fromhex("58ca52ebe0dadfdf531cde7062e76746de4db1eb")
DEPOSIT_BEACON = bytes.fromhex("7a18edfe055488a3128f01f563e5b479d92ffc3a")

_PROXY_CODE = (
    bytes.fromhex("3d3d606380380380913d393d73")
    + PROXY_FACTORY
    + bytes.fromhex("5af4602a57600080fd5b602d8060366000396000f3363d3d373d3d3d363d73")
    + PROXY_IMPLEMENTATION
    + bytes.fromhex("5af43d82803e903d91602b57fd5bf352e831dd")
    + (32).to_bytes(32, "big")
    + bytes(32)
)
_PROXY_CODE_HASH = keccak(_PROXY_CODE)

_ARGUMENTS_SIZE = 64
_UUPS_HEAD = (0x61003D3D8160233D3973 + (_ARGUMENTS_SIZE << 56)).to_bytes(10, "big") + DEPOSIT_IMPLEMENTATION
_UUPS_TAIL = bytes.fromhex(
    "6009"
    "5155f3363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076"
    "cc3735a920a3ca505d382bbc545af43d6000803e6038573d6000fd5b3d6000f3"
)
_BEACON_HEAD = (0x6100523D8160233D3973 + (_ARGUMENTS_SIZE << 56)).to_bytes(10, "big") + DEPOSIT_BEACON
_BEACON_TAIL = bytes.fromhex(
    "60195155f3363d3d373d3d363d602036600436635c60da"
    "1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c"
    "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"
)

EOA, PROXY, SAFE, DEPOSIT = range(4)
"""Signature types of an order."""


def _word(owner: str) -> bytes:
    return bytes.fromhex(owner[2:]).rjust(32, b"\0")


def _create2(factory: bytes, salt: bytes, code_hash: bytes) -> str:
    return "0x" + keccak(b"\xff" + factory + salt + code_hash)[12:].hex()


@lru_cache(maxsize=4096)
def proxy_wallet(owner: str) -> str:
    """The Polymarket proxy of *owner* (signature type 1)."""
    return _create2(PROXY_FACTORY, keccak(bytes.fromhex(owner[2:])), _PROXY_CODE_HASH)


@lru_cache(maxsize=4096)
def safe_wallet(owner: str) -> str:
    """The Gnosis safe of *owner* (signature type 2)."""
    return _create2(SAFE_FACTORY, keccak(_word(owner)), SAFE_INIT_CODE_HASH)


@lru_cache(maxsize=4096)
def deposit_wallet(owner: str) -> str:
    """The deposit wallet of *owner* as it is created now, behind a beacon (signature type 3)."""
    arguments = DEPOSIT_FACTORY.rjust(32, b"\0") + _word(owner)
    return _create2(DEPOSIT_FACTORY, keccak(arguments), keccak(_BEACON_HEAD + _BEACON_TAIL + arguments))


@lru_cache(maxsize=4096)
def legacy_deposit_wallet(owner: str) -> str:
    """The deposit wallet of *owner* as it was created first, upgradable by itself (signature type 3)."""
    arguments = DEPOSIT_FACTORY.rjust(32, b"\0") + _word(owner)
    return _create2(DEPOSIT_FACTORY, keccak(arguments), keccak(_UUPS_HEAD + _UUPS_TAIL + arguments))


def belongs(wallet: str, owner: str, signature_type: int) -> bool:
    """*wallet* is the one that *owner* has for this signature type."""
    if signature_type == EOA:
        return wallet == owner
    if signature_type == PROXY:
        return wallet == proxy_wallet(owner)
    if signature_type == SAFE:
        return wallet == safe_wallet(owner)
    return wallet in (deposit_wallet(owner), legacy_deposit_wallet(owner))


@lru_cache(maxsize=65536)
def checksummed(address: str) -> str:
    """The address with the capital letters of EIP-55, as the CLOB shows makers."""
    plain = address[2:].lower()
    digest = keccak(plain.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(plain, digest[:40], strict=True))
