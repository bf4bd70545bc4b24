"""Wallets, and what their books hold: positions, orders, movements, profit."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request

from tieout.app.desk.figures import figures, first_mark_ms, profit_over_time
from tieout.app.desk.holdings import holdings
from tieout.app.desk.trades import MovementFilter, OrderFilter, movements, orders
from tieout.app.desk.wallets import wallet_lines
from tieout.app.operations import control_view
from tieout.app.showing import FILL_KINDS, OPEN_STATES
from tieout.app.stored_answer import stored_answer
from tieout.store import statuses
from tieout.store.controls import WHOLE_WALLET
from tieout.store.controls import state_of as control_of
from tieout.store.wallets import head_of
from tieout.web.api import models, shapes, shapes_books
from tieout.web.api.asked import (
    Asked,
    Asking,
    Cursor,
    Limit,
    Market,
    cursor_of,
    lowered,
    place_in,
    row_place,
)
from tieout.web.api.models_books import Movements, Orders, Pnl, PnlHistory, Positions
from tieout.web.api.problems import ApiError
from tieout.web.api.routes import Reading
from tieout.web.api.routes import router as new_router
from tieout.web.api.units import AskedMs, Name
from tieout.web.house import house_of

wallets_router = new_router("wallets", Reading, "")
wallet_router = new_router("wallets", Reading)
books_router = new_router("books", Reading)

POSITIONS_MAX = 10_000

MovementKind = Literal[
    "buy",
    "sell",
    "split",
    "merge",
    "redemption",
    "exchange",
    "transfer in",
    "transfer out",
    "adjustment",
    "cost correction",
    "cash",
]
OrderState = Literal["open", "all", "intended", "live", "closing", "closed", "rejected", "unknown"]


@wallets_router.get("/wallets", operation_id="list_wallets")
async def list_wallets(request: Request, cursor: Cursor = None, limit: Limit = 100) -> models.Wallets:
    """Wallets of this database."""
    house = house_of(request)
    after = place_in("wallet", cursor)
    if after and not (after.isascii() and after.isdecimal() and len(after) < 10):
        raise ApiError(400, "cursor: expected the `next` of an earlier page of the same list, as it was told")
    async with house.reading() as connection:
        found = await wallet_lines(connection, house.now_ms(), int(after or 0), limit + 1)
    return models.Wallets(
        items=[
            models.WalletLine(
                address=line.address,
                seq=line.head_seq,
                verdict=line.verdict.value,
                open_incidents=line.open_issues,
                held_by=line.holder,
            )
            for line in found[:limit]
        ],
        next=cursor_of("wallet", found[limit - 1].wallet_id) if len(found) > limit else None,
    )


@wallet_router.get("", operation_id="get_wallet")
async def get_wallet(asked: Asking) -> models.Wallet:
    """A wallet: whether it ties out, where its log ends, what holds it, how its worker is."""
    async with asked.house.reading() as connection:
        head, epoch, _ = await head_of(connection, asked.wallet_id)
        holder = await connection.fetchval("SELECT holder FROM wallet WHERE wallet_id = $1", asked.wallet_id)
        number, grave = await connection.fetchrow(
            "SELECT count(*), count(*) FILTER (WHERE severity IN ('ERROR', 'CRITICAL')) FROM sync_issue "
            "WHERE wallet_id = $1 AND acknowledged_at_ms IS NULL",
            asked.wallet_id,
        )
        return models.Wallet(
            address=asked.wallet,
            head=models.Head(seq=head.seq, hash=head.hash.hex()),
            epoch=epoch,
            held_by=holder,
            tie_out=shapes.tie_out(await stored_answer(connection, asked.wallet, asked.now_ms)),
            control=shapes.control(await control_of(connection, asked.wallet_id, WHOLE_WALLET)),
            worker=shapes.worker(await statuses.worker(connection, asked.wallet_id), asked.now_ms),
            open_incidents=number,
            grave_incidents=grave,
        )


@wallet_router.get("/controls", operation_id="get_controls")
async def get_controls(asked: Asking, limit: Limit = 100) -> models.Controls:
    """What is paused or halted, since when, by whom and why. `limit` is of the changes, the newest first."""
    async with asked.house.connection() as connection:
        return shapes.controls(await control_view(connection, asked.wallet, history=limit))


@books_router.get("/positions", operation_id="list_positions")
async def list_positions(
    asked: Asking,
    show: Annotated[Literal["held", "all"], Query(description="What is held, or everything that ever was.")] = "held",
    market: Market = None,
    cursor: Cursor = None,
    limit: Annotated[
        int, Query(ge=1, le=POSITIONS_MAX, description=f"Rows of a page, {POSITIONS_MAX} at most.")
    ] = POSITIONS_MAX,
) -> Positions:
    """Positions, marked to market, by condition and token. All of one page are of one moment."""
    after = tuple(place_in("position", cursor).partition(" ")[::2])
    async with asked.house.reading() as connection:
        seq = await asked.seq(connection)
        every = await holdings(connection, asked.wallet_id, every=show == "all")
    wanted = {(held.row.condition_id, held.row.token_id): held for held in every}
    keys = sorted(key for key in wanted if key > after and (market is None or key[0] == lowered(market)))
    return Positions(
        seq=seq,
        items=[shapes_books.marked_position(wanted[key]) for key in keys[:limit]],
        next=cursor_of("position", " ".join(keys[limit - 1])) if len(keys) > limit else None,
    )


@books_router.get("/orders", operation_id="list_orders")
async def list_orders(
    asked: Asking,
    state: Annotated[
        OrderState, Query(description="`open`: those that may rest or fill (intended, live, closing).")
    ] = "open",
    market: Market = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Orders:
    """Orders, those placed last first."""
    states = {"open": OPEN_STATES, "all": ()}.get(state, (state,))
    place = row_place("order", cursor)
    async with asked.house.reading() as connection:
        seq = await asked.seq(connection)
        wanted = OrderFilter(states, lowered(market))
        found = await orders(connection, asked.wallet_id, wanted, place, limit)
    return Orders(
        seq=seq,
        items=[shapes_books.order(each) for each in found.rows],
        next=cursor_of("order", found.next) if found.next else None,
    )


TokenId = Annotated[Name | None, Query(description="Only of this outcome token.")]
OrderId = Annotated[Name | None, Query(description="Only of this order of ours.")]
Status = Annotated[Name | None, Query(description="Only those that are as far as this, such as `CONFIRMED`.")]


@books_router.get("/fills", operation_id="list_fills")
async def list_fills(
    asked: Asking,
    market: Market = None,
    token: TokenId = None,
    order: OrderId = None,
    status: Status = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Movements:
    """Fills, the newest first: the movements that are a buy or a sell."""
    wanted = MovementFilter(FILL_KINDS, lowered(market), token or "", order or "", status or "")
    return await _movements(asked, wanted, cursor, limit)


@books_router.get("/movements", operation_id="list_movements")
async def list_movements(
    asked: Asking,
    kind: Annotated[list[MovementKind] | None, Query(description="Only these kinds; may come more than once.")] = None,
    market: Market = None,
    token: TokenId = None,
    order: OrderId = None,
    status: Status = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Movements:
    """Everything that changed the books, the newest first: fills, splits, merges, redemptions, transfers, cash."""
    wanted = MovementFilter(tuple(kind or ()), lowered(market), token or "", order or "", status or "")
    return await _movements(asked, wanted, cursor, limit)


async def _movements(asked: Asked, wanted: MovementFilter, cursor: str | None, limit: int) -> Movements:
    place = row_place("movement", cursor)
    async with asked.house.reading() as connection:
        seq = await asked.seq(connection)
        found = await movements(connection, asked.wallet_id, wanted, place, limit)
    return Movements(
        seq=seq,
        items=[shapes_books.movement(each) for each in found.rows],
        next=cursor_of("movement", found.next) if found.next else None,
    )


@books_router.get("/pnl", operation_id="get_pnl")
async def get_pnl(asked: Asking) -> Pnl:
    """What the wallet earned and what it risks, now."""
    async with asked.house.reading() as connection:
        seq = await asked.seq(connection)
        return shapes_books.pnl(await figures(connection, asked.wallet_id, asked.now_ms), seq)


@books_router.get("/pnl/history", operation_id="get_pnl_history")
async def get_pnl_history(
    asked: Asking,
    since: Annotated[
        AskedMs | None, Query(description="From then on, milliseconds of Unix time; without: from the first mark.")
    ] = None,
    until: Annotated[AskedMs | None, Query(description="Up to then, milliseconds of Unix time; without: now.")] = None,
) -> PnlHistory:
    """Profit over time, from the marks that the worker makes."""
    until_ms = asked.now_ms if until is None else until
    async with asked.house.reading() as connection:
        first = await first_mark_ms(connection, asked.wallet_id)
        since_ms = min(until_ms if first is None else first, until_ms) if since is None else since
        if since_ms > until_ms:
            raise ApiError(400, f"since: expected a time before until ({until_ms}), was {since_ms}")
        points = await profit_over_time(connection, asked.wallet_id, since_ms, until_ms)
    return PnlHistory(since_ms=since_ms, until_ms=until_ms, items=[shapes_books.pnl_point(point) for point in points])
