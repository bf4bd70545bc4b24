"""The Data API v2 beyond rows: sums of wallets, tokens, resolutions, open interest, price history, the board.

As simple as the models of `polymarket-client` 0.14.0 (`models/data`) allow.
"""

from __future__ import annotations

from collections.abc import Mapping

from tieout.sim.index.rows import Kind, Row
from tieout.sim.model import Market
from tieout.sim.wire.data_query import Refuse, choice, conditions, listed, optional_user, page_v2, user, whole
from tieout.sim.wire.data_shapes import Json, Place, price_of
from tieout.sim.wire.data_source import Source
from tieout.sim.wire.data_sums import Sums
from tieout.sim.wire.data_v2 import always, enveloped, paged
from tieout.sim.wire.http import Reply, Request, Router
from tieout.sim.wire.market_shapes import number

HOUR_S = 3600
INTERVALS = {"max": 0, "all": 0, "1m": 720, "1w": 168, "1d": 24, "12h": 12, "6h": 6}
"""Hours to look back; 0 is everything."""

FIDELITIES = {"1d": 24, "18h": 18, "12h": 12, "3h": 3, "1h": 1}
PRICE_INTERVALS = {"max": 0, "all": 0, "1m": 720, "1w": 168, "1d": 24, "6h": 6, "1h": 1}
MAX_POINTS = 10_000


