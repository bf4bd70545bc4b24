"""Public prices: books, midpoints, best prices, spreads, last trades and history, singly and in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tieout.sim.engine.amounts import ONE, text
from tieout.sim.engine.book import Book
from tieout.sim.engine.rejections import Rejected
from tieout.sim.model import Market, Side
from tieout.sim.wire.clob_desk import Desk, json_body
from tieout.sim.wire.errors import (
    BAD_HISTORY_QUERY,
    BAD_PAYLOAD,
    BAD_SIDE,
    NO_ORDERBOOK,
    PAYLOAD_LIMIT,
    bad_request,
)
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.market_shapes import book_shape, midpoint, number

Names = Mapping[str, str]

MOST_TOKENS = 500
"""In one batch; ours, the documentation only says that there is a bound."""

INTERVALS_S = {"1m": 30 * 86_400, "1w": 7 * 86_400, "1d": 86_400, "6h": 21_600, "1h": 3_600, "max": None, "all": None}
"""`interval` of `/prices-history` in seconds; 1m is a month."""


class Quoted(NamedTuple):
    """A token that has a book."""

    market: Market
    outcome: int
    book: Book
    token: str


class Prices:
    """No authentication needed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, router: Router) -> None:
        """Serve the routes."""
        router.add("GET", "/book", self._single(self._book))
        router.add("GET", "/midpoint", self._single(lambda quoted: {"mid": _middle(quoted)}))
        router.add("GET", "/spread", self._single(lambda quoted: {"spread": _spread(quoted)}))
        router.add("GET", "/last-trade-price", self._single(self._last))
        router.add("GET", "/price", self.price)
        router.add("POST", "/books", self.books)
        router.add("POST", "/midpoints", self._mapping(_middle))
        router.add("POST", "/spreads", self._mapping(_spread))
        router.add("POST", "/prices", self.prices)
        router.add("POST", "/last-trades-prices", self.last_trades)
        router.add("GET", "/prices-history", self.history)

    # one token

    def _single(self, shape: Callable[[Quoted], dict[str, Any]]) -> Callable[[Request, Names], Reply]:
        def serve(request: Request, _names: Names) -> Reply:
            return json_reply(shape(self._quoted(request)))

        return serve

    def _quoted(self, request: Request) -> Quoted:
        """The token of the query. Raises HttpError 400 or 404; a resolved market has no book any more."""
        token = request.query.get("token_id", "")
        quoted = self._find(token, self._desk.token(token))
        if quoted is None:
            raise bad_request(NO_ORDERBOOK, 404)
        return quoted

    def _find(self, text_: str, token: int) -> Quoted | None:
        exchange = self._desk.world.exchange
        try:
            market = exchange.market_of(token)
        except Rejected:
            return None
        if market.closed:
            return None
        return Quoted(market, market.tokens.index(token), exchange.books[market.condition_id], text_)

    def _book(self, quoted: Quoted) -> dict[str, Any]:
        market, outcome = quoted.market, quoted.outcome
        records = self._desk.records
        last = records.last.get(market.condition_id, {}).get(outcome)
        changed_ms = records.changed_ms.get(market.condition_id, market.created_ms)
        return book_shape(market, quoted.book, outcome, changed_ms, last.price if last else None)

    def _last(self, quoted: Quoted) -> dict[str, str]:
        """Without a trade the price is 0.5 and the side empty, which the SDK reads as none."""
        last = self._desk.records.last.get(quoted.market.condition_id, {}).get(quoted.outcome)
        return {"price": text(last.price), "side": last.side.name} if last else {"price": "0.5", "side": ""}

    def price(self, request: Request, _names: Names) -> Reply:
        """The best bid for BUY, the best ask for SELL; "0" when there is none."""
        quoted = self._quoted(request)
        return json_reply({"price": _best(quoted, _side(request.query.get("side")))})

    # batches

    def _batch(self, request: Request) -> Iterator[tuple[Quoted, dict[str, Any]]]:
        """The tokens of the body that have a book, with their entries. Raises HttpError 400."""
        raw = json_body(request, BAD_PAYLOAD)
        if not isinstance(raw, list):
            raise bad_request(BAD_PAYLOAD)
        if len(raw) > MOST_TOKENS:
            raise bad_request(PAYLOAD_LIMIT)
        for entry in raw:
            token = entry.get("token_id") if isinstance(entry, dict) else None
            if not isinstance(token, str) or not token:
                raise bad_request(BAD_PAYLOAD)
            quoted = self._find(token, self._desk.token(token))
            if quoted is not None:
                yield quoted, entry

    def books(self, request: Request, _names: Names) -> Reply:
        """A list of books; tokens without one are left out."""
        return json_reply([self._book(quoted) for quoted, _ in self._batch(request)])

    def _mapping(self, value: Callable[[Quoted], str]) -> Callable[[Request, Names], Reply]:
        def serve(request: Request, _names: Names) -> Reply:
            return json_reply({quoted.token: value(quoted) for quoted, _ in self._batch(request)})

        return serve

    def prices(self, request: Request, _names: Names) -> Reply:
        """Per token the sides that were asked for."""
        found: dict[str, dict[str, str]] = {}
        for quoted, entry in self._batch(request):
            side = _side(entry.get("side"))
            found.setdefault(quoted.token, {})[side.name] = _best(quoted, side)
        return json_reply(found)

    def last_trades(self, request: Request, _names: Names) -> Reply:
        """A list; tokens that never traded are left out."""
        rows = [(quoted.token, self._last(quoted)) for quoted, _ in self._batch(request)]
        return json_reply([{"token_id": token, **last} for token, last in rows if last["side"]])

    # history

    def history(self, request: Request, _names: Names) -> Reply:
        """`market` is a token; points every `fidelity` minutes as (unix seconds, JSON number)."""
        query = request.query
        bounds = [query.get(name, "") for name in ("startTs", "endTs")]
        interval, fidelity = query.get("interval", ""), query.get("fidelity", "1")
        whole = all(bound == "" or bound.isdecimal() for bound in bounds) and fidelity.isdecimal()
        if not query.get("market") or not whole or int(fidelity) < 1 or interval not in ("", *INTERVALS_S):
            raise bad_request(BAD_HISTORY_QUERY)
        start, end = (int(bound) if bound else None for bound in bounds)
        length = INTERVALS_S[interval] if interval else None
        if length is not None:
            start = self._desk.world.scheduler.now_s - length
        points = self._points(self._desk.token(query["market"]), start, end)
        return json_reply({"history": _thinned(points, int(fidelity) * 60)})

    def _points(self, token: int, start: int | None, end: int | None) -> Iterator[tuple[int, int]]:
        market = self._desk.world.exchange.by_token.get(token)
        if market is None:
            return
        tokens = market.ctf_tokens if token in market.ctf_tokens else market.position_ids
        first = tokens.index(token) == 0
        for at_s, price in self._desk.records.prices.get(market.condition_id, []):
            if (start is None or at_s >= start) and (end is None or at_s <= end):
                yield at_s, price if first else ONE - price


def _thinned(points: Iterator[tuple[int, int]], step_s: int) -> list[dict[str, Any]]:
    """The last point of every step."""
    kept = {at_s // step_s: {"t": at_s, "p": number(price)} for at_s, price in points}
    return list(kept.values())


def _side(side: object) -> Side:
    """BUY or SELL, in either case. Raises HttpError 400."""
    name = side.upper() if isinstance(side, str) else ""
    if name not in Side.__members__:
        raise bad_request(BAD_SIDE)
    return Side[name]


def _best(quoted: Quoted, side: Side) -> str:
    best = quoted.book.best(quoted.outcome, side)
    return "0" if best is None else text(best)


def _middle(quoted: Quoted) -> str:
    middle = midpoint(quoted.book, quoted.outcome)
    return text(ONE // 2 if middle is None else middle)


def _spread(quoted: Quoted) -> str:
    bid, ask = quoted.book.best(quoted.outcome, Side.BUY), quoted.book.best(quoted.outcome, Side.SELL)
    return text((ONE if ask is None else ask) - (bid or 0))
