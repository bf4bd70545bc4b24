"""A desk served for real, over books of a wallet whose markets, reasons and messages were written by somebody evil."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import asyncpg
import httpx

from support.database import ADDRESS, booker_of, connected, heard
from tieout.ledger.facts import FillObserved, OrderPlaced, Role, Side
from tieout.store import controls, journal, runs, statuses
from tieout.store.controls import WHOLE_WALLET, Actor, Command, Control, State
from tieout.store.runs import Action, Finding, IssueType, Severity
from tieout.store.statuses import MarketName
from tieout.web.house import DeskSettings
from tieout.web.serving import serving

TOKEN = "a-token-that-is-long-enough"
CONDITION = "0x" + "c0" * 32
TOKEN_ID = "7" * 76
ORDER = "0x" + "0d" * 32

MARKUP = (
    "<script>evil()</script>",
    '"><img src=x onerror=evil()>',
    "'><svg/onload=evil()>",
    "{{ 7 * 7 }}{% raw %}",
    "</title><script>evil()</script>",
    "javascript:evil()",
)
"""What somebody may call a market, or write into anything else that strangers fill in."""

NAUGHTY = " ".join(MARKUP)


@dataclass
class Clock:
    """The desk's time, put forward by the test."""

    ms: int = 1_795_000_000_000

    def __call__(self) -> int:
        """The time."""
        return self.ms


@dataclass
class Desk:
    """A desk and somebody in front of it."""

    http: httpx.AsyncClient
    connection: asyncpg.Connection
    wallet_id: int
    clock: Clock
    base: str = f"/w/{ADDRESS}"
    issue_id: int = 0

    async def log_in(self, token: str = TOKEN, who: str = "ana") -> httpx.Response:
        """Tell a token; the client keeps the cookie that it may get."""
        return await self.http.post("/login", data={"who": who, "token": token, "to": self.base})

    async def csrf(self) -> str:
        """The session's own word, as the form of an action has it."""
        form = (await self.http.get(f"{self.base}/do/pause")).text
        found = re.search(r'action="/w/[^"]*"><input type="hidden" name="csrf" value="([^"]+)"', form)
        assert found, form
        return found[1]

    async def state(self) -> Control:
        """The control of the whole wallet."""
        return await controls.state_of(self.connection, self.wallet_id, WHOLE_WALLET)

    async def deeds(self) -> list[str]:
        """What the desk wrote down."""
        rows = await self.connection.fetch(
            "SELECT who || ' ' || what || ' ' || outcome AS words FROM deed ORDER BY seq"
        )
        return [row["words"] for row in rows]


@asynccontextmanager
async def served(dsn: str, *, token: str = TOKEN, host: str = "127.0.0.1") -> AsyncIterator[Desk]:
    """The desk over furnished books."""
    clock = Clock()
    async with connected(dsn) as connection:
        wallet_id, issue_id = await furnish(dsn, connection, clock.ms)
        async with (
            serving(DeskSettings(dsn, token, host, 0), clock) as address,
            httpx.AsyncClient(base_url=address.replace("0.0.0.0", "127.0.0.1"), timeout=60) as http,
        ):
            yield Desk(http, connection, wallet_id, clock, issue_id=issue_id)


async def furnish(dsn: str, connection: asyncpg.Connection, now_ms: int) -> tuple[int, int]:
    """Books with markup wherever strangers write: the wallet's id, and an incident's."""
    ids = {"order_id": ORDER, "token_id": TOKEN_ID, "condition_id": CONDITION}
    facts = [
        OrderPlaced(
            side=Side.BUY, price=500_000, size=9_000_000, order_type=NAUGHTY[:40], occurred_at_ms=now_ms, **ids
        ),
        FillObserved(
            trade_id="trade-1", side=Side.BUY, shares=3_000_000, collateral=1_500_000, fee=0, role=Role.MAKER,
            status="MATCHED", occurred_at_ms=now_ms, **ids,
        ),
    ]  # fmt: skip
    async with booker_of(dsn) as booker:
        wallet_id = await connection.fetchval("SELECT wallet_id FROM wallet")
        body = f'{{"title": "{NAUGHTY.replace(chr(34), chr(39))}"}}'.encode()
        raw_id = await connection.fetchval(
            "INSERT INTO raw_message (wallet_id, received_at_ms, source, origin, body, digest) "
            "VALUES ($1, $2, $3, $3, $4, $5) RETURNING raw_id",
            wallet_id,
            now_ms,
            NAUGHTY,
            journal.redacted(body),
            bytes(16),
        )
        await booker.book(heard(facts, raw_id=raw_id, source=NAUGHTY, at_ms=now_ms))
    await statuses.put_names(connection, wallet_id, [MarketName(CONDITION, NAUGHTY, "evil", (NAUGHTY, NAUGHTY))])
    finding = Finding(
        IssueType.POSITION_DRIFT, Severity.ERROR, Action.LOGGED, NAUGHTY, CONDITION, TOKEN_ID, ORDER, {"title": NAUGHTY}
    )
    issue_id = await runs.raise_issue(connection, wallet_id, finding, now_ms)
    command = Command(CONDITION, State.PAUSED, NAUGHTY, NAUGHTY, Actor.PERSON)
    await controls.set_state(connection, wallet_id, command, now_ms)
    return wallet_id, issue_id


PAGES = (
    "", "/markets", f"/market/{CONDITION}", "/orders?show=all", "/fills?show=all", "/incidents", "/incidents?show=all",
    "/log", "/log?as_known=%231", "/log/1", "/log/2", "/portfolio", "/settings", "/guide", f"/explain/{ORDER}",
    "/explain/trade-1", f"/explain?name={TOKEN_ID}", "/adjust", "/export", "/do/pause", f"/do/pause?market={CONDITION}",
)  # fmt: skip
"""Every page of a wallet that needs no number."""


@dataclass
class Parsed(HTMLParser):
    """What a browser would make of a page: its elements, and what could run."""

    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "script" and not (known.get("src") or "").startswith("/static/"):
            self.problems.append("a script of somebody else")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.problems.append(f"{tag} {name}={value}")
            if name in ("src", "href", "action", "formaction", "data-chart") and not (value or "/").startswith(
                ("/", "#", "?")
            ):
                self.problems.append(f"{tag} {name}={value}")
        if tag in ("img", "iframe", "object", "embed", "base"):
            self.problems.append(tag)


def problems_of(page: str) -> list[str]:
    """What on *page* could run or load anything."""
    parsed = Parsed()
    parsed.feed(page)
    return parsed.problems
