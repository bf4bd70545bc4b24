"""What the live view and the lines say: the answer, and that every size of terminal holds it."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from tieout.app.config import Intervals
from tieout.app.fill_latency import FillLatency
from tieout.app.readiness import UNSEEN_MS, unread_ms, unseen_ms
from tieout.app.showing import Inventory, Shown, ShownFill
from tieout.app.tie_answer import Verdict, answer_of
from tieout.app.worker_state import MarketState, WorkerState
from tieout.cli.run_lines import EVERY_MS, Lines
from tieout.cli.run_panels import beside, unrealized
from tieout.cli.run_screen import Screen, view
from tieout.client.markets import MarketInfo
from tieout.jobs.job import Ended, Result
from tieout.ledger.facts import Side
from tieout.quoting.views import BookView, Quote
from tieout.store.controls import WHOLE_WALLET, Control, State
from tieout.store.quotes import QuoteEvent, QuoteEventKind
from tieout.store.runs import Action, Finding, Issue, IssueType, Job, Outcome, Severity

NOW = 1_790_000_000_000
WALLET = "0x" + "5a" * 20
SHARE = 1_000_000
TIED = {"block": 94_100_021, "tokens": 4, "differences": 0, "pending": 2}


def ended(job: Job, *findings: Finding, at_ms: int = NOW, problem: str = "", **detail: object) -> Ended:
    outcome = Outcome.FAILED if problem else Outcome.ISSUES if findings else Outcome.OK
    return Ended(job, at_ms, outcome, Result(findings, detail), problem)


def worker(*runs: Ended) -> WorkerState:
    state = WorkerState(WALLET, is_live=True, started_ms=NOW - 4_000_000, phase="running", why_not="")
    state.tied_out_since_ms = NOW - 65_000
    state.jobs = {each.job: each for each in runs}
    return state


def drift(action: Action = Action.LOGGED, type_: IssueType = IssueType.POSITION_DRIFT) -> Finding:
    return Finding(type_, Severity.ERROR, action, "the books hold 2.0, the wallet 1.0", "0xc1", "77", "")


def test_it_ties_out_at_a_block_since_a_time() -> None:
    answer = answer_of(worker(ended(Job.POSITION_SYNC, **TIED)), NOW)
    assert (answer.verdict, answer.block, answer.balances, answer.pending) == (Verdict.TIES_OUT, 94_100_021, 4, 2)
    assert answer.words == "4 balances equal the chain at block 94,100,021"
    assert answer.since_ms == NOW - 65_000


def test_alerts_that_do_not_arrive_are_shown_until_they_do() -> None:
    state = worker()
    assert beside(state).plain == ""
    state.alerts.failed = 2
    state.alerts.problems = {"mail": "mail: it was not delivered", "phone": "phone: no end of the delivery"}
    assert beside(state).plain == " | 0\u00a0alerts\u00a0sent not\u00a0delivered: phone: no end of the delivery"
    state.alerts.problems.clear()
    state.alerts.sent, state.alerts.dropped = 5, 1
    assert beside(state).plain == " | 5\u00a0alerts\u00a0sent 1\u00a0lost"


def test_the_comparison_of_a_full_sync_counts_too() -> None:
    assert answer_of(worker(ended(Job.FULL_SYNC, positions=TIED)), NOW).block == 94_100_021


def test_without_a_node_the_data_api_is_named() -> None:
    state = worker(ended(Job.POSITION_SYNC, tokens=4, differences=0))
    assert answer_of(state, NOW).words == "4 balances equal what the Data API states"


@pytest.mark.parametrize("size", [1, 4])
def test_any_difference_is_told_however_small_it_is(size: int) -> None:
    answer = answer_of(worker(ended(Job.POSITION_SYNC, **{**TIED, "differences": size})), NOW)
    assert answer.verdict is Verdict.DOES_NOT


def test_I1_the_first_difference_and_what_to_type() -> None:
    answer = answer_of(worker(ended(Job.POSITION_SYNC, drift(), **{**TIED, "differences": 1})), NOW)
    assert (answer.verdict, answer.words) == (Verdict.DOES_NOT, "the books hold 2.0, the wallet 1.0")
    assert answer.to_do == f"tieout explain 77 --wallet {WALLET}"


def test_what_was_corrected_does_tie_out() -> None:
    state = worker(ended(Job.POSITION_SYNC, drift(Action.CORRECTED), **TIED))
    assert answer_of(state, NOW).verdict is Verdict.TIES_OUT


def test_a_difference_that_a_later_run_does_not_find_is_over() -> None:
    full = ended(Job.FULL_SYNC, drift(), at_ms=NOW - 9_000, positions={**TIED, "differences": 1})
    assert answer_of(worker(full), NOW).verdict is Verdict.DOES_NOT
    assert answer_of(worker(full, ended(Job.POSITION_SYNC, **TIED)), NOW).verdict is Verdict.TIES_OUT


def test_E6_a_token_of_no_known_market_ties_out_like_any_other() -> None:
    found = Finding(IssueType.UNKNOWN_TOKEN, Severity.WARN, Action.LOGGED, "2.0 shares of what?", token_id="77")
    state = worker(ended(Job.FULL_SYNC, found, positions=TIED), ended(Job.RECONCILE, found))
    assert answer_of(state, NOW).verdict is Verdict.TIES_OUT


def test_O1_orders_that_differ_do_not_tie_out_either() -> None:
    found = drift(type_=IssueType.ORDER_MISMATCH)
    state = worker(ended(Job.POSITION_SYNC, **TIED), ended(Job.ORDER_SYNC, found))
    assert answer_of(state, NOW).verdict is Verdict.DOES_NOT


def test_a_failed_comparison_cannot_tell_and_an_old_one_neither() -> None:
    failed = answer_of(worker(ended(Job.POSITION_SYNC, problem="the node is away")), NOW)
    assert (failed.verdict, failed.words) == (Verdict.CANNOT_TELL, "the node is away")
    state = worker(ended(Job.POSITION_SYNC, at_ms=NOW - UNSEEN_MS - 1, **TIED))
    assert answer_of(state, NOW).verdict is Verdict.CANNOT_TELL
    state.unseen_ms = unseen_ms(Intervals(position_sync=30_000))
    assert answer_of(state, NOW).verdict is Verdict.TIES_OUT


def test_A4_jobs_that_are_told_to_come_seldom_are_late_later() -> None:
    assert (unseen_ms(Intervals()), unread_ms(Intervals())) == (60_000, 180_000)
    assert unseen_ms(Intervals(position_sync=120_000)) == 360_000
    assert unread_ms(Intervals(order_sync=120_000)) == 360_000


def test_before_the_first_comparison_and_while_a_feed_is_away_it_catches_up() -> None:
    assert answer_of(worker(), NOW).verdict is Verdict.CATCHING_UP
    state = worker(ended(Job.POSITION_SYNC, **TIED))
    state.why_not = "the user feed is not live"
    assert answer_of(state, NOW).verdict is Verdict.CATCHING_UP


def test_T4_the_first_frame_of_a_fill_counts() -> None:
    latency = FillLatency()
    assert latency.quantile(500) is None
    for number in range(1, 101):
        latency.note(b'{"event_type": "trade", "id": "t%d", "status": "MATCHED"}' % number, number)
    latency.note(b'[{"event_type": "trade", "id": "t1", "status": "MINED"}, {"event_type": "order", "id": "o"}]', 999)
    latency.note(b"PONG", 999)
    assert (latency.of("t1"), latency.of("o")) == (1, None)
    assert (latency.quantile(500), latency.quantile(990)) == (50, 99)


def test_unrealized_is_at_the_fair_price_and_unknown_without_one() -> None:
    held = Inventory((10 * SHARE, 5 * SHARE), (4_000_000, 2_000_000))
    assert unrealized(held, 450_000) == 4_500_000 + 2_750_000 - 6_000_000
    assert unrealized(held, None) is None
    assert unrealized(Inventory(), None) == 0


def full_screen(markets: int) -> Screen:
    """A worker with more of everything than any terminal has room for."""
    state = worker(*map(ended, Job), ended(Job.POSITION_SYNC, drift(), **{**TIED, "differences": 1}))
    state.controls = {WHOLE_WALLET: Control(WHOLE_WALLET, State.PAUSED, "a long look at everything " * 5, "ann", NOW)}
    state.problem = "GET /data/trades: no answer, transient: read timeout " * 3
    state.cash, state.sent["placed"], state.sent["rejected"] = 10_000 * SHARE, 12_345, 7
    inventories = {}
    for number in range(markets):
        info = MarketInfo(
            f"0x{number:064x}",
            "v1",
            ("1", "2"),
            ("Yes", "No"),
            10_000,
            5 * SHARE,
            False,
            True,
            question=f"Will the coalition prevail in vote {number}, and by how much?",
        )
        book = BookView(bids=(((480_000, SHARE),), ()), asks=(((520_000, SHARE),), ()))
        quotes = (Quote(0, Side.BUY, 470_000, 25 * SHARE, 0), Quote(1, Side.BUY, 450_000, 25 * SHARE, 0))
        state.markets[info.condition_id] = MarketState(info, book, 500_000, quotes)
        inventories[info.condition_id] = Inventory((123_456_789_012, 98_765_432_109), (61_728_394_506, 49_382_716_054))
        state.events.append(
            QuoteEvent(
                NOW,
                info.condition_id,
                "1",
                0,
                Side.BUY,
                0,
                470_000,
                25 * SHARE,
                "0xab",
                QuoteEventKind.PLACED,
                False,
                "x",
            )
        )
    fills = tuple(
        ShownFill(NOW, f"0x{number % max(markets, 1):064x}", 0, "SELL", 123_456, 45 * SHARE, status, f"t{number}")
        for number, status in enumerate(["MATCHED", "MINED", "CONFIRMED", "SETTLED", "RETRYING", "NEW_STATUS"] * 5)
    )
    issues = tuple(
        Issue(
            number,
            1,
            IssueType.POSITION_DRIFT,
            severity,
            Action.LOGGED,
            "",
            "77",
            "",
            "the books hold 2.0, the wallet 1.0 " * 4,
            {},
            NOW,
            NOW,
            3,
            None,
            None,
        )
        for number, severity in enumerate(reversed(Severity))
    )
    return Screen(state, NOW, Shown(9, inventories, fills, 30, 12, 40, issues))


def drawn(screen: Screen, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, record=True, file=StringIO())
    console.print(view(screen, width, height))
    return console.export_text().rstrip("\n").split("\n")


SIZES = ((60, 20), (80, 24), (80, 50), (100, 30), (120, 40), (200, 60))


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("markets", [0, 1, 6, 40])
def test_every_size_of_terminal_holds_it(width: int, height: int, markets: int) -> None:
    lines = drawn(full_screen(markets), width, height)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "DOES NOT TIE OUT" in text
    assert "paused by ann" in text
    assert "CRITICAL" in text


def test_on_80_columns_and_24_rows_markets_and_fills_are_there() -> None:
    screen = full_screen(5)
    screen.state.controls, screen.state.problem = {}, ""
    lines = drawn(screen, 80, 24)
    text = "\n".join(lines)
    assert text.count("Will the") >= 7
    assert "0.47 x 0.55" not in text  # live: only what rests counts as ours
    assert "0.48 x 0.52" in text
    assert "quoting" in text
    assert "MATCHED" in text


def test_a_dry_run_shows_what_it_would_place_and_says_so() -> None:
    screen = full_screen(2)
    screen.state.is_live = False
    text = "\n".join(drawn(screen, 120, 40))
    assert "DRY RUN: NOTHING IS SENT" in text
    assert "0.47 x 0.55" in text


def told(lines: Lines, screen: Screen) -> str:
    return "\n".join(line.plain for line in lines.of(screen))


def test_lines_tell_every_change_once() -> None:
    lines, screen = Lines(quiet=False), Screen(worker(ended(Job.POSITION_SYNC, **TIED)), NOW)
    first = told(lines, screen)
    assert "TIES OUT" in first
    assert "running" in first
    assert told(lines, screen) == ""
    screen.state.jobs[Job.POSITION_SYNC] = ended(Job.POSITION_SYNC, **{**TIED, "block": 94_100_025})
    assert told(lines, screen) == ""
    screen.state.jobs[Job.POSITION_SYNC] = ended(Job.POSITION_SYNC, drift(), **TIED)
    assert "DOES NOT TIE OUT" in told(lines, screen)
    again = replace(drift(), summary="the books hold 3.0, the wallet 1.0")
    screen.state.jobs[Job.POSITION_SYNC] = ended(Job.POSITION_SYNC, again, **TIED)
    assert told(lines, screen) == ""
    screen.state.controls = {"0xc1": Control("0xc1", State.HALTED, "it broke", "worker", NOW)}
    assert "0xc1: halted by worker: it broke" in told(lines, screen)
    screen.state.controls = {"0xc1": Control("0xc1")}
    assert "0xc1: active again" in told(lines, screen)
    screen.shown = full_screen(0).shown
    assert told(lines, screen).count("POSITION_DRIFT") == len(Severity)
    assert told(lines, screen) == ""


def test_now_and_then_a_line_tells_that_nothing_is_new_unless_it_is_to_be_quiet() -> None:
    for quiet in (False, True):
        lines, screen = Lines(quiet=quiet), Screen(worker(ended(Job.POSITION_SYNC, **TIED)), NOW)
        told(lines, screen)
        screen.now_ms += EVERY_MS - 1
        assert told(lines, screen) == ""
        screen.now_ms += 1
        assert ("TIES OUT" in told(lines, screen)) is not quiet
