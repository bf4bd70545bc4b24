"""An audit on the screen: what the chain says, every invariant, what does not hold, and the one line that counts."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from tieout.app.chain_audit import Difference
from tieout.app.data_audit import Inferred
from tieout.app.wallet_audit import WalletAudit
from tieout.app.wording import short
from tieout.cli.audit_report import show_data, show_report
from tieout.cli.grid import Column, Grid
from tieout.cli.output import counted, money, out, readable, say, when
from tieout.jobs.locate import Located
from tieout.ledger.invariants import Finding
from tieout.ledger.units import decimal_text
from tieout.store.runs import Action

SHOWN_MAX = 10

Line = list[str | tuple[str, str]]
"""Parts of one line, each with its style."""


def show(found: WalletAudit) -> None:
    """All of it, the verdict last."""
    _show_head(found)
    if found.report is not None:
        show_report(found.report, found.data.named if found.data is not None else {})
        out.print()
    if found.data is not None:
        show_data(found.data)
        out.print()
    if found.inferred is not None:
        _show_inferred(found.inferred)
        out.print()
    _show_findings(found.audit.findings)
    if found.chain is not None and found.chain.differences:
        _show_differences(found.chain.differences)
    _show_violations(found)
    _show_notes(found.notes)
    _show_verdict(found)


def _show_head(found: WalletAudit) -> None:
    if found.chain is None and found.inferred is None:
        return
    width = out.width if out.is_terminal else 200
    say(("wallet  ", "dim"), (short(found.wallet) if width < 60 else found.wallet, "bold"))
    if found.reading is not None:
        read = found.reading
        blocks = counted(max(read.last - read.first + 1, 0), "block")
        say(
            ("read    ", "dim"),
            f"{blocks} from {read.first:,} on: {counted(read.transactions, 'transaction')}",
        )
        if read.left_out:
            words = f"{counted(read.left_out, 'difference')} gone: the node had left out logs the first time"
            say(("again   ", "dim"), (words, "yellow"))
    if found.chain is not None:
        block = found.chain.at.tie.block
        name = f"{block.number:,}" if width < 80 else f"{block.number:,} ({short(block.hash, 10, 4)})"
        say(("as of   ", "dim"), f"final block {name}, {when(block.at_ms)} UTC")
    if found.inferred is not None:
        say(("read    ", "dim"), f"{counted(found.inferred.rows, 'row')} of activity from the Data API")
    out.print()


_MARKS = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("·", "dim")}


def _show_findings(findings: Sequence[Finding]) -> None:
    made = Grid(
        Column(""),
        Column("id"),
        Column("invariant", folds=True),
        Column("checked", drop=1, right=True),
        Column("violations", right=True),
    )
    for finding in findings:
        mark, style = _MARKS[finding.holds]
        made.add(
            Text(mark, style=style),
            finding.id,
            Text(finding.sentence, style="" if finding.holds is True else style),
            Text(f"{finding.checked:,}" if finding.checked else "none", style="" if finding.checked else "dim"),
            Text("not told" if finding.holds is None else f"{len(finding.violations):,}", style=style),
        )
    made.print(out)


def _show_differences(differences: Sequence[Difference]) -> None:
    """The balances that differ, then where each came in."""
    out.print()
    made = Grid(
        Column("condition", drop=3),
        Column("balance"),
        Column("books", drop=2, right=True),
        Column("chain", drop=1, right=True),
        Column("drift", right=True),
        title="balances that differ",
    )
    for each in differences[:SHOWN_MAX]:
        name = short(each.token_id, 8, 6) if each.token_id else "collateral"
        made.add(
            short(each.condition_id, 8, 4),
            name,
            money(each.books),
            money(each.chain),
            Text(decimal_text(each.drift), style="bold red"),
        )
    made.print(out)
    for each in differences[:SHOWN_MAX]:
        out.print()
        name = f"token {short(each.token_id, 8, 6)}" if each.token_id else "collateral"
        say((f"{name}  ", "bold"), ("likely ", "dim"), each.cause)
        for line in _place_lines(each):
            say(*line)
    if len(differences) > SHOWN_MAX:
        say((f"... and {len(differences) - SHOWN_MAX:,} more (--json shows all)", "dim"))


def _place_lines(each: Difference) -> list[Line]:
    """Block, transactions and movements, one a line; whole hashes, so that they can be looked up."""
    if not each.where:
        return [[("  not located: ", "yellow"), readable(each.why_not)]]
    return [line for where in each.where for line in _block_lines(where)]


def _block_lines(where: Located) -> list[Line]:
    lines: list[Line] = [
        [("  came in by block ", "dim"), f"{where.block.number:,}", ("  ", ""), (when(where.block.at_ms), "dim")]
    ]
    for change in where.changes[:SHOWN_MAX]:
        lines.append([("  tx ", "dim"), change.tx_hash])
        lines.append(
            [
                ("     books ", "dim"),
                decimal_text(change.books),
                ("  chain ", "dim"),
                decimal_text(change.chain),
                ("  drift ", "dim"),
                (decimal_text(change.drift), "bold red" if change.drift else "dim"),
            ]
        )
        lines += [[("     movement ", "dim"), readable(key)] for key in change.movements[:SHOWN_MAX]]
        if not change.movements:
            lines.append([("     no movement of it in the books", "yellow")])
    return lines


_SHOWN_APART = ("I1",)
"""Invariants whose violations stand in the table of balances."""


def _show_violations(found: WalletAudit) -> None:
    for finding in found.audit.findings:
        if found.chain is not None and finding.id in _SHOWN_APART:
            continue
        violations = [each for each in finding.violations if not (found.chain and each.startswith("collateral:"))]
        if not violations:
            continue
        out.print()
        say((f"{finding.id} does not hold", "bold red"))
        for violation in violations[:SHOWN_MAX]:
            say(f"  {readable(violation)}")
        if len(violations) > SHOWN_MAX:
            say((f"  ... and {len(violations) - SHOWN_MAX:,} more (--json shows all)", "dim"))


def _show_notes(notes: Sequence[str]) -> None:
    if not notes:
        return
    out.print()
    say(("Outside statements that differ (a witness with a lag, never a correction):", "yellow"))
    for note in notes[:SHOWN_MAX]:
        say(f"  {readable(note)}")
    if len(notes) > SHOWN_MAX:
        say((f"  ... and {len(notes) - SHOWN_MAX:,} more", "dim"))


_DONE = {Action.CORRECTED: ("inferred", "yellow")}


def _show_inferred(inferred: Inferred) -> None:
    """What is stated to be held, against the rows."""
    say((f"{counted(inferred.tokens, 'position')} stated by the Data API", "bold"))
    if inferred.lagging:
        say(f"  {inferred.lagging:,} differ by no more than its lag explains", ("", ""))
    for flaw in inferred.flaws:
        say(("  not whole: ", "yellow"), flaw)
    if inferred.missing:
        say(
            ("  stuck: ", "yellow"),
            f"it does not show {counted(len(inferred.missing), 'transaction')} that are proven; nothing is inferred",
        )
    if not inferred.findings:
        say(("  no difference that a row does not explain", "dim"))
        return
    made = Grid(
        Column("token"),
        Column("books", drop=2, right=True),
        Column("stated", drop=1, right=True),
        Column("drift", right=True),
        Column("likely cause", folds=True),
        Column(""),
    )
    for each in inferred.findings[:SHOWN_MAX]:
        word, style = _DONE.get(each.action, ("left alone", "bold red"))
        figures = {name: int(str(each.evidence.get(name, 0))) for name in ("books", "truth", "drift")}
        made.add(
            short(each.token_id, 8, 6),
            money(figures["books"]),
            money(figures["truth"]),
            money(figures["drift"], signed=True),
            str(each.evidence.get("cause", "")),
            Text(word, style=style),
        )
    made.print(out)
    if len(inferred.findings) > SHOWN_MAX:
        say((f"... and {len(inferred.findings) - SHOWN_MAX:,} more (--json shows all)", "dim"))
    if any(each.action is Action.CORRECTED for each in inferred.findings):
        say(("inferred: ", "yellow"), "the books hold what is stated; the chain supersedes it when it is read")
    if any(each.action is not Action.CORRECTED for each in inferred.findings):
        say(("left alone: ", "bold red"), "something happened within the lag; look again in some minutes")


def _show_verdict(found: WalletAudit) -> None:
    untold = [finding.id for finding in found.audit.findings if finding.holds is None]
    broken = [finding.id for finding in found.audit.findings if finding.holds is False]
    out.print()
    if untold:
        needs = "the chain or the venue; the books alone" if found.chain is None else "the venue; chain and books"
        verb = "needs" if len(untold) == 1 else "need"
        say((f"not told: {' and '.join(untold)} {verb} {needs} cannot tell", "dim"))
    if found.data_untold:
        say(("not told by the Data API: ", "yellow"), found.data_untold)
    if broken:
        words = "invariant does" if len(broken) == 1 else "invariants do"
        say(("NOT tied out: ", "bold red"), f"{len(broken)} {words} not hold ({', '.join(broken)})")
        say(("next: ", "dim"), f"tieout {_next(found, broken)} --wallet {found.wallet}")
        if found.untold:
            say(("the chain could not be asked: ", "yellow"), found.untold)
        return
    holding = f"{len(found.audit.findings) - len(untold)} invariants hold"
    if found.untold:
        say(("CANNOT TELL by the chain: ", "bold yellow"), found.untold)
        say(("by themselves the books hold: ", "dim"), holding)
    elif found.is_unsure:
        say(("CANNOT TELL: ", "bold yellow"), "what the Data API states is not explained; " + holding)
    elif found.chain is not None:
        tie = found.chain.at.tie
        say(
            ("The books tie out: ", "bold green"),
            f"{counted(tie.tokens, 'balance')} and the collateral equal the chain at block {tie.block.number:,}, "
            f"to the micro-unit; {holding}",
        )
    else:
        say(("The books tie out: ", "bold green"), holding)


def _next(found: WalletAudit, broken: Sequence[str]) -> str:
    """What to type first: a damaged state explains nothing."""
    return "db rebuild" if "L1" in broken and "L2" not in broken else f"explain {_suspect(found)}"


def _suspect(found: WalletAudit) -> str:
    """What to look at first."""
    for each in found.chain.differences if found.chain is not None else ():
        if each.where and each.where[0].tx_hashes:
            return short(each.where[0].tx_hashes[0], 10, 6)
        if each.token_id:
            return short(each.token_id, 8, 6)
    return "TOKEN"
