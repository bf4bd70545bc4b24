"""Who may read and who may act: every operation, by everybody who may come, on every kind of desk."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from support.database import ADDRESS
from tieout.web.house import DeskSettings
from tieout.web.pages.visit import COOKIE
from tieout.web.serving import _listener
from tieout.web.sessions import TRIES, WAIT_MAX_MS, WAIT_MS
from web_api.calls import calls, send
from web_api.schema import faults, schema_of
from web_api.stage import AUTHORIZED, TOKEN, Stage, client
from web_security.stage import Clock

OPEN = {"get_health"}
CLAIMS = {
    "nothing": {},
    "a wrong token": {"authorization": f"Bearer {TOKEN}x"},
    "a token in another form": {"authorization": f"Basic {TOKEN}"},
    "an empty token": {"authorization": "Bearer"},
    "a session": {},
    "the token": AUTHORIZED,
}
"""Who comes, by what is sent."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["on this machine", "on this machine without a token", "beyond it"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def other(stage: Stage, clock: Clock, kind: str) -> Iterator[httpx.Client]:
    """A desk of that *kind*, with a session in the cookie jar of a browser."""
    # Every address of 127.0.0.0/8 is this machine's; the desk counts all but the first among others'.
    host = "127.0.0.2" if kind == "beyond it" else "127.0.0.1"
    token = "" if "without" in kind else TOKEN
    with client(stage.serve(clock, host=host, token=token)) as made:
        yield made


def session(other: httpx.Client) -> dict[str, str]:
    """The cookie of somebody who logged in at the pages."""
    answer = httpx.post(
        str(other.base_url).replace("/api/v1/", "/login"), data={"who": "ana", "token": TOKEN, "to": "/"}
    )
    return {"cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}


def expected(kind: str, method: str, operation: str, claim: str) -> int:
    """The status, 0 for any that is no refusal."""
    if operation in OPEN or (claim == "the token" and "without" not in kind):
        return 0
    if method == "GET":
        return 0 if kind != "beyond it" or claim == "a session" else 401
    return 403 if "without" in kind else 401


def test_who_may_do_what(other: httpx.Client, kind: str, stage: Stage, clock: Clock) -> None:
    before = stage.query("SELECT count(*) FROM deed")
    for claim, headers in CLAIMS.items():
        if claim == "a session":
            if "without" in kind:
                continue
            headers = session(other)
        for call in calls(stage):
            if claim == "the token" and call.method == "POST" and "without" not in kind:
                continue  # it would be done: test_acting does it
            answer = send(other, call, headers=headers)
            wanted = expected(kind, call.method, call.id, claim)
            assert answer.status_code == (wanted or 200), (call.id, claim, answer.text)
            if wanted:
                body = answer.json()
                assert (answer.headers["content-type"], body["status"]) == ("application/problem+json", wanted)
                assert list(faults(body, schema_of("Problem"))) == []
                assert str(wanted) in call.operation["responses"], call.id
                assert ("www-authenticate" in answer.headers) == (wanted == 401)
            if claim == "a wrong token" and wanted == 401:
                clock.ms += WAIT_MAX_MS  # past any lock-out: a test of its own
    assert stage.query("SELECT count(*) FROM deed") == before, "nothing was done"


def test_the_page_of_the_interface_follows_the_rule_of_the_pages(other: httpx.Client, kind: str) -> None:
    page = httpx.get(str(other.base_url).replace("/api/v1/", "/api"))
    assert page.status_code == (303 if kind == "beyond it" else 200)


def test_after_wrong_tokens_nobody_is_listened_to_and_told_for_how_long(stage: Stage, clock: Clock) -> None:
    with client(stage.serve(clock)) as other:
        path, body = f"/wallets/{ADDRESS}/actions/pause", {"who": "eve", "why": "x", "market": "0xdead"}
        for _ in range(TRIES):
            assert other.post(path, json=body, headers={"authorization": "Bearer wrong"}).status_code == 401
        answer = other.post(path, json=body, headers=AUTHORIZED)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, str(WAIT_MS // 1_000))
        assert "5 seconds" in answer.json()["detail"]
        assert other.get(f"/wallets/{ADDRESS}").status_code == 200, "reading goes on"
        clock.ms += WAIT_MS
        assert other.post(path, json=body, headers=AUTHORIZED).status_code == 404, "listened to: no such market"


def test_a_token_of_any_letters_can_be_told(stage: Stage) -> None:
    with client(stage.serve(token="schlüssel-für-den-tisch")) as other:
        told = {"authorization": "Bearer schlüssel-für-den-tisch".encode()}
        answer = other.post(f"/wallets/{ADDRESS}/entries/preview", json={}, headers=told)
        assert answer.status_code == 400, "let in: the body is what is wrong"
        told = {"authorization": b"Bearer \xff\xfe"}
        assert other.post(f"/wallets/{ADDRESS}/entries/preview", json={}, headers=told).status_code == 401


def test_what_comes_from_another_site_or_by_another_name_is_refused_as_a_problem(desk: httpx.Client) -> None:
    path, body = f"/wallets/{ADDRESS}/actions/pause", {"who": "eve", "why": "x"}
    for more, status in (
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example"}, 421),
    ):
        answer = desk.post(path, json=body, headers={**AUTHORIZED, **more})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), more
        assert list(faults(answer.json(), schema_of("Problem"))) == []
    answer = desk.get("/wallets", headers={"host": "evil.example"})
    assert answer.status_code == 421


def test_a_body_that_is_too_large_or_has_no_length_is_refused(desk: httpx.Client) -> None:
    path = f"/wallets/{ADDRESS}/actions/pause"
    answer = desk.post(path, content=b" " * 64_001, headers={**AUTHORIZED, "content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "/api#too-large")
    answer = desk.post(path, content=iter([b"{}"]), headers={**AUTHORIZED, "content-type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_an_answer_is_not_held_back_until_the_reader_has_confirmed_a_part_of_it() -> None:
    """Asyncio sends small writes at once only on sockets whose protocol is named: 40 ms of every answer."""
    with _listener(DeskSettings("", port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_the_token_is_asked_for_before_the_body_is_read(address: str) -> None:
    """The body is announced and never sent: an answer comes all the same."""
    parts = urlsplit(address)
    head = f"POST /api/v1/wallets/{ADDRESS}/actions/pause HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-length: 60000\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as wire:
        wire.sendall(f"{head}content-type: application/json\r\n\r\n".encode())
        assert wire.recv(65_536).startswith(b"HTTP/1.1 401")
