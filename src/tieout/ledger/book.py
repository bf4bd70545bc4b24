"""A book: the facts of one connected set of tokens and orders, merged, ordered and folded.

Facts go in by `merge`, in any order and any number of times. `settle` then brings the movements and the positions up
to date; it works on what changed and folds again only from the earliest place that changed. The result is a function
of the set of facts: it does not depend on the order, repetition or batching of `merge` and `settle`.
"""

from __future__ import annotations

from typing import Final

from tieout.ledger.events import EventFact, EventRecord, event_key, movement_of
from tieout.ledger.evidence import CoinMove, TxEvidence, settle_row
from tieout.ledger.facts import (
    AdjustmentInferred,
    AnyFact,
    CollateralMoved,
    ConditionResolved,
    FillObserved,
    ManualEntry,
    MarketNoted,
    OrderFact,
    OrderFilledOnChain,
    OutcomeTokenListed,
    PositionStated,
    TokenMoved,
    TradeReported,
    TransferCostStated,
)
from tieout.ledger.fills import RANK_FAILED, ChainFill, Fill, fill_key, fill_movement, join, log_movement
from tieout.ledger.manual import adjustment_movement, manual_movements, tokens_of
from tieout.ledger.movement import Movement, op_of
from tieout.ledger.orders import OrderRecord
from tieout.ledger.registry import Registry
from tieout.ledger.timeline import Timeline

ROW_BEFORE_MS: Final = 5_000
ROW_AFTER_MS: Final = 900_000
"""How long before and after the match a Data API row may place its block: clocks differ, settlement is retried."""


