"""`tieout run` as a person runs it, against a simulated Polymarket that another process serves."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.command_line import PATIENCE_S, PROGRAM, CommandLine
from cli.worker_venue import served

_seeds = itertools.count(101)


@pytest.fixture
def venue() -> Iterator[dict[str, str]]:
    """With a wallet of its own: the database is shared, and tests come in any order."""
    with served(seed=next(_seeds)) as said:
        yield said


@pytest.fixture
def config(venue: dict[str, str], tmp_path: Path) -> Path:
    return written(venue, tmp_path)


def written(venue: dict[str, str], tmp_path: Path) -> Path:
    """A configuration for the account of *venue*, with its key in a file."""
    path = tmp_path / "tieout.toml"
    key = tmp_path / "key"
    key.write_text(venue["private key"])
    key.chmod(0o600)
    path.write_text(
        f'[account]\nwallet = "{venue["address"]}"\nsignature_type = 0\nprivate_key_file = "key"\nfirst_block = 0\n'
        f'[venue]\nbase_url = "{venue["CLOB"]}"\n[markets]\ncount = 2\n[quoting]\nmin_time_to_resolution_ms = 0\n'
        "[jobs]\nmarket_making = 1_000\nposition_sync = 2_000\norder_sync = 5_000\n"
    )
    return path


class Running:
    """A worker in another process: its lines as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def until(self, words: str) -> str:
        """The next line with *words* in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"ended without {words!r}\n{''.join(self.lines)}\n{self.error}")

    @property
    def error(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def ended(self) -> int:
        """Its exit code, when it has ended; what it said is in `lines`."""
        assert self.process.stdout is not None
        self.lines += list(self.process.stdout)
        return self.process.wait(PATIENCE_S)

    @property
    def text(self) -> str:
        return "".join(self.lines)


@contextmanager
def worker(tieout: CommandLine, config: Path, *words: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [PROGRAM, "run", "--config", str(config), *words],
        env=tieout.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(3 * PATIENCE_S, process.kill)
    watchdog.start()
    try:
        yield Running(process)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def test_a_dry_run_says_so_and_sends_nothing(tieout: CommandLine, venue: dict[str, str], config: Path) -> None:
    wallet = venue["address"]
    with worker(tieout, config) as dry:
        assert "nothing is sent" in dry.until("DRY RUN")
        dry.until("TIES OUT")
        while not tieout("quotes", "--wallet", wallet, "--json").json:
            dry.until("  ")
        dry.process.send_signal(signal.SIGTERM)
        code = dry.ended()
        assert (code, "it was a dry run, nothing was sent" in dry.text) == (0, True), dry.text + dry.error
    quotes = tieout("quotes", "--wallet", wallet, "--json").json
    assert quotes
    assert all(quote["dry"] for quote in quotes)
    assert tieout("orders", "--wallet", wallet, "--all", "--json").json == []


def test_D1_live_it_holds_the_wallet_and_leaves_nothing_open(
    tieout: CommandLine, venue: dict[str, str], config: Path
) -> None:
    wallet = venue["address"]
    with worker(tieout, config, "--live") as live:
        live.until("LIVE")
        live.until("TIES OUT")
        while not [o for o in tieout("orders", "--wallet", wallet, "--json").json if o["state"] == "live"]:
            live.until("  ")
        second = tieout("run", "--config", config, code=2)
        assert "is being written by" in second.err
        assert "--take-over" in second.err
        tieout("pause", "--wallet", wallet, "--why", "a look at the books", "--who", "ann", "--yes")
        assert "the whole wallet: paused by ann: a look at the books" in live.until("paused by ann")
        tieout("resume", "--wallet", wallet, "--why", "all is well", "--who", "ann", "--yes")
        live.until("the whole wallet: active again")
        live.process.send_signal(signal.SIGINT)
        code = live.ended()
        assert (code, "nothing is left open" in live.text) == (0, True), live.text + live.error
    orders = tieout("orders", "--wallet", wallet, "--all", "--json").json
    assert orders
    assert {order["state"] for order in orders} <= {"closed", "rejected"}
    assert venue["private key"].removeprefix("0x") not in live.text


def test_a_second_signal_does_not_give_the_cancels_up_and_a_third_says_what_is_left(
    tieout: CommandLine, tmp_path: Path
) -> None:
    with served(seed=next(_seeds)) as said:
        config = written(said, tmp_path)
        with worker(tieout, config, "--live") as live:
            live.until("TIES OUT")
            while not [o for o in tieout("orders", "--wallet", said["address"], "--json").json if o["state"] == "live"]:
                live.until("  ")
            os.kill(int(said["pid"]), signal.SIGSTOP)
            try:
                live.process.send_signal(signal.SIGINT)
                live.until("every order is being cancelled")
                live.process.send_signal(signal.SIGINT)
                live.until("still cancelling; one more Ctrl-C gives that up")
                live.process.send_signal(signal.SIGINT)
                assert "may rest at the venue" in live.until("GIVEN UP")
                assert live.ended() == 1
            finally:
                os.kill(int(said["pid"]), signal.SIGCONT)


def test_what_is_missing_is_told_in_one_sentence(tieout: CommandLine, config: Path, tmp_path: Path) -> None:
    absent = tieout("run", "--config", tmp_path / "absent.toml", code=2)
    assert "`tieout init` makes one" in absent.err
    (config.parent / "key").unlink()
    keyless = tieout("run", "--config", config, code=2)
    assert "cannot be read" in keyless.err
    for done in (absent, keyless):
        assert "Traceback" not in done.err


def test_a_venue_that_is_not_there_is_waited_for(tieout: CommandLine, config: Path) -> None:
    text = config.read_text()
    config.write_text(text.replace(text.partition('base_url = "')[2].partition('"')[0], "http://127.0.0.1:9"))
    with worker(tieout, config, "--live") as waiting:
        waiting.until("CATCHING UP")
        assert "unreachable" in waiting.until("unreachable")
        os.kill(waiting.process.pid, signal.SIGINT)
        code = waiting.ended()
        assert code == 2, waiting.text
        assert "CATCHING UP" in waiting.text
