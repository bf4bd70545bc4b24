"""One database for all tests of the command line; every test that books something does so for a wallet of its own."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.command_line import CommandLine
from tieout.store.embedded import LINGER_VARIABLE, EmbeddedServer

BOSONA = "0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed"
LARGE = "0x09b428f7c2b469786286214aa5c90dd9015f7320"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def tieout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line; the server is held for the session, so that not every command pays for a start."""
    home = tmp_path_factory.mktemp("home")
    before = os.environ.get(LINGER_VARIABLE)
    os.environ[LINGER_VARIABLE] = "0.3"
    try:
        with EmbeddedServer.start(home / "postgres"):
            yield CommandLine(home)
    finally:
        if before is None:
            del os.environ[LINGER_VARIABLE]
        else:
            os.environ[LINGER_VARIABLE] = before


@pytest.fixture(scope="session")
def bosona(tieout: CommandLine, shared: Path) -> str:
    """The wallet of the three complete markets, imported from the Data API and from the chain."""
    tieout("import", "--wallet", BOSONA, shared / "real" / "activity", shared / "real" / "receipts")
    return BOSONA


@pytest.fixture(scope="session")
def bosona_books(tieout: CommandLine, bosona: str) -> Any:
    """Their books as JSON."""
    return tieout("books", "--wallet", bosona, "--json").json


@pytest.fixture(scope="session")
def large(tieout: CommandLine, shared: Path) -> str:
    """The wallet whose recorded history starts in the middle."""
    tieout("import", "--wallet", LARGE, shared / "real" / "wallet")
    return LARGE


@pytest.fixture
def wallet() -> str:
    """An address nobody else uses."""
    return f"0x7e57{next(_numbers):036x}"


Row = dict[str, Any]


@pytest.fixture
def row(wallet: str) -> Callable[..., Row]:
    """A BUY of 10 shares at 0.4 as the Data API tells it; *number* makes it another one, fields can be replaced."""

    def make(number: int, **fields: Any) -> Row:
        return {
            "proxyWallet": wallet,
            "timestamp": 1789000000 + number,
            "conditionId": "0x" + "c0" * 32,
            "type": "TRADE",
            "size": 10,
            "usdcSize": 4,
            "transactionHash": f"0x{number:064x}",
            "price": 0.4,
            "asset": "1234567890" * 7,
            "side": "BUY",
            "outcomeIndex": 0,
            **fields,
        }

    return make


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """A file of JSON lines: objects are encoded, text is written as it is."""

    def make(*rows: Row | str, name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return path

    return make
