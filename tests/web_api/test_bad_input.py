"""Whatever is asked, the answer is a problem in words or what was asked for, and never a fault."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.database import ADDRESS
from tieout.app.desk.acting import Act
from tieout.web.api.document import document, operations
from web_api.schema import faults, schema_of
from web_api.stage import AUTHORIZED, BOSONA, OWNED, Stage

W = f"/wallets/{BOSONA}"
PAUSE = {"who": "ann", "why": "x"}
CASH = {"kind": "cash in", "who": "ann", "why": "x", "amount": "5"}
BOOK = {**CASH, "at_ms": 1, "effect": "0" * 32}

READS = (
    ("/wallets/0x12", "wallet"), (f"/wallets/{BOSONA[:-1]}g", "wallet"), (f"{W}/log?limit=0", "limit"),
    (f"{W}/log?limit=1001", "limit"), (f"{W}/log?limit=1&limit=2", "limit"), (f"{W}/log?limit=1.5", "limit"),
    (f"{W}/log?below=-1", "below"), (f"{W}/log?below=99999999999999999999", "below"), (f"{W}/log?as_of=now", "as_of"),
    (f"{W}/log?as_of=253402300800000", "as_of"), (f"{W}/log?after=1&below=2", "after"), (f"{W}/log/x", "seq"),
    (f"{W}/log/-1", "seq"), (f"{W}/raw/99999999999999999999", "raw_id"), (f"{W}/orders?state=opened", "state"),
    (f"{W}/orders?market=%00", ""), (f"{W}/orders?market=a%0Ab", "market"), (f"{W}/orders?market=%ff", "market"),
    (f"{W}/orders?Market=0xc1", "Market"), (f"{W}/movements?kind=Buy", "kind.0"), (f"{W}/fills?status=' 1", "status"),
    (f"{W}/incidents?open=maybe", "open"), (f"{W}/incidents?limit=501", "limit"), (f"{W}?limit=5", "limit"),
    (f"{W}/pnl/history?since=5&until=4", "since"), (f"{W}/markets/..%2f..", ""), (f"{W}/positions?cursor=!", "cursor"),
    (f"{W}/events?only=everything", "only.0"), ("/health?x=1", "x"), ("/openapi.json?x=1", "x"),
)  # fmt: skip
"""(what is asked, the parameter that the answer names)."""

SENT: tuple[tuple[str, Any, str], ...] = (
    ("actions/stop", PAUSE, "action"), ("actions/pause", {}, "who"), ("actions/pause", {"who": "ann"}, "why"),
    ("actions/pause", {**PAUSE, "who": " "}, "who"), ("actions/pause", {**PAUSE, "who": "a" * 81}, "who"),
    ("actions/pause", {**PAUSE, "why": "x" * 501}, "why"), ("actions/pause", {**PAUSE, "why": "a\x00b"}, "why"),
    ("actions/pause", {**PAUSE, "why": "\x1b[31mred"}, "why"), ("actions/pause", {**PAUSE, "who": "\ud800"}, "who"),
    ("actions/pause", {**PAUSE, "\ud800": 1}, "body"), ("actions/pause", {**PAUSE, "wallet": "all"}, "wallet"),
    ("actions/pause", {**PAUSE, "force": "yes"}, "force"), ("actions/pause", {**PAUSE, "market": 7}, "market"),
    ("actions/pause", {**PAUSE, "issue": 1}, "issue"), ("actions/acknowledge", {"who": "ann"}, "issue"),
    ("actions/acknowledge", {"who": "ann", "issue": "1"}, "issue"),
    ("actions/acknowledge", {"who": "ann", "issue": 0}, "issue"),
    ("actions/acknowledge", {"who": "ann", "issue": 1, "market": "0xc1"}, "market"),
    ("actions/full-sync", {"who": "ann", "force": True}, "market, force"), ("actions/pause", [], "body"),
    ("actions/pause", None, "body"), ("actions/pause", "pause", "body"),
    ("entries/preview", {**CASH, "amount": 5}, "amount"), ("entries/preview", {**CASH, "amount": "5.0"}, "amount"),
    ("entries/preview", {**CASH, "amount": "-5"}, "amount"),
    ("entries/preview", {**CASH, "amount": "9" * 18}, "amount"),
    ("entries/preview", {**CASH, "amount": "0"}, "amount"), ("entries/preview", {**CASH, "amount": "٣"}, "amount"),
    ("entries/preview", {**CASH, "fee": "1"}, "fee"), ("entries/preview", {**CASH, "name": "77"}, "name"),
    ("entries/preview", {**CASH, "kind": "gift"}, "kind"), ("entries/preview", {**CASH, "why": ""}, "why"),
    ("entries/preview", {**CASH, "at_ms": 253_402_300_799_999}, "at_ms"),
    ("entries/preview", {**CASH, "at_ms": 0}, "at_ms"),
    ("entries/preview", {**CASH, "tx_hash": "0x12"}, "tx_hash"),
    ("entries/preview", {**CASH, "kind": "buy", "name": "999", "shares": "5"}, "no token"),
    ("entries", CASH, "at_ms"), ("entries", {**BOOK, "effect": "x"}, "effect"),
    ("entries", {**BOOK, "force": 1}, "force"),
)  # fmt: skip
"""(where, what is sent, what the answer names first)."""


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The body of a problem that is one."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert list(faults(body, schema_of("Problem"))) == []
    assert body["status"] == status
    return body


@pytest.mark.parametrize(("path", "name"), READS)
def test_a_parameter_that_cannot_be_read_is_named(desk: httpx.Client, path: str, name: str) -> None:
    answer = desk.get(path)
    body = is_problem(answer, 404 if "%2f" in path else 400)
    if name:
        assert body["detail"].startswith(f"{name}:"), body
        assert body.get("problems", [{"name": name}])[0]["name"] == name


def test_a_body_that_cannot_be_read_is_refused_and_named_and_nothing_is_done(desk: httpx.Client, stage: Stage) -> None:
    counts = (
        "SELECT (SELECT count(*) FROM deed), (SELECT count(*) FROM control_event), (SELECT max(head_seq) FROM wallet)"
    )
    before = stage.query(counts)
    for path, sent, name in SENT:
        text = json.dumps(sent)
        answer = desk.post(f"{W}/{path}", content=text, headers={**AUTHORIZED, "content-type": "application/json"})
        body = is_problem(answer, 400)
        assert body["detail"].startswith(name), (path, sent, body)
    for text, kind in (("{", "application/json"), ("[" * 30_000, "application/json"), ("{}", "text/plain"), ("", "x")):
        answer = desk.post(f"{W}/actions/pause", content=text, headers={**AUTHORIZED, "content-type": kind})
        is_problem(answer, 400)
    assert stage.query(counts) == before


def test_what_is_not_there_is_said_with_where_to_look(desk: httpx.Client) -> None:
    for path, words in (
        (f"/wallets/0x{'9' * 40}", "GET /api/v1/wallets lists"), (f"{W}/log/35", "its last is 34"),
        (f"{W}/log/0", "its last is 34"), (f"{W}/markets/0xdead", "GET .../markets"),
        (f"{W}/incidents/1", "open=false"),
        (f"{W}/raw/1", "entries of its log"), (f"{W}/requests/7", "nobody asked for 7"), ("/nothing", "/api lists"),
        (f"{W}/fill", "/api lists"),
    ):  # fmt: skip
        assert words in is_problem(desk.get(path), 404)["detail"]
    answer = desk.delete(W)
    assert (answer.headers["allow"], is_problem(answer, 405)["type"]) == ("GET", "/api#wrong-method")
    body = {**PAUSE, "market": "0xdead"}
    answer = desk.post(f"{W}/actions/pause", json=body, headers=AUTHORIZED)
    assert "market: this wallet knows no market 0xdead" in is_problem(answer, 404)["detail"]


# A desk reads the text of an address: NUL, half a surrogate, other digits, markup, SQL, what is too long.
TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "0", "-1", "1e3", "9" * 30, "٣", "\x00", "' OR 1=1 --", "0x" + "c1" * 32, "x" * 2_000, "null"]
    ),
    st.integers(-(2**70), 2**70).map(str),
)
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
EVERY = [each for each in operations(document()) if each[2]["operationId"] != "stream_events"]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, str], Any, dict[str, Any]]:
    """An operation with anything for its path, its query and its body."""
    path, method, operation = draw(st.sampled_from(EVERY))
    # What is well formed is done: to a wallet that no other test looks at.
    filled = path.replace("{wallet}", OWNED if method == "POST" else draw(st.sampled_from([BOSONA, ADDRESS])))
    filled = filled.replace("{action}", draw(st.sampled_from([*Act, "stop"])))
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            filled = filled.replace(f"{{{parameter['name']}}}", quote(draw(TEXT), safe="") or "0")
    names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    query = draw(st.dictionaries(st.sampled_from(names), TEXT, max_size=3)) if names else {}
    body = None
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        fields = schema_of(content["schema"]["$ref"].rpartition("/")[2])["properties"]
        given_ = draw(st.dictionaries(st.sampled_from(sorted(fields)), VALUE, max_size=3))
        body = {"who": "fuzz", "why": "fuzz", **given_}
    return method, filled, query, body, operation


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=requests())
def test_nothing_that_is_asked_is_a_fault(
    desk: httpx.Client, address: str, request: tuple[str, str, dict[str, str], Any, dict[str, Any]]
) -> None:
    method, path, query, body, operation = request
    content = None if body is None else json.dumps(body)
    headers = {**AUTHORIZED, "content-type": "application/json"} if content else {}
    answer = desk.request(method, address + path, params=query, content=content, headers=headers)
    assert answer.status_code < 500, answer.text
    # A slash at the end is led away, and some names are other addresses.
    assert str(answer.status_code) in {*operation["responses"], "307", "404"}, answer.status_code
    if answer.status_code >= 400:
        is_problem(answer, answer.status_code)
