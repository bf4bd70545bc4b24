"""The ledger, loaded by Beancount itself: no error, no tolerance, and its balances are the books' positions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import convert, inventory
from beancount.core.data import Commodity, Custom, Open, Transaction
from beancount.core.interpolate import compute_residual
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.exported import BOSONA, LARGE, LIVED, WALLETS, exports
from oracle.history import life, observe
from support.database import in_loop
from tieout.app.exports.beancount_ledger import Ledger
from tieout.app.exports.beancount_names import Chart, NameClashError, commodity_of
from tieout.app.exports.beancount_text import number, quoted
from tieout.app.exports.evidence import Evidence
from tieout.app.exports.export import export
from tieout.app.exports.names import Names
from tieout.app.exports.request import ExportRequest, Form, What
from tieout.app.history import Moment, rebuild
from tieout.app.queries import read_books
from tieout.ledger.books import Books
from tieout.ledger.changes import all_changes
from tieout.ledger.facts import Act, AnyFact, FillObserved, Flow, ManualEntry, Role, Side
from tieout.ledger.rows import BookRows, all_rows
from tieout.store.wallets import wallet_id_of

WALLET = "0x" + "a1" * 20
OPTIONS = 'option "tolerance_multiplier" "0"\n'


@dataclass(frozen=True)
class Loaded:
    """A ledger as Beancount has it."""

    entries: list[Any]
    inventories: dict[str, inventory.Inventory]

    @property
    def transactions(self) -> list[Transaction]:
        return [entry for entry in self.entries if isinstance(entry, Transaction)]

    def of_token(self, kind: str) -> dict[str, inventory.Inventory]:
        """Accounts of one kind ("Assets") whose last part is a commodity, by token."""
        tokens = {o.meta["token-id"]: o.account for o in self.entries if isinstance(o, Open) and "token-id" in o.meta}
        return {
            token: self.inventories.get(kind + account.removeprefix("Assets"), inventory.Inventory())
            for token, account in tokens.items()
        }

    def micro(self, account: str) -> int:
        return micro_of(self.inventories.get(account, inventory.Inventory()))


def micro_of(held: inventory.Inventory) -> int:
    """Its collateral with what its lots cost, in micro-units; fails where that is no whole number."""
    amount = held.reduce(convert.get_cost).get_currency_units("PUSD").number * 1_000_000
    assert amount == int(amount)
    return int(amount)


def load(text: str) -> Loaded:
    entries, errors, options = loader.load_string(text)
    assert errors == []
    assert options["tolerance_multiplier"] == 0
    inventories: dict[str, inventory.Inventory] = defaultdict(inventory.Inventory)
    for entry in entries:
        if isinstance(entry, Transaction):
            assert compute_residual(entry.postings).is_empty(), entry
            for posting in entry.postings:
                inventories[posting.account].add_position(posting)
    return Loaded(entries, inventories)


def compare(loaded: Loaded, rows: BookRows, wallet: str) -> None:
    """Every figure of every position, and the collateral."""
    held = loaded.of_token("Assets")
    seen = {row.token_id: row for row in rows.positions}
    assert set(held) <= set(seen)
    for token_id, row in seen.items():
        mine = held.get(token_id, inventory.Inventory())
        commodity = commodity_of(token_id)
        lots = [position for position in mine if position.units.currency == commodity]
        assert len(lots) == (1 if row.shares else 0), "one lot, at the average cost"
        assert mine.get_currency_units(commodity).number * 1_000_000 == row.shares
        assert micro_of(mine) == row.cost_basis
    tokens = {commodity_of(token_id): row for token_id, row in seen.items()}
    for kind, name, sign in (("Income", "realized_pnl", -1), ("Expenses", "fees", 1)):
        found = {
            account.rpartition(":")[2]: sign * micro_of(amount)
            for account, amount in loaded.inventories.items()
            if account.startswith(kind) and account.rpartition(":")[2] in tokens
        }
        wanted = {commodity: getattr(row, name) for commodity, row in tokens.items() if getattr(row, name)}
        assert {commodity: amount for commodity, amount in found.items() if amount} == wanted
    unexplained = {
        account.split(":")[-2]: -micro_of(amount)
        for account, amount in loaded.inventories.items()
        if account.endswith(":Unexplained") and micro_of(amount)
    }
    wanted = {c: row.unexplained_proceeds for c, row in tokens.items() if row.unexplained_proceeds}
    assert unexplained == wanted
    settled = [entry.meta.get("time", "") for entry in loaded.transactions if entry.flag == "*"]
    assert settled == sorted(settled), "in canonical order"
    assert loaded.micro(Chart(wallet).collateral) == sum(row.cash for row in rows.movements)
    assert len(loaded.transactions) == len(rows.movements)


def written(facts: Iterable[AnyFact], names: Names | None = None, wallet: str = WALLET, **given: Any) -> str:
    """The ledger of *facts*, entry by entry of a log."""
    books, evidence = Books(), Evidence()
    for seq, fact in enumerate(facts, 1):
        books.merge(fact)
        evidence.hear(seq, fact)
    books.settle()
    evidence.settle(books.books.values())
    names = names or Names()
    names.place_books(books)
    ledger = Ledger(wallet, names, **given)
    lines = []
    for moved in all_changes(books.books.values()):
        lines += ledger.transaction(moved, evidence.of(moved.movement))
    return OPTIONS + "\n".join([*lines, *ledger.end()]) + "\n"


def rows_of(facts: list[AnyFact]) -> BookRows:
    books = Books()
    books.extend(facts)
    return all_rows(list(books.books.values()))


def fill(number: int, shares: int, collateral: int, at_s: int, status: str = "CONFIRMED") -> FillObserved:
    return FillObserved(
        trade_id=f"t{number}", order_id=f"0x{number:064x}", token_id="77", side=Side.BUY if shares > 0 else Side.SELL,
        shares=abs(shares), collateral=collateral, fee=1, role=Role.TAKER, status=status, occurred_at_ms=at_s * 1000,
    )  # fmt: skip


@pytest.mark.parametrize("chunk", range(4))
def test_the_ledger_of_any_history_loads_without_an_error_and_holds_the_positions(chunk: int) -> None:
    for seed in range(chunk, 100, 4):
        facts = observe(life(seed, 5 + seed % 55, window=seed % 5 == 0), seed)
        compare(load(written(facts)), rows_of(facts), WALLET)


@pytest.mark.parametrize("wallet", WALLETS)
def test_the_ledger_of_a_wallet_is_its_stored_books_with_the_log_named(exported_dsn: str, wallet: str) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            books = await read_books(asked.connection, wallet)
            text = (await asked.bytes(What.BEANCOUNT, Form.BEANCOUNT, wallet)).decode()
        loaded = load(text)
        compare(loaded, books.rows, wallet)
        (custom,) = [entry for entry in loaded.entries if isinstance(entry, Custom)]
        assert [value.value for value in custom.values] == ["log", books.head.seq, books.head.hash.hex()]

    run()


def test_the_ledger_as_of_a_time_is_the_books_of_that_time(exported_dsn: str) -> None:
    @in_loop
    async def run() -> None:
        moment = Moment(true_at_ms=1_789_456_380_000)
        async with exports(exported_dsn) as asked:
            wallet_id = await wallet_id_of(asked.connection, BOSONA)
            books = await rebuild(asked.connection, wallet_id or 0, moment)
            text = (await asked.bytes(What.BEANCOUNT, Form.BEANCOUNT, moment=moment)).decode()
        rows = all_rows(list(books.books.values()))
        assert [row.shares for row in rows.positions] == [150_700_268]
        compare(load(text), rows, BOSONA)

    run()


def test_a_transaction_tells_its_market_ids_and_evidence(exported_dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            rows = {row["movement"]: row for row in await asked.rows(What.MOVEMENTS)}
            loaded = load((await asked.bytes(What.BEANCOUNT, Form.BEANCOUNT)).decode())
            wallet_id = await wallet_id_of(asked.connection, BOSONA)
            facts = await asked.connection.fetch("SELECT seq, fact FROM log WHERE wallet_id = $1", wallet_id)
        said = {row["seq"]: row["fact"] for row in facts}
        for entry in loaded.transactions:
            meta, row = entry.meta, rows[entry.meta["movement"]]
            assert (meta["tx"], meta["kind"], meta["status"]) == (row["tx_hash"], row["kind"], row["status"])
            assert meta["time"] == row["time_utc"]
            assert meta["time"].startswith(str(entry.date))
            assert row["tx_hash"] in entry.links
            assert not row["order_id"] or (row["order_id"] in entry.links and meta["order"] == row["order_id"])
            assert entry.payee == row["market"]
            entries = [int(seq) for seq in meta["log"].split()]
            assert entries
            assert all(row["tx_hash"] in said[seq] for seq in entries)
        joined = [
            entry for entry in loaded.transactions if "order" in entry.meta and "row/" not in entry.meta["movement"]
        ]
        assert joined
        assert all(len(entry.meta["log"].split()) >= 2 for entry in joined), "the chain's log and the row of the index"

    run()


@pytest.mark.parametrize("seed", [3, 8, 14])
def test_without_the_entries_that_a_transaction_names_there_is_no_such_movement_and_no_other_for_it(seed: int) -> None:
    facts = observe(life(seed, 40), seed)
    loaded = load(written(facts))
    whole = {row.key for row in rows_of(facts).movements}
    assert {entry.meta["movement"] for entry in loaded.transactions} == whole
    for entry in loaded.transactions:
        named = {int(seq) for seq in entry.meta["log"].split()}
        left = {row.key for row in rows_of([fact for seq, fact in enumerate(facts, 1) if seq not in named]).movements}
        assert left < whole
        assert entry.meta["movement"] not in left


def test_what_is_not_settled_comes_last_and_is_marked_whenever_it_was_matched() -> None:
    facts: list[AnyFact] = [
        fill(1, 3, 1, 100_000),
        fill(2, -2, 1, 86_400 * 20),
        fill(3, -1, 1, 86_400 * 10, status="MATCHED"),
    ]
    loaded = load(written(facts))
    compare(loaded, rows_of(facts), WALLET)
    told = [(str(e.date), e.flag, e.meta["trade"], e.meta["time"][:10]) for e in loaded.transactions]
    assert told == [
        ("1970-01-02", "*", "t1", "1970-01-02"),
        ("1970-01-21", "*", "t2", "1970-01-21"),
        ("1970-01-21", "!", "t3", "1970-01-11"),
    ]


def test_a_share_of_a_cost_that_is_no_finite_decimal_is_exact_all_the_same() -> None:
    """3 shares for 1.000000, one of them sold for 0.400000: the example of `ledger.position`."""
    facts: list[AnyFact] = [fill(1, 3_000_000, 1_000_000, 1), fill(2, -1_000_000, 400_000, 2)]
    loaded = load(written(facts))
    (held,) = loaded.of_token("Assets").values()
    assert [(str(p.units.number), p.cost.number) for p in held if p.cost] == [("2.000000", Decimal("0.333333"))]
    assert held.get_currency_units("PUSD").number == Decimal("0.000001")
    assert micro_of(held) == 666_667
    (realized,) = loaded.of_token("Income").values()
    assert micro_of(realized) == -66_667


def test_a_lot_keeps_its_day_while_its_average_stays() -> None:
    facts: list[AnyFact] = [fill(n, shares, abs(shares) // 2, 86_400 * n) for n, shares in ((1, 10), (2, 6), (3, -4))]
    loaded = load(written(facts))
    compare(loaded, rows_of(facts), WALLET)
    (held,) = loaded.of_token("Assets").values()
    assert [(str(p.units.number), str(p.cost.date)) for p in held if p.cost] == [("0.000012", "1970-01-02")]
    changes = [
        [str(p.units.number) for p in entry.postings if p.units.currency != "PUSD"] for entry in loaded.transactions
    ]
    assert changes == [["0.000010"], ["0.000006"], ["-0.000004"]], "only the difference is posted"


def test_a_fee_of_what_is_no_fill_is_an_expense_of_the_wallet() -> None:
    about = {"who": "me", "why": "w", "condition_id": "C", "legs": ("77", "88")}
    facts: list[AnyFact] = [
        ManualEntry(entry_id="s", act=Act.SPLIT, shares=40, fee=8, occurred_at_ms=1_000, **about),
        ManualEntry(entry_id="m", act=Act.MERGE, shares=-10, fee=3, occurred_at_ms=2_000, **about),
        ManualEntry(entry_id="c", who="me", why="w", collateral=500, fee=20, occurred_at_ms=3_000),
    ]
    loaded = load(written(facts))
    compare(loaded, rows_of(facts), WALLET)
    chart = Chart(WALLET)
    assert loaded.micro(chart.fees) == 31
    assert loaded.micro(chart.flow(Flow.OTHER)) == -500


def test_a_ledger_that_is_off_by_the_smallest_part_does_not_load() -> None:
    """So that loading proves something: an amount, a lot and a balance, each changed in its last place."""
    text = written([fill(1, 3_000_000, 1_000_000, 1), fill(2, -1_000_000, 400_000, 2)])
    for right, wrong in (
        ("Collateral  -1.000001 PUSD", "Collateral  -1.000002 PUSD"),
        ("-1.000000 T77", "-1.000001 T77"),
        ("{0.333333 PUSD, 1970-01-01}", "{0.333334 PUSD, 1970-01-01}"),
        ("Collateral -0.600002 ~", "Collateral -0.600001 ~"),
    ):
        assert text.count(right) >= 1
        changed = text.replace(right, wrong, 1)
        assert loader.load_string(changed)[1] != [], right


def test_names_are_valid_stable_and_lead_back_to_their_ids() -> None:
    facts = observe(life(14, 50), 14)
    loaded = load(written(facts))
    commodities = {c.currency: c.meta["token-id"] for c in loaded.entries if isinstance(c, Commodity)}
    opened = {o.account: o.meta for o in loaded.entries if isinstance(o, Open)}
    assert len(commodities) > 5
    for name, token_id in commodities.items():
        assert re.fullmatch(r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]", name), "as Beancount 2 wants it, too"
        assert name == commodity_of(token_id)
    assert len(set(commodities.values())) == len(commodities)
    assert {meta["wallet"] for meta in opened.values()} == {WALLET}
    conditions = {row.token_id: row.condition_id for row in rows_of(facts).positions}
    for account, meta in opened.items():
        if "token-id" in meta:
            condition_id = conditions[meta["token-id"]]
            assert meta.get("condition-id", "") == condition_id
            assert account.split(":")[3].split("-")[0] == condition_id[:14]


def test_two_ids_that_would_have_one_name_are_refused() -> None:
    chart = Chart(WALLET)
    one, other = ("0x" + "ab" * 6 + middle * 24 + "cd" * 2 for middle in ("11", "22"))
    chart.shares("1", one)
    chart.shares("2", one)
    with pytest.raises(NameClashError, match="would both be called 0xabababababab-cdcd"):
        chart.shares("3", other)


def test_several_wallets_are_one_ledger_when_each_is_written_bare(tmp_path: Path, exported_dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with exports(exported_dsn) as asked:
            for wallet in (BOSONA, LARGE, *LIVED):
                request = ExportRequest(What.BEANCOUNT, Form.BEANCOUNT, commodities=False)
                data = b"".join([piece async for piece in export(asked.connection, wallet, request)])
                (tmp_path / f"{wallet}.beancount").write_bytes(data)

    run()
    main = tmp_path / "all.beancount"
    main.write_text("".join(f'include "{wallet}.beancount"\n' for wallet in (BOSONA, LARGE, *LIVED)))
    entries, errors, _ = loader.load_file(str(main))
    assert errors == []
    assert not [entry for entry in entries if isinstance(entry, Commodity)]
    assert len({entry.meta["wallet"] for entry in entries if isinstance(entry, Open)}) == len(WALLETS)


@given(st.text(st.characters(codec="utf-8"), max_size=20))
@settings(max_examples=60, deadline=None)
@example('Will "it" \\ end? \\n')
@example("two\nlines\r\n; no comment")
@example("\\")
def test_any_title_is_read_back_with_only_its_control_characters_made_blanks(title: str) -> None:
    names = Names(market={"C": title}, outcome={"77": title}, condition_of={"77": "C"})
    loaded = load(written([fill(1, 3, 1, 1)], names))
    cleaned = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", title)
    (transaction,) = loaded.transactions
    (commodity,) = [entry for entry in loaded.entries if isinstance(entry, Commodity)]
    assert (transaction.payee or "") == cleaned
    assert commodity.meta.get("market", "") == cleaned
    assert quoted(title).count("\n") == 0


@given(st.integers(-(10**24), 10**24))
def test_numbers_are_written_with_all_their_places_and_no_more(amount: int) -> None:
    text = number(amount)
    assert Decimal(text).scaleb(12) == amount
    places = text.partition(".")[2]
    assert len(places) == 6 or not places.endswith("0")
