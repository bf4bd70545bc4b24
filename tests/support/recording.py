"""Recordings of a trading history in the venue's wire shapes: what `tieout import` reads, of any size, from a seed.

Each order goes its way over the user channel (placed, matched, canceled), each trade through MATCHED, MINED and
CONFIRMED or FAILED, seen by the socket, again by REST, and by the Data API's activity rows; splits, merges, redemptions
and rewards come as activity rows. Messages are late, shuffled and repeated. Some lines cannot be booked at all.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tieout.venue.addresses import USDC_E
from tieout.venue.tokens import ctf_tokens

WALLET = "0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8"
OWNER = "3e2c94ca-8124-c4c1-c7ea-be1ea21b71fe"
OTHER = "0x" + "5" * 40
START_S = 1_750_000_000

Message = dict[str, Any]


@dataclass(slots=True)
class _Order:
    """One order of ours and what happened to it."""

    number: int
    condition: str
    token: str
    outcome: str
    side: str
    price_cents: int
    size: int  # in hundredths of a share, as the venue's own steps
    placed_s: int

    @property
    def id(self) -> str:
        return f"0x{self.number:064x}"


def _shares(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}"


class _History:
    """Messages of one wallet, each with the place in time at which it is heard."""

    def __init__(self, seed: int, conditions: int) -> None:
        self.rng = random.Random(f"recording/{seed}/{conditions}")
        self.conditions = [f"0x{self.rng.getrandbits(256):064x}" for _ in range(conditions)]
        self.open = self.conditions
        """Those in which something happens now."""
        self.prefix = self.rng.getrandbits(64)
        self.trades = 0
        self.transactions = 0
        self.heard: list[tuple[float, int, Message | str]] = []
        self.facts = 0
        """About how many facts the messages so far say that were not said before."""

    def say(self, at_s: float, message: Message | str, news: int) -> None:
        """Hear *message*, mostly near its time, sometimes late, sometimes twice."""
        late = self.rng.choice((0, 0, 0, 0, 0, 2, 2, 30, 600))
        self.heard.append((at_s + late + self.rng.random(), len(self.heard), message))
        self.facts += news
        if self.rng.random() < 0.06:
            again = self.rng.choice((1, 60, 5_000))
            self.heard.append((at_s + again, len(self.heard), message))

    def transaction(self) -> str:
        self.transactions += 1
        return f"0x{self.prefix:016x}{self.transactions:048x}"

    # the life of an order

    def order(self, number: int, at_s: int) -> None:
        condition = self.rng.choice(self.open)
        outcome = self.rng.randrange(2)
        order = _Order(
            number=(self.prefix << 64) + number,
            condition=condition,
            token=ctf_tokens(condition, USDC_E)[outcome],
            outcome=("Yes", "No")[outcome],
            side=self.rng.choice(("BUY", "BUY", "SELL")),
            price_cents=self.rng.randrange(2, 99),
            size=self.rng.randrange(500, 20_000),
            placed_s=at_s,
        )
        rest_form = self.rng.random() < 0.1
        self.say(at_s, self.order_row(order, "PLACEMENT", 0, [], at_s, rest_form), 1)
        matched, trades, now = 0, [], at_s
        for _ in range(self.rng.choice((0, 1, 1, 2, 3))):
            part = min(self.rng.randrange(100, 8_000), order.size - matched)
            if part < 1:
                break
            now += self.rng.randrange(5, 300)
            matched += part
            trades.append(self.trade(order, part, now))
            if self.rng.random() < 0.8:
                self.say(now, self.order_row(order, "UPDATE", matched, list(trades), now, False), 1)
        if matched < order.size and self.rng.random() < 0.7:
            now += self.rng.randrange(5, 3_000)
            self.say(now, self.order_row(order, "CANCELLATION", matched, list(trades), now, False), 1)

    def order_row(
        self, order: _Order, what: str, matched: int, trades: list[str], now_s: int, rest_form: bool
    ) -> Message:
        row = {
            "id": order.id,
            "owner": OWNER,
            "market": order.condition,
            "asset_id": order.token,
            "side": order.side,
            "original_size": _shares(order.size),
            "size_matched": _shares(matched),
            "price": f"0.{order.price_cents:02}",
            "associate_trades": trades,
            "outcome": order.outcome,
            "created_at": order.placed_s,
            "order_type": "GTC",
            "maker_address": WALLET,
        }
        if rest_form:
            return {**row, "status": "LIVE"}
        status = "CANCELED" if what == "CANCELLATION" else "LIVE"
        return {"event_type": "order", "type": what, **row, "status": status, "timestamp": str(now_s * 1000)}

    # the life of a trade

    def trade(self, order: _Order, part: int, at_s: int) -> str:
        self.trades += 1
        trade_id = f"{self.prefix:016x}-{self.trades:08x}"
        fate = self.rng.random()
        statuses = ["MATCHED", "MINED", "CONFIRMED"]
        if fate < 0.05:
            statuses = ["MATCHED", "RETRYING", "FAILED"]
        elif fate < 0.10:
            statuses = ["MATCHED"]
        hash_ = self.transaction()
        taker = self.rng.random() < 0.4
        for step, status in enumerate(statuses):
            row = self.trade_row(order, part, trade_id, status, at_s, hash_, taker)
            self.say(at_s + 3 * step, self.socket(row, at_s + 3 * step), 1)
            if self.rng.random() < 0.15:
                self.say(at_s + 3 * step + 30, row, 0)
        if statuses[-1] == "CONFIRMED" and self.rng.random() < 0.5:
            self.say(at_s + 200, self.activity_trade(order, part, at_s + 4, hash_), 1)
        return trade_id

    def trade_row(
        self, order: _Order, part: int, trade_id: str, status: str, at_s: int, hash_: str, taker: bool
    ) -> Message:
        price = f"0.{order.price_cents:02}"
        other = "SELL" if order.side == "BUY" else "BUY"
        ours = {"order_id": order.id, "owner": OWNER, "maker_address": WALLET}
        theirs = {"order_id": f"0x{'e' * 40}{self.trades:024x}", "owner": "somebody-else", "maker_address": OTHER}
        maker = {
            **(theirs if taker else ours),
            "matched_amount": _shares(part),
            "price": price,
            "fee_rate_bps": "0",
            "asset_id": order.token,
            "outcome": order.outcome,
            "side": other if taker else order.side,
        }
        top = ours if taker else theirs
        return {
            "id": trade_id,
            "taker_order_id": top["order_id"],
            "market": order.condition,
            "asset_id": order.token,
            "side": order.side if taker else other,
            "size": _shares(part),
            "price": price,
            "fee_rate_bps": "0",
            "status": status,
            "match_time": str(at_s),
            "outcome": order.outcome,
            "owner": top["owner"],
            "maker_address": top["maker_address"],
            "transaction_hash": hash_,
            "bucket_index": 0,
            "trader_side": "TAKER" if taker else "MAKER",
            "maker_orders": [maker],
        }

    @staticmethod
    def socket(row: Message, now_s: int) -> Message:
        return {"event_type": "trade", "type": "TRADE", **row, "timestamp": str(now_s * 1000)}

    # rows of the index

    def activity(self, condition: str, kind: str, at_s: int, size: int, usdc: int, hash_: str, **more: Any) -> Message:
        return {
            "proxyWallet": WALLET,
            "timestamp": at_s,
            "conditionId": condition,
            "type": kind,
            "size": size / 100,
            "usdcSize": usdc / 10_000,
            "transactionHash": hash_,
            "price": 0,
            "asset": "",
            "side": "",
            "outcomeIndex": 999,
            **more,
        }

    def activity_trade(self, order: _Order, part: int, at_s: int, hash_: str) -> Message:
        more = {"price": order.price_cents / 100, "asset": order.token, "side": order.side}
        place = ("Yes", "No").index(order.outcome)
        usdc = part * order.price_cents
        return self.activity(order.condition, "TRADE", at_s, part, usdc, hash_, **more, outcomeIndex=place)

    def event(self, at_s: int) -> None:
        """A split, merge, redemption or reward."""
        condition = self.rng.choice(self.open)
        kind = self.rng.choice(("SPLIT", "SPLIT", "MERGE", "REDEEM", "REWARD"))
        size = self.rng.randrange(100, 5_000)
        more: Message = {}
        if kind == "REDEEM":
            place = self.rng.randrange(2)
            more = {"asset": ctf_tokens(condition, USDC_E)[place], "outcomeIndex": place}
        elif kind == "REWARD":
            condition = ""
        self.say(at_s, self.activity(condition, kind, at_s, size, size * 100, self.transaction(), **more), 1)

    def nuisance(self, at_s: int) -> None:
        """Something that is kept with its reason and books nothing, or that shows an unknown field."""
        n = self.rng.getrandbits(40)
        self.say(
            at_s,
            self.rng.choice(
                (
                    f'{{"event_type": "order", "id": "0x{n:x}", "price": ',
                    {"event_type": "weather", "degrees": n},
                    {"event_type": "trade", "type": "TRADE", "id": f"{n}", "taker_order_id": "x", "status": "MINED"},
                    {**self.activity("", "REWARD", at_s, 1, 100, f"0x{n:064x}"), "proxyWallet": OTHER},
                )
            ),
            0,
        )


def lines(seed: int, facts: int, conditions: int, at_once: int | None = None) -> list[str]:
    """The lines of a recording that says about *facts* different facts over 2 x *conditions* tokens, as heard.

    Markets come and go: *at_once* of them are open at a time, all by default.
    """
    history = _History(seed, conditions)
    at_once = at_once or conditions
    number, at_s = 0, START_S
    while history.facts < facts:
        begun = (conditions - at_once) * history.facts // facts
        history.open = history.conditions[begun : begun + at_once]
        number += 1
        at_s += history.rng.randrange(1, 40)
        history.order(number, at_s)
        if history.rng.random() < 0.25:
            history.event(at_s)
        if history.rng.random() < 0.03:
            history.nuisance(at_s)
    return [m if isinstance(m, str) else json.dumps(m) for _, _, m in sorted(history.heard, key=lambda h: h[:2])]


def write(folder: Path, found: list[str], parts: int) -> list[Path]:
    """*found* as *parts* files of JSON lines in *folder*, in the order of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, piece in enumerate(_pieces(found, parts)):
        path = folder / f"part-{number:03}.jsonl"
        path.write_text("\n".join(piece) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _pieces(found: list[str], parts: int) -> Iterator[list[str]]:
    for number in range(parts):
        yield found[len(found) * number // parts : len(found) * (number + 1) // parts]
