"""Markets of a wallet."""

from __future__ import annotations

from tieout.app.desk.markets import market_line, market_lines
from tieout.ledger.rows import PositionRow
from tieout.store import controls
from tieout.web.api import shapes_books
from tieout.web.api.asked import Asking, ConditionId, Cursor, Limit, cursor_of, place_in
from tieout.web.api.models_books import Markets, MarketStory
from tieout.web.api.problems import ApiError
from tieout.web.api.routes import Reading
from tieout.web.api.routes import router as new_router

router = new_router("markets", Reading)


@router.get("/markets", operation_id="list_markets")
async def list_markets(asked: Asking, cursor: Cursor = None, limit: Limit = 100) -> Markets:
    """Every market that the wallet holds, held or quotes, by condition id."""
    after = place_in("market", cursor)
    async with asked.house.reading() as connection:
        seq = await asked.seq(connection)
        every = await market_lines(connection, asked.wallet_id)
    lines = sorted((line for line in every if not cursor or line.condition_id > after), key=lambda x: x.condition_id)
    return Markets(
        seq=seq,
        items=[shapes_books.market(line) for line in lines[:limit]],
        next=cursor_of("market", lines[limit - 1].condition_id) if len(lines) > limit else None,
    )


@router.get("/markets/{condition_id}", operation_id="get_market")
async def get_market(asked: Asking, condition_id: ConditionId) -> MarketStory:
    """One market with its book, quotes and positions."""
    async with asked.house.reading() as connection:
        line = await market_line(connection, asked.wallet_id, condition_id.lower())
        if line is None:
            raise ApiError(
                404, f"the books of this wallet know no market {condition_id}; GET .../markets lists those they know"
            )
        rows = await connection.fetch(
            f"SELECT {', '.join(PositionRow._fields)} FROM positions WHERE wallet_id = $1 AND condition_id = $2 "
            "ORDER BY outcome_index, token_id",
            asked.wallet_id,
            line.condition_id,
        )
        number = await connection.fetchval(
            "SELECT count(*) FROM sync_issue WHERE wallet_id = $1 AND condition_id = $2 AND acknowledged_at_ms IS NULL",
            asked.wallet_id,
            line.condition_id,
        )
        deciding = await controls.state_of(connection, asked.wallet_id, line.condition_id)
    return shapes_books.market_story(line, [PositionRow(*row) for row in rows], deciding, number)
