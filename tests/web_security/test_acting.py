"""Who may act: attempts without a token, with a wrong one, from another site, without the form's own word."""

from __future__ import annotations

import httpx
import pytest

from support.database import in_loop
from tieout.app.desk.acting import Act
from tieout.store.controls import State
from tieout.web.house import DeskSettings
from tieout.web.serving import UnsafeError, checked
from tieout.web.sessions import SESSION_MS, TRIES, WAIT_MS
from web_security.stage import CONDITION, Desk, served

WHY = {"why": "because"}


async def refused(desk: Desk, answer: httpx.Response, status: int) -> None:
    """The answer refuses, and nothing has happened."""
    assert answer.status_code == status, answer.text
    assert (await desk.state()).state is State.ACTIVE
    assert await desk.connection.fetchval("SELECT count(*) FROM control_event WHERE condition_id = ''") == 0


@in_loop
async def test_a_desk_without_a_token_lets_everybody_look_and_nobody_act(dsn: str) -> None:
    async with served(dsn, token="") as desk:
        assert (await desk.http.get(desk.base)).status_code == 200
        assert "read only" in (await desk.http.get(desk.base)).text
        for told in ("", "anything"):
            assert (await desk.log_in(told)).status_code == 403
            assert not desk.http.cookies
        for act in Act:
            answer = await desk.http.post(
                f"{desk.base}/do/{act.value}", data={**WHY, "csrf": "", "issue": desk.issue_id}
            )
            await refused(desk, answer, 403)
        answer = await desk.http.post(f"{desk.base}/adjust", data={"kind": "cash in", "amount": "5", "why": "x"})
        await refused(desk, answer, 403)
        assert await desk.deeds() == []


@in_loop
async def test_without_a_session_nothing_is_done(dsn: str) -> None:
    async with served(dsn) as desk:
        for path in ("do/pause", "do/halt", "do/cancel-all"):
            await refused(desk, await desk.http.post(f"{desk.base}/{path}", data={**WHY, "csrf": "guess"}), 403)
        form = await desk.http.get(f"{desk.base}/do/pause")
        assert (form.status_code, form.headers["location"]) == (303, f"/login?to=%2Fw%2F{desk.base[3:]}%2Fdo%2Fpause")
        desk.http.cookies.set("tieout_desk", "made-up")
        await refused(desk, await desk.http.post(f"{desk.base}/do/pause", data={**WHY, "csrf": "guess"}), 403)


@in_loop
async def test_wrong_tokens_are_refused_and_soon_nobody_is_listened_to(dsn: str) -> None:
    async with served(dsn) as desk:
        for _ in range(TRIES):
            answer = await desk.log_in("a-token-that-is-long-enougH")
            assert (answer.status_code, "That is not the token" in answer.text) == (403, True)
        assert (await desk.log_in()).status_code == 429, "also the right one"
        desk.clock.ms += WAIT_MS
        assert (await desk.log_in("wrong")).status_code == 403
        assert (await desk.log_in()).status_code == 429
        desk.clock.ms += 2 * WAIT_MS - 1
        assert (await desk.log_in()).status_code == 429, "each time longer"
        desk.clock.ms += 1
        answer = await desk.log_in()
        assert (answer.status_code, answer.headers["location"]) == (303, desk.base)


@in_loop
async def test_a_form_without_the_sessions_own_word_does_nothing(dsn: str) -> None:
    async with served(dsn) as desk:
        await desk.log_in(who="eve")
        word_of_another = await desk.csrf()
        desk.http.cookies.clear()
        await desk.log_in()
        for told in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": word_of_another}):
            await refused(desk, await desk.http.post(f"{desk.base}/do/pause", data={**WHY, **told}), 403)
        right = {**WHY, "csrf": await desk.csrf()}
        assert (await desk.http.post(f"{desk.base}/do/pause", data=right)).status_code == 303
        control = await desk.state()
        assert (control.state, control.who, control.reason) == (State.PAUSED, "ana", "because")
        assert await desk.deeds() == ["ana pause the whole wallet is paused"]


