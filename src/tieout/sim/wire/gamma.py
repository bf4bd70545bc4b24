"""Gamma: what markets, events, tags and series there are (`polymarket.md` 5).

Paths and parameters are those of `polymarket-client` 0.14.0, `_internal/actions/gamma.py`. A market by id comes
without its event, one by slug or in a list with it (read live by others on 2026-08-31).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tieout.sim.index.volume import Volumes
from tieout.sim.model import Market, Side
from tieout.sim.wire.gamma_query import Filter, Listing, absent, boolean, invalid, values, whole
from tieout.sim.wire.gamma_shapes import (
    TAGS,
    EventGroup,
    View,
    category_of,
    event_row,
    market_row,
    series_row,
    tag_row,
)
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.world import World

NOTHING: dict[str, Any] = {
    "/teams": [],
    "/sports": [],
    "/sports/market-types": {"marketTypes": []},
    "/comments": [],
    "/comments/keyset": {"comments": []},
}
"""What this venue has none of."""

SEARCH_PAGE = 5


class Gamma:
    """Answers for Gamma. `hydration_ms` is how long a new market lacks its token ids there (minutes, in reality)."""

    def __init__(self, world: World, *, hydration_ms: int = 0) -> None:
        self.hydration_ms = hydration_ms
        self._world = world
        self._volumes = Volumes(world)
        self._markets = self._market_listing()
        self._events = self._event_listing()
        self._router = Router()
        routes: Mapping[str, Callable[[Request, Mapping[str, str]], Reply]] = {
            "/markets": self._list_markets,
            "/markets/keyset": self._page_markets,
            "/markets/slug/{slug}": self._market_by_slug,
            "/markets/{id}": self._market_by_id,
            "/markets/{id}/tags": self._market_tags,
            "/events": self._list_events,
            "/events/keyset": self._page_events,
            "/events/slug/{slug}": self._event_by_slug,
            "/events/{id}": self._event_by_id,
            "/events/{id}/tags": self._event_tags,
            "/tags": self._list_tags,
            "/tags/slug/{slug}": self._tag_by_slug,
            "/tags/{id}": self._tag_by_id,
            "/series": self._list_series,
            "/series/{id}": self._series_by_id,
            "/tags/{id}/related-tags": self._related,
            "/tags/{id}/related-tags/tags": self._related,
            "/tags/slug/{slug}/related-tags": self._related,
            "/tags/slug/{slug}/related-tags/tags": self._related,
            "/public-search": self._search,
            "/public-profile": self._profile,
        }
        for route, handler in routes.items():
            self._router.add("GET", route, handler)
        for route, value in NOTHING.items():
            self._router.add("GET", route, _always(value))

    def handle(self, request: Request) -> Reply:
        """The answer to a request without the service's prefix."""
        return self._router.handle(request)

    # what there is

    def _view(self) -> View:
        return View(self._world.exchange.books, self._volumes, self._world.scheduler.now_ms, self.hydration_ms)

    def _all(self) -> list[Market]:
        return list(self._world.exchange.markets.values())

    def _groups(self) -> dict[str, EventGroup]:
        by_event: dict[str, list[Market]] = {}
        for market in self._all():
            by_event.setdefault(market.event_id, []).append(market)
        return {
            event: EventGroup(event, tuple(sorted(markets, key=lambda market: market.neg_risk_index)))
            for event, markets in by_event.items()
        }

    # markets

    def _market_listing(self) -> Listing[Market]:
        def one_of(read: Callable[[Market], str | Sequence[str]]) -> Filter[Market]:
            def test(market: Market, given: Sequence[str]) -> bool:
                value = read(market)
                return not {value}.isdisjoint(given) if isinstance(value, str) else not set(value).isdisjoint(given)

            return test

        filters: dict[str, Filter[Market]] = {
            "id": one_of(lambda market: str(market.number)),
            "slug": one_of(lambda market: market.slug),
            "condition_ids": one_of(lambda market: market.condition_id),
            "question_ids": one_of(lambda market: market.question_id),
            "clob_token_ids": one_of(self._known_tokens),
            "position_ids": one_of(lambda market: [str(token) for token in market.position_ids]),
            "version": one_of(lambda market: market.version),
            "tag_id": one_of(lambda market: TAGS[category_of(market)]),
            "active": lambda _market, given: given[0].lower() == "true",
            "archived": lambda _market, given: given[0].lower() == "false",
            "end_date_min": lambda market, given: market.end_ms >= _moment(given[0]),
            "end_date_max": lambda market, given: market.end_ms <= _moment(given[0]),
            "start_date_min": lambda market, given: market.created_ms >= _moment(given[0]),
            "start_date_max": lambda market, given: market.created_ms <= _moment(given[0]),
            "volume_num_min": lambda market, given: self._volume(market) >= _micro(given[0]),
            "volume_num_max": lambda market, given: self._volume(market) <= _micro(given[0]),
            "liquidity_num_min": lambda market, given: self._view().liquidity(market) >= _micro(given[0]),
            "liquidity_num_max": lambda market, given: self._view().liquidity(market) <= _micro(given[0]),
            "rewards_min_size": lambda market, given: market.reward_min_size >= _micro(given[0]),
        }
        orders = self._market_orders()
        return Listing("/markets", lambda market: market.number, filters, orders, lambda market: market.closed)

    def _market_orders(self) -> dict[str, Callable[[Market], int]]:
        return {
            "id": lambda market: market.number,
            "volume": self._volume,
            "volumeNum": self._volume,
            "volume24hr": lambda market: self._volumes.last_hours(market.condition_id, 24),
            "volume1wk": lambda market: self._volumes.last_hours(market.condition_id, 24 * 7),
            "liquidity": lambda market: self._view().liquidity(market),
            "liquidityNum": lambda market: self._view().liquidity(market),
            "createdAt": lambda market: market.created_ms,
            "startDate": lambda market: market.created_ms,
            "endDate": lambda market: market.end_ms,
            "closedTime": lambda market: market.closed_ms or 0,
            "bestBid": lambda market: self._world.exchange.books[market.condition_id].best(0, Side.BUY) or 0,
        }

    def _known_tokens(self, market: Market) -> list[str]:
        return [str(token) for token in market.ctf_tokens] if self._view().hydrated(market) else []

    def _volume(self, market: Market) -> int:
        return self._volumes.of(market.condition_id).total

    def _rows(self, request: Request, markets: Sequence[Market]) -> list[dict[str, Any]]:
        view, groups, tags = self._view(), self._groups(), boolean(request, "include_tag") or False
        return [market_row(view, market, event=groups[market.event_id], tags=tags) for market in markets]

    def _list_markets(self, request: Request, _names: Mapping[str, str]) -> Reply:
        return json_reply(self._rows(request, self._markets.by_offset(request, self._all())))

    def _page_markets(self, request: Request, _names: Mapping[str, str]) -> Reply:
        page, cursor = self._markets.by_cursor(request, self._all())
        return json_reply({"markets": self._rows(request, page)} | ({"next_cursor": cursor} if cursor else {}))

    def _market_by_id(self, request: Request, names: Mapping[str, str]) -> Reply:
        market = self._market(names["id"])
        return json_reply(market_row(self._view(), market, tags=boolean(request, "include_tag") or False))

    def _market_by_slug(self, request: Request, names: Mapping[str, str]) -> Reply:
        found = [market for market in self._all() if market.slug == names["slug"]]
        if not found:
            raise absent("slug not found")
        return json_reply(self._rows(request, found)[0])

    def _market_tags(self, _request: Request, names: Mapping[str, str]) -> Reply:
        return json_reply([tag_row(category_of(self._market(names["id"])))])

    def _market(self, text: str) -> Market:
        if not text.isdecimal():
            raise invalid("id is invalid")
        for market in self._all():
            if market.number == int(text):
                return market
        raise absent("id not found")

    # events

    def _event_listing(self) -> Listing[EventGroup]:
        def volume(event: EventGroup) -> int:
            return sum(map(self._volume, event.markets))

        def liquidity(event: EventGroup) -> int:
            return sum(map(self._view().liquidity, event.markets))

        filters: dict[str, Filter[EventGroup]] = {
            "id": lambda event, given: event.id in given,
            "slug": lambda event, given: event.slug in given,
            "tag_id": lambda event, given: TAGS[event.category] in given,
            "exclude_tag_id": lambda event, given: TAGS[event.category] not in given,
            "tag_slug": lambda event, given: event.category in given,
            "series_id": lambda event, given: TAGS[event.category] in given,
            "version": lambda event, given: event.markets[0].version in given,
            "active": lambda _event, given: given[0].lower() == "true",
            "archived": lambda _event, given: given[0].lower() == "false",
            "title_search": lambda event, given: given[0].lower() in event.title.lower(),
            "end_date_min": lambda event, given: event.markets[0].end_ms >= _moment(given[0]),
            "end_date_max": lambda event, given: event.markets[0].end_ms <= _moment(given[0]),
            "volume_min": lambda event, given: volume(event) >= _micro(given[0]),
            "volume_max": lambda event, given: volume(event) <= _micro(given[0]),
        }
        orders: dict[str, Callable[[EventGroup], int]] = {
            "id": lambda event: int(event.id),
            "volume": volume,
            "volume24hr": lambda event: sum(self._volumes.last_hours(m.condition_id, 24) for m in event.markets),
            "liquidity": liquidity,
            "createdAt": lambda event: event.markets[0].created_ms,
            "startDate": lambda event: event.markets[0].created_ms,
            "endDate": lambda event: event.markets[0].end_ms,
        }
        return Listing("/events", lambda event: int(event.id), filters, orders, lambda event: event.closed)

    def _list_events(self, request: Request, _names: Mapping[str, str]) -> Reply:
        view = self._view()
        page = self._events.by_offset(request, self._groups().values())
        return json_reply([event_row(view, event) for event in page])

    def _page_events(self, request: Request, _names: Mapping[str, str]) -> Reply:
        view = self._view()
        page, cursor = self._events.by_cursor(request, self._groups().values())
        rows = [event_row(view, event) for event in page]
        return json_reply({"events": rows} | ({"next_cursor": cursor} if cursor else {}))

    def _event_by_id(self, _request: Request, names: Mapping[str, str]) -> Reply:
        return json_reply(event_row(self._view(), self._event(names["id"])))

    def _event_by_slug(self, _request: Request, names: Mapping[str, str]) -> Reply:
        found = [event for event in self._groups().values() if event.slug == names["slug"]]
        if not found:
            raise absent("slug not found")
        return json_reply(event_row(self._view(), found[0]))

    def _event_tags(self, _request: Request, names: Mapping[str, str]) -> Reply:
        return json_reply([tag_row(self._event(names["id"]).category)])

    def _event(self, text: str) -> EventGroup:
        if not text.isdecimal():
            raise invalid("id is invalid")
        event = self._groups().get(text)
        if event is None:
            raise absent("id not found")
        return event

    # tags, series, search

    def _list_tags(self, request: Request, _names: Mapping[str, str]) -> Reply:
        offset, limit = whole(request, "offset", 0), min(whole(request, "limit", 100), 100)
        return json_reply([tag_row(category) for category in TAGS][offset : offset + limit])

    def _tag_by_id(self, _request: Request, names: Mapping[str, str]) -> Reply:
        return json_reply(tag_row(_category(names["id"])))

    def _tag_by_slug(self, _request: Request, names: Mapping[str, str]) -> Reply:
        if names["slug"] not in TAGS:
            raise absent("slug not found")
        return json_reply(tag_row(names["slug"]))

    def _related(self, _request: Request, names: Mapping[str, str]) -> Reply:
        """No tag is related to another."""
        if names.get("slug", "") not in TAGS and names.get("id", "") not in TAGS.values():
            raise absent("slug not found" if "slug" in names else "id not found")
        return json_reply([])

    def _profile(self, _request: Request, _names: Mapping[str, str]) -> Reply:
        """Nobody here has a public profile."""
        raise absent("profile not found")

    def _series_rows(self) -> list[dict[str, Any]]:
        groups = self._groups().values()
        by_category = {category: [event for event in groups if event.category == category] for category in TAGS}
        return [
            series_row(category, closed=all(event.closed for event in events))
            for category, events in by_category.items()
            if events
        ]

    def _list_series(self, request: Request, _names: Mapping[str, str]) -> Reply:
        offset, limit = whole(request, "offset", 0), min(whole(request, "limit", 50), 50)
        closed, slugs = boolean(request, "closed"), values(request, "slug")
        rows = [row for row in self._series_rows() if closed in (None, row["closed"])]
        kept = [row for row in rows if not slugs or row["slug"] in slugs]
        return json_reply(kept[offset : offset + limit])

    def _series_by_id(self, _request: Request, names: Mapping[str, str]) -> Reply:
        found = [row for row in self._series_rows() if row["id"] == names["id"]]
        if not found:
            raise absent("id not found")
        return json_reply(found[0])

    def _search(self, request: Request, _names: Mapping[str, str]) -> Reply:
        wanted = request.query.get("q", "").lower()
        if not wanted:
            raise invalid('query argument "q": empty')
        status = request.query.get("events_status", "")
        found = [event for event in self._groups().values() if wanted in event.title.lower()]
        found = [event for event in found if not status or (status == "closed") == event.closed]
        size, page = max(whole(request, "limit_per_type", SEARCH_PAGE), 1), max(whole(request, "page", 1), 1)
        view, shown = self._view(), found[(page - 1) * size : page * size]
        tags = [category for category in TAGS if wanted in category] if boolean(request, "search_tags") else []
        return json_reply(
            {
                "events": [event_row(view, event) for event in shown],
                "tags": [{"id": TAGS[c], "label": c.title(), "slug": c, "event_count": 0} for c in tags],
                "profiles": [],
                "pagination": {"hasMore": page * size < len(found), "totalResults": len(found)},
            }
        )


def _always(value: Any) -> Callable[[Request, Mapping[str, str]], Reply]:
    return lambda _request, _names: json_reply(value)


def _category(tag_id: str) -> str:
    for category, known in TAGS.items():
        if known == tag_id:
            return category
    raise absent("id not found")


def _moment(text: str) -> int:
    """A date or moment of a filter in milliseconds; UTC where it says nothing."""
    try:
        at = dt.datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise invalid("invalid date") from error
    return int((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp() * 1000)


def _micro(text: str) -> int:
    """A number of a filter in micro-units."""
    try:
        return round(float(text) * 1_000_000)
    except ValueError as error:
        raise invalid("invalid number") from error
