"""What `tieout doctor` looks at, all at once, each within a bound of time. Nothing it does changes anything anywhere.

A check looks at one thing and says one line. It raises VenueError or CallFailedError when that thing does not answer,
which fails it, and `MissingError` when something else would have to be there first, which leaves it unknown.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from tieout.app.config import Config
from tieout.app.doctor_database import Seen, look
from tieout.app.market_choice import chosen
from tieout.app.secrets import SecretError, given_credentials, private_key
from tieout.app.settings import Settings
from tieout.client.chain import Chain
from tieout.client.clob import Clob, Desk
from tieout.client.clock import Clock
from tieout.client.data_api import DataApi
from tieout.client.errors import Meaning, VenueError
from tieout.client.feed import FeedNet
from tieout.client.gamma import Gamma
from tieout.client.keys import Credentials, PrivateKey
from tieout.client.limits import Limiter
from tieout.client.markets import MarketInfo
from tieout.client.net import Net
from tieout.client.rpc import CallFailedError, Rpc
from tieout.client.signer_limits import SignerLimiter
from tieout.client.sockets import WebSocketCarrier
from tieout.client.transport import HttpCarrier

T = TypeVar("T")

PATIENCE_S = 20.0
"""Seconds that one check may take."""


class State(StrEnum):
    """What a check came to."""

    OK = "OK"
    WARN = "WARN"
    """It works, and somebody should know."""
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what it came to and why, and what to do about it ("" nothing)."""

    check: str
    state: State
    text: str
    todo: str = ""


class MissingError(Exception):
    """The check cannot be made; the message says what it needs."""


class Once(Generic[T]):
    """Something that several checks need, asked for once."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make = make
        self._task: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The answer, or the error that came in its place. Who gives up waiting ends it for nobody else."""
        if self._task is None:
            self._task = asyncio.create_task(self._make())
        return await asyncio.shield(self._task)

    def end(self) -> None:
        """Nobody waits any longer."""
        if self._task is not None:
            self._task.cancel()


class Patient:
    """One configuration with its ways to the venue."""

    def __init__(
        self, config: Config, settings: Settings, clock: Clock, carrier: HttpCarrier, environ: Mapping[str, str]
    ) -> None:
        self.config = config
        self.settings = settings
        self.clock = clock
        self.key: PrivateKey | None = None
        self.key_problem = ""
        self._given: Credentials | None = None
        self._found: Credentials | None = None
        self._given_problem = ""
        try:
            self.key = private_key(config, environ)
        except SecretError as error:
            self.key_problem = str(error)
        try:
            self._given = given_credentials(environ)
        except SecretError as error:
            self._given_problem = str(error)
        self._net = net = Net(carrier, clock, Limiter(clock, config.rate_limits))
        places = config.endpoints
        self.clob = Clob.of(net, places, self.key.scrub if self.key else str)
        self.gamma = Gamma(net.service("gamma", places.gamma))
        self.data_api = DataApi(net.service("data-api", places.data_api), config.data_api_version)
        self.nodes = tuple(Chain(Rpc(net, (url,))) for url in places.rpc)
        self.chain = Chain(Rpc(net, places.rpc)) if places.rpc else None
        self.feeds = FeedNet(WebSocketCarrier(proxy=config.proxy or None), clock, lambda _: 0)
        self._credentials = Once(self._get_credentials)
        self._markets = Once(lambda: chosen(self.gamma, config.selection))
        self._database = Once(lambda: look(settings, config.wallet, clock.now_ms()))

    async def credentials(self) -> Credentials:
        """The API key of the environment, else the one that exists for the private key: none is made.

        Raises MissingError, VenueError.
        """
        return await self._credentials.get()

    async def desk(self) -> Desk:
        """What the API key can do. Raises MissingError when there is none."""
        try:
            credentials = await self.credentials()
        except VenueError as error:
            raise MissingError("it needs an API key, see there") from error
        if self.key is None:
            raise MissingError("it needs the private key, see there")
        limiter = SignerLimiter(self.clock, self.config.tier, tiers=self.config.tiers)
        return Desk.of(self._net, self.config.endpoints, credentials, self.key.address, limiter)

    async def markets(self) -> list[MarketInfo]:
        """The configured markets. Raises UnknownMarketsError, VenueError."""
        return await self._markets.get()

    async def database(self) -> Seen:
        """The database. Raises StoreError, EmbeddedServerError, asyncpg.PostgresError."""
        return await self._database.get()

    def scrub(self, text: str) -> str:
        """*text* without any secret that is known here."""
        for held in (self.key, self._given, self._found):
            text = held.scrub(text) if held else text
        return text

    def end(self) -> None:
        """Stop what nobody waits for any longer."""
        self._credentials.end()
        self._markets.end()
        self._database.end()

    async def _get_credentials(self) -> Credentials:
        if self._given_problem:
            raise MissingError(self._given_problem)
        if self._given is not None:
            return self._given
        if self.key is None:
            raise MissingError("it needs the private key, see there")
        self._found = await self.clob.keys.derive(self.key)
        return self._found


