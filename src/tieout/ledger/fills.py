"""Fills: the CLOB's word and the chain's log of the same match, merged and joined.

A fill is (trade id, own order id). The chain knows neither trade id nor status, only order hash, transaction and exact
amounts. Joining finds for each log the fill it settles, so that neither is booked twice and the exact amounts win.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tieout.ledger.facts import FillObserved, OrderFilledOnChain
from tieout.ledger.movement import NO_CHAIN_POSITION, PENDING, Movement, Order, chain_position, op_of

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

RANK_FAILED: Final = 6

ON_CHAIN: Final = frozenset(("MINED", "CONFIRMED", "REPORTED", "SETTLED"))
"""Statuses of a movement that is on chain, by the venue's word, a Data API row, or its own log. Any other status of a
fill, one that nobody knows too, says no such thing."""

TRUNCATION: Final = 10_000
"""The CLOB cuts matched sizes to 0.01 share (`polymarket.md` 2)."""

OVERFILL: Final = 100
"""Micro-shares by which a market order may be matched above its size: 66 is the largest reproduced
(`polymarket.md` 2)."""

_NAMES: Final = {rank: status for status, rank in RANK.items()}
_BIT_RETRYING: Final = 1 << 3
_BIT_MINED: Final = 1 << 4
_BIT_CONFIRMED: Final = 1 << 5


class Fill:
    """One own leg of a trade, merged from all observations of it. There are very many of these."""

    __slots__ = (
        "booked",
        "bucket",
        "chain",
        "collateral",
        "condition_id",
        "fee",
        "found_tx",
        "key",
        "order_id",
        "other_txs",
        "own_tx",
        "rank",
        "role",
        "shares",
        "side",
        "statuses",
        "token_id",
        "tx_rank",
        "unknown",
        "when_ms",
    )

    def __init__(self, key: str, fact: FillObserved, order_id: str) -> None:
        self.key = key
        """"fill/<trade id>/<order id>": the fill's identity, and its movement's key."""
        self.order_id = order_id
        self.rank: int = RANK.get(fact.status, 0)
        self.statuses: int = 1 << self.rank
        """A bit for the rank of every status seen."""
        self.unknown: tuple[str, ...] = () if self.rank else (fact.status,)
        self.own_tx: str = fact.tx_hash
        """The transaction named with the highest status, empty while none was."""
        self.tx_rank: int = self.rank if fact.tx_hash else -1
        self.other_txs: tuple[str, ...] = ()
        """Transactions named besides that one."""
        self.when_ms: int = fact.occurred_at_ms
        """The earliest match time told."""
        self.chain: ChainFill | None = None
        self.found_tx: str = ""
        """Transaction found through a Data API row, for a fill whose own hash is not known."""
        self.booked: int = 0
        """Shares that its order counts as covered by it; negative when it FAILED."""
        self._take(fact)

    def _take(self, fact: FillObserved) -> None:
        """Take the amounts of the observation with the highest status."""
        self.token_id = fact.token_id
        self.condition_id = fact.condition_id
        self.side = fact.side
        self.shares = fact.shares
        self.collateral = fact.collateral
        self.fee = fact.fee
        self.role = fact.role
        self.bucket = fact.bucket_index

    def merge(self, fact: FillObserved) -> bool:
        """Take in another observation; returns whether it said anything new."""
        rank = RANK.get(fact.status, 0)
        news = self._merge_status(fact.status, rank)
        if rank > self.rank or (rank == self.rank and _tie(fact) > _tie(self)):
            self._take(fact)
            self.rank = rank
            news = True
        if fact.tx_hash and self._merge_tx(fact.tx_hash, rank):
            news = True
        when_ms = fact.occurred_at_ms
        if when_ms and (self.when_ms == 0 or when_ms < self.when_ms):
            self.when_ms = when_ms
            news = True
        return news

    def _merge_status(self, status: str, rank: int) -> bool:
        if rank == 0 and status not in self.unknown:
            self.unknown = tuple(sorted((*self.unknown, status)))
            self.statuses |= 1
            return True
        before = self.statuses
        self.statuses |= 1 << rank
        return self.statuses != before

    def _merge_tx(self, tx_hash: str, rank: int) -> bool:
        if tx_hash == self.own_tx:
            if rank <= self.tx_rank:
                return False
            self.tx_rank = rank
            return True
        known = tx_hash in self.other_txs
        hashes = {*self.other_txs, tx_hash, self.own_tx}
        if (rank, tx_hash) > (self.tx_rank, self.own_tx):
            self.own_tx, self.tx_rank = tx_hash, rank
            known = False
        self.other_txs = tuple(sorted(hashes - {self.own_tx, ""}))
        return not known

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
        return bool(self.statuses & _BIT_CONFIRMED) or self.statuses & (_BIT_MINED | _BIT_RETRYING) == _BIT_MINED

    @property
    def status(self) -> str:
        """The status to show: the chain's, else the highest of the venue's, RETRYING after MINED."""
        if self.chain is not None:
            return "SETTLED"
        if self.rank == RANK["MINED"] and self.statuses & _BIT_RETRYING:
            return "RETRYING"
        return _NAMES[self.rank] if self.rank else self.unknown[-1]

    @property
    def tx_hashes(self) -> tuple[str, ...]:
        """Every transaction that an observation named."""
        return (self.own_tx, *self.other_txs) if self.own_tx else self.other_txs

    @property
    def tx_hash(self) -> str:
        """The transaction that settles it, as far as known."""
        if self.chain is not None:
            return self.chain.tx_hash
        return self.own_tx or self.found_tx


def fill_key(trade_id: str, order_id: str) -> str:
    """The identity of a fill."""
    return f"fill/{trade_id}/{order_id}"


def _tie(seen: FillObserved | Fill) -> tuple[str, str, str, int, int, int, str, int]:
    """What decides between two observations with the same status."""
    fee = -1 if seen.fee is None else seen.fee
    bucket = seen.bucket if isinstance(seen, Fill) else seen.bucket_index
    return (seen.token_id, seen.condition_id, seen.side, seen.shares, seen.collateral, fee, seen.role, bucket)


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


def version_of(fact: OrderFilledOnChain) -> tuple[int, bool, int, str]:
    """What decides between two observations of one log: version, removal, who knows of a refund, then a fixed rule."""
    return (fact.version, fact.removed, fact.refund, f"{fact.block_hash}/{fact.shares}/{fact.collateral}/{fact.fee}")


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


def fill_movement(fill: Fill) -> Movement:
    """The movement that a fill is, with the chain's amounts where a log is joined to it."""
    key = fill.key
    log = fill.chain
    op = op_of(fill.side)
    if log is not None:
        movement = Movement(key, op, _log_order(log, key), fill.token_id, log.fact.shares, log.fact.collateral)
        movement.fee = log.fact.fee
    else:
        time_ms = fill.when_ms if fill.is_settled else fill.when_ms + PENDING
        movement = Movement(key, op, (time_ms, NO_CHAIN_POSITION, key), fill.token_id, fill.shares, fill.collateral)
        if fill.fee:
            movement.fee = fill.fee
    movement.status = fill.status
    movement.tx_hash = fill.tx_hash
    movement.order_id = fill.order_id
    movement.condition_id = fill.condition_id
    movement.role = fill.role
    return movement


def log_movement(log: ChainFill) -> Movement:
    """The movement of a log that no fill is known of."""
    fact = log.fact
    op = op_of(fact.side)
    movement = Movement(log.key, op, _log_order(log, log.key), fact.token_id, fact.shares, fact.collateral)
    movement.fee = fact.fee
    movement.status = "SETTLED"
    movement.tx_hash = fact.tx_hash
    movement.order_id = fact.order_id
    movement.condition_id = fact.condition_id
    movement.role = fact.role
    return movement


def _log_order(log: ChainFill, key: str) -> Order:
    return (log.fact.occurred_at_ms, chain_position(log.fact.block, log.log_index), key)
