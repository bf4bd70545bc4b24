"""What has to be true of every page: it has its place, its links answer, everybody can read and reach everything."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, expect

from web.looking import PHONE, Desk, at_desk
from web.places import NAMES, place

FONT_MIN = 11
"""Pixels; smaller text is for nobody."""

WITHOUT_PLACE = frozenset(("confirm", "adjust", "request", "export"))
"""Pages that the menu does not name."""

# Rows of a table are alike: the first ones speak for all of them.
FEW_ROWS = """
() => document.querySelectorAll("tbody tr:nth-child(n+9), .timeline li:nth-child(n+9)").forEach((each) => each.remove())
"""
AXE = """
(rules) => axe.run({ resultTypes: ["violations"], ...(rules ? { runOnly: { type: "rule", values: rules } } : {}) })
  .then(({ violations }) => violations.flatMap(({ id, impact, nodes }) =>
    nodes.map((node) => `${impact} ${id}: ${node.target} ${node.failureSummary}`)))
"""
OF_COLOURS = ["color-contrast", "link-in-text-block"]

SMALL = """
(least) => [...document.querySelectorAll("body *")].filter((each) => each.offsetParent
  && [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
  && parseFloat(getComputedStyle(each).fontSize) < least).map((each) => `${each.tagName} ${each.textContent}`)
"""
WIDE = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@at_desk
@pytest.mark.parametrize("name", NAMES)
async def test_a_page_is_found_read_and_reached_by_everybody(desk: Desk, name: str) -> None:
    path = await place(desk, name)
    async with desk.page("ann", allowed=(404,) if name == "missing" else ()) as page:
        await page.goto(path)
        assert await page.locator("h1").count() == 1
        if path.startswith("/w/"):
            await expect(page.locator("#live")).to_have_text("live")
            current = page.locator('#pages [aria-current="page"]')
            assert await current.count() == (name not in WITHOUT_PLACE)
            await page.locator("#live").click()  # held still: what is looked at does not change
        await answers(desk, page)
        await page.evaluate(FEW_ROWS)
        await page.evaluate("() => document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
        await page.evaluate(AXE_SCRIPT)
        assert await page.evaluate(AXE, None) == []
        await page.evaluate("document.documentElement.dataset.theme = 'dark'")
        assert await page.evaluate(AXE, OF_COLOURS) == []
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert await page.evaluate(SMALL, FONT_MIN) == []
        scroll, client = await page.evaluate(WIDE)
        assert scroll <= client == PHONE[0]


async def answers(desk: Desk, page: Page) -> None:
    """Every link of *page* leads somewhere; of those that differ in an id or a number alone, one is asked for."""
    hrefs: list[Any] = await page.eval_on_selector_all(
        "a[href^='/']", "all => all.map(each => each.pathname + each.search)"
    )
    for href in hrefs:
        kind = re.sub(r"0x[0-9a-f]{8,}|[0-9]+|fill/\S+", "*", href)
        if kind not in desk.answered:
            desk.answered.add(kind)
            answer = await page.context.request.get(href)
            assert answer.status == 200, href
