"""The intake: raw messages in, exact books out. One of these writes a wallet; every source hands its messages here.

A batch travels so: journal (bytes first) -> decode -> route, merge, fold -> one transaction -> NOTIFY. Whatever cannot
be decoded stays in the journal with its reason, and never takes its neighbors with it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from tieout.intake.booking import Booker, Heard, Sent
from tieout.ledger import facts
from tieout.store import journal
from tieout.store.errors import StoreError
from tieout.store.journal import RawMessage
from tieout.store.wallets import Lease
from tieout.venue.decode import Decoded, Identity, Problem, decode

BATCH_MAX = 1_000
"""Messages booked in one transaction at most; a single one that waits alone is booked at once."""

ERROR_CODES = frozenset({"undecodable", "unknown_kind"})
"""Problems that are somebody's mistake. The others say why a sound message books nothing here."""


OWN = "own_fact"
"""Kind of a message that is a fact of our own as `ledger.facts.encode` writes it: an intent, a closing, an entry."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as a source hands it over. `broken` is the reason when it is known not to be JSON."""

    body: bytes
    source: str
    origin: str
    kind: str | None = None
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem with its place."""

    origin: str
    code: str
    message: str

    @property
    def is_error(self) -> bool:
        """Whether somebody should look at it."""
        return self.code in ERROR_CODES


@dataclass(slots=True)
class Report:
    """What became of a batch."""

    messages: int = 0
    facts: int = 0
    """Facts decoded, known ones included."""
    new_facts: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        """Add the figures of *other*."""
        self.messages += other.messages
        self.facts += other.facts
        self.new_facts += other.new_facts
        self.kinds.update(other.kinds)
        self.troubles.extend(other.troubles)
        self.unknown.update(other.unknown)


def own(fact: facts.AnyFact, origin: str) -> Incoming:
    """A fact of our own as a message; *origin* names the part that says it."""
    return Incoming(facts.encode(fact), "own", origin, OWN)


class Intake:
    """Journals, decodes and books the messages of one wallet."""

    def __init__(
        self,
        writer: asyncpg.Connection,
        reader: asyncpg.Connection,
        lease: Lease,
        identity: Identity,
        now_ms: Callable[[], int],
    ) -> None:
        self._reader = reader
        self._lease = lease
        self._identity = identity
        self._now_ms = now_ms
        self.booker = Booker(writer, reader, lease)

    async def take(self, messages: Sequence[Incoming]) -> Report:
        """Book *messages* together; returns what became of them. Raises what `Booker.book` raises."""
        report, sent = await self.send(messages)
        await self.booker.land()
        report.new_facts = sent.new_facts if sent is not None else 0
        return report

    async def send(self, messages: Sequence[Incoming]) -> tuple[Report, Sent | None]:
        """As `take`, but return while the booking is still being written; `new_facts` is told by the second."""
        received_at_ms = self._now_ms()
        kept = await journal.append(
            self._reader,
            self._lease.wallet_id,
            [RawMessage(m.body, m.source, m.origin, received_at_ms) for m in messages],
        )
        report = Report(messages=len(messages))
        heard: list[Heard] = []
        problems: list[tuple[int, str, str]] = []
        unknown: dict[tuple[str, str], tuple[int, int]] = {}
        for message, (raw_id, is_new) in zip(messages, kept, strict=True):
            decoded = self._decode(message)
            report.kinds[decoded.kind or "unknown"] += 1
            for problem in decoded.problems:
                report.troubles.append(Trouble(message.origin, problem.code, problem.message))
                problems.append((raw_id, problem.code, problem.message))
            for what in decoded.unknown:
                if is_new:
                    times, first = unknown.get((decoded.kind, what), (0, raw_id))
                    unknown[decoded.kind, what] = (times + 1, first)
                report.unknown[f"{decoded.kind} {what}"] += 1
            heard.extend([Heard(fact, raw_id, message.source, received_at_ms) for fact in decoded.facts])
        report.facts = len(heard)
        await journal.note_problems(self._reader, problems)
        await journal.note_unknown(self._reader, self._lease.wallet_id, unknown)
        return report, await self.booker.send(heard) if heard else None

    def _decode(self, message: Incoming) -> Decoded:
        if message.broken:
            return Decoded("", problems=[Problem("undecodable", message.broken)])
        if message.kind == OWN:
            return Decoded(OWN, facts=[facts.decode(message.body)])
        return decode(message.body, self._identity, message.kind)


class IntakeQueue:
    """Lets any number of sources wait for their own message while the intake books what is waiting as one batch.

    A message alone is booked at once; under load the next batch forms while the one before is written.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._waiting: list[tuple[Incoming, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._stopped: BaseException | None = None

    async def put(self, message: Incoming) -> None:
        """Returns when *message* is booked. Raises what the batch raised, or StoreError when the queue has stopped."""
        if self._stopped is not None:
            raise StoreError(f"the intake has stopped: {self._stopped or type(self._stopped).__name__}")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, future))
        self._wake.set()
        await future

    async def run(self) -> None:
        """Book until canceled. An error goes to everyone who waits, and stops the queue."""
        batch: list[tuple[Incoming, asyncio.Future[None]]] = []
        try:
            while True:
                await self._wake.wait()
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                if not self._waiting:
                    self._wake.clear()
                await self._intake.take([message for message, _ in batch])
                for _, future in batch:
                    if not future.done():
                        future.set_result(None)
                batch = []
        except BaseException as error:
            self._stopped = error
            for _, future in (*batch, *self._waiting):
                if not future.done():
                    future.set_exception(
                        error if isinstance(error, Exception) else StoreError("the intake has stopped")
                    )
            raise
