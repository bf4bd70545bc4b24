"""Importing files of recorded messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tieout.app.clock import now_ms
from tieout.app.naming import keep_names
from tieout.intake.booking import Sent
from tieout.intake.documents import files, messages
from tieout.intake.intake import Incoming, Intake, Report
from tieout.store.connect import connected
from tieout.store.wallets import acquire
from tieout.venue.decode import Identity

IMPORT_BATCH = 4_000
"""Messages booked together: files do not wait for an answer, so batches may be larger than a live feed's."""

Progress = Callable[[int, int, Report], None]
"""Called with (bytes done, bytes in all, the report so far)."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, for whom."""

    wallet: str
    owners: frozenset[str]
    paths: tuple[Path, ...]
    kind: str | None = None
    batch: int = IMPORT_BATCH
    take_over: bool = False
    """Write even where another process holds the wallet; its next booking is refused."""


async def import_files(dsn: str, request: ImportRequest, progress: Progress) -> Report:
    """Import every message of every file; safe to repeat and to resume. Raises NoSuchInputError before any work."""
    paths = files(request.paths)
    async with AsyncExitStack() as stack:
        writer, reader = [await stack.enter_async_context(connected(dsn)) for _ in range(2)]
        lease = await acquire(writer, request.wallet, take_over=request.take_over)
        intake = Intake(writer, reader, lease, Identity(request.wallet.lower(), request.owners), now_ms)
        report = await _import(intake, paths, request, progress)
        if report.new_facts:
            await keep_names(reader, lease.wallet_id)
        return report


async def _import(intake: Intake, paths: list[Path], request: ImportRequest, progress: Progress) -> Report:
    total = sum(path.stat().st_size for path in paths)
    report = Report()
    done = 0
    flying: Sent | None = None
    async with intake.booker.landing():
        for batch in _batches(_incoming(paths, request.kind), request.batch):
            one, sent = await intake.send(batch)
            report.add(one)
            # What was sent before has landed by now, so its count is final.
            report.new_facts += flying.new_facts if flying is not None else 0
            flying = sent
            done += sum(len(message.body) for message in batch)
            progress(min(done, total), total, report)
    report.new_facts += flying.new_facts if flying is not None else 0
    progress(total, total, report)
    return report


def _incoming(paths: Iterable[Path], kind: str | None) -> Iterator[Incoming]:
    for path in paths:
        for message in messages(path):
            yield Incoming(message.raw, "import", f"{message.path}:{message.line}", kind, message.broken)


def _batches(incoming: Iterator[Incoming], size: int) -> Iterator[list[Incoming]]:
    batch: list[Incoming] = []
    weight = 0
    for message in incoming:
        batch.append(message)
        weight += len(message.body)
        if len(batch) >= size or weight > 16_000_000:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch
