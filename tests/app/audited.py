"""A wallet on a served venue, audited as the command does it, and what the venue's own records say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg

from support.database import connected
from tieout.app.clock import now_ms
from tieout.app.data_differences import DataCompared, DataDifference, What
from tieout.app.wallet_audit import WalletAudit
from tieout.app.wallet_report import WalletReport
from tieout.cli.audit_options import AuditRequest
from tieout.cli.audit_steps import audited
from tieout.client.endpoints import Endpoints
from tieout.intake.intake import Intake, own
from tieout.ledger.facts import AnyFact
from tieout.ledger.invariants import Finding
from tieout.sim.crowd.human import Human
from tieout.sim.crowd.trader import Account, Trader
from tieout.sim.model import Market, OrderKind, Side
from tieout.sim.oracle.books import cause_of
from tieout.sim.oracle.deeds import Fill, Money, acts, cash_change
from tieout.sim.oracle.purse import Purse, Token
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import running
from tieout.store.wallets import acquire, wallet_id_of
from tieout.venue.decode import Identity

REWARD, REBATE, GIFT = 12_345_678, 3_210_987, 5_000_001
COMPANY = {"another_bot_ms": 2_000, "human_ms": 7_000, "operators": True}
ALONE = {"another_bot_ms": None, "human_ms": None, "operators": False}
"""Only the test acts for the wallet."""


@dataclass(frozen=True)
class Truth:
    """What the world itself says of the wallet at a block: tokens, signed collateral by cause, and fees."""

    tokens: dict[str, Token]
    causes: Counter[str]
    fees: int


@dataclass(frozen=True)
class Venue:
    """A served world whose clock stands still unless the test moves it."""

    scenario: Scenario
    asked: AuditRequest
    connection: asyncpg.Connection
    dsn: str

    @property
    def wallet(self) -> str:
        return self.asked.wallet

    def run(self, minutes: int) -> None:
        self.scenario.world.scheduler.run_for(minutes * 60_000)

    def pay(self, kind: str, amount: int) -> None:
        """A reward or a rebate from the venue."""
        settings: dict[str, int | str] = {"kind": kind, "amount": amount}
        self.scenario.faults.on("reward", count=1, wallet=self.wallet, settings=settings)
        self.run(1)

    def truth(self, block: int) -> Truth:
        purse, causes, fees = Purse(), Counter[str](), 0
        for act in acts(self.scenario.world.chain, self.wallet):
            if act.block > block:
                break
            purse.take(act.deeds)
            for deed in act.deeds:
                causes[deed.cause if isinstance(deed, Money) else cause_of(deed)] += cash_change(deed)
                fees += deed.fee if isinstance(deed, Fill) else 0
        return Truth(purse.tokens, causes, fees)

    async def from_chain(self, dsn: str = "", **more: object) -> WalletAudit:
        """`tieout audit WALLET --from-chain`, perhaps into another database."""
        asked = replace(self.asked, from_chain=True, **more)  # type: ignore[arg-type]
        async with connected(dsn or self.dsn) as connection:
            return await audited(dsn or self.dsn, connection, asked)

    async def by_node(self) -> WalletAudit:
        """`tieout audit WALLET --node URL`."""
        return await audited(self.dsn, self.connection, self.asked)

    async def from_data_api(self) -> WalletAudit:
        """`tieout audit WALLET --from-data-api`."""
        return await audited(self.dsn, self.connection, replace(self.asked, nodes=(), from_data_api=True))

    def owner(self) -> Human:
        """The owner, to act by hand."""
        return Human(self.scenario.world, self.wallet, self.scenario.world.chance.stream("owner"))

    def buy(self, market: Market, outcome: int, cash: int) -> None:
        """The account buys at the best ask."""
        world, key = self.scenario.world, self.scenario.accounts[0].api_key.key
        trader = Trader(world, Account(key, self.wallet, self.wallet), world.chance.stream(f"hand {cash}"))
        best = world.exchange.books[market.condition_id].best(outcome, Side.SELL)
        assert best is not None
        assert trader.market_buy(market, outcome, best, cash, OrderKind.FAK) is not None

    async def book(self, *facts: AnyFact) -> None:
        """Book what somebody says."""
        async with connected(self.dsn) as writer, connected(self.dsn) as reader:
            lease = await acquire(writer, self.wallet)
            intake = Intake(writer, reader, lease, Identity(self.wallet, frozenset()), now_ms)
            await intake.take([own(fact, "a hand in the books") for fact in facts])

    async def held(self) -> dict[str, int]:
        """Shares by the stored books, of every token."""
        rows = await self.fetch("SELECT token_id, shares FROM positions WHERE wallet_id = $1")
        return {row["token_id"]: row["shares"] for row in rows if row["token_id"].isdecimal()}

    async def fetch(self, query: str) -> Sequence[asyncpg.Record]:
        """Rows of the wallet; $1 is its id."""
        return await self.connection.fetch(query, await wallet_id_of(self.connection, self.wallet))


def of(found: WalletAudit, name: str) -> Finding:
    """The finding of one invariant."""
    (finding,) = [each for each in found.audit.findings if each.id == name]
    return finding


@asynccontextmanager
async def venue(dsn: str, seed: int = 5, **more: object) -> AsyncIterator[Venue]:
    options = {"markets": 8, "intensity": 0.3, **COMPANY, **more}
    scenario = build(Options(seed=seed, **options))  # type: ignore[arg-type]
    async with running(scenario.site, speed=0.0) as server, connected(dsn) as connection:
        at = Endpoints.of(server.http_url)
        asked = AuditRequest(
            wallet=scenario.accounts[0].address,
            nodes=at.rpc,
            from_chain=False,
            first_block=scenario.world.chain.block_by_tag("earliest").number,
            from_data_api=False,
            data_api=at.data_api,
            no_data_api=False,
        )
        yield Venue(scenario, asked, connection, dsn)


def report_of(found: WalletAudit) -> WalletReport:
    assert found.report is not None
    return found.report


def data_of(found: WalletAudit) -> DataCompared:
    assert found.data is not None
    return found.data


def those(found: WalletAudit, what: What) -> list[DataDifference]:
    return [each for each in data_of(found).differences if each.what is what]


async def grown(at: Venue, minutes: int = 12) -> None:
    """The wallet has traded, split, merged, given away and been paid, and all of it shows in the index."""
    at.run(minutes)
    at.pay("reward", REWARD)
    at.pay("rebate", REBATE)
    at.run(4)
