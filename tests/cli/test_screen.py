"""What is on the screen: lines up, fits, and never cuts an amount."""

from __future__ import annotations

import re

import pytest
from rich.text import Text

from cli.command_line import CommandLine
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.output import counted, parse_time, readable

AMOUNT = re.compile(r"[+-]?\d[\d,]*\.\d{6}")
ALMOST = re.compile(r"\d\.\d*")


def texts(grid: Grid, width: int | None) -> list[str]:
    return [line.plain for line in grid.lines(width)]


def example() -> Grid:
    grid = Grid(
        Column("name", groups=True),
        Column("amount", right=True),
        Column("rather", drop=1),
        Column("least", drop=2),
        Column("why", drop=3, folds=True),
    )
    grid.add("a", "1.000000", "middle", "small", "because of this and that and more")
    grid.add("a", "-22.000000", "middle", "small", "")
    return grid


def test_a_grid_in_a_pipe_is_as_wide_as_it_is() -> None:
    assert texts(example(), None) == [
        "name      amount  rather  least  why",
        "a       1.000000  middle  small  because of this and that and more",
        "a     -22.000000  middle  small",
    ]


def test_sentences_are_folded_before_a_column_is_left_out() -> None:
    assert texts(example(), 52) == [
        "name      amount  rather  least  why",
        "a       1.000000  middle  small  because of this and",
        "                                 that and more",
        "a     -22.000000  middle  small",
    ]


def test_whole_columns_are_left_out_the_least_important_first() -> None:
    assert texts(example(), 32)[:2] == ["name      amount  rather  least", "a       1.000000  middle  small"]
    assert texts(example(), 30)[:2] == ["name      amount  rather", "a       1.000000  middle"]
    assert texts(example(), 24)[-1] == "2 columns hidden: widen the terminal or use --json"
    assert texts(example(), 5)[1] == "a       1.000000"


def test_columns_without_content_are_not_shown_and_not_missed() -> None:
    grid = Grid(Column("name"), Column("gap"), Column("size", right=True))
    grid.add("a", "", "1")
    assert texts(grid, 20) == ["name  size", "a        1"]


def test_sums_stand_under_their_columns_whatever_is_left_out() -> None:
    grid = Grid(Column("name", drop=1), Column("token"), Column("amount", right=True))
    grid.add("a long name", "t", "1.000000")
    grid.total("2 positions", "", "", Text("12.000000"))
    assert texts(grid, None)[-1] == "2 positions         12.000000"
    assert texts(grid, 24)[-2:] == ["2 positions  12.000000", "1 column hidden: widen the terminal or use --json"]


def test_a_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 cells, was given 1"):
        Grid(Column("a"), Column("b")).add("1")


def test_small_words() -> None:
    assert short("0x1234567890abcdef", 6, 4) == "0x1234…cdef"
    assert short("short", 6, 4) == "short"
    assert (counted(1, "order"), counted(2000, "order")) == ("1 order", "2,000 orders")
    assert parse_time("1789456380") == parse_time("1789456380000") == parse_time("2026-09-15T07:13:00Z")
    assert (
        readable("token " + "12" * 35 + ": 2500000 micro-shares left") == "token 12121212…121212: 2.500000 shares left"
    )


@pytest.mark.parametrize(
    ("width", "verb"), [(40, "books"), (60, "books"), (120, "books"), (60, "fills"), (60, "orders")]
)
def test_no_width_cuts_an_amount_or_wraps_the_first_line(
    tieout: CommandLine, large: str, width: int, verb: str
) -> None:
    shown = tieout.screen(width, verb, "--wallet", large)
    assert shown[0].startswith("wallet 0x09b428")
    assert len(shown[0]) <= width
    for line in shown:
        assert not ALMOST.search(AMOUNT.sub("", line)), line
        assert len(line) <= width or width == 40, line


@pytest.mark.parametrize("columns", ["40", "60"])
def test_a_pipe_gets_every_column_whatever_the_environment_says(tieout: CommandLine, bosona: str, columns: str) -> None:
    done = tieout("books", "--wallet", bosona, "--all", COLUMNS=columns)
    assert "hidden" not in done.out
    assert "-101.340000" in done.out
    assert "+137.506000" in done.out
    assert done.err == ""


def test_an_audit_fits_a_narrow_terminal(tieout: CommandLine, bosona: str) -> None:
    shown = tieout.screen(60, "audit", "--wallet", bosona)
    assert max(len(line) for line in shown if not line.startswith("auditing")) <= 60
    assert any(line.startswith("The books tie out") for line in shown)
