"""Running the installed `tieout` as a user does: a process, its exit code, what it printed."""

from __future__ import annotations

import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.forked import command

PROGRAM = Path(sys.executable).with_name("tieout")
PATIENCE_S = 300
_STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """`tieout` with a database of the tests."""

    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Ours without TIEOUT_ and terminal settings, with the tests' database."""
        dropped = ("TIEOUT_DB", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return {**kept, "TIEOUT_HOME": str(self.home), "TIEOUT_PG_LINGER_S": "0.3", "TERM": "xterm", **more}

    def __call__(self, *words: str | Path, code: int | None = 0, **more: str) -> Done:
        """Run it with its output in pipes; *code* is the exit code it must have."""
        written, out, err = command([str(word) for word in words], self.environment(**more), PATIENCE_S)
        result = Done(written, out.decode(), err.decode())
        assert code is None or result.code == code, f"exit code {result.code}\n{result.out}\n{result.err}"
        return result

    def screen(self, width: int, *words: str | Path) -> list[str]:
        """The lines a terminal of *width* columns shows, without colors."""
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        command = subprocess.Popen(
            [PROGRAM, *words],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:
            pass  # the other end is closed: the command has ended
        os.close(ours)
        command.wait(PATIENCE_S)
        return _STYLE.sub("", shown.decode()).replace("\r", "").split("\n")
