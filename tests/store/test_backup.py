"""Backups: of one moment while others write, refused when a byte is not as it was, restored to the same rows."""

from __future__ import annotations

import asyncio
import gzip
import io
import itertools
import os
import random
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from oracle.history import life, observe
from store.operations import leased
from store.test_log import booked
from support.database import ADDRESS, booker_of, connected, heard, in_loop
from support.schemas import database_at
from tieout.app.backing import backups_in, check_backup, head_of, make_backup, restore_backup
from tieout.app.history import verify
from tieout.app.settings import Settings
from tieout.sim.lives.cluster import TEMPLATE
from tieout.store import controls, journal, marks, requests, runs, statuses, watermarks
from tieout.store.archive import HEAD, MANIFEST, BackupError, Head, opened
from tieout.store.backing_up import _TABLES
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State
from tieout.store.copy_text import rows
from tieout.store.embedded import EmbeddedServer
from tieout.store.errors import StoreError
from tieout.store.journal import RawMessage
from tieout.store.marks import Mark
from tieout.store.requests import Deed, Kind
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome, Severity
from tieout.store.statuses import MarketName
from tieout.store.wallets import wallet_id_of
from tieout.store.watermarks import Watermark

NOW = 1_790_000_000_000
OTHER = "0x" + "b2" * 20
MORE = observe(life(4, 30), 4)
STRANGE = 'a\ttab, a \\N, a "quote", é,\nand a line\r\n\\'
_numbers = itertools.count()


def silent(_table: str, _bytes: int) -> None:
    return None


async def worked(dsn: str) -> None:
    """Rows in the tables beside the books, and texts that COPY has to escape."""
    async with leased(dsn) as (connection, lease):
        wallet_id = lease.wallet_id
        run_id = await runs.start(connection, lease, Job.POSITION_SYNC, STRANGE, NOW)
        finding = Finding(IssueType.POSITION_DRIFT, Severity.WARN, Action.LOGGED, STRANGE, evidence={"why": STRANGE})
        await runs.raise_issue(connection, wallet_id, finding, NOW, run_id)
        detail = {"block": 7, "tokens": 4, "differences": 0}
        await runs.finish(connection, lease, run_id, Outcome.ISSUES, NOW + 5, detail)
        await runs.start(connection, lease, Job.SETTLE, "schedule", NOW)
        pause = Command(WHOLE_WALLET, State.PAUSED, STRANGE, "ann", Actor.PERSON)
        await controls.set_state(connection, wallet_id, pause, NOW)
        await marks.append(connection, wallet_id, Mark(NOW, None, 1, 1, -1, 1, 1, 1, 1))
        await watermarks.put(connection, wallet_id, "chain", Watermark("7", NOW))
        await statuses.put_names(connection, wallet_id, [MarketName("0xc1", STRANGE, "slug", ("Yes", STRANGE, ""))])
        await statuses.put_worker(connection, wallet_id, b"{}", NOW)
        await requests.ask(connection, wallet_id, Kind.FULL_SYNC, "ann", NOW)
        await requests.note_deed(connection, wallet_id, Deed(NOW, "ann", "pause", "", STRANGE, "done"))
        secret = b'{"event": "x", "passphrase": "hush-1", "inner": "{\\"api_secret\\": \\"hush-2\\"}"}'
        await journal.append(connection, wallet_id, [RawMessage(secret, "clob", STRANGE, NOW)])
        await journal.append(connection, wallet_id, [RawMessage(bytes(range(256)) * 40, "clob", "bytes", NOW)])


async def everything(dsn: str) -> dict[str, list[asyncpg.Record]]:
    """Every row of every table that is kept for good."""
    async with connected(dsn) as connection:
        names = [row["relname"] for row in await connection.fetch(_TABLES)]
        return {name: sorted(map(str, await connection.fetch(f"SELECT * FROM {name}"))) for name in names}


async def empty(server: EmbeddedServer, like: str = "template1") -> str:
    """A database without any table, or with those of the database *like*."""
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    async with connected(server.dsn()) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
    return server.dsn(name)


async def restored(server: EmbeddedServer, path: Path) -> str:
    dsn = await empty(server)
    await restore_backup(Settings(db=dsn), path, silent)
    return dsn


async def is_empty(dsn: str) -> bool:
    async with connected(dsn) as connection:
        tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        return bool(await connection.fetchval(tables) == 0)