@asynccontextmanager
async def patient_of(
    config: Config, settings: Settings, clock: Clock, environ: Mapping[str, str] = os.environ
) -> AsyncIterator[Patient]:
    """The patient, with its connections."""
    async with HttpCarrier(proxy=config.proxy or None) as carrier:
        patient = Patient(config, settings, clock, carrier, environ)
        try:
            yield patient
        finally:
            patient.end()


Check = Callable[[Patient], Awaitable[Finding]]
Told = Callable[[int, Sequence[str]], None]
"""Hears how many checks are done, and the names of those that are not."""


async def examine(
    patient: Patient, checks: Mapping[str, Check], told: Told, *, patience_s: float = PATIENCE_S
) -> list[Finding]:
    """Every check at the same time; their findings in the order of *checks*, without secrets."""
    waiting = list(checks)

    async def one(name: str, check: Check) -> Finding:
        found = await _bounded(name, check, patient, patience_s)
        waiting.remove(name)
        told(len(checks) - len(waiting), waiting)
        return found

    told(0, waiting)
    found = await asyncio.gather(*(one(name, check) for name, check in checks.items()))
    return [replace(each, text=patient.scrub(each.text), todo=patient.scrub(each.todo)) for each in found]


async def _bounded(name: str, check: Check, patient: Patient, patience_s: float) -> Finding:
    try:
        async with asyncio.timeout(patience_s):
            return replace(await check(patient), check=name)
    except TimeoutError:
        return Finding(name, State.UNKNOWN, f"no answer within {patience_s:g} s", "try again; then look at the network")
    except MissingError as error:
        return Finding(name, State.UNKNOWN, str(error))
    except CallFailedError as error:
        return Finding(name, State.FAIL, f"the node refuses: {error}", "use another node, or another plan of it")
    except VenueError as error:
        return Finding(name, State.FAIL, *words_of(error))


def words_of(error: VenueError) -> tuple[str, str]:
    """(what an error of the venue means, what to do about it)."""
    return _WORDS[error.meaning][0].format(error=error), _WORDS[error.meaning][1]


_AGAIN = "wait a little and look again; the venue tells of its troubles at status.polymarket.com"
_NETWORK = "look at the network, at [venue] proxy, and at the addresses under [venue]"
_PLACE = "run it from where the venue may be used; it cannot trade from here"
_KEYS = (
    "correct the clock if it is off; take TIEOUT_API_KEY and its two out of the environment, so that the API key is "
    "derived from the private key"
)
_WORDS: Mapping[Meaning, tuple[str, str]] = {
    Meaning.UNREACHABLE: ("cannot be reached: {error}", _NETWORK),
    Meaning.NO_ANSWER: ("does not answer: {error}", _NETWORK),
    Meaning.SERVER: ("is in trouble: {error}", _AGAIN),
    Meaning.RESTARTING: ("is restarting: {error}", _AGAIN),
    Meaning.CANCEL_ONLY: ("takes cancels only: {error}", _AGAIN),
    Meaning.POST_ONLY: ("takes post-only orders only: {error}", _AGAIN),
    Meaning.DISABLED: ("trading is switched off: {error}", _AGAIN),
    Meaning.RATE_LIMITED: ("is asked too much: {error}", "stop what else asks from this address; look again"),
    Meaning.UNREADABLE: ("answers what this version cannot read: {error}", "update tieout; is the address right?"),
    Meaning.UNAUTHORIZED: ("does not accept who asks: {error}", _KEYS),
    Meaning.GEOBLOCKED: ("GEOBLOCKED, the venue serves nobody here: {error}", _PLACE),
    Meaning.CLOSED_ONLY: ("CLOSED ONLY, the account may only close positions: {error}", "write to the venue's support"),
    Meaning.BANNED: ("BANNED, the venue refuses the account: {error}", "write to the venue's support"),
    Meaning.REFUSED: ("refuses: {error}", "look at [account]: is it the right wallet and signature type?"),
    Meaning.DUPLICATED: ("refuses: {error}", _AGAIN),
    Meaning.UNKNOWN: ("refuses: {error}", _AGAIN),
}