class Book:
    """One connected part of a wallet's books."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderRecord] = {}
        self.fills: dict[str, Fill] = {}
        """By `fills.fill_key`."""
        self.chain_fills: dict[tuple[str, int], ChainFill] = {}
        self.events: dict[str, EventRecord] = {}
        self.evidence: dict[str, TxEvidence] = {}
        self.manual: dict[str, ManualEntry] = {}
        self.adjustments: dict[str, AdjustmentInferred] = {}
        self.statements: dict[str, list[PositionStated]] = {}
        """Token -> what outside sources stated, in the order heard; no part of the books."""
        self.notes: set[MarketNoted] = set()
        self.collateral_moves: dict[tuple[str, int], CoinMove] = {}
        """By transaction and log index."""
        self.registry = Registry()
        self.timeline = Timeline()
        self._names: dict[str, str] = {}
        """Every token and condition id, once."""
        self._tx_legs: dict[str, dict[str, Movement]] = {}
        """Transaction -> its movements by key; kept only where there is evidence by transaction."""
        self.provisional: dict[str, int] = {}
        """Token -> signed micro-shares that order claims leave uncovered."""
        self._homeless: dict[str, Fill] = {}
        """Fills that name no transaction, by key."""
        self._events_of_tx: dict[str, set[str]] = {}
        """Transaction -> keys of its events."""
        self._dirty_fills: list[Fill] = []
        self._dirty_orders: set[str] = set()
        self._touched_orders: set[str] = set()
        self._dirty_events: set[str] = set()
        self._dirty_txs: set[str] = set()
        self._registry_changed = False
        self.changed_orders: set[str] = set()
        self.changed_movements: set[str] = set()

    # --- merging ------------------------------------------------------------------------------------------------

    def merge(self, fact: AnyFact) -> bool:
        """Take in *fact*; returns whether it said anything that was not known."""
        if isinstance(fact, FillObserved):
            return self._merge_fill(fact)
        if isinstance(fact, OrderFact):
            record = self.orders.get(fact.order_id) or self._new_order(fact.order_id)
            placed = self._place_order(record, fact.token_id, fact.condition_id)
            if not record.merge(fact) and not placed:
                return False
            self.registry.place(fact.token_id, fact.condition_id)
            self._touched_orders.add(fact.order_id)
            return True
        if isinstance(fact, OrderFilledOnChain):
            return self._merge_chain_fill(fact)
        if isinstance(fact, TradeReported | TokenMoved | TransferCostStated):
            return self._merge_evidence(fact)
        return self._merge_other(fact)

    def _merge_fill(self, fact: FillObserved) -> bool:
        record = self.orders.get(fact.order_id) or self._new_order(fact.order_id)
        key = fill_key(fact.trade_id, fact.order_id)
        fill = self.fills.get(key)
        if fill is None:
            fill = Fill(key, fact, record.order_id)
            self.fills[key] = fill
            record.add_fill(fill, fact.trade_id)
        elif not fill.merge(fact):
            return False
        if fact.token_id > record.token_id or fact.condition_id > record.condition_id:
            self._place_order(record, fact.token_id, fact.condition_id)
            self._touched_orders.add(record.order_id)
        if fill.token_id == record.token_id:
            # The same text once, not once for every fill.
            fill.token_id = record.token_id
            if fill.condition_id == record.condition_id:
                fill.condition_id = record.condition_id
        if fact.condition_id:
            self.registry.place(fact.token_id, fact.condition_id)
        if fill.own_tx or fill.rank == RANK_FAILED:
            self._homeless.pop(key, None)
        else:
            self._homeless[key] = fill
        self._dirty_fills.append(fill)
        return True

    def _merge_chain_fill(self, fact: OrderFilledOnChain) -> bool:
        key = (fact.tx_hash, fact.log_index)
        log = self.chain_fills.get(key)
        if log is None:
            log = ChainFill(fact)
            self.chain_fills[key] = log
            record = self.orders.get(fact.order_id) or self._new_order(fact.order_id)
            record.chain_fills = (*record.chain_fills, log)
            self._place_order(record, fact.token_id, fact.condition_id)
        elif not log.merge(fact):
            return False
        self.registry.place(fact.token_id, fact.condition_id)
        self._dirty_orders.add(fact.order_id)
        return True

    def _merge_evidence(self, fact: TradeReported | TokenMoved | TransferCostStated) -> bool:
        if not self.evidence:
            for movement in self.timeline.by_key.values():
                self._tx_legs.setdefault(movement.tx_hash, {})[movement.key] = movement
        evidence = self.evidence.setdefault(fact.tx_hash, TxEvidence(fact.tx_hash))
        if not evidence.merge(fact):
            return False
        self._dirty_txs.add(fact.tx_hash)
        if isinstance(fact, TradeReported):
            self.registry.place(fact.token_id, fact.condition_id)
        else:
            self._dirty_events.update(self._events_of_tx.get(fact.tx_hash, ()))
        return True

    def _merge_other(self, fact: AnyFact) -> bool:
        if isinstance(fact, OutcomeTokenListed):
            news = self.registry.merge(fact)
            self._registry_changed |= news
            return news
        if isinstance(fact, ConditionResolved):
            news = self.registry.resolve(fact)
            self._registry_changed |= news
            return news
        if isinstance(fact, PositionStated):
            heard = self.statements.setdefault(fact.token_id, [])
            news = fact not in heard
            if news:
                heard.append(fact)
            return news
        if isinstance(fact, MarketNoted):
            news = fact not in self.notes
            self.notes.add(fact)
            return news
        if isinstance(fact, CollateralMoved):
            place = (fact.tx_hash, fact.log_index)
            known = self.collateral_moves.get(place)
            if known is not None and (fact.version, fact.removed) <= (known.version, known.removed):
                return False
            self.collateral_moves[place] = CoinMove(fact.version, fact.removed, fact.amount)
            return True
        if isinstance(fact, ManualEntry | AdjustmentInferred):
            return self._merge_entry(fact)
        if isinstance(fact, EventFact):
            return self._merge_event(fact)
        raise AssertionError(f"expected a known kind of fact, was {type(fact).__name__}")

    def _merge_entry(self, fact: ManualEntry | AdjustmentInferred) -> bool:
        for token_id in tokens_of(fact) if isinstance(fact, ManualEntry) else (fact.token_id,):
            self.registry.place(token_id, fact.condition_id)
        if isinstance(fact, ManualEntry):
            known = self.manual.get(fact.entry_id)
            if known is not None and repr(fact) <= repr(known):
                return False
            self.manual[fact.entry_id] = fact
        else:
            key = f"adjustment/{fact.token_id}/{fact.statement_id}"
            stated = self.adjustments.get(key)
            if stated is not None and repr(fact) <= repr(stated):
                return False
            self.adjustments[key] = fact
            self._put(key, adjustment_movement(key, fact))
            return True
        live = manual_movements(self.manual)
        for key in {k for k in self.timeline.by_key if k.startswith("manual/")} - set(live):
            self._put(key, None)
        for key, movement in live.items():
            self._put(key, movement)
        return True

    def _merge_event(self, fact: EventFact) -> bool:
        key = event_key(fact)
        record = self.events.get(key)
        if record is None:
            record = EventRecord(key, fact.tx_hash)
            self.events[key] = record
            self._events_of_tx.setdefault(fact.tx_hash, set()).add(key)
        if not record.merge(fact):
            return False
        self._dirty_events.add(key)
        return True

    def _new_order(self, order_id: str) -> OrderRecord:
        record = OrderRecord(order_id, self.fills)
        self.orders[order_id] = record
        return record

    def _place_order(self, record: OrderRecord, token_id: str, condition_id: str) -> bool:
        """Note the order's token and condition, each text once for the whole book."""
        names = self._names
        return record.place(names.setdefault(token_id, token_id), names.setdefault(condition_id, condition_id))

    # --- settling -----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring movements and positions up to date with all merged facts."""
        if self._registry_changed:
            self._registry_changed = False
            self._dirty_events.update(self.events)
            self.timeline.set_payouts(self.registry.payouts())
        for fill in self._dirty_fills:
            self._settle_fill(fill)
        self._dirty_fills.clear()
        for order_id in self._dirty_orders:
            self._settle_order(self.orders[order_id])
        self._touched_orders |= self._dirty_orders
        self._dirty_orders.clear()
        for order_id in self._touched_orders:
            self._count_provisional(self.orders[order_id])
        self.changed_orders |= self._touched_orders
        self._touched_orders.clear()
        for key in self._dirty_events:
            self._settle_event(self.events[key])
        self._dirty_events.clear()
        if self.evidence:
            self._find_transactions()
            for tx_hash in sorted(self._dirty_txs):
                self._settle_tx(tx_hash)
        self._dirty_txs.clear()
        self.changed_movements |= self.timeline.place()

    def _settle_fill(self, fill: Fill) -> None:
        """A fill of an order without logs stands alone; with logs the whole order is joined again."""
        order_id = fill.order_id
        record = self.orders[order_id]
        if record.chain_fills:
            self._dirty_orders.add(order_id)
            return
        counts = fill.rank != RANK_FAILED
        booked = fill.shares if counts else -fill.shares
        if booked != fill.booked:
            record.covered += fill.shares - abs(fill.booked)
            record.failed += max(0, -booked) - max(0, -fill.booked)
            fill.booked = booked
            self._touched_orders.add(order_id)
        self._put(fill.key, fill_movement(fill) if counts else None)

    def _settle_order(self, record: OrderRecord) -> None:
        join(record.fills, record.chain_fills)
        covered = failed = 0
        for fill in record.fills:
            shares = fill.shares if fill.chain is None else fill.chain.fact.shares
            covered += shares
            failed += 0 if fill.counts else shares
            fill.booked = shares if fill.counts else -shares
            self._put(fill.key, fill_movement(fill) if fill.counts else None)
        for log in record.chain_fills:
            if log.fill is None and not log.fact.removed:
                covered += log.fact.shares
                self._put(log.key, log_movement(log))
            else:
                self._put(log.key, None)
        record.covered, record.failed = covered, failed

    def _count_provisional(self, record: OrderRecord) -> None:
        counted = (record.token_id, record.provisional_signed)
        if counted == record.counted:
            return
        provisional = self.provisional
        for (token_id, shares), sign in ((record.counted, -1), (counted, 1)):
            total = provisional.get(token_id, 0) + sign * shares
            if total:
                provisional[token_id] = total
            else:
                provisional.pop(token_id, None)
        record.counted = counted

    def _settle_event(self, record: EventRecord) -> None:
        evidence = self.evidence.get(record.tx_hash)
        standing = record.standing()
        for key in set(record.keys).difference(key for key, _ in standing):
            self._put(key, None)
        record.keys = [key for key, _ in standing]
        for key, fact in standing:
            self._put(key, movement_of(key, fact, self.registry, evidence))

    def _find_transactions(self) -> None:
        """Give fills without a hash the transaction of the Data API row that has their shares, nearest in time."""
        homeless = [fill for fill in self._homeless.values() if fill.chain is None]
        if not homeless:
            return
        first, last = min(f.when_ms for f in homeless), max(f.when_ms for f in homeless)
        before = {fill.key: fill.found_tx for fill in homeless}
        for fill in homeless:
            fill.found_tx = ""
        waiting = sorted(homeless, key=lambda f: (f.when_ms, f.key))
        rows = [
            (row, tx)
            for tx, evidence in self.evidence.items()
            if evidence.has_row_between(first - ROW_BEFORE_MS, last + ROW_AFTER_MS)
            for row in evidence.rows().values()
        ]
        for row, tx_hash in sorted(rows, key=lambda r: (r[0].occurred_at_ms, r[1], r[0].token_id, r[0].side)):
            known = sum(leg.shares for leg in self._own_legs(tx_hash, row) if not self._is_homeless(leg))
            for fill in waiting:
                if _may_be(fill, row, row.shares - known):
                    fill.found_tx = tx_hash
                    waiting.remove(fill)
                    break
        for fill in homeless:
            if fill.found_tx != before[fill.key]:
                self._dirty_txs.update(tx for tx in (fill.found_tx, before[fill.key]) if tx)
                self._put(fill.key, fill_movement(fill))

    def _is_homeless(self, leg: Movement) -> bool:
        fill = self.fills.get(leg.key)
        return fill is not None and fill.chain is None and not fill.own_tx

    def _own_legs(self, tx_hash: str, row: TradeReported) -> list[Movement]:
        op = op_of(row.side)
        legs = self._tx_legs.get(tx_hash, {}).values()
        return [m for m in legs if m.op == op and m.token_id == row.token_id and m.key[:4] in ("fill", "log/")]

    def _settle_tx(self, tx_hash: str) -> None:
        evidence = self.evidence.get(tx_hash)
        if evidence is None:
            return
        wanted: dict[str, Movement] = {}
        for row in evidence.rows().values():
            legs = [self._base(leg) for leg in self._own_legs(tx_hash, row)]
            better, rest = settle_row(row, legs)
            for leg in better:
                self._put(leg.key, leg)
            if rest is not None:
                wanted[rest.key] = rest
        for key in evidence.keys:
            if key not in wanted:
                self._put(key, None)
        for key, movement in wanted.items():
            self._put(key, movement)
        caused: dict[str, int] = {}
        for movement in self._tx_legs.get(tx_hash, {}).values():
            if movement.key[:5] != "move/":
                for token_id, shares in movement.share_changes():
                    caused[token_id] = caused.get(token_id, 0) + shares
        for movement in self._transfers(evidence, caused):
            wanted[movement.key] = movement
            self._put(movement.key, movement)
        evidence.keys = list(wanted)

    def _transfers(self, evidence: TxEvidence, caused: dict[str, int]) -> list[Movement]:
        """Transfers in or out: what moved and nothing else of the transaction (*caused*) accounts for.

        When exactly what fills without a log account for did not move, the node left their logs out.
        """
        rests = evidence.unaccounted(caused)
        unlogged = self._unlogged(evidence.tx_hash) if rests else {}
        return [
            evidence.transfer(token_id, rest) for token_id, rest in rests.items() if rest != -unlogged.get(token_id, 0)
        ]

    def _unlogged(self, tx_hash: str) -> dict[str, int]:
        """Token -> signed micro-shares of fills without a log of their own, where another fill of it has one."""
        fills = [leg for leg in self._tx_legs.get(tx_hash, {}).values() if leg.key.startswith(("fill/", "log/"))]
        logged = {leg.token_id for leg in fills if leg.status == "SETTLED"}
        found: dict[str, int] = {}
        for leg in fills:
            if leg.status != "SETTLED" and leg.token_id in logged:
                for token_id, shares in leg.share_changes():
                    found[token_id] = found.get(token_id, 0) + shares
        return found

    def _base(self, leg: Movement) -> Movement:
        """A new movement as the fill alone would give it, for a row to better; a log's own movement stays as it is."""
        fill = self.fills.get(leg.key)
        return leg if fill is None else fill_movement(fill)

    def _put(self, key: str, movement: Movement | None) -> None:
        old = self.timeline.put(key, movement)
        if not self.evidence:
            return
        now = self.timeline.by_key.get(key)
        if now is old:
            return
        if old is not None:
            self._tx_legs.get(old.tx_hash, {}).pop(key, None)
            self._dirty_txs.add(old.tx_hash)
        if now is not None:
            self._tx_legs.setdefault(now.tx_hash, {})[key] = now
            self._dirty_txs.add(now.tx_hash)


def _may_be(fill: Fill, row: TradeReported, shares: int) -> bool:
    """Whether *row* can be the settlement of *fill*: same token, side and shares, and not too far in time."""
    return (
        fill.shares == shares
        and fill.token_id == row.token_id
        and fill.side is row.side
        and -ROW_BEFORE_MS <= row.occurred_at_ms - fill.when_ms <= ROW_AFTER_MS
    )
