"""A wallet of 200,000 logs rebuilt from a local node over HTTP, and read on by a second run.

`python bench/chain/from_chain.py` starts what it needs: a PostgreSQL of its own, the node, and a process for each run,
whose time, CPU and memory are told beside bare figures of the same machine in the same minutes. It ends with an error
when the books do not tie out.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import asyncpg
import msgspec
from big_wallet import FIRST_BLOCK

from tieout.app.chain_books import chain_books
from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate

LOGS, BLOCKS, MARKETS = 200_000, 1_500_000, 1_500
NEW_BLOCKS = 15_000
"""What the second run finds: a hundredth of the chain."""

WALL_MAX_S, MEMORY_MAX_MB = 120, 500


async def follow(dsn: str, url: str, wallet: str, first: int | None) -> None:
    """Run in a process of its own: read, compare, and print the figures."""
    start = time.perf_counter()
    async with chain_books(dsn, wallet, (url,), first) as books:
        step = await books.step()
        tie = await books.compare(step.block)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    # VmHWM, not ru_maxrss: that one begins with what the parent held when it forked.
    status = Path("/proc/self/status").read_text()
    figures = {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "mb": int(status.partition("VmHWM:")[2].split()[0]) // 1024,
        "holds": tie.holds,
        "tokens": tie.tokens,
        "transactions": step.transactions,
        "facts": books.report.new_facts,
    }
    print(json.dumps(figures))


class Node:
    """The node in its process."""

    def __init__(self) -> None:
        words = [str(Path(__file__).with_name("chain_node.py")), *map(str, (LOGS, BLOCKS, MARKETS))]
        self._process = subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.told: dict[str, Any] = json.loads(self._process.stdout.readline())

    def ask(self, method: str, *params: object) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        with urlopen(Request(self.told["url"], body)) as answer:
            return json.loads(answer.read())["result"]

    @property
    def cpu(self) -> float:
        """Seconds of CPU it took so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, dsn: str, first: str) -> tuple[dict[str, Any], dict[str, int]]:
        """The figures of one run, and what it asked of the node."""
        before, cpu = self.ask("node_seen"), self.cpu
        done = subprocess.run(
            [sys.executable, __file__, "--follow", dsn, self.told["url"], self.told["wallet"], first],
            check=True,
            capture_output=True,
            text=True,
        )
        figures = json.loads(done.stdout)
        figures["node_cpu"] = self.cpu - cpu
        if not figures["holds"]:
            raise SystemExit(f"the books of {self.told['wallet']} do not tie out")
        after = self.ask("node_seen")
        return figures, {name: after[name] - before[name] for name in after}

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


async def bare(dsn: str) -> tuple[float, float, float]:
    """Seconds of CPU to parse the same bodies, and of wall to copy the same bodies and the same log once more."""
    connection = await asyncpg.connect(dsn)
    try:
        bodies = [row["body"] for row in await connection.fetch("SELECT body FROM raw_message")]
        start = time.process_time()
        for body in bodies:
            msgspec.json.decode(body)
        parsed = time.process_time() - start
        start = time.perf_counter()
        await connection.execute("CREATE TABLE bare_body (body bytea)")
        await connection.copy_records_to_table("bare_body", records=[(body,) for body in bodies])
        copied_bodies = time.perf_counter() - start
        rows = [tuple(row) for row in await connection.fetch("SELECT * FROM log")]
        await connection.execute("CREATE TABLE bare_log (LIKE log INCLUDING INDEXES)")
        start = time.perf_counter()
        await connection.copy_records_to_table("bare_log", records=rows)
        return parsed, copied_bodies, time.perf_counter() - start
    finally:
        await connection.close()


def told(node: Node, dsn: str) -> None:
    """Both runs, and the figures."""
    last = node.told["last"]
    node.ask("node_reach", last - NEW_BLOCKS)
    whole, asked = node.run(dsn, str(FIRST_BLOCK))
    parsed, bodies, log = asyncio.run(bare(dsn))
    node.ask("node_reach", last)
    new, asked_new = node.run(dsn, "-")
    print(f"  {node.told['logs']:,} logs, {node.told['fills']:,} fills in {BLOCKS:,} blocks")
    print(
        f"  rebuilt and tied out: {whole['facts']:,} facts of {whole['transactions']:,} transactions, "
        f"{whole['tokens']:,} tokens; {asked['requests']:,} requests, {asked['sent'] / 1e6:,.0f} MB"
    )
    print(
        f"  {whole['seconds']:.1f} s, of them {whole['cpu']:.1f} s own CPU (the node {whole['node_cpu']:.1f} s); "
        f"{whole['mb']} MB peak; aims {WALL_MAX_S} s and {MEMORY_MAX_MB} MB"
    )
    print(
        f"  bare: parsing the same bodies {parsed:.2f} s of CPU ({whole['cpu'] / parsed:.0f} times less), "
        f"copying them {bodies:.1f} s and the log {log:.1f} s "
        f"({whole['seconds'] / (bodies + log):.1f} times less wall time)"
    )
    print(
        f"  second run, {NEW_BLOCKS:,} new blocks: {new['facts']:,} facts; {asked_new['requests']} requests, "
        f"{asked_new['sent'] / 1e6:.1f} MB; {new['seconds']:.2f} s, "
        f"{new['cpu']:.1f} s CPU with the start of the process, {new['mb']} MB"
    )


def main() -> None:
    if sys.argv[1:2] == ["--follow"]:
        dsn, url, wallet, first = sys.argv[2:]
        asyncio.run(follow(dsn, url, wallet, None if first == "-" else int(first)))
        return
    print("from the chain")
    node = Node()
    # The server outlives us by a moment, so its folder may not be empty yet when it is removed.
    folder = Path(tempfile.mkdtemp(prefix="tieout-bench-"))
    try:
        with EmbeddedServer.start(folder / "data") as server:
            asyncio.run(migrate(server.dsn()))
            told(node, server.dsn())
    finally:
        node.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
