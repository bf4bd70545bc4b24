"""Reading event logs: 32-byte words, addresses, dynamic arrays (Solidity ABI). Nothing here knows an event."""

from __future__ import annotations

from tieout.venue.wire import WireError, shown

_HEX = frozenset("0123456789abcdefABCDEF")


def hex_bytes(value: object, field: str) -> bytes:
    """The bytes of 0x hex text."""
    if isinstance(value, str) and value[:2] in ("0x", "0X"):
        try:
            data = bytes.fromhex(value[2:])
        except ValueError:
            pass
        else:
            if 2 * len(data) + 2 == len(value):
                # fromhex passes over blanks.
                return data
    raise WireError(f"{field}: expected 0x hex of whole bytes, was {shown(value)}")


def quantity(value: object, field: str) -> int:
    """A JSON-RPC quantity: 0x hex text, decimal text or an integer; 0 or more, at most 63 bits."""
    result = -1
    if isinstance(value, str) and len(value) <= 66:
        if value[:2] in ("0x", "0X") and len(value) > 2 and _HEX.issuperset(value[2:]):
            result = int(value, 16)
        elif value.isascii() and value.isdigit():
            result = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        result = value
    if not 0 <= result < 1 << 63:
        raise WireError(f"{field}: expected a quantity, was {shown(value)}")
    return result


def word(data: bytes, place: int) -> int:
    """The unsigned 256-bit word number *place*."""
    piece = data[32 * place : 32 * place + 32]
    if len(piece) != 32:
        raise WireError(f"data: expected at least {place + 1} words, was {len(data)} bytes")
    return int.from_bytes(piece, "big")


def words(data: bytes, count: int) -> tuple[int, ...]:
    """Exactly *count* words."""
    if len(data) != 32 * count:
        raise WireError(f"data: expected {count} words of 32 bytes, was {len(data)} bytes")
    return tuple(int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32))


def array(data: bytes, place: int) -> tuple[int, ...]:
    """The dynamic uint256[] whose offset stands in word *place*."""
    offset = word(data, place)
    if offset % 32 or offset >= len(data):
        raise WireError(f"data: expected an array within {len(data)} bytes, was offset {shown(offset)}")
    start = offset // 32
    length = word(data, start)
    if length > len(data) // 32:
        raise WireError(f"data: expected an array within {len(data)} bytes, was length {shown(length)}")
    return tuple(word(data, start + 1 + index) for index in range(length))


def address(value: int, field: str = "data") -> str:
    """The address in a word; its upper 12 bytes must be zero."""
    if value >> 160:
        raise WireError(f"{field}: expected an address, was 0x{value:064x}")
    return f"0x{value:040x}"
