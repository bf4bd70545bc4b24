"""What strangers write is shown and does nothing; what is secret is shown nowhere."""

from __future__ import annotations

import re

from support.database import ADDRESS, connected, in_loop
from tieout.store import statuses
from tieout.web.guards import HEADERS
from web_security.stage import CONDITION, MARKUP, PAGES, TOKEN, problems_of, served

PASSWORD = "pass-word-of-the-database"


@in_loop
async def test_markup_in_what_strangers_write_is_shown_as_text(dsn: str) -> None:
    async with served(dsn) as desk:
        await desk.log_in(who=MARKUP[1])
        shown = ""
        for path in (*PAGES, f"/incident/{desk.issue_id}", f"/do/acknowledge?issue={desk.issue_id}", "/raw/1"):
            answer = await desk.http.get(f"{desk.base}{path}")
            assert answer.status_code == 200, (path, answer.text)
            assert problems_of(answer.text) == [], path
            shown += answer.text
        assert "&lt;script&gt;evil()&lt;/script&gt;" in shown, "the title is shown"
        assert "{{ 7 * 7 }}" in shown
        assert not re.search('>49<|"><img', shown)


@in_loop
async def test_markup_in_addresses_is_harmless_and_nothing_falls_over(dsn: str) -> None:
    async with served(dsn) as desk:
        for written in (*MARKUP, "%00", "a" * 400, "..%2f..%2f..%2fetc%2fpasswd", "0x" + "ff" * 32, "-1", "1e9"):
            own = (
                f"explain/{written}", f"explain?name={written}", f"market/{written}", f"log?as_of={written}",
                f"log?as_known={written}", f"log/{written}", f"fills?below={written}", f"orders?below={written}",
                f"fills?show={written}&market={written}", f"markets?q={written}&sort={written}", f"do/{written}",
                f"do/pause?market={written}", f"incident/{written}", f"raw/{written}", f"request/{written}",
                f"chart/pnl?span={written}", f"chart/fills/{written}", f"adjust?kind={written}&name={written}",
            )  # fmt: skip
            for path in (
                *(f"{desk.base}/{each}" for each in own),
                f"/w/{written}",
                f"/login?to={written}",
                f"/static/{written}",
            ):
                answer = await desk.http.get(path)
                assert answer.status_code in (200, 303, 400, 404, 405, 422), (path, answer.status_code)
                assert problems_of(answer.text) == [], path
                assert not re.search("Traceback|asyncpg", answer.text), path


@in_loop
async def test_every_answer_says_what_a_browser_may_do(dsn: str) -> None:
    async with served(dsn) as desk:
        for path in ("/", desk.base, "/static/desk.css", "/nothing", "/login", f"{desk.base}/do/pause"):
            answer = await desk.http.get(path)
            for name, value in HEADERS.items():
                assert answer.headers[name] == value, (path, name)
        assert "server" not in answer.headers
        refused = await desk.http.get("/", headers={"host": "evil.example"})
        assert refused.headers["content-security-policy"] == HEADERS["content-security-policy"]
        assert "unsafe" not in HEADERS["content-security-policy"]
        assert (await desk.http.get(desk.base)).headers["cache-control"] == "no-store"


@in_loop
async def test_no_page_and_no_table_holds_a_secret(dsn: str) -> None:
    """The token, the session, the password of the database; what is in messages is taken out by the journal."""
    with_password = re.sub("//[^@]*@", f"//tieout:{PASSWORD}@", dsn)
    async with served(with_password) as desk:
        await desk.log_in()
        word = await desk.csrf()
        session = desk.http.cookies["tieout_desk"]
        await desk.http.post(f"{desk.base}/do/pause", data={"csrf": word, "why": "a look"})
        told = ""
        for path in (*PAGES, f"/incident/{desk.issue_id}", "/raw/1", "/nothing", "/log/x", "/request/9"):
            told += (await desk.http.get(f"{desk.base}{path}")).text
        told += (await desk.http.get("/metrics")).text
        told += await dumped(with_password)
    assert {ADDRESS, CONDITION} <= set(re.findall("0x[0-9a-f]+", told)), "there is something to find"
    for secret in (TOKEN, session, PASSWORD):
        assert secret not in told


async def dumped(dsn: str) -> str:
    """Every row of every table, as text."""
    async with connected(dsn) as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = [await connection.fetch(f"SELECT t::text FROM {row['tablename']} t") for row in tables]
    return "\n".join(row[0] for rows in found for row in rows)


@in_loop
async def test_a_worker_of_another_version_shows_less_and_no_page_falls_over(dsn: str) -> None:
    async with served(dsn) as desk:
        for status in (b"{}", b'{"phase": "running", "why_not": "", "new": [1]}'):
            await statuses.put_worker(desk.connection, desk.wallet_id, status, desk.clock())
            await statuses.put_markets(desk.connection, desk.wallet_id, {CONDITION: b'{"fair": 500000}'}, desk.clock())
            for path in PAGES[:14]:
                answer = await desk.http.get(f"{desk.base}{path}")
                assert answer.status_code == 200, (path, answer.text)
