"""What init finds out: the kind of a wallet, where its history begins, and markets worth a look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from client.stage import KEY, START_MS, Asked, Client, Says, visiting
from support.database import in_loop
from tieout.app.starting import MARGIN_BLOCKS, block_at, kind_of, start_of, suggested
from tieout.client.chain import Chain
from tieout.client.data_api import DataApi
from tieout.client.gamma import Gamma
from tieout.client.rpc import Rpc
from tieout.client.signing import wallets_of

WALLET = "0x" + "7" * 40
NEWEST = 90_000_000
PRUNED = 40_000_000
"""The node does not have the blocks below."""


def at_ms(number: int) -> int:
    """Blocks every two seconds, up to now."""
    return START_MS - (NEWEST - number) * 2_000


def node(asked: Asked, code: str = "0x") -> Says:
    call = asked.json
    if call["method"] == "eth_getCode":
        result: object = code
    else:
        place = call["params"][0]
        number = NEWEST if place == "latest" else int(place, 16)
        result = {"number": hex(number), "hash": "0x", "parentHash": "0x", "timestamp": hex(at_ms(number) // 1_000)}
        if number < PRUNED:
            result = None
    return Says(body={"jsonrpc": "2.0", "id": call["id"], "result": result})


@asynccontextmanager
async def asking(answer: Callable[[Asked], Says]) -> AsyncIterator[tuple[Client, Chain, DataApi, Gamma]]:
    async with visiting() as client:
        client.site.answer = answer
        places = client.endpoints
        yield (
            client,
            Chain(Rpc(client.net, places.rpc)),
            DataApi(client.net.service("data-api", places.data_api)),
            Gamma(client.net.service("gamma", places.gamma)),
        )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("0x", 0),
        ("0xef0100" + "63" * 20, 0),
        ("0x363d3d373d3d3d363d73" + "44" * 20 + "5af43d82803e903d91602b57fd5bf3", 1),
        ("0x608060405273" + "ff" * 20 + "600054167fa619486e" + "00" * 28, 2),
        ("0x363d3d373d3d363d602036600436635c60da60e01b36527fa3f0ad74e5423aebfd80d3ef", 3),
        ("0x363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca50", 3),
        ("0x6080604052", None),
    ],
)
def test_a_wallet_is_known_by_its_code(code: str, kind: int | None) -> None:
    @in_loop
    async def ask() -> None:
        async with asking(lambda asked: node(asked, code)) as (_, chain, *_):
            found = await kind_of(chain, WALLET, None)
            assert found.signature_type == kind
            assert found.why

    ask()


@in_loop
async def test_the_key_that_owns_it_is_surer_than_the_code() -> None:
    mine = wallets_of(KEY.address)
    for wallet, kind in ((mine.eoa, 0), (mine.proxy, 1), (mine.safe, 2), (mine.deposit, 3), (mine.deposit_early, 3)):
        assert (await kind_of(None, wallet.lower(), KEY)).signature_type == kind
    other = await kind_of(None, WALLET, KEY)
    assert (other.signature_type, "owns no such wallet" in other.why) == (None, True)
    assert (await kind_of(None, WALLET, None)).signature_type is None


@pytest.mark.parametrize("number", [PRUNED + 3, 77_777_777, NEWEST])
def test_a_block_is_found_by_its_time(number: int) -> None:
    @in_loop
    async def ask() -> None:
        async with asking(node) as (client, chain, *_):
            for off_ms in (0, 1_999):
                assert await block_at(chain, at_ms(number) + off_ms) == number
            assert len(client.site.asked) < 80

    ask()


@in_loop
async def test_history_begins_a_margin_before_the_first_activity() -> None:
    number = 77_777_777
    rows = [
        {
            "type": "TRADE",
            "timestamp": at_ms(number) // 1_000,
            "transaction_hash": "0x" + "1" * 64,
            "condition_id": "0x" + "c0" * 32,
            "token_id": "5",
            "side": "BUY",
            "size": 1,
            "usdc_size": 1,
        }
    ]

    def answer(asked: Asked) -> Says:
        if asked.path == "/rpc":
            return node(asked)
        assert (asked.query["sort_direction"], asked.query["start"]) == ("ASC", "1")
        return Says(body={"data": rows, "pagination": {"has_more": True, "next_cursor": "x"}})

    async with asking(answer) as (_, chain, data_api, _):
        found = await start_of(chain, data_api, WALLET)
        assert found.block == number - MARGIN_BLOCKS
        assert (await start_of(None, data_api, WALLET)).block is None
        rows.clear()
        found = await start_of(chain, data_api, WALLET)
        assert (found.block, "no activity" in found.why) == (NEWEST - MARGIN_BLOCKS, True)


@in_loop
async def test_an_index_that_does_not_answer_is_said() -> None:
    async with asking(lambda asked: Says(503)) as (_, chain, data_api, _):
        found = await start_of(chain, data_api, WALLET)
        assert (found.block, "block explorer" in found.why) == (None, True)


@in_loop
async def test_markets_that_end_soon_or_have_an_odd_tick_are_not_suggested() -> None:
    def row(number: int, **more: object) -> dict[str, object]:
        return {
            "conditionId": f"0x{number:064x}",
            "clobTokenIds": f'["{number}1", "{number}2"]',
            "outcomes": '["Yes", "No"]',
            "orderPriceMinTickSize": 0.01,
            "orderMinSize": 5,
            "acceptingOrders": True,
            "active": True,
            "endDate": "2027-06-01T00:00:00Z",
            **more,
        }

    soon = "2026-11-18T12:00:00Z"
    rows = [row(1), row(2, endDate=soon), row(3, orderPriceMinTickSize=0.03), row(4, acceptingOrders=False), row(5)]
    async with asking(lambda asked: Says(body={"markets": rows})) as (client, _, _, gamma):
        found = await suggested(gamma, 4, START_MS)
        assert [int(market.condition_id, 16) for market in found] == [1, 5]
        assert client.site.asked[0].query["order"] == "volume24hr"
        assert len(await suggested(gamma, 1, START_MS)) == 1
