"""`tieout alerts` as a person types it: who is told, whether a test arrives, and no address anywhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.command_line import CommandLine, Done
from tieout.cli.main import app_of

PLANTED = "planted-key-123"
WALLET = "0x" + "ab" * 20


class _Receiver(BaseHTTPRequestHandler):
    heard: list[Any]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.heard.append((self.path, body))
        self.send_response(500 if "refused" in self.path else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Any]]]:
    heard: list[Any] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Receiver", (_Receiver,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"127.0.0.1:{server.server_port}", heard
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def config(receiver: tuple[str, list[Any]], tmp_path: Path) -> Path:
    secret = tmp_path / "phone.url"
    secret.write_text(f"json://{receiver[0]}/{PLANTED}\n")
    secret.chmod(0o600)
    path = tmp_path / "tieout.toml"
    path.write_text(
        f'[account]\nwallet = "{WALLET}"\nsignature_type = 0\n[alerts]\nquiet = "00:00-23:59"\nquiet_zone = "UTC"\n'
        '[[alerts.to]]\nname = "phone"\nurl_file = "phone.url"\nonly_types = ["HALTED"]\nquiet_below = "ERROR"\n'
        '[[alerts.to]]\nname = "mail"\nquiet = ""\nonly_markets = ["will-it-rain"]\n'
        '[[alerts.to]]\nname = "room"\nvia = "webhook"\nseverity = "CRITICAL"\n'
    )
    return path


def typed(*words: str | Path, code: int = 0, **variables: str) -> Done:
    """The command in this process: an import of all of tieout for each would take longer than the tests."""
    line = [str(word) for word in words]
    ended = CliRunner().invoke(app_of(line), line, env=variables)
    assert ended.exit_code == code, ended.output
    done = Done(ended.exit_code, ended.stdout, ended.stderr)
    assert PLANTED not in done.out + done.err
    return done


def test_a_test_says_what_became_of_it_at_each_destination(receiver: tuple[str, list[Any]], config: Path) -> None:
    place, heard = receiver
    variables = {
        "TIEOUT_ALERT_MAIL": f"json://{place}/refused/{PLANTED}",
        "TIEOUT_ALERT_ROOM": f"http://{place}/{PLANTED}",
    }
    one = typed("alerts", "test", "--config", config, "--to", "phone", **variables)
    assert "phone        delivered" in one.out
    (path, body) = heard.pop()
    assert path == f"/{PLANTED}"
    assert body["title"] == "TEST: an alert that means nothing"
    done = typed("alerts", "test", "--config", config, "--json", code=1, **variables)
    rows = {row["name"]: row for row in done.json["destinations"]}
    assert {name: row["delivered"] for name, row in rows.items()} == {"phone": True, "mail": False, "room": True}
    assert done.json["holds"] is False
    assert "error=500" in rows["mail"]["problem"]
    assert sorted(body.get("type") for _, body in heard) == ["TEST", "info", "info"]
    shown = typed("alerts", "test", "--config", config, "--to", "mail", code=1, **variables)
    assert "Not all are reached. 1 destination, 1 not delivered." in shown.out


def test_a_process_of_its_own_ends_as_soon_as_it_knows(
    receiver: tuple[str, list[Any]], config: Path, tmp_path: Path
) -> None:
    variables = {"TIEOUT_ALERT_MAIL": f"json://{receiver[0]}/refused/{PLANTED}", "TIEOUT_ALERT_ROOM": "https://h/x"}
    names = ("--to", "mail", "--to", "phone")
    done = CommandLine(tmp_path)("alerts", "test", "--config", config, *names, code=1, **variables)
    assert "Not all are reached. 2 destinations, 1 not delivered." in done.out
    assert PLANTED not in done.out + done.err


def test_the_list_shows_everything_but_the_addresses(config: Path) -> None:
    variables = {"TIEOUT_ALERT_MAIL": f"mailto://{PLANTED}@host", "TIEOUT_ALERT_ROOM": f"https://h/{PLANTED}"}
    done = typed("alerts", "list", "--config", config, **variables)
    for words in (
        "apprise mailto",
        "TIEOUT_ALERT_MAIL",
        "phone.url",
        "00:00-23:59 UTC but ERROR",
        "issues from ERROR; only HALTED",
        "issues from ERROR; only in will-it-rain",
        "everything from CRITICAL",
        "3 destinations; of one type and market one alert in 600 s",
    ):
        assert words in done.out
    phone, mail, room = typed("alerts", "list", "--config", config, "--json", **variables).json["destinations"]
    assert (phone["quiet"]["hours"], phone["quiet"]["zone"], phone["quiet"]["below"]) == ("00:00-23:59", "UTC", "ERROR")
    assert (phone["only_types"], phone["issues_from"], phone["all_from"]) == (["HALTED"], "ERROR", "INFO")
    assert (mail["quiet"], mail["service"], mail["group_ms"]) == (None, "mailto", 30_000)
    assert (room["via"], room["group_ms"], room["all_from"]) == ("webhook", 0, "CRITICAL")


def test_nobody_to_tell_and_names_that_are_none(config: Path) -> None:
    variables = {"TIEOUT_ALERT_MAIL": "mailto://x@h", "TIEOUT_ALERT_ROOM": "https://h/x"}
    unknown = typed("alerts", "test", "--config", config, "--to", "fax", code=2, **variables)
    assert "--to: expected one of phone, mail, room, was 'fax'" in unknown.err
    config.write_text(f'[account]\nwallet = "{WALLET}"\nsignature_type = 0\n')
    assert "names nobody to tell" in typed("alerts", "test", "--config", config, code=2).err
    assert "Nobody is told." in typed("alerts", "list", "--config", config).out
