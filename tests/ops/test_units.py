"""The units of systemd: what they run exists, what they may do is little, and their ends are those of the programs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from tieout.app.backing import name_at
from tieout.app.stopping import RETRY_MS, TRIES
from tieout.cli.main import app_of
from tieout.cli.output import CANNOT_TELL, DOES_NOT

UNITS = Path(__file__).parents[2] / "ops" / "systemd"
SERVICES = ("tieout@.service", "tieout-desk.service", "tieout-backup.service")

HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectProc": "invisible",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "CapabilityBoundingSet": "",
    "RestrictSUIDSGID": "yes",
    "RestrictNamespaces": "yes",
    "SystemCallFilter": "@system-service",
    "UMask": "0077",
    "LimitCORE": "0",
    "User": "tieout",
    "KillMode": "process",
}

Unit = dict[str, list[str]]


def read(name: str) -> Unit:
    """The settings of a unit, each with its values in their order. Comments stand on lines of their own."""
    found: Unit = {}
    section = ""
    for line in (UNITS / name).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line
            continue
        assert section, line
        key, mark, value = line.partition("=")
        assert mark, line
        assert not re.search(r"\s#", value), f"systemd takes that for a part of the value: {line}"
        found.setdefault(key, []).append(value)
    return found


def seconds(unit: Unit, name: str) -> int:
    return int(unit[name][0])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(name: str) -> None:
    unit = read(name)
    assert {key: unit[key][-1] for key in HARDENED} == HARDENED
    assert "TIEOUT_HOME=%S/tieout" in unit["Environment"], "what it writes is under its StateDirectory"
    assert "tieout" in unit["StateDirectory"][0].split()
    assert not any("PRIVATE_KEY=" in line or "TOKEN=" in line for line in unit["Environment"])


def test_secrets_come_as_credentials() -> None:
    worker, desk = read("tieout@.service"), read("tieout-desk.service")
    assert worker["LoadCredential"] == ["key:/etc/tieout/%i.key"]
    assert "TIEOUT_PRIVATE_KEY_FILE=%d/key" in worker["Environment"]
    assert desk["LoadCredential"] == ["token:/etc/tieout/desk.token"]
    assert "--token-file %d/token" in desk["ExecStart"][0]


def test_the_worker_ends_by_a_sigint_in_time_to_cancel_and_is_started_again_only_when_that_helps() -> None:
    unit = read("tieout@.service")
    assert unit["KillSignal"] == ["SIGINT"]
    waits_ms = sum(RETRY_MS << attempt for attempt in range(TRIES - 1))
    assert seconds(unit, "TimeoutStopSec") * 1_000 > 2 * waits_ms
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == [str(DOES_NOT)]
    assert str(CANNOT_TELL) not in unit["RestartPreventExitStatus"][0]
    # Tries that come this far apart must be able to be too many.
    assert seconds(unit, "RestartSec") * seconds(unit, "StartLimitBurst") < seconds(unit, "StartLimitIntervalSec")


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_runs_is_a_command_with_such_options(name: str) -> None:
    program, *words = shlex.split(read(name)["ExecStart"][0])
    assert program == "/opt/tieout/bin/tieout"
    command: Any = typer.main.get_command(app_of(words))
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    used = {word for word in words if word.startswith("--")}
    assert used
    assert used <= options, used - options


def test_the_timer_starts_the_backup_and_the_directory_is_its_own() -> None:
    timer, service = read("tieout-backup.timer"), read("tieout-backup.service")
    assert timer["Persistent"] == ["yes"]
    assert "%S/tieout/backups --keep 14" in service["ExecStart"][0]
    assert "tieout/backups" in service["StateDirectory"][0].split()
    assert "Restart" not in service
    assert name_at(0).startswith("tieout-")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    names = [path.name for path in UNITS.iterdir() if path.suffix in (".service", ".timer")]
    for name in names:
        text = (UNITS / name).read_text().replace("/opt/tieout/bin/tieout", sys.executable)
        (tmp_path / name).write_text(text)
    units = [tmp_path / name.replace("@", "@main") for name in names]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
