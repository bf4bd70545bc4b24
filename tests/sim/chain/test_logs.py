"""Log queries against a filter that reads everything, and the encoding against the words it stands for."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from sim.chain.life import Life
from sim.chain.setting import A, B, Setting
from tieout.sim.chain.chain import Chain, Log
from tieout.sim.chain.log import encode, topic
from tieout.sim.chain.places import CTF, P_USD
from tieout.venue.topics import ORDER_FILLED, TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE

Topics = Sequence[str | list[str] | None]


def naive(chain: Chain, start: int, end: int, addresses: set[str] | None, topics: Topics) -> list[Log]:
    """What eth_getLogs says, one log after the other."""
    found = []
    for number in range(start, end + 1):
        block = chain.block(number)
        for log in block.logs if block else ():
            if addresses and log.address not in addresses:
                continue
            if len(topics) > len(log.topics):
                continue
            for wanted, present in zip(topics, log.topics, strict=False):
                if wanted and present not in ([wanted] if isinstance(wanted, str) else wanted):
                    break
            else:
                found.append(log)
    return found


def a_topic(draw: random.Random, logs: list[Log], place: int) -> str | list[str] | None:
    """Nothing, a topic that occurs there or elsewhere, or several."""
    seen = [each for log in draw.sample(logs, 5) for each in log.topics[place : place + 1]] or [topic(A)]
    return draw.choice((None, None, seen[0], seen, [], [TRANSFER, ORDER_FILLED], topic(12345), [*seen, topic(B)]))


@pytest.mark.parametrize("seed", range(3))
def test_queries_find_what_reading_everything_finds(seed: int) -> None:
    life = Life(seed, finality=1000)
    chain, draw = life.setting.chain, random.Random(seed)
    sizes = set()
    for number in range(300):
        if number % 10 == 0:
            life.block(8)
        if number % 50 == 30:
            chain.reorg(draw.randint(1, 4))
        logs = naive(chain, 0 + chain.head.number - 60, chain.head.number, None, [])
        start = chain.head.number - draw.randrange(30)
        end = start + draw.randrange(-2, 40)
        addresses = draw.choice((None, None, set(), {CTF}, {P_USD, CTF}, {A}))
        topics = [a_topic(draw, logs, place) for place in range(draw.randrange(6))]
        found = chain.logs(start, end, addresses, topics)
        assert found == naive(chain, start, end, addresses, topics)
        sizes.add(len(found))
    assert len(sizes) > 20


def test_the_logs_of_a_wallet_by_position() -> None:
    """The two queries of the venue's documentation: fills by maker, transfers by either side."""
    life = Life(4)
    for _ in range(60):
        life.block(10)
    chain, everything = life.setting.chain, (0, life.setting.chain.head.number)
    padded = topic(A)
    fills = chain.logs(*everything, topics=[ORDER_FILLED, None, padded])
    assert fills
    assert all(log.indexed[1] == A for log in fills)
    kinds = [TRANSFER_SINGLE, TRANSFER_BATCH]
    gone = chain.logs(*everything, {CTF}, [kinds, None, padded])
    come = chain.logs(*everything, {CTF}, [kinds, None, None, padded])
    assert {log.indexed[1] for log in gone} == {log.indexed[2] for log in come} == {A}
    assert [log.topics for log in chain.logs(*everything, topics=[None, None, padded.upper().replace("X", "x")])] == [
        log.topics for log in chain.logs(*everything, topics=[None, None, padded])
    ]


def test_a_query_beyond_the_head_or_backwards() -> None:
    setting = Setting()
    setting.fund(A)
    head = setting.mine().number
    assert len(setting.chain.logs(head, head + 100)) == len(setting.chain.logs(0, head)) > 0
    assert setting.chain.logs(head, head - 1) == []
    assert setting.chain.logs(head + 1, head + 1) == []


def test_arguments_become_words_and_arrays_stand_behind_them() -> None:
    words = encode((A, (7, 8), 3, (), "0x" + "ab" * 32))
    expected = [int(A, 16), 5 * 32, 3, 8 * 32, int("ab" * 32, 16), 2, 7, 8, 0]
    assert words == "0x" + "".join(f"{word:064x}" for word in expected)
    assert topic(A) == "0x" + "0" * 24 + "a" * 40