@in_loop
async def test_a_restored_database_has_the_same_rows_and_goes_on(
    server: EmbeddedServer, dsn: str, tmp_path: Path
) -> None:
    path = tmp_path / "books.tar.gz"
    await booked(dsn)
    await worked(dsn)
    made = await make_backup(Settings(db=dsn), path, NOW, silent)
    before = await everything(dsn)
    unused = {"raw_problem", "unknown_seen", "provisional", "quote_event"}
    assert {table for table, found in before.items() if not found} <= unused
    assert made.manifest.rows == {table: len(found) for table, found in before.items()}
    assert path.stat().st_mode & 0o777 == 0o600
    checked = check_backup(path, silent)
    assert (checked.manifest, checked.head, checked.size) == (made.manifest, made.head, made.size)
    again = await restored(server, path)
    assert await everything(again) == before
    async with connected(again) as connection:
        wallet_id = await wallet_id_of(connection, ADDRESS)
        assert wallet_id is not None
        assert (await verify(connection, wallet_id)).holds
        with pytest.raises(asyncpg.PostgresError, match="log is append-only"):
            await connection.execute("UPDATE log SET fact = fact")
        with pytest.raises(asyncpg.UniqueViolationError, match="run_once_at_a_time"):
            await connection.execute(
                "INSERT INTO sync_run (wallet_id, epoch, job, reason, started_at_ms) VALUES ($1, 1, 'settle', 'x', 1)",
                wallet_id,
            )
        ((added, is_new),) = await journal.append(connection, wallet_id, [RawMessage(b"{}", "clob", "x", NOW)])
        assert is_new, "numbers go on where they were"
        assert added > max(int(row.split("raw_id=")[1].split()[0]) for row in before["raw_message"])
    async with booker_of(again) as booker:
        await booker.book(heard(MORE))
    with pytest.raises(BackupError, match="is not empty: wallet has rows"):
        await restore_backup(Settings(db=again), path, silent)


