"""Evidence by transaction: Data API trade rows and token transfers, against what else is known of the transaction.

Both are sums, not events of their own. They book only what fills, logs and events of the same transaction leave
unexplained, so any mixture of sources gives the same books.
"""

from __future__ import annotations

from typing import NamedTuple

from tieout.ledger.facts import TokenMoved, TradeReported, TransferCostStated
from tieout.ledger.movement import (
    TRANSFER_IN,
    TRANSFER_OUT,
    Movement,
    WideMovement,
    chain_position,
    op_of,
)


class CoinMove(NamedTuple):
    """What is kept of a CollateralMoved; signed micro-units. A wallet has one for every fill, all in one book."""

    version: int
    removed: bool
    amount: int


class TxEvidence:
    """What rows and transfers say of one transaction."""

    __slots__ = ("costs", "keys", "moves", "reports", "tx_hash")

    def __init__(self, tx_hash: str) -> None:
        self.tx_hash = tx_hash
        self.reports: dict[tuple[str, str, int], TradeReported] = {}
        """(token, side, shares) -> row."""
        self.moves: dict[tuple[int, int], TokenMoved] = {}
        """(log index, place in the batch) -> transfer; the highest version wins."""
        self.costs: dict[str, TransferCostStated] = {}
        """token -> the cost stated for what came in."""
        self.keys: list[str] = []

    def merge(self, fact: TradeReported | TokenMoved | TransferCostStated) -> bool:
        """Take in *fact*; returns whether it said anything new."""
        if isinstance(fact, TradeReported):
            name = (fact.token_id, fact.side.value, fact.shares)
            known = self.reports.get(name)
            # The trades endpoint names no fee and rounds; the activity row of the same fills says at least as much.
            if known is not None and _weight(fact) <= _weight(known):
                return False
            self.reports[name] = fact
        elif isinstance(fact, TokenMoved):
            place = (fact.log_index, fact.sub_index)
            move = self.moves.get(place)
            if move is not None and (fact.version, fact.removed, fact.shares) <= (
                move.version,
                move.removed,
                move.shares,
            ):
                return False
            self.moves[place] = fact
        else:
            stated = self.costs.get(fact.token_id)
            if stated is not None and (fact.occurred_at_ms, fact.cost) <= (stated.occurred_at_ms, stated.cost):
                return False
            self.costs[fact.token_id] = fact
        return True

    def moved(self) -> dict[str, int]:
        """Token -> signed micro-shares that the transfers show."""
        total: dict[str, int] = {}
        for move in self.moves.values():
            if not move.removed:
                total[move.token_id] = total.get(move.token_id, 0) + move.shares
        return total

    def has_row_between(self, first_ms: int, last_ms: int) -> bool:
        """Whether a row of it lies in that time."""
        return any(first_ms <= row.occurred_at_ms <= last_ms for row in self.reports.values())

    def rows(self) -> dict[tuple[str, str], TradeReported]:
        """(token, side) -> one row holding the sums of all rows of that token and side."""
        total: dict[tuple[str, str], TradeReported] = {}
        for (token_id, side, _), row in sorted(self.reports.items()):
            known = total.get((token_id, side))
            total[token_id, side] = row if known is None else _sum(known, row)
        return total

    def unaccounted(self, caused: dict[str, int]) -> dict[str, int]:
        """Token -> signed micro-shares that moved, less what the transaction's other facts (*caused*) account for."""
        rests = {token_id: shares - caused.get(token_id, 0) for token_id, shares in sorted(self.moved().items())}
        return {token_id: rest for token_id, rest in rests.items() if rest}

    def transfer(self, token_id: str, rest: int) -> WideMovement:
        """*rest* of the token in or out, by nothing but a transfer."""
        # What came in may leave again in the same transaction: it stands where the first of it came, and what went out
        # where the last of it went, so that nothing leaves before it is there.
        moves = [move for move in self.moves.values() if move.token_id == token_id and not move.removed]
        same_way = [move for move in moves if move.shares * rest > 0] or moves
        at = (min if rest > 0 else max)(same_way, key=lambda move: move.log_index)
        key = f"move/{self.tx_hash}/{token_id}"
        order = (at.occurred_at_ms, chain_position(at.block, at.log_index), key)
        movement = WideMovement(key, TRANSFER_IN if rest > 0 else TRANSFER_OUT, order, token_id, abs(rest), 0)
        movement.tx_hash = self.tx_hash
        movement.status = "SETTLED"
        if rest > 0:
            movement.causes = ("cost:zero",)
            self.state_cost(movement)
        return movement

    def state_cost(self, movement: WideMovement) -> None:
        """Give an incoming transfer the cost that was stated for it, where one was."""
        stated = self.costs.get(movement.token_id)
        if stated is not None:
            movement.collateral = stated.cost
            movement.causes = (f"cost:{stated.cost_policy}",)


def _weight(row: TradeReported) -> tuple[int, int, int]:
    return (row.collateral + row.fee, row.fee, row.occurred_at_ms)


def _sum(a: TradeReported, b: TradeReported) -> TradeReported:
    return TradeReported(
        tx_hash=a.tx_hash,
        token_id=a.token_id,
        condition_id=max(a.condition_id, b.condition_id),
        side=a.side,
        shares=a.shares + b.shares,
        collateral=a.collateral + b.collateral,
        fee=a.fee + b.fee,
        occurred_at_ms=min(a.occurred_at_ms, b.occurred_at_ms),
    )


def settle_row(row: TradeReported, legs: list[Movement]) -> tuple[list[Movement], Movement | None]:
    """Compare a row with the fills of its transaction, token and side, and better those the chain did not settle.

    *legs* are changed in place. Returns (the bettered ones, the fill that only the row tells of). A fill that the chain
    settled keeps its amounts. The others take the row's time, and with what the row alone tells of their collateral
    and fee add up to the row's, to the micro-unit.
    """
    shares = sum(leg.shares for leg in legs)
    better = sorted((leg for leg in legs if leg.status != "SETTLED"), key=lambda m: m.order)
    for leg in better:
        leg.order = (row.occurred_at_ms, leg.order[1], leg.key)
        leg.status = "CONFIRMED" if leg.status == "CONFIRMED" else "REPORTED"
    rest = _rest(row, row.shares - shares) if shares < row.shares else None
    if shares <= row.shares:
        settled = [leg for leg in legs if leg.status == "SETTLED"]
        estimated = better if rest is None else [*better, rest]
        _divide(row.collateral - sum(leg.collateral for leg in settled), estimated, "collateral")
        _divide(row.fee - sum(leg.fee for leg in settled), estimated, "fee")
    return better, rest


def _divide(total: int, legs: list[Movement], name: str) -> None:
    """Make the legs' amounts add up to *total*: each keeps its own as far as there is enough, the last takes the rest.

    A negative total means that the row says less than the chain; then the estimates stay.
    """
    if total < 0 or not legs:
        return
    for leg in legs[:-1]:
        amount = min(getattr(leg, name), total)
        setattr(leg, name, amount)
        total -= amount
    setattr(legs[-1], name, total)


def _rest(row: TradeReported, shares: int) -> Movement:
    """The fill that only the row tells of."""
    key = f"row/{row.tx_hash}/{row.token_id}/{row.side.value}"
    order = (row.occurred_at_ms, chain_position(0, -1), key)
    movement = Movement(key, op_of(row.side), order, row.token_id, shares, 0)
    movement.tx_hash = row.tx_hash
    movement.condition_id = row.condition_id
    movement.status = "REPORTED"
    return movement
