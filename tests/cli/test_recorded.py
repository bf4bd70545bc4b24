"""The recorded wallets through the whole command line: the figures of real/INDEX.md, and the shapes of every answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.command_line import CommandLine

FIGURES = {"1789456200": 65_047_699, "1789468500": 63_270_100, "1789739700": -101_340_000}
JOINED = {
    "0x2102dbbdcda563c858cc419e05530786d3287775c2f8300cbcf6f04a7dd51ec1": "1789468500",
    "0x2c76e733a2633f69306250462d4c7dae512df3314340d2cc8248517d8be85482": "1789739700",
}
ANONYMOUS_OWNER = "000000000-0000-0000-0000-000000000000"
FOLDERS = ("samples", "real")
POSITION = {"condition_id", "token_id", "shares", "cost_basis", "realized_pnl", "fees", "provisional_shares"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_recorded_folder_is_imported_without_an_error(
    tieout: CommandLine, wallet: str, shared: Path, folder: str
) -> None:
    done = tieout("import", "--wallet", wallet, shared / folder, "--json", code=None)
    assert done.code in (0, 1)  # 1: nothing in it is about this wallet
    assert done.json["messages"] > 0
    assert [problem for problem in done.json["problems"] if problem["error"]] == []
    assert done.err == ""


def test_complete_markets_end_with_the_recorded_profit_and_nothing_held(bosona_books: Any, shared: Path) -> None:
    for market, expected in FIGURES.items():
        recording = json.loads((shared / "real" / "activity" / f"{market}.json").read_bytes())
        condition = recording["rows"][0]["conditionId"]
        rows = [row for row in bosona_books["positions"] if row["condition_id"] == condition]
        assert sum(int(row["realized_pnl"]) - int(row["fees"]) for row in rows) == expected
        assert {(row["shares"], row["cost_basis"]) for row in rows} == {("0", "0")}


def test_a_row_and_a_receipt_of_one_trade_are_one_fill(tieout: CommandLine, bosona: str) -> None:
    fills = tieout("fills", "--wallet", bosona, "--json").json
    for tx_hash in JOINED:
        assert [row["status"] for row in fills if row["tx_hash"] == tx_hash] == ["SETTLED"]
        facts = tieout("explain", tx_hash, "--wallet", bosona, "--json").json["facts"]
        assert {fact["fact"]["kind"] for fact in facts} >= {"trade_reported", "order_filled"}


def test_matched_then_confirmed_is_one_fill(tieout: CommandLine, wallet: str, shared: Path) -> None:
    tieout("import", "--wallet", wallet, "--owner", ANONYMOUS_OWNER, shared / "real" / "user-channel")
    fills = tieout("fills", "--wallet", wallet, "--json").json
    assert sorted((row["shares"], row["status"]) for row in fills) == [
        ("5000000", "CONFIRMED"),
        ("5000000", "MATCHED"),
        ("7000000", "MATCHED"),
    ]


def test_importing_again_in_another_order_changes_nothing(
    tieout: CommandLine, bosona: str, bosona_books: Any, shared: Path
) -> None:
    again = tieout(
        "import",
        "--wallet",
        bosona.upper().replace("0X", "0x"),
        shared / "real/receipts",
        shared / "real/activity",
        "--json",
    )
    assert again.json["new_facts"] == 0
    assert tieout("books", "--wallet", bosona, "--json").json == bosona_books


def test_books_as_json(bosona: str, bosona_books: Any) -> None:
    books = bosona_books
    assert list(books) == ["wallet", "head", "collateral", "positions"]
    assert books["wallet"] == bosona
    assert isinstance(books["head"]["seq"], int)
    assert len(bytes.fromhex(books["head"]["hash"])) == 32
    assert all(int(amount) or amount == "0" for amount in books["collateral"].values())
    for position in books["positions"]:
        assert position.keys() >= POSITION
        assert all(isinstance(position[name], str) for name in POSITION)


def test_the_collateral_of_the_books_is_what_their_movements_moved(
    tieout: CommandLine, bosona: str, bosona_books: Any
) -> None:
    net = bosona_books["collateral"]["net"]
    assert int(net) == sum(int(row["cash"]) for row in tieout("fills", "--wallet", bosona, "--json").json)
    assert int(net) == sum(FIGURES.values())


def test_audit_as_json_is_one_row_an_invariant(tieout: CommandLine, bosona: str) -> None:
    rows = tieout("audit", "--wallet", bosona, "--json").json
    assert all({"id", "holds", "checked", "violations"} <= row.keys() for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    holds = {row["id"]: row["holds"] for row in rows}
    assert {holds[name] for name in ("I2", "I3", "F3", "C2", "L1", "L2")} == {True}
    assert holds["I1"] is None  # needs the chain


def test_audit_ends_with_1_when_something_does_not_hold(tieout: CommandLine, large: str) -> None:
    done = tieout("audit", "--wallet", large, code=1)
    assert "NOT tied out: 1 invariant does not hold (I3)" in done.out
    rows = {row["id"]: row for row in tieout("audit", "--wallet", large, "--json", code=1).json}
    assert len(rows["I3"]["violations"]) == 10


def test_a_window_of_history_makes_no_profit_of_what_it_never_saw_bought(tieout: CommandLine, large: str) -> None:
    """The window pays out 42.39 M and shows purchases of 1.31 M: what lies between is unexplained, not profit."""
    positions = tieout("books", "--wallet", large, "--json").json["positions"]
    assert sum(int(row["realized_pnl"]) for row in positions) == 0
    assert sum(int(row["unexplained_proceeds"]) for row in positions) == 42_393_094_702_167 - 1_307_151_304_540


def test_replay_verifies_the_log_and_the_stored_books(tieout: CommandLine, bosona: str, large: str) -> None:
    for wallet in (bosona, large):
        done = tieout("replay", "--verify", "--wallet", wallet, "--json").json
        head = tieout("books", "--wallet", wallet, "--json").json["head"]
        assert (done["holds"], done["head"], done["entries"]) == (True, head, head["seq"])
        assert done["chain_breaks"] == done["differences"] == []


def test_log_as_json_is_the_end_of_the_chain(tieout: CommandLine, bosona: str, bosona_books: Any) -> None:
    head = bosona_books["head"]
    entries = tieout("log", "--wallet", bosona, "--last", "3", "--json").json
    assert [entry["seq"] for entry in entries] == [head["seq"] - 2, head["seq"] - 1, head["seq"]]
    assert entries[-1]["hash"] == head["hash"]


def test_as_of_shows_what_was_true_then(tieout: CommandLine, bosona: str) -> None:
    before = tieout("books", "--wallet", bosona, "--as-of", "2026-09-15T07:13:00", "--json").json
    assert {p["token_id"][:6]: p["shares"] for p in before["positions"]} == {"427831": "150700268"}
    assert tieout("books", "--wallet", bosona, "--as-of", "2026-01-01", "--json").json["positions"] == []
    fills = tieout("fills", "--wallet", bosona, "--as-of", "2026-09-15T07:13:00", "--json").json
    assert [row["shares"] for row in fills] == ["2702703", "56567565", "91430000"]
    assert "as true at 2026-09-15 07:13:00 UTC" in tieout("books", "--wallet", bosona, "--as-of", "1789456380").out


def test_as_known_shows_what_was_believed_then(tieout: CommandLine, bosona: str, bosona_books: Any) -> None:
    now = bosona_books
    nothing = tieout("books", "--wallet", bosona, "--as-known", "2020-01-01", "--json").json
    everything = tieout("books", "--wallet", bosona, "--as-known", f"#{now['head']['seq']}", "--json").json
    assert nothing["positions"] == []
    assert everything == now
    first = tieout("log", "--wallet", bosona, "--as-known", "#1", "--json").json
    assert [entry["seq"] for entry in first] == [1]


def test_explain_takes_the_shortened_ids_of_the_tables(tieout: CommandLine, bosona: str, bosona_books: Any) -> None:
    condition = bosona_books["positions"][0]["condition_id"]
    whole = tieout("explain", condition, "--wallet", bosona, "--json").json
    assert tieout("explain", f"{condition[:8]}…{condition[-4:]}", "--wallet", bosona, "--json").json == whole
    assert tieout("explain", f"{condition[:8]}...{condition[-4:]}", "--wallet", bosona, "--json").json == whole
    assert tieout("explain", "0xdead…beef", "--wallet", bosona, code=2).err.startswith("error no id of this wallet")


def test_explain_of_a_condition_tells_every_movement_of_its_tokens(
    tieout: CommandLine, bosona: str, bosona_books: Any
) -> None:
    """Also those of chain logs, which name the token alone."""
    positions = bosona_books["positions"]
    for condition in {row["condition_id"] for row in positions}:
        found = tieout("explain", condition, "--wallet", bosona, "--json").json["steps"]
        held: dict[str, tuple[str, str]] = {}
        for step in found:
            assert held.get(step["token_id"], ("0", "0")) == (step["shares_before"], step["cost_before"])
            held[step["token_id"]] = (step["shares_after"], step["cost_after"])
        assert held == {
            row["token_id"]: (row["shares"], row["cost_basis"]) for row in positions if row["condition_id"] == condition
        }


def test_explain_of_a_name_nobody_spoke_of_ends_with_1(tieout: CommandLine, bosona: str) -> None:
    assert "nothing in the log" in tieout("explain", "0x" + "77" * 32, "--wallet", bosona, code=1).out
    then = tieout("explain", next(iter(JOINED)), "--wallet", bosona, "--as-of", "2026-01-01", code=1)
    assert "as true at 2026-01-01 00:00:00 UTC" in then.out


def test_the_state_of_the_database(tieout: CommandLine, bosona: str, large: str) -> None:
    wallets: dict[str, Any] = {row["address"]: row for row in tieout("db", "status", "--json").json["wallets"]}
    assert (wallets[bosona]["entries"], wallets[bosona]["messages"], wallets[bosona]["problems"]) == (34, 25, 0)
    assert (wallets[large]["problems"], wallets[large]["epoch"]) == (5, wallets[bosona]["epoch"])
    assert Path(tieout("db", "path", "--json").json["data"]) == tieout.home / "postgres"
    assert "newest schema" in tieout("db", "migrate").out
