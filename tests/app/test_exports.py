"""Tables: what an export says is what the books say, to the micro-unit, in every form and from every point of view."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections import defaultdict
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.exported import BOSONA, EVERYTHING, LARGE, LIVED, MARKS, WALLETS, book, exports, observed, read_csv
from support.database import connected, in_loop
from tieout.app.exports.csv_form import CsvForm, guarded, unguarded
from tieout.app.exports.export import Tally, export
from tieout.app.exports.parquet_form import ParquetForm
from tieout.app.exports.request import ExportRequest, Form, What
from tieout.app.exports.table import Kind
from tieout.app.exports.tables import LOTS, TABLES
from tieout.app.exports.tables import MARKS as MARKS_TABLE
from tieout.app.exports.text import exact_text, moment_text
from tieout.app.history import Moment
from tieout.app.queries import UnknownWalletError, read_books
from tieout.ledger.facts import FillObserved, Role, Side
from tieout.ledger.units import micro
from tieout.store.wallets import head_of, wallet_id_of

GENERATED = list(LIVED)


def amounts(row: dict[str, str], *names: str) -> tuple[int, ...]:
    return tuple(micro(row[name]) for name in names)


@in_loop
async def check_tables(dsn: str, wallet: str) -> None:
    async with exports(dsn) as asked:
        rows = (await read_books(asked.connection, wallet)).rows
        positions = {row["token_id"]: row for row in await asked.rows(What.POSITIONS, wallet)}
        orders = {row["order_id"]: row for row in await asked.rows(What.ORDERS, wallet)}
        movements = {row["movement"]: row for row in await asked.rows(What.MOVEMENTS, wallet)}
        fills = {row["movement"]: row for row in await asked.rows(What.FILLS, wallet)}
    assert len(positions) == len(rows.positions)
    for p in rows.positions:
        names = ("shares", "cost_basis_usd", "realized_pnl_usd", "fees_usd", "bought_usd", "sold_usd")
        names += ("unexplained_shares", "unexplained_proceeds_usd", "provisional_shares", "unsettled_shares")
        assert amounts(positions[p.token_id], *names) == p[3:]
        assert positions[p.token_id]["outcome_index"] == (str(p.outcome_index) if p.outcome_index >= 0 else "")
    assert len(orders) == len(rows.orders)
    for o in rows.orders:
        row = orders[o.order_id]
        told = amounts(row, "claimed_shares", "filled_shares", "failed_shares", "provisional_shares", "rejected_shares")
        assert told == (o.claimed, o.filled, o.failed, o.provisional, o.rejected_shares)
        assert (row["state"], row["side"], row["reason"]) == (o.state, o.side, o.reason)
        terms = amounts(row, "price_usd", "size_shares") if o.side else (row["price_usd"], row["size_shares"])
        assert terms == ((o.price, o.size) if o.side else ("", ""))
    assert len(movements) == len(rows.movements)
    for m in rows.movements:
        row = movements[m.key]
        assert amounts(row, "shares", "collateral_usd", "fee_usd", "cash_usd") == (
            m.shares,
            m.collateral,
            m.fee,
            m.cash,
        )
        assert (row["kind"], row["status"], row["role"]) == (m.kind, m.status, m.role)
        assert (row["token_id"], row["order_id"], row["tx_hash"]) == (m.token_id, m.order_id, m.tx_hash)
        assert row["time_utc"] == moment_text(m.occurred_at_ms)
        is_fill = m.kind in ("buy", "sell")
        assert (m.key in fills) == is_fill
        if is_fill:
            fill = fills[m.key]
            assert amounts(fill, "shares", "collateral_usd", "fee_usd") == (m.shares, m.collateral, m.fee)
            assert m.key == f"fill/{fill['trade_id']}/{m.order_id}" or not fill["trade_id"]
            assert bool(fill["trade_id"]) == m.key.startswith("fill/")


@pytest.mark.parametrize("wallet", WALLETS)
def test_tables_of_stored_rows_say_what_the_books_say(exported_dsn: str, wallet: str) -> None:
    check_tables(exported_dsn, wallet)


@pytest.mark.parametrize("wallet", WALLETS)
def test_the_tax_tables_tie_out_with_the_positions(exported_dsn: str, wallet: str) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            positions = await asked.rows(What.POSITIONS, wallet)
            tax, lots = await asked.rows(What.TAX, wallet), await asked.rows(What.LOTS, wallet)
            years, movements = await asked.rows(What.YEARS, wallet), await asked.rows(What.MOVEMENTS, wallet)
        gains, shares = defaultdict(int), defaultdict(int)
        for row in tax:
            gains[row["token_id"]] += micro(row["gain_average_usd"] or "0")
            assert not row["proceeds_net_usd"] or micro(row["proceeds_net_usd"]) == (
                micro(row["proceeds_gross_usd"]) - micro(row["fee_usd"])
            )
            if row["gain_fifo_usd"]:
                net = micro(row["gain_fifo_usd"]) - micro(row["fee_usd"]) - micro(row["fee_acquired_usd"])
                assert micro(row["gain_fifo_net_usd"]) == net
        for row in lots:
            shares[row["token_id"]] += micro(row["shares"])
        for row in positions:
            assert gains[row["token_id"]] == micro(row["realized_pnl_usd"])
            assert shares[row["token_id"]] == micro(row["shares"])
        for name in ("gain_fifo_usd", "gain_fifo_net_usd", "cost_fifo_usd", "proceeds_gross_usd", "fee_usd"):
            assert sum(micro(row[name] or "0") for row in years) == sum(micro(row[name] or "0") for row in tax)
        for row in years:
            parts = micro(row["gain_fifo_short_usd"] or "0") + micro(row["gain_fifo_long_usd"] or "0")
            assert parts == micro(row["gain_fifo_usd"] or "0")
        paid = ("REWARD", "MAKER_REBATE", "TAKER_REBATE", "REFERRAL_REWARD", "YIELD", "TIP")
        income = sum(micro(row["cash_usd"]) for row in movements if row["flow"] in paid)
        assert sum(micro(row["income_usd"] or "0") for row in years) == income

    run()


def plain(value: Any) -> str:
    """A value of a Parquet file as the CSV writes it."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        assert value.as_tuple().exponent == -6
        return f"{value:f}"
    return str(value) if isinstance(value, (int, str)) else moment_text(round(value.timestamp() * 1000))


