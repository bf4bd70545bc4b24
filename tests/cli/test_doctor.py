"""`tieout doctor` as a person runs it: the table, the JSON, the exit code, and no secret anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command_line import CommandLine
from cli.worker_venue import served


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, str]]:
    with served() as said:
        yield said


@pytest.fixture
def config(venue: dict[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "tieout.toml"
    key = tmp_path / "key"
    key.write_text(venue["private key"])
    key.chmod(0o600)
    path.write_text(
        f'[account]\nwallet = "{venue["address"]}"\nsignature_type = 0\nprivate_key_file = "key"\n'
        f'first_block = 94100001\n[venue]\nbase_url = "{venue["CLOB"]}"\n[markets]\ncount = 2\n'
        '[alerts]\ncommand = ["true"]\n'
    )
    return path


def test_all_is_well(tieout: CommandLine, venue: dict[str, str], config: Path) -> None:
    done = tieout("doctor", "--config", config)
    assert "Ready. 24 checks: 24 well." in done.out
    as_json = tieout("doctor", "--config", config, "--json")
    assert as_json.json["holds"] is True
    assert {row["state"] for row in as_json.json["checks"]} == {"OK"}
    assert all(row["means"] and row["known_by"] and row["to_do"] for row in as_json.json["checks"])
    everything = done.out + done.err + as_json.out + as_json.err
    for name in ("private key", "secret", "passphrase"):
        assert venue[name].removeprefix("0x") not in everything


def test_a_failure_is_1_and_not_knowing_is_2(tieout: CommandLine, venue: dict[str, str], config: Path) -> None:
    open_key = config.with_name("open")
    open_key.write_text(venue["private key"])
    open_key.chmod(0o644)
    failed = tieout("doctor", "--config", config, code=1, TIEOUT_PRIVATE_KEY_FILE=str(open_key))
    assert f"chmod 600 {open_key}" in " ".join(failed.out.split())
    assert "Not ready." in failed.out
    assert '`tieout doctor --explain "private key"` says what it means' in failed.out
    unsure = tieout("doctor", "--config", config, code=2, TIEOUT_API_KEY="only-a-part")
    assert "Cannot tell." in unsure.out
    told = failed.out + failed.err + unsure.out + unsure.err
    assert venue["private key"].removeprefix("0x") not in told


def test_a_check_is_explained_without_looking_at_anything(tieout: CommandLine) -> None:
    told = " ".join(tieout("doctor", "--explain", "clob").out.split())
    assert told.startswith("CLOB what it means: The central limit order book")
    assert "how we know:" in told
    assert "what to do:" in told
    everything = tieout("doctor", "--explain", "all", "--json").json
    assert {"CLOB", "disk space", "backup", "configuration"} < everything.keys()
    unknown = tieout("doctor", "--explain", "weather", code=2)
    assert "last comparison" in " ".join(unknown.err.split())


def test_a_file_with_problems_lists_them_and_looks_no_further(tieout: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[account]\nwallet = "0x1"\npassphrase = "hush"\n[quotin]\n')
    done = tieout("doctor", "--config", path, code=1)
    assert "4 problems in the file; nothing else was looked at" in done.out
    for words in ("account.passphrase", "account.wallet", "account.signature_type", "did you mean quoting?"):
        assert words in done.out
    assert "hush" not in done.out
    absent = tieout("doctor", "--config", tmp_path / "absent.toml", "--json", code=1)
    assert "`tieout init` makes one" in absent.json["checks"][0]["text"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits(width: int, tieout: CommandLine, config: Path) -> None:
    config.write_text(config.read_text().replace("signature_type = 0", "signature_type = 1"))
    shown = [line for line in tieout.screen(width, "doctor", "--config", config) if "waiting for" not in line]
    assert max(map(len, shown)) <= width
    assert any("set signature_type = 0" in line for line in shown)
