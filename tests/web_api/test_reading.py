"""What the interface reads is what the database holds, in the form that the document says."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any

import httpx
import pytest

from support.database import ADDRESS
from tieout.app.desk import entries
from tieout.ledger.rows import MovementRow, OrderRow, PositionRow, share_changes
from web_api.calls import WALLETS, calls, send
from web_api.schema import faults
from web_api.stage import BOSONA, Stage

W = f"/wallets/{ADDRESS}"


def got(desk: httpx.Client, path: str, **query: Any) -> Any:
    answer = desk.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of_wallet(stage: Stage, table: str, wallet: str = ADDRESS) -> list[dict[str, Any]]:
    rows = stage.query(f"SELECT t.* FROM {table} t JOIN wallet USING (wallet_id) WHERE address = $1", wallet)
    return [dict(row) for row in rows]


def test_every_reading_operation_answers_what_the_document_says(desk: httpx.Client, stage: Stage) -> None:
    tried = set()
    for wallet in WALLETS:
        for call in calls(stage, wallet):
            if call.method != "GET":
                continue
            tried.add(call.id)
            answer = send(desk, call)
            assert answer.status_code == 200, (call, answer.text)
            content = answer.headers["content-type"].partition(";")[0]
            assert content in call.operation["responses"]["200"]["content"], call.id
            if (schema := call.schema()) is not None:
                assert list(faults(answer.json(), schema)) == [], call.id
    assert len(tried) == 20


def test_positions_are_those_of_the_database_to_the_micro_unit(desk: httpx.Client, stage: Stage) -> None:
    for wallet in WALLETS:
        stored = {row["token_id"]: row for row in of_wallet(stage, "positions", wallet)}
        told = got(desk, f"/wallets/{wallet}/positions", show="all")["items"]
        assert {each["token_id"] for each in told} == stored.keys()
        for each in told:
            row = stored[each["token_id"]]
            assert {name: each[name] for name in PositionRow._fields[:3]} == {
                n: row[n] for n in PositionRow._fields[:3]
            }
            assert {name: each[name] for name in PositionRow._fields[3:]} == {
                name: str(row[name]) for name in PositionRow._fields[3:]
            }
        held = got(desk, f"/wallets/{wallet}/positions")["items"]
        assert held == [each for each in told if each["shares"] != "0"]
    assert held == [], "the recorded markets end with nothing held"


def test_orders_and_movements_are_those_of_the_database(desk: httpx.Client, stage: Stage) -> None:
    orders = {row["order_id"]: row for row in of_wallet(stage, "orders")}
    told = got(desk, f"{W}/orders", state="all", limit=1000)["items"]
    assert {each["order_id"] for each in told} == orders.keys()
    amounts = {"price", "size", "claimed", "filled", "failed", "provisional"}
    for each in told:
        row = orders[each["order_id"]]
        for name in set(OrderRow._fields) - {"rejected_shares"}:
            assert each[name] == (str(row[name]) if name in amounts else row[name])
    states = {row["state"] for row in orders.values()}
    assert len(states) > 2
    for state in states:
        found = got(desk, f"{W}/orders", state=state, limit=1000)["items"]
        assert {each["order_id"] for each in found} == {name for name, row in orders.items() if row["state"] == state}
    conditions = {row["token_id"]: row["condition_id"] for row in of_wallet(stage, "positions")}
    movements = {row["key"]: row for row in of_wallet(stage, "movements")}
    for row in movements.values():
        # A log of the chain names the token alone; what is told has the condition, too.
        row["condition_id"] = row["condition_id"] or conditions.get(row["token_id"], "")
    told = got(desk, f"{W}/movements", limit=1000)["items"]
    assert {each["key"] for each in told} == movements.keys()
    for each in told:
        row = movements[each["key"]]
        for name in set(MovementRow._fields) - {"legs", "chain_position"}:
            assert each[name] == (str(row[name]) if name in ("shares", "collateral", "fee", "cash") else row[name])
        assert [(one["token_id"], int(one["shares"])) for one in each["changes"]] == share_changes(row)
        assert each["block"] is None or each["block"] << 24 | each["log_index"] == row["chain_position"]
    assert any(each["block"] for each in told)
    assert any(len(each["changes"]) > 1 for each in told)


def test_filters_leave_what_they_name_and_nothing_else(desk: httpx.Client) -> None:
    every = got(desk, f"{W}/movements", limit=1000)["items"]
    fills = got(desk, f"{W}/fills", limit=1000)["items"]
    assert fills == [each for each in every if each["kind"] in ("buy", "sell")]
    one = next(each for each in fills if each["order_id"])
    for name, field in (("market", "condition_id"), ("token", "token_id"), ("order", "order_id"), ("status", "status")):
        found = got(desk, f"{W}/fills", limit=1000, **{name: one[field]})["items"]
        assert found == [each for each in fills if each[field] == one[field]]
        assert 0 < len(found) < len(fills)
    sets = got(desk, f"{W}/movements", kind=["split", "merge"], limit=1000)["items"]
    assert sets == [each for each in every if each["kind"] in ("split", "merge")]
    assert {each["kind"] for each in sets} == {"split", "merge"}
    market = one["condition_id"]
    upper = f"0x{market[2:].upper()}"
    orders = got(desk, f"{W}/orders", state="all", market=upper, limit=1000)["items"]
    assert {each["condition_id"] for each in orders} == {market}
    positions = got(desk, f"{W}/positions", show="all", market=upper)["items"]
    assert {each["condition_id"] for each in positions} == {market}


def test_markets_show_their_books_quotes_and_controls(desk: httpx.Client, stage: Stage) -> None:
    first, second = stage.names["conditions"][:2]
    market = got(desk, f"{W}/markets/{first}")
    assert (market["question"], market["bid"], market["ask"], market["fair"]) == ("Rain?", "440000", "470000", "450000")
    assert [len(side["bids"]) for side in market["book"]] == [2, 1]
    assert (market["resting"][0]["order_id"], market["resting"][0]["size"]) == ("0x01", "5000000")
    assert (market["quotes"][0]["tier"], market["open_incidents"]) == (0, 1)
    assert {each["token_id"] for each in market["positions"]} == set(market["token_ids"])
    listed = {each["condition_id"]: each for each in got(desk, f"{W}/markets", limit=1000)["items"]}
    assert listed[first] == {name: market[name] for name in listed[first]}
    assert listed.keys() == {row["condition_id"] for row in of_wallet(stage, "positions")}
    assert listed[second]["control"]["state"] == "paused"
    assert got(desk, f"{W}/markets/{second}")["deciding"]["who"] == "ann"


def test_profit_and_incidents_are_what_was_kept(desk: httpx.Client, stage: Stage) -> None:
    rows = of_wallet(stage, "positions")
    pnl = got(desk, f"{W}/pnl")
    assert pnl["realized_pnl"] == str(sum(row["realized_pnl"] for row in rows))
    assert (pnl["cost_basis"], pnl["fees"]) == tuple(str(sum(row[n] for row in rows)) for n in ("cost_basis", "fees"))
    marks = sorted(of_wallet(stage, "portfolio_mark"), key=lambda row: row["at_ms"])
    assert pnl["mark"]["at_ms"] == marks[-1]["at_ms"]
    since = marks[2]["at_ms"]
    history = got(desk, f"{W}/pnl/history", since=since, until=marks[-2]["at_ms"])
    assert [each["at_ms"] for each in history["items"]] == [row["at_ms"] for row in marks[2:-1]]
    assert {each["cost_basis"] for each in history["items"]} == {"6000000"}
    assert got(desk, f"{W}/pnl/history")["since_ms"] == marks[0]["at_ms"]
    open_ = got(desk, f"{W}/incidents")
    assert {each["incident_id"] for each in open_["items"]} == set(stage.names["issues"])
    assert (open_["items"][0]["severity"], open_["more"]) == ("ERROR", False)
    every = got(desk, f"{W}/incidents", open="false", limit=3)
    assert (len(every["items"]), every["more"]) == (3, True)
    closed = [each for each in got(desk, f"{W}/incidents", open="false")["items"] if not each["is_open"]]
    assert [each["acknowledged_by"] for each in closed] == ["ann"]
    story = got(desk, f"{W}/incidents/{stage.names['issues'][0]}")
    assert (story["evidence"]["expected"], story["run"]["job"]) == (5, "full_sync")
    assert "tieout explain" in story["guide"]["to_do"]


def test_anybody_can_check_the_log_from_what_is_told(desk: httpx.Client) -> None:
    head = got(desk, f"/wallets/{BOSONA}")["head"]
    hashed = bytes(32)
    for each in got(desk, f"/wallets/{BOSONA}/log", after=0, limit=1000)["items"]:
        fields = ("seq", "book", "occurred_at_ms", "received_at_ms", "raw_id", "source", "digest", "fact")
        hashed = sha256(hashed + "".join(f"\n{each[name]}" for name in fields).encode()).digest()
        assert each["hash"] == hashed.hex()
        assert json.loads(each["fact"])["kind"] == each["kind"]
    assert head == {"seq": 34, "hash": hashed.hex()}
    entry = got(desk, f"/wallets/{BOSONA}/log/20")
    assert (entry["is_whole"], entry["previous_hash"]) == (True, got(desk, f"/wallets/{BOSONA}/log/19")["hash"])
    raw = got(desk, f"/wallets/{BOSONA}/raw/{entry['raw_id']}")
    assert (20 in raw["entries"], json.loads(raw["body"])["proxyWallet"]) == (True, BOSONA)


def test_a_message_that_is_no_text_is_told_byte_for_byte(desk: httpx.Client, stage: Stage) -> None:
    raw = got(desk, f"{W}/raw/{stage.names['raw']}")
    assert (raw["encoding"], base64.b64decode(raw["body"])) == ("base64", b"\xff\xfe no text")
    assert raw["problems"] == [{"code": "undecodable", "message": "no JSON"}]
    other = desk.get(f"/wallets/{BOSONA}/raw/{stage.names['raw']}")
    assert other.status_code == 404, "a message of another wallet is not told"


@pytest.mark.parametrize("chunk", [entries.CHUNK, 3])
def test_the_log_can_be_read_as_of_any_moment(desk: httpx.Client, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(entries, "CHUNK", chunk)  # the recorded log is shorter than a chunk
    path = f"/wallets/{BOSONA}/log"
    every = got(desk, path, limit=1000)["items"]
    assert [each["seq"] for each in every] == list(range(34, 0, -1))
    assert got(desk, path, as_known_seq=12)["items"] == every[-12:]
    assert got(desk, path, as_known=1)["items"] == []
    timed = [each for each in every if each["occurred_at_ms"]]
    then = timed[len(timed) // 2]["occurred_at_ms"]
    found = got(desk, path, as_of=then)["items"]
    assert found == [
        e for e in every if e["occurred_at_ms"] <= then and (e["occurred_at_ms"] or e["kind"] == "token_listed")
    ]
    assert 0 < len(found) < 34
    assert got(desk, path, as_of=then, limit=2)["items"] == found[:2]
    assert got(desk, path, as_of=then, below=found[1]["seq"], limit=1000)["items"] == found[2:]


def test_metrics_are_those_of_the_command_line_and_count_what_is_asked_for(address: str, stage: Stage) -> None:
    plain = httpx.get(f"{address}/metrics")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert f"tieout_wallets {len(stage.query('SELECT FROM wallet'))}.0" in plain.text
    assert 'condition="' not in plain.text
    assert 'condition="' in httpx.get(f"{address}/metrics", params={"markets": 1}).text
    assert httpx.get(f"{address}/metrics", params={"market": 1}).status_code == 400
