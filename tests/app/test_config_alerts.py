"""`[alerts]` and `[[alerts.to]]`: who is told, by what the file, the environment and files of secrets say."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tieout.app.alert_settings import AlertSettings, Destination, Rules, Via
from tieout.app.config_reading import ConfigError, read_config
from tieout.app.quiet_hours import Quiet
from tieout.store.runs import Severity

ACCOUNT = f'[account]\nwallet = "0x{"ab" * 20}"\nsignature_type = 0\n'
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Quiet(22 * 60, 7 * 60 + 30, BERLIN)

FULL = """
[alerts]
webhook = "https://b.example/planted/"
severity = "WARN"
group_ms = 5_000
retry_ms = 0
quiet = "22:00-07:30"
quiet_zone = "Europe/Berlin"
desk_url = "https://desk.example/"

[[alerts.to]]
name = "phone"
url = "tgram://planted:token/1"
severity = "CRITICAL"
only_types = ["HALTED", "ENDED"]
except_markets = ["will-it-rain"]
quiet = ""

[[alerts.to]]
name = "on-call"
url_file = "on-call.url"
quiet_zone = "America/New_York"
quiet_below = "ERROR"
group_ms = 0

[[alerts.to]]
name = "room"
via = "webhook"

[[alerts.to]]
name = "bell"
command = ["true", "--planted"]
"""


def read(tmp_path: Path, text: str, **environ: str) -> AlertSettings:
    path = tmp_path / "tieout.toml"
    path.write_text(ACCOUNT + text)
    return read_config(path, environ).alerts


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text, **environ)
    assert "planted" not in str(raised.value)
    return list(raised.value.problems)


def kept(tmp_path: Path, text: str, mode: int = 0o600) -> None:
    path = tmp_path / "on-call.url"
    path.write_text(text)
    path.chmod(mode)


def test_everybody_who_is_told_and_what_differs_for_each(tmp_path: Path) -> None:
    kept(tmp_path, "slack://planted/file\n")
    environ = {"TIEOUT_ALERT_PHONE": "tgram://planted:other/2", "TIEOUT_ALERT_ROOM": "http://c.example/planted/"}
    told = read(tmp_path, FULL, **environ)
    webhook, phone, on_call, room, bell = told.destinations
    assert (told.retry_ms, told.desk_url) == (0, "https://desk.example")
    issues = Rules(issues_from=Severity.WARN)
    assert webhook == Destination(
        name="webhook", via=Via.WEBHOOK, url="https://b.example/planted/", source="[alerts]", rules=issues, quiet=NIGHT
    )
    assert phone == Destination(
        name="phone",
        via=Via.APPRISE,
        url="tgram://planted:other/2",
        source="TIEOUT_ALERT_PHONE",
        rules=Rules(
            issues_from=Severity.CRITICAL,
            all_from=Severity.CRITICAL,
            only_types=("HALTED", "ENDED"),
            except_markets=("will-it-rain",),
        ),
        group_ms=5_000,
    )
    assert (on_call.url, on_call.source, on_call.group_ms) == ("slack://planted/file", "on-call.url", 0)
    assert on_call.quiet == Quiet(NIGHT.begins, NIGHT.ends, ZoneInfo("America/New_York"), Severity.ERROR)
    assert (room.via, room.url, room.group_ms, room.rules) == (Via.WEBHOOK, environ["TIEOUT_ALERT_ROOM"], 0, issues)
    assert (bell.via, bell.service, bell.command[1:], bell.quiet) == (Via.PROGRAM, "true", ("--planted",), NIGHT)
    assert [each.service for each in told.destinations] == ["https", "tgram", "slack", "http", "true"]
    assert "planted" not in repr(told)


def test_everything_wrong_is_said_at_once_and_no_address_is_repeated(tmp_path: Path) -> None:
    text = """
