"""What one wallet has done up to some moment: the cumulative figures of v2's `user-pnl`, in whole micro-units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tieout.sim.index.rows import Kind, Row
from tieout.sim.wire.data_shapes import Json
from tieout.sim.wire.market_shapes import number


@dataclass(slots=True)
class Sums:
    """Grows with each row that is added; `income` is by kind of row."""

    trades: int = 0
    shares: int = 0
    cash: int = 0
    realized: int = 0
    fees: int = 0
    income: dict[Kind, int] = field(default_factory=dict)
    markets: set[str] = field(default_factory=set)
    best: int = 0

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Sums:
        """The sums of *rows*."""
        sums = cls()
        for row in rows:
            sums.add(row)
        return sums

    def add(self, row: Row) -> None:
        """Count one more row."""
        self.realized += row.realized
        self.best = max(self.best, row.realized)
        if row.kind is Kind.TRADE:
            self.trades += 1
            self.shares += row.size
            self.cash += row.cash
            self.fees += row.fee
            self.markets.add(row.condition_id)
        else:
            self.income[row.kind] = self.income.get(row.kind, 0) + row.usdc

    def point(self, at_s: int, source_block: int) -> Json:
        """The figures as one point of the series."""
        deposits, withdrawals = self._income(Kind.DEPOSIT), self._income(Kind.WITHDRAWAL)
        return {
            "timestamp": at_s,
            "source_block": source_block,
            "trade_count": self.trades,
            "realized_market_pnl": number(self.realized),
            "realized_lp_pnl": 0,
            "realized_combo_pnl": 0,
            "realized_pnl": number(self.realized),
            "volume": number(self.shares),
            "volume_usdc": number(self.cash),
            "maker_rebate": number(self._income(Kind.MAKER_REBATE)),
            "taker_rebate": number(self._income(Kind.TAKER_REBATE)),
            "reward_income": number(self._income(Kind.REWARD)),
            "deposits": number(deposits),
            "withdrawals": number(withdrawals),
            "cashflow_net": number(deposits - withdrawals),
            "trade_pnl": number(self.realized),
            "fees_paid": number(self.fees),
        }

    def _income(self, kind: Kind) -> int:
        return self.income.get(kind, 0)
