"""The file of a backup: one .tar.gz, written and read from front to end, every part of it named with its SHA-256.

    head.json           what it is of: schema, wallets with the heads of their logs, tables with their columns
    tables/NAME/00001   pieces of what COPY tells in its text format, which every version of PostgreSQL reads
    manifest.json       every member before it with size and SHA-256, and the rows of each table

The manifest comes last: a file that was cut off has none. Nothing of it is ever unpacked into a directory.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from tieout.store.errors import StoreError

T = TypeVar("T")

Told = Callable[[str, int], None]
"""Hears of the table that is worked on, and of the bytes so far."""

FORMAT = "tieout backup 1"
HEAD, MANIFEST, TABLES = "head.json", "manifest.json", "tables/"
PIECE = 4_000_000
"""Bytes of a table in one member: as much as is held in memory."""

LEVEL = 6
"""Of compression: more takes much longer and gains little."""


class BackupError(StoreError):
    """The file is no backup, is damaged, or does not fit; the message says which and what to do."""


class WalletHead(msgspec.Struct, frozen=True):
    """Where a wallet's log ends; the hash in hex."""

    address: str
    seq: int
    hash: str


class Table(msgspec.Struct, frozen=True):
    """A table and its columns, in the order in which COPY tells them."""

    name: str
    columns: list[str]


class Head(msgspec.Struct, frozen=True):
    """What a backup is of. Times are Unix milliseconds."""

    format: str
    made_at_ms: int
    tieout: str
    server: str
    schema: str
    wallets: list[WalletHead]
    tables: list[Table]


