"""Every page of the desk in a browser, with what stands on it and where its links lead."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tieout.ledger.units import decimal_text
from web.looking import Desk, at_desk
from web.quiet_wallet import LONG_NAME, MARKET, ORDERS, TOKEN


async def texts(page: Page, selector: str) -> list[str]:
    """What stands in each of them."""
    return [text.strip() for text in await page.locator(selector).all_inner_texts()]


def amount(micro: str) -> str:
    """As a page writes it."""
    whole, _, places = decimal_text(abs(int(micro))).partition(".")
    return f"{'−' if int(micro) < 0 else ''}{whole}.{places.ljust(6, '0')}"


@at_desk
async def test_with_two_wallets_the_first_page_lets_one_choose(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto("/")
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.get_by_role("link", name=desk.demo.wallet).click()
        await expect(page).to_have_url(desk.demo.url + desk.base)
        await page.locator("summary").click()
        await page.locator(".wallets").get_by_role("link", name=desk.quiet.base[3:]).click()
        await expect(page).to_have_url(desk.demo.url + desk.quiet.base)
        await expect(page.locator(".strip")).to_contain_text("no worker runs")


@at_desk
async def test_markets_are_sorted_and_searched(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(desk.base + "/markets")
        names = await texts(page, "td.name")
        assert len(names) == 3
        assert names == sorted(names, key=str.lower)
        await page.get_by_label("sorted by").select_option("cost")
        await page.get_by_role("button", name="Show").click()
        await expect(page).to_have_url(re.compile("sort=cost"))
        costs = [float(text.replace(",", "")) for text in await texts(page, "td[data-l=cost]")]
        assert costs == sorted(costs, reverse=True)
        await page.get_by_label("name holds").fill(names[1][:-4].upper())
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator("td.name")).to_have_text(names[1])
        await page.locator("td.name a").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(names[1])


@at_desk
async def test_a_market_shows_our_orders_in_its_book_its_fills_drawn_and_its_facts(desk: Desk) -> None:
    quoted = await desk.until(
        "SELECT condition_id FROM market_status WHERE wallet_id = WALLET AND jsonb_array_length(status->'resting') > 1 "
        "AND condition_id IN (SELECT condition_id FROM movements WHERE wallet_id = WALLET AND kind = 'buy') LIMIT 1"
    )
    async with desk.page() as page:
        await page.goto(f"{desk.base}/market/{quoted}")
        await expect(page.locator(".ladder .own").first).to_be_visible()
        prices = [float(text[:-1]) for text in await texts(page, ".ladder td:first-child")]
        assert prices == sorted(prices, reverse=True)
        sides = [
            text.split()[0]
            for text in await page.eval_on_selector_all(".ladder tbody tr", "all => all.map(e => e.className)")
        ]
        assert sides == sorted(sides), "asks above bids"
        chart = page.locator("[data-chart]")
        await expect(chart).to_have_attribute("data-drawn", re.compile("[1-9]"))
        assert await chart.locator("canvas").count() == 1
        await expect(page.locator("#h-facts + ol li").first).to_contain_text("#")
        await page.locator(".ladder .own a").first.click()
        await expect(page.locator("h1")).to_have_text("Story")
        await expect(page.get_by_text("order_intended").first).to_be_visible()


@at_desk
@pytest.mark.parametrize("kind", ["orders", "fills"])
async def test_tabs_and_pages_leave_no_row_out_and_show_none_twice(desk: Desk, kind: str) -> None:
    async with desk.page() as page:
        await page.goto(f"{desk.quiet.base}/{kind}")
        tab = page.locator(".tabs").get_by_role("link", name={"orders": "all", "fills": "fills"}[kind], exact=True)
        await tab.click()
        await expect(tab).to_have_attribute("aria-current", "page")
        total, seen = desk.quiet.fills, []
        assert total >= ORDERS
        while True:
            rows = await page.eval_on_selector_all("tbody tr", "all => all.map(each => each.id)")
            seen += rows
            older = page.get_by_role("link", name="older")
            if not await older.count():
                break
            await older.click()
            await expect(page.get_by_role("link", name="newest")).to_be_visible()
            await page.wait_for_function("last => document.querySelector('tbody tr').id !== last", arg=rows[0])
        assert len(seen) == len(set(seen)) == total
        await page.get_by_role("link", name="newest").click()
        await expect(page.locator("tbody tr").first).to_have_id(seen[0])
        other = {"orders": "rejected", "fills": "transfers"}[kind]
        await page.locator(".tabs").get_by_role("link", name=other).click()
        await expect(page.locator("td.empty")).to_be_visible()


@at_desk
async def test_an_incident_says_what_happened_with_its_evidence(desk: Desk) -> None:
    await desk.until("SELECT count(*) > 0 FROM sync_issue WHERE wallet_id = WALLET AND type = 'POSITION_DRIFT'")
    async with desk.page() as page:
        await page.goto(desk.base + "/incidents")
        await page.locator(".tabs").get_by_role("link", name="all").click()
        await page.get_by_role("link", name="POSITION_DRIFT").first.click()
        await expect(page.locator("h1")).to_contain_text("POSITION_DRIFT")
        for words in ("What happened", "How we know", "What was done", "What you can do", "Found by"):
            await expect(page.get_by_text(words, exact=True)).to_be_visible()
        # Only what is for this outcome is told to do; all of it is in the guide.
        await expect(page.locator("dd").nth(3)).to_have_text("Read what it was, it is booked.")
        evidence = json.loads(await page.get_by_label("the evidence as JSON").inner_text())
        await page.locator("#h-ev ~ ul").get_by_role("link").last.click()
        await expect(page.get_by_label("token, condition, order, trade or transaction")).to_have_value(
            evidence["tx_hash"]
        )
        await page.goto(desk.base + "/guide")
        await expect(page.locator("#POSITION_DRIFT")).to_contain_text("LOGGED: look at the cause")
        await expect(page.locator("#POSITION_DRIFT code").first).to_have_text("tieout explain TOKEN")


@at_desk
async def test_the_books_at_an_entry_are_those_of_the_command_line(desk: Desk) -> None:
    async with desk.page(allowed=(400,)) as page:
        await page.goto(desk.base + "/log")
        await page.locator("tbody tr a").nth(60).click()
        await page.get_by_role("link", name="books as believed here").click()
        known = await page.locator("[name=as_known]").input_value()
        stated = await desk.loop.aside(desk.demo.tieout, "books", "--as-known", known)
        await expect(page.locator("#h-then")).to_contain_text(f"{int(known[1:]):,}")
        assert await positions_then(page) == held(stated)
        assert held(stated)
        heard_ms = await desk.value(
            "SELECT received_at_ms FROM log WHERE wallet_id = WALLET AND seq = $1", int(known[1:])
        )
        moment = await page.evaluate("ms => new Date(ms).toISOString().slice(0, 23)", heard_ms)
        stated = await desk.loop.aside(desk.demo.tieout, "books", "--as-of", f"{moment}Z", "--as-known", known)
        await page.goto(f"{desk.base}/log?as_of={moment}&as_known=%23{known[1:]}")
        assert await positions_then(page) == held(stated)
        await page.locator("[name=as_known]").fill("yesterday")
        await page.get_by_role("button", name="Go there").click()
        await expect(page.locator("main")).to_contain_text("expected a time in UTC as 2026-11-30 14:05")


async def positions_then(page: Page) -> dict[str, tuple[str, ...]]:
    """Shares, cost and profit by token, as the page shows them."""
    rows = page.locator("[aria-label='positions then'] tbody tr")
    return {
        str(await row.locator(".id").get_attribute("title")): tuple(
            text.split()[-1].lstrip("+").replace(",", "") for text in (await row.locator("td.r").all_inner_texts())[:3]
        )
        for row in await rows.all()
    }


def held(stated: Any) -> dict[str, tuple[str, ...]]:
    """The same from the JSON of `tieout books`; positions that are nothing are left out there and here."""
    figures = ("shares", "cost_basis", "realized_pnl")
    return {
        row["token_id"]: tuple(amount(row[name]) for name in figures)
        for row in stated["positions"]
        if any(int(row[name]) for name in figures)
    }


@at_desk
async def test_entries_lead_to_their_neighbours_and_the_last_has_no_next(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(f"{desk.quiet.base}/log/2")
        await page.get_by_role("link", name="#1", exact=True).click()
        await expect(page.locator("h1")).to_have_text("Entry #1")
        assert await page.locator("[rel=prev]").count() == 0
        await expect(page.locator("dd .pill")).to_have_text("holds")
        await page.locator("[rel=next]").click()
        await expect(page.locator("h1")).to_have_text("Entry #2")
        await page.goto(f"{desk.quiet.base}/log/{await desk.quiet.head()}")
        assert await page.locator("[rel=next]").count() == 0


@at_desk
async def test_the_portfolio_adds_up_and_long_names_stay_on_the_page(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(desk.quiet.base + "/portfolio")
        await expect(page.locator("td[data-l=shares]")).to_have_text(f"{desk.quiet.fills * 5:,}.000000")
        await expect(page.locator("td.name")).to_have_text(LONG_NAME)
        await page.locator("td .id").click()
        await expect(page.get_by_label("token, condition")).to_have_value(TOKEN)
        await page.goto(f"{desk.quiet.base}/market/{MARKET}")
        await expect(page.get_by_text("no worker shows a book of this market")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@at_desk
async def test_what_is_not_there_is_said_in_words(desk: Desk) -> None:
    async with desk.page(allowed=(404, 422)) as page:
        for path, words in (
            (f"{desk.base}/log/99999999", "the log of this wallet has no entry 99999999"),
            (f"{desk.base}/log/none", "seq"),
            (f"{desk.base}/market/0xabc", "know no market 0xabc"),
            (f"{desk.base}/explain/0xffffffffffff", "Nothing in the log speaks of"),
            ("/w/0x12", "a wallet is named by its address"),
            (f"/w/0x{'99' * 20}", "this database has no books of wallet"),
        ):
            await page.goto(path)
            await expect(page.locator("main")).to_contain_text(words)
