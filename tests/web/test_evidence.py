"""From any figure down to the message that it rests on, by clicks alone."""

from __future__ import annotations

import json
import re

from playwright.async_api import Page, expect

from web.looking import Desk, at_desk


async def from_the_story_to_the_bytes(desk: Desk, page: Page, fact: str) -> tuple[int, str]:
    """Click a *fact* of the story, its entry, its message: the entry's number, and the message as it is shown."""
    await expect(page.locator("h1")).to_have_text("Story")
    await page.locator("tr", has=page.get_by_text(fact, exact=True)).get_by_role("link", name="#").first.click()
    await expect(page.locator("h1")).to_contain_text("Entry #")
    assert json.loads(await page.get_by_label("the fact as JSON").inner_text())["kind"] == fact
    seq = int(page.url.rpartition("/")[2])
    raw_id = await desk.value("SELECT raw_id FROM log WHERE wallet_id = WALLET AND seq = $1", seq)
    await page.get_by_role("definition").get_by_role("link", name=str(raw_id), exact=True).click()
    await expect(page.locator("h1")).to_have_text(f"Message {raw_id:,}")
    await expect(page.get_by_role("link", name=f"#{seq}", exact=True)).to_be_visible()
    return raw_id, await page.get_by_label("the message").inner_text()


@at_desk
async def test_a_fill_on_the_overview_is_three_clicks_from_its_bytes(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(desk.base)
        await page.get_by_role("button", name="live").click()
        row = page.locator("section[aria-labelledby=h-fills] tbody tr").first
        shares = await row.locator("[data-l=shares]").inner_text()
        await row.get_by_role("link", name="evidence").click()
        moved = page.locator("section[aria-labelledby=h-steps] tbody tr").first
        before, after = [await moved.locator(f"td[data-l='{label}']").first.inner_text() for label in ("shares", "→")]
        assert abs(number(after) - number(before)) == number(shares)
        raw_id, message = await from_the_story_to_the_bytes(desk, page, "fill")
        body = await desk.value("SELECT body FROM raw_message WHERE raw_id = $1", raw_id)
        assert json.loads(message) == json.loads(body)
        assert "trade" in message


@at_desk
async def test_the_profit_leads_to_a_position_and_to_what_made_it(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(desk.base)
        await page.get_by_role("link", name="PnL in all").click()
        await expect(page).to_have_url(re.compile("/portfolio$"))
        await page.locator("tbody tr .id").first.click()
        _, message = await from_the_story_to_the_bytes(desk, page, "order_placed")
        assert "order" in message.lower()


@at_desk
async def test_any_name_can_be_typed_also_shortened(desk: Desk) -> None:
    order = await desk.value("SELECT min(order_id) FROM orders WHERE wallet_id = WALLET")
    async with desk.page(allowed=(404,)) as page:
        await page.goto(desk.base + "/explain?name=0xffffffffffff")
        await expect(page.locator(".empty")).to_contain_text("Nothing in the log speaks of 0xffffffffffff")
        field = page.get_by_label("token, condition, order, trade or transaction")
        await field.fill(f"{order[:12]}…{order[-4:]}")
        await field.press("Enter")
        await expect(field).to_have_value(order)


def number(text: str) -> int:
    """A figure of a page in micro-units, without its label."""
    return int(re.sub(r"[^\d−]", "", text).replace("−", "-"))
