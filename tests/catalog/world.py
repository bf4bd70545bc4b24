"""A wallet under test: payloads in the venue's own shapes go in through the intake, rows of the database come out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Self

from tieout.app.history import Verification, verify
from tieout.intake.booking import Heard
from tieout.intake.intake import Incoming, Intake, Report
from tieout.ledger.facts import AnyFact
from tieout.ledger.invariants import Finding
from tieout.ledger.rows import MovementRow, OrderRow, PositionRow
from tieout.store import log
from tieout.store.connect import connect
from tieout.store.wallets import acquire
from tieout.venue.decode import Identity

WALLET = "0x" + "a1" * 20
OWNER = "00000000-0000-0000-0000-00000000000a"
OTHER_WALLET = "0x" + "b2" * 20
OTHER_OWNER = "00000000-0000-0000-0000-00000000000b"
CONDITION = "0x" + "c3" * 32
YES, NO = "1001", "1002"
START = 1_780_000_000
"""Unix seconds."""


def hash_of(number: int) -> str:
    return f"0x{number:064x}"


@dataclass
class World:
    """One wallet in one fresh database. Synchronous on purpose: a scenario reads from top to bottom."""

    dsn: str
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    intake: Any = None
    connection: Any = None
    wallet_id: int = 0

    def __enter__(self) -> Self:
        self.runner.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self._close())
        self.runner.close()

    async def _open(self) -> None:
        self.connection, reader = await connect(self.dsn), await connect(self.dsn)
        self.reader = reader
        lease = await acquire(self.connection, WALLET)
        self.wallet_id = lease.wallet_id
        self.intake = Intake(self.connection, reader, lease, Identity(WALLET, frozenset({OWNER})), lambda: START * 1000)

    async def _close(self) -> None:
        await self.connection.close()
        await self.reader.close()

    def restart(self) -> None:
        """The process is gone; another one begins with nothing but the database."""
        self.runner.run(self._close())
        self.runner.run(self._open())

    def take(self, *payloads: object) -> Report:
        """Everything in one batch."""
        incoming = [Incoming(json.dumps(p).encode(), "test", f"payload {i}") for i, p in enumerate(payloads)]
        return self.runner.run(self.intake.take(incoming))

    def take_each(self, *payloads: object) -> None:
        for payload in payloads:
            self.take(payload)

    def book(self, *facts: AnyFact) -> int:
        """Facts that no recorded payload carries: an operator's entries, our own rejections."""
        return self.runner.run(self.intake.booker.book([Heard(fact, 0, "test", START * 1000) for fact in facts]))

    def rows(self) -> tuple[list[PositionRow], list[OrderRow], list[MovementRow]]:
        return self.runner.run(log.stored_rows(self.connection, self.wallet_id))

    def position(self, token_id: str) -> PositionRow:
        found = [row for row in self.rows()[0] if row.token_id == token_id]
        return found[0] if found else PositionRow(token_id, "", -1, *[0] * 10)

    def order(self, order_id: str) -> OrderRow:
        return next(row for row in self.rows()[1] if row.order_id == order_id)

    def movements(self) -> list[MovementRow]:
        return sorted(self.rows()[2], key=lambda r: (r.occurred_at_ms, r.chain_position, r.key))

    def verify(self) -> Verification:
        return self.runner.run(verify(self.connection, self.wallet_id))

    def audit(self) -> dict[str, Finding]:
        from tieout.app.auditing import audit_wallet

        found = self.runner.run(audit_wallet(self.connection, self.wallet_id, lambda _: None))
        return {finding.id: finding for finding in found.findings}


# --- payloads, in the venue's shapes (polymarket.md 1.3, 3.1, 4) -----------------------------------------------------


def order_message(
    order: int, *, kind: str = "PLACEMENT", matched: str = "0", status: str = "LIVE", **over: object
) -> dict[str, object]:
    return {
        "event_type": "order",
        "type": kind,
        "id": hash_of(order),
        "owner": OWNER,
        "order_owner": OWNER,
        "market": CONDITION,
        "asset_id": YES,
        "side": "BUY",
        "original_size": "10",
        "size_matched": matched,
        "price": "0.5",
        "associate_trades": None,
        "outcome": "Yes",
        "created_at": str(START),
        "expiration": "0",
        "order_type": "GTC",
        "status": status,
        "maker_address": WALLET,
        "timestamp": str(START * 1000 + int(float(matched or 0) * 1000)),
        **over,
    }