@in_loop
async def test_it_is_of_one_moment_while_others_write(server: EmbeddedServer, dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "books.tar.gz"
    wallet_id = await booked(dsn)
    async with connected(dsn) as connection:
        seq = await connection.fetchval("SELECT head_seq FROM wallet WHERE wallet_id = $1", wallet_id)
    written = []

    async def more() -> None:
        async with booker_of(dsn) as booker:
            await booker.book(heard(MORE))

    def between(table: str, _bytes: int) -> None:
        if table == "wallet" and not written:
            written.append(table)
            thread = threading.Thread(target=lambda: asyncio.run(more()))
            thread.start()
            thread.join()

    made = await make_backup(Settings(db=dsn), path, NOW, between)
    assert written
    async with connected(dsn) as connection:
        assert await connection.fetchval("SELECT head_seq FROM wallet WHERE wallet_id = $1", wallet_id) > seq
    assert [wallet.seq for wallet in made.head.wallets] == [seq]
    check_backup(path, silent)
    async with connected(await restored(server, path)) as connection:
        found = await verify(connection, wallet_id)
        assert (found.holds, found.head.seq) == (True, seq)


@pytest.fixture
def small(dsn: str, tmp_path: Path) -> Path:
    """A backup of some books."""
    path = tmp_path / "small.tar.gz"

    async def make() -> None:
        await booked(dsn, MORE)
        await worked(dsn)
        await make_backup(Settings(db=dsn), path, NOW, silent)

    asyncio.run(make())
    return path


def changed(path: Path, change: Callable[[bytearray], None]) -> Path:
    """A copy of the file that is not as it was."""
    data = bytearray(path.read_bytes())
    change(data)
    copy = path.with_name("changed.tar.gz")
    copy.write_bytes(data)
    return copy


def flip(place: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[place] ^= 1 << place % 8

    return change


def cut(place: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        del data[place:]

    return change


def content(path: Path) -> bytes | None:
    """What is in it; None when that cannot be told."""
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return None


def test_a_changed_byte_and_a_missing_end_are_found_wherever_they_are(small: Path) -> None:
    size, whole = small.stat().st_size, content(small)
    rng = random.Random(1)
    places = {0, 1, 2, 3, 10, size - 8, size - 1, *rng.sample(range(size), 80)}
    found = 0
    for place in sorted(places):
        for change in (flip(place), cut(place)):
            other = changed(small, change)
            if content(other) == whole:
                continue  # a bit that says nothing, as the time in gzip's own head
            with pytest.raises(BackupError, match="use another backup"):
                check_backup(other, silent)
            found += 1
    assert found > 160


def test_a_damaged_backup_leaves_the_database_empty(server: EmbeddedServer, small: Path) -> None:
    size = small.stat().st_size

    @in_loop
    async def refuse() -> None:
        for change in (flip(size // 2), cut(size // 2), cut(size - 9), flip(size - 6)):
            dsn = await empty(server)
            with pytest.raises(BackupError, match="use another backup"):
                await restore_backup(Settings(db=dsn), changed(small, change), silent)
            assert await is_empty(dsn)

    refuse()


Members = dict[str, bytes]


@contextmanager
def remade(path: Path) -> Iterator[Members]:
    """The members of the file, to be changed; then it is packed again, with sizes and checksums as they should be."""
    found: Members = {}
    with tarfile.open(path) as tar:
        for info in tar:
            file = tar.extractfile(info)
            assert file is not None
            found[info.name] = file.read()
    yield found
    with tarfile.open(path, "w:gz") as tar:
        for name, data in found.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def head_with(**fields: Any) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        members[HEAD] = msgspec.json.encode({**msgspec.json.decode(members[HEAD]), **fields})

    return change


def manifest_without_a_member(members: Members) -> None:
    told = msgspec.json.decode(members[MANIFEST])
    told["members"].pop()
    members[MANIFEST] = msgspec.json.encode(told)


def other_fact(members: Members) -> None:
    name = "tables/log/00001"
    members[name] = members[name].replace(b'"kind"', b'"kinD"', 1)


def more_after_the_end(members: Members) -> None:
    members["tables/log/00002"] = b"x"


def put(name: str, at: int, data: bytes) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        members[name] = members[name][:at] + data + members[name][at + len(data) :]

    return change


REMADE: dict[str, tuple[Callable[[Members], None], str]] = {
    "a_newer_format": (head_with(format="tieout backup 2"), "update tieout"),
    "a_head_that_is_none": (lambda members: members.update({HEAD: b"{}"}), "is damaged"),
    "no_head": (lambda members: members.pop(HEAD) and None, "is no backup of tieout"),
    "no_manifest": (lambda members: members.pop(MANIFEST) and None, "it has no manifest"),
    "a_member_too_many": (manifest_without_a_member, "is damaged"),
    "a_piece_that_is_missing": (lambda members: members.pop("tables/log/00001") and None, "is damaged"),
    "another_fact": (other_fact, "tables/log/00001 is not what the manifest says"),
    "a_wallet_that_is_no_number": (put("tables/log/00001", 0, b"x"), "cannot be read: invalid literal for int"),
    "bytes_that_are_no_text": (put("tables/wallet/00001", 4, b"\xff"), "cannot be read: 'utf-8' codec"),
    "a_table_after_its_place": (more_after_the_end, "comes after the manifest"),
}


@pytest.mark.parametrize("what", REMADE)
def test_what_was_packed_anew_is_refused(what: str, small: Path) -> None:
    change, words = REMADE[what]
    with remade(small) as members:
        change(members)
    with pytest.raises(BackupError, match=words):
        check_backup(small, silent)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot be read: No such file"), opened(tmp_path / "absent"):
        raise AssertionError
    other = tmp_path / "letter.tar.gz"
    other.write_bytes(gzip.compress(b"dear ann"))
    with pytest.raises(BackupError, match="is no backup of tieout"):
        head_of(other)


def test_a_schema_of_later_is_refused(server: EmbeddedServer, small: Path) -> None:
    with remade(small) as members:
        head_with(schema="9999")(members)

    @in_loop
    async def refuse() -> None:
        dsn = await empty(server)
        with pytest.raises(BackupError, match="schema 9999, which this tieout does not know"):
            await restore_backup(Settings(db=dsn), small, silent)
        assert await is_empty(dsn)

    refuse()


@in_loop
async def test_a_log_whose_chain_is_broken_is_not_restored(server: EmbeddedServer, dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.tar.gz"
    await booked(dsn, MORE)
    async with connected(dsn) as connection:
        await connection.execute("ALTER TABLE log DISABLE TRIGGER log_is_append_only")
        await connection.execute("UPDATE log SET occurred_at_ms = occurred_at_ms + 1 WHERE seq = 3")
    await make_backup(Settings(db=dsn), path, NOW, silent)
    with pytest.raises(BackupError, match="is broken in the backup: entry 3: its hash"):
        check_backup(path, silent)
    other = await empty(server)
    with pytest.raises(BackupError, match="is broken in the backup: entry 3: its hash"):
        await restore_backup(Settings(db=other), path, silent)
    assert await is_empty(other)


@in_loop
async def test_a_backup_of_an_older_schema_is_restored_and_brought_to_the_newest(
    server: EmbeddedServer, dsn: str, tmp_path: Path
) -> None:
    path = tmp_path / "old.tar.gz"
    old = await database_at(server, f"backup_{os.getpid()}", "0004")
    for place in (old, dsn):
        await booked(place, MORE)
        async with leased(place) as (connection, lease):
            run_id = await runs.start(connection, lease, Job.POSITION_SYNC, "schedule", NOW)
            await runs.finish(connection, lease, run_id, Outcome.OK, NOW + 5, {"tokens": 1, "differences": 0})
    await make_backup(Settings(db=old), path, NOW, silent)
    assert head_of(path).schema == "0004"
    assert await everything(await restored(server, path)) == await everything(dsn)
    newest = Settings(db=await empty(server, TEMPLATE))
    with pytest.raises(BackupError, match="has tables already, of schema"):
        await restore_backup(newest, path, silent)


@in_loop
async def test_a_database_at_the_same_schema_without_rows_will_do(
    server: EmbeddedServer, dsn: str, tmp_path: Path
) -> None:
    path, other = tmp_path / "books.tar.gz", await empty(server, TEMPLATE)
    await booked(dsn, MORE)
    await make_backup(Settings(db=dsn), path, NOW, silent)
    await restore_backup(Settings(db=other), path, silent)
    assert await everything(other) == await everything(dsn)


def test_no_secret_is_in_it(small: Path) -> None:
    whole = content(small) or b""
    assert b"[redacted]".hex().encode() in whole, "bodies are kept as hex"
    for secret in (b"hush-1", b"hush-2"):
        assert secret not in whole
        assert secret.hex().encode() not in whole


@in_loop
async def test_a_directory_keeps_as_many_as_it_is_told(dsn: str, tmp_path: Path) -> None:
    await booked(dsn, MORE)
    kept = tmp_path / "notes.tar.gz"
    kept.write_text("not a backup of ours")
    days = [NOW + day * 86_400_000 for day in range(4)]
    made = [await make_backup(Settings(db=dsn), tmp_path, at_ms, silent, keep=2) for at_ms in days]
    assert [len(each.removed) for each in made] == [0, 0, 1, 1]
    assert backups_in(tmp_path) == [made[3].path, made[2].path]
    assert made[3].path.name == "tieout-20260924T141320Z.tar.gz"
    assert kept.exists()
    with pytest.raises(BackupError, match="is there already"):
        await make_backup(Settings(db=dsn), tmp_path, days[3], silent)


@in_loop
async def test_a_backup_that_fails_leaves_no_file(server: EmbeddedServer, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing to back up"):
        await make_backup(Settings(db=await empty(server)), tmp_path / "none.tar.gz", NOW, silent)
    with pytest.raises(BackupError, match="there is no directory"):
        await make_backup(Settings(db=await empty(server)), tmp_path / "absent" / "x.tar.gz", NOW, silent)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_the_text_of_copy_is_read_back_wherever_a_piece_ends() -> None:
    told = b"1\ta\\tb\\\\c\\nd\t\\N\t\\\\x6162\n2\t\t\\\\N\te\n"
    want = [[b"1", b"a\tb\\c\nd", None, b"\\x6162"], [b"2", b"", b"\\N", b"e"]]
    for size in range(1, len(told) + 1):
        assert list(rows(told[at : at + size] for at in range(0, len(told), size))) == want


def test_a_large_table_comes_in_pieces_and_is_whole_again(dsn: str, tmp_path: Path) -> None:
    """More than one member, with a row across their edge."""

    @in_loop
    async def work() -> None:
        await booked(dsn, MORE)
        async with leased(dsn) as (connection, lease):
            bodies = [random.Random(number).randbytes(60_000) for number in range(80)]
            await journal.append(connection, lease.wallet_id, [RawMessage(b, "x", "x", 1) for b in bodies])
        await make_backup(Settings(db=dsn), tmp_path / "large.tar.gz", NOW, silent)

    work()
    found = check_backup(tmp_path / "large.tar.gz", silent)
    assert [m.name for m in found.manifest.members if "raw_message" in m.name] == [
        f"tables/raw_message/{number:05}" for number in (1, 2, 3)
    ]
    assert isinstance(found.head, Head)
