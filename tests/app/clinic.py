"""A doctor on a simulated venue that stands still: real sockets, a real database, and a carrier that notes requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from tieout.app.alert_settings import AlertSettings
from tieout.app.config import Config, Selection
from tieout.app.doctor import Check, Finding, Patient, examine
from tieout.app.doctor_checks import checks_of
from tieout.app.secrets import KEY_VARIABLE
from tieout.app.settings import Settings
from tieout.client.endpoints import Endpoints
from tieout.client.transport import HttpCarrier, HttpRequest, HttpResponse
from tieout.sim.chain.chain import FIRST_BLOCK
from tieout.sim.scenario import Account, Options, Scenario, build
from tieout.sim.serve.server import running

MILLION = 1_000_000


class NotingCarrier(HttpCarrier):
    """The network, and what was asked over it: method, path and, for a node, what was called."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        path = "/" + request.url.split("/", 3)[3].partition("?")[0]
        if path == "/rpc":
            body = json.loads(request.body)
            path = ",".join(call["method"] for call in (body if isinstance(body, list) else [body]))
        self.asked.append((request.method, path))
        return await super().send(request)


class ShiftedClock:
    """The world's clock, wrong by some milliseconds; waiting is real."""

    def __init__(self, scenario: Scenario, off_ms: int = 0) -> None:
        self._scheduler = scenario.world.scheduler
        self.off_ms = off_ms

    def now_ms(self) -> int:
        return self._scheduler.now_ms + self.off_ms

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 1_000)


@dataclass
class Clinic:
    """Change what is wrong, then look."""

    scenario: Scenario
    config: Config
    settings: Settings
    environ: dict[str, str]
    clock: ShiftedClock
    said: list[str] = field(default_factory=list)
    """Every word of every finding so far."""
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return self.scenario.accounts[0]

    def change(self, **fields: object) -> None:
        self.config = replace(self.config, **fields)  # type: ignore[arg-type]

    async def look(self, *names: str, patience_s: float = 20.0) -> dict[str, Finding]:
        """The findings of the checks named, or of all, by name."""
        async with NotingCarrier() as carrier:
            patient = Patient(self.config, self.settings, self.clock, carrier, self.environ)
            checks: Mapping[str, Check] = checks_of(patient)
            chosen = {name: check for name, check in checks.items() if not names or name in names}
            try:
                found = await examine(patient, chosen, lambda *_: None, patience_s=patience_s)
            finally:
                patient.end()
            self.asked += carrier.asked
        self.said += [f"{each}" for each in found]
        return {each.check: each for each in found}


@asynccontextmanager
async def clinic(dsn: str) -> AsyncIterator[Clinic]:
    scenario = build(Options(seed=4, markets=6, intensity=0.3, cash=10_000 * MILLION, accounts=2))
    account = scenario.accounts[0]
    async with running(scenario.site, speed=0.0) as server:
        config = Config(
            wallet=account.address,
            first_block=FIRST_BLOCK + 1,
            endpoints=Endpoints.of(server.http_url),
            selection=Selection(count=3),
            alerts=AlertSettings(command=("true",)),
        )
        environ = {KEY_VARIABLE: account.private_key}
        visit = Clinic(scenario, config, Settings(db=dsn), environ, ShiftedClock(scenario))
        yield visit
        every_word = "\n".join(visit.said)
        for each in scenario.accounts:
            for secret in (each.private_key[2:], each.api_key.secret, each.api_key.passphrase):
                assert secret not in every_word
