"""Matches of which the wallet is a part: as taker, as maker, with one order several times, with itself."""

from __future__ import annotations

from dataclasses import replace

from lives.acts import Act, Cause, Expect
from lives.ground import Book, Ground, W
from tieout.sim.chain.calls import Fill, MatchOrders
from tieout.sim.chain.state import Revert, State
from tieout.sim.model import Side


def match(ground: Ground) -> Act | None:
    """One to four makers at prices that fit, with and without fees; the wallet is at least one of the parties."""
    draw, book = ground.draw, ground.open_book()
    if book is None:
        return None
    side, outcome = draw.choice((Side.BUY, Side.SELL)), draw.randrange(2)
    price, count = draw.randrange(10_000, 990_000), draw.randint(1, 4)
    ours = draw.randrange(-1, count)
    kinds = draw.choice(((False,), (True,), (False, True)))
    own_hash, left = _order_hash(ground), _purse(ground, book)
    makers: list[Fill] = []
    shares = cash = 0
    for place in range(count):
        same = draw.choice(kinds)
        maker_side = side if same else Side(1 - side)
        maker_outcome = 1 - outcome if same else outcome
        is_ours = place == ours or draw.random() < 0.15
        size = _size(ground, left, maker_side, maker_outcome) if is_ours else ground.amount()
        if not size:
            is_ours, size = False, ground.amount()
        taker_cash = size * price // 1_000_000
        maker_cash = size - taker_cash if same else taker_cash
        fee = draw.randrange(maker_cash // 20 + 1) if draw.random() < 0.2 else 0
        order_hash = own_hash if is_ours and draw.random() < 0.6 else _order_hash(ground)
        makers.append(
            _order(
                W if is_ours else ground.other(),
                maker_side,
                book.tokens[maker_outcome],
                size,
                maker_cash,
                fee,
                order_hash,
            )
        )
        shares, cash = shares + size, cash + taker_cash
    is_taker = ours < 0 or draw.random() < 0.05
    fee = draw.randrange(cash // 20 + 1) if draw.random() < 0.7 else 0
    if is_taker and side is Side.SELL and left[outcome] < shares:
        is_taker = False
    wallet, order_hash = W if is_taker else ground.other(), _order_hash(ground)
    used = _order(wallet, side, book.tokens[outcome], shares, cash, fee, order_hash)
    call = MatchOrders(book.exchange(draw), book.condition, _offered(ground, used, left[outcome]), tuple(makers))
    return Act("match", call, _fills(book, [*makers, used]))


def _offered(ground: Ground, used: Fill, held: int) -> Fill:
    """The taker's order, which sometimes offers more than the makers use: the exchange gives the rest back."""
    if ground.draw.random() >= 0.3:
        return used
    most = max(0, held - used.making) if used.wallet == W and used.side is Side.SELL else 1_000_000
    return replace(used, making=used.making + ground.draw.randrange(most + 1))


def _fills(book: Book, orders: list[Fill]) -> Expect:
    """What the wallet bought and sold, at the very amounts.

    A wallet that sells to itself what it buys by the same match is left out: the log of the sale comes before that of
    the purchase, so the order of the logs is not that of the shares.
    """
    found = []
    for order in orders:
        if order.wallet == W and order.side is Side.BUY:
            found.append(Cause("buy", str(order.token), order.taking, -order.making - order.fee))
        elif order.wallet == W:
            found.append(Cause("sell", str(order.token), order.making, order.taking - order.fee))

    def expect(state: State) -> list[Cause]:
        for token, held in zip(book.tokens, book.held(state), strict=True):
            if sum(cause.shares for cause in found if cause[:2] == ("sell", str(token))) > held:
                raise Revert("InsufficientBalance")
        return found

    return expect


def _purse(ground: Ground, book: Book) -> list[int]:
    """What the wallet may still sell, by outcome."""
    return list(book.held(ground.state))


def _size(ground: Ground, left: list[int], side: Side, outcome: int) -> int:
    if side is Side.BUY:
        return ground.amount()
    size = ground.part(left[outcome])
    left[outcome] -= size
    return size


def _order(wallet: str, side: Side, token: int, shares: int, cash: int, fee: int, order_hash: str) -> Fill:
    making, taking = (cash, shares) if side is Side.BUY else (shares, cash)
    return Fill(order_hash, wallet, side, token, making, taking, fee)


def _order_hash(ground: Ground) -> str:
    ground.orders += 1
    return f"0x{ground.orders:064x}"
