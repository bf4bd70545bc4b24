"""`tieout sim`: one real simulator, and what the commands show of it."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.command_line import PATIENCE_S, PROGRAM
from tieout.cli import sim, sim_views
from tieout.cli.sim_serve import clients_text, read_fault

runner = CliRunner()
Run = Callable[..., Any]


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, "sim", "serve", "--port", "0", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    process = start("--quiet", "--seed", "3", "--markets", "6", "--fault", "delay=0.001")
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def tieout_sim(url: str) -> Run:
    def run(*words: str, code: int = 0) -> Any:
        done = runner.invoke(sim.app, list(words), env={"TIEOUT_SIM_URL": url})
        assert done.exit_code == code, done.output
        return done

    return run


def test_serve_answers_and_ends_well_on_ctrl_c():
    process = start("--markets", "3", "--fault", "ws-drop=0.1")
    lines = []
    while not lines or "Ctrl-C" not in lines[-1]:  # whatever is read of stdout here, `communicate` does not give again
        lines.append(process.stdout.readline())
        assert lines[-1], process.stderr.read()
    host = next(line for line in lines if "control" in line).split("//")[1].split("/")[0]
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    connection.request("GET", "/ok")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b'"OK"')
    connection.close()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    shown = "".join(lines) + out
    for word in ("/gamma", "/data-api", "/rpc", "/ws/user", "/ws/market", "private key", "stopped after"):
        assert word in shown


def test_a_cut_answer_is_cut_on_the_network(url, tieout_sim):
    tieout_sim("fault", "on", "cut", "--count", "1", "--path", "/time")
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE_S)
    connection.request("GET", "/time")
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    connection.close()


def test_a_taken_port_is_said_in_one_sentence(url):
    port = url.rsplit(":", 1)[1]
    done = subprocess.run(
        [PROGRAM, "sim", "serve", "--port", port], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 2
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_state(tieout_sim):
    shown = tieout_sim("state").output
    assert "seed 3" in shown
    assert "delay 0.001" in shown
    assert shown.count("trading") + shown.count("paused") == 6
    assert len(json.loads(tieout_sim("state", "--json").output)["markets"]) == 6


def test_book_of_a_market_and_of_each_token(tieout_sim):
    market = json.loads(tieout_sim("state", "--json").output)["markets"][1]
    first = tieout_sim("book", str(market["number"])).output
    assert market["question"] in first.splitlines()[0]
    assert "spread" in first
    for token, outcome in zip(market["tokens"], market["outcomes"], strict=True):
        assert f"  {outcome}  " in tieout_sim("book", token).output.splitlines()[0]


def test_faults_are_switched_at_run_time(tieout_sim):
    shown = tieout_sim("fault", "on", "ws-delay", "--probability", "0.5", "--for", "60", "--set", "delay_ms=5").output
    assert "ws-delay is on: 0.5, until" in shown
    assert "ws-delay" in tieout_sim("fault", "list", "--on").output
    listed = json.loads(tieout_sim("fault", "list", "--json").output)
    assert {fault["name"]: fault["on"] for fault in listed}["ws-delay"]["settings"] == {"delay_ms": 5}
    assert "ws-delay is off; it struck" in tieout_sim("fault", "off", "ws-delay").output
    assert "ws-delay" not in tieout_sim("fault", "list", "--on").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("fault", "on", "ws-dorp"), "did you mean ws-drop?"),
        (("fault", "on", "ws-drop", "--set", "x"), "--set: expected NAME=VALUE such as delay_ms=2000, was 'x'"),
        (("fault", "on", "ws-drop", "--probability", "2"), "probability: expected more than 0 and at most 1, was 2"),
        (("book", "nope"), "market: expected a condition id, token id, slug or number of this world, was 'nope'"),
        (("state", "--url", "http://127.0.0.1:1"), "no simulator answers at http://127.0.0.1:1: start one with"),
        (("serve", "--fault", "ws-dorp"), "did you mean ws-drop?"),
        (("serve", "--fault", "ws-drop=often"), "expected a probability above 0 and at most 1, was 'often'"),
    ],
)
def test_bad_input_is_told_in_words(tieout_sim, words, told):
    assert told in " ".join(tieout_sim(*words, code=2).stderr.split())


def test_a_bad_address_is_refused(tieout_sim):
    assert "was 'ftp:'" in tieout_sim("state", "--url", "ftp:", code=2).stderr


def test_fault_options():
    assert read_fault("delay=0.25").probability == 0.25
    assert read_fault("delay").probability == 1.0
    with pytest.raises(ValueError, match="was '0'"):
        read_fault("delay=0")


def test_the_clients_text_is_python():
    compile(clients_text("http://h", "ws://h"), "text", "exec", flags=0x2000)  # top-level await


BOOK = {
    "now_ms": 1_790_000_000_000,
    "market": {"question": "Q?", "outcomes": ["Yes", "No"], "tick": 1_000, "payouts": None, "accepting_orders": True},
    "books": [{"bids": [[512_000, 5_000_000], [500_000, 7_500_000]], "asks": [[530_000, 1_000_000_000]]}],
}


def test_a_ladder_lines_up():
    lines = [line.plain for line in sim_views.ladder(BOOK, 0, 10)]
    assert lines[0].startswith("Q?  Yes  trading  tick 0.001")
    assert lines[2].split()[:3] == ["0.530", "1,000.00", "1,000.00"]
    assert lines[3] == "spread 0.018"
    assert [line.split()[:3] for line in lines[4:]] == [["0.512", "5.00", "5.00"], ["0.500", "7.50", "12.50"]]
    assert len({line.index("█") for line in lines if "█" in line}) == 1


def test_an_empty_side_is_said():
    empty = {**BOOK, "books": [{"bids": [], "asks": []}]}
    assert [line.plain for line in sim_views.ladder(empty, 0, 10)][-1] == "no orders"
