"""Bad input through the whole command line: each problem is named with file and line, its neighbors are booked, and
the message is kept as it came."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.command_line import CommandLine

OTHER = "0x" + "0e" * 20

BAD: dict[str, dict[str, Any]] = {
    "size: negative": {"size": -10},
    "size: 7 decimals": {"size": "10.0000001"},
    "price: above 1": {"price": 1.2, "usdcSize": 12},
    "size: a word": {"size": "ten"},
    "size: missing": {"size": None},
    "side: none of the two": {"side": "HOLD"},
}
"""Rows that differ from a good one in the fields given; the name begins with the one that the message must name."""

BROKEN = {
    "NaN": '{"proxyWallet": "0x0", "size": NaN}',
    "size": '{"event_type": "trade", "size": "1", "size": "2"}',
    "end": '{"proxyWallet": "0x0", "size": 1',
    "JSON": "Traceback (most recent call last):",
    "control": '{"a": "\x01"}',
    "moon_phase": '{"event_type": "moon_phase", "size": "1"}',
}
"""Lines that are no message of the venue."""


def test_every_bad_line_is_named_and_kept_and_its_neighbors_are_booked(
    tieout: CommandLine, wallet: str, row: Any, lines: Callable[..., Path]
) -> None:
    bad = [json.dumps(row(10 + number, **fields)) for number, fields in enumerate(BAD.values())]
    bad += BROKEN.values()
    path = lines(row(1), *bad, row(3))
    done = tieout("import", "--wallet", wallet, path, "--json", code=1)
    problems = done.json["problems"]
    assert [p["origin"] for p in problems] == [f"{path}:{number}" for number in range(2, 2 + len(bad))]
    assert {p["code"] for p in problems[:-1]} == {"undecodable"}
    assert problems[-1]["code"] == "unknown_kind"
    assert all(p["error"] for p in problems)
    for name, problem in zip(BAD, problems, strict=False):
        assert name.partition(":")[0] in problem["message"]
    assert "moon_phase" in problems[-1]["message"]
    assert_two_fills(tieout, wallet)
    kept = tieout("db", "problems", "--wallet", wallet, "--json").json
    assert [problem["raw"] for problem in kept] == bad
    assert tieout("db", "raw", str(kept[0]["raw_id"])).out == bad[0]


def test_bad_lines_on_the_screen(tieout: CommandLine, wallet: str, row: Any, lines: Callable[..., Path]) -> None:
    path = lines(row(1), row(2, size=-10), BROKEN["moon_phase"], row(3))
    done = tieout("import", "--wallet", wallet, path, code=1)
    assert "1 message could not be read  (undecodable)" in done.out
    assert f"{path}:2  size: expected 0 or more, was -10" in done.out
    assert "1 message of a kind this version does not know  (unknown_kind)" in done.out
    assert f"{path}:3  event_type 'moon_phase' is not known" in done.out
    shown = tieout("db", "problems", "--wallet", wallet, "--code", "undecodable").out
    assert f"{path}:2" in shown
    assert f"{path}:3" not in shown


def test_a_list_cut_off_in_a_row_keeps_the_rows_before(
    tieout: CommandLine, wallet: str, row: Any, tmp_path: Path
) -> None:
    path = tmp_path / "cut.json"
    whole = json.dumps([row(1), row(2), row(3)], indent=0)
    path.write_text(whole[: whole.rindex('"price"')])
    done = tieout("import", "--wallet", wallet, path, code=1)
    third = whole[: whole.rindex('"proxyWallet"')].count("\n")
    assert f"{path}:{third}" in done.out
    assert "could not be read" in done.out
    assert_two_fills(tieout, wallet)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00\x00", b"not json at all\n", b""], ids=["image", "text", "empty"]
)
def test_a_file_that_is_not_json_is_named_and_the_other_files_are_booked(
    tieout: CommandLine, wallet: str, row: Any, lines: Callable[..., Path], tmp_path: Path, content: bytes
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(content)
    done = tieout("import", "--wallet", wallet, wrong, lines(row(1), row(3)), code=1)
    assert f"{wrong}:1" in done.out
    assert_two_fills(tieout, wallet)


def test_rows_of_another_wallet_are_named_and_not_booked(
    tieout: CommandLine, wallet: str, row: Any, lines: Callable[..., Path]
) -> None:
    path = lines(row(1), row(2, proxyWallet=OTHER), row(3))
    done = tieout("import", "--wallet", wallet, path)
    assert f"{path}:2" in done.out
    assert OTHER in done.out
    assert "1 message of other wallets" in done.out
    assert_two_fills(tieout, wallet)


def test_a_wrong_wallet_is_said_at_the_end(
    tieout: CommandLine, wallet: str, row: Any, lines: Callable[..., Path]
) -> None:
    path = lines(row(1, proxyWallet=OTHER), row(2, proxyWallet=OTHER))
    done = tieout("import", "--wallet", wallet, path, code=1)
    assert f"nothing here is about {wallet}: is it the wallet of these files?" in done.out
    assert tieout("books", "--wallet", wallet, "--json").json["positions"] == []


def test_a_trade_without_our_leg_asks_for_the_owner(tieout: CommandLine, wallet: str, shared: Path) -> None:
    files = sorted((shared / "real" / "user-channel").glob("test_trade*.json"))
    done = tieout("import", "--wallet", wallet, *files, code=1)
    hint = "4 messages had no leg of ours: pass --owner KEY_ID if the wallet trades through a CLOB key"
    assert hint in done.out
    again = tieout("import", "--wallet", wallet, "--owner", "000000000-0000-0000-0000-000000000000", *files)
    assert "hint" not in again.out
    assert len(tieout("fills", "--wallet", wallet, "--json").json) == 3


def test_a_known_kind_can_be_forced_and_an_unknown_one_is_refused(
    tieout: CommandLine, wallet: str, row: Any, lines: Callable[..., Path]
) -> None:
    path = lines(row(1), row(2))
    done = tieout("import", "--wallet", wallet, "--kind", "moon_phase", path, code=2)
    assert "--kind" in done.err
    assert "activity" in done.err
    tieout("import", "--wallet", wallet, "--kind", "activity", path)
    assert_two_fills(tieout, wallet)


def assert_two_fills(tieout: CommandLine, wallet: str) -> None:
    """Two BUY of 10 shares at 0.4 are booked, and nothing else."""
    books = tieout("books", "--wallet", wallet, "--json").json
    assert [(p["shares"], p["cost_basis"]) for p in books["positions"]] == [("20000000", "8000000")]


def test_a_file_of_200_mb_that_ends_in_the_middle_is_booked_up_to_there(
    tieout: CommandLine, wallet: str, row: Any, tmp_path: Path
) -> None:
    """The same row a quarter of a million times: one fill, and the torn end is named with its line."""
    line = json.dumps(row(1)).encode()
    count = 200_000_000 // len(line)
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.write(b"[")
        for _ in range(count):
            file.write(line + b",\n")
        file.write(line[:40])
    done = tieout("import", "--wallet", wallet, path, "--json", code=1).json
    assert done["messages"] == count + 1
    assert [p["origin"] for p in done["problems"]] == [f"{path}:{count + 1}"]
    assert "truncated" in done["problems"][0]["message"]
    (position,) = tieout("books", "--wallet", wallet, "--json").json["positions"]
    assert int(position["shares"]) > 0
