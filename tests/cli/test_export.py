"""`tieout export` as a user types it: files of a recorded wallet, and what is refused."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from beancount import loader

from cli.command_line import PROGRAM, CommandLine
from tieout.ledger.units import micro

TABLES = ("fills", "orders", "movements", "positions", "tax", "lots", "years", "marks")


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def test_the_fills_and_positions_of_a_file_are_those_that_the_books_show(
    tieout: CommandLine, bosona: str, bosona_books: Any, tmp_path: Path
) -> None:
    path = tmp_path / "movements.csv"
    done = tieout("export", "movements", "--wallet", bosona.upper().replace("0X", "0x"), "--out", path, "--json")
    rows = read(path.read_bytes())
    shown = tieout("fills", "--wallet", bosona, "--json").json
    assert [(row["movement"], micro(row["cash_usd"])) for row in rows] == [
        (row["key"], int(row["cash"])) for row in shown
    ]
    assert done.json == {
        "file": str(path),
        "what": "movements",
        "format": "csv",
        "wallet": bosona,
        "rows": len(rows),
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "head": bosona_books["head"],
    }
    piped = tieout("export", "positions", "--wallet", bosona, "--out", "-")
    assert piped.err == ""
    realized = {row["token_id"]: str(micro(row["realized_pnl_usd"])) for row in read(piped.out.encode())}
    assert realized == {row["token_id"]: row["realized_pnl"] for row in bosona_books["positions"]}


def test_the_form_follows_the_name_of_the_file_unless_it_is_said(
    tieout: CommandLine, bosona: str, tmp_path: Path
) -> None:
    parquet, odd = tmp_path / "tax.parquet", tmp_path / "tax.dat"
    said = tieout("export", "tax", "--wallet", bosona, "--out", parquet).out
    assert said.startswith(f"written  {parquet}  17 rows, ")
    tieout("export", "tax", "--wallet", bosona, "--out", odd, "--format", "parquet")
    tables = [pq.read_table(path) for path in (parquet, odd)]
    assert tables[0].equals(tables[1])
    gain = sum(tables[0].column("gain_average_usd").to_pylist())
    years = read(tieout("export", "years", "--wallet", bosona, "--out", "-").out.encode())
    assert str(gain) == years[0]["gain_average_usd"] == "30.783779"


def test_the_ledger_of_the_command_loads_without_an_error(tieout: CommandLine, bosona: str, tmp_path: Path) -> None:
    path = tmp_path / "books.beancount"
    said = tieout("export", "beancount", "--wallet", bosona, "--out", path).out
    assert "22 transactions" in said
    entries, errors, _ = loader.load_file(str(path))
    assert (errors, len(entries) > 22) == ([], True)
    earlier = tieout(
        "export", "beancount", "--wallet", bosona, "--out", "-", "--as-of", "2026-09-15T07:13", "--bare"
    ).out
    assert earlier.count("\n  movement: ") == 3
    assert " commodity " not in earlier
    assert loader.load_string(earlier)[1] == []


def test_since_and_as_of_say_which_part_of_which_books(tieout: CommandLine, bosona: str) -> None:
    words = ("--as-of", "2026-09-15T07:13:00", "--since", "2026-09-15T07:12:00")
    rows = read(tieout("export", "fills", "--wallet", bosona, "--out", "-", *words).out.encode())
    assert [row["time_utc"] for row in rows] == ["2026-09-15T07:12:55Z"] * 2


def test_a_file_that_is_there_is_left_alone_without_force(tieout: CommandLine, bosona: str, tmp_path: Path) -> None:
    path = tmp_path / "fills.csv"
    path.write_text("mine")
    refused = tieout("export", "fills", "--wallet", bosona, "--out", path, code=2)
    assert (refused.out, refused.err.splitlines()) == (
        "",
        [f"error {path} is there already: name another file, or --force writes over it"],
    )
    assert path.read_text() == "mine"
    tieout("export", "fills", "--wallet", bosona, "--out", path, "--force")
    assert len(read(path.read_bytes())) == 17
    assert [each.name for each in tmp_path.iterdir()] == ["fills.csv"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("fills", "--out", "{}/nowhere/fills.csv"), "no such directory: {}/nowhere"),
        (("fills", "--out", "{}"), "{} is no regular file"),
        (("fills", "--out", "{}/f.csv", "--since", "noon"), "--since: expected a time"),
        (("fills", "--out", "-", "--json"), "--json: standard output has the export itself"),
        (("tax", "--out", "{}/t.parquet", "--wallet", "0x" + "00" * 20), "no books of wallet 0x0000"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_no_file(
    tieout: CommandLine, bosona: str, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    given = [word.replace("{}", str(tmp_path)) for word in words]
    wallet = [] if "--wallet" in given else ["--wallet", bosona]
    done = tieout("export", *given, *wallet, code=2)
    assert why.replace("{}", str(tmp_path)) in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_ends_the_export_without_a_word(tieout: CommandLine, bosona: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [PROGRAM, "export", "movements", "--wallet", bosona, "--out", "-"]
    done = subprocess.run(command, env=tieout.environment(), stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (2, b"")


def test_parquet_is_not_written_to_a_terminal_and_help_names_every_export(tieout: CommandLine, bosona: str) -> None:
    shown = tieout.screen(80, "export", "fills", "--wallet", bosona, "--out", "-", "--format", "parquet")
    assert "PAR1" not in "".join(shown)
    listed = tieout("export", "--help").out
    assert all(f"{name} " in listed for name in (*TABLES, "beancount"))
