"""A simulated venue in another process, at the real time, for commands that are processes themselves."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def served(*more: str, seed: int = 5) -> Iterator[dict[str, str]]:
    """What the venue printed of itself, by name: CLOB, node, address, private key, secret, passphrase...

    Another *seed* is another wallet, which matters where tests share a database.
    """
    words = ["sim", "serve", "--port", "0", "--seed", str(seed), "--markets", "4", *more]
    with subprocess.Popen([sys.executable, "-m", "tieout", *words], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = {"pid": str(server.pid)}
        for line in server.stdout:
            name, _, value = line.strip().partition("  ")
            said[name] = value.strip()
            if name == "passphrase":
                break
        yield said
        server.send_signal(signal.SIGINT)
        server.stdout.read()
