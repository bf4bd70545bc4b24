"""Fills: the CLOB's word and the chain's log of the same match, merged and joined.

A fill is (trade id, own order id). The chain knows neither trade id nor status, only order hash, transaction and exact
amounts. Joining finds for each log the fill it settles, so that neither is booked twice and the exact amounts win.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tieout.ledger.facts import FillObserved, OrderFilledOnChain

RANK: Final = {
    "MATCHED_NOT_BROADCASTED": 1,
    "MATCHED": 2,
    "RETRYING": 3,
    "MINED": 4,
    "CONFIRMED": 5,
    "FAILED": 6,
}
"""Later statuses outrank earlier ones, whatever order they arrive in. MINED may fall back to RETRYING; an unknown
status ranks 0 and counts as not settled. FAILED outranks CONFIRMED: both are final, so seeing both is a violation of
F1, and the books follow the chain where they have it."""

RANK_CONFIRMED: Final = 5
RANK_FAILED: Final = 6

TRUNCATION: Final = 10_000
"""The CLOB cuts matched sizes to 0.01 share (`polymarket.md` 2)."""

OVERFILL: Final = 100
"""Micro-shares by which a market order may be matched above its size: 66 is the largest reproduced
(`polymarket.md` 2)."""

Seen = tuple[str, str]
"""(status, transaction hash) of one observation."""


class Fill:
    """One own leg of a trade, merged from all observations of it."""

    __slots__ = ("booked", "chain", "fact", "found_tx", "key", "rank", "seen", "when_ms")

    def __init__(self, fact: FillObserved) -> None:
        self.fact = fact
        """The observation with the highest status; between equals, a fixed rule."""
        self.rank: int = RANK.get(fact.status, 0)
        self.seen: tuple[Seen, ...] = ((fact.status, fact.tx_hash),)
        """Every status with every hash it came with, sorted."""
        self.when_ms: int = fact.occurred_at_ms
        """The earliest match time told."""
        self.chain: ChainFill | None = None
        self.found_tx: str = ""
        """Transaction found through a Data API row, for a fill whose own hash is not known."""
        self.booked: int = 0
        """Shares that its order counts as covered by it."""
        self.key = f"fill/{fact.trade_id}/{fact.order_id}"
        """The fill's identity as the movement's key."""

    def merge(self, fact: FillObserved) -> bool:
        """Take in another observation; returns whether it said anything new."""
        news = False
        rank = RANK.get(fact.status, 0)
        if rank > self.rank or (rank == self.rank and fact != self.fact and _tie(fact) > _tie(self.fact)):
            self.fact = fact
            self.rank = rank
            news = True
        seen = (fact.status, fact.tx_hash)
        if seen not in self.seen:
            self.seen = tuple(sorted((*self.seen, seen)))
            news = True
        when_ms = fact.occurred_at_ms
        if when_ms and (self.when_ms == 0 or when_ms < self.when_ms):
            self.when_ms = when_ms
            news = True
        return news

    @property
    def shares(self) -> int:
        """Micro-shares as the CLOB says."""
        return self.fact.shares

    @property
    def has_failed(self) -> bool:
        """Whether the venue reported the trade FAILED."""
        return self.rank == RANK_FAILED

    @property
    def counts(self) -> bool:
        """Whether it changes the books: not when it FAILED, unless the chain shows it after all."""
        return self.rank != RANK_FAILED or self.chain is not None

    @property
    def is_settled(self) -> bool:
        """Whether the venue's word places it on chain; MINED and then RETRYING is not."""
        statuses = {status for status, _ in self.seen}
        return "CONFIRMED" in statuses or ("MINED" in statuses and "RETRYING" not in statuses)

    @property
    def status(self) -> str:
        """The status to show: the chain's, else the highest of the venue's, RETRYING after MINED."""
        if self.chain is not None:
            return "SETTLED"
        if self.rank == RANK["MINED"] and any(status == "RETRYING" for status, _ in self.seen):
            return "RETRYING"
        return self.fact.status

    @property
    def tx_hashes(self) -> tuple[str, ...]:
        """Every transaction that an observation named."""
        return tuple(sorted({tx_hash for _, tx_hash in self.seen if tx_hash}))

    @property
    def own_tx(self) -> str:
        """The transaction named with the highest status, empty while none was."""
        if len(self.seen) == 1:
            return self.seen[0][1]
        named = [(RANK.get(status, 0), tx_hash) for status, tx_hash in self.seen if tx_hash]
        return max(named)[1] if named else ""

    @property
    def tx_hash(self) -> str:
        """The transaction that settles it, as far as known."""
        if self.chain is not None:
            return self.chain.tx_hash
        return self.own_tx or self.found_tx


