"""The pictures of the desk in docs/img/desk, taken of a running demo. `make screenshots`; no test run takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from web.demo_process import demo
from web.looking import Desk, at_desk, chromium, opened
from web.palette import small

FOLDER = Path(__file__).parents[2] / "docs" / "img" / "desk"
BYTES_MAX = 250_000
WORLD = ("--seed", "11", "--markets", "8", "--intensity", "6", "--fault", "human-transfer", "--each", "5")
MARKS = 30
"""So many points has the chart of the overview."""


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """A demo with more to see, after some time."""
    chromium()
    with demo(WORLD) as running, opened(running, alone=True) as found:
        yield found


async def take(page: Page, name: str, path: str, ready: str = "h1") -> None:
    """The page as it is first seen, written to NAME.png."""
    await page.goto(path)
    await expect(page.locator("#live")).to_have_text("live")
    await expect(page.locator(ready).first).to_be_visible()
    await page.mouse.move(0, 0)
    end = await page.locator("footer").bounding_box()
    view = page.viewport_size
    assert end is not None
    assert view is not None
    high = min(view["height"], round(end["y"] + end["height"]))
    clip = {"x": 0, "y": 0, "width": view["width"], "height": high}
    picture = small(await page.screenshot(animations="disabled", caret="hide", clip=clip))
    assert len(picture) < BYTES_MAX, f"{name}.png has {len(picture)} bytes"
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.png").write_bytes(picture)


@at_desk
async def test_take_the_pictures(desk: Desk) -> None:
    base, drawn = desk.base, "[data-chart][data-drawn] canvas"
    await desk.until("SELECT count(*) >= $1 FROM portfolio_mark WHERE wallet_id = WALLET", MARKS, patience_s=400)
    await desk.loop.aside(desk.demo.fault, "data-average")
    async with desk.page("ada") as page:
        await page.goto(f"{base}/do/full-sync")
        await page.locator("main").get_by_role("button", name="Compare").click()
        await desk.until("SELECT count(*) > 0 FROM sync_issue WHERE wallet_id = WALLET AND type = 'AVG_COST_DRIFT'")
        issue = await desk.value("SELECT min(issue_id) FROM sync_issue WHERE wallet_id = WALLET AND condition_id <> ''")
        market = await desk.value(
            "SELECT m.condition_id FROM movements m JOIN market_status USING (wallet_id, condition_id) "
            "WHERE m.wallet_id = WALLET GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        )
        entry = await desk.value("SELECT head_seq / 2 FROM wallet WHERE wallet_id = WALLET")
        fill = await desk.value(
            "SELECT key FROM movements WHERE wallet_id = WALLET AND kind = 'sell' AND status = 'SETTLED' "
            "ORDER BY occurred_at_ms DESC LIMIT 1"
        )
        await take(page, "overview-light", base, drawn)
        await take(page, "market", f"{base}/market/{market}", drawn)
        await take(page, "markets", f"{base}/markets")
        await take(page, "orders", f"{base}/orders")
        await take(page, "fills", f"{base}/fills")
        await take(page, "incidents", f"{base}/incidents")
        await take(page, "incident", f"{base}/incident/{issue}")
        await take(page, "log", f"{base}/log?as_known=%23{entry}")
        await take(page, "explain", f"{base}/explain/{fill.replace('/', '%2F')}")
        await take(page, "portfolio", f"{base}/portfolio")
        await take(page, "settings", f"{base}/settings")
        await take(page, "confirm", f"{base}/do/cancel-all")
    async with desk.page("ada", dark=True) as page:
        await take(page, "overview-dark", base, drawn)
    async with desk.page("ada", phone=True) as page:
        await take(page, "overview-phone", base, drawn)
