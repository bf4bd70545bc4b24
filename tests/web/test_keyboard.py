"""Whoever has no mouse reaches everything, in the order in which it stands, and sees where they are."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tieout.app.desk.acting import Act
from web.looking import Desk, at_desk

# Everything that can be pressed, by its place in the document.
REACHABLE = """
() => [...document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), [tabindex='0']")]
  .filter((each) => each.checkVisibility()).map((each, at) => { each.dataset.at = at; return at; })
"""
# Where the focus is, and whether that can be seen.
HERE = """
() => { const each = document.activeElement, style = getComputedStyle(each);
        return [Number(each.dataset.at ?? -1), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2]; }
"""


async def still(page: Page, path: str) -> None:
    """The page, held still: what is counted does not change."""
    await page.goto(path)
    await expect(page.locator("#live")).to_have_text("live")
    await page.locator("#live").click()
    await page.evaluate("document.activeElement.blur()")


@at_desk
async def test_tab_reaches_every_link_and_button_of_the_overview_in_their_order(desk: Desk) -> None:
    async with desk.page("ann") as page:
        await still(page, desk.quiet.base)
        everything = await page.evaluate(REACHABLE)
        assert len(everything) > 40
        await page.evaluate(
            "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')"
        )
        reached = []
        for _ in everything:
            await page.keyboard.press("Tab")
            at, is_seen = await page.evaluate(HERE)
            assert is_seen, await page.evaluate("document.activeElement.outerHTML")
            reached.append(at)
        assert reached == everything


@at_desk
async def test_the_first_tab_offers_to_skip_the_menu(desk: Desk) -> None:
    async with desk.page() as page:
        await page.goto(desk.quiet.base + "/settings")
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="skip to the content")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement === document.querySelector('main a')")


@at_desk
async def test_every_action_is_confirmed_from_the_keyboard(desk: Desk) -> None:
    issue = await desk.quiet.trouble()
    async with desk.page("ann") as page:
        for act in Act:
            await page.goto(f"{desk.quiet.base}/do/{act.value}" + (f"?issue={issue}" if act is Act.ACKNOWLEDGE else ""))
            button = page.locator("main button[type=submit]")
            if await page.locator("[name=why]").count():
                await expect(page.locator("[name=why]")).to_be_focused()
            for _ in range(30):
                if await button.evaluate("each => each === document.activeElement"):
                    break
                await page.keyboard.press("Tab")
            await expect(button).to_be_focused()
        await page.keyboard.press("Shift+Tab")
        await expect(button).not_to_be_focused()
    await desk.quiet.solved(issue)
