"""One browser for all tests of the desk, in a loop and a thread of its own, and what it must never see on a page.

Tests are coroutines that run in that loop: `at_desk`.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

from tieout.store.listening import CHANNEL
from web.demo_process import PATIENCE_S, TOKEN, Demo
from web.quiet_wallet import Quiet, quiet_wallet

T = TypeVar("T")

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, PHONE = (1360, 850), (390, 844)

WAIT_MS = 60_000

expect.set_options(timeout=WAIT_MS)


class Loop:
    """A loop in a thread of its own: other tests of this process have loops in theirs."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="browser")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What *work* gives, done in the loop."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, 5 * PATIENCE_S), self._loop).result()

    @staticmethod
    async def aside(work: Callable[..., T], *arguments: Any) -> T:
        """What *work* gives, which waits for something by itself."""
        return await asyncio.to_thread(work, *arguments)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Trouble:
    """What went wrong in the pages of a context. *allowed*: statuses of answers that the test wants to see."""

    def __init__(self, url: str, allowed: Sequence[int]) -> None:
        self._host = urlsplit(url).netloc
        self._allowed = [f"the server responded with a status of {status}" for status in allowed]
        self.seen: list[str] = []
        self.is_away = False
        """The desk is away on purpose: the browser complains of that, and may."""

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._said)
        context.on("weberror", lambda error: self.seen.append(f"error of a script: {error.error}"))
        context.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning") or self.is_away:
            return
        if not any(words in message.text for words in self._allowed):
            self.seen.append(f"{message.type} at {message.page.url if message.page else '?'}: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != self._host:
            self.seen.append(f"asked of another host: {request.url}")


class Desk:
    """The demo's desk, a browser in front of it, and a look into the database behind it."""

    def __init__(self, loop: Loop, demo: Demo, browser: Browser, database: asyncpg.Connection, quiet: Quiet) -> None:
        self.loop = loop
        self.demo = demo
        self.quiet = quiet
        self.database = database
        self._browser = browser
        self._news = asyncio.Event()
        self._sessions: dict[str, Any] = {}
        self.answered: set[str] = set()
        """Kinds of links that were followed already."""

    @property
    def base(self) -> str:
        """What the pages of the demo's wallet begin with."""
        return f"/w/{self.demo.wallet}"

    @asynccontextmanager
    async def page(
        self, who: str = "", *, url: str = "", phone: bool = False, dark: bool = False, allowed: Sequence[int] = ()
    ) -> AsyncIterator[Page]:
        """A page of a browser that knows nothing of the others. *who*: logged in under that name."""
        width, height = PHONE if phone else WIDE
        context = await self._browser.new_context(
            base_url=url or self.demo.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            storage_state=await self._session(who) if who else None,
        )
        trouble = Trouble(url or self.demo.url, allowed)
        trouble.listen(context)
        context.set_default_timeout(WAIT_MS)
        page = await context.new_page()
        page.trouble = trouble  # type: ignore[attr-defined]
        try:
            yield page
            assert trouble.seen == []
        finally:
            await context.close()

    async def _session(self, who: str) -> Any:
        if who not in self._sessions:
            async with self.page() as page:
                await page.goto("/login")
                await page.get_by_label("Who you are").fill(who)
                await page.get_by_label("Token").fill(TOKEN)
                await page.get_by_role("button", name="Log in").click()
                await expect(page.get_by_role("button", name="log out")).to_be_visible()
                self._sessions[who] = await page.context.storage_state()
        return self._sessions[who]

    async def until(self, query: str, *arguments: Any, patience_s: float = PATIENCE_S) -> Any:
        """`value` once it is neither None, 0 nor false; asked again whenever something is told of any wallet."""
        async with asyncio.timeout(patience_s):
            while True:
                self._news.clear()
                if found := await self.value(query, *arguments):
                    return found
                await self._news.wait()

    async def value(self, query: str, *arguments: Any) -> Any:
        """The value of *query*, in which WALLET is the number of the demo's wallet."""
        wallet = f"(SELECT wallet_id FROM wallet WHERE address = '{self.demo.wallet}')"
        return await self.database.fetchval(query.replace("WALLET", wallet), *arguments)

    def heard(self, *_: object) -> None:
        """Something was told."""
        self._news.set()


def chromium() -> str:
    """Where the browser is. Without it the tests fail: they are never left out."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    assert found is not None, "the tests of the desk need Chromium; on Debian: apt-get install chromium"
    return found


@asynccontextmanager
async def desk_of(demo: Demo, loop: Loop, *, alone: bool) -> AsyncIterator[Desk]:
    """Everything for the time of the context; the demo has traded and is marked to market. *alone*: no quiet wallet."""
    database, listener = await asyncpg.connect(demo.dsn), await asyncpg.connect(demo.dsn)
    playwright = await async_playwright().start()
    try:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        quiet = Quiet(demo.dsn) if alone else await quiet_wallet(demo.dsn)
        desk = Desk(loop, demo, browser, database, quiet)
        await listener.add_listener(CHANNEL, desk.heard)
        await desk.until("SELECT count(*) >= 3 FROM movements WHERE wallet_id = WALLET AND kind IN ('buy', 'sell')")
        await desk.until("SELECT count(*) > 0 FROM portfolio_mark WHERE wallet_id = WALLET")
        yield desk
        await browser.close()
    finally:
        await playwright.stop()
        database.terminate()
        listener.terminate()


@contextmanager
def opened(demo: Demo, *, alone: bool = False) -> Iterator[Desk]:
    """The same for tests, which run outside of the loop."""
    loop = Loop()
    try:
        context = desk_of(demo, loop, alone=alone)
        desk = loop.run(context.__aenter__())
        try:
            yield desk
        finally:
            loop.run(context.__aexit__(None, None, None))
    finally:
        loop.close()


def at_desk(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test written as a coroutine, run in the loop of the browser."""

    @wraps(test)
    def run(desk: Desk, **fixtures: Any) -> None:
        desk.loop.run(test(desk, **fixtures))

    return run
