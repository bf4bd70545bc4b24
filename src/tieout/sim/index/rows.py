"""One row of a wallet's activity, in whole micro-units: what both versions of the Data API are written from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tieout.sim.model import Side


class Kind(StrEnum):
    """`type` of an activity row (`polymarket.md` 4)."""

    TRADE = "TRADE"
    SPLIT = "SPLIT"
    MERGE = "MERGE"
    REDEEM = "REDEEM"
    CONVERSION = "CONVERSION"
    MIGRATION = "MIGRATION"
    REWARD = "REWARD"
    MAKER_REBATE = "MAKER_REBATE"
    TAKER_REBATE = "TAKER_REBATE"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"


@dataclass(slots=True, eq=False)
class Row:
    """A wallet's part of one transaction; *place* is (block, transaction, number) and orders all rows.

    TRADE: `size` shares, `cash` before the fee; `usdc` is what the wallet paid (cash + fee) or got (cash - fee).
    `token` is 0 and `outcome` None where a row names none. `realized` is the profit the index saw in it.
    """

    place: tuple[int, int, int]
    at_s: int
    wallet: str
    kind: Kind
    tx_hash: str
    size: int
    usdc: int
    condition_id: str = ""
    token: int = 0
    outcome: int | None = None
    side: Side | None = None
    cash: int = 0
    fee: int = 0
    taker: bool = False
    realized: int = 0
