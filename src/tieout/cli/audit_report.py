"""The report of an audit from the chain: positions, profit, collateral, and what the Data API says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from tieout.app.data_differences import DataCompared, DataDifference, What
from tieout.app.wallet_report import OpenPosition, WalletReport
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.output import blank_zero, counted, money, out, say

POSITIONS_MAX = 20
DIFFERENCES_MAX = 8
"""Of each kind on the screen; --json shows all."""


def show_report(report: WalletReport, named: Mapping[str, int]) -> None:
    """Everything as of the block. *named*: plain transfers that the Data API calls by a name."""
    _show_positions(report)
    out.print()
    _show_profit(report, named)
    out.print()
    _show_collateral(report)


def _show_positions(report: WalletReport) -> None:
    shown = report.open[:POSITIONS_MAX]
    if shown:
        _positions(shown, report).print(out)
    hidden = len(report.open) - len(shown)
    words = f"{counted(len(report.open), 'position')} open" + (f", {hidden:,} of them not shown" if hidden else "")
    say(
        (f"{words}; ", "dim"),
        (f"{report.closed:,} closed, which realized {money(report.closed_realized, signed=True).plain}", "dim"),
    )


def _positions(shown: Sequence[OpenPosition], report: WalletReport) -> Grid:
    made = Grid(
        Column("condition", drop=7, groups=True),
        Column("outcome", drop=8, right=True),
        Column("token", drop=1),
        Column("shares", right=True),
        Column("cost basis", right=True),
        Column("average", drop=6, right=True),
        Column("pays", drop=5, right=True),
        Column("unrealized", drop=3, right=True),
        Column("realized", drop=2, right=True),
        Column("fees", drop=4, right=True),
    )
    for each in shown:
        row = each.row
        made.add(
            short(row.condition_id, 8, 4),
            str(row.outcome_index) if row.outcome_index >= 0 else "?",
            short(row.token_id, 6, 4),
            money(row.shares),
            money(row.cost_basis),
            money(each.average),
            "" if each.worth is None else money(each.worth),
            "" if each.unrealized is None else money(each.unrealized, signed=True),
            money(row.realized_pnl, signed=True),
            money(row.fees),
        )
    if len(report.open) > 1:
        rows = [each.row for each in report.open]
        made.total(
            "all",
            "",
            "",
            "",
            "",
            money(report.cost_basis),
            "",
            "",
            blank_zero(report.unrealized, signed=True),
            money(sum(row.realized_pnl for row in rows), signed=True),
            money(sum(row.fees for row in rows)),
        )
    return made


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _show_profit(report: WalletReport, named: Mapping[str, int]) -> None:
    made = Grid(Column("profit"), Column("", right=True), Column("", drop=1))
    made.add("realized PnL", money(report.realized, signed=True), Text("before fees", style="dim"))
    made.add("fees", money(-report.fees, signed=True), "")
    made.add("PnL after fees", money(report.after_fees, signed=True), "")
    for name, amount in report.income.items():
        made.add(_words(name), money(amount, signed=True), "")
    for name, amount in named.items():
        note = Text("named by the Data API; on chain a plain transfer", style="dim")
        made.add(_words(name), money(amount, signed=True), note)
    made.total("result", "", money(report.net + sum(named.values()), signed=True), "")
    made.print(out)
    if report.unrealized:
        left = money(report.unrealized, signed=True).plain
        say((f"not in it: {left} of resolved positions that are not redeemed yet", "dim"))


def _show_collateral(report: WalletReport) -> None:
    made = Grid(Column("collateral"), Column("", right=True))
    for name, amount in (*report.trading.items(), *report.flows.items()):
        if amount:
            made.add(_words(name), money(amount, signed=True))
    made.total("by the books", "", money(report.collateral))
    made.print(out)
    coins = [f"{name} {money(amount).plain}" for name, amount in report.coins.items()]
    say(("on chain ", "dim"), "  ".join(coins))


def show_data(data: DataCompared) -> None:
    """The Data API's own figures where they differ; they decide nothing."""
    say(
        ("Data API", "bold"),
        (f"  {counted(data.positions, 'position')} and {counted(data.rows, 'row')} of activity compared", "dim"),
    )
    for words in _left_out(data):
        say((f"  {words}", "dim"))
    for flaw in data.flaws:
        say(("  its answer was not whole: ", "yellow"), flaw)
    if not data.differences:
        say(("  ✓ ", "green"), "every figure it tells equals the books")
        return
    _sums(data).print(out)
    for what in data.sums():
        found = [each for each in data.differences if each.what is what]
        out.print()
        _differences(what, found).print(out)
        if len(found) > DIFFERENCES_MAX:
            say((f"... and {len(found) - DIFFERENCES_MAX:,} more (--json shows all)", "dim"))
    say(("the books stay as they are: the chain has told them", "dim"))


def _left_out(data: DataCompared) -> list[str]:
    found = []
    if data.young:
        found.append(f"{counted(data.young, 'movement')} younger than its lag: need not show yet")
    if data.newer:
        found.append(f"{counted(data.newer, 'row')} newer than the block: not compared")
    if data.lagging:
        found.append(f"{counted(data.lagging, 'position')} differ by no more than those")
    return found


def _sums(data: DataCompared) -> Grid:
    made = Grid(
        Column("differs"),
        Column("count", right=True),
        Column("ours", drop=2, right=True),
        Column("theirs", drop=1, right=True),
        Column("difference", right=True),
    )
    for what, (count, ours, theirs) in data.sums().items():
        made.add(what, f"{count:,}", money(ours), money(theirs), money(ours - theirs, signed=True))
    return made


_NO_TOKEN = (What.AMOUNT, What.NAME, What.NOT_IN_BOOKS, What.NOT_IN_INDEX)


def _differences(what: What, found: Sequence[DataDifference]) -> Grid:
    made = Grid(
        Column("transaction" if what in _NO_TOKEN else "token"),
        Column("", drop=3),
        Column("ours", drop=1, right=True),
        Column("theirs", drop=1, right=True),
        Column("difference", drop=2, right=True),
        Column("likely", folds=True),
        title=what,
    )
    for each in found[:DIFFERENCES_MAX]:
        made.add(
            short(each.of, 8, 6),
            each.deed,
            "" if each.ours is None else money(each.ours),
            "" if each.theirs is None else money(each.theirs),
            money(each.difference, signed=True),
            each.why,
        )
    return made
