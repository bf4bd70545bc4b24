"""What is done by the interface is done, told, and written down with who and why."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from store.operations import leased
from store.test_log import booked
from support.database import connected
from tieout.app.adjusting import book_asked
from tieout.ledger.facts import AnyFact, FillObserved, ManualEntry, OutcomeTokenListed, Role, Side, decode
from tieout.store import controls, requests, runs
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State
from tieout.store.requests import LATE_MS
from tieout.store.runs import Action, Finding, IssueType, Severity
from web_api.schema import faults, schema_of
from web_api.stage import AUTHORIZED, Stage, client
from web_security.stage import Clock

CONDITION = "0x" + "c7" * 32
TOKEN_ID = "7" * 76
FACTS = [
    OutcomeTokenListed(token_id=TOKEN_ID, condition_id=CONDITION, outcome_index=0),
    OutcomeTokenListed(token_id="8" * 76, condition_id=CONDITION, outcome_index=1),
    FillObserved(
        trade_id="t", order_id="0x01", token_id=TOKEN_ID, condition_id=CONDITION, side=Side.BUY, shares=10_000_000,
        collateral=4_000_000, fee=0, role=Role.MAKER, status="CONFIRMED", occurred_at_ms=1_000,
    ),
]  # fmt: skip

_wallets = iter(f"0xac{number:038x}" for number in range(1_000))


class Wallet:
    """A wallet of a test's own, and whoever has the token."""

    def __init__(self, stage: Stage, desk: httpx.Client) -> None:
        self.address = next(_wallets)
        self.stage, self.desk = stage, desk
        self.id = stage.run(booked(stage.dsn, FACTS, self.address))

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        """Something is asked of the wallet; what comes back is what the document says."""
        body = {"who": "ann's bot", **body}
        answer = self.desk.post(f"/wallets/{self.address}/{path}", json=body, headers=AUTHORIZED)
        assert answer.status_code == status, answer.text
        if "location" in answer.headers:
            assert self.desk.get(answer.headers["location"].removeprefix("/api/v1")).status_code == 200
        return answer.json()

    def get(self, path: str) -> Any:
        """Something of it is read."""
        answer = self.desk.get(f"/wallets/{self.address}/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def deeds(self) -> list[tuple[str, ...]]:
        """What was written down: who, what, subject, why, outcome."""
        query = "SELECT who, what, subject, reason, outcome FROM deed WHERE wallet_id = $1 ORDER BY seq"
        return [tuple(row) for row in self.stage.query(query, self.id)]


@pytest.fixture
def wallet(stage: Stage, desk: httpx.Client) -> Wallet:
    return Wallet(stage, desk)


def test_pauses_halts_and_resumes_are_done_told_and_written_down(wallet: Wallet) -> None:
    done = wallet.post("actions/pause", why="  the feed \n lags ")
    assert list(faults(done, schema_of("Done"))) == []
    assert done == {"changed": True, "words": "the whole wallet is paused", "request_id": None}
    assert wallet.post("actions/pause", why="the feed lags")["changed"] is False
    held = wallet.get("controls")["wallet"]
    assert (held["state"], held["who"], held["reason"], held["lift"]) == (
        "paused",
        "ann's bot",
        "the feed lags",
        "person",
    )
    assert wallet.post("actions/halt", why="drift", market=CONDITION.upper().replace("X", "x"))["changed"]
    assert wallet.get(f"markets/{CONDITION}")["deciding"]["state"] == "halted"
    assert wallet.post("actions/resume", why="fine", market=CONDITION)["changed"]
    assert wallet.post("actions/cancel-all", why="going home", who="ann")["words"].startswith(
        "the whole wallet is paused"
    )
    assert wallet.get("controls")["wallet"]["reason"] == "cancel all orders: going home"
    assert wallet.post("actions/resume", why="back")["changed"]
    assert [(who, what, subject, why) for who, what, subject, why, _ in wallet.deeds()] == [
        ("ann's bot", "pause", "", "the feed lags"),
        ("ann's bot", "pause", "", "the feed lags"),
        ("ann's bot", "halt", CONDITION, "drift"),
        ("ann's bot", "resume", CONDITION, "fine"),
        ("ann", "cancel-all", "", "going home"),
        ("ann's bot", "resume", "", "back"),
    ]
    assert [each["state"] for each in wallet.get("controls?limit=3")["changes"]] == ["active", "paused", "active"]


def test_what_an_invariant_halted_takes_force_and_a_refusal_is_written_down(wallet: Wallet, stage: Stage) -> None:
    async def halt() -> None:
        async with connected(stage.dsn) as connection:
            command = Command(WHOLE_WALLET, State.HALTED, "L1: a row differs", "worker", Actor.INVARIANT)
            await controls.set_state(connection, wallet.id, command, 1)

    stage.run(halt())
    refused = wallet.post("actions/resume", 409, why="hm")
    assert (refused["type"], refused["detail"][:34]) == ("/api#refused", "the whole wallet stays as it is: h")
    assert "resume with force" in refused["detail"]
    assert wallet.post("actions/resume", why="found it", force=True)["changed"]
    assert [outcome[:8] for *_, outcome in wallet.deeds()] == ["refused:", "the whol"]


def test_an_incident_is_acknowledged_once(wallet: Wallet, stage: Stage) -> None:
    async def raise_issue() -> int:
        async with connected(stage.dsn) as connection:
            finding = Finding(IssueType.POSITION_DRIFT, Severity.ERROR, Action.LOGGED, "differs", CONDITION)
            return await runs.raise_issue(connection, wallet.id, finding, 1)

    issue = stage.run(raise_issue())
    assert wallet.post("actions/acknowledge", issue=issue, who="ann")["changed"]
    told = wallet.post("actions/acknowledge", issue=issue)
    assert (told["changed"], "ann already" in told["words"]) == (False, True)
    assert wallet.get(f"incidents/{issue}")["acknowledged_by"] == "ann"
    assert wallet.get("incidents")["items"] == []
    assert "no incident 99" in wallet.post("actions/acknowledge", 409, issue=99)["detail"]


def test_what_a_worker_is_asked_can_be_looked_up(wallet: Wallet, stage: Stage) -> None:
    clock = Clock()
    with client(stage.serve(clock)) as other:
        wallet.desk = other
        done = wallet.post("actions/full-sync", 202, why="")
        found = wallet.get(f"requests/{done['request_id']}")
        assert (found["kind"], found["state"], found["who"]) == ("full_sync", "waiting", "ann's bot")
        clock.ms += LATE_MS + 1
        assert wallet.get(f"requests/{done['request_id']}")["state"] == "late"

        async def carry_out() -> None:
            async with connected(stage.dsn) as connection:
                await requests.done(connection, wallet.id, done["request_id"], "compared", clock.ms)

        stage.run(carry_out())
        found = wallet.get(f"requests/{done['request_id']}")
        assert (found["state"], found["outcome"], found["done_at_ms"]) == ("done", "compared", clock.ms)
    assert wallet.deeds()[0][1] == "full-sync"


BUY = {"kind": "buy", "why": "OTC", "name": "7777777", "shares": "5000000", "amount": "2500000", "fee": "10000"}


def test_an_entry_is_shown_and_then_booked_as_it_was_shown(wallet: Wallet) -> None:
    shown = wallet.post("entries/preview", **BUY)
    assert list(faults(shown, schema_of("Shown"))) == []
    [change] = shown["changes"]
    assert (change["before"]["shares"], change["after"]["shares"]) == ("10000000", "15000000")
    assert (change["after"]["cost_basis"], change["after"]["fees"]) == ("6500000", "10000")
    assert int(shown["collateral_after"]) - int(shown["collateral_before"]) == -2_510_000
    assert wallet.get("positions")["items"][0]["shares"] == "10000000", "nothing is booked by looking"
    sent = {**BUY, "at_ms": shown["at_ms"], "effect": shown["effect"]}
    booked_ = wallet.post("entries", 201, **sent)
    assert list(faults(booked_, schema_of("Booked"))) == []
    assert booked_["entry_id"] == shown["entry_id"]
    assert wallet.get("positions")["items"][0]["shares"] == "15000000"
    fact = decode(wallet.get(f"log/{booked_['seq']}")["fact"])
    assert isinstance(fact, ManualEntry)
    assert (fact.who, fact.why, fact.shares, fact.occurred_at_ms) == ("ann's bot", "OTC", 5_000_000, shown["at_ms"])
    again = wallet.post("entries", 409, **sent)
    assert again["detail"].startswith("nothing was booked: the books changed since it was shown")
    assert wallet.deeds() == [
        ("ann's bot", "adjust: buy", shown["entry_id"], "OTC", f"booked as entry #{booked_['seq']} of the log")
    ]


def test_every_kind_of_entry_can_be_shown_and_reversed(wallet: Wallet) -> None:
    kinds: tuple[dict[str, Any], ...] = (
        {"kind": "sell", "name": "777", "shares": "1000000", "amount": "600000"},
        {"kind": "split", "name": CONDITION, "amount": "2000000"},
        {"kind": "merge", "name": f"{CONDITION[:8]}…{CONDITION[-4:]}", "amount": "1000000"},
        {"kind": "transfer in", "name": "777", "shares": "7", "amount": "3"},
        {"kind": "transfer out", "name": "777", "shares": "7"},
        {"kind": "cost basis to", "name": "777", "amount": "1"},
        {"kind": "cash in", "amount": "1"},
        {"kind": "cash out", "amount": "100000000000000000"},
    )
    for asked in kinds:
        shown = wallet.post("entries/preview", why="x", **asked)
        assert shown["changes"] or shown["collateral_before"] != shown["collateral_after"], asked
    wallet.post("entries", 201, why="x", **asked, at_ms=shown["at_ms"], effect=shown["effect"], force=True)
    back = {"kind": "reverse", "name": shown["entry_id"][:6], "why": "a typing error"}
    undone = wallet.post("entries/preview", **back)
    assert undone["collateral_after"] == shown["collateral_before"]
    wallet.post("entries", 201, **back, at_ms=undone["at_ms"], effect=undone["effect"])
    assert wallet.post("entries/preview", 400, **back)["detail"].startswith(f"entry {shown['entry_id']} has no effect")


def test_an_entry_whose_effect_is_another_by_now_or_that_breaks_a_rule_is_not_booked(wallet: Wallet) -> None:
    sell = {"kind": "sell", "name": "777", "shares": "4000000", "amount": "1", "why": "x"}
    shown = wallet.post("entries/preview", **sell)
    sent = {**sell, "at_ms": shown["at_ms"], "effect": shown["effect"]}
    # At another average the same sale takes another cost.
    dear = {**BUY, "amount": "9999999", "at_ms": shown["at_ms"] - 1}
    first = wallet.post("entries/preview", **dear)
    wallet.post("entries", 201, **{**dear, "effect": first["effect"]})
    assert "look again" in wallet.post("entries", 409, **sent)["detail"]
    before = wallet.get("log?limit=1")["head"]
    much = {"kind": "sell", "name": "777", "shares": "20000000", "amount": "1", "why": "x"}
    shown = wallet.post("entries/preview", **much)
    assert shown["broken"]
    sent = {**much, "at_ms": shown["at_ms"], "effect": shown["effect"]}
    refused = wallet.post("entries", 409, **sent)
    assert shown["broken"][0]["id"] in refused["detail"]
    assert wallet.get("log?limit=1")["head"] == before
    assert wallet.post("entries", 201, **sent, force=True)["seq"] == before + 1


def test_while_a_worker_holds_the_wallet_it_is_asked_to_book(wallet: Wallet, stage: Stage) -> None:
    shown = wallet.post("entries/preview", **BUY)
    sent = {**BUY, "at_ms": shown["at_ms"], "effect": shown["effect"]}
    taken: list[AnyFact] = []

    async def worker() -> Any:
        async with leased(stage.dsn, wallet.address) as (connection, _):
            asked = await stage.loop.run_in_executor(None, lambda: wallet.post("entries", 202, **sent))
            found = await requests.get(connection, wallet.id, asked["request_id"])
            assert found is not None

            async def book(facts: list[AnyFact]) -> None:
                taken.extend(facts)

            await book_asked(connection, wallet.address, found.arguments, book)  # type: ignore[arg-type]
            return asked

    asked = stage.run(worker())
    assert (asked["seq"], asked["entry_id"]) == (None, shown["entry_id"])
    assert [fact.entry_id for fact in taken if isinstance(fact, ManualEntry)] == [shown["entry_id"]]
    assert wallet.get(f"requests/{asked['request_id']}")["kind"] == "adjust"
