"""An importer in a process of its own, to be killed.

It is forked by a process that has loaded tieout and did nothing else: loading takes longer than most kills need.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tieout.app.importing import ImportRequest, import_files

WALLET = "0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8"
OWNER = "3e2c94ca-8124-c4c1-c7ea-be1ea21b71fe"
PATIENCE_S = 300.0

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tieout.app.importing", "alembic.command", "sqlalchemy.ext.asyncio"])


class Worker:
    """One such process."""

    def __init__(self, dsn: str, paths: Sequence[Path], batch: int, wait: bool) -> None:
        self._ready, self._go = _context.Event(), _context.Event()
        if not wait:
            self._go.set()
        self._said, theirs = _context.Pipe(duplex=False)
        asked = (dsn, batch, tuple(paths), theirs, self._ready, self._go)
        self._process = _context.Process(target=_work, args=asked, daemon=True)
        self._process.start()
        theirs.close()

    def poll(self) -> int | None:
        """The exit code, below 0 for a signal; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def ended(self, patience_s: float = PATIENCE_S) -> tuple[int, str]:
        """Its exit code once it has ended, and what it said: how many facts were new, or what it complained of."""
        self._process.join(patience_s)
        code = self._process.exitcode
        assert code is not None, f"it took longer than {patience_s:.0f} s"
        try:
            return code, str(self._said.recv()) if self._said.poll() else ""
        except EOFError:
            return code, ""
        finally:
            self._said.close()
            self._process.close()

    def until_ready(self) -> None:
        """Wait until it could begin."""
        assert self._ready.wait(PATIENCE_S)

    def go(self) -> None:
        """Let it begin."""
        self._go.set()


def start(dsn: str, paths: Sequence[Path], *, batch: int, wait: bool = False) -> Worker:
    """Another process that imports *paths*; with *wait* once it is told to."""
    return Worker(dsn, paths, batch, wait)


def result(process: Worker) -> int:
    """How many facts were new to a worker that must end well."""
    code, said = process.ended()
    assert code == 0, said
    return int(said)


def _work(dsn: str, batch: int, paths: tuple[Path, ...], said: Any, ready: Any, go: Any) -> None:
    try:
        ready.set()
        go.wait()
        request = ImportRequest(WALLET, frozenset((OWNER,)), paths, batch=batch)
        said.send(asyncio.run(import_files(dsn, request, lambda *_: None)).new_facts)
    except BaseException:  # noqa: BLE001 - an interpreter would show it, too
        said.send(traceback.format_exc())
        os._exit(1)
