"""`make bench`: speed as ratios against something bare in the same run. The figures of record are in README.md."""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from histories import OWNER, WALLET, facts, wire
from rich.console import Console
from rich.table import Table

from sim import bench_http, bench_matches
from tieout.app.importing import IMPORT_BATCH, ImportRequest, import_files
from tieout.intake.booking import Booker, Heard
from tieout.ledger.books import Books
from tieout.ledger.facts import FillObserved, Side
from tieout.ledger.fold import fold
from tieout.ledger.movement import Movement
from tieout.store.connect import connect
from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate
from tieout.store.wallets import acquire

console = Console(width=130)
Row = tuple[str, str, str, str]


def best(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of several runs."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def bench_fold(count: int = 300_000) -> list[Row]:
    """The fold against a bare loop over the same fills, and everything from facts to books."""
    history = [f for f in facts(count, 1_000) if isinstance(f, FillObserved) and f.status == "CONFIRMED"]
    plain = [(f.token_id, f.side is Side.BUY, f.shares, f.collateral) for f in history]

    def bare() -> None:
        positions: dict[str, list[int]] = {}
        for token_id, is_buy, shares, collateral in plain:
            p = positions.get(token_id)
            if p is None:
                p = positions[token_id] = [0, 0, 0]
            if is_buy:
                p[0] += shares
                p[1] += collateral
            elif shares <= p[0]:
                removed = p[1] * shares // p[0]
                p[0] -= shares
                p[1] -= removed
                p[2] += collateral - removed

    books = Books()
    books.extend(facts(count, 1_000))
    movements: list[Movement] = sorted(
        (m for book in books.books.values() for m in book.timeline.movements), key=lambda m: m.order
    )
    everything = facts(count, 1_000)
    gc.collect()
    gc.freeze()
    loop = best(bare) / len(plain)
    folded = best(lambda: fold({}, movements, 0, len(movements), {})) / len(movements)
    whole = best(lambda: Books().extend(everything), 2) / len(everything)
    return [
        ("bare loop of integer positions", f"{1 / loop:,.0f} fills/s", "1", ""),
        ("fold of movements, all kinds", f"{1 / folded:,.0f} movements/s", f"{loop / folded:.2f}", "at least 0.33"),
        ("facts to books: merge, join, orders, gaps, fold", f"{1 / whole:,.0f} facts/s", f"{loop / whole:.3f}", ""),
    ]


def bench_late_fact() -> list[Row]:
    """A fact that belongs early in a long market folds the suffix, no more."""
    rows: list[Row] = []
    fills = [f for f in facts(200_000, 2) if isinstance(f, FillObserved) and f.status == "CONFIRMED"]
    total = 0.0
    for where in (0.0, 0.5, 0.99):
        books = Books()
        late = fills[int(where * len(fills))]
        books.extend(f for f in fills if f is not late)
        (book,) = books.books.values()
        before = book.timeline.folded
        start = time.perf_counter()
        books.extend([late])
        seconds = time.perf_counter() - start
        total = total or seconds
        folded, count = book.timeline.folded - before, len(book.timeline.movements)
        rows.append(
            (
                f"late fact at {where:.0%} of {count:,} movements",
                f"{seconds * 1e3:.2f} ms",
                f"{seconds / total:.3f}",
                f"folds {folded:,}",
            )
        )
    return rows


async def timed(work: Callable[[int], Awaitable[object]], times: int = 400) -> float:
    """Median seconds of one call."""
    seconds = []
    for number in range(times):
        start = time.perf_counter()
        await work(number)
        seconds.append(time.perf_counter() - start)
    return median(seconds)


async def bench_single(dsn: str) -> list[Row]:
    """One fact, booked, against one row, committed."""
    writer, reader = await connect(dsn), await connect(dsn)
    booker = Booker(writer, reader, await acquire(writer, "0x" + "01" * 20))
    history = facts(6_000, 100)
    for start in range(0, 4_000, 100):
        await booker.book([Heard(fact, 0, "bench", 0) for fact in history[start : start + 100]])
    await writer.execute("CREATE TABLE bare (number bigint PRIMARY KEY, text text)")
    insert = "INSERT INTO bare VALUES ($1, $2)"
    bare = await timed(lambda n: writer.execute(insert, n, "x" * 250))
    single = await timed(lambda n: booker.book([Heard(history[4_000 + n], 0, "bench", 0)]), 800)
    bare = min(bare, await timed(lambda n: writer.execute(insert, 1_000 + n, "x" * 250)))
    await writer.close()
    await reader.close()
    return [
        ("bare one-row commit", f"{bare * 1e3:.2f} ms", "1", ""),
        ("one fact: log, state, constraints, notify", f"{single * 1e3:.2f} ms", f"{single / bare:.2f}", "at most 2"),
    ]


async def bench_batched(dsn: str, count: int = 200_000) -> list[Row]:
    """Facts in batches of 1,000 into the database, and files from bytes to books."""
    writer, reader = await connect(dsn), await connect(dsn)
    booker = Booker(writer, reader, await acquire(writer, "0x" + "02" * 20))
    history = facts(count, 1_000)
    gc.collect()
    gc.freeze()
    start, cpu = time.perf_counter(), time.process_time()
    for at in range(0, count, IMPORT_BATCH):
        await booker.send([Heard(fact, 0, "bench", 0) for fact in history[at : at + IMPORT_BATCH]])
    await booker.land()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    await writer.close()
    await reader.close()
    rows = [
        (
            "batched intake of facts, batches of 4,000",
            f"{count / seconds:,.0f} facts/s",
            f"{seconds / cpu:.2f}",
            "at least 30,000; the ratio is wall to own CPU",
        )
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(wire(fact)) + "\n" for fact in history[: count // 2])
        file.flush()
        request = ImportRequest(WALLET, frozenset({OWNER}), (Path(file.name),))
        start = time.perf_counter()
        report = await import_files(dsn, request, lambda *_: None)
        seconds = time.perf_counter() - start
    rows.append(
        (
            f"import: {report.messages:,} messages, journal and decoding too",
            f"{report.facts / seconds:,.0f} facts/s",
            "",
            "",
        )
    )
    return rows


async def memory(dsn: str, count: int) -> None:
    """Run in a process of its own: books *count* facts in 5,000 positions and prints its peak memory."""
    writer, reader = await connect(dsn), await connect(dsn)
    booker = Booker(writer, reader, await acquire(writer, "0x" + "03" * 20))
    step = 10_000
    with Path(sys.argv[4]).open("rb") as file:
        for _ in range(count // step):
            chunk = [Heard(fact, 0, "bench", 0) for fact in pickle.load(file)]
            for at in range(0, step, 1_000):
                await booker.send(chunk[at : at + 1_000])
    await booker.land()
    # VmHWM, not ru_maxrss: that one begins with what the parent held when it forked.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
    await writer.close()
    await reader.close()


def bench_memory(dsn: str, count: int = 1_000_000) -> list[Row]:
    with tempfile.NamedTemporaryFile("wb", suffix=".pickle") as file:
        history = facts(count, 5_000)
        for at in range(0, count, 10_000):
            pickle.dump(history[at : at + 10_000], file)
        file.flush()
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--memory", dsn, str(count), file.name],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - start
    return [
        (
            f"{count:,} facts in 5,000 positions, one worker",
            f"{done.stdout.strip()} MB peak",
            "",
            f"under 400 MB; took {seconds:.0f} s",
        )
    ]


def main() -> None:
    if sys.argv[1:2] == ["--memory"]:
        sys.argv = [sys.argv[0], sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4]]
        asyncio.run(memory(sys.argv[2], int(sys.argv[3])))
        return
    rows = bench_matches() + bench_http() + bench_fold() + bench_late_fact()
    gc.unfreeze()
    # The server outlives us by a moment, so its folder may not be empty yet when it is removed.
    folder = Path(tempfile.mkdtemp(prefix="tieout-bench-"))
    with EmbeddedServer.start(folder / "data") as server:
        dsn = server.dsn()
        asyncio.run(migrate(dsn))
        rows += asyncio.run(bench_single(dsn)) + asyncio.run(bench_batched(dsn)) + bench_memory(dsn)
    shutil.rmtree(folder, ignore_errors=True)
    table = Table("what", "measured", "ratio", "aim", box=None)
    for row in rows:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
