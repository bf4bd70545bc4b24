"""`tieout metrics`: printed for who asks, or put into a file whole for node_exporter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli.command_line import CommandLine


def test_the_metrics_are_printed_or_replace_a_file(
    tieout: CommandLine, wallet: str, row: Callable[..., dict], lines: Callable[..., Path], tmp_path: Path
) -> None:
    tieout("import", "--wallet", wallet, lines(row(1), row(2, conditionId="0x" + "c1" * 32, asset="77" * 30)))
    printed = tieout("metrics", "--markets", "1").out
    assert f'tieout_fills_total{{wallet="{wallet}"}} 2.0' in printed.splitlines()
    assert printed.count(f'tieout_market_shares{{condition="0x{"c0" * 32}",slug="",wallet="{wallet}"}} 10.0') == 1
    assert f'tieout_market_shares{{condition="0x{"c1" * 32}"' not in printed
    file = tmp_path / "tieout.prom"
    file.write_text("old")
    assert tieout("metrics", "--out", file).out == ""
    assert f'tieout_fills_total{{wallet="{wallet}"}} 2.0' in file.read_text().splitlines()
    assert file.stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl", "tieout.prom"]
    nowhere = tieout("metrics", "--out", tmp_path / "absent" / "tieout.prom", code=2)
    assert f"there is no directory {tmp_path / 'absent'}" in nowhere.err
    assert "Traceback" not in nowhere.err