@pytest.mark.parametrize("wallet", [BOSONA, GENERATED[0], GENERATED[1]])
def test_a_parquet_file_holds_the_cells_of_the_csv_in_exact_types_and_says_whose_books_it_is(
    exported_dsn: str, wallet: str
) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            head, _, _ = await head_of(asked.connection, await wallet_id_of(asked.connection, wallet) or 0)
            for what in EVERYTHING:
                rows = await asked.rows(what, wallet)
                table = pq.read_table(io.BytesIO(await asked.bytes(what, Form.PARQUET, wallet)))
                assert [{n: plain(v) for n, v in row.items()} for row in table.to_pylist()] == rows, what
                about = table.schema.metadata
                assert about[b"tieout.wallet"].decode() == wallet
                assert (about[b"tieout.log_seq"], about[b"tieout.log_hash"]) == (
                    str(head.seq).encode(),
                    head.hash.hex().encode(),
                )
                assert about[b"tieout.table"].decode() == what.value

    run()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_types_of_a_parquet_file_are_exact(table: Any) -> None:
    form = ParquetForm(table, {})
    schema = pq.read_schema(io.BytesIO(form.begin() + form.end()))
    wanted = {
        Kind.AMOUNT: pa.decimal128(38, 6),
        Kind.TIME: pa.timestamp("ms", tz="UTC"),
        Kind.COUNT: pa.int64(),
        Kind.TEXT: pa.string(),
        Kind.NAME: pa.dictionary(pa.int32(), pa.string()),
    }
    assert [(field.name, field.type) for field in schema] == [(c.name, wanted[c.kind]) for c in table.columns]
    assert all(schema.field(c.name).metadata[b"description"].decode() == c.says for c in table.columns)


def test_parquet_is_written_in_groups_as_the_rows_come() -> None:
    form = ParquetForm(MARKS_TABLE, {}, group=4)
    row = (1_790_000_000_000, *range(1, len(MARKS_TABLE.columns)))
    pieces = [form.begin(), *(form.rows([row] * 3) for _ in range(3)), form.end()]
    assert [bool(piece) for piece in pieces] == [True, False, True, True, True]
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [4, 4, 1]


