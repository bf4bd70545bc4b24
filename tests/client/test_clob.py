"""The CLOB's answers as recorded, pages with every fault, and what the client sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from client.stage import CREDENTIALS, CUT, KEY, START_MS, Asked, Says, page, visiting
from support.database import in_loop
from support.shared import SHARED
from tieout.client.answers import Placed
from tieout.client.errors import ErrorKind, Rejected, VenueError
from tieout.client.orders import OrderSigner, OrderWanted, SignedOrder
from tieout.client.signing import level2_headers
from tieout.ledger.facts import Side

SAMPLES = SHARED / "samples"
CONDITION = "0xdd22472e552920b8438158ea7238bfadfa4f736aa4cee91a6b86c39ead110917"
TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
ORDER = "0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef12"


def sample(name: str) -> Says:
    return Says(body=(SAMPLES / f"{name}.json").read_bytes())


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    base = json.loads((SAMPLES / "nt_http_open_order.json").read_text())
    return [{**base, "id": f"0x{number:064x}"} for number in range(start, start + count)]


def signed(count: int = 1) -> list[SignedOrder]:
    wanted = OrderWanted(token_id=TOKEN, side=Side.BUY, price=500_000, size=10_000_000, tick=10_000)
    signer = OrderSigner(KEY, KEY.address, iter(range(10_000)).__next__)
    return [signer.sign(wanted, START_MS) for _ in range(count)]


@in_loop
async def test_recorded_orders_and_trades() -> None:
    async with visiting() as client:
        client.site.script(sample("nt_http_open_orders_page"))
        orders = await client.desk.account.open_orders()
        assert orders.is_complete
        first, second = orders.rows
        assert (first.price, first.original_size, first.size_matched, first.side) == (600_000, 200_000_000, 0, Side.BUY)
        assert (second.trade_ids, second.size_matched, second.order_type) == ((), 50_000_000, "GTD")
        assert second.created_at_ms == 1_703_875_201_000
        client.site.script(sample("nt_http_open_order"))
        one = await client.desk.account.open_order(ORDER)
        assert one is not None
        assert (one.order_id, one.trade_ids) == (ORDER, ("0xabc001",))
        client.site.script(sample("nt_http_trades_page"))
        trades = await client.desk.account.trades(market=CONDITION, after_s=5, maker_address="0xAB", trade_id="t")
        assert (trades.rows[0].trade_id, trades.rows[0].size, trades.rows[0].legs) == ("trade-0x001", 10_000_000, ())
        assert client.site.asked[-1].query == {"market": CONDITION, "after": "5", "maker_address": "0xAB", "id": "t"}
        report = json.loads((SAMPLES / "nt_http_trade_report.json").read_text())
        client.site.script(page([report]))
        legs = (await client.desk.account.trades()).rows[0].legs
        assert [(leg.matched, leg.side) for leg in legs] == [(25_000_000, Side.SELL), (5_000_000, Side.SELL)]
        assert client.kinds() == ["open_order", "open_order", "clob_trade", "clob_trade"]


@pytest.mark.parametrize("body", [b"null", b"", b" \n"])
def test_an_order_that_is_not_open_is_none(body: bytes) -> None:
    @in_loop
    async def run() -> None:
        async with visiting() as client:
            client.site.script(Says(body=body))
            assert await client.desk.account.open_order(ORDER) is None
            assert client.site.asked[0].path == f"/data/order/{ORDER}"

    run()


@in_loop
async def test_all_pages_are_read_by_their_cursors() -> None:
    async with visiting() as client:
        client.site.script(page(rows(2), "Mg=="), page(rows(2, 2), "NA=="), page(rows(1, 4)))
        listing = await client.desk.account.open_orders()
        assert listing.is_complete
        assert (len(listing.rows), listing.pages) == (5, 3)
        assert [asked.query.get("next_cursor") for asked in client.site.asked] == [None, "Mg==", "NA=="]


@pytest.mark.parametrize(
    ("pages", "rows_seen", "flaw"),
    [
        ([page(rows(2), "Mg=="), page(rows(2, 2), "Mg==")], 4, "came a second time after 2 pages"),
        ([page(rows(3), count=5)], 3, "says it has 5 rows and has 3"),
        ([page(rows(1), "")], 1, "names no next cursor"),
        ([Says(body={"data": rows(1)})], 1, "names no next cursor"),
        ([page([], count=1)], 0, "says it has 1 rows and has 0"),
    ],
)
def test_a_listing_that_may_not_be_whole_says_why(pages: list[Says], rows_seen: int, flaw: str) -> None:
    @in_loop
    async def run() -> None:
        async with visiting() as client:
            client.site.script(*pages)
            listing = await client.desk.account.open_orders()
            assert not listing.is_complete
            assert len(listing.rows) == rows_seen
            assert flaw in listing.flaw
            assert len(client.recorded) == len(pages)

    run()


@in_loop
async def test_pages_without_an_end_are_given_up() -> None:
    async with visiting() as client:
        client.site.answer = lambda asked: page(rows(1), f"c{len(client.site.asked)}")
        listing = await client.desk.account.open_orders(pages_max=7)
        assert (listing.pages, listing.flaw, listing.is_complete) == (7, "no end after 7 pages", False)


@in_loop
async def test_a_malformed_row_is_counted_and_loses_no_other() -> None:
    async with visiting() as client:
        broken: list[Any] = [{**rows(1)[0], "price": "a lot"}, "text", None, {}]
        client.site.script(page([*rows(2), *broken, *rows(1, 7)]))
        listing = await client.desk.account.open_orders()
        assert len(listing.rows) == 3
        assert [bad.index for bad in listing.bad_rows] == [2, 3, 4, 5]
        assert "price" in listing.bad_rows[0].reason
        assert not listing.is_complete, "the order that is missing may be the row that is malformed"


@in_loop
async def test_an_empty_page_is_complete_and_null_is_empty() -> None:
    async with visiting() as client:
        client.site.script(page([]), Says(body={"data": None, "next_cursor": "LTE=", "count": 0}))
        assert (await client.desk.account.open_orders()).is_complete
        assert (await client.desk.account.open_orders()).is_complete


@in_loop
async def test_a_failure_within_the_walk_is_raised_after_the_pages_before_were_recorded() -> None:
    async with visiting() as client:
        client.site.script(page(rows(2), "Mg=="), CUT)
        with pytest.raises(VenueError):
            await client.desk.account.open_orders()
        assert client.kinds() == ["open_order"]


@in_loop
async def test_what_is_signed_is_what_is_sent() -> None:
    async with visiting() as client:
        client.site.script(sample("nt_http_cancel_response_ok"))
        await client.desk.orders.cancel("0xABC")
        asked = client.site.asked[0]
        assert (asked.method, asked.path, asked.json) == ("DELETE", "/order", {"orderID": "0xABC"})
        headers = level2_headers(CREDENTIALS, KEY.address, START_MS // 1000, "DELETE", "/order", asked.body)
        assert {name: asked.headers[name.lower()] for name in headers} == headers
        client.site.script(page([]))
        await client.desk.account.open_orders(market=CONDITION)
        headers = level2_headers(CREDENTIALS, KEY.address, START_MS // 1000, "GET", "/data/orders", b"")
        assert client.site.asked[1].headers["poly_signature"] == headers["POLY_SIGNATURE"], "the query is not signed"


@in_loop
async def test_recorded_placement_answers() -> None:
    async with visiting() as client:
        order = signed()[0]
        client.site.script(sample("post_order_response_rest"))
        placed = await client.desk.orders.place(order)
        assert placed == Placed("0x<orderhash>", "live")
        assert client.site.asked[0].json == order.body(CREDENTIALS.key)
        client.site.script(sample("nt_http_order_response_ok"))
        assert await client.desk.orders.place(order) == Placed(ORDER, "")
        full = {"success": True, "errorMsg": "", "orderID": "0xab", "status": "matched", "makingAmount": "5.2"}
        client.site.script(Says(body={**full, "takingAmount": "10", "tradeIDs": ["t1"], "transactionsHashes": []}))
        placed = await client.desk.orders.place(order)
        assert placed == Placed("0xab", "matched", ("t1",), 5_200_000, 10_000_000)


@in_loop
async def test_each_leg_of_a_batch_stands_for_itself() -> None:
    async with visiting() as client:
        legs = [
            {"success": True, "errorMsg": "", "orderID": "0x01", "status": "live"},
            *json.loads((SAMPLES / "post_orders_batch_postonly_reject.json").read_text()),
            {"success": True, "errorMsg": "", "orderID": "", "status": ""},
            {"success": True, "errorMsg": "", "orderID": "0x02", "status": "live"},
        ]
        client.site.script(Says(body=legs))
        first, refused, unclear, last = await client.desk.orders.place_many(signed(4))
        assert (first, last) == (Placed("0x01", "live"), Placed("0x02", "live"))
        assert isinstance(refused, Rejected)
        assert refused.text == "invalid post-only order: order crosses book"
        assert isinstance(unclear, VenueError)
        assert unclear.kind is ErrorKind.AMBIGUOUS
        client.site.script(Says(body=legs[:3]))
        with pytest.raises(VenueError) as caught:
            await client.desk.orders.place_many(signed(4))
        assert caught.value.kind is ErrorKind.AMBIGUOUS, "which legs were answered is not known"
        for count in (0, 16):
            with pytest.raises(ValueError, match="1 to 15"):
                await client.desk.orders.place_many(signed(count))


@in_loop
async def test_recorded_cancel_answers() -> None:
    async with visiting() as client:
        client.site.script(sample("nt_http_batch_cancel_response"))
        answer = await client.desk.orders.cancel_many(["0x" + "11" * 32, "0x" + "44" * 32])
        assert answer.canceled == ("0x" + "11" * 32, "0x" + "22" * 32)
        assert answer.refused == {"0x" + "33" * 32: "already canceled or matched"}
        assert answer.unmentioned(("0x" + "11" * 32, "0x" + "44" * 32)) == ("0x" + "44" * 32,)
        client.site.script(sample("nt_http_cancel_response_failed"))
        assert (await client.desk.orders.cancel_all()).refused
        assert await client.desk.orders.cancel_many([]) == await client.desk.orders.cancel_many(())
        assert client.kinds() == ["cancel_answer"] * 2
        with pytest.raises(ValueError, match="condition or a token"):
            await client.desk.orders.cancel_market()


@in_loop
async def test_cancels_go_in_parts_that_the_bucket_admits_and_a_part_that_fails_stops_no_other() -> None:
    async with visiting() as client:

        def answer(asked: Asked) -> Says:
            ids = asked.json
            return CUT if "0x3" in ids else Says(body={"canceled": ids, "not_canceled": {}})

        client.site.answer = answer
        ids = [f"0x{number}" for number in range(300)]
        found = await client.desk.orders.cancel_many([*ids, *ids])
        assert [len(asked.json) for asked in client.site.asked] == [120, 120, 60], "the burst of the Standard tier"
        assert found.canceled == tuple(ids[120:])
        ((lost, error),) = found.failed
        assert lost == tuple(ids[:120])
        assert error.may_have_had_effect
        assert client.clock.slept, "the second part waited for the bucket"
        client.site.script(CUT)
        with pytest.raises(VenueError):
            await client.desk.orders.cancel_many(ids)


@in_loop
async def test_recorded_books_markets_balances_and_heartbeats() -> None:
    async with visiting() as client:
        client.site.script(sample("clob_book"))
        book = await client.clob.public.book("t")
        assert (book.bids[0], book.asks[0]) == ((100_000, 125_000_000), (140_000, 705_000_000))
        assert book.at_ms == 1_728_799_418_260
        client.site.script(sample("nt_clob_book_response"))
        assert (await client.clob.public.book("t")).bids
        client.site.script(sample("clob_market"))
        market = await client.clob.public.market(CONDITION)
        assert (market.tick, market.min_size, market.neg_risk) == (1_000, 5_000_000, True)
        assert (market.rewards.min_size, market.rewards.max_spread, market.rewards.daily) == (
            200_000_000,
            15_000,
            750_000_000,
        )
        assert market.outcomes == ("Yes", "No")
        account = client.desk.account
        client.site.script(sample("nt_http_balance_allowance_collateral"))
        assert (await account.balance_allowance("COLLATERAL", 2)).balance == 1_000_000_000
        assert client.site.asked[-1].query == {"asset_type": "COLLATERAL", "signature_type": "2"}
        client.site.script(sample("nt_http_balance_allowance_no_allowance"))
        assert (await account.balance_allowance("COLLATERAL", 0)).balance == 250
        client.site.script(Says(body={"balance": "1", "allowances": {"0xAB": str((1 << 256) - 1)}}))
        assert (await account.balance_allowance("CONDITIONAL", 0, "5")).allowances == {"0xab": (1 << 256) - 1}
        client.site.script(Says(400, (SAMPLES / "heartbeat_400.json").read_bytes()))
        beat = await account.heartbeat("stale")
        assert (beat.heartbeat_id, beat.accepted) == ("<expected_id>", False)
        client.site.script(Says(400, {"error": "something else"}))
        with pytest.raises(VenueError):
            await account.heartbeat("stale")
        client.site.script(Says(body={"closed_only": True}))
        assert await account.closed_only() is True


@in_loop
async def test_a_malformed_book_is_a_bad_row_among_many_and_an_error_alone() -> None:
    async with visiting() as client:
        good = json.loads((SAMPLES / "clob_book.json").read_text())
        bad = {**good, "bids": [{"price": "0.5"}]}
        client.site.script(Says(body=[good, bad]))
        books = await client.clob.public.books(["a", "b"])
        assert (len(books.rows), [row.index for row in books.bad_rows]) == (1, [1])
        client.site.script(Says(body=bad))
        with pytest.raises(VenueError):
            await client.clob.public.book("b")
