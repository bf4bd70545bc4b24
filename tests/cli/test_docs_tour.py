"""The tour of the documentation, typed as it stands there: one demo, and every command beside it."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.command_line import PATIENCE_S, PROGRAM

ROOT = Path(__file__).parents[2]
SET = ("PATH", "TIEOUT_HOME", "WALLET", "SIM", "FILL")
"""What a reader of the tour sets from what he sees."""

DEMO = "make demo"
"""What is typed in the first terminal."""

EXPECTED = {
    "tieout books": "collateral",
    "tieout explain": "How we know",
    "tieout pause": "is now paused",
    "tieout resume": "is now active",
    "tieout issues": "POSITION_DRIFT  CORRECTED",
    "tieout replay": "byte for byte",
    "tieout audit": "The books tie out",
    "TIEOUT_HOME=$PWD/audit-home tieout audit": "The books tie out",
}


def typed() -> list[str]:
    """The lines of every shell block of the tour, in order."""
    text = (ROOT / "docs/tour.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


class Demo:
    """`tieout demo` in a pipe."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.shown = ""

    def until(self, pattern: str) -> re.Match[str]:
        """The first match in what it shows, has shown, or will."""
        assert self.process.stdout is not None
        while not (found := re.search(pattern, self.shown)):
            line = self.process.stdout.readline()
            assert line, f"ended without {pattern!r}: {self.shown}"
            self.shown += line
        return found


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    """Running, with everything it keeps below *folder*."""
    env = {**os.environ, "TMPDIR": str(folder), "TIEOUT_PG_LINGER_S": "0.3"}
    with subprocess.Popen(
        [PROGRAM, "demo", "--markets", "2", "--minutes", "5"],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(PATIENCE_S, process.kill)
        watchdog.start()
        try:
            yield Demo(process)
        finally:
            watchdog.cancel()
            process.kill()


def test_every_command_of_the_tour_does_what_it_says(tmp_path: Path) -> None:
    lines = [line for line in typed() if line != DEMO]
    env = {
        **os.environ,
        "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
        "COLUMNS": "200",
        "TIEOUT_PG_LINGER_S": "0.3",
    }
    assert [
        line for line in lines if not re.match(rf"(tieout|TIEOUT_HOME=\S+ tieout|export ({'|'.join(SET)})=)", line)
    ] == []
    with demo(tmp_path) as running:
        env["SIM"] = running.until(r"simulated Polymarket +(http\S+)")[1]
        env["TIEOUT_HOME"] = running.until(r"TIEOUT_HOME=(\S+)")[1]
        env["WALLET"] = running.until(r"fills --wallet (\S+)")[1]
        running.until(r"TIES OUT .* [1-9][\d,]* fills?, ")
        seen: dict[str, str] = {}
        for line in lines:
            if line.startswith("export "):
                continue
            if line.startswith("tieout issues"):
                running.until("POSITION_DRIFT CORRECTED")
            if line.startswith("tieout explain"):
                env["FILL"] = next(reversed(re.findall(r"\S+…\S+$", seen["tieout fills"], re.MULTILINE)))
            done = subprocess.run(
                ["bash", "-c", line],
                env=env,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            assert (done.returncode, done.stderr) == (0, ""), (line, done.stdout, done.stderr)
            name = " ".join(line.split()[: 3 if "=" in line.split()[0] else 2])
            seen[name] = done.stdout
            assert EXPECTED.get(name, "") in done.stdout, line
        assert EXPECTED.keys() <= seen.keys()
        running.until("paused by me: a look")


def test_what_the_tour_makes_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "docs/tour.md").read_text(encoding="utf-8")))
    assert named == {"demo", "demo-books"}
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)
