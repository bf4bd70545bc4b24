"""What the commands of the simulator show: rows of markets, faults that struck, ladders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from tieout.cli.grid import Column, Grid
from tieout.cli.output import when

MICRO = 1_000_000
BAR = 24
"""Cells of the longest bar of a ladder."""


def price_text(price: int | None, tick: int) -> str:
    """A price with as many decimals as its grid has; a dash when there is none."""
    if price is None:
        return "–"
    places = max(len(f"{tick:06d}".rstrip("0")), 2)
    return f"{price // MICRO}.{price % MICRO:06d}"[: 2 + places]


def size_text(size: int) -> str:
    """Micro-shares in shares, to the cent below."""
    return f"{size // MICRO:,}.{size % MICRO // 10_000:02d}"


def market_state(market: Mapping[str, Any]) -> Text:
    """What a market is doing, in a word."""
    if market["payouts"]:
        paid = " / ".join(price_text(payout, 10_000) for payout in market["payouts"])
        return Text(f"resolved {paid}", "dim")
    return Text("trading", "green") if market["accepting_orders"] else Text("paused", "yellow")


def market_grid(markets: Sequence[Mapping[str, Any]]) -> Grid:
    """Markets with their best prices of the first outcome."""
    made = Grid(
        Column("#", right=True),
        Column("market", folds=True),
        Column("bid", right=True),
        Column("ask", right=True),
        Column("spread", drop=3, right=True),
        Column("state", drop=1),
        Column("version", drop=4),
        Column("ends (UTC)", drop=2),
    )
    for market in markets:
        bid, ask, tick = market["best_bid"], market["best_ask"], market["tick"]
        spread = price_text(ask - bid, tick) if bid is not None and ask is not None else "–"
        kind = f"{market['version']} neg-risk" if market["neg_risk"] else market["version"]
        made.add(
            str(market["number"]),
            market["question"],
            Text(price_text(bid, tick), "green"),
            Text(price_text(ask, tick), "red"),
            spread,
            market_state(market),
            kind,
            when(market["end_ms"]),
        )
    return made


def fault_words(struck: Mapping[str, int], switched: Sequence[Mapping[str, Any]]) -> Text:
    """The faults that are on, and how often each struck."""
    on = {str(switch["name"]): switch for switch in switched}
    parts: list[Text] = []
    for name in sorted(on.keys() | struck.keys()):
        style = "yellow" if name in on else "dim"
        chance = f" {on[name]['probability']:g}" if name in on and on[name]["probability"] < 1 else ""
        parts.append(Text(f"{name}{chance} ×{struck.get(name, 0):,}", style))
    return Text("  ").join(parts) if parts else Text("none", "dim")


def ladder(book: Mapping[str, Any], outcome: int, depth: int) -> list[Text]:
    """The book of one outcome: asks above in red, bids below in green, each with the total up to its level."""
    market, sides = book["market"], book["books"][outcome]
    tick = market["tick"]
    asks, bids = _levels(sides["asks"], depth), _levels(sides["bids"], depth)
    most = max([total for _, _, total in asks + bids], default=1)
    made = Grid(Column("price", right=True), Column("size", right=True), Column("total", right=True), Column("depth"))
    for style, levels in (("red", asks[::-1]), ("green", bids)):
        for price, size, total in levels:
            bar = "█" * max(total * BAR // most, 1)
            made.add(Text(price_text(price, tick), style), size_text(size), size_text(total), Text(bar, style))
    lines = made.lines(None)
    middle = 1 + len(asks)
    return [_title(market, outcome, book["now_ms"]), *lines[:middle], _spread(asks, bids, tick), *lines[middle:]]


def _levels(side: Sequence[Sequence[int]], depth: int) -> list[tuple[int, int, int]]:
    """(price, size, total up to here), best first."""
    levels, total = [], 0
    for price, size in side[:depth]:
        total += size
        levels.append((price, size, total))
    return levels


def _title(market: Mapping[str, Any], outcome: int, now_ms: int) -> Text:
    return Text.assemble(
        (market["question"], "bold"),
        ("  ", ""),
        (market["outcomes"][outcome], "bold"),
        ("  ", ""),
        market_state(market),
        (f"  tick {price_text(market['tick'], market['tick'])}  {when(now_ms)} UTC", "dim"),
    )


def _spread(asks: Sequence[tuple[int, int, int]], bids: Sequence[tuple[int, int, int]], tick: int) -> Text:
    if not asks or not bids:
        words = {(True, True): "no orders", (True, False): "no asks", (False, True): "no bids"}
        return Text(words[not asks, not bids], "yellow")
    return Text(f"spread {price_text(asks[0][0] - bids[0][0], tick)}", "dim")
