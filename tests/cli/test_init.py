"""`tieout init` as a person runs it: a file that the next command takes, written once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command_line import PATIENCE_S, PROGRAM, CommandLine
from cli.worker_venue import served
from tieout.app.config_reading import read_config


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, str]]:
    with served("--human", "--another-bot") as said:
        yield said


def test_the_file_works_and_is_not_written_over(tieout: CommandLine, venue: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "tieout.toml"
    words = ("init", path, "--wallet", venue["address"], "--base-url", venue["CLOB"], "--markets", "3")
    done = tieout(*words)
    for told in ("EOA", "history", "3 suggested", "tieout doctor --config", "tieout run --live"):
        assert told in done.out
    config = read_config(path, {})
    assert (config.wallet, config.signature_type) == (venue["address"], 0)
    assert config.endpoints.clob == venue["CLOB"]
    assert len(config.selection.markets) == 3
    assert config.first_block is not None
    again = tieout(*words, code=2)
    assert "not written over" in again.err
    path.write_text("mine")
    tieout(*words, "--force")
    assert path.read_text() != "mine"
    checked = tieout("doctor", "--config", path, "--json", code=None, TIEOUT_PRIVATE_KEY=venue["private key"]).json
    assert {row["check"]: row["text"] for row in checked["checks"] if row["state"] in ("FAIL", "UNKNOWN")} == {}


def test_the_key_at_hand_tells_the_kind_for_certain(tieout: CommandLine, venue: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    words = ("init", path, "--wallet", venue["deposit wallet"], "--base-url", venue["CLOB"], "--markets", "0")
    done = tieout(*words, TIEOUT_PRIVATE_KEY=venue["private key"])
    assert read_config(path, {}).signature_type == 3
    assert venue["private key"].removeprefix("0x") not in done.out + done.err + path.read_text()


def test_what_cannot_be_found_out_is_said_and_not_made_up(tieout: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "alone.toml"
    words = ("init", path, "--wallet", "0x" + "7" * 40, "--base-url", "http://127.0.0.1:9")
    refused = tieout(*words, code=2)
    assert "--signature-type" in refused.err
    assert not path.exists()
    done = tieout(*words, "--signature-type", "1")
    assert "not known" in done.out
    config = read_config(path, {})
    assert (config.signature_type, config.first_block, config.selection.markets) == (1, None, ())


def test_without_a_terminal_nothing_is_asked(tieout: CommandLine, tmp_path: Path) -> None:
    assert "--wallet" in tieout("init", tmp_path / "x.toml", code=2).err
    wrong = tieout("init", tmp_path / "x.toml", "--wallet", "0x12", code=2)
    assert "0x and 40 hex digits" in " ".join(wrong.err.split())


def test_on_a_terminal_it_asks(tieout: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "asked.toml"
    ours, theirs = os.openpty()
    command = subprocess.Popen(
        [PROGRAM, "init", path, "--base-url", "http://127.0.0.1:9"],
        env=tieout.environment(),
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.write(ours, f"0x12\n0x{'7' * 40}\n9\n2\n".encode())
    assert command.wait(PATIENCE_S) == 0
    os.close(ours)
    config = read_config(path, {})
    assert (config.wallet, config.signature_type) == ("0x" + "7" * 40, 2), "what was wrong was asked again"
