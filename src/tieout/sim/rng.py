"""Chance: the one module that draws at random, every draw from a named stream of one seed.

A stream depends on the seed and its name only, so a part that draws more or less than before does not disturb the
others, and equal seeds give equal worlds on every machine and in every process.
"""

from __future__ import annotations

import hashlib
import random

Stream = random.Random


class Chance:
    """Random streams of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, name: str) -> Stream:
        """A new stream called *name*; asking twice gives two equal streams."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return random.Random(int.from_bytes(digest[:16], "big"))  # noqa: S311 (a simulation must be repeatable)


def below(stream: Stream, limit: int) -> int:
    """As `stream.randrange(limit)`, the same draw in a third of its time; *limit* is above 0."""
    bits = limit.bit_length()
    drawn = stream.getrandbits(bits)
    while drawn >= limit:
        drawn = stream.getrandbits(bits)
    return drawn


def drawn_uuid(stream: Stream) -> str:
    """A version 4 UUID as text, as trade ids and API keys are."""
    bits = stream.getrandbits(128)
    bits = bits & ~(0xF << 76) | (4 << 76)
    bits = bits & ~(0x3 << 62) | (2 << 62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def drawn_hash(stream: Stream) -> str:
    """32 bytes as 0x hex text, as order ids, condition ids and transaction hashes are."""
    return f"0x{stream.getrandbits(256):064x}"


def drawn_address(stream: Stream) -> str:
    """20 bytes as lower-case 0x hex text."""
    return f"0x{stream.getrandbits(160):040x}"
