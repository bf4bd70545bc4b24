"""What the analytics have seen so far: rows in order, by wallet, and holdings. Made anew by applying blocks again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from tieout.sim.chain import calls
from tieout.sim.chain.block import Block, Receipt
from tieout.sim.index.holdings import Holding
from tieout.sim.index.moves import moves
from tieout.sim.index.reading import Reader, both_tokens
from tieout.sim.index.rows import Kind, Row
from tieout.sim.model import Side


class Seen:
    """The state of the index. Rows and holdings are in the order of the chain."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._costs: dict[Kind, Callable[[Row, Receipt], None]] = {
            Kind.TRADE: self._trade,
            Kind.SPLIT: self._set,
            Kind.MERGE: self._set,
            Kind.REDEEM: self._redeem,
            Kind.CONVERSION: self._convert,
            Kind.MIGRATION: self._migrate,
        }
        self._serial = 0
        self.block_number = 0
        self.rows: list[Row] = []
        self.by_wallet: dict[str, list[Row]] = defaultdict(list)
        self.holdings: dict[str, dict[int, Holding]] = defaultdict(dict)
        self.holders: dict[int, dict[str, Holding]] = defaultdict(dict)

    def apply(self, block: Block) -> None:
        """Take one more block in."""
        for receipt in block.receipts:
            if receipt.status == 1:
                self._receipt(receipt)
        self.block_number = block.number

    def of(self, wallet: str) -> Iterable[Holding]:
        """Every holding the wallet ever had, oldest first."""
        return self.holdings.get(wallet, {}).values()

    def _receipt(self, receipt: Receipt) -> None:
        at_s = receipt.block.timestamp_s
        for move in moves(receipt):
            holding = self._holding(move.wallet, move.token)
            holding.size += move.amount
            holding.touch(at_s)
        for row in self._reader.rows(receipt):
            if cost := self._costs.get(row.kind):
                cost(row, receipt)
            self.rows.append(row)
            self.by_wallet[row.wallet].append(row)

    def _holding(self, wallet: str, token: int) -> Holding:
        found = self.holdings[wallet].get(token)
        if found is None:
            self._serial += 1
            found = self.holdings[wallet][token] = self.holders[token][wallet] = Holding(wallet, token, self._serial)
        return found

    def _trade(self, row: Row, _receipt: Receipt) -> None:
        holding = self._holding(row.wallet, row.token)
        if row.side is Side.BUY:
            holding.buy(row.size, row.cash, row.fee)
        else:
            row.realized = holding.sell(row.size, row.cash)

    def _set(self, row: Row, receipt: Receipt) -> None:
        call = receipt.transaction.call
        if not isinstance(call, (calls.Split, calls.Merge)):
            return
        for token in both_tokens(call.condition, call.version):
            holding = self._holding(row.wallet, token)
            if row.kind is Kind.SPLIT:
                holding.buy(row.size, row.size // 2)
            else:
                row.realized += holding.sell(row.size, row.size // 2)

    def _redeem(self, row: Row, _receipt: Receipt) -> None:
        if row.token:
            row.realized = self._holding(row.wallet, row.token).sell(row.size, row.usdc)

    def _convert(self, row: Row, receipt: Receipt) -> None:
        """The NO tokens leave at cost; what the freed collateral does not cover is the price of the YES tokens."""
        call = receipt.transaction.call
        if not isinstance(call, calls.Convert):
            return
        conditions = call.event.conditions
        cost, yes = 0, []
        for place, condition in enumerate(conditions):
            if call.index_set >> place & 1:
                cost += self._holding(row.wallet, condition.ctf_tokens[1]).take(call.amount)
            else:
                yes.append(self._holding(row.wallet, condition.ctf_tokens[0]))
        left = cost - row.usdc
        if not yes:
            row.realized = -left
        received = call.amount - call.amount * call.event.fee_bips // 10_000
        for holding in yes:
            holding.buy(received, max(left, 0) // len(yes))

    def _migrate(self, row: Row, receipt: Receipt) -> None:
        call = receipt.transaction.call
        if not isinstance(call, calls.Migrate) or row.outcome is None:
            return
        old = self._holding(row.wallet, call.condition.ctf_tokens[row.outcome])
        tracked = min(row.size, old.tracked)
        cost = old.take(row.size)
        if tracked:
            self._holding(row.wallet, row.token).buy(tracked, cost)
