"""The live view of a worker: the line that counts, the markets, fills as they travel, jobs and open issues."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group
from rich.text import Text

from tieout.app.glance import FillShown, Glance, Held
from tieout.app.worker_state import MarketState, WorkerState
from tieout.cli.grid import Column, Grid
from tieout.cli.output import counted, money, short
from tieout.jobs.job import Ended
from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO, decimal_text
from tieout.quoting.views import Quote, Resting, is_bid, touch, yes_price
from tieout.store.controls import WHOLE_WALLET, State
from tieout.store.runs import Job

MARKETS, ISSUES = 12, 3

STATUS = {"MATCHED": "yellow", "RETRYING": "magenta", "MINED": "cyan", "CONFIRMED": "green", "SETTLED": "green"}
OUTCOME = {"ok": "green", "issues": "yellow", "failed": "red"}


def tie_words(state: WorkerState, now_ms: int) -> tuple[str, str, str]:
    """(style, label, sentence): whether everything ties out, in the fewest words."""
    if state.phase in ("starting", "catching up"):
        return "bold black on yellow", "CATCHING UP", state.problem or "reading what was missed before the first quote"
    drift = _drift(state)
    if drift:
        return "bold white on red", "DOES NOT TIE OUT", f"{drift}; type: tieout issues --wallet {state.wallet}"
    seen = _compared(state)
    if seen is None:
        failed = next((e.problem for e in state.jobs.values() if e.problem), "nothing was compared yet")
        return "bold black on yellow", "CANNOT TELL", failed
    detail = seen.result.detail.get("positions", seen.result.detail)
    balances, block = detail.get("tokens", 0), detail.get("block")
    where = f"at block {block:,}" if block else "by the Data API"
    since = f", since {_age(now_ms - state.tied_out_since_ms)}" if state.tied_out_since_ms else ""
    return "bold black on green", "TIES OUT", f"{counted(balances, 'balance')} equal the chain {where}{since}"


def tie_line(state: WorkerState, now_ms: int) -> Text:
    """The one line that counts."""
    style, label, sentence = tie_words(state, now_ms)
    return Text.assemble((f" {label} ", style), f"  {sentence}")


def view(state: WorkerState, shown: Glance, now_ms: int, width: int, extra: Iterable[Text] = ()) -> Group:
    """Everything, for a terminal of *width* columns."""
    return Group(
        _head(state, shown, now_ms, width),
        tie_line(state, now_ms),
        *_why(state),
        Text(),
        *_markets(state, shown).lines(width),
        Text(),
        *_fills(state, shown).lines(width),
        Text(),
        _latency(state),
        _jobs(state, now_ms),
        *_issues(shown, width),
        *extra,
    )


def _compared(state: WorkerState) -> Ended | None:
    """The last comparison that came to its end."""
    done = [state.jobs[job] for job in (Job.POSITION_SYNC, Job.FULL_SYNC) if job in state.jobs]
    return max((ended for ended in done if not ended.problem), key=lambda ended: ended.at_ms, default=None)


def _drift(state: WorkerState) -> str:
    """The first difference, "" when there is none."""
    seen = _compared(state)
    if seen is None or state.tied_out_since_ms:
        return ""
    return next((found.summary for found in seen.result.findings if found.severity.is_grave), "")


def _head(state: WorkerState, shown: Glance, now_ms: int, width: int) -> Text:
    mode = (" LIVE ", "bold white on blue") if state.is_live else (" DRY RUN: nothing is sent ", "bold black on yellow")
    today = state.pnl - state.pnl_at_day_start
    return Text.assemble(
        mode,
        ("  wallet ", "dim"),
        (state.wallet if width >= 120 else short(state.wallet), "bold"),
        ("  up ", "dim"),
        _age(now_ms - state.started_ms),
        ("  cash ", "dim"),
        decimal_text(state.cash, 2) if state.cash is not None else "?",
        ("  PnL today ", "dim"),
        money(today, signed=True),
        ("  realized ", "dim"),
        money(shown.realized, signed=True),
        ("  fees ", "dim"),
        money(shown.fees),
    )


def _why(state: WorkerState) -> list[Text]:
    """Why nothing is placed, if so; and the last trouble with the venue."""
    whole = state.controls.get(WHOLE_WALLET)
    lines = []
    if whole is not None and whole.state is not State.ACTIVE:
        lines.append(Text(f"{whole.state.value} by {whole.who}: {whole.reason}", "bold yellow"))
    elif state.why_not:
        lines.append(Text(f"not quoting: {state.why_not}", "yellow"))
    if state.problem:
        lines.append(Text(state.problem, "dim red"))
    return lines


def _markets(state: WorkerState, shown: Glance) -> Grid:
    made = Grid(
        Column("market"),
        Column("fair", right=True),
        Column("ours", right=True),
        Column("book", drop=3, right=True),
        Column("orders", drop=4, right=True),
        Column("YES", right=True),
        Column("NO", right=True),
        Column("avg cost", drop=2, right=True),
        Column("realized", drop=1, right=True),
        Column("state"),
    )
    for each in list(state.markets.values())[:MARKETS]:
        yes, no = (shown.held.get(token, Held(0, 0, 0, 0)) for token in each.market.token_ids)
        made.add(
            _cut(each.market.question or each.market.condition_id, 22),
            _price(each.fair),
            _pair(*_own(each.resting if state.is_live else each.quotes)),
            _pair(*_book(each)),
            str(len(each.resting)),
            money(yes.shares),
            money(no.shares),
            f"{_average(yes)} / {_average(no)}",
            money(yes.realized_pnl + no.realized_pnl, signed=True),
            _state(each),
        )
    return made


def _state(each: MarketState) -> Text:
    if each.why_not:
        return Text(_cut(each.why_not, 28), "yellow")
    if not each.quotes:
        return Text(_cut("; ".join(each.reasons) or "nothing wanted", 28), "dim")
    return Text("quoting", "green")


def _own(orders: Iterable[Quote | Resting]) -> tuple[int | None, int | None]:
    """Our best bid and ask in YES prices."""
    kept = list(orders)
    bids = [yes_price(order) for order in kept if is_bid(order)]
    asks = [yes_price(order) for order in kept if not is_bid(order)]
    return max(bids, default=None), min(asks, default=None)


def _book(each: MarketState) -> tuple[int | None, int | None]:
    if each.book is None:
        return None, None
    bid, ask = touch(each.book)
    return bid or None, ask if ask < MICRO else None


def _price(price: int | None) -> str:
    return "" if price is None else f"{price / MICRO:.3f}"


def _pair(bid: int | None, ask: int | None) -> str:
    return f"{_price(bid) or '-'} x {_price(ask) or '-'}" if bid is not None or ask is not None else "-"


def _average(held: Held) -> str:
    return f"{held.cost_basis / held.shares:.3f}" if held.shares else "-"


def _fills(state: WorkerState, shown: Glance) -> Grid:
    made = Grid(
        Column("fill", drop=1),
        Column("market"),
        Column("", right=True),
        Column("shares", right=True),
        Column("price", right=True),
        Column("status"),
    )
    names = {
        token: (each.market.question, each.market.outcomes[place])
        for each in state.markets.values()
        for place, token in enumerate(each.market.token_ids)
    }
    for fill in shown.fills:
        question, outcome = names.get(fill.token_id, (fill.condition_id, "?"))
        side = Side.BUY if fill.kind == "buy" else Side.SELL
        made.add(
            _clock(fill),
            _cut(question, 30),
            Text(f"{side.value} {outcome}", "green" if side is Side.BUY else "red"),
            money(fill.shares),
            f"{fill.collateral / fill.shares:.3f}" if fill.shares else "",
            Text(fill.status or "on chain", STATUS.get(fill.status, "")),
        )
    return made


def _clock(fill: FillShown) -> str:
    seconds = fill.at_ms // 1000 % 86_400
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _latency(state: WorkerState) -> Text:
    line = Text.assemble(
        f"{state.sent['placed']:,}",
        (" orders placed  ", "dim"),
        f"{state.sent['cancelled']:,}",
        (" cancelled  ", "dim"),
    )
    line.append_text(Text.assemble(f"{state.sent['rejected']:,}", (" rejected", "dim")))
    seen = sorted(state.latencies_ms)
    if seen:
        line.append_text(
            Text.assemble(
                ("  socket to books: median ", "dim"),
                f"{seen[len(seen) // 2]} ms",
                (", 99 of 100 within ", "dim"),
                f"{seen[len(seen) * 99 // 100]} ms",
            )
        )
    return line


def _jobs(state: WorkerState, now_ms: int) -> Text:
    line = Text()
    for job, ended in sorted(state.jobs.items()):
        name = job.value.replace("_", " ")
        line.append(f"{name} ", "dim")
        line.append(f"{_age(now_ms - ended.at_ms)}  ", OUTCOME.get(ended.outcome.value, ""))
    return line


def _issues(shown: Glance, width: int) -> list[Text]:
    grave = [issue for issue in shown.issues if issue.severity.is_grave]
    styles = {"CRITICAL": "bold white on red", "ERROR": "bold red", "WARN": "yellow", "INFO": "dim"}
    lines = [
        Text.assemble((issue.severity.value, styles[issue.severity.value]), f"  {_cut(issue.summary, width - 12)}")
        for issue in shown.issues[:ISSUES]
    ]
    if len(shown.issues) > ISSUES:
        lines.append(Text(f"{counted(len(shown.issues), 'open issue')}, {len(grave)} grave: tieout issues", "dim"))
    return lines


def _cut(text: str, most: int) -> str:
    """The beginning of *text*, *most* characters of it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _age(ms: int) -> str:
    seconds = max(ms, 0) // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3600} h"
