"""`tieout watch`, as a person runs it against a simulated Polymarket that is served by another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FIRST_BLOCK = "0"
"""Before the first block of any chain."""


@pytest.fixture
def venue() -> Iterator[dict[str, str]]:
    """A served venue with company for its account: what it printed, by name."""
    words = ["sim", "serve", "--port", "0", "--seed", "5", "--markets", "4", "--another-bot", "--human"]
    command = [sys.executable, "-m", "tieout", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said: dict[str, str] = {}
        for line in server.stdout:
            name, _, value = line.strip().partition("  ")
            said[name] = value.strip()
            if name == "passphrase":
                break
        yield said
        server.send_signal(signal.SIGINT)
        server.stdout.read()


def tieout(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tieout", *words],
        env=os.environ | {"TIEOUT_HOME": str(home), "COLUMNS": "110"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_wallet_is_read_from_its_first_block_and_ties_out(venue, tmp_path):
    wallet, node = venue["address"], venue["node"]
    unknown = tieout(tmp_path, "watch", wallet, "--node", node, "--once")
    assert (unknown.returncode, "--from-block" in unknown.stderr) == (2, True)
    shown = tieout(tmp_path, "watch", wallet, "--node", node, "--from-block", FIRST_BLOCK, "--once")
    assert shown.returncode == 0, shown.stderr
    assert "TIES OUT" in shown.stdout
    again = tieout(tmp_path, "watch", wallet, "--node", node, "--json")
    answer = json.loads(again.stdout)
    assert (again.returncode, answer["ties_out"], answer["differences"]) == (0, True, [])
    assert answer["block"]["number"] > int(FIRST_BLOCK)


def test_a_node_that_is_not_there_is_no_drift(tmp_path):
    wallet = "0x" + "7" * 40
    shown = tieout(tmp_path, "watch", wallet, "--node", "http://127.0.0.1:9", "--from-block", "1", "--once")
    assert shown.returncode == 2
    assert "CANNOT TELL" in shown.stdout


def test_a_wallet_that_is_none_is_refused(tmp_path):
    shown = tieout(tmp_path, "watch", "0x12", "--once")
    assert (shown.returncode, "expected a wallet address" in shown.stderr) == (2, True)
