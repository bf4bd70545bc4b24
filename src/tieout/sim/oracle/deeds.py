"""What happened to one wallet, read from the simulated chain: each call that went through, as deeds.

A call says what was meant; the coins and tokens that moved say what it did. Both are read, and a call whose deeds do
not add up to what moved is an error of this module, never a finding about anybody's books. Amounts are micro-units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tieout.sim.chain.block import Block, Receipt
from tieout.sim.chain.calls import (
    Call,
    Convert,
    MatchOrders,
    Merge,
    Migrate,
    PayReward,
    Redeem,
    ReportPayouts,
    Split,
    Unwrap,
    Wrap,
)
from tieout.sim.chain.chain import Chain
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.log import Log
from tieout.sim.chain.places import CTF, P_USD, POSITION_MANAGER, USDC_E
from tieout.sim.model import Side
from tieout.venue.topics import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE

WHOLE = 1_000_000
"""A share that pays in full, and the denominator of a result in Protocol V2."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One order's part of a match; `cash` before the fee."""

    order_id: str
    token: str
    side: Side
    shares: int
    cash: int
    fee: int


@dataclass(frozen=True, slots=True)
class FullSet:
    """A split (`amount` above 0) or merge (below 0) of both outcomes at a total of 1."""

    tokens: tuple[str, str]
    amount: int


@dataclass(frozen=True, slots=True)
class Redemption:
    """Shares of one token for their payout."""

    token: str
    shares: int
    payout: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """Tokens for tokens and perhaps cash: a conversion or a migration. Each list is in the order of its token ids."""

    given: tuple[tuple[str, int], ...]
    taken: tuple[tuple[str, int], ...]
    cash: int


@dataclass(frozen=True, slots=True)
class Gift:
    """Shares that came (above 0) or went (below 0) with nothing in return."""

    token: str
    shares: int


@dataclass(frozen=True, slots=True)
class Money:
    """Collateral in or out: `cause` is deposit, withdrawal, reward or rebate."""

    cause: str
    amount: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One coin into the other: `cause` is wrap (into pUSD) or unwrap."""

    cause: str
    amount: int


Deed = Fill | FullSet | Redemption | Exchange | Gift | Money | Turn


@dataclass(frozen=True, slots=True)
class Act:
    """The deeds of one transaction, in the order in which the chain did them."""

    tx_hash: str
    block: int
    deeds: tuple[Deed, ...]


@dataclass(slots=True)
class Moved:
    """What one transaction moved of a wallet, net."""

    tokens: Counter[str] = field(default_factory=Counter)
    coins: Counter[str] = field(default_factory=Counter)

    @property
    def cash(self) -> int:
        """Both coins together."""
        return sum(self.coins.values())


def acts(chain: Chain, wallet: str) -> Iterator[Act]:
    """Everything that moved anything of *wallet*, on the chain's present branch, in its order."""
    results: dict[str, tuple[int, int]] = {}
    for block in blocks(chain):
        for receipt in block.receipts:
            act = act_of(receipt, wallet, results)
            if act is not None:
                yield act


def blocks(chain: Chain) -> Iterator[Block]:
    """The present branch, the oldest first."""
    number = chain.block_by_tag("earliest").number
    while (block := chain.block(number)) is not None:
        yield block
        number += 1


def act_of(receipt: Receipt, wallet: str, results: dict[str, tuple[int, int]]) -> Act | None:
    """What *receipt* did to *wallet*; None for nothing. *results* are the payouts told so far, and grow by it."""
    call = receipt.transaction.call
    if not receipt.status:
        return None
    if isinstance(call, ReportPayouts):
        results[call.condition.condition_id] = call.numerators
    moved = moved_by(receipt.logs, wallet)
    deeds = [] if moved is None else list(_deeds(call, wallet, moved, results))
    if not deeds:
        return None
    return Act(receipt.tx_hash, receipt.block_number, tuple(deeds))


def moved_by(logs: list[Log], wallet: str) -> Moved | None:
    """The net movements of *wallet*; None where no log is about it."""
    moved, touched = Moved(), False
    for log in logs:
        if log.topic0 == TRANSFER and log.address in (P_USD, USDC_E):
            sender, to = log.indexed
            if wallet in (sender, to):
                touched = True
                moved.coins[log.address] += _signed(wallet, sender, to) * _number(log.arguments[0])
        elif log.topic0 in (TRANSFER_SINGLE, TRANSFER_BATCH) and log.address in (CTF, POSITION_MANAGER):
            _, sender, to = log.indexed
            if wallet in (sender, to):
                touched = True
                for token, amount in _pairs(log):
                    moved.tokens[str(token)] += _signed(wallet, sender, to) * amount
    return moved if touched else None


def _deeds(call: Call, wallet: str, moved: Moved, results: Mapping[str, tuple[int, int]]) -> Iterator[Deed]:
    """The deeds of a call, then what moved beyond them."""
    known = list(_meant(call, wallet, moved, results))
    yield from known
    tokens, cash = Counter(moved.tokens), moved.cash
    for deed in known:
        tokens.subtract(share_changes(deed))
        cash -= cash_change(deed)
    if known and (cash or any(tokens.values())):
        left = {token: shares for token, shares in tokens.items() if shares}
        raise AssertionError(f"{type(call).__name__}: expected {known} to be all, {cash} and {left} are left over")
    for token, shares in sorted(tokens.items()):
        if shares:
            yield Gift(token, shares)
    if cash:
        yield Money("deposit" if cash > 0 else "withdrawal", cash)


