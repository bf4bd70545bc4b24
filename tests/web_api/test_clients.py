"""The two clients beside the documentation, as somebody runs them, against a desk that is served."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from store.test_log import booked
from tieout.ledger.facts import FillObserved, OutcomeTokenListed, Role, Side
from web_api.stage import TOKEN, Stage

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_S = 60
WALLET = "0x" + "a5" * 20
CONDITION = "0x" + "c5" * 32
TOKEN_ID = "5" * 76

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")


def command(
    client: str, address: str, *words: str, token: str = TOKEN, path: str = ""
) -> tuple[list[str], dict[str, str]]:
    """How *client* is run, and its environment."""
    kept = {"PATH": path or os.environ["PATH"], "TIEOUT_DESK_TOKEN": token}
    if client == "client.py":
        options = ["--desk", address, "--wallet", WALLET]
        return [sys.executable, str(EXAMPLES / client), *words, *options], kept
    return [str(EXAMPLES / client), *words], {**kept, "TIEOUT_DESK": address, "TIEOUT_WALLET": WALLET}


def ran(client: str, address: str, *words: str, code: int = 0, token: str = TOKEN, path: str = "") -> str:
    """What *client* printed when it ended with *code*; of a failure, its error."""
    typed, environment = command(client, address, *words, token=token, path=path)
    done = subprocess.run(typed, env=environment, capture_output=True, timeout=PATIENCE_S, check=False, text=True)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


@contextmanager
def running(client: str, address: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A client at work; ended at the end of the context."""
    typed, environment = command(client, address, *words)
    with subprocess.Popen(typed, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def bought(stage: Stage, number: int) -> None:
    """Book a fill of 2.5 shares."""
    facts = [
        OutcomeTokenListed(token_id=TOKEN_ID, condition_id=CONDITION, outcome_index=0),
        FillObserved(
            trade_id=f"t{number}", order_id="0x01", token_id=TOKEN_ID, condition_id=CONDITION, side=Side.BUY,
            shares=2_500_000, collateral=1_000_000, fee=0, role=Role.MAKER, status="CONFIRMED", occurred_at_ms=number,
        ),
    ]  # fmt: skip
    stage.run(booked(stage.dsn, facts, WALLET))


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with what the shell client needs, and without jq."""
    folder = tmp_path_factory.mktemp("tools")
    for name in ("bash", "env", "curl", "sed", "sleep"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


def test_the_python_client_lists_pauses_and_resumes(address: str, stage: Stage) -> None:
    bought(stage, 1)
    lines = ran("client.py", address, "positions", token="").splitlines()
    [(shares, cost)] = stage.query("SELECT shares, cost_basis FROM positions WHERE token_id = $1", TOKEN_ID)
    assert lines[1].split()[:2] == [f"{Decimal(shares) / 10**6:.6f}", f"{Decimal(cost) / 10**6:.6f}"]
    assert lines[1].split()[-1] == TOKEN_ID
    why = 'a "reason" with \\ and ü'
    assert ran("client.py", address, "pause", "--why", why) == "the whole wallet is paused\n"
    assert ran("client.py", address, "resume", "--why", why, "--who", "ann") == "the whole wallet is active\n"
    deeds = stage.query(
        "SELECT who, what, reason FROM deed JOIN wallet USING (wallet_id) WHERE address = $1 ORDER BY seq", WALLET
    )
    assert [tuple(row) for row in deeds][-2:] == [("client.py", "pause", why), ("ann", "resume", why)]
    assert "why: pause needs a reason" in ran("client.py", address, "pause", code=1)
    assert "that is not the token" in ran("client.py", address, "pause", "--why", "x", code=1, token="wrong")
    assert "out of reach" in ran("client.py", "http://127.0.0.1:1", "positions", code=2)


@pytest.mark.parametrize("client", ["client.py", pytest.param("client.sh", marks=needs_curl)])
def test_a_client_follows_what_happens(client: str, address: str, stage: Stage) -> None:
    bought(stage, 1)
    count = ["--count", "3"] if client == "client.py" else ["3"]
    with running(client, address, "follow", *count) as process:
        assert process.stdout is not None
        name, _, data = process.stdout.readline().partition(" ")
        assert (name, json.loads(data)["since"]) == ("hello", None)
        number = json.loads(data)["seq"]
        bought(stage, number + 1)
        name, _, data = process.stdout.readline().partition(" ")
        assert (name, json.loads(data)) == ("booked", {"seq": number + 1})
        if client == "client.py":
            assert process.stdout.readline().startswith(f"  {TOKEN_ID}: ")
        ran(client, address, "pause", *(["--why", "x"] if client == "client.py" else ["x"]))
        rest, errors = process.communicate(timeout=PATIENCE_S)
        assert (rest.split()[0], process.returncode, errors) == ("control", 0, "")
    ran(client, address, "resume", *(["--why", "x"] if client == "client.py" else ["x"]))


@needs_curl
def test_the_shell_client_lists_pauses_and_resumes(address: str, stage: Stage, tools: str) -> None:
    bought(stage, 1)
    plain = json.loads(ran("client.sh", address, "positions", path=tools))
    assert [each["token_id"] for each in plain["items"]] == [TOKEN_ID]
    if shutil.which("jq"):
        assert ran("client.sh", address, "positions", token="").split()[-1] == TOKEN_ID
    why = 'a "reason" with \\ and ü'
    assert json.loads(ran("client.sh", address, "pause", why, CONDITION))["changed"] is True
    assert json.loads(ran("client.sh", address, "resume", why, CONDITION, path=tools))["changed"] is True
    deeds = stage.query(
        "SELECT what, reason FROM deed JOIN wallet USING (wallet_id) WHERE address = $1 ORDER BY seq", WALLET
    )
    assert [tuple(row) for row in deeds][-2:] == [("pause", why), ("resume", why)]
    assert "knows no market" in ran("client.sh", address, "pause", "x", "0xdead", code=1)
    assert "that is not the token" in ran("client.sh", address, "pause", "x", code=1, token="wrong")
    assert "one line of words" in ran("client.sh", address, "pause", "x\ny", code=1)
    assert "client.sh positions" in ran("client.sh", address, "sell", code=2)
    assert ran("client.sh", "http://127.0.0.1:1", "positions", code=2)


def test_a_client_that_loses_its_desk_begins_again(stage: Stage) -> None:
    bought(stage, 1)
    address = stage.serve()
    with running("client.py", address, "follow") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("hello")
        stage.stop(address)
        assert process.stderr.readline().startswith("the stream broke")
        assert stage.serve(port=int(address.rpartition(":")[2])) == address
        assert '"since": ' in process.stdout.readline()
