"""`tieout db backup`, `verify-backup` and `restore` as a person runs them, into another embedded server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli.command_line import CommandLine


def test_the_books_come_back_in_another_place_and_prove_themselves(
    tieout: CommandLine, wallet: str, row: Callable[..., dict], lines: Callable[..., Path], tmp_path: Path
) -> None:
    tieout("import", "--wallet", wallet, lines(*(row(number) for number in range(1, 30))))
    file, home = tmp_path / "books.tar.gz", tmp_path / "other"
    made = tieout("db", "backup", file, "--json").json
    seq = {each["address"]: each["seq"] for each in made["wallets"]}[wallet]
    assert "backup holds" in tieout("db", "verify-backup", file).out
    restored = tieout("db", "restore", file, TIEOUT_HOME=str(home))
    assert "restored" in restored.out
    assert f"{seq:,}" in restored.out
    tieout("replay", "--wallet", wallet, "--verify", TIEOUT_HOME=str(home))
    file.write_bytes(file.read_bytes()[:-100])
    damaged = tieout("db", "verify-backup", file, "--json", code=1).json
    assert (damaged["holds"], "use another backup" in damaged["problem"]) == (False, True)