def trade_message(
    trade: str,
    order: int,
    size: str,
    price: str = "0.5",
    *,
    status: str = "MATCHED",
    side: str = "BUY",
    token: str = YES,
    at: int = 0,
    tx: int | None = None,
    **over: object,
) -> dict[str, object]:
    """A trade in which the wallet is the maker."""
    return {
        "event_type": "trade",
        "type": "TRADE",
        "id": trade,
        "taker_order_id": hash_of(0xFFFF),
        "market": CONDITION,
        "asset_id": token,
        "side": "SELL" if side == "BUY" else "BUY",
        "size": size,
        "price": price,
        "fee_rate_bps": "0",
        "status": status,
        "match_time": str(START + at),
        "last_update": str(START + at),
        "outcome": "Yes",
        "owner": OTHER_OWNER,
        "trade_owner": OTHER_OWNER,
        "maker_address": OTHER_WALLET,
        "transaction_hash": hash_of(tx) if tx is not None else None,
        "bucket_index": 0,
        "trader_side": "MAKER",
        "timestamp": str((START + at) * 1000),
        "maker_orders": [maker_leg(order, size, price, side=side, token=token)],
        **over,
    }


def maker_leg(order: int, size: str, price: str = "0.5", *, side: str = "BUY", token: str = YES) -> dict[str, object]:
    return {
        "order_id": hash_of(order),
        "owner": OWNER,
        "maker_address": WALLET,
        "matched_amount": size,
        "price": price,
        "fee_rate_bps": "0",
        "asset_id": token,
        "outcome": "Yes",
        "outcome_index": 0,
        "side": side,
    }


def activity_row(kind: str, *, size: str, usdc: str, tx: int, at: int = 0, **over: object) -> dict[str, object]:
    token = over.pop("token", YES if kind == "TRADE" else "")
    return {
        "proxyWallet": WALLET,
        "timestamp": START + at,
        "conditionId": CONDITION,
        "type": kind,
        "size": float(size),
        "usdcSize": float(usdc),
        "transactionHash": hash_of(tx),
        "price": 0,
        "asset": token,
        "side": "",
        "outcomeIndex": {YES: 0, NO: 1}.get(str(token), 999),
        **over,
    }


CTF = "0x4d97dcd97ec945f40cf65f87097ace5ea0476045"
EXCHANGE = "0xe111180000d2663c0091e4f400237545b87b996b"
TOPIC_ORDER_FILLED = "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee"
TOPIC_TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"


def word(value: int | str) -> str:
    return f"{value if isinstance(value, int) else int(value, 16):064x}"


def chain_log(
    address: str, topics: list[str], data: list[int], *, tx: int, log_index: int, block: int, removed: bool = False
) -> dict[str, object]:
    return {
        "address": address,
        "topics": topics,
        "data": "0x" + "".join(word(value) for value in data),
        "blockNumber": hex(block),
        "transactionHash": hash_of(tx),
        "transactionIndex": "0x1",
        "blockHash": hash_of(block),
        "blockTimestamp": hex(START + (block - 1000) * 2),
        "logIndex": hex(log_index),
        "removed": removed,
    }


def order_filled_log(
    order: int, *, shares: int, collateral: int, fee: int = 0, side: str = "BUY", token: str = YES, **place: Any
) -> dict[str, object]:
    making, taking = (collateral, shares) if side == "BUY" else (shares, collateral)
    return chain_log(
        EXCHANGE,
        [TOPIC_ORDER_FILLED, hash_of(order), "0x" + word(WALLET), "0x" + word(OTHER_WALLET)],
        [0 if side == "BUY" else 1, int(token), making, taking, fee, 0, 0],
        **place,
    )


def transfer_log(token: str, shares: int, *, incoming: bool, **place: Any) -> dict[str, object]:
    ends = [OTHER_WALLET, WALLET] if incoming else [WALLET, OTHER_WALLET]
    return chain_log(
        CTF,
        [TOPIC_TRANSFER_SINGLE, "0x" + word(OTHER_WALLET), *("0x" + word(end) for end in ends)],
        [int(token), shares],
        **place,
    )