[alerts]
quiet = "22-7"
quiet_zone = "Europe/Berln"
quiet_below = "GRAVE"
group_ms = -1
desk_url = "https://me:planted@desk.example"
only_types = ["ENDED"]
[[alerts.to]]
url = "slack://planted"
[[alerts.to]]
name = "a b"
[[alerts.to]]
name = "phone"
url = "planted no address"
only_types = ["POSITION_DRIFTS"]
except_types = []
only_markets = ["0x12"]
severity = "WARNING"
colour = "red"
[[alerts.to]]
name = "Phone"
quiet = "07:00-07:00"
[[alerts.to]]
name = "webhook"
via = "webhook"
url = "ftp://planted"
[[alerts.to]]
name = "both"
url = "slack://planted"
url_file = "planted.url"
command = ["no-such-program-here"]
[[alerts.to]]
name = "room"
url = "slack://x"
[[alerts.to]]
name = "third"
url_file = "absent.url"
"""
    told = problems(tmp_path, text, TIEOUT_ALERT_ROOM="planted without a scheme")
    found = {problem.partition(": ")[0]: problem for problem in told}
    expected = {
        "alerts.quiet": 'expected hours as "22:00-07:00", was \'22-7\'; for none, say ""',
        "alerts.quiet_zone": "a time zone such as Europe/Berlin",
        "alerts.quiet_below": "expected one of INFO, WARN, ERROR, CRITICAL",
        "alerts.group_ms": "0 to 86400000 milliseconds",
        "alerts.desk_url": "messages repeat it",
        "alerts.only_types": "did you mean only_types in [[alerts.to]]?",
        "alerts.to[1].name": "expected a name, as phone, was nothing",
        "alerts.to[2].name": "letters, digits, - and _, was 'a b'",
        "alerts.to[phone].url": "slack://…, tgram://… or mailto://…",
        "alerts.to[phone].only_types": "AVG_COST_DRIFT, CLOB_UNAVAILABLE, COLLATERAL_DRIFT",
        "alerts.to[phone].except_types": "at least one in the list",
        "alerts.to[phone].only_markets": "a condition id",
        "alerts.to[phone].severity": "did you mean WARN?",
        "alerts.to[phone].colour": "no such key",
        "alerts.to[Phone].name": "expected a name unlike phone",
        "alerts.to[Phone].quiet": "end at another time than they begin",
        "alerts.to[Phone].url": "an address here, in url_file or in TIEOUT_ALERT_PHONE, or a command, was nothing",
        "alerts.to[webhook].name": "expected a name unlike webhook",
        "alerts.to[webhook].url": "http:// or https:// and a host",
        "alerts.to[both].url": "nothing beside command",
        "alerts.to[both].command": "a program that can be run",
        "TIEOUT_ALERT_ROOM": "was something else, which is not repeated here",
        "alerts.to[third].url_file": "cannot be read: No such file",
    }
    assert {name: words in found.get(name, "") for name, words in expected.items()} == dict.fromkeys(expected, True)
    assert len(told) == len(expected)
    assert found["alerts.to[phone].only_types"].endswith("did you mean POSITION_DRIFT?")
    for kind in ("POSITION_DRIFT", "PAUSED", "HALTED", "ENDED"):
        assert (
            f"{kind}," in found["alerts.to[phone].only_types"] or f"{kind} in" in found["alerts.to[phone].only_types"]
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[alerts]\nquiet = '22:00-07:00'\n", "alerts.quiet_zone: expected a time zone"),
        ("[alerts.to]\nname = 'x'\n", "begin each by a line [[alerts.to]]"),
        ("[alerts]\nto = ['slack://planted']\n", "begin each by a line [[alerts.to]]"),
        ("[[alerts.to]]\nname = 'x'\nurl = 'slack://a'\nurl_file = 'on-call.url'\n", "nothing beside url_file"),
        ("[[alerts.to]]\nname = 'x'\nurl = 'slack://a planted'\n", "expected one address of apprise"),
        ("[[alerts.to]]\nname = 'x'\npassword = 'planted'\n", "no secret belongs in this file"),
    ],
)
def test_single_mistakes(text: str, words: str, tmp_path: Path) -> None:
    kept(tmp_path, "slack://planted")
    assert any(words in problem for problem in problems(tmp_path, text))


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        ("slack://planted", 0o644, "type: chmod 600"),
        ("slack://planted\nslack://other", 0o600, "expected one address of apprise"),
        ("planted", 0o600, "was something else, which is not repeated here"),
        ("slack://planted-ä", 0o600, "holds no address: expected one line of plain text"),
    ],
)
def test_a_file_that_holds_no_address_or_is_open_to_others(content: str, mode: int, words: str, tmp_path: Path) -> None:
    kept(tmp_path, content, mode)
    (problem,) = problems(tmp_path, "[[alerts.to]]\nname = 'x'\nurl_file = 'on-call.url'\n")
    assert problem.startswith("alerts.to[x].url_file")
    assert words in problem
