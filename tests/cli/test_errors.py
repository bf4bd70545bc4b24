"""What a tired operator reads when something is wrong: one sentence that says what and what to do, and exit code 2."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from cli.command_line import PROGRAM, CommandLine
from tieout.store.connect import connect
from tieout.store.embedded import EmbeddedServer
from tieout.store.wallets import acquire


def test_an_unknown_wallet_is_told_how_to_begin(tieout: CommandLine, wallet: str) -> None:
    for command in (["books"], ["audit"], ["explain", "x"]):
        done = tieout(*command, "--wallet", wallet, code=2)
        assert done.out == ""
        assert f"no books of wallet {wallet} in this database" in done.err
        assert f"tieout import --wallet {wallet} FILE..." in done.err


def test_a_missing_file_is_named_before_anything_is_booked(tieout: CommandLine, wallet: str, shared: Path) -> None:
    done = tieout("import", "--wallet", wallet, shared / "real", "missing.json", code=2)
    assert "no such file or directory: missing.json" in done.err


@pytest.mark.parametrize("verb", ["books", "audit"])
def test_an_unreachable_database_is_named_without_its_password(tieout: CommandLine, wallet: str, verb: str) -> None:
    address = "postgresql://me:geheim@127.0.0.1:1/books"
    done = tieout(verb, "--wallet", wallet, code=2, TIEOUT_DB=address)
    assert "cannot reach the database postgresql://me:***@127.0.0.1:1/books" in done.err
    assert "geheim" not in done.err + done.out
    assert done.err.count("\n") <= 2


def test_an_address_that_is_not_postgresql_is_refused_unseen(tieout: CommandLine, wallet: str) -> None:
    done = tieout("books", "--wallet", wallet, code=2, TIEOUT_DB="mysql://me:geheim@127.0.0.1/books")
    assert "TIEOUT_DB: expected an address that starts with postgresql://" in done.err
    assert "geheim" not in done.err


def test_a_home_that_cannot_be_used_is_named(tieout: CommandLine, wallet: str) -> None:
    done = tieout("books", "--wallet", wallet, code=2, TIEOUT_HOME="/proc/nowhere")
    assert "cannot use /proc/nowhere/postgres for the database" in done.err
    assert "Traceback" not in done.err


def test_a_wallet_held_by_another_writer_names_it(tieout: CommandLine, wallet: str, shared: Path) -> None:
    async def work() -> None:
        with EmbeddedServer.start(tieout.home / "postgres") as server:
            connection = await connect(server.dsn())
            lease = await acquire(connection, wallet, exclusive=True)
            done = await asyncio.to_thread(tieout, "import", "--wallet", wallet, shared / "real" / "activity", code=2)
            await connection.close()
        assert f"wallet {wallet} is being written by {lease.holder}" in done.err

    tieout("db", "migrate")
    asyncio.run(work())


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01", "", "9" * 20, "#x"])
def test_a_time_that_is_none_is_named(tieout: CommandLine, bosona: str, time: str) -> None:
    done = tieout("books", "--wallet", bosona, "--as-known", time, code=2)
    assert "--as-known: expected" in done.err
    assert repr(time) in done.err


@pytest.mark.parametrize("verb", [["audit"], ["replay", "--verify"]])
def test_checks_of_the_stored_state_refuse_another_moment(tieout: CommandLine, bosona: str, verb: list[str]) -> None:
    done = tieout(*verb, "--wallet", bosona, "--as-of", "2026-01-01", code=2)
    assert "checks what is stored now" in " ".join(done.err.replace("│", " ").split())


def test_usage_errors_end_with_2(tieout: CommandLine, bosona: str) -> None:
    assert "expected a wallet address" in tieout("books", "--wallet", "0x12", code=2).err
    assert "--wallet" in tieout("books", code=2).err
    tieout("books", "--wallet", bosona, "--no-such-option", code=2)
    tieout("no-such-verb", code=2)
    assert "--verify" in tieout("replay", "--wallet", bosona, code=2).err
    assert "--code" in tieout("db", "problems", "--code", "bad_luck", code=2).err
    assert "no message 999999999" in tieout("db", "raw", "999999999", code=2).err


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["table", "json"])
def test_a_reader_that_goes_away_is_no_violation(tieout: CommandLine, bosona: str, more: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [PROGRAM, "log", "--wallet", bosona, *more],
        env=tieout.environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (2, b"")
