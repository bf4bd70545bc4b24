"""Backups of the database: made beside whoever works, checked, restored, and how old the newest one is."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from tieout.app.database import bare_database
from tieout.app.settings import Settings
from tieout.store import archive, backup_check
from tieout.store.archive import ArchiveWriter, BackupError, Head, Manifest, Told
from tieout.store.backing_up import back_up
from tieout.store.connect import connected

SUFFIX = ".tar.gz"
PREFIX = "tieout-"
"""A backup made into a directory is named by its time: tieout-20261130T120000Z.tar.gz."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup as a file."""

    path: Path
    size: int
    """Bytes of the file."""
    head: Head
    manifest: Manifest
    removed: tuple[Path, ...] = ()
    """Older ones that were removed for it."""


async def make_backup(settings: Settings, to: Path, now_ms: int, told: Told, keep: int | None = None) -> Backup:
    """Back everything up into the file *to*, which must not be there, or into a new file of the directory *to*.

    The database is left at its schema, whatever that is, and others may write meanwhile. The file is there whole or
    not at all. *keep*: so many of the directory's own are kept, this one among them. Raises StoreError, OSError.
    """
    path, is_own = _place(to, now_ms)
    with _whole(path) as file:
        async with bare_database(settings) as dsn, connected(dsn) as connection:
            head, manifest = await back_up(connection, ArchiveWriter(file, now_ms), now_ms, version("tieout"), told)
        size = file.tell()
    return Backup(path, size, head, manifest, _removed(path.parent, keep) if keep and is_own else ())


def _place(to: Path, now_ms: int) -> tuple[Path, bool]:
    """The file to write, and whether its name is one of our own. Raises BackupError."""
    is_own = to.is_dir()
    path = to / name_at(now_ms) if is_own else to
    if path.exists():
        raise BackupError(f"{path} is there already; name another file, or a directory")
    if not path.parent.is_dir():
        raise BackupError(f"{path} cannot be written: there is no directory {path.parent}")
    return path, is_own


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file for its owner alone that is under its name when the block ends well, and not there otherwise."""
    number, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(part).rename(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def name_at(at_ms: int) -> str:
    """The name of a backup of that time, UTC."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime(f"{PREFIX}%Y%m%dT%H%M%SZ{SUFFIX}")


def backups_in(directory: Path) -> list[Path]:
    """Those that were made into the directory under names of our own, the newest first."""
    return sorted(directory.glob(f"{PREFIX}????????T??????Z{SUFFIX}"), reverse=True)


def _removed(directory: Path, keep: int) -> tuple[Path, ...]:
    old = backups_in(directory)[keep:]
    for path in old:
        path.unlink(missing_ok=True)
    return tuple(old)


def head_of(path: Path) -> Head:
    """What the backup says of itself at its beginning. Raises BackupError; its content is not checked."""
    with archive.opened(path) as reader:
        return reader.head


def check_backup(path: Path, told: Told) -> Backup:
    """The backup, when every part of it is as it was written and every log is unbroken. Raises BackupError."""
    with archive.opened(path) as reader:
        manifest = backup_check.check(reader, told)
        return Backup(path, path.stat().st_size, reader.head, manifest)


async def restore_backup(settings: Settings, path: Path, told: Told) -> Backup:
    """Put it into the database of *settings*, which must be empty. Raises StoreError, and then nothing was changed."""
    # Loaded late, as in `database`: SQLAlchemy takes longer to load than most commands take to run.
    from tieout.store.restoring import restore

    # Opened before the database: a file that is no backup starts no server.
    with archive.opened(path) as reader:
        async with bare_database(settings) as dsn:
            manifest = await restore(dsn, reader, told)
        return Backup(path, await asyncio.to_thread(lambda: path.stat().st_size), reader.head, manifest)
