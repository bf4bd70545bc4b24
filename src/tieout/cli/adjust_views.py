"""What `tieout adjust` shows: an entry in words, the preview of what it does, and the list of entries."""

from __future__ import annotations

from rich.text import Text

from tieout.app.adjust_names import Booked
from tieout.app.adjusting import Preview
from tieout.app.wording import short
from tieout.cli.grid import Column, Grid
from tieout.cli.output import blank_zero, money, out, readable, say, when
from tieout.ledger.facts import Act, ManualEntry
from tieout.ledger.rows import PositionRow
from tieout.ledger.units import MICRO, decimal_text


def kind_of(entry: ManualEntry) -> str:
    """What the entry is, in a word or two."""
    if entry.reverses:
        return "reversal"
    if entry.act in (Act.SPLIT, Act.MERGE):
        return entry.act.lower()
    if entry.act is Act.TRANSFER:
        return "transfer in" if entry.shares > 0 else "transfer out"
    if entry.shares:
        return "buy" if entry.shares > 0 else "sell"
    if entry.cost_correction:
        return "cost correction"
    return "cash in" if entry.collateral >= 0 else "cash out"


def words_of(entry: ManualEntry) -> str:
    """The whole entry as one sentence, without who and why."""
    kind, shares = kind_of(entry), decimal_text(abs(entry.shares))
    token, amount = short(entry.token_id, 8, 6), decimal_text(abs(entry.collateral))
    fee = f", fee {decimal_text(entry.fee)}" if entry.fee else ""
    if entry.reverses:
        return f"reversal of entry {entry.reverses}"
    if entry.act in (Act.SPLIT, Act.MERGE):
        return f"{kind} of {shares} full sets of {short(entry.condition_id, 8, 6)}"
    if kind == "transfer in":
        return f"transfer in of {shares} of {token} at a cost of {decimal_text(entry.cost)} ({entry.cost_policy})"
    if kind == "transfer out":
        return f"transfer out of {shares} of {token} with their cost"
    if entry.shares:
        return f"{kind} of {shares} of {token} for {amount}{fee}"
    if entry.cost_correction:
        sign = "+" if entry.cost_correction > 0 else ""
        return f"cost basis of {token} corrected by {sign}{decimal_text(entry.cost_correction)}"
    return f"{kind} of {amount}"


def show_preview(shown: Preview) -> None:
    """The entry, the positions before and after, what would break and what speaks against it."""
    entry = shown.entry
    say(("entry ", "dim"), (entry.entry_id, "bold"), f"  {words_of(entry)}")
    evidence = f"  evidence: transaction {short(entry.tx_hash)}" if entry.tx_hash else ""
    say(("by ", "dim"), entry.who, ("  true since ", "dim"), f"{when(entry.occurred_at_ms)} UTC", (evidence, "dim"))
    say(("why ", "dim"), entry.why)
    out.print()
    made = Grid(
        Column("token", groups=True),
        Column(""),
        Column("shares", right=True),
        Column("cost basis", drop=1, right=True),
        Column("average", drop=3, right=True),
        Column("realized", drop=2, right=True),
        Column("fees", drop=5, right=True),
        Column("unexplained", drop=4, right=True),
    )
    for change in shown.changes:
        made.add(short(change.before.token_id, 6, 4), "before", *_amounts(change.before))
        made.add(short(change.before.token_id, 6, 4), Text("after", style="bold"), *_amounts(change.after))
    if shown.changes:
        made.print(out)
    say(*_collateral(shown))
    for broken in shown.broken:
        out.print()
        say((f"breaks {broken.id}: ", "bold red"), broken.sentence)
        for violation in broken.violations:
            say(f"  {readable(violation)}")
    if shown.warnings:
        out.print()
    for warning in shown.warnings:
        say(("note: ", "yellow"), readable(warning))