@in_loop
async def test_a_request_from_another_site_does_nothing(dsn: str) -> None:
    async with served(dsn) as desk:
        await desk.log_in()
        right = {**WHY, "csrf": await desk.csrf()}
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": "http://127.0.0.1:1"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ):
            answer = await desk.http.post(f"{desk.base}/do/pause", data=right, headers=headers)
            await refused(desk, answer, 403)
        own = {"origin": str(desk.http.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
        assert (await desk.http.post(f"{desk.base}/do/pause", data=right, headers=own)).status_code == 303


@in_loop
async def test_asked_for_by_another_name_the_desk_answers_nothing(dsn: str) -> None:
    async with served(dsn) as desk:
        for host in ("evil.example", "evil.example:8321", "127.0.0.1.evil.example", ""):
            answer = await desk.http.get(desk.base, headers={"host": host})
            assert (answer.status_code, desk.base[3:] in answer.text) == (421, False), host
        for host in ("localhost:9", "127.0.0.1", "[::1]:8321"):
            assert (await desk.http.get(desk.base, headers={"host": host})).status_code == 200


@in_loop
async def test_a_session_ends_by_leaving_and_by_itself(dsn: str) -> None:
    async with served(dsn) as desk:
        answer = await desk.log_in()
        cookie = answer.headers["set-cookie"].lower()
        assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
        word, session = await desk.csrf(), dict(desk.http.cookies)
        assert (await desk.http.post("/logout", data={"csrf": word})).status_code == 303
        desk.http.cookies.update(session)
        await refused(desk, await desk.http.post(f"{desk.base}/do/pause", data={**WHY, "csrf": word}), 403)
        desk.http.cookies.clear()
        await desk.log_in()
        word = await desk.csrf()
        desk.clock.ms += SESSION_MS + 1
        await refused(desk, await desk.http.post(f"{desk.base}/do/pause", data={**WHY, "csrf": word}), 403)


@in_loop
async def test_a_login_leads_nowhere_else(dsn: str) -> None:
    async with served(dsn) as desk:
        for to in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:evil()", ""):
            answer = await desk.http.post(
                "/login", data={"who": "ana", "token": "a-token-that-is-long-enough", "to": to}
            )
            assert (answer.status_code, answer.headers["location"]) == (303, "/"), to


@in_loop
async def test_what_is_done_is_refused_in_words_and_kept(dsn: str) -> None:
    async with served(dsn) as desk:
        await desk.log_in()
        word = {"csrf": await desk.csrf()}
        no_reason = await desk.http.post(f"{desk.base}/do/pause", data={**word, "why": " "})
        await refused(desk, no_reason, 409)
        assert "expected a reason" in no_reason.text
        assert (await desk.http.post(f"{desk.base}/do/nothing", data=word)).status_code == 404
        assert (await desk.http.post(f"{desk.base}/do/acknowledge", data={**word, "issue": 999})).status_code == 404
        done = await desk.http.post(f"{desk.base}/do/acknowledge", data={**word, "issue": desk.issue_id})
        assert done.status_code == 303
        resumed = await desk.http.post(f"{desk.base}/do/resume", data={**word, **WHY, "market": CONDITION})
        assert resumed.status_code == 303
        assert await desk.deeds() == [
            "ana pause refused: expected a reason: it is kept in the history",
            "ana acknowledge refused: this wallet has no incident 999",
            f"ana acknowledge incident {desk.issue_id} is acknowledged",
            f"ana resume market {CONDITION} is active",
        ]


@in_loop
async def test_a_body_without_end_is_not_read(dsn: str) -> None:
    async def endless() -> object:
        for _ in range(200):
            yield b"why=" + b"x" * 1_000

    async with served(dsn) as desk:
        await desk.log_in()
        word = await desk.csrf()
        big = await desk.http.post(f"{desk.base}/do/pause", data={"csrf": word, "why": "x" * 70_000})
        await refused(desk, big, 413)
        await refused(desk, await desk.http.post(f"{desk.base}/do/pause", content=endless()), 413)


@in_loop
async def test_beyond_this_machine_nothing_is_seen_without_the_token(dsn: str) -> None:
    async with served(dsn, host="0.0.0.0") as desk:
        for path in ("/", desk.base, f"{desk.base}/fills", f"{desk.base}/raw/1", f"{desk.base}/chart/pnl"):
            answer = await desk.http.get(path)
            assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login"), path
        assert (await desk.http.get(f"{desk.base}/events")).status_code == 303
        await desk.log_in()
        assert (await desk.http.get(desk.base)).status_code == 200


@pytest.mark.parametrize("token", ["", "short"])
def test_beyond_this_machine_the_desk_is_not_served_without_a_long_token(token: str) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(UnsafeError, match="at least 16 characters"):
            checked(DeskSettings("postgresql://x/y", token, host))
    assert checked(DeskSettings("postgresql://x/y", token)).is_local
