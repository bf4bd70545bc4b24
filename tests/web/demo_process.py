"""The demo as a process of its own, as a person starts it: its desk, its database, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tieout.cli.sim_client import Client
from tieout.store.embedded import LINGER_VARIABLE, EmbeddedServer

PATIENCE_S = 120.0
TOKEN = "demo"
COMMAND = (sys.executable, "-m", "tieout", "demo", "--no-view", "--desk-port", "0", "--minutes", "60")
WORLD = ("--seed", "1", "--markets", "3", "--fault", "human-transfer", "--each", "1")


class Output:
    """What a process says, read as it comes, so that it never waits for us."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._process = process
        self._more = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read, name="output of the demo")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._more:
                self.lines.append(line)
                self._more.notify_all()
        with self._more:
            self._is_over = True
            self._more.notify_all()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def find(self, pattern: str) -> str:
        """The first group of the first match of *pattern*, once it is said."""
        with self._more:
            self._more.wait_for(lambda: self._is_over or re.search(pattern, self.text), PATIENCE_S)
            found = re.search(pattern, self.text)
        assert found is not None, f"the demo never said {pattern}:\n{self.text[-3_000:]}"
        return found[1]

    def close(self) -> None:
        self._reader.join(PATIENCE_S)


@dataclass(frozen=True)
class Demo:
    """`url` is its desk, `venue` its simulated Polymarket."""

    url: str
    venue: str
    wallet: str
    home: Path
    dsn: str

    def tieout(self, *words: str) -> Any:
        """The JSON that a command says of the demo's database."""
        command = [sys.executable, "-m", "tieout", *words, "--wallet", self.wallet, "--json"]
        environment = {**_environment(), "TIEOUT_HOME": str(self.home)}
        return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)

    def fault(self, name: str) -> None:
        """Switch a fault of the venue on, for every message."""
        Client(self.venue).post("/faults", {"name": name, "on": True})


def _environment() -> dict[str, str]:
    """Ours without what would change the database or the width of lines."""
    kept = {name: value for name, value in os.environ.items() if name not in ("TIEOUT_DB", "COLUMNS", "FORCE_COLOR")}
    return {**kept, LINGER_VARIABLE: "0.3"}


@contextmanager
def demo(world: Sequence[str] = WORLD) -> Iterator[Demo]:
    """The demo for the time of the context. It has to end with books that equal the venue's own truth, whatever
    was done at its desk."""
    process = subprocess.Popen(
        [*COMMAND, *world],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = Output(process)
    try:
        url = output.find(r"desk, in a browser +(http://\S+)")
        home, wallet = Path(output.find(r"TIEOUT_HOME=(\S+)")), output.find(r"--wallet (0x[0-9a-f]{40})")
        with EmbeddedServer.start(home / "postgres") as server:
            yield Demo(url, output.find(r"simulated Polymarket +(http://\S+)"), wallet, home, server.dsn())
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE_S)
        output.close()
        assert (code, "0 differences, 0 orders left" in output.text) == (0, True), output.text[-3_000:]
    finally:
        process.kill()
        process.wait()
        output.close()
        process.stdout.close()