class DataFacts:
    """Answers for the rest of v2."""

    def __init__(self, source: Source, refuse: Refuse) -> None:
        self._source = source
        self._refuse = refuse

    def routes(self, router: Router) -> None:
        """Add the paths to *router*."""
        for path, handler in (
            ("/v2/user-pnl", self._user_pnl),
            ("/v2/user-stats", self._user_stats),
            ("/v2/user-volume", self._user_volume),
            ("/v2/tokens", self._tokens),
            ("/v2/oi", self._open_interest),
            ("/v2/live-volume", self._live_volume),
            ("/v2/prices-history", self._prices),
            ("/v2/resolutions", self._resolutions),
            ("/v2/leaderboard", self._leaderboard),
            ("/v2/builders/volume", always([])),
        ):
            router.add("GET", path, handler)

    # wallets

    def _of(self, wallet: str) -> list[Row]:
        return self._source.read().by_wallet.get(wallet, [])

    def _user_pnl(self, request: Request, _names: Mapping[str, str]) -> Reply:
        wallet = user(request, self._refuse)
        interval = choice(request, "interval", INTERVALS, "1d", self._refuse)
        fidelity = choice(
            request, "fidelity", FIDELITIES, "1h" if interval in ("6h", "12h", "1d") else "1d", self._refuse
        )
        rows, step = self._of(wallet), FIDELITIES[fidelity] * HOUR_S
        now, hours = self._source.now_s, INTERVALS[interval]
        first = now - hours * HOUR_S if hours else (rows[0].at_s if rows else now)
        points, sums, place = [], Sums(), 0
        for at_s in range(-(-first // step) * step, now + 1, step):
            while place < len(rows) and rows[place].at_s <= at_s:
                sums.add(rows[place])
                place += 1
            points.append(sums.point(at_s, self._source.read().block_number))
        return enveloped(
            {
                "proxy_wallet": wallet,
                "interval": interval,
                "fidelity": fidelity,
                "source_fidelity": fidelity,
                "points": points,
            }
        )

    def _user_stats(self, request: Request, _names: Mapping[str, str]) -> Reply:
        wallet = user(request, self._refuse)
        rows = self._of(wallet)
        if not rows:
            return enveloped(None)
        sums = Sums.of(rows)
        return enveloped(
            {
                "proxy_wallet": wallet,
                "trades": len(sums.markets),
                "biggest_win": number(sums.best),
                "views": 0,
                "join_date": rows[0].at_s,
                "all_time_pnl": sums.point(rows[-1].at_s, self._source.read().block_number),
            }
        )

    def _user_volume(self, request: Request, _names: Mapping[str, str]) -> Reply:
        wallet = user(request, self._refuse)
        start = whole(request, "start", 0, self._refuse)
        end = whole(request, "end", self._source.now_s, self._refuse)
        sums = Sums.of(row for row in self._of(wallet) if start <= row.at_s <= end)
        return enveloped({"volume": number(sums.shares), "volume_usdc": number(sums.cash), "trade_count": sums.trades})

    def _leaderboard(self, request: Request, _names: Mapping[str, str]) -> Reply:
        by_wallet = self._source.read().by_wallet
        sums = {wallet: Sums.of(rows) for wallet, rows in by_wallet.items()}
        by_volume = choice(request, "sort_by", ("PNL", "VOLUME"), "PNL", self._refuse) == "VOLUME"
        pnl = sorted(sums, key=lambda each: (-sums[each].realized, each))
        volume = sorted(sums, key=lambda each: (-sums[each].shares, each))
        if wallet := optional_user(request):
            if wallet not in sums:
                return enveloped(None)
            ranks = {"rank_pnl": pnl.index(wallet) + 1, "rank_volume": volume.index(wallet) + 1}
            return enveloped(_board_row(wallet, sums[wallet]) | ranks)
        ranked = list(enumerate(volume if by_volume else pnl, start=1))
        page = page_v2(request, ranked, lambda entry: (entry[0],), self._refuse)
        return paged(page, [{"rank": rank} | _board_row(wallet, sums[wallet]) for rank, wallet in page.items])

    # markets

    def _asked(self, request: Request) -> list[Market]:
        found = sorted(conditions(request, "condition_id", "condition"))
        return [market for each in found if (market := self._source.market(each)) is not None]

    def _tokens(self, request: Request, _names: Mapping[str, str]) -> Reply:
        by_token = self._source.world.exchange.by_token
        wanted = [int(token) for token in listed(request, "token_id") if token.isdecimal() and len(token) <= 78]
        tokens = [token for token in wanted if token in by_token]
        tokens += [token for market in self._asked(request) for token in market.tokens]
        return enveloped([_token_row(Place.of(by_token[token], token), token) for token in tokens])

    def _open_interest(self, request: Request, _names: Mapping[str, str]) -> Reply:
        markets = sorted(conditions(request, "condition_id", "condition"))
        if not markets:
            return enveloped([{"condition_id": "GLOBAL", "value": number(self._source.open_interest(None))}])
        return enveloped(
            [{"condition_id": each, "value": number(self._source.open_interest(each))} for each in markets]
        )

    def _live_volume(self, request: Request, _names: Mapping[str, str]) -> Reply:
        events = set(listed(request, "event_id"))
        if not events:
            raise self._refuse("required query param 'event_id' not provided", "event_id")
        volumes: dict[str, int] = {}
        for row in self._source.read().rows:
            if row.kind is Kind.TRADE and row.taker and self._source.event_of(row.condition_id) in events:
                volumes[row.condition_id] = volumes.get(row.condition_id, 0) + row.size
        rows = [{"condition_id": each, "taker_volume": number(volume)} for each, volume in volumes.items()]
        return enveloped({"taker_volume_total": number(sum(volumes.values())), "conditions": rows})

    def _prices(self, request: Request, _names: Mapping[str, str]) -> Reply:
        """Every taker's price of the token, each an exact tick."""
        token, now = request.query.get("token_id", ""), self._source.now_s
        interval = choice(request, "interval", PRICE_INTERVALS, "max", self._refuse)
        hours = PRICE_INTERVALS[interval]
        start = whole(request, "start", now - hours * HOUR_S if hours else 0, self._refuse)
        end = whole(request, "end", now, self._refuse)
        kept = [
            row
            for row in self._source.read().rows
            if row.kind is Kind.TRADE and row.taker and str(row.token) == token and start <= row.at_s <= end
        ]
        page = page_v2(request, kept, lambda row: row.place, self._refuse, largest=MAX_POINTS)
        return paged(
            page,
            [{"timestamp": row.at_s, "price": price_of(row), "resolution_seconds": 0} for row in page.items],
        )

    def _resolutions(self, request: Request, _names: Mapping[str, str]) -> Reply:
        given = [name for name in ("question_id", "condition_id", "condition", "event_id") if request.query.get(name)]
        if len(given) != 1:
            raise self._refuse("provide exactly one of 'question_id', 'condition', or 'event_id'", "")
        questions, events = set(listed(request, "question_id")), set(listed(request, "event_id"))
        markets = self._source.world.exchange.markets.values()
        found = [m for m in markets if m.question_id in questions or m.event_id in events]
        return enveloped([_resolution_row(market) for market in (*found, *self._asked(request))])


def _board_row(wallet: str, sums: Sums) -> Json:
    return {
        "user_id": wallet,
        "pnl": number(sums.realized),
        "volume": number(sums.shares),
        "user_name": "",
        "profile_image": "",
        "x_username": "",
        "verified": False,
    }


def _token_row(place: Place, token: int) -> Json:
    market, outcome = place.market, place.outcome
    new = token in market.position_ids
    module = "v1_ctf" if not new else "neg_risk" if market.neg_risk else "binary"
    return {
        "token_id": str(token),
        "condition_id": market.condition_id,
        "structural_condition_id": f"0x{market.position_ids[0] & ~0xFF:064x}" if new else None,
        "module": module,
        "outcome_index": outcome,
        "clob_index": outcome,
        "outcome": market.outcomes[outcome],
        "opposite_token_id": str(place.opposite),
        "resolved": market.closed,
        "final_price": None if market.payouts is None else number(market.payouts[outcome]),
        "title": market.question,
        "market_slug": market.slug,
        "closed": market.closed,
        "neg_risk": market.neg_risk,
        "neg_risk_market_id": market.neg_risk_market_id or None,
        "question_index": market.neg_risk_index if market.neg_risk else None,
        "event_id": int(market.event_id),
        "event_slug": market.event_slug,
    }


def _resolution_row(market: Market) -> Json:
    payouts, closed_s = market.payouts, (market.closed_ms or market.created_ms) // 1000
    row: Json = {
        "question_id": market.question_id,
        "condition_id": market.condition_id,
        "status": "resolved" if payouts else "initialized",
        "extended_review": False,
        "was_disputed": False,
        "new_version_q": False,
        "last_update_timestamp": closed_s,
        "market_type": "INCREMENTAL_NEGRISK" if market.neg_risk else "BINARY",
    }
    if payouts is not None:
        row |= {"price": number(payouts[0]), "payouts": list(payouts), "resolution_source": "reported"}
        row |= {"reporter": "UMA_OO", "was_arbitrated": False, "resolved_at": closed_s}
    return row
