"""What changes the form of shares: splits, merges, conversions, migrations, resolutions, redemptions."""

from __future__ import annotations

from lives.acts import Act, Cause, Do, Expect
from lives.ground import Book, Ground, W
from tieout.sim.chain import ctf, modules, neg_risk
from tieout.sim.chain.calls import Convert, Merge, Migrate, Redeem, ReportPayouts, Split
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import AUTO_REDEEMER, CTF, NEG_RISK_ADAPTER, OPERATOR, P_USD, USDC_E
from tieout.sim.chain.state import ALLOWANCE, APPROVAL, MAX_UINT, State


def split(ground: Ground) -> Act | None:
    book = ground.open_book()
    if book is None:
        return None
    amount = ground.amount(min(40_000_000, ground.state.cash(P_USD, W) or 1))
    return Act("split", Split(W, book.condition, amount, book.version), _set("split", amount))


def merge(ground: Ground) -> Act | None:
    """All pairs or a part of them."""
    books = [book for book in ground.books if min(book.held(ground.state)) and not any(book.payouts(ground.state))]
    if not books:
        return None
    book = ground.draw.choice(books)
    amount = ground.part(min(book.held(ground.state)))
    return Act("merge", Merge(W, book.condition, amount, book.version), _set("merge", amount))


def split_of_nothing(ground: Ground) -> Act:
    book = ground.draw.choice(ground.books)
    call = ground.draw.choice((Split, Merge))
    return Act("nothing", call(W, book.condition, 0, book.version))


def direct(ground: Ground) -> Act | None:
    """A split or merge with the CTF or the NegRiskAdapter itself, for USDC.e."""
    book = ground.open_book()
    if book is None or book.version != "v1":
        return None
    condition, pairs = book.condition, min(book.held(ground.state))
    amount = ground.part(pairs)
    if not amount or ground.draw.random() < 0.6:
        amount = ground.part(min(ground.state.cash(USDC_E, W), 20_000_000))
        if not amount:
            return None
        run = neg_risk.split if condition.neg_risk else ctf.split_position
        return Act("direct split", Do(_direct(run, book, amount)), _set("split", amount))
    run = neg_risk.merge if condition.neg_risk else ctf.merge_positions
    return Act("direct merge", Do(_direct(run, book, amount)), _set("merge", amount))


def _direct(run, book: Book, amount: int):
    def execute(state: State, emit: Emit) -> None:
        allow_direct(state)
        run(state, emit, W, book.condition, amount)

    return execute


def allow_direct(state: State) -> None:
    """What a wallet allowed the old contracts long ago."""
    for spender in (CTF, NEG_RISK_ADAPTER):
        state.put((ALLOWANCE, USDC_E, W, spender), MAX_UINT)
    state.put((APPROVAL, CTF, W, NEG_RISK_ADAPTER), 1)


def _set(what: str, amount: int) -> Expect:
    def expect(_: State) -> list[Cause]:
        return [Cause(what, "", amount, -amount if what == "split" else amount)]

    return expect


def convert(ground: Ground) -> Act | None:
    """NO of one question or several into YES of the others."""
    found = []
    for event in ground.events:
        held = [ground.state.tokens(CTF, W, condition.ctf_tokens[1]) for condition in event.conditions]
        if any(held):
            found.append((event, held))
    if not found:
        return None
    event, held = ground.draw.choice(found)
    places = [place for place, amount in enumerate(held) if amount]
    chosen = ground.draw.sample(places, ground.draw.randint(1, len(places)))
    amount = ground.part(min(held[place] for place in chosen))
    fee = amount * event.fee_bips // 10_000

    def expect(_: State) -> list[Cause]:
        return [Cause("conversion", "", 0, (len(chosen) - 1) * (amount - fee))] if amount else []

    return Act("convert", Convert(W, event, sum(1 << place for place in chosen), amount), expect)


def migrate(ground: Ground) -> Act | None:
    """By the wallet or by an operator: the chain tells no difference, but for the sender."""
    books = [book for book in ground.books if book.version == "v1" and any(book.held(ground.state))]
    if not books:
        return None
    book = ground.draw.choice(books)
    operator = ground.draw.choice((None, OPERATOR))

    def expect(state: State) -> list[Cause]:
        return [Cause("migration", "", amount) for amount in book.held(state) if amount]

    return Act("migrate", Migrate(W, book.condition, operator), expect)


def resolve(ground: Ground) -> Act | None:
    """One condition: YES, NO, or a part to each (never in an event, where one question comes true)."""
    book = ground.open_book()
    if book is None or ground.draw.random() < 0.4:
        return None
    if book.event is not None:
        rest = [each for each in book.event.conditions if not any(ctf.payouts(ground.state, each))]
        done = any(ctf.payouts(ground.state, each)[0] for each in book.event.conditions)
        wins = not done and (len(rest) == 1 or ground.draw.random() < 0.3)
        return Act("resolve", ReportPayouts(book.condition, (1, 0) if wins else (0, 1)))
    numerators = ground.draw.choice(((1, 0), (0, 1), (1, 2), (1, 1), (333_333, 666_667), (2, 5)))
    return Act("resolve", ReportPayouts(book.condition, numerators))


def redeem(ground: Ground) -> Act | None:
    """By the wallet, with what it holds or without anything, or by the AutoRedeemer."""
    books = [book for book in ground.books if any(book.payouts(ground.state))]
    holding = [book for book in books if any(book.held(ground.state))]
    if not books:
        return None
    book = ground.draw.choice(holding or books)
    by = ground.draw.choice((None, None, AUTO_REDEEMER))
    return redemption(book, by)


def redemption(book: Book, by: str | None = None) -> Act:
    name = "redeem" if by is None else "auto-redeem"
    return Act(f"{name} {book.version}", Redeem(W, book.condition, by, book.version), redeemed(book))


def redeem_directly(ground: Ground) -> Act | None:
    """With the CTF or the NegRiskAdapter itself, for USDC.e."""
    books = [
        b for b in ground.books if b.version == "v1" and any(b.payouts(ground.state)) and any(b.held(ground.state))
    ]
    if not books:
        return None
    book = ground.draw.choice(books)

    def execute(state: State, emit: Emit) -> None:
        allow_direct(state)
        if book.condition.neg_risk:
            neg_risk.redeem(state, emit, W, book.condition, book.held(state))
        else:
            ctf.redeem_positions(state, emit, W, book.condition)

    return Act("redeem directly", Do(execute), redeemed(book))


def redeemed(book: Book) -> Expect:
    """The CTF pays for both outcomes at once, a module for each."""

    def expect(state: State) -> list[Cause]:
        held, payouts = book.held(state), book.payouts(state)
        whole = sum(payouts)
        if not any(held) or not whole:
            return []
        if book.version == "v1":
            paid = sum(amount * part // whole for amount, part in zip(held, payouts, strict=True))
            return [Cause("redemption", "", 0, paid)]
        first = payouts[0] * modules.RESULT_DENOMINATOR // whole
        results = (first, modules.RESULT_DENOMINATOR - first)
        return [
            Cause("redemption", str(token), 0, amount * result // modules.RESULT_DENOMINATOR)
            for token, amount, result in zip(book.tokens, held, results, strict=True)
            if amount
        ]

    return expect