def _meant(call: Call, wallet: str, moved: Moved, results: Mapping[str, tuple[int, int]]) -> Iterator[Deed]:
    if isinstance(call, MatchOrders):
        yield from _matched(call, wallet, moved)
    elif isinstance(call, PayReward):
        if call.wallet == wallet and call.amount:
            yield Money(call.kind, call.amount)
    elif getattr(call, "wallet", "") != wallet:
        return
    elif isinstance(call, Split | Merge):
        if call.amount:
            sign = 1 if isinstance(call, Split) else -1
            yield FullSet(_tokens(call.condition, call.version), sign * call.amount)
    elif isinstance(call, Redeem):
        yield from _redeemed(call, moved, results[call.condition.condition_id])
    elif isinstance(call, Convert):
        yield from _converted(call)
    elif isinstance(call, Migrate):
        for old, new in zip(_tokens(call.condition, "v1"), _tokens(call.condition, "v2"), strict=True):
            if moved.tokens[old]:
                yield Exchange(((old, -moved.tokens[old]),), ((new, -moved.tokens[old]),), 0)
    elif isinstance(call, Wrap | Unwrap) and call.amount:
        yield Turn("wrap" if isinstance(call, Wrap) else "unwrap", call.amount)


def _matched(call: MatchOrders, wallet: str, moved: Moved) -> Iterator[Fill]:
    """The makers first, as their logs stand. A maker's amounts are exact.

    A taker offers the most and asks for the least: what it gave and got is what moved beyond its own parts as a maker.
    """
    shares, cash = Counter(moved.tokens), moved.cash
    for part in call.makers:
        if part.wallet == wallet:
            buys = part.side is Side.BUY
            amounts = (part.taking, part.making) if buys else (part.making, part.taking)
            fill = Fill(part.order_hash, str(part.token), part.side, *amounts, part.fee)
            shares.subtract(share_changes(fill))
            cash -= cash_change(fill)
            yield fill
    taker = call.taker
    if taker.wallet == wallet:
        sign = 1 if taker.side is Side.BUY else -1
        token = str(taker.token)
        yield Fill(taker.order_hash, token, taker.side, sign * shares[token], -sign * (cash + taker.fee), taker.fee)


def _redeemed(call: Redeem, moved: Moved, numerators: tuple[int, int]) -> Iterator[Redemption]:
    """Each outcome by itself; Protocol V2 keeps a result in millionths, the first rounded down."""
    whole = sum(numerators)
    if call.version == "v2":
        first = numerators[0] * WHOLE // whole
        numerators, whole = (first, WHOLE - first), WHOLE
    for token, numerator in zip(_tokens(call.condition, call.version), numerators, strict=True):
        shares = -moved.tokens[token]
        if shares:
            yield Redemption(token, shares, shares * numerator // whole)


def _converted(call: Convert) -> Iterator[Exchange]:
    """NO of the questions in the set, for YES of the others and collateral, both less the fee."""
    if not call.amount:
        return
    chosen = {index for index in range(len(call.event.conditions)) if call.index_set >> index & 1}
    after_fee = call.amount - call.amount * call.event.fee_bips // 10_000
    conditions = list(enumerate(call.event.conditions))
    given = [(str(each.ctf_tokens[1]), call.amount) for index, each in conditions if index in chosen]
    taken = [(str(each.ctf_tokens[0]), after_fee) for index, each in conditions if index not in chosen]
    yield Exchange(tuple(sorted(given)), tuple(sorted(taken)), (len(chosen) - 1) * after_fee)


def share_changes(deed: Deed) -> dict[str, int]:
    """Signed micro-shares by token."""
    if isinstance(deed, Fill):
        return {deed.token: deed.shares if deed.side is Side.BUY else -deed.shares}
    if isinstance(deed, FullSet):
        return dict.fromkeys(deed.tokens, deed.amount)
    if isinstance(deed, Redemption):
        return {deed.token: -deed.shares}
    if isinstance(deed, Exchange):
        return {**{token: -shares for token, shares in deed.given}, **dict(deed.taken)}
    return {deed.token: deed.shares} if isinstance(deed, Gift) else {}


def cash_change(deed: Deed) -> int:
    """Signed collateral, fees included."""
    if isinstance(deed, Fill):
        return (-deed.cash if deed.side is Side.BUY else deed.cash) - deed.fee
    if isinstance(deed, FullSet):
        return -deed.amount
    if isinstance(deed, Redemption):
        return deed.payout
    if isinstance(deed, Exchange):
        return deed.cash
    return deed.amount if isinstance(deed, Money) else 0


def _tokens(condition: Condition, version: str) -> tuple[str, str]:
    first, second = condition.position_ids if version == "v2" else condition.ctf_tokens
    return str(first), str(second)


def _signed(wallet: str, sender: object, to: object) -> int:
    return (to == wallet) - (sender == wallet)


def _pairs(log: Log) -> Iterator[tuple[int, int]]:
    tokens, amounts = log.arguments
    if isinstance(tokens, tuple) and isinstance(amounts, tuple):
        yield from zip(tokens, amounts, strict=True)
    else:
        yield _number(tokens), _number(amounts)


def _number(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101 (the simulator's own log)
    return value
