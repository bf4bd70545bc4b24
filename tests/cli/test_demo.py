"""`tieout demo`: the whole of it with faults, its keys on a terminal, and its parts."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cli.command_line import PATIENCE_S, PROGRAM, CommandLine
from tieout.cli.demo_faults import LABELS, Menu, Thrower, count_of
from tieout.cli.keyboard import keys
from tieout.sim.faults.kinds import KINDS
from tieout.sim.scenario import Options, build

_STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def test_a_worker_with_three_faults_ties_out_with_the_venues_own_truth(tieout: CommandLine) -> None:
    faults = ("ws-drop", "reorg", "human-transfer")
    words = [word for name in faults for word in ("--fault", name)]
    done = subprocess.run(
        [PROGRAM, "demo", "--minutes", "0.1", "--each", "4", "--markets", "4", "--no-view", *words],
        env=tieout.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "0 differences, 0 orders left" in done.stdout
    fills = re.search(r"fills +([\d,]+), the first after", done.stdout)
    assert fills is not None
    assert int(fills[1].replace(",", "")) > 0
    struck = next(line for line in done.stdout.splitlines() if line.startswith("  faults "))
    for name in faults:
        assert f"{name} ×" in struck


def test_a_fault_that_is_none_is_refused_with_the_nearest(tieout: CommandLine) -> None:
    done = tieout("demo", "--fault", "ws-dorp", code=2)
    assert "did you mean ws-drop?" in " ".join(done.err.replace("│", " ").split())


class Terminal:
    """The demo on a terminal of 24 rows and 80 columns: what it showed, and keys for it."""

    def __init__(self, ours: int, process: subprocess.Popen[bytes]) -> None:
        self.ours = ours
        self.process = process

    def until(self, words: str) -> str:
        """What is shown from now on, without colors, to the first *words*."""
        raw = b""
        while words not in (shown := _STYLE.sub("", raw.decode("utf-8", "replace"))):
            if select.select([self.ours], [], [], 1.0)[0]:
                raw += os.read(self.ours, 65_536)
            else:
                assert self.process.poll() is None, f"ended without {words!r}: {shown[-3_000:]}"
        return shown

    def press(self, key: str) -> None:
        os.write(self.ours, key.encode())


@contextmanager
def terminal(tieout: CommandLine) -> Iterator[tuple[Terminal, int]]:
    """The demo, and the other end of its terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [PROGRAM, "demo", "--markets", "3"], env=tieout.environment(), stdin=theirs, stdout=theirs, stderr=theirs
    )
    watchdog = threading.Timer(4 * PATIENCE_S, process.kill)
    watchdog.start()
    try:
        yield Terminal(ours, process), theirs
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_keys_throw_faults_pause_and_end_and_the_terminal_is_put_back(tieout: CommandLine) -> None:
    with terminal(tieout) as (screen, theirs):
        before = termios.tcgetattr(theirs)
        screen.until("TIES OUT")
        assert termios.tcgetattr(theirs) != before
        screen.press("f")
        screen.until("throw in a fault: where?")
        screen.press("4")
        screen.until("messages come twice")
        screen.press("3")
        screen.until("ws-duplicate 1")
        screen.press("p")
        screen.until("paused by demo: by key")
        screen.press("p")
        screen.until("quoting")
        screen.press("q")
        screen.until("ending: no new quotes")
        text = screen.until("0 orders left")
        assert screen.process.wait(PATIENCE_S) == 0
        assert "ws-duplicate ×" in text
        assert termios.tcgetattr(theirs) == before


def test_the_terminal_is_put_back_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    pressed: list[str] = []

    async def work() -> None:
        done = asyncio.Event()

        def press(key: str) -> None:
            pressed.append(key)
            if key == "q":
                done.set()

        with keys(press):
            assert termios.tcgetattr(theirs) != before
            os.write(ours, b"f\x1b[A")
            os.write(ours, b"q")
            async with asyncio.timeout(PATIENCE_S):
                await done.wait()
            raise ZeroDivisionError

    with os.fdopen(os.dup(theirs)) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(ZeroDivisionError):
            asyncio.run(work())
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)
    assert pressed == ["f", "q"]


def test_every_fault_has_its_keys() -> None:
    picked = []
    for first in LABELS:
        for second in LABELS:
            menu = Menu()
            menu.open()
            assert menu.press(first) is None
            if menu.is_open and (name := menu.press(second)):
                picked.append(name)
                assert not menu.is_open
                assert menu.lines() == ()
    assert sorted(picked) == sorted(KINDS)


def test_a_key_without_a_line_goes_one_step_back() -> None:
    menu = Menu()
    menu.open()
    places = [line.plain for line in menu.lines()]
    menu.press("4")
    assert "ws-drop" in menu.lines()[1].plain
    menu.press("\x1b")
    assert [line.plain for line in menu.lines()] == places
    menu.press("\x1b")
    assert not menu.is_open


def test_faults_of_a_row_come_one_after_the_other_and_end() -> None:
    world = (scenario := build(Options(markets=1, intensity=0, warm_up_ms=0))).world
    thrower = Thrower(scenario.faults, scenario.accounts[0].address, lambda: world.scheduler.now_ms, 5_000)
    thrower.line_up(["delay", "ws-drop"])
    seen = []
    for _ in range(12):
        thrower.tick()
        seen.append([switch.kind.name for switch in thrower.on])
        world.scheduler.run_for(1_000)
    assert seen == [["delay"]] * 5 + [["ws-drop"]] * 5 + [[]] * 2
    assert thrower.is_idle
    thrower.throw("outage")
    thrower.line_up(KINDS)
    thrower.stop()
    thrower.tick()
    assert thrower.on == []


@pytest.mark.parametrize("name", ["reorg", "human-split", "sweep", "phantom-match", "market-resolved"])
def test_what_is_one_event_happens_once(name: str) -> None:
    assert count_of(KINDS[name]) == 1


def test_what_strikes_messages_strikes_as_long_as_it_is_on() -> None:
    assert count_of(KINDS["ws-delay"]) is None
