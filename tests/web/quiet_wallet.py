"""A second wallet beside the demo's: nobody trades for it, so its pages change only when a test books something."""

from __future__ import annotations

import time
from dataclasses import dataclass

from support.database import ADDRESS, booker_of, connected, heard
from tieout.ledger.facts import AnyFact, FillObserved, OrderPlaced, Role, Side
from tieout.store.marks import Mark, append
from tieout.store.runs import Action, Finding, IssueType, Severity, acknowledge, raise_issue
from tieout.store.statuses import MarketName, put_names
from tieout.store.wallets import wallet_id_of

ORDERS = 230
"""More than two pages of orders, and of fills."""

MARKET, TOKEN = "0x" + "c0" * 32, "7" * 76
LONG_NAME = "Will " + "the committee of the whole house of representatives and " * 4 + "Donaudampfschifffahrt" * 6 + "?"
OUTCOMES = ("The Honourable Member for Somewhere Rather Far Away", "Nobody-at-all-" * 4)
SHARES, PAID = 5_000_000, 2_000_001


@dataclass
class Quiet:
    """`fills` is how many there are; each costs PAID and brings SHARES."""

    dsn: str
    fills: int = 0

    @property
    def base(self) -> str:
        """What its pages begin with."""
        return f"/w/{ADDRESS}"

    async def book(self, count: int = 1, *, ago_ms: int = 0) -> None:
        """That many more orders, each filled, the last one now but for *ago_ms*."""
        facts: list[AnyFact] = []
        now_ms = time.time_ns() // 1_000_000 - ago_ms
        for number in range(self.fills + 1, self.fills + count + 1):
            order_id = f"0x{number:064x}"
            at_ms = now_ms - 1_000 * (self.fills + count - number)
            facts += [
                OrderPlaced(
                    order_id=order_id, token_id=TOKEN, condition_id=MARKET, side=Side.BUY, price=400_000, size=SHARES,
                    occurred_at_ms=at_ms,
                ),
                FillObserved(
                    trade_id=f"trade-{number}", order_id=order_id, token_id=TOKEN, condition_id=MARKET, side=Side.BUY,
                    shares=SHARES, collateral=PAID, fee=0, role=Role.MAKER, status="CONFIRMED", occurred_at_ms=at_ms,
                ),
            ]  # fmt: skip
        async with booker_of(self.dsn) as booker:
            await booker.book(heard(facts, at_ms=now_ms))
        self.fills += count

    async def head(self) -> int:
        """The number of the last entry of its log."""
        async with connected(self.dsn) as connection:
            return int(await connection.fetchval("SELECT head_seq FROM wallet WHERE address = $1", ADDRESS))

    async def trouble(self, kind: IssueType = IssueType.ORPHAN_ORDER) -> int:
        """An incident that nothing comes of; its number."""
        finding = Finding(kind, Severity.ERROR, Action.LOGGED, f"`something` is wrong with {MARKET}", MARKET)
        async with connected(self.dsn) as connection:
            wallet_id = await wallet_id_of(connection, ADDRESS)
            assert wallet_id is not None
            return await raise_issue(connection, wallet_id, finding, time.time_ns() // 1_000_000)

    async def solved(self, issue_id: int) -> None:
        """Somebody acknowledges it."""
        async with connected(self.dsn) as connection:
            wallet_id = await wallet_id_of(connection, ADDRESS)
            assert wallet_id is not None
            await acknowledge(connection, wallet_id, issue_id, "cid", time.time_ns() // 1_000_000)

    async def mark(self) -> None:
        """Its worth as it is now, so that there is something to draw."""
        async with connected(self.dsn) as connection:
            wallet_id = await wallet_id_of(connection, ADDRESS)
            assert wallet_id is not None
            cost = self.fills * PAID
            worth = Mark(
                time.time_ns() // 1_000_000,
                cash=1_000_000_000,
                market_value=cost + 7_000_000,
                cost_basis=cost,
                realized_pnl=0,
                fees=0,
                rewards=0,
                positions=1,
                unpriced=0,
            )
            await append(connection, wallet_id, worth)


async def quiet_wallet(dsn: str) -> Quiet:
    """The wallet with its history, its market with the longest names."""
    made = Quiet(dsn)
    await made.book(ORDERS, ago_ms=60_000)
    async with connected(dsn) as connection:
        wallet_id = await wallet_id_of(connection, ADDRESS)
        assert wallet_id is not None
        await put_names(connection, wallet_id, [MarketName(MARKET, LONG_NAME, "long", OUTCOMES)])
    await made.mark()
    await made.trouble(IssueType.FILL_UNVERIFIED)
    return made
