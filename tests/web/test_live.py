"""A page follows what happens: without a reload, without taking from anybody what they were doing on it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import time_ns

from playwright.async_api import Page, Route, expect

from tieout.web.house import DeskSettings
from tieout.web.serving import serving
from web.looking import Desk, at_desk
from web.quiet_wallet import PAID


def now_ms() -> int:
    return time_ns() // 1_000_000


@asynccontextmanager
async def own_desk(desk: Desk, port: int = 0, host: str = "127.0.0.1", token: str = "") -> AsyncIterator[str]:
    """The address of a second desk over the same database, which can go away without the demo."""
    async with serving(DeskSettings(desk.demo.dsn, token, host=host, port=port, hosts=("127.0.0.1",)), now_ms) as url:
        yield url.replace("0.0.0.0", "127.0.0.1")


async def is_live(page: Page) -> None:
    """Somebody tells it what happens, and it has looked again since."""
    await expect(page.locator("#live")).to_have_attribute("data-tone", "up")
    await expect(page.locator("body")).to_have_attribute("data-renewed", re.compile("[1-9]"))


async def something_else_is_read(page: Page) -> None:
    """What the page asked for before is asked for, and what it was answered is dealt with."""
    await page.evaluate("() => fetch('/static/icon.svg').then((answer) => answer.text())")


@at_desk
async def test_a_booking_changes_the_figures_and_nothing_that_somebody_does_there(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(desk.quiet.base)
        await is_live(page)
        await expect(page.locator("[data-chart]")).to_have_attribute("data-drawn", re.compile("[1-9]"))
        await page.locator("summary").click()
        link = page.locator("section[aria-labelledby=h-fills] tbody tr").nth(2).get_by_role("link", name="evidence")
        story = await link.get_attribute("href")
        await link.focus()
        await page.evaluate("window.same = document.querySelector('[data-chart] canvas')")
        before = await page.locator("#head").inner_text()

        await desk.quiet.book(2)

        await page.wait_for_function("before => document.querySelector('#head').textContent !== before", arg=before)
        await expect(page.locator("#head")).to_have_text(f"#{await desk.quiet.head():,}")
        await expect(page.locator("td[data-l=cost]")).to_have_text(f"{desk.quiet.fills * PAID / 1e6:,.6f}")
        rows = page.locator("section[aria-labelledby=h-fills] tbody tr")
        await expect(rows.nth(4).get_by_role("link", name="evidence")).to_have_attribute("href", str(story))
        assert await page.evaluate("document.activeElement.getAttribute('href')") == story, "the focus went elsewhere"
        assert await page.locator("details.wallets").get_attribute("open") is not None
        assert await page.evaluate("window.same && window.same === document.querySelector('[data-chart] canvas')")


@at_desk
async def test_the_number_of_incidents_in_the_menu_and_the_verdict_follow_on_a_page_that_stays(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(f"{desk.quiet.base}/log/1")
        await is_live(page)
        badge = page.locator("#pages .badge")
        await expect(badge).to_have_text("1 open")
        issue = await desk.quiet.trouble()
        await desk.quiet.book()
        await expect(badge).to_have_text("2 open")
        await expect(page.locator('#pages [aria-current="page"]')).to_have_text("Log")
        await desk.quiet.solved(issue)
        await desk.quiet.book()
        await expect(badge).to_have_text("1 open")
        await expect(page.locator("h1")).to_have_text("Entry #1")


@at_desk
async def test_a_page_that_hears_nothing_looks_again_by_itself(desk: Desk) -> None:
    async with desk.page() as page:
        await page.clock.install()
        await page.goto(desk.quiet.base)
        await page.clock.run_for(1_000)
        await is_live(page)
        renewed = await page.locator("body").get_attribute("data-renewed")
        # What a worker shows of itself is told every second; here nobody tells anything, as after a worker that died.
        async with page.expect_response(re.compile(f"{desk.quiet.base}$")):
            await page.clock.run_for(11_000)
        await page.wait_for_function("before => document.body.dataset.renewed !== before", arg=renewed)


@at_desk
async def test_a_page_can_be_held_still_and_let_go(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(desk.quiet.base)
        await is_live(page)
        before = await page.locator("#head").inner_text()
        button = page.locator("#live")
        await button.click()
        await expect(button).to_contain_text(re.compile(r"paused, as of \d\d:\d\d:\d\d"))
        await expect(button).to_have_attribute("aria-pressed", "true")
        renewed = await page.locator("body").get_attribute("data-renewed")
        await desk.quiet.book()
        async with desk.page() as other:
            await other.goto(desk.quiet.base)
            await expect(other.locator("#head")).not_to_have_text(before)
        assert await page.locator("#head").inner_text() == before
        assert await page.locator("body").get_attribute("data-renewed") == renewed
        await button.click()
        await expect(page.locator("#head")).not_to_have_text(before)
        await expect(button).to_have_text("live")


@at_desk
async def test_what_was_asked_for_before_a_page_was_held_still_does_not_change_it(desk: Desk) -> None:
    async with desk.page() as page:
        await page.clock.install()
        await page.goto(desk.quiet.base)
        await is_live(page)
        before, release = await page.locator("#head").inner_text(), asyncio.Event()
        overview = re.compile(f"{desk.quiet.base}$")

        async def hold(route: Route) -> None:
            await release.wait()
            await route.continue_()

        await page.route(overview, hold)
        async with page.expect_request(overview):
            await desk.quiet.book()
            await page.clock.run_for(1_000)
        await page.locator("#live").click()
        async with page.expect_response(overview) as answered:
            release.set()
        await (await answered.value).finished()
        await something_else_is_read(page)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.clock.run_for(30_000)
        await something_else_is_read(page)
        assert [url for url in asked if overview.search(url)] == []
        assert await page.locator("#head").inner_text() == before


@at_desk
async def test_a_desk_that_goes_away_is_said_and_what_it_missed_is_there_when_it_is_back(desk: Desk) -> None:
    first = AsyncExitStack()
    url = await first.enter_async_context(own_desk(desk))
    async with desk.page(url=url) as page:
        await page.goto(desk.quiet.base)
        await is_live(page)
        before = await page.locator("#head").inner_text()
        page.trouble.is_away = True  # type: ignore[attr-defined]
        await first.aclose()
        await expect(page.locator("#live")).to_contain_text(re.compile(r"reconnecting, as of \d\d:\d\d:\d\d"))
        await expect(page.locator("#head")).to_have_text(before)
        await desk.quiet.book()
        async with own_desk(desk, int(url.rpartition(":")[2])):
            await expect(page.locator("#head")).not_to_have_text(before)
            await expect(page.locator("#live")).to_have_text("live")


@at_desk
async def test_events_that_are_refused_are_asked_for_again(desk: Desk) -> None:
    async with desk.page() as page:
        await page.clock.install()
        page.trouble.is_away = True  # type: ignore[attr-defined]
        await page.route("**/events", lambda route: route.fulfill(status=502))
        await page.goto(desk.quiet.base)
        await expect(page.locator("#live")).to_contain_text("reconnecting")
        await page.unroute("**/events")
        await page.clock.run_for(6_000)
        await is_live(page)


@at_desk
async def test_a_page_whose_session_is_over_asks_to_log_in(desk: Desk) -> None:
    async with own_desk(desk, host="0.0.0.0", token="a token of sixteen") as url, desk.page(url=url) as page:
        await page.goto(desk.quiet.base)
        await expect(page).to_have_url(re.compile("/login"))
        await page.get_by_label("Who you are").fill("bea")
        await page.get_by_label("Token").fill("a token of sixteen")
        await page.get_by_role("button", name="Log in").click()
        await is_live(page)
        await page.context.clear_cookies()
        await desk.quiet.book()
        await expect(page).to_have_url(re.compile("/login"))
        await expect(page.get_by_label("Token")).to_be_visible()


@at_desk
async def test_the_chart_goes_as_far_back_as_one_wants_and_follows_the_theme(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(desk.quiet.base)
        chart = page.locator("[data-chart]")
        await expect(chart).to_have_attribute("data-drawn", re.compile("[1-9]"))
        async with page.expect_response(re.compile("span=week")):
            await page.get_by_role("button", name="week").click()
        await expect(page.get_by_role("button", name="week")).to_have_attribute("aria-pressed", "true")
        await page.evaluate("window.same = document.querySelector('[data-chart] canvas')")
        await page.get_by_role("button", name="switch between light and dark").click()
        await page.wait_for_function("() => window.same !== document.querySelector('[data-chart] canvas')")
        dark = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        await page.goto(f"{desk.quiet.base}/markets")
        assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark
        await page.get_by_role("button", name="switch between light and dark").click()
        assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != dark
