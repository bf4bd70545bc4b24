"""Secrets of a worker that trades: planted, and then looked for in everything that it and the desk leave behind."""

from __future__ import annotations

import asyncio
import gzip
import signal
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.command_line import PATIENCE_S, PROGRAM, CommandLine
from cli.test_run import Running, written
from cli.worker_venue import served
from tieout.store.connect import connect
from tieout.store.embedded import EmbeddedServer

ALERT, DESK = "hush-alert-token-7391", "hush-desk-token-48213"

PAGES = (
    "",
    "/markets",
    "/orders?show=all",
    "/fills?show=all",
    "/incidents?show=all",
    "/log",
    "/portfolio",
    "/settings",
)


@contextmanager
def process(tieout: CommandLine, *words: str, **more: str) -> Iterator[Running]:
    """A command that goes on until it is asked to end."""
    started = subprocess.Popen(
        [PROGRAM, *words], env=tieout.environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield Running(started)
    finally:
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=PATIENCE_S)


def test_no_log_no_page_no_metric_and_no_dump_holds_a_secret(tieout: CommandLine, tmp_path: Path) -> None:
    with served(seed=977) as venue:
        config, log = written(venue, tmp_path), tmp_path / "worker.log"
        # Nobody listens there: what cannot be delivered is told, without the address.
        with config.open("a") as file:
            file.write(f'[[alerts.to]]\nname = "ops"\nurl = "json://127.0.0.1:9/{ALERT}"\n')
        words = ("run", "--live", "--config", str(config), "--log", str(log))
        with process(tieout, *words) as worker:
            worker.until("TIES OUT")
            worker.until("fill")
            with process(tieout, "desk", "--port", "0", TIEOUT_DESK_TOKEN=DESK) as desk:
                address = desk.until("http://").split()[-1]
                tieout("pause", "--wallet", venue["address"], "--why", "a look", "--who", "ana", "--yes")
                seen = {path: page(f"{address}/w/{venue['address']}{path}") for path in PAGES}
                seen["raw"] = "".join(page(f"{address}/w/{venue['address']}/raw/{n}") for n in range(1, 40))
                seen["/metrics"] = page(f"{address}/metrics")
                seen["api"] = page(f"{address}/api/v1/wallets/{venue['address']}")
        seen["screen"] = "".join((*worker.lines, *desk.lines))
        seen["log"] = log.read_text()
        tieout("db", "backup", tmp_path / "all.tar.gz")
        seen["backup"] = unpacked(tmp_path / "all.tar.gz")
        seen["dump"] = asyncio.run(dumped(tieout.home))
        told = tieout("alerts", "list", "--config", config, "--json")
        seen["alerts"] = told.out + told.err
    assert "PAUSED" in seen["log"].upper(), "the log tells something"
    for name, text in seen.items():
        assert venue["address"] in text or name in ("raw", "screen", "alerts"), f"nothing of the wallet in {name}"
        for secret in (
            venue["private key"],
            venue["private key"][2:],
            venue["secret"],
            venue["passphrase"],
            ALERT,
            DESK,
        ):
            assert secret not in text, f"a secret in {name}"


def page(address: str) -> str:
    """What the desk answers, whatever it is."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()


def unpacked(archive: Path) -> str:
    """Everything inside a backup, as text."""
    with tarfile.open(archive) as file:
        parts = [file.extractfile(member) for member in file.getmembers()]
        bodies = [part.read() for part in parts if part is not None]
    return "\n".join(
        (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode(errors="replace") for body in bodies
    )


async def dumped(home: Path) -> str:
    """Every row of every table, as text; bytes as they are."""
    with EmbeddedServer.start(home / "postgres") as server:
        connection = await connect(server.dsn())
        await connection.execute("SET bytea_output = 'escape'")
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = [await connection.fetch(f"SELECT t::text FROM {row['tablename']} t") for row in tables]
        await connection.close()
    return "\n".join(row[0] for rows in found for row in rows)
