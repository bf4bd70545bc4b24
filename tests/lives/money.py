"""What comes and goes: tokens and coins, from and to others, between the wallet's own coins, and the venue's pay."""

from __future__ import annotations

from lives.acts import Act, Cause, Do, Expect, moved, paid
from lives.ground import ONE, OUTSIDE, Book, Ground, W
from tieout.sim.chain import collateral
from tieout.sim.chain.calls import (
    Deposit,
    MintCash,
    PayReward,
    Split,
    TransferCash,
    TransferTokens,
    Unwrap,
    Withdraw,
    Wrap,
)
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import P_USD, USDC_E
from tieout.sim.chain.state import State


def _told(*causes: Cause) -> Expect:
    def expect(_: State) -> tuple[Cause, ...]:
        return causes

    return expect


def tokens_out(ground: Ground) -> Act | None:
    """One token, both, or one twice in a batch."""
    books = [book for book in ground.books if any(book.held(ground.state))]
    if not books:
        return None
    book = ground.draw.choice(books)
    held = book.held(ground.state)
    places = [place for place in (0, 1) if held[place]]
    ids, amounts = [], []
    for place in ground.draw.choice((places[:1], places, places * 2)):
        ids.append(book.tokens[place])
        amounts.append(ground.part(held[place] // 2) if ground.draw.random() < 0.9 else 0)
    to = ground.draw.choice((ground.other(), OUTSIDE))
    causes = [moved(token, -amount) for token, amount in zip(ids, amounts, strict=True)]
    return Act("tokens out", TransferTokens(book.ledger, W, to, tuple(ids), tuple(amounts)), _told(*causes))


def tokens_in(ground: Ground) -> Act:
    """From somebody who has plenty; the wallet may never have heard of the market."""
    book = ground.draw.choice(ground.books)
    ids = ground.draw.choice((book.tokens, book.tokens[:1], book.tokens[1:]))
    amounts = tuple(ground.amount() if ground.draw.random() < 0.9 else 0 for _ in ids)
    causes = [moved(token, amount) for token, amount in zip(ids, amounts, strict=True)]
    return Act("tokens in", TransferTokens(book.ledger, ground.other(), W, ids, amounts), _told(*causes))


def tokens_to_itself(ground: Ground) -> Act:
    book = ground.draw.choice(ground.books)
    amounts = tuple(ground.part(held) for held in book.held(ground.state))
    return Act("nothing", TransferTokens(book.ledger, W, W, book.tokens, amounts))


def cash_in(ground: Ground) -> Act:
    """A deposit, a gift in either coin, somebody else's coins turned for the wallet."""
    amount, other = ground.amount(200 * ONE), ground.other()
    return ground.draw.choice(
        (
            Act("deposit", Deposit(W, amount), _told(paid(amount))),
            Act("minted", MintCash(W, amount), _told(paid(amount))),
            Act("cash in", TransferCash(other, W, amount), _told(paid(amount))),
            Act("USDC.e in", Do(_arrives(amount)), _told(paid(amount))),
            Act("unwrapped by another", Withdraw(other, W, amount), _told(paid(amount))),
            Act("wrapped by another", Do(_wrapped_by(other, amount)), _told(paid(amount))),
        )
    )


def cash_out(ground: Ground) -> Act | None:
    coin = ground.draw.choice((P_USD, P_USD, USDC_E))
    amount = ground.part(ground.state.cash(coin, W) // 4)
    if not amount:
        return None
    to = ground.draw.choice((ground.other(), OUTSIDE))
    expect = _told(paid(-amount))
    if coin == P_USD and ground.draw.random() < 0.5:
        return Act("withdraw", Withdraw(W, to, amount), expect)
    if coin == USDC_E and ground.draw.random() < 0.5:
        return Act("wrapped for another", Do(_wrapped_for(to, amount)), expect)
    return Act("cash out", TransferCash(W, to, amount, coin), expect)


def turn(ground: Ground) -> Act | None:
    """The wallet's own coins from one into the other."""
    if ground.draw.random() < 0.5:
        amount = ground.part(ground.state.cash(USDC_E, W))
        return Act("wrap", Wrap(W, amount), _told(Cause("wrap", "", amount))) if amount else None
    amount = ground.part(ground.state.cash(P_USD, W) // 3)
    return Act("unwrap", Unwrap(W, amount), _told(Cause("unwrap", "", amount))) if amount else None


def cash_of_nothing(ground: Ground) -> Act:
    """No coins, or coins to itself."""
    to, amount = ground.draw.choice(((ground.other(), 0), (W, ground.part(ground.state.cash(P_USD, W)))))
    return Act("nothing", TransferCash(W, to, amount))


def pay(ground: Ground) -> Act:
    """What the venue pays: a reward has an event, a rebate is a transfer like any other."""
    kind, amount = ground.draw.choice(("reward", "rebate")), ground.amount(5 * ONE)
    cause = Cause("reward", "", 0, amount) if kind == "reward" else paid(amount)
    return Act(kind, PayReward(W, amount, kind), _told(cause))


def of_others(ground: Ground) -> Act:
    """What does not concern the wallet at all."""
    book: Book = ground.draw.choice(ground.books)
    amount = ground.amount()
    return ground.draw.choice(
        (
            Act("others", Split(ground.other(), book.condition, amount, book.version)),
            Act("others", Deposit(ground.other(), amount)),
            Act("others", TransferCash(ground.other(), OUTSIDE, amount)),
        )
    )


def _arrives(amount: int):
    def run(state: State, emit: Emit) -> None:
        collateral.bring_in(state, emit, W, amount)

    return run


def _wrapped_by(other: str, amount: int):
    def run(state: State, emit: Emit) -> None:
        collateral.bring_in(state, emit, other, amount)
        collateral.onramp(state, emit, other, W, amount)

    return run


def _wrapped_for(to: str, amount: int):
    def run(state: State, emit: Emit) -> None:
        collateral.onramp(state, emit, W, to, amount)

    return run
