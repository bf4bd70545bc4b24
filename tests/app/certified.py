"""A wallet that trades on a served venue and is watched, for certificates of its books; and files that were forged."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from support.database import connected
from tieout.app import certificate as form
from tieout.app.certificate import Certificate
from tieout.app.certifying import Refused, asking, certify
from tieout.app.clock import now_ms
from tieout.app.verifying import Check, of_file, of_log, of_node
from tieout.app.watching import Look, WatchRequest, watch
from tieout.client.chain import Chain
from tieout.client.endpoints import Endpoints
from tieout.intake.intake import Intake, own
from tieout.ledger.facts import AnyFact
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import running
from tieout.store.wallets import acquire
from tieout.venue.decode import Identity

MADE_AT_MS = 1_790_000_000_000
Content = dict[str, Any]


@dataclass(frozen=True)
class House:
    """A served venue whose clock stands still unless the test moves it, and the database with the wallet's books."""

    dsn: str
    scenario: Scenario
    nodes: tuple[str, ...]
    connection: asyncpg.Connection
    chain: Chain

    @property
    def wallet(self) -> str:
        """The first account's."""
        return self.scenario.accounts[0].address

    async def watch(self, minutes: int = 2) -> Look:
        """Let simulated minutes pass, and read the chain into the books."""
        self.scenario.world.scheduler.run_for(minutes * 60_000)
        first = self.scenario.world.chain.block_by_tag("earliest").number
        looks = watch(self.dsn, WatchRequest(self.wallet, self.nodes, first, poll_ms=0))
        try:
            async for look in looks:
                assert isinstance(look, Look)
                return look
        finally:
            await looks.aclose()
        raise AssertionError("a watch never ends by itself")

    async def certify(self, number: int | None = None, made_at_ms: int = MADE_AT_MS) -> Certificate | Refused:
        """As the command does."""
        return await certify(self.connection, self.chain, self.wallet, made_at_ms=made_at_ms, number=number)

    async def certificate(self, number: int | None = None) -> Certificate:
        """One that must come out."""
        made = await self.certify(number)
        assert isinstance(made, Certificate), made
        return made

    async def checks(self, data: bytes) -> list[Check]:
        """Everything that can be asked of a file."""
        read = form.read(data)
        found = of_file(read)
        if read.certificate is not None:
            found += await of_node(read.certificate, self.chain)
            found += await of_log(read.certificate, self.connection)
        return found

    async def book(self, *facts: AnyFact) -> None:
        """Book what somebody says, without any chain."""
        async with connected(self.dsn) as writer, connected(self.dsn) as reader:
            lease = await acquire(writer, self.wallet)
            intake = Intake(writer, reader, lease, Identity(self.wallet, frozenset()), now_ms)
            await intake.take([own(fact, "test") for fact in facts])


@asynccontextmanager
async def house(dsn: str, seed: int = 5) -> AsyncIterator[House]:
    """Opened before anything is read into the books."""
    options = Options(seed=seed, markets=8, intensity=0.3, another_bot_ms=2_000, human_ms=7_000, operators=True)
    scenario = build(options)
    async with running(scenario.site, speed=0.0) as server, connected(dsn) as connection:
        nodes = Endpoints.of(server.http_url).rpc
        async with asking(nodes) as chain:
            yield House(dsn, scenario, nodes, connection, chain)


def forged(data: bytes, change: Callable[[Content], object]) -> bytes:
    """The file after *change*, by somebody who writes it the right way and makes the digest fit."""
    content = json.loads(data)
    change(content)
    content["digest"] = form.digest_of(content)
    assert form.canonical(content) != data, "nothing was changed"
    return form.canonical(content)


def flawed(checks: list[Check]) -> set[str]:
    """By what something was found: "file", "node", "log"."""
    return {check.of for check in checks if check.flaws}


def added(text: str, amount: int = 1) -> str:
    """An amount of a file, changed."""
    return str(int(text) + amount)
