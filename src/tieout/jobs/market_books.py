"""The order books of any number of markets, from the market channel, and REST for what the channel cannot have said.

The channel has no replay, no sequence and no gap signal (`polymarket.md` 3.2). So a book is fresh only from a snapshot
on, and only as long as nothing contradicts it; what went wrong is read again. A connection that has said nothing since
it was made may not have been subscribed yet: what is read meanwhile makes no book fresh.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tieout.client.books import BookShown
from tieout.client.clob_public import ClobPublic
from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.client.market_feed import MarketFeed
from tieout.client.markets import MarketInfo
from tieout.client.signals import Connected, Frame, Gap, Signal
from tieout.intake.intake import Incoming
from tieout.jobs.account_keeper import RETRY_MS, Put
from tieout.jobs.due import Due
from tieout.jobs.market_frames import (
    FACTS,
    Change,
    Event,
    PriceChange,
    Resolved,
    Snapshot,
    TickChange,
    best_ask_of,
    best_bid_of,
    condition_of,
    events_of,
    is_bid,
    market_named,
    ms_of,
    price_of,
    size_of,
    sizes_of,
    unknown_event,
)
from tieout.jobs.token_book import Asked, Reading, TokenBook
from tieout.quoting.views import BookView
from tieout.venue.wire import WireError

TOKENS_A_CALL = 100
"""Fewer than the venue takes (500): the answer is read in one go, while no frame is."""

SETTLE, AGAIN = 5, 2
"""Pauses: for the first snapshots of a connection, after an answer that frames had crossed."""

ABSENT_MAX = 3
"""A token that the venue leaves out so often has no book."""

AUDIT_MS = 60_000
"""Everything is read once in so long: a lost change away from the best prices shows nowhere else."""

ODD_MAX = 100
"""Frames that nobody can read are journalled up to here; all are counted."""

WAITING_MAX = 1_000
"""Facts that wait for the database; beyond them the feed's own queue fills, and says so by a gap."""


@dataclass(slots=True)
class _Market:
    info: MarketInfo
    books: tuple[TokenBook, ...]
    view: BookView | None = None
    """The cache of `MarketBooks.view`."""
    changes: int = 0
    """Of the grid and the life of the market, as heard."""


@dataclass(slots=True)
class _Line:
    """One connection. `spoken`: it said something since it was made, so it is subscribed."""

    spoken: bool = False
    overflowed: bool = False
    silent: bool = False


