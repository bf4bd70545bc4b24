"""From a mined transaction to the activity rows of the wallets in it.

A trade is one row per wallet, token and side, whatever number of fills it had (`polymarket.md` 4.2); a redemption is
one row per outcome, losers with nothing (changelog of 2026-08-10, `real/activity`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from tieout.sim.chain import calls, ctf
from tieout.sim.chain.block import Receipt
from tieout.sim.chain.chain import Chain
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.places import P_USD
from tieout.sim.index.accounts import NOT_WALLETS, TAKER_REBATE_PAYER
from tieout.sim.index.moves import moves
from tieout.sim.index.rows import Kind, Row
from tieout.sim.model import Side
from tieout.venue.topics import ORDER_FILLED, PM_MIGRATED, PM_REDEEMED, TRANSFER


@dataclass(slots=True)
class _Sum:
    shares: int = 0
    cash: int = 0
    fee: int = 0
    taker: bool = False


class Reader:
    """Reads the receipts of one chain. *outcomes* says of a token which (condition, outcome) it is."""

    def __init__(self, chain: Chain, outcomes: Callable[[int], tuple[str, int]]) -> None:
        self._chain = chain
        self._outcomes = outcomes
        self._rows: list[Row] = []
        self._readers: dict[type[Any], Callable[[Receipt, Any], None]] = {
            calls.MatchOrders: self._trade,
            calls.Split: self._set,
            calls.Merge: self._set,
            calls.Redeem: self._redeem,
            calls.Convert: self._convert,
            calls.Migrate: self._migrate,
            calls.TransferCash: self._transfer_cash,
            calls.Deposit: self._arrive,
            calls.Wrap: self._arrive,
            calls.MintCash: self._arrive,
            calls.Withdraw: self._leave,
            calls.Unwrap: self._leave,
            calls.PayReward: self._pay,
        }

    def rows(self, receipt: Receipt) -> list[Row]:
        """The rows of a transaction; none of a reverted one, or of one that is nobody's business."""
        read = self._readers.get(type(receipt.transaction.call))
        if receipt.status != 1 or read is None:
            return []
        self._rows = []
        read(receipt, receipt.transaction.call)
        return self._rows

    def _add(self, receipt: Receipt, wallet: str, kind: Kind, size: int, usdc: int, **more: Any) -> None:
        if wallet not in NOT_WALLETS:
            place = (receipt.block_number, receipt.tx_index, len(self._rows))
            self._rows.append(Row(place, receipt.block.timestamp_s, wallet, kind, receipt.tx_hash, size, usdc, **more))

    def _trade(self, receipt: Receipt, call: calls.MatchOrders) -> None:
        sums: dict[tuple[str, int, int], _Sum] = {}
        for log in receipt.logs:
            if log.topic0 != ORDER_FILLED:
                continue
            _, wallet, taker = (str(value) for value in log.indexed)
            side, token, making, taking, fee = cast("tuple[int, ...]", log.arguments[:5])
            total = sums.setdefault((wallet, token, side), _Sum())
            total.shares += taking if side == Side.BUY else making
            total.cash += making if side == Side.BUY else taking
            total.fee += fee
            total.taker |= taker == call.exchange
        for (wallet, token, side), total in sums.items():
            usdc = total.cash + total.fee if side == Side.BUY else total.cash - total.fee
            condition, outcome = self._outcomes(token)
            self._add(
                receipt, wallet, Kind.TRADE, total.shares, usdc, condition_id=condition, token=token, outcome=outcome,
                side=Side(side), cash=total.cash, fee=total.fee, taker=total.taker,
            )  # fmt: skip

    def _set(self, receipt: Receipt, call: calls.Split | calls.Merge) -> None:
        kind = Kind.SPLIT if isinstance(call, calls.Split) else Kind.MERGE
        self._add(receipt, call.wallet, kind, call.amount, call.amount, condition_id=call.condition.condition_id)

    def _redeem(self, receipt: Receipt, call: calls.Redeem) -> None:
        condition = call.condition
        redeemed = list(self._redeemed(receipt, call))
        for outcome, token, amount, payout in redeemed:
            self._add(
                receipt, call.wallet, Kind.REDEEM, amount, payout, condition_id=condition.condition_id, token=token,
                outcome=outcome,
            )  # fmt: skip
        if not redeemed and call.version == "v1":
            # a redemption of nothing leaves one row without a token (recorded in `real/activity/1789468500.json`)
            self._add(receipt, call.wallet, Kind.REDEEM, 0, 0, condition_id=condition.condition_id, outcome=1)

    def _redeemed(self, receipt: Receipt, call: calls.Redeem) -> Iterator[tuple[int, int, int, int]]:
        """(outcome, token, shares, payout) of each outcome that was burned."""
        if call.version == "v2":
            for log in receipt.logs:
                if log.topic0 == PM_REDEEMED:
                    token = int(log.indexed[1])
                    amount, payout = cast("tuple[int, int]", log.arguments)
                    yield call.condition.position_ids.index(token), token, amount, payout
            return
        lost: Counter[int] = Counter()
        for move in moves(receipt):
            if move.wallet == call.wallet:
                lost[move.token] -= move.amount
        numerators = ctf.payouts(self._chain.state, call.condition)
        for outcome, token in enumerate(call.condition.ctf_tokens):
            if lost[token]:
                yield outcome, token, lost[token], lost[token] * numerators[outcome] // sum(numerators)

    def _convert(self, receipt: Receipt, call: calls.Convert) -> None:
        """The row names the event's first condition of the set; `usdc` is the collateral that came free."""
        first = next(c for place, c in enumerate(call.event.conditions) if call.index_set >> place & 1)
        freed = sum(
            int(cast("int", log.arguments[0]))
            for log in receipt.logs
            if log.topic0 == TRANSFER and log.address == P_USD and log.indexed[1] == call.wallet
        )
        self._add(receipt, call.wallet, Kind.CONVERSION, call.amount, freed, condition_id=first.condition_id)

    def _migrate(self, receipt: Receipt, call: calls.Migrate) -> None:
        """One row per outcome, under the new token and the structured condition id of the event; no cash moves."""
        condition = f"0x{call.condition.structured_id:064x}"
        for log in receipt.logs:
            if log.topic0 == PM_MIGRATED:
                outcome, amount = cast("tuple[int, int]", log.arguments)
                self._add(
                    receipt, call.wallet, Kind.MIGRATION, amount, 0, condition_id=condition,
                    token=int(log.indexed[2]), outcome=outcome,
                )  # fmt: skip

    def _transfer_cash(self, receipt: Receipt, call: calls.TransferCash) -> None:
        if call.contract != P_USD or call.sender == call.to:
            return
        self._add(receipt, call.sender, Kind.WITHDRAWAL, call.amount, call.amount)
        kind = Kind.TAKER_REBATE if call.sender == TAKER_REBATE_PAYER else Kind.DEPOSIT
        self._add(receipt, call.to, kind, call.amount, call.amount)

    def _arrive(self, receipt: Receipt, call: calls.Deposit | calls.Wrap | calls.MintCash) -> None:
        self._add(receipt, call.wallet, Kind.DEPOSIT, call.amount, call.amount)

    def _leave(self, receipt: Receipt, call: calls.Withdraw | calls.Unwrap) -> None:
        self._add(receipt, call.wallet, Kind.WITHDRAWAL, call.amount, call.amount)

    def _pay(self, receipt: Receipt, call: calls.PayReward) -> None:
        kind = Kind.REWARD if call.kind == "reward" else Kind.MAKER_REBATE
        self._add(receipt, call.wallet, kind, call.amount, call.amount)


def both_tokens(condition: Condition, version: str) -> tuple[int, int]:
    """The condition's tokens of one generation."""
    return condition.position_ids if version == "v2" else condition.ctf_tokens
