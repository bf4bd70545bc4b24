"""A wallet's movements as transactions of a Beancount ledger that balance exactly.

How the cost is told. A position has one cost for all its shares, and a share's part of it is seldom a finite decimal: 3
shares for 1.000000 cost 0.333333... each. Beancount keeps a cost per share: of a total, `{{1.000000 PUSD}}`, it makes
one by division, and 28 digits of it times 3 are not 1. So no total is written here. A position is one lot at its
average cost rounded down to six places, and what that leaves of the cost basis lies as collateral beside the lot on
the same account::

    buy 3 for 1.00      3.000000 T {0.333333 PUSD}  and  0.000001 PUSD     together 1.000000, exactly

Both are finite decimals, so every transaction adds up to nothing and the cost of an account is the cost basis, to the
micro-unit: `cost(sum(position))`. Where a movement changes the average, the old lot leaves whole and the new one comes;
so there is one lot, and Beancount needs no method of its own (it has none for average cost). The lots name their price
and date, so its strictest booking applies and it checks every reduction itself; booking NONE would let a mistake pass.

The option `tolerance_multiplier` is 0: a transaction that is off by the smallest part is an error to Beancount. At the
end `balance` directives, without tolerance, say what every account holds; they are the books' positions, so a ledger
that loads without an error ties out.

Beancount has days only, and sorts by them. Transactions stand in canonical order, each on its day or, where what came
before stands on a later one, on that: what is not settled yet comes after all that is, whenever it was matched. The
true time is in the metadata. What is not settled has the flag `!`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from tieout.app.exports.beancount_names import COLLATERAL, Chart
from tieout.app.exports.beancount_text import Meta, Posting, balance, links, metadata, opened, posting, quoted
from tieout.app.exports.names import Names
from tieout.app.exports.rows import trade_id
from tieout.app.exports.tax import time_of
from tieout.app.exports.text import day_of, exact_text, moment_text
from tieout.ledger.changes import Change, Moved
from tieout.ledger.events import flow_of
from tieout.ledger.movement import (
    CASH,
    CORRECT_COST,
    OP_NAMES,
    PAD,
    PENDING,
    TRANSFER_IN,
    TRANSFER_OUT,
    Movement,
)
from tieout.ledger.rows import movement_row
from tieout.ledger.units import MICRO


class _Held:
    """A position as the ledger has it: one lot, and the rest of its cost."""

    __slots__ = ("cost", "price", "shares", "since")

    def __init__(self, shares: int, cost: int, since: date) -> None:
        self.shares = shares
        self.cost = cost
        self.price = cost * MICRO // shares if shares else 0
        """Micro-units a share, rounded down."""
        self.since = since
        """The lot's date."""

    @property
    def rest(self) -> int:
        """Of the cost, in 10^-12, what price times shares leaves."""
        return self.cost * MICRO - self.shares * self.price

    @property
    def written(self) -> str:
        """The lot's cost."""
        return f"{{{exact_text(self.price)} {COLLATERAL}, {self.since}}}"


