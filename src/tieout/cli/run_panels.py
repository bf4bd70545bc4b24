"""The panels of the live view: each gives lines of at most a width, and says the most in the fewest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from tieout.app.showing import Inventory, Shown, ShownFill
from tieout.app.tie_answer import Answer, Verdict
from tieout.app.waking import Hearing
from tieout.app.wording import age, short
from tieout.app.worker_state import MarketState, WorkerState
from tieout.cli.grid import Column, Grid
from tieout.cli.output import counted, readable
from tieout.ledger.units import MICRO, cash_of, decimal_text
from tieout.quoting.views import Quote, Resting, is_bid, touch, yes_price
from tieout.store.controls import WHOLE_WALLET, Control, State
from tieout.store.quotes import QuoteEvent, QuoteEventKind
from tieout.store.runs import Issue, Job, Outcome, Severity

WIDE = 110
"""Columns from which addresses are whole and states have room."""

NAME_MIN = 14
"""Characters of a question that are shown at least."""

LATE_MS = 15_000
"""A comparison that is older is told with its age."""

VERDICT_STYLE = {
    Verdict.TIES_OUT: "bold black on green",
    Verdict.CATCHING_UP: "bold black on yellow",
    Verdict.CANNOT_TELL: "bold black on yellow",
    Verdict.DOES_NOT: "bold white on red",
}
SEVERITY_STYLE = {
    Severity.INFO: "dim",
    Severity.WARN: "yellow",
    Severity.ERROR: "bold red",
    Severity.CRITICAL: "bold white on red",
}
_OUTCOME_STYLE = {Outcome.OK: "green", Outcome.ISSUES: "yellow", Outcome.FAILED: "bold red"}
_JOB_NAMES = {
    Job.MARKET_MAKING: "making",
    Job.POSITION_SYNC: "positions",
    Job.ORDER_SYNC: "orders",
    Job.QUICK_SYNC: "quick",
    Job.FULL_SYNC: "full",
}
_STEPS = ("MATCHED", "MINED", "CONFIRMED")
_STEP_STYLE = ("yellow", "cyan", "green")
_PLACE = {"MATCHED": 0, "MATCHED_NOT_BROADCASTED": 0, "MINED": 1, "CONFIRMED": 2, "SETTLED": 2}
_EVENT_STYLE = {
    QuoteEventKind.PLACED: "green",
    QuoteEventKind.FILL: "bold cyan",
    QuoteEventKind.PARTIAL_FILL: "cyan",
    QuoteEventKind.REJECTED: "red",
}


# words and figures


def uptime(ms: int) -> str:
    """Hours, minutes and seconds."""
    seconds = max(ms, 0) // 1_000
    return f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def clock(at_ms: int) -> str:
    """The time of day in UTC."""
    seconds = at_ms // 1_000 % 86_400
    return f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def cut(text: str, most: int) -> str:
    """The beginning of *text*, *most* characters of it at most."""
    return text if len(text) <= most else f"{text[: max(most - 1, 0)]}…"


def price_text(price: int | None) -> str:
    """A price with as many places as it needs, two at least; a dash when there is none."""
    if price is None:
        return "–"
    text = decimal_text(price)
    return text[:4] + text[4:].rstrip("0")


def gain(amount: int | None) -> Text:
    """Profit or loss to the cent, rounded towards zero; a question mark when nobody knows."""
    if amount is None:
        return Text("?", "dim")
    text = decimal_text(amount, 2)
    if text.strip("-0.,") == "":
        return Text("0.00", "dim")
    return Text(f"+{text}" if amount > 0 else text, "green" if amount > 0 else "red")


def fitted(line: Text, width: int) -> Text:
    """*line* cut to one line of *width*."""
    if line.cell_len > width:
        line.truncate(width, overflow="ellipsis")
    return line


def wrapped(line: Text, width: int, most: int) -> list[Text]:
    """*line* folded at words into *most* lines at most; the last one is cut."""
    words = line.split(" ")
    lines: list[Text] = [Text()]
    for word in words:
        if lines[-1].cell_len and lines[-1].cell_len + 1 + word.cell_len > width and len(lines) < most:
            lines.append(Text())
        if lines[-1].cell_len:
            lines[-1].append(" ")
        lines[-1].append_text(word)
    return [fitted(each, width) for each in lines]


# the panels


def header(state: WorkerState, shown: Shown, now_ms: int, width: int) -> list[Text]:
    """Whose worker it is, whether it sends anything, and what the day has brought."""
    mode = (" LIVE ", "bold white on blue") if state.is_live else (" DRY RUN: NOTHING IS SENT ", "bold black on yellow")
    wallet = state.wallet if width >= WIDE else short(state.wallet, 8, 4)
    first = Text.assemble(
        mode,
        ("  wallet ", "dim"),
        (wallet, "bold"),
        f"  {state.phase}",
        ("  up ", "dim"),
        uptime(now_ms - state.started_ms),
    )
    cash = "?" if state.cash is None else decimal_text(state.cash, 2)
    second = Text.assemble(("cash ", "dim"), cash, ("  PnL today ", "dim"))
    today = shown.pnl_today
    second.append_text(gain(None if today is None else today[1]))
    second.append(" (before fees ", "dim")
    second.append_text(gain(None if today is None else today[0]))
    second.append(")", "dim")
    second.append_text(Text.assemble(("  fills ", "dim"), f"{shown.fills_total:,}"))
    if shown.moving:
        second.append(f" ({shown.moving:,} on the way)", "yellow")
    second.append_text(Text.assemble(("  open ", "dim"), f"{shown.open_orders:,}"))
    return [fitted(first, width), fitted(second, width)]


def tie_line(answer: Answer, now_ms: int) -> Text:
    """The one line that counts."""
    line = Text.assemble((f" {answer.verdict} ", VERDICT_STYLE[answer.verdict]), "  ")
    line.append(readable(answer.words))
    if answer.since_ms:
        line.append(f", for {age(now_ms - answer.since_ms)}", "dim")
    if answer.compared_ms and now_ms - answer.compared_ms > LATE_MS:
        line.append(f", compared {age(now_ms - answer.compared_ms)} ago", "yellow")
    if answer.to_do:
        line.append_text(Text.assemble(("; type: ", "dim"), (answer.to_do, "bold")))
    return line


def held_words(controls: Mapping[str, Control], condition_id: str) -> str:
    """Who paused or halted the market or the whole wallet; "" when nobody did."""
    for control in (controls.get(condition_id), controls.get(WHOLE_WALLET)):
        if control is not None and control.state is not State.ACTIVE:
            return f"{control.state.value} by {control.who}: {control.reason}"
    return ""


def trouble(state: WorkerState, width: int) -> list[Text]:
    """Who holds the whole wallet, or why nothing is placed, and the last trouble with the venue."""
    lines = []
    whole = state.controls.get(WHOLE_WALLET)
    if whole is not None and whole.state is not State.ACTIVE:
        style = "bold white on red" if whole.state is State.HALTED else "bold yellow"
        lines.append(Text(f"{whole.state.value} by {whole.who}: {whole.reason}", style))
    elif state.why_not and state.phase == "running":
        lines.append(Text(f"not quoting: {state.why_not}", "yellow"))
    if state.problem and state.problem != state.why_not:
        lines.append(Text(state.problem, "red"))
    return [fitted(line, width) for line in lines]


def markets(state: WorkerState, shown: Shown, width: int, most: int) -> list[Text]:
    """Every market in a line: our quotes in the book, what is held at what cost, profit, and whether it is quoted."""
    if not state.markets or most < 2:
        return []
    every = list(state.markets.values())
    kept = every[: most - 1] if len(every) <= most - 1 else every[: most - 2]
    room = 24 if width >= WIDE else 10
    lines = _market_grid(state, shown, kept, NAME_MIN).lines(width - room - 2)[: len(kept) + 1]
    spare = width - room - 2 - max(line.cell_len for line in lines)
    lines = _market_grid(state, shown, kept, NAME_MIN + max(spare, 0)).lines(width - room - 2)[: len(kept) + 1]
    full = max(line.cell_len for line in lines)
    states = [Text("state", "dim"), *(market_state(each, state) for each in kept)]
    for line, words in zip(lines, states, strict=True):
        line.append(" " * (full - line.cell_len + 2))
        line.append_text(fitted(words, width - line.cell_len))
    if len(every) > len(kept):
        lines.append(Text(f"and {counted(len(every) - len(kept), 'more market')}: tieout books", "dim"))
    return lines


def _market_grid(state: WorkerState, shown: Shown, kept: Sequence[MarketState], name_width: int) -> Grid:
    """All but the states, whose length nobody knows; *name_width* is for the questions."""
    made = Grid(
        Column("market"),
        Column("fair", right=True),
        Column("ours", right=True),
        Column("book", right=True, drop=2),
        Column("live", right=True, drop=6),
        Column("YES", right=True),
        Column("NO", right=True),
        Column("avg cost", right=True, drop=5),
        Column("realized", right=True, drop=3),
        Column("unreal.", right=True, drop=4),
    )
    for each in kept:
        held = shown.inventories.get(each.market.condition_id, Inventory())
        made.add(
            cut(each.market.question or short(each.market.condition_id), name_width),
            price_text(_rounded(each.fair)),
            _pair(*_own(each.resting if state.is_live else each.quotes)),
            _pair(*_book(each)),
            str(len(each.resting)) if state.is_live else f"({len(each.quotes)})",
            _shares(held.shares[0]),
            _shares(held.shares[1]),
            f"{_average(held, 0)} / {_average(held, 1)}",
            gain(held.realized),
            gain(unrealized(held, each.fair)),
        )
    return made


def unrealized(held: Inventory, fair: int | None) -> int | None:
    """What is held at the fair price, less its cost; None without a price while something is held."""
    if held.shares == (0, 0):
        return 0
    if fair is None:
        return None
    return cash_of(held.shares[0], fair) + cash_of(held.shares[1], MICRO - fair) - sum(held.cost)


def market_state(each: MarketState, state: WorkerState) -> Text:
    """Quoting, or who or what is against it."""
    if held := held_words(state.controls, each.market.condition_id):
        return Text(held, "bold yellow")
    if each.why_not:
        return Text(each.why_not, "yellow")
    if each.quotes:
        return Text("quoting", "green")
    return Text("; ".join(each.reasons) or "nothing wanted", "dim")


def fills(state: WorkerState, shown: Shown, width: int, most: int) -> list[Text]:
    """The last fills and how far each has travelled; the heading tells how fast they reach the books (T4)."""
    if most < 2:
        return []
    head = Text.assemble(("fills, newest first", "dim"))
    median, worst = state.fill_latency.quantile(500), state.fill_latency.quantile(990)
    if median is not None:
        head.append_text(Text.assemble(("; socket to books: median ", "dim"), f"{median} ms"))
        head.append_text(Text.assemble((", 99 of 100 within ", "dim"), f"{worst} ms"))
    made = Grid(*(Column("", right=number in (3, 4, 6)) for number in range(7)))
    kept = shown.fills[: most - 1]
    for fill in kept:
        known = state.markets.get(fill.condition_id)
        took = state.fill_latency.of(fill.trade_id)
        outcomes = known.market.outcomes if known else ()
        outcome = outcomes[fill.outcome_index] if 0 <= fill.outcome_index < len(outcomes) else "?"
        made.add(
            clock(fill.at_ms),
            cut(known.market.question if known else short(fill.condition_id), 34 if width >= WIDE else 20),
            Text(f"{fill.side} {cut(outcome, 8)}", "green" if fill.side == "BUY" else "red"),
            _shares(fill.shares),
            price_text(_rounded(fill.price)),
            travelled(fill, whole=width >= WIDE),
            "" if took is None else f"{took} ms",
        )
    if not kept:
        return [head, Text("none yet", "dim")]
    return [fitted(line, width) for line in (head, *made.lines(width)[: len(kept)])]


def travelled(fill: ShownFill, *, whole: bool) -> Text:
    """MATCHED, MINED, CONFIRMED: as far as the fill has come; *whole*: with the way it has still to go."""
    place = _PLACE.get(fill.status)
    if place is None:
        return Text(fill.status or "?", "magenta")
    if not whole:
        return Text(_STEPS[place], _STEP_STYLE[place])
    line = Text()
    for number, step in enumerate(_STEPS):
        line.append(" → " if number else "", "dim")
        line.append(step, _STEP_STYLE[number] if number <= place else "dim")
    return line


def events(state: WorkerState, width: int, most: int) -> list[Text]:
    """The last steps in the lives of quotes, the newest first."""
    if most < 2 or not state.events:
        return []
    made = Grid(*(Column("", right=number in (4, 5)) for number in range(7)))
    kept = list(state.events)[:-most:-1]
    for event in kept:
        made.add(*_event(event, state, width))
    return [fitted(line, width) for line in (Text("quotes, newest first", "dim"), *made.lines(None)[: len(kept)])]


def _event(event: QuoteEvent, state: WorkerState, width: int) -> list[Text | str]:
    known = state.markets.get(event.condition_id)
    outcomes = known.market.outcomes if known else ()
    outcome = outcomes[event.outcome_index] if 0 <= event.outcome_index < len(outcomes) else "?"
    return [
        clock(event.at_ms),
        cut(known.market.question if known else short(event.condition_id), 34 if width >= WIDE else 20),
        Text.assemble(
            (event.event.value, _EVENT_STYLE.get(event.event, "dim")), (" dry" if event.dry else "", "magenta")
        ),
        Text(f"{event.side.value} {cut(outcome, 8)}"),
        _shares(event.size),
        price_text(event.price),
        Text(event.reason, "dim"),
    ]


def jobs(state: WorkerState, now_ms: int, width: int) -> list[Text]:
    """How each job ended last, and how long ago; and what was sent."""
    line = Text("jobs", "dim")
    for job, ended in sorted(state.jobs.items()):
        name = _JOB_NAMES.get(job, job.value)
        ago = age(now_ms - ended.at_ms).replace(" ", "")
        line.append_text(Text.assemble(" ", (name, _OUTCOME_STYLE.get(ended.outcome, "dim")), ("\u00a0" + ago, "dim")))
    line.append_text(Text(" |", "dim"))
    for name in ("placed", "cancelled", "rejected", "unknown"):
        if state.sent[name]:
            style = "magenta" if name in ("rejected", "unknown") else ""
            line.append_text(Text.assemble(" ", (f"{state.sent[name]:,}\u00a0{name}", style)))
    line.append_text(beside(state))
    return wrapped(line, width, 2)


def beside(state: WorkerState) -> Text:
    """Whether new heads arrive and alerts are delivered; empty where neither is configured."""
    line = Text()
    if state.heads:
        style = "" if state.heads is Hearing.LIVE else "yellow"
        line.append_text(Text.assemble((" | ", "dim"), (f"heads\u00a0{state.heads}", style)))
    told = state.alerts
    if told.sent or told.problem or told.dropped:
        line.append_text(Text.assemble((" | ", "dim"), f"{told.sent:,}\u00a0alerts\u00a0sent"))
    if told.dropped:
        line.append(f" {told.dropped:,}\u00a0lost", "red")
    if told.problem:
        line.append(f" not\u00a0delivered: {told.problem}", "red")
    return line


def issues(found: Sequence[Issue], wallet: str, width: int, most: int) -> list[Text]:
    """Open issues, the gravest first."""
    if most < 1 or not found:
        return []
    kept = found if len(found) <= most else found[: most - 1]
    lines = []
    for issue in kept:
        times = f" ({issue.times} times)" if issue.times > 1 else ""
        done = f" {issue.action}" if issue.action.value != "LOGGED" else ""
        lines.append(
            Text.assemble(
                (f"{issue.severity.value}{done}", SEVERITY_STYLE[issue.severity]), f"  {readable(issue.summary)}{times}"
            )
        )
    if len(found) > len(kept):
        rest = len(found) - len(kept)
        lines.append(Text(f"{rest} more: tieout issues --wallet {wallet}", "dim"))
    return [fitted(line, width) for line in lines]


def _shares(amount: int) -> Text:
    """Shares to the hundredth, rounded towards zero; nothing for 0."""
    return Text(decimal_text(amount, 2)) if amount else Text("–", "dim")


def _pair(bid: int | None, ask: int | None) -> Text:
    return Text(f"{price_text(bid)} x {price_text(ask)}") if (bid, ask) != (None, None) else Text("–", "dim")


def _average(held: Inventory, outcome: int) -> str:
    """Cost of a share."""
    shares = held.shares[outcome]
    return price_text(_rounded(held.cost[outcome] * MICRO // shares)) if shares else "–"


def _rounded(price: int | None) -> int | None:
    """To the nearest hundredth of a cent."""
    return None if price is None else (price + 50) // 100 * 100


def _own(orders: Iterable[Quote | Resting]) -> tuple[int | None, int | None]:
    """Our best bid and ask in YES prices."""
    kept = list(orders)
    bids = [yes_price(order) for order in kept if is_bid(order)]
    asks = [yes_price(order) for order in kept if not is_bid(order)]
    return max(bids, default=None), min(asks, default=None)


def _book(each: MarketState) -> tuple[int | None, int | None]:
    """The venue's best bid and ask in YES prices, our own orders among them."""
    if each.book is None:
        return None, None
    bid, ask = touch(each.book)
    return bid or None, ask if ask < MICRO else None
