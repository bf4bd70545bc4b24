"""What a wallet's books may claim at any moment: nothing that never happened.

Books run behind the venue and may hold for a while what a reorganisation took away. So a witness remembers every
transaction that ever was in a block, and the rest follows from the engine's trades and orders. It asks only what can
be told of each row alone; that all of it is there, and to the unit, is asked when everything has settled (`verdict`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tieout.sim.chain.block import Receipt
from tieout.sim.chain.chain import BlockMined, BlocksRemoved, Finalized
from tieout.sim.model import Order, Side, Trade
from tieout.sim.oracle.books import cause_of, shares_of, traded
from tieout.sim.oracle.deeds import Act, Fill, act_of, blocks, cash_change, share_changes
from tieout.sim.oracle.reading import BookRows, MovementSeen, OrderSeen
from tieout.sim.oracle.verdict import Disagreement, cause_of_row, shares_of_row
from tieout.sim.world import World

CUT = 10_000
"""What the CLOB may cut off when it tells a number of shares: 0.01 share."""


class Witness:
    """Sees every block of *world* from its beginning; *wallet* is lower-case."""

    def __init__(self, world: World, wallet: str) -> None:
        self._world = world
        self._wallet = wallet
        self._results: dict[str, tuple[int, int]] = {}
        self._acts: dict[str, list[Act]] = defaultdict(list)
        """By transaction: a reorganisation may make it do something else the next time."""
        for block in blocks(world.chain):
            self._see(block.receipts)
        world.chain.listen(self._hear)

    def leave(self) -> None:
        """See nothing more."""
        self._world.chain.unlisten(self._hear)

    def claims_beyond(self, rows: BookRows) -> list[Disagreement]:
        """What *rows* claim and never happened."""
        found: list[Disagreement] = []
        for order in rows.orders:
            found += self._order(order)
        for movement in rows.movements:
            found += self._fill(movement) if movement.kind in ("buy", "sell") else self._event(movement)
        return found

    def _hear(self, event: BlockMined | BlocksRemoved | Finalized) -> None:
        if isinstance(event, BlockMined):
            self._see(event.block.receipts)

    def _see(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            act = act_of(receipt, self._wallet, self._results)
            if act is not None:
                self._acts[act.tx_hash].append(act)

    def _order(self, row: OrderSeen) -> Iterator[Disagreement]:
        order = self._own_order(row.order_id)
        matched = order.matched if order else 0
        if order is None and row.state in ("live", "closing"):
            yield Disagreement("O1", f"order {row.order_id} is {row.state} in the books, the venue never took it")
        if order is not None and order.open and row.state in ("closed", "rejected"):
            yield Disagreement("O1", f"order {row.order_id} is {row.state} in the books and open at the venue")
        met = traded(self._world, order) if order else 0
        booked = row.filled + row.failed
        for what, most, amount in (("claimed", matched, row.claimed), ("filled and failed", met, booked)):
            if amount > most:
                sentence = f"order {row.order_id}: {most} matched at the venue, the books have {amount} {what}"
                yield Disagreement("O2", sentence)

    def _fill(self, row: MovementSeen) -> Iterator[Disagreement]:
        if row.key.startswith("fill/"):
            _, trade_id, order_id = row.key.split("/")
            trade, order = self._world.exchange.trades.get(trade_id), self._own_order(order_id)
            if trade is None or order is None or order not in trade.orders:
                yield Disagreement("F2", f"{row.key}: no such trade of the wallet")
            else:
                yield from _terms(row, trade, order)
        elif not any(_says(row, act) for act in self._acts[row.tx_hash]):
            yield Disagreement("F1", f"{row.key} ({row.kind} {row.shares}): {row.tx_hash or '?'} never did that")

    def _event(self, row: MovementSeen) -> Iterator[Disagreement]:
        cause = cause_of_row(row)
        if not row.cash and not any(shares_of_row(row).values()):  # a redemption of nothing is an act, too
            return
        causes = (cause, "rebate") if cause == "deposit" else (cause,)
        if not any(_holds(row, act, causes) for act in self._acts[row.tx_hash]):
            what = f"{cause} of {dict(shares_of_row(row))} and {row.cash}"
            yield Disagreement("I2", f"{row.key}: {row.tx_hash or '?'} never was a {what}")

    def _own_order(self, order_id: str) -> Order | None:
        order = self._world.exchange.orders.get(order_id)
        return order if order is not None and order.request.wallet == self._wallet else None


def _terms(row: MovementSeen, trade: Trade, order: Order) -> Iterator[Disagreement]:
    side = "buy" if order.side is Side.BUY else "sell"
    if (row.kind, row.token_id) != (side, str(order.request.token)):
        yield Disagreement("F4", f"{row.key}: expected {side} of {order.request.token}, was {row.kind} {row.token_id}")
    shares = shares_of(trade, order.id)
    exact = row.status == "SETTLED"
    if row.shares != shares if exact else abs(row.shares - shares) >= CUT:
        yield Disagreement("S4", f"{row.key}: expected {shares} shares, the books have {row.shares}")


def _says(row: MovementSeen, act: Act) -> bool:
    """The transaction holds this very fill."""
    return any(
        (deed.order_id, deed.token, deed.shares, deed.cash) == (row.order_id, row.token_id, row.shares, row.collateral)
        for deed in act.deeds
        if isinstance(deed, Fill)
    )


def _holds(row: MovementSeen, act: Act, causes: tuple[str, ...]) -> bool:
    """The transaction did at least that much for one of *causes*."""
    deeds = [deed for deed in act.deeds if cause_of(deed) in causes]
    moved: Counter[str] = Counter()
    for deed in deeds:
        moved.update(share_changes(deed))
    cash = sum(map(cash_change, deeds))
    parts = [(row.cash, cash), *((shares, moved[token]) for token, shares in shares_of_row(row).items())]
    return bool(deeds) and all(min(0, whole) <= part <= max(0, whole) for part, whole in parts)