class Ledger:
    """Writes transactions in canonical order, each with what has to be opened for it; and at the end the balances."""

    def __init__(self, wallet: str, names: Names, *, commodities: bool = True) -> None:
        self._wallet = wallet
        self._names = names
        self._commodities = commodities
        self._chart = Chart(wallet)
        self._day = date(1970, 1, 1)
        self._held: dict[str, _Held] = {}
        self._token_of: dict[str, str] = {}
        """An account that holds shares -> whose."""
        self._open: set[str] = set()
        self._balances: dict[tuple[str, str], int] = {}
        """(account, commodity) -> what was posted, in 10^-12."""

    @property
    def day(self) -> date:
        """Of the last transaction."""
        return self._day

    def transaction(self, moved: Moved, entries: Sequence[int]) -> list[str]:
        """The lines of one movement; *entries*: the numbers of the log's entries that tell of it."""
        movement = moved.movement
        self._day = max(self._day, day_of(time_of(movement)))
        postings = self._postings(moved)
        lines: list[str] = []
        for line in postings:
            lines += self._opened(line.account)
            place = (line.account, line.commodity)
            self._balances[place] = self._balances.get(place, 0) + line.amount
        flag = "!" if movement.order[0] >= PENDING else "*"
        found = links(name for name in (movement.tx_hash, movement.order_id) if name)
        lines.append(f"{self._day} {flag} {self._words(movement)}{found}")
        lines += metadata(_about(moved, entries))
        lines += map(posting, postings)
        return [*lines, ""]

    def end(self) -> Iterator[str]:
        """What every account holds after the last transaction."""
        after = self._day + timedelta(days=1)
        for (account, commodity), amount in sorted(self._balances.items()):
            yield balance(after, account, amount, commodity)

    def _postings(self, moved: Moved) -> list[Posting]:
        """What it moves. All of it is as the fold has it; what is carried along without collateral is the rest.

        Raises AssertionError where a rest is left that nothing explains: then the fold itself does not balance.
        """
        movement, changes = moved
        shares: list[Posting] = []
        cash, fee = movement.cash(), movement.fee_paid()
        lines = _unless_zero(self._chart.collateral, cash)
        for change in changes:
            at = (change.token_id, self._names.condition(change.token_id))
            shares += self._shares(change, self._chart.shares(*at))
            lines += _unless_zero(self._chart.fees_of(*at), change.fees)
            lines += _unless_zero(self._chart.realized(*at), -change.realized)
            lines += _unless_zero(self._chart.unexplained(*at), -change.unexplained_proceeds)
            fee -= change.fees
        lines += _unless_zero(self._chart.fees, fee)
        rest = -sum(line.amount for line in lines) // MICRO - sum(change.cost for change in changes)
        if rest:
            lines.append(Posting(self._carried(movement, rest), rest * MICRO, COLLATERAL))
        return shares + lines or [Posting(self._chart.collateral, 0, COLLATERAL)]

    def _shares(self, change: Change, account: str) -> Iterator[Posting]:
        """The lot as it was out, as it is in; only the difference where the average is the same."""
        was = self._held.get(change.token_id) or _Held(0, 0, self._day)
        now = _Held(change.shares_after, change.cost_after, self._day)
        commodity = self._chart.commodity(change.token_id)
        self._token_of[account] = change.token_id
        if was.shares and now.shares and was.price == now.price:
            now.since = was.since
            if change.shares:
                yield Posting(account, change.shares * MICRO, commodity, now.written)
        else:
            if was.shares:
                yield Posting(account, -was.shares * MICRO, commodity, was.written)
            if now.shares:
                yield Posting(account, now.shares * MICRO, commodity, now.written)
        if now.rest != was.rest:
            yield Posting(account, now.rest - was.rest, COLLATERAL)
        self._held[change.token_id] = now

    def _carried(self, movement: Movement, amount: int) -> str:
        """The account of what came or went besides; no other movement has any."""
        op = movement.op
        if op == CASH:
            return self._chart.flow(flow_of(movement.key))
        if op in (TRANSFER_IN, TRANSFER_OUT):
            return self._chart.transfers
        if op == PAD:
            return self._chart.adjustments
        if op == CORRECT_COST:
            return self._chart.corrections
        raise AssertionError(f"movement {movement.key}: expected sums that balance, was {amount} micro-units off")

    def _opened(self, account: str) -> list[str]:
        """The directives that an account needs before its first use."""
        if account in self._open:
            return []
        self._open.add(account)
        token_id = self._token_of.get(account)
        if token_id is None:
            return opened(self._day, account, [COLLATERAL], {"wallet": self._wallet})
        commodity = self._chart.commodity(token_id)
        names = self._names
        condition_id = names.condition(token_id)
        about = {
            "token-id": token_id,
            "condition-id": condition_id,
            "outcome-index": names.outcome_index.get(token_id),
            "outcome": names.outcome.get(token_id),
            "market": names.market.get(condition_id),
        }
        lines = [f"{self._day} commodity {commodity}", *metadata(about)] if self._commodities else []
        return [*lines, *opened(self._day, account, [commodity, COLLATERAL], {"wallet": self._wallet, **about})]

    def _words(self, movement: Movement) -> str:
        """Payee, where somebody named the market, and what happened."""
        what = flow_of(movement.key).value.lower().replace("_", " ") if movement.op == CASH else OP_NAMES[movement.op]
        token_id = next(iter(movement.tokens()), "")
        parts = [what, exact_text(movement.shares) if movement.shares else "", self._names.outcome.get(token_id, "")]
        condition_id = movement.condition_id or self._names.condition(token_id)
        market = self._names.market.get(condition_id, "")
        words = quoted(" ".join(part for part in parts if part))
        return f"{quoted(market)} {words}" if market else words


def _about(moved: Moved, entries: Sequence[int]) -> Meta:
    row = movement_row(moved.movement)
    missing = sum(change.unexplained_shares for change in moved.changes)
    return {
        "time": moment_text(row.occurred_at_ms) if row.occurred_at_ms else None,
        "movement": row.key,
        "kind": row.kind,
        "status": row.status,
        "role": row.role,
        "tx": row.tx_hash,
        "order": row.order_id,
        "trade": trade_id(row),
        "because": ", ".join(moved.movement.causes),
        "unexplained-shares": exact_text(missing) if missing else None,
        "log": " ".join(map(str, entries)),
    }


def _unless_zero(account: str, amount: int) -> list[Posting]:
    return [Posting(account, amount * MICRO, COLLATERAL)] if amount else []
