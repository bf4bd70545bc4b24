"""The container: its build has what it copies and nothing else, it is not root, and what it starts is a command."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tieout.cli.main import app_of

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "ops" / "container"
UNITS = ROOT / "ops" / "systemd"


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Containerfile, lines that go on put together."""
    text = re.sub(r"^\s*#.*\n", "", (CONTAINER / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines if line.strip())]


def copied() -> list[str]:
    """What is copied from the project, below its root."""
    found = [shlex.split(rest) for name, rest in instructions() if name == "COPY" and "--from=" not in rest]
    return [source for words in found for source in words[:-1]]


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    return read


def own_services() -> dict[str, dict[str, Any]]:
    return {name: each for name, each in compose()["services"].items() if each["image"] == "tieout"}


def seconds(text: str) -> int:
    """A time of compose: "4m", "30s"."""
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


def test_the_last_stage_is_not_root_and_starts_what_the_project_installs() -> None:
    told = instructions()
    last = told[max(place for place, (name, _) in enumerate(told) if name == "FROM") :]
    said = dict(last)
    uid, _, gid = said["USER"].partition(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert f"--uid {uid}" in said["RUN"]
    (program,) = json.loads(said["ENTRYPOINT"])
    assert program == "/opt/tieout/bin/tieout"
    assert 'tieout = "tieout.cli.main:main"' in (ROOT / "pyproject.toml").read_text()
    assert said["STOPSIGNAL"] == "SIGINT"
    assert said["VOLUME"] == "/var/lib/tieout"
    assert "TIEOUT_HOME=/var/lib/tieout" in said["ENV"]
    assert [name for name, _ in last if name in ("ADD", "ARG")] == []


def test_everything_is_installed_by_its_hash() -> None:
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert "--require-hashes --no-deps -r requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation ." in installs[1]


def test_what_is_copied_is_there_and_is_let_through() -> None:
    sources = copied()
    assert "requirements.lock" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    for name in ("Containerfile.containerignore", "Containerfile.dockerignore"):
        lines = [line for line in (CONTAINER / name).read_text().splitlines() if line and not line.startswith("#")]
        assert lines[0] == "*", "nothing is seen but what is named: no key that lies about, no database"
        assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(sources)


def test_what_is_copied_is_enough_to_build(tmp_path: Path) -> None:
    """The step of the build that needs no network, with the files it would have."""
    for source in copied():
        place = tmp_path / "src-tree" / source
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, place)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "-w", tmp_path / "dist", tmp_path / "src-tree"],
        check=True,
        timeout=120,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    kept = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert kept - names == set(), "a file of the package is not in the wheel"


def test_what_is_taken_away_is_not_imported() -> None:
    done = subprocess.run(
        [sys.executable, CONTAINER / "spare.py"], capture_output=True, text=True, check=True, timeout=60
    )
    spare = set(done.stdout.split())
    assert {"pytest", "mypy", "ruff", "playwright", "mkdocs"} <= spare
    where = packages_distributions()
    imported: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    used = {name.lower().replace("_", "-") for module in imported for name in where.get(module, ())}
    assert "asyncpg" in used
    assert used & spare == set()


@pytest.mark.parametrize("name", own_services())
def test_what_a_service_starts_is_a_command_with_such_options(name: str) -> None:
    words = list(own_services()[name]["command"])
    command: Any = typer.main.get_command(app_of(words))
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_a_service_may_do_little_and_has_time_to_end() -> None:
    services = own_services()
    assert sorted(services) == ["desk", "worker"]
    for each in services.values():
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
        assert (each["read_only"], each["init"], each["stop_signal"]) == (True, True, "SIGINT")
        assert each["depends_on"]["postgres"]["condition"] == "service_healthy"
        assert (CONTAINER / each["build"]["context"]).resolve() == ROOT
        assert (ROOT / each["build"]["dockerfile"]).is_file()
    unit = (UNITS / "tieout@.service").read_text()
    within = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert within is not None
    assert seconds(services["worker"]["stop_grace_period"]) >= int(within[1])
    assert services["desk"]["ports"] == ["127.0.0.1:8321:8321"]


def test_secrets_are_files_and_nothing_else() -> None:
    whole = compose()
    named = {secret for each in whole["services"].values() for secret in each.get("secrets", ())}
    assert named == whole["secrets"].keys()
    assert all(list(secret) == ["file"] for secret in whole["secrets"].values())
    for name, each in whole["services"].items():
        for variable, value in each.get("environment", {}).items():
            assert not re.search(r"://[^@/]*:[^@/]*@", value), f"{name}: a password in {variable}"
            if re.search("KEY|PASSWORD|PASS|TOKEN", variable):
                assert value.startswith("/run/secrets/"), variable
                assert value.removeprefix("/run/secrets/") in each["secrets"]
        for word in each.get("command", ()):
            if word.startswith("/run/secrets/"):
                assert word.removeprefix("/run/secrets/") in each["secrets"]


def test_volumes_that_are_named_exist_and_the_database_is_kept() -> None:
    whole = compose()
    for name, each in whole["services"].items():
        for volume in each.get("volumes", ()):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in whole["volumes"], (name, volume)
    assert "database:/var/lib/postgresql/data" in whole["services"]["postgres"]["volumes"]