class Member(msgspec.Struct, frozen=True):
    """A part of the file."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """Everything that must be there."""

    members: list[Member]
    rows: dict[str, int]
    """Of each table."""

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.members)


class ArchiveWriter:
    """Writes a backup: `head`, then for each table `begin`, `add`, `end`, then `close`. Raises OSError."""

    def __init__(self, file: IO[bytes], made_at_ms: int) -> None:
        self._gzip = gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=LEVEL, mtime=made_at_ms / 1_000)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w|")  # noqa: SIM115 - closed by `close`
        self._at_s = made_at_ms // 1_000
        self._members: list[Member] = []
        self._rows: dict[str, int] = {}
        self._table = ""
        self._piece = bytearray()
        self._pieces = 0
        self.written = 0
        """Bytes so far, before they were compressed."""

    def head(self, head: Head) -> None:
        """First of all."""
        self._member(HEAD, msgspec.json.format(msgspec.json.encode(head)))

    def begin(self, table: str) -> None:
        """What is added from now on is of *table*."""
        self._table, self._pieces = table, 0

    def add(self, data: bytes) -> None:
        """More of the table."""
        self._piece += data
        self.written += len(data)
        while len(self._piece) >= PIECE:
            self._put(bytes(self._piece[:PIECE]))
            del self._piece[:PIECE]

    def end(self, rows: int) -> None:
        """The table is whole, and has so many rows."""
        if self._piece:
            self._put(bytes(self._piece))
            self._piece.clear()
        self._rows[self._table] = rows

    def close(self) -> Manifest:
        """Last of all: the manifest, which is returned."""
        manifest = Manifest(self._members, self._rows)
        self._member(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        self._tar.close()
        self._gzip.close()
        return manifest

    def _put(self, piece: bytes) -> None:
        self._pieces += 1
        self._member(f"{TABLES}{self._table}/{self._pieces:05}", piece)

    def _member(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(data), self._at_s, 0o600
        self._tar.addfile(info, io.BytesIO(data))
        if name != MANIFEST:
            self._members.append(Member(name, len(data), sha256(data).hexdigest()))


class ArchiveReader:
    """Reads a backup once: `head`, then `tables`, then `finish`, which says whether all of it was right."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Raises BackupError when it does not begin as a backup does."""
        self._name = name
        self._file = file
        self._gzip = gzip.GzipFile(fileobj=file, mode="rb")
        self._seen: list[Member] = []
        self._is_over = False
        with self._damage():
            self._tar = tarfile.open(fileobj=self._gzip, mode="r|")  # noqa: SIM115 - it lives as long as its file
        member = self._next()
        if member is None or member[0] != HEAD:
            raise BackupError(f"{name} is no backup of tieout: it does not begin with {HEAD}")
        self.head = self._decoded(member[1], Head)
        if self.head.format != FORMAT:
            raise BackupError(f"{name} is a {self.head.format!r}, this tieout reads {FORMAT!r}: update tieout")
        self._waiting: tuple[str, bytes] | None = None

    def tables(self, told: Told) -> Iterator[tuple[Table, Iterator[bytes]]]:
        """Each table with its pieces, which have to be taken before the next table is. Raises BackupError.

        *told* hears of the table, and of the bytes of the file that were read.
        """
        for table in self.head.tables:
            yield table, self._pieces(table.name, told)

    def drain(self) -> Manifest:
        """Leave out what was not read yet; then as `finish`."""
        while (member := self._take()) is not None:
            if member[0] == MANIFEST:
                self._waiting = member
                break
        return self.finish()

    def finish(self) -> Manifest:
        """The manifest, when every member is as it says. Raises BackupError."""
        member = self._take()
        if member is None or member[0] != MANIFEST:
            what = "it has no manifest" if member is None else f"{member[0]} is not expected there"
            raise BackupError(f"{self._name} is damaged or was cut off: {what}; use another backup")
        manifest = self._decoded(member[1], Manifest)
        with self._damage():
            more = self._tar.next()
            while self._gzip.read(65_536):  # to its end, where the checksum of everything is
                pass
        if more is not None:
            raise BackupError(f"{self._name} is damaged: {more.name} comes after the manifest; use another backup")
        for ours, told in zip(self._seen, manifest.members, strict=False):
            if ours != told:
                raise BackupError(
                    f"{self._name} is damaged: {ours.name} is not what the manifest says of {told.name}; "
                    "use another backup"
                )
        if len(self._seen) != len(manifest.members):
            raise BackupError(f"{self._name} is damaged: members are missing; use another backup")
        if sorted(manifest.rows) != sorted(table.name for table in self.head.tables):
            raise BackupError(f"{self._name} is damaged: its tables are not those of its head; use another backup")
        return manifest

    def _pieces(self, table: str, told: Told) -> Iterator[bytes]:
        number = 0
        while (member := self._take()) is not None:
            number += 1
            if member[0] != f"{TABLES}{table}/{number:05}":
                self._waiting = member
                return
            told(table, self._file.tell())
            yield member[1]

    def _take(self) -> tuple[str, bytes] | None:
        waiting, self._waiting = self._waiting, None
        return waiting or self._next()

    def _next(self) -> tuple[str, bytes] | None:
        """The next member and its content; None at the end, however often."""
        if self._is_over:
            return None
        with self._damage():
            info = self._tar.next()
            if info is None:
                self._is_over = True
                return None
            # Nothing that this tieout writes is larger, and nothing else is worth the memory.
            if not info.isreg() or (info.size > PIECE and info.name != MANIFEST):
                raise BackupError(f"{self._name} is no backup of tieout: {info.name} does not belong into one")
            file = self._tar.extractfile(info)
            data = file.read() if file else b""
        if info.name != MANIFEST:
            self._seen.append(Member(info.name, len(data), sha256(data).hexdigest()))
        return info.name, data

    def _decoded(self, data: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BackupError(f"{self._name} is damaged: {error}; use another backup") from error

    @contextmanager
    def _damage(self) -> Iterator[None]:
        """What the layers below raise on a damaged file, as one error."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
            raise BackupError(
                f"{self._name} is damaged, was cut off, or is no backup of tieout ({error}); use another backup"
            ) from error


@contextmanager
def opened(path: Path) -> Iterator[ArchiveReader]:
    """The backup at *path*. Raises BackupError, also when it cannot be read at all."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield ArchiveReader(file, str(path))
