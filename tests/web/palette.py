"""PNG files made small: at most 256 colours, which are enough for pages of text."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

Colour = tuple[int, int, int]

COLOURS = 256
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def small(png: bytes) -> bytes:
    """The same picture with a palette. *png*: 8 bits a channel, RGB or RGBA without transparency, not interlaced."""
    width, rows = _decoded(png)
    counted = Counter(colour for row in rows for colour in row)
    palette = _palette(counted)
    index = {colour: at for at, colour in enumerate(palette)}
    for colour in counted:
        if colour not in index:
            index[colour] = min(range(len(palette)), key=lambda at: _distance(palette[at], colour))
    body = b"".join(b"\0" + bytes(index[colour] for colour in row) for row in rows)
    head = struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", bytes(each for colour in palette for each in colour)))
    return _SIGNATURE + b"".join(_chunk(*part) for part in (*parts, (b"IDAT", zlib.compress(body, 9)), (b"IEND", b"")))


def _palette(counted: Counter[Colour]) -> list[Colour]:
    """Half of it the most frequent colours, the other half those that are farthest from all that were taken."""
    taken = [colour for colour, _ in counted.most_common(COLOURS // 2)]
    far = {colour: min(_distance(colour, each) for each in taken) for colour in counted}
    while len(taken) < min(COLOURS, len(counted)):
        farthest = max(far, key=far.__getitem__)
        taken.append(farthest)
        far = {colour: min(least, _distance(colour, farthest)) for colour, least in far.items()}
    return taken


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _decoded(png: bytes) -> tuple[int, list[list[Colour]]]:
    """(width, rows of colours)."""
    assert png.startswith(_SIGNATURE)
    chunks = list(_chunks(png))
    width, height, depth, kind, *_, interlaced = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    assert (depth, kind in (2, 6), interlaced) == (8, True, 0)
    step = 3 if kind == 2 else 4
    raw = zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT"))
    length, above, rows = width * step, bytearray(width * step), []
    for at in range(0, height * (length + 1), length + 1):
        line = bytearray(raw[at + 1 : at + 1 + length])
        _unfilter(raw[at], line, above, step)
        rows.append(list(zip(line[::step], line[1::step], line[2::step], strict=True)))
        above = line
    return width, rows


def _unfilter(kind: int, line: bytearray, above: bytearray, step: int) -> None:
    """Undo the filter of a row in place (PNG, section 9)."""
    if kind == 0:
        return
    for at in range(len(line)):
        left, up = (line[at - step] if at >= step else 0), above[at]
        corner = above[at - step] if at >= step else 0
        guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
        line[at] = (line[at] + guess) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    return min((left, up, corner), key=lambda each: abs(near - each))