class MarketBooks:
    """Books of the markets watched. Prices are not journalled; *put* gets what is a fact, and what nobody can read.

    `dirty` has the markets whose book, grid or life changed since it was taken; `resyncs` counts books made right by
    REST, `mended` those that nobody knew to be wrong; `unknown` counts what frames said that is not known.
    """

    def __init__(self, public: ClobPublic, feed: MarketFeed, clock: Clock, put: Put | None) -> None:
        self._public = public
        self._feed = feed
        self._clock = clock
        self._put = put
        self._room = asyncio.Semaphore(WAITING_MAX)
        self._markets: dict[str, _Market] = {}
        self._tokens: dict[str, tuple[TokenBook, _Market]] = {}
        self._absent: Counter[str] = Counter()
        self._lines: dict[str, _Line] = {}
        self._due = Due()
        self._audit_of: set[str] = set()
        """Tokens that are read though nothing is wrong."""
        self._audited_ms = clock.now_ms()
        self._odd = 0
        self.dirty: set[str] = set()
        self.unknown: Counter[str] = Counter()
        self.frames = self.resyncs = self.mended = 0

    # what is watched

    async def watch(self, markets: Iterable[MarketInfo]) -> None:
        """Keep the books of these too. Of a market that is watched already, what was heard of it stays."""
        new: list[str] = []
        for info in markets:
            known = self._markets.get(info.condition_id)
            if known is not None and known.info.token_ids == info.token_ids:
                known.info = _newer(info, known.info)
                continue
            if known is not None:  # it moved to the tokens of another protocol version
                await self.forget([info.condition_id])
            market = _Market(info, tuple(TokenBook() for _ in info.token_ids))
            self._markets[info.condition_id] = market
            for token, book in zip(info.token_ids, market.books, strict=True):
                if token:
                    self._tokens[token] = (book, market)
                    new.append(token)
        await self._feed.subscribe(new)
        self._due.add(new, SETTLE)

    async def forget(self, condition_ids: Iterable[str]) -> None:
        """Keep the books of these no longer."""
        gone: list[str] = []
        for condition_id in condition_ids:
            market = self._markets.pop(condition_id, None)
            self.dirty.discard(condition_id)
            gone += [token for token in market.info.token_ids if token] if market else []
        for token in gone:
            del self._tokens[token]
            self._absent.pop(token, None)
        await self._feed.unsubscribe(gone)

    def market(self, condition_id: str) -> MarketInfo | None:
        """The market with what was heard of its grid and its life; None for one that is not watched."""
        market = self._markets.get(condition_id)
        return market.info if market else None

    def view(self, market: MarketInfo) -> BookView | None:
        """The books of both outcomes; None while one of them is not known to be right."""
        found = self._markets.get(market.condition_id)
        if found is None:
            return None
        if found.view is None and len(found.books) == 2 and not any([book.wrong for book in found.books]):
            yes, no = found.books
            found.view = BookView(
                bids=(yes.bids.sorted_levels(), no.bids.sorted_levels()),
                asks=(yes.asks.sorted_levels(), no.asks.sorted_levels()),
                time_ms=max(yes.last_ms, no.last_ms),
            )
        return found.view

    def stale_reason(self, market: MarketInfo) -> str:
        """Why there is no view, for the operator; "" when there is one."""
        found = self._markets.get(market.condition_id)
        if found is None:
            return "the market is not watched"
        if len(found.books) != 2:
            return f"the market has {len(found.books)} outcomes, not 2"
        named = zip(found.info.outcomes or ("outcome 0", "outcome 1"), found.books, strict=False)
        return "; ".join(f"book of {outcome}: {book.wrong}" for outcome, book in named if book.wrong)

    def take_dirty(self) -> set[str]:
        """The markets that changed since the last time."""
        taken, self.dirty = self.dirty, set()
        return taken

    # what is heard

    async def run(self) -> None:
        """Follow the feed until it ends. What the intake raises ends it too, in a group."""
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._due.run(self._clock, self._read))
            try:
                async for signal in self._feed:
                    await self._hear(signal, tasks)
            finally:
                reading.cancel()

    async def _hear(self, signal: Signal, tasks: asyncio.TaskGroup) -> None:
        line = self._lines.setdefault(signal.feed, _Line())
        if isinstance(signal, Frame):
            self.frames += 1
            if self._frame(signal) and self._put is not None:
                await self._room.acquire()
                origin = f"frame {self.frames} at {signal.received_ms}"
                tasks.create_task(self._journal(Incoming(signal.raw, "market channel", origin), self._put))
            line.silent = False
            if not line.spoken:
                line.spoken = True
                self._due.add(self._feed.tokens_of(signal.feed), SETTLE)
            if signal.received_ms - self._audited_ms >= AUDIT_MS:
                self._audited_ms = signal.received_ms
                self._audit_of.update(self._tokens)
                self._due.add(self._tokens)
        elif isinstance(signal, Gap):
            line.overflowed = signal.dropped > 0
            line.spoken = line.spoken and line.overflowed
            what = f"{signal.dropped} messages" if signal.dropped else "connection"
            self._lose(self._feed.tokens_of(signal.feed), f"{what} lost: {signal.reason}")
        elif isinstance(signal, Connected):
            line.silent = False
            if line.overflowed:  # it was there all the time: no snapshot will come
                line.overflowed = False
                self._due.add(self._feed.tokens_of(signal.feed))
        else:
            line.silent = True
            self._doubt(self._feed.tokens_of(signal.feed), f"the connection has said nothing for {signal.ms // 1000} s")
            if not line.spoken:
                await self._connect_again(signal.feed)

    async def _journal(self, message: Incoming, put: Put) -> None:
        try:
            await put(message)
        finally:
            self._room.release()

    def _frame(self, frame: Frame) -> bool:
        """Apply a frame; whether it is for the journal."""
        try:
            return any([self._event(event) for event in events_of(frame.raw)])
        except WireError:
            return self._odd_frame(frame)

    def _event(self, event: Event) -> bool:
        """Apply an event; whether it is a fact. Raises WireError."""
        if type(event) is PriceChange:
            self._price_change(event)
            return False
        if type(event) is Snapshot:
            found = self._tokens.get(event.asset_id)
            if found is not None:
                book, market = found
                book.snapshot(sizes_of(event.bids), sizes_of(event.asks), ms_of(event.timestamp))
                self._heard_of(event.asset_id, book, market)
        elif type(event) is TickChange:
            found = self._tokens.get(event.asset_id)
            if found is not None:
                self._change(found[1], tick=price_of(event.new_tick_size))
        elif type(event) is Resolved:
            resolved = self._markets.get(condition_of(event))
            if resolved is not None:
                self._change(resolved, closed=True, accepting_orders=False)
        return isinstance(event, FACTS)

    def _price_change(self, event: PriceChange) -> None:
        """Apply the changes of a frame, then compare with the best prices that the last one of each token has."""
        last: dict[str, Change] = {}
        at_ms = ms_of(event.timestamp)
        for change in event.price_changes:
            found = self._tokens.get(change.asset_id)
            if found is None:
                continue
            found[0].change(is_bid=is_bid(change), price=price_of(change.price), size=size_of(change.size), at_ms=at_ms)
            last[change.asset_id] = change
        for token, change in last.items():
            book, market = self._tokens[token]
            if change.best_bid is not None and change.best_ask is not None:
                book.check(best_bid_of(change.best_bid), best_ask_of(change.best_ask), at_ms)
            self._heard_of(token, book, market)

    def _heard_of(self, token: str, book: TokenBook, market: _Market) -> None:
        self._touch(market)
        if book.wrong:
            self._due.add((token,))
        elif book.unproven:
            self._due.add((token,), AGAIN)

    def _odd_frame(self, frame: Frame) -> bool:
        """A frame that cannot be read: whatever it spoke of is read again. Whether it is for the journal."""
        event = unknown_event(frame.raw)
        self.unknown[event or "unreadable"] += 1
        self._odd += 1
        if not event:
            named = self._markets.get(market_named(frame.raw))
            tokens = named.info.token_ids if named else self._feed.tokens_of(frame.feed)
            self._doubt(tokens, "a message could not be read")
        return self._odd <= ODD_MAX

    def _doubt(self, tokens: Sequence[str], reason: str) -> None:
        """Read these before they are used again."""
        for book, market in self._books_of(tokens):
            book.doubt(reason)
            self._touch(market)
        self._due.add(tokens)

    def _lose(self, tokens: Sequence[str], reason: str) -> None:
        for book, market in self._books_of(tokens):
            book.lose(reason)
            self._touch(market)

    def _books_of(self, tokens: Sequence[str]) -> Iterator[tuple[TokenBook, _Market]]:
        return (found for token in tokens if (found := self._tokens.get(token)))

    def _touch(self, market: _Market) -> None:
        market.view = None
        self.dirty.add(market.info.condition_id)

    def _change(self, market: _Market, **changes: int | bool) -> None:
        market.changes += 1
        market.info = replace(market.info, **changes)  # type: ignore[arg-type]
        self.dirty.add(market.info.condition_id)

    # what is read

    async def _read(self, tokens: Sequence[str]) -> None:
        spoken = {t for name, line in self._lines.items() if line.spoken for t in self._feed.tokens_of(name)}
        wanted = [token for token in tokens if token in spoken and self._is_wanted(token)]
        self._audit_of.difference_update(tokens)
        for start in range(0, len(wanted), TOKENS_A_CALL):
            await self._read_part(wanted[start : start + TOKENS_A_CALL])

    def _is_wanted(self, token: str) -> bool:
        book, market = self._tokens.get(token, (None, None))
        if book is None or market is None or market.info.closed:
            return False
        return bool(book.wrong or book.unproven or token in self._audit_of)

    async def _read_part(self, tokens: Sequence[str]) -> None:
        known = [(token, *found) for token in tokens if (found := self._tokens.get(token))]
        asked = {token: (book.asked(), market.changes) for token, book, market in known}
        try:
            page = await self._public.books(list(asked))
        except VenueError:
            await self._clock.sleep(RETRY_MS)
            self._due.add(tokens)
            return
        told = {shown.token_id: shown for shown in page.rows}
        moved: set[str] = set()
        for token, before in asked.items():
            if token in told:
                self._absent.pop(token, None)
                if self._take(told[token], *before):
                    moved.add(token)
            else:
                self._left_out(token)
        for name, line in list(self._lines.items()):
            if line.silent and not moved.isdisjoint(self._feed.tokens_of(name)):
                await self._connect_again(name)

    def _take(self, shown: BookShown, asked: Asked, changes: int) -> bool:
        """Apply a book that was read; whether it is another than what was known."""
        found = self._tokens.get(shown.token_id)
        if found is None:
            return False
        book, market = found
        was_wrong, known_ms = bool(book.wrong), book.last_ms
        reading = book.read(dict(shown.bids), dict(shown.asks), shown.at_ms, asked)
        if was_wrong or book.wrong or reading is Reading.CHANGED:
            self._touch(market)
        if book.wrong or book.unproven:
            self._due.add((shown.token_id,), AGAIN)
        if reading is Reading.OLD:
            return False
        if changes == market.changes and shown.tick and shown.tick != market.info.tick:
            self._change(market, tick=shown.tick)
        self.resyncs += was_wrong
        self.mended += reading is Reading.CHANGED and not was_wrong and shown.at_ms <= known_ms
        return reading is Reading.CHANGED

    def _left_out(self, token: str) -> None:
        """The venue did not show the book: it is asked again, then there is none."""
        found = self._tokens.get(token)
        if found is None:
            return
        book, market = found
        self._absent[token] += 1
        if self._absent[token] < ABSENT_MAX:
            self._audit_of.add(token)
            self._due.add((token,), AGAIN)
        else:
            book.lose("the venue shows no book of it")
            self._touch(market)

    async def _connect_again(self, feed: str) -> None:
        """The books moved and the connection did not say so: its tokens get another."""
        tokens = self._feed.tokens_of(feed)
        self._lose(tokens, "the connection was deaf, connecting again")
        self._lines.pop(feed, None)
        await self._feed.unsubscribe(tokens)
        await self._feed.subscribe(tokens)


def _newer(info: MarketInfo, known: MarketInfo) -> MarketInfo:
    """*info* with what is kept up to date for *known*: its grid, and whether it is over."""
    closed = known.closed or info.closed
    return replace(info, tick=known.tick, closed=closed, accepting_orders=info.accepting_orders and not closed)
