"""All markets, and one of them: its book with our orders in it, our fills, the story of its facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from tieout.app.desk import entries
from tieout.app.desk.markets import MarketLine, market_line, market_lines
from tieout.app.desk.trades import MovementFilter, OrderFilter, movements, orders
from tieout.app.showing import FILL_KINDS, OPEN_STATES
from tieout.ledger.rows import PositionRow
from tieout.ledger.units import MICRO
from tieout.store import controls, quotes, runs
from tieout.web.pages.visit import NotFoundError, Visiting

router = APIRouter(prefix="/w/{wallet}", include_in_schema=False)

FACTS = 40
FILLS = 50
CHART_FILLS = 1_000
SORTS = {
    "name": lambda line: line.title.lower(),
    "pnl": lambda line: -line.pnl,
    "skew": lambda line: -abs(line.skew),
    "cost": lambda line: -sum(line.cost),
}


@router.get("/markets")
async def all_markets(
    visit: Visiting, sort: str = Query("name", max_length=10), q: str = Query("", max_length=100)
) -> HTMLResponse:
    """Every market, sorted, those whose name holds *q*."""
    async with visit.house.reading() as connection:
        lines = await market_lines(connection, visit.wallet_id)
        wanted = [line for line in lines if q.lower() in line.title.lower() or q.lower() == line.condition_id]
        wanted.sort(key=SORTS.get(sort, SORTS["name"]))
        return await visit.render(connection, "markets.html", lines=wanted, every=len(lines), sort=sort, q=q)


@router.get("/market/{condition_id}")
async def one_market(visit: Visiting, condition_id: str) -> HTMLResponse:
    """One market."""
    async with visit.house.reading() as connection:
        line = await market_line(connection, visit.wallet_id, condition_id.lower())
        if line is None:
            raise NotFoundError(f"the books of this wallet know no market {condition_id[:80]}")
        cid, wallet_id = line.condition_id, visit.wallet_id
        rows = await connection.fetch(
            f"SELECT {', '.join(PositionRow._fields)} FROM positions WHERE wallet_id = $1 AND condition_id = $2 "
            "ORDER BY outcome_index, token_id",
            wallet_id,
            cid,
        )
        issues = [each for each in await runs.open_issues(connection, wallet_id) if each.condition_id == cid]
        return await visit.render(
            connection,
            "market.html",
            line=line,
            ladder=ladder(line),
            positions=[PositionRow(*row) for row in rows],
            fills=(await movements(connection, wallet_id, MovementFilter(condition_id=cid), limit=FILLS)).rows,
            orders=(await orders(connection, wallet_id, OrderFilter(OPEN_STATES, cid))).rows,
            facts=await entries.of_market(connection, wallet_id, cid, FACTS),
            quotes=await quotes.of_market(connection, wallet_id, cid, limit=FACTS),
            control=await controls.state_of(connection, wallet_id, cid),
            issues=issues,
        )


@router.get("/chart/fills/{condition_id}")
async def fills_chart(visit: Visiting, condition_id: str) -> dict[str, Any]:
    """The last fills of a market by time, at prices of its first outcome, in cents (for display)."""
    wanted = MovementFilter(FILL_KINDS, condition_id.lower())
    async with visit.house.reading() as connection:
        found = (await movements(connection, visit.wallet_id, wanted, limit=CHART_FILLS)).rows
    points = [
        (fill.row.occurred_at_ms / 1_000, fill.price if fill.outcome_index != 1 else MICRO - fill.price, _rises(fill))
        for fill in reversed(found)
        if fill.price
    ]
    return {
        "x": [at for at, _, _ in points],
        "series": [
            {
                "label": label,
                "tone": tone,
                "points": True,
                "values": [p / 1e4 if up is side else None for _, p, up in points],
            }
            for label, tone, side in (("bought", "up", True), ("sold", "down", False))
        ],
    }


def _rises(fill: Any) -> bool:
    """Whether the fill wanted the first outcome to rise."""
    return bool((fill.row.kind == "buy") == (fill.outcome_index != 1))


class Rung(NamedTuple):
    """One price of the ladder, in terms of the first outcome. Sizes in micro-shares; `own` are our orders there."""

    price: int
    side: str
    size: int
    own: Sequence[Mapping[str, Any]]


def ladder(line: MarketLine) -> list[Rung]:
    """The book of the first outcome from the highest ask to the lowest bid, with every order of ours in it.

    An order of the second outcome stands at one less its price: both outcomes trade in one book.
    """
    own: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for order in line.resting:
        is_bid = (order["side"] == "BUY") == (order["outcome"] == 0)
        at = order["price"] if order["outcome"] == 0 else MICRO - order["price"]
        own.setdefault(("bid" if is_bid else "ask", at), []).append(order)
    sizes = {
        (side, price): size
        for side, name in (("bid", "bids"), ("ask", "asks"))
        for price, size in (line.book.get(name) or [[]])[0]
    }
    rungs = [
        Rung(price, side, sizes.get((side, price), 0), own.get((side, price), ())) for side, price in {*sizes, *own}
    ]
    return sorted(rungs, key=lambda rung: (-rung.price, rung.side))