def _amounts(row: PositionRow) -> list[Text]:
    unexplained = blank_zero(row.unexplained_shares, style="yellow")
    if row.unexplained_proceeds and not row.unexplained_shares:
        unexplained = Text(f"{money(row.unexplained_proceeds).plain} paid", style="yellow")
    return [
        money(row.shares),
        money(row.cost_basis),
        money(row.cost_basis * MICRO // row.shares) if row.shares else Text(""),
        money(row.realized_pnl, signed=True),
        money(row.fees),
        unexplained,
    ]


def _collateral(shown: Preview) -> list[str | tuple[str, str]]:
    change = shown.collateral_after - shown.collateral_before
    if not change:
        return [("collateral ", "dim"), money(shown.collateral_before).plain, (" as before", "dim")]
    amounts = f"{money(shown.collateral_before).plain} → {money(shown.collateral_after).plain}  "
    return [("collateral ", "dim"), amounts, (money(change, signed=True).plain, "green" if change > 0 else "red")]


def show_list(found: list[Booked]) -> None:
    """Every entry, the newest first."""
    if not found:
        say(("no manual entries", "dim"))
        return
    made = Grid(
        Column("entry"),
        Column("kind"),
        Column("token", drop=6),
        Column("shares", drop=5, right=True),
        Column("amount", drop=4, right=True),
        Column("state"),
        Column("by entry", drop=2),
        Column("who", drop=3),
        Column("true since (UTC)", drop=8),
        Column("booked (UTC)", drop=7),
        Column("why", drop=1, folds=True),
    )
    for one in reversed(found):
        entry = one.entry
        made.add(
            entry.entry_id,
            kind_of(entry),
            short(entry.token_id or entry.condition_id, 6, 4),
            blank_zero(entry.shares, signed=True),
            blank_zero(entry.collateral or entry.cost_correction or entry.cost, signed=True),
            Text("stands", style="green") if one.stands else Text("reversed", style="yellow"),
            one.reversed_by or (f"of {entry.reverses}" if entry.reverses else ""),
            entry.who,
            when(entry.occurred_at_ms),
            when(one.booked_at_ms),
            Text(entry.why, style="dim"),
        )
    made.print(out)
    standing = sum(one.stands for one in found)
    say((f"{len(found):,} {'entry' if len(found) == 1 else 'entries'}, {standing:,} standing", "dim"))


def preview_json(shown: Preview, seq: int | None) -> dict[str, object]:
    """The preview as JSON; *seq* is the entry of the log when it was booked."""
    return {
        "entry": entry_json(shown.entry),
        "booked": seq is not None,
        "seq": seq,
        "positions": [
            {
                "token_id": change.before.token_id,
                "condition_id": change.after.condition_id,
                "before": _row_json(change.before),
                "after": _row_json(change.after),
            }
            for change in shown.changes
        ],
        "collateral": {"before": str(shown.collateral_before), "after": str(shown.collateral_after)},
        "broken": [
            {"id": broken.id, "sentence": broken.sentence, "violations": list(broken.violations)}
            for broken in shown.broken
        ],
        "notes": list(shown.warnings),
    }


def _row_json(row: PositionRow) -> dict[str, str]:
    return {
        name: str(getattr(row, name))
        for name in (
            *("shares", "cost_basis", "realized_pnl", "fees", "provisional_shares", "unsettled_shares"),
            *("unexplained_shares", "unexplained_proceeds"),
        )
    }


def entry_json(entry: ManualEntry) -> dict[str, object]:
    """An entry as JSON."""
    return {
        "entry_id": entry.entry_id,
        "kind": kind_of(entry),
        "who": entry.who,
        "why": entry.why,
        "occurred_at_ms": entry.occurred_at_ms,
        "token_id": entry.token_id,
        "legs": list(entry.legs),
        "condition_id": entry.condition_id,
        "shares": str(entry.shares),
        "collateral": str(entry.collateral),
        "fee": str(entry.fee),
        "cost": str(entry.cost),
        "cost_policy": entry.cost_policy,
        "cost_correction": str(entry.cost_correction),
        "reverses": entry.reverses,
        "tx_hash": entry.tx_hash,
    }


def booked_json(one: Booked) -> dict[str, object]:
    """An entry of the list as JSON."""
    state = {"seq": one.seq, "booked_at_ms": one.booked_at_ms, "stands": one.stands, "reversed_by": one.reversed_by}
    return {**entry_json(one.entry), **state}
