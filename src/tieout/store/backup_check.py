"""Whether a backup is whole, without any database: every member, and the hash chain of every wallet's log."""

from __future__ import annotations

from tieout.store.archive import ArchiveReader, BackupError, Manifest, Table, Told
from tieout.store.copy_text import bytes_of, rows
from tieout.store.log import Entry
from tieout.store.log_chain import ChainCheck
from tieout.store.wallets import Head

_NUMBERS = ("seq", "book", "occurred_at_ms", "received_at_ms", "raw_id")


def check(archive: ArchiveReader, told: Told) -> Manifest:
    """The manifest of a backup that is as it was written. Raises BackupError with the first thing that is not."""
    try:
        return _checked(archive, told)
    except ValueError as error:  # a number, a hash or a text that is none any more
        raise BackupError(f"what it holds cannot be read: {str(error)[:200]}; use another backup") from error


def _checked(archive: ArchiveReader, told: Told) -> Manifest:
    addresses: dict[int, str] = {}
    chains: dict[int, ChainCheck] = {}
    counted: dict[str, int] = {}
    for table, pieces in archive.tables(told):
        number = 0
        for row in rows(pieces):
            number += 1
            if table.name == "wallet":
                addresses[int(_text(table, row, "wallet_id"))] = _text(table, row, "address")
            elif table.name == "log":
                chains.setdefault(int(_text(table, row, "wallet_id")), ChainCheck()).see(_entry(table, row))
        counted[table.name] = number
    manifest = archive.finish()
    for name, stated in manifest.rows.items():
        if counted[name] != stated:
            raise BackupError(f"{name}: there are {counted[name]:,} rows, the manifest says {stated:,}")
    _require_chains(archive, addresses, chains)
    return manifest


def _require_chains(archive: ArchiveReader, addresses: dict[int, str], chains: dict[int, ChainCheck]) -> None:
    """Every log ends at the head that was written down, and no link of it is broken. Raises BackupError."""
    heads = {wallet.address: wallet for wallet in archive.head.wallets}
    if sorted(addresses.values()) != sorted(heads):
        raise BackupError("the wallets of the backup are not those of its head; use another backup")
    for wallet_id, address in addresses.items():
        chain, head = chains.get(wallet_id, ChainCheck()), heads[address]
        chain.end(Head(head.seq, bytes.fromhex(head.hash)))
        if chain.breaks:
            raise BackupError(f"the log of {address} is broken in the backup: {chain.breaks[0]}; use another backup")


def _text(table: Table, row: list[bytes | None], column: str) -> str:
    try:
        value = row[table.columns.index(column)]
    except (ValueError, IndexError):
        value = None
    if value is None:
        raise BackupError(f"{table.name} has a row without {column}; use another backup")
    return value.decode()


def _entry(table: Table, row: list[bytes | None]) -> Entry:
    """An entry of the log. Raises BackupError when a column is missing, ValueError when one cannot be read."""
    seq, book, occurred, received, raw_id = (int(_text(table, row, name)) for name in _NUMBERS)
    digest, link = (bytes_of(_text(table, row, name).encode()) for name in ("digest", "hash"))
    source, fact = _text(table, row, "source"), _text(table, row, "fact")
    return Entry(seq, book, occurred, received, raw_id, source, fact, digest, link)
