"""Token ids from condition ids: the CTF's hash on alt_bn128, and the structured ids of Protocol V2.

Source: CTHelpers.sol of the conditional tokens contracts; polymarket.md 6.4. In a CTF id the collateral is USDC.e for
normal markets and the wrapped collateral for neg-risk ones, never pUSD. Index set 1 is outcome 0, 2 is outcome 1.
"""

from __future__ import annotations

from functools import lru_cache

from eth_hash.auto import keccak

from tieout.venue.addresses import NEG_RISK_ADAPTER, USDC_E, WRAPPED_COLLATERAL

_P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_B = 3
_RESERVED = ((1 << 64) - 1) << 40
_HEX = frozenset("0123456789abcdef")

Outcome = tuple[str, int, str]
"""(token id, outcome index, ledger "ctf" or "pm")."""


def condition_bytes(condition_id: str) -> bytes | None:
    """The 32 bytes of a condition id; None when it is no such hex (placeholders, synthetic ids)."""
    if len(condition_id) != 66 or condition_id[:2] != "0x" or not _HEX.issuperset(condition_id[2:]):
        return None
    return bytes.fromhex(condition_id[2:])


def collection_id(condition: bytes, index_set: int) -> bytes:
    """CTHelpers.getCollectionId without a parent: the first curve point at or after the hash, parity in bit 254."""
    hashed = int.from_bytes(keccak(condition + index_set.to_bytes(32, "big")), "big")
    odd = hashed >> 255
    x = hashed
    while True:
        x = (x + 1) % _P
        square = (x * x * x + _B) % _P
        y = pow(square, (_P + 1) // 4, _P)
        if y * y % _P == square:
            break
    if y % 2 != odd:
        y = _P - y
    if y % 2:
        x ^= 1 << 254
    return x.to_bytes(32, "big")


def position_id(collateral: str, collection: bytes) -> str:
    """CTHelpers.getPositionId as decimal text."""
    packed = keccak(bytes.fromhex(collateral[2:]) + collection)
    return str(int.from_bytes(packed, "big"))


@lru_cache(maxsize=4096)
def ctf_tokens(condition_id: str, collateral: str) -> tuple[str, ...]:
    """The CTF token ids of a binary condition for one collateral, in outcome order; () for no condition id."""
    condition = condition_bytes(condition_id)
    if condition is None:
        return ()
    return tuple(position_id(collateral, collection_id(condition, index_set)) for index_set in (1, 2))


@lru_cache(maxsize=16384)
def neg_risk_tokens(market_id: int, index: int) -> tuple[str, ...]:
    """YES and NO of question *index* of a neg-risk event on the CTF.

    The question's id is the event's with the index as its last byte (NegRiskIdLib.sol), its oracle the NegRiskAdapter.
    """
    question_id = market_id + index
    packed = bytes.fromhex(NEG_RISK_ADAPTER[2:]) + question_id.to_bytes(32, "big") + (2).to_bytes(32, "big")
    return ctf_tokens("0x" + keccak(packed).hex(), WRAPPED_COLLATERAL)


def is_structured(token_id: str) -> bool:
    """The SDK's test for a Protocol V2 id: the 64 reserved bits are zero (and it is as large as a module id makes it).

    Id = module 8 | base hash 128 | arity 16 | reserved 64 | resolution chain 16 | condition index 16 | outcome 8.
    """
    if not (token_id.isascii() and token_id.isdigit() and len(token_id) <= 78):
        return False
    value = int(token_id)
    return value & _RESERVED == 0 and value >> 248 > 0 and value < 1 << 256


def structured_condition(token_id: str) -> str:
    """The condition id (last byte cleared) of a Protocol V2 token id."""
    return f"0x{int(token_id) & ~0xFF:064x}"


@lru_cache(maxsize=16384)
def complement(condition_id: str, token_id: str) -> tuple[Outcome, ...]:
    """Both outcomes of the condition when *token_id* is one of them by computation; () when it does not verify."""
    if is_structured(token_id) and structured_condition(token_id) == condition_id:
        base = int(token_id) & ~0xFF
        return ((str(base), 0, "pm"), (str(base | 1), 1, "pm"))
    for collateral in (USDC_E, WRAPPED_COLLATERAL):
        tokens = ctf_tokens(condition_id, collateral)
        if token_id in tokens:
            return tuple((token, index, "ctf") for index, token in enumerate(tokens))
    return ()
