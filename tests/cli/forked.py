"""Commands in processes that have loaded tieout already: forked by a process that did nothing else.

The process, its environment, its output and its exit code are those of the installed program; what is saved is the
second that an interpreter takes to load everything, some hundreds of times. Run as a program this is what forks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Timer
from typing import Any

_turn = Lock()
_server: subprocess.Popen[str] | None = None


def command(words: Sequence[str], environment: Mapping[str, str], patience_s: float) -> tuple[int, bytes, bytes]:
    """(exit code, output, errors) of `tieout` with *words*. A command that takes longer is killed and fails."""
    with TemporaryDirectory() as place, _turn:
        asked = {"words": list(words), "environment": dict(environment), "place": place, "folder": str(Path.cwd())}
        server = _forking()
        timer = Timer(patience_s, server.kill)
        timer.start()
        try:
            server.stdin.write(json.dumps(asked) + "\n")
            server.stdin.flush()
            code = server.stdout.readline()
        finally:
            timer.cancel()
        assert code, f"tieout {' '.join(words)} took longer than {patience_s:.0f} s"
        return int(code), Path(place, "out").read_bytes(), Path(place, "err").read_bytes()


def _forking() -> Any:
    global _server
    if _server is None or _server.poll() is not None:
        _server = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return _server


def _serve() -> None:
    """Fork for every line, until there are no more."""
    from tieout.cli.main import COMMANDS

    for module in {name.partition(":")[0] for name in COMMANDS.values()} - {"demo", "sim"}:
        import_module(f"tieout.cli.{module}")
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(**asked)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(words: list[str], environment: dict[str, str], place: str, folder: str) -> None:
    """In the child: the program, to its end."""
    from tieout.cli.main import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for name, number in ((os.devnull, 0), (f"{place}/out", 1), (f"{place}/err", 2)):
        handle = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(handle, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["tieout", *words]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:  # noqa: BLE001 - the interpreter would show it, too
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