def _tie(fact: FillObserved) -> tuple[str, str, str, int, int, int, str, int]:
    """What decides between two observations with the same status."""
    fee = -1 if fact.fee is None else fact.fee
    return (
        fact.token_id,
        fact.condition_id,
        fact.side.value,
        fact.shares,
        fact.collateral,
        fee,
        fact.role.value,
        fact.bucket_index,
    )


class ChainFill:
    """One OrderFilled log of the wallet, by (transaction, log index); the highest version wins."""

    __slots__ = ("fact", "fill", "log_index", "tx_hash")

    def __init__(self, fact: OrderFilledOnChain) -> None:
        self.tx_hash = fact.tx_hash
        self.log_index = fact.log_index
        self.fact = fact
        self.fill: Fill | None = None

    def merge(self, fact: OrderFilledOnChain) -> bool:
        """Take in a later version; returns whether it said anything new."""
        if version_of(fact) <= version_of(self.fact):
            return False
        self.fact = fact
        return True

    @property
    def key(self) -> str:
        """The log's identity as the movement's key, for a fill that only the chain told of."""
        return f"log/{self.tx_hash}/{self.log_index}"


def version_of(fact: OrderFilledOnChain) -> tuple[int, bool, str]:
    """What decides between two observations of one log: version, then removal, then a fixed rule."""
    return (fact.version, fact.removed, f"{fact.block_hash}/{fact.shares}/{fact.collateral}/{fact.fee}")


def join(fills: list[Fill], chain_fills: Sequence[ChainFill]) -> None:
    """Pair each log of an order with the fill it settles; deterministic in the set, not in the order of arrival.

    Four passes, from the surest to the least sure: same transaction and shares; same shares, where the fill knows no
    transaction; same transaction, shares within what the CLOB truncates; same shares under another transaction (a
    hash may be replaced until CONFIRMED). A FAILED fill pairs only under its own hash.
    """
    for fill in fills:
        fill.chain = None
    free = []
    for each in chain_fills:
        each.fill = None
        if not each.fact.removed:
            free.append(each)
    if not free or not fills:
        return
    free.sort(key=lambda log: (log.fact.block, log.log_index, log.tx_hash))
    waiting = sorted(fills, key=lambda fill: (fill.has_failed, fill.when_ms, fill.key))
    free, waiting = _pair(free, waiting, True, True)
    unhashed = [fill for fill in waiting if not fill.tx_hashes]
    if unhashed:
        free, _ = _pair(free, unhashed, False, True)
    for use_tx, use_shares in ((True, False), (False, True)):
        waiting = [fill for fill in waiting if fill.chain is None]
        if not free or not waiting:
            return
        free, waiting = _pair(free, waiting, use_tx, use_shares)


def _pair(
    free: list[ChainFill], waiting: list[Fill], use_tx: bool, use_shares: bool
) -> tuple[list[ChainFill], list[Fill]]:
    """One pass of `join`; returns the logs and the fills that found no partner."""
    slots: dict[tuple[str, int], list[ChainFill]] = {}
    for each in reversed(free):
        slots.setdefault((each.tx_hash if use_tx else "", each.fact.shares if use_shares else -1), []).append(each)
    left = []
    for fill in waiting:
        log: ChainFill | None = None
        if use_tx or not fill.has_failed:
            for tx_hash in fill.tx_hashes if use_tx else ("",):
                slot = slots.get((tx_hash, fill.shares if use_shares else -1))
                if slot and _same_size(fill.shares, slot[-1].fact.shares):
                    log = slot.pop()
                    break
        if log is None:
            left.append(fill)
        else:
            fill.chain = log
            log.fill = fill
    return [each for each in free if each.fill is None], left


def _same_size(told: int, exact: int) -> bool:
    """Whether the CLOB may have *told* so many shares of a match of *exact* shares: equal, cut, or overfilled."""
    more = exact - told
    return more == 0 or (told % TRUNCATION == 0 and 0 < more < TRUNCATION) or abs(more) <= min(OVERFILL, told // 1000)
