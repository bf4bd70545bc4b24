"""A file is there whole or not at all, and nothing that was there before is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tieout.app.exports.files import may_write, whole_file
from tieout.app.exports.tax import disposals, holding
from tieout.ledger.changes import Change, Moved
from tieout.ledger.lots import Disposal, Lots
from tieout.ledger.movement import BUY, SELL, Movement


def test_a_file_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "fills.csv"
    with whole_file(path, force=False) as file:
        file.write(b"some")
        file.flush()
        assert not path.exists()
        assert len(list(tmp_path.iterdir())) == 1
        file.write(b"thing")
    assert path.read_bytes() == b"something"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space"), KeyboardInterrupt(), ValueError("bad")])
@pytest.mark.parametrize("force", [False, True])
def test_what_was_there_stays_when_the_writing_ends_early(tmp_path: Path, error: BaseException, force: bool) -> None:
    path = tmp_path / "fills.csv"
    if force:
        path.write_bytes(b"before")

    def write() -> None:
        with whole_file(path, force=force) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([b"before"] if force else [])


def test_a_file_that_is_there_is_written_over_only_when_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "fills.csv"
    path.write_bytes(b"before")
    with pytest.raises(FileExistsError, match="--force writes over it"), whole_file(path, force=False):
        pytest.fail("nothing may be read for it")
    with whole_file(path, force=True) as file:
        file.write(b"after")
    assert path.read_bytes() == b"after"


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_written_over(
    tmp_path: Path, has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a file system that knows no hard links."""
    if not has_links:

        def refuse(*_: object) -> None:
            raise OSError(errno.EOPNOTSUPP, "no links here")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "fills.csv"

    def write() -> None:
        with whole_file(path, force=False) as file:
            file.write(b"ours")
            path.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        write()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"theirs"]
    other = tmp_path / "orders.csv"
    with whole_file(other, force=False) as file:
        file.write(b"ours")
    assert other.read_bytes() == b"ours"


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_bytes(b"before")
    link.symlink_to(target)
    with whole_file(link, force=True) as file:
        file.write(b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"


def test_what_is_no_place_for_a_file_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such directory"):
        may_write(tmp_path / "nowhere" / "fills.csv", force=True)
    with pytest.raises(FileExistsError, match="no regular file"):
        may_write(tmp_path, force=True)


DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("acquired", "disposed", "days", "term"),
    [
        (19_000, 19_000, 0, "short"),  # 2022-01-08
        (19_000, 19_365, 365, "short"),
        (19_000, 19_366, 366, "long"),
        (19_782, 20_148, 366, "long"),  # 2024-02-29 to 2025-03-01
        (19_782, 20_147, 365, "short"),  # to 2025-02-28
        (19_600, 19_966, 366, "short"),  # 2023-08-31 over a 29 February to 2024-08-31
        (19_600, 19_967, 367, "long"),
    ],
)
def test_long_is_later_than_the_same_day_a_year_on(acquired: int, disposed: int, days: int, term: str) -> None:
    """Whatever the hour: from the last moment of the one day, from the first of the other."""
    for shift in (0, DAY_MS - 1):
        bought = Movement("b", BUY, (acquired * DAY_MS + DAY_MS - 1 - shift, 0, "b"), "77", 1, 1)
        sold = Movement("s", SELL, (disposed * DAY_MS + shift, 0, "s"), "77", 1, 1)
        row = Disposal(sold, "77", "sale", bought, 1, 1, 0, 1, 0, 0, 1, 0)
        assert holding(row) == (days, term)


def test_lots_that_do_not_add_up_are_an_error_before_the_last_row_and_no_table() -> None:
    """A micro-unit of cost that came from nowhere, in a lot that the last movement leaves."""
    lots = Lots()

    def spoiled() -> Iterator[Moved]:
        bought = Movement("b", BUY, (DAY_MS, 0, "b"), "77", 2, 1)
        yield Moved(bought, (Change("77", 0, 0, 2, 1, 0, 0, 0, 0, 0),))
        lots.by_token["77"][0].cost += 1

    with pytest.raises(AssertionError, match="1 tokens do not, the first is 77"):
        list(disposals(spoiled(), lots))


def test_a_term_is_not_told_where_a_time_is_not_known() -> None:
    at_some_time = Movement("s", SELL, (DAY_MS, 0, "s"), "77", 1, 1)
    at_no_time = Movement("b", BUY, (0, 0, "b"), "77", 1, 1)
    for bought, sold in ((at_no_time, at_some_time), (at_some_time, at_no_time), (None, at_some_time)):
        assert holding(Disposal(sold, "77", "sale", bought, 1, 1, 0, 1, 0, 0, 1, 0)) == (None, None)