@pytest.mark.parametrize("wallet", [BOSONA, *GENERATED])
def test_books_folded_again_to_their_last_entry_are_exported_byte_for_byte_as_the_stored_ones(
    exported_dsn: str, wallet: str
) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            head, _, _ = await head_of(asked.connection, await wallet_id_of(asked.connection, wallet) or 0)
            for what in (What.FILLS, What.ORDERS, What.MOVEMENTS, What.POSITIONS):
                stored = await asked.bytes(what, wallet=wallet)
                assert await asked.bytes(what, wallet=wallet, moment=Moment(known_seq=head.seq)) == stored
                half = await asked.bytes(what, wallet=wallet, moment=Moment(known_seq=head.seq // 2))
                assert half != stored

    run()


def test_as_of_and_as_known_are_the_books_of_that_time(exported_dsn: str) -> None:
    @in_loop
    async def run() -> None:
        noon = 1_789_456_380_000  # 2026-09-15T07:13:00Z
        async with exports(exported_dsn) as asked:
            fills = await asked.rows(What.FILLS, moment=Moment(true_at_ms=noon))
            assert [row["shares"] for row in fills] == ["2.702703", "56.567565", "91.430000"]
            held = await asked.rows(What.POSITIONS, moment=Moment(true_at_ms=noon))
            assert [row["shares"] for row in held] == ["150.700268"]
            lots = await asked.rows(What.LOTS, moment=Moment(true_at_ms=noon))
            assert [row["shares"] for row in lots] == [row["shares"] for row in fills]
            heard_first = await asked.rows(What.FILLS, GENERATED[0], moment=Moment(known_at_ms=1_999))
            assert 0 < len(heard_first) < len(await asked.rows(What.FILLS, GENERATED[0]))

    run()


@pytest.mark.parametrize("what", [What.FILLS, What.MOVEMENTS, What.ORDERS, What.TAX, What.MARKS])
def test_windows_that_follow_each_other_hold_every_row_once(exported_dsn: str, what: What) -> None:
    @in_loop
    async def run() -> None:
        wallet = BOSONA if what is What.MARKS else GENERATED[0]
        async with exports(exported_dsn) as asked:
            whole = await asked.rows(what, wallet)
            times = sorted({row[next(iter(row))] for row in whole} - {""})
            cut = _ms(times[len(times) // 2])
            parts = [await asked.rows(what, wallet, window) for window in ((None, cut), (cut, None))]
        assert len(parts[0]) * len(parts[1]) > 0
        assert parts[1][0][next(iter(whole[0]))] == times[len(times) // 2], "a window begins with its first millisecond"
        key = sorted(str(row) for part in parts for row in part)
        assert key == sorted(map(str, whole))

    run()


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_names_of_markets_and_outcomes_are_as_the_venue_told_them(exported_dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            rows = await asked.rows(What.FILLS)
            assert {row["market"] for row in rows} == {
                "Bitcoin Up or Down - September 15, 3:10AM-3:15AM ET",
                "Bitcoin Up or Down - September 15, 6:35AM-6:40AM ET",
                "Bitcoin Up or Down - September 18, 9:55AM-10:00AM ET",
            }
            assert {(row["outcome"], row["outcome_index"]) for row in rows} == {("Up", "0"), ("Down", "1")}
            assert all(row["condition_id"] for row in rows), "also of fills that the chain told, which names none"
            large = await asked.rows(What.MOVEMENTS, LARGE)
            assert "France vs. Spain: Team to Advance" in {row["market"] for row in large}

    run()


def test_marks_are_exported_as_they_were_made_and_unknown_cash_is_empty(exported_dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            rows = await asked.rows(What.MARKS)
        assert [row["time_utc"] for row in rows] == ["2026-09-21T14:13:20.123Z", "2026-09-21T14:14:20Z"]
        assert [row["cash_usd"] for row in rows] == ["", "5.000000"]
        assert [micro(row["pnl_usd"]) for row in rows] == [mark.pnl for mark in MARKS]
        assert [micro(row["unrealized_pnl_usd"]) for row in rows] == [mark.unrealized_pnl for mark in MARKS]

    run()


def _fills(count: int, first: int = 0) -> list[FillObserved]:
    return [
        FillObserved(
            trade_id=f"t{number}", order_id=f"0x{number:064x}", token_id="77", side=Side.BUY, shares=number + 1,
            collateral=number, fee=0, role=Role.MAKER, status="CONFIRMED", occurred_at_ms=1_700_000_000_000 + number,
        )
        for number in range(first, first + count)
    ]  # fmt: skip


def test_an_export_is_of_one_head_and_a_reader_that_leaves_gives_the_connection_back(dsn: str) -> None:
    wallet = "0x" + "d5" * 20

    @in_loop
    async def run() -> None:
        await book(dsn, wallet, [*_fills(2_500)])
        async with connected(dsn) as connection:
            tally = Tally()
            async with aclosing(export(connection, wallet, ExportRequest(What.FILLS), tally)) as pieces:
                data = [await anext(pieces)]
                assert tally.head is not None
                assert tally.head.seq == 2_500
                await book(dsn, wallet, [*_fills(500, first=2_500)])
                data += [piece async for piece in pieces]
            assert len(read_csv(b"".join(data))) == tally.rows == 2_500
            async with aclosing(export(connection, wallet, ExportRequest(What.FILLS))) as pieces:
                await anext(pieces)
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT count(*) FROM movements") == 3_000

    run()


def test_a_long_table_is_never_in_memory_as_a_whole(dsn: str) -> None:
    """What four times as many rows need at most is what one part needs."""

    async def peak(connection: Any, wallet: str) -> int:
        tracemalloc.start()
        async with aclosing(export(connection, wallet, ExportRequest(What.FILLS))) as pieces:
            async for _ in pieces:
                pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    @in_loop
    async def run() -> None:
        async with connected(dsn) as connection:
            peaks = []
            for wallet, count in (("0x" + "e1" * 20, 2_500), ("0x" + "e2" * 20, 10_000)):
                wallet_id = await connection.fetchval(
                    "INSERT INTO wallet (address) VALUES ($1) RETURNING wallet_id", wallet
                )
                await connection.execute(
                    "INSERT INTO movements SELECT $1, 'row/' || n, 'buy', n, 1::bigint << 62, '77', '', 1, 1, 0, -1, "
                    "'REPORTED', '', '', md5(n::text), '' FROM generate_series(1, $2::integer) n",
                    wallet_id,
                    count,
                )
                peaks.append(await peak(connection, wallet))
        assert peaks[1] < 1.5 * peaks[0], peaks

    run()


def test_a_wallet_without_books_is_told_before_anything_is_written(exported_dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            for what in EVERYTHING:
                with pytest.raises(UnknownWalletError, match="no books of wallet"):
                    await asked.bytes(what, wallet="0x" + "00" * 20)

    run()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"what": What.POSITIONS, "since_ms": 1}, "positions cannot be cut"),
        ({"what": What.YEARS, "until_ms": 1}, "years cannot be cut"),
        ({"what": What.BEANCOUNT, "form": Form.BEANCOUNT, "since_ms": 1}, "beancount cannot be cut"),
        ({"what": What.BEANCOUNT}, "beancount cannot be written as csv"),
        ({"what": What.FILLS, "form": Form.BEANCOUNT}, "fills cannot be written as beancount"),
        ({"what": What.FILLS, "since_ms": 5, "until_ms": 5}, "beginning of the time before its end"),
        ({"what": What.MARKS, "moment": Moment(true_at_ms=1)}, "there is none as of another time"),
    ],
)
def test_what_no_export_can_answer_is_refused_in_words(asked: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ExportRequest(**asked)


@given(st.text(st.characters(codec="utf-8"), max_size=12))
@example("=1+1")
@example("'=1+1")
@example("''@x")
@example(" \t-2")
@example("\uff1dcmd")
@example("\r\n+")
@example("-0.5")
def test_a_guarded_text_is_no_formula_and_comes_back_as_it_was(text: str) -> None:
    made = guarded(text)
    assert unguarded(made) == text
    assert not made.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert not made.startswith(("\t", "\r", "\n", "\0"))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(texts | st.sampled_from(['a"b', "x,y", "a\r\nb", "=HYPERLINK()", "\n"]), min_size=1), max_size=4)
)
def test_any_csv_that_is_written_is_read_back_as_it_was(rows: list[list[str]]) -> None:
    """By a strict reader of RFC 4180: every line ends with CRLF and has all fields."""
    form = CsvForm(LOTS)
    width = len(LOTS.columns)
    names = [i for i, column in enumerate(LOTS.columns) if column.kind in (Kind.TEXT, Kind.NAME)]
    given_rows = []
    for row in rows:
        cells: list[Any] = [None] * width
        for place, text in zip(names, row, strict=False):
            cells[place] = text
        given_rows.append(tuple(cells))
    data = form.begin() + form.rows(given_rows) + form.end()
    read = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert [[unguarded(text) for text in row] for row in read[1:]] == [[c or "" for c in row] for row in given_rows]
    assert data.endswith(b"\r\n")
    assert not [text for row in read[1:] for text in row if text.startswith(("=", "+", "-", "@", "\n", "\r", "\t"))]


@given(st.integers(-(2**63), 2**63))
def test_amounts_are_written_with_six_places_and_read_back_exactly(amount: int) -> None:
    text = exact_text(amount)
    assert Decimal(text).scaleb(6) == amount
    assert len(text.partition(".")[2]) == 6


def test_the_documents_say_what_every_column_means() -> None:
    document = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8").splitlines()
    lines = {f"| `{column.name}` | {column.says} |" for table in TABLES for column in table.columns}
    assert sorted(lines - set(document)) == [], "a line of docs/exports.md for each column"


def test_generated_wallets_have_something_of_everything() -> None:
    """So that the tests above are about more than two plain wallets."""
    kinds = {type(fact).__name__ for seed in LIVED.values() for fact in observed(seed)}
    assert kinds >= {"PositionSplit", "PositionsMerged", "PayoutRedeemed", "CashFlowed", "ManualEntry", "FillObserved"}
