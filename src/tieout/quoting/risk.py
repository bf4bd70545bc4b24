"""Caps that hold whatever a strategy says. All amounts in micro-collateral.

*Open exposure* is what is held, at the fair price, and what open buys could add if all of them filled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO, decimal_text
from tieout.quoting import grid
from tieout.quoting.params import ParamsError
from tieout.quoting.views import Holding, Quote, Resting


class Limits(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What may be at risk."""

    market_exposure_max: int = 250 * MICRO
    total_exposure_max: int = 2_500 * MICRO
    daily_loss_max: int = 100 * MICRO

    def checked(self) -> Limits:
        """These limits. Raises ParamsError that names everything wrong with them."""
        problems = [
            f"{name}: expected zero or more, was {decimal_text(getattr(self, name))}; set it to zero or more"
            for name in ("market_exposure_max", "total_exposure_max", "daily_loss_max")
            if getattr(self, name) < 0
        ]
        if problems:
            raise ParamsError(problems)
        return self


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The wallet beyond the market that is being quoted."""

    exposure_elsewhere: int = 0
    """Open exposure of all other markets."""
    free_collateral: int
    """The balance less what open buys of other markets need."""
    pnl: int = 0
    pnl_at_day_start: int = 0
    degraded: str = ""
    """Why truth is out of reach, so that only cancels are allowed; empty when it is not."""


class Exposure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is at risk before any of the quotes rests."""

    held: int
    """This market's holding, by `holding_value`."""
    account: Account


def holding_value(holding: Holding, fair: int | None) -> int:
    """The holding at the *fair* YES price, rounded up; without one, the most it could ever pay."""
    yes, no = holding.shares
    if fair is None:
        return max(yes, no)
    return -(-(yes * fair + no * (MICRO - fair)) // MICRO)


def open_exposure(holding: Holding, fair: int | None, orders: Iterable[Quote | Resting]) -> int:
    """Value of the holding and the collateral of the open buys among *orders*."""
    buys = (order for order in orders if order.side is Side.BUY)
    return holding_value(holding, fair) + sum(
        buy_cost(order.size if isinstance(order, Quote) else order.remaining, order.price) for order in buys
    )


def buy_cost(size: int, price: int) -> int:
    """The most that a buy can take, rounded up."""
    return -(-size * price // MICRO)


def allowed(
    quotes: Sequence[Quote], exposure: Exposure, limits: Limits, *, min_size: int = 0, price_slack: int = 0
) -> tuple[tuple[Quote, ...], list[str]]:
    """The quotes that the limits allow, buys reduced where needed, and the reasons for what is missing.

    Earlier quotes come first. A sell lowers the exposure and passes, except when everything stops. `price_slack` is by
    how much a kept order's price may be worse than its quote's; every buy is counted as if it were.
    """
    stop = _stop(exposure.account, limits)
    if stop:
        return (), [stop]
    rooms = {
        f"market_exposure_max {decimal_text(limits.market_exposure_max, 2)} is reached": limits.market_exposure_max
        - exposure.held,
        f"total_exposure_max {decimal_text(limits.total_exposure_max, 2)} is reached": limits.total_exposure_max
        - exposure.held
        - exposure.account.exposure_elsewhere,
        "there is no more free collateral": exposure.account.free_collateral,
    }
    passed: list[Quote] = []
    reasons: list[str] = []
    spent = 0
    for quote in quotes:
        if quote.side is Side.SELL:
            passed.append(quote)
            continue
        worst = min(quote.price + price_slack, MICRO)
        reason, room = min(rooms.items(), key=lambda item: item[1])
        size = min(quote.size, grid.whole_size((room - spent) * MICRO // worst))
        if size < quote.size and reason not in reasons:
            reasons.append(reason)
        if size > 0 and size >= min_size:
            spent += buy_cost(size, worst)
            passed.append(msgspec.structs.replace(quote, size=size) if size < quote.size else quote)
    return tuple(passed), reasons


def _stop(account: Account, limits: Limits) -> str:
    """Why nothing may be quoted at all; empty when it may."""
    if account.degraded:
        return f"cancels only: {account.degraded}"
    loss = account.pnl_at_day_start - account.pnl
    if loss > 0 and loss >= limits.daily_loss_max:
        most, now = decimal_text(limits.daily_loss_max, 2), decimal_text(loss, 2)
        return f"daily_loss_max {most} is reached: the day stands at -{now}"
    return ""
