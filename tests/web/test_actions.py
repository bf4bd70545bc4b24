"""Everything that can be done at the desk, as a person does it: asked back, done, written down with who and why."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time_ns

import pytest
from playwright.async_api import Page, expect

from tieout.store.controls import Actor, Command, State, set_state
from tieout.store.runs import Action, Finding, IssueType, Severity, raise_issue
from web.looking import Desk, at_desk
from web.quiet_wallet import TOKEN

OPEN = "SELECT count(*) FROM orders WHERE wallet_id = WALLET AND state IN ('intended', 'live', 'closing')"
STATE = "SELECT state FROM control WHERE wallet_id = WALLET AND condition_id = $1"
DEED = "SELECT concat_ws('|', who, what, reason, outcome) FROM deed WHERE wallet_id = WALLET ORDER BY seq DESC LIMIT 1"


async def confirm(page: Page, button: str, why: str = "") -> None:
    """Say why where it is asked for, and mean it."""
    if why:
        await page.get_by_label("Why").fill(why)
    await page.locator("main").get_by_role("button", name=button, exact=True).click()


@asynccontextmanager
async def trading(desk: Desk, who: str) -> AsyncIterator[Page]:
    """The overview while orders rest; they may again afterwards, whatever was done."""
    await desk.until(f"SELECT ({OPEN}) > 0")
    async with desk.page(who) as page:
        await page.goto(desk.base)
        try:
            yield page
        finally:
            await page.goto(desk.base)
            resume = page.get_by_role("link", name="Resume")
            if await resume.count():
                await resume.click()
                await confirm(page, "Resume", "the test is over")
                await expect(page.locator("#tie").get_by_role("link", name="Pause")).to_be_visible()


async def is_written_down(desk: Desk, page: Page, *words: str) -> None:
    """The last deed says all of them, in the database and on the page of settings."""
    deed = await desk.value(DEED)
    assert [each for each in words if each not in deed] == [], deed
    await page.goto(desk.base + "/settings")
    for each in words:
        await expect(page.locator("[aria-labelledby=h-d] li").first).to_contain_text(each)


@at_desk
@pytest.mark.parametrize(
    ("link", "button", "state"),
    [("Pause", "Pause", "paused"), ("Halt", "Halt", "halted"), ("Cancel all", "Cancel all orders", "paused")],
)
async def test_what_stops_quoting_takes_every_order_off_the_book(
    desk: Desk, link: str, button: str, state: str
) -> None:
    async with trading(desk, "ann") as page:
        await page.locator("#tie").get_by_role("link", name=link, exact=True).click()
        await expect(page.get_by_label("Why")).to_be_focused()
        await expect(page.locator("main")).to_contain_text(re.compile(r"\d+ orders? (is|are) open"))
        await confirm(page, button, f"I want to see {link}")
        await expect(page).to_have_url(desk.demo.url + desk.base)
        await expect(page.locator("#strip")).to_contain_text(f"{state} by ann")
        await expect(page.locator(".tile", has_text="Open orders").locator(".figure")).to_have_text("0")
        assert await desk.value(OPEN) == 0
        assert await desk.value(STATE, "") == state
        await is_written_down(desk, page, "ann", f"I want to see {link}", f"the whole wallet is {state}")


@at_desk
async def test_after_resuming_orders_rest_again(desk: Desk) -> None:
    async with trading(desk, "bea") as page:
        await page.get_by_role("link", name="Pause").click()
        await confirm(page, "Pause", "for a moment")
        await desk.until(f"SELECT ({OPEN}) = 0")
        await page.get_by_role("link", name="Resume").click()
        await confirm(page, "Resume", "enough")
        await expect(page.locator("#strip")).not_to_contain_text("paused")
        await expect(page.locator(".tile", has_text="Open orders").locator(".figure")).not_to_have_text("0")
        await is_written_down(desk, page, "bea", "resume", "enough", "the whole wallet is active")


@at_desk
async def test_a_market_is_paused_alone_from_the_keyboard(desk: Desk) -> None:
    market = await desk.value("SELECT max(condition_id) FROM market_status WHERE wallet_id = WALLET")
    resting = f"SELECT ({OPEN} AND condition_id = '{market}')"
    async with desk.page("cid") as page:
        await page.goto(f"{desk.base}/market/{market}")
        await page.get_by_role("link", name="Pause this market").press("Enter")
        await expect(page.get_by_label("Why")).to_be_focused()
        await page.keyboard.type("too wild")
        await page.keyboard.press("Tab")
        await expect(page.locator("main").get_by_role("button", name="Pause")).to_be_focused()
        await page.keyboard.press("Space")
        await expect(page.get_by_text("too wild")).to_be_visible()
        assert await desk.value(STATE, market) == "paused"
        await desk.until(f"{resting} = 0")
        await is_written_down(desk, page, "cid", "pause", "too wild", f"market {market} is paused")
        await page.locator("tr", has_text="too wild").get_by_role("link", name="resume").press("Enter")
        await expect(page.get_by_label("Why")).to_be_focused()
        await page.keyboard.type("calm again")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="Pause this market")).to_be_visible()
        assert await desk.value(STATE, market) == "active"
        await desk.until(f"{resting} > 0")


@at_desk
@pytest.mark.parametrize(
    ("path", "link", "button", "kind", "outcome"),
    [
        ("", "Compare now", "Compare", "full sync", "the next job is a full sync"),
        ("/settings", "Send a test alert", "Send", "alert test", "nobody"),
    ],
)
async def test_what_is_asked_of_the_worker_is_done_and_told(
    desk: Desk, path: str, link: str, button: str, kind: str, outcome: str
) -> None:
    before = await desk.value("SELECT count(*) FROM sync_run WHERE wallet_id = WALLET AND job = 'full_sync'")
    async with desk.page("dot") as page:
        await page.goto(desk.base + path)
        await page.locator("main").get_by_role("link", name=link).click()
        await confirm(page, button)
        await expect(page.locator("h1")).to_have_text(kind)
        await expect(page.locator("main")).to_contain_text("Asked by dot")
        await expect(page.locator("main .pill")).to_have_text("done")
        await expect(page.locator("main")).to_contain_text(outcome)
        await is_written_down(desk, page, "dot", "asked of the worker")
    if kind == "full sync":
        await desk.until(
            "SELECT count(*) > $1 FROM sync_run WHERE wallet_id = WALLET AND job = 'full_sync' AND outcome = 'ok'",
            before,
        )


@at_desk
async def test_an_incident_is_acknowledged_by_name(desk: Desk) -> None:
    finding = Finding(IssueType.ORPHAN_ORDER, Severity.WARN, Action.LOGGED, "nobody knows `0xabc`")
    wallet_id = await desk.value("SELECT WALLET")
    issue = await raise_issue(desk.database, wallet_id, finding, 1_796_000_000_000)
    async with desk.page("eve") as page:
        await page.goto(desk.base + "/incidents")
        await page.get_by_role("link", name=f"Acknowledge incident {issue}").click()
        await confirm(page, "Acknowledge")
        await expect(page).to_have_url(re.compile("/incidents$"))
        await expect(page.locator(f"#i-{issue}")).to_have_count(0)
        await page.locator(".tabs").get_by_role("link", name="all").click()
        await expect(page.locator(f"#i-{issue}")).to_contain_text("acknowledged by eve")
        await is_written_down(desk, page, "eve", "acknowledge", f"incident {issue} is acknowledged")


@asynccontextmanager
async def at_rest(desk: Desk) -> AsyncIterator[str]:
    """A market with shares in it, where nothing changes meanwhile: what an entry would do stays what was shown."""
    market = await desk.until(
        "SELECT condition_id FROM positions WHERE wallet_id = WALLET AND shares > 0 ORDER BY shares DESC LIMIT 1"
    )
    wallet_id = await desk.value("SELECT WALLET")

    async def steer(state: State) -> None:
        command = Command(market, state, "for an entry", "test", Actor.PERSON)
        await set_state(desk.database, wallet_id, command, time_ns() // 1_000_000)

    await steer(State.PAUSED)
    try:
        await desk.until(f"SELECT ({OPEN} AND condition_id = $1) = 0", market)
        await desk.until(
            "SELECT bool_and(unsettled_shares = 0) FROM positions WHERE wallet_id = WALLET AND condition_id = $1",
            market,
        )
        yield market
    finally:
        await steer(State.ACTIVE)


@at_desk
async def test_an_entry_is_shown_then_booked_by_the_worker_and_taken_back(desk: Desk) -> None:
    async with at_rest(desk) as market, desk.page("fay", allowed=(409,)) as page:
        token = await desk.value(
            "SELECT token_id FROM positions WHERE wallet_id = WALLET AND condition_id = $1 ORDER BY shares DESC", market
        )
        await page.goto(desk.base + "/settings")
        await page.get_by_role("link", name="Book an entry by hand").click()
        await page.get_by_label("Why").fill("what it cost is known better")
        await page.get_by_role("button", name="Show what it would do").click()
        await expect(page.get_by_role("alert")).to_contain_text("Nothing was booked: name: expected a token")

        await page.locator("[name=kind]").select_option("cost basis to")
        await page.get_by_label("Token, market or entry").fill(token)
        await page.get_by_label("Amount of collateral").fill("1.234567")
        await page.get_by_role("button", name="Show what it would do").click()
        await expect(page.locator("tr", has_text="after").last).to_contain_text("1.234567")
        entry_id = await page.locator("main p b").first.inner_text()
        assert await desk.value("SELECT count(*) FROM log WHERE wallet_id = WALLET AND source = 'manual'") == 0
        await confirm(page, "Book it")
        await expect(page.locator("h1")).to_have_text("adjust")
        await expect(page.locator("main .pill")).to_have_text("done")

        await page.goto(desk.base + "/adjust")
        mine = page.locator("li", has_text=entry_id).first
        await expect(mine).to_contain_text("by fay: what it cost is known better")
        await mine.get_by_role("link", name="reverse").click()
        await expect(page.get_by_label("Token, market or entry")).to_have_value(entry_id)
        await page.get_by_label("Why").fill("it was not")
        await page.get_by_role("button", name="Show what it would do").click()
        await confirm(page, "Book it")
        await expect(page.locator("main .pill")).to_have_text("done")
        await is_written_down(desk, page, "fay", "adjust: reverse", "it was not")
        await page.goto(desk.base + "/adjust")
        await expect(page.locator("li", has_text="reversed by")).to_contain_text(entry_id)


@at_desk
async def test_where_no_worker_runs_an_entry_is_booked_at_once(desk: Desk) -> None:
    async with desk.page("gil") as page:
        await page.goto(desk.quiet.base + "/adjust")
        await page.locator("[name=kind]").select_option("transfer out")
        await page.get_by_label("Token, market or entry").fill(TOKEN[:20])
        await page.get_by_label("Shares").fill("1")
        await page.get_by_label("Why").fill("given away")
        await page.get_by_role("button", name="Show what it would do").click()
        await confirm(page, "Book it")
        await expect(page.locator("h1")).to_contain_text("Entry #")
        await expect(page.get_by_label("the fact as JSON")).to_contain_text('"who": "gil"')
        entry_id = re.search(r'"entry_id": "(\w+)"', await page.get_by_label("the fact as JSON").inner_text())
        assert entry_id is not None
        await page.goto(f"{desk.quiet.base}/adjust?kind=reverse&name={entry_id[1]}")
        await page.get_by_label("Why").fill("given back")
        await page.get_by_role("button", name="Show what it would do").click()
        await confirm(page, "Book it")
        await expect(page.locator("h1")).to_contain_text("Entry #")


@at_desk
async def test_without_a_login_one_may_look_and_every_action_asks_for_it(desk: Desk) -> None:
    async with desk.page(allowed=(403,)) as page:
        await page.goto(desk.base)
        await page.get_by_role("link", name="Halt").click()
        await expect(page.locator("h1")).to_have_text("Log in")
        await page.get_by_label("Who you are").fill("hal")
        await page.get_by_label("Token").fill("guess")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        await expect(page.get_by_label("Who you are")).to_have_value("hal")
        await page.get_by_label("Token").fill("demo")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.locator("h1")).to_have_text("Halt")
        await page.get_by_role("link", name="No, go back").click()
        await expect(page).to_have_url(desk.demo.url + desk.base)
        await page.goto(desk.base + "/fills?show=all")
        await page.get_by_role("button", name="hal · log out").click()
        await page.goto(desk.base + "/fills?show=all")
        await page.get_by_role("link", name="log in").click()
        assert await page.locator("[name=to]").get_attribute("value") == desk.base + "/fills?show=all"
        await page.goto(desk.base + "/do/pause")
        await expect(page.locator("h1")).to_have_text("Log in")
        assert await desk.value("SELECT count(*) FROM deed WHERE wallet_id = WALLET AND who = 'hal'") == 0
