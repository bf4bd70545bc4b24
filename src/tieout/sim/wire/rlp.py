"""RLP, the byte form of Ethereum's transactions (Ethereum yellow paper, appendix B): reading only."""

from __future__ import annotations

Item = bytes | list["Item"]


class RlpError(ValueError):
    """The bytes are no RLP."""


def decode(raw: bytes) -> Item:
    """The one item that *raw* is. Raises RlpError."""
    item, end = _item(raw, 0)
    if end != len(raw):
        raise RlpError(f"{len(raw) - end} bytes too many")
    return item


def _item(raw: bytes, start: int) -> tuple[Item, int]:
    """The item that begins at *start*, and where the next begins."""
    if start >= len(raw):
        raise RlpError("too short")
    first = raw[start]
    if first < 0x80:
        return raw[start : start + 1], start + 1
    is_list = first >= 0xC0
    size, begin = first - (0xC0 if is_list else 0x80), start + 1
    if size > 55:
        begin, size = begin + size - 55, int.from_bytes(raw[begin : begin + size - 55], "big")
    end = begin + size
    if end > len(raw):
        raise RlpError("too short")
    if not is_list:
        return raw[begin:end], end
    items: list[Item] = []
    while begin < end:
        item, begin = _item(raw[:end], begin)
        items.append(item)
    return items, end
