"""What a destination is told and when: grouping, quiet hours, and what could not be delivered. No time passes."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.app import alert_outbox
from tieout.app.alert import Alert, Letter, letter_of, rank
from tieout.app.alert_outbox import AGAIN_MS, Outbox, Pace
from tieout.app.quiet_hours import Quiet, is_quiet
from tieout.store.runs import Severity

NOON_MS = 1_795_003_200_000  # 2026-11-18 12:00 UTC
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
NIGHT = Quiet(22 * 60, 7 * 60, ZoneInfo("UTC"))
INFO, WARN, ERROR, CRITICAL = Severity


def pace(**changes: object) -> Pace:
    given: dict[str, object] = {"spacing_ms": 600_000, "group_ms": 30_000, "retry_ms": HOUR_MS, **changes}
    return Pace(**given)  # type: ignore[arg-type]


def alert(kind: str, severity: Severity = ERROR, at_ms: int = NOON_MS) -> Alert:
    return Alert(kind, severity, f"{kind} happened", at_ms, at_ms)


def taken(box: Outbox) -> list[str]:
    """What is ready, taken out: "A B" for two alerts in one letter, "A*3" for one that stands for three."""
    found = []
    while box.ready:
        found.append(words(box.ready.popleft()))
    return found


def words(letter: Letter) -> str:
    return " ".join(each.type + (f"*{each.times}" if each.times > 1 else "") for each in letter.alerts)


def test_what_comes_within_a_window_is_one_letter_the_gravest_first_and_the_first_grave_one_does_not_wait() -> None:
    box = Outbox(pace())
    for kind, severity in (("A", WARN), ("B", ERROR), ("C", ERROR), ("D", INFO), ("E", WARN)):
        box.tell(alert(kind, severity), NOON_MS)
    # B takes along what waits; what comes after it waits for the end of the window.
    assert taken(box) == ["B A"]
    assert box.next_ms(NOON_MS) == NOON_MS + 30_000
    box.look(NOON_MS + 29_999)
    assert taken(box) == []
    box.look(NOON_MS + 30_000)
    assert taken(box) == ["C E D"]
    box.tell(alert("F", ERROR), NOON_MS + 30_001)
    assert taken(box) == [], "the letter has begun another window"
    box.tell(alert("G", CRITICAL), NOON_MS + 30_002)
    assert taken(box) == ["G F"], "graver than what was told in it"
    box.tell(alert("H", CRITICAL), NOON_MS + 30_003)
    assert taken(box) == []
    box.look(NOON_MS + 60_002)
    assert taken(box) == ["H"]
    box.look(NOON_MS + 90_002)
    box.tell(alert("I", ERROR), NOON_MS + 90_003)
    assert taken(box) == ["I"], "a window in which nothing came is over"


def test_what_is_not_grave_waits_for_others_from_the_start() -> None:
    box = Outbox(pace())
    box.tell(alert("A", WARN), NOON_MS)
    box.tell(alert("B", WARN), NOON_MS + 29_000)
    assert taken(box) == []
    box.look(NOON_MS + 30_000)
    assert taken(box) == ["A B"]
    box.look(NOON_MS + 10 * HOUR_MS)
    box.tell(alert("C", WARN), NOON_MS + 10 * HOUR_MS)
    assert taken(box) == []


def test_of_one_kind_the_others_are_counted_in_groups_too() -> None:
    box = Outbox(pace())
    for second in range(50):
        box.tell(alert("A", ERROR), NOON_MS + second * 1_000)
    assert taken(box) == ["A"]
    box.look(NOON_MS + 599_999)
    assert taken(box) == []
    box.look(NOON_MS + 600_000)
    assert taken(box) == ["A*49"]


def test_quiet_hours_keep_everything_for_one_letter_but_what_is_grave_enough() -> None:
    night = NOON_MS + 11 * HOUR_MS  # 23:00
    for group_ms in (0, 30_000):
        box = Outbox(pace(quiet=NIGHT, group_ms=group_ms))
        box.tell(alert("BEFORE", ERROR), NOON_MS + 10 * HOUR_MS - 1)
        assert taken(box) == ["BEFORE"]
        for number in range(5):
            box.tell(alert("BEFORE", ERROR), night + number)
            box.tell(alert("A", WARN), night + number)
        box.tell(alert("B", CRITICAL), night + 5)
        assert taken(box) == ["B"]
        assert box.next_ms(night + HOUR_MS) == NOON_MS + 19 * HOUR_MS
        box.look(NOON_MS + 19 * HOUR_MS - 1)
        assert not box.ready
        box.look(NOON_MS + 19 * HOUR_MS)
        assert [(words(letter), letter.is_kept) for letter in box.ready] == [("BEFORE*5 A*5", True)]


def test_what_is_kept_is_told_at_the_end_of_the_worker_rather_than_lost() -> None:
    box = Outbox(pace(quiet=NIGHT, group_ms=0))
    night = NOON_MS + 11 * HOUR_MS
    box.tell(alert("A"), night)
    box.tell(alert("B"), night)
    assert taken(box) == []
    box.close(night + 1)
    assert taken(box) == ["A B"]


def test_what_failed_is_tried_again_with_increasing_spacing_until_it_is_too_old() -> None:
    box = Outbox(pace(retry_ms=120_000))
    box.tell(alert("A"), NOON_MS)
    tried = []
    now_ms: int | None = NOON_MS
    while now_ms is not None:
        box.look(now_ms)
        if box.ready:
            tried.append((now_ms - NOON_MS) // 1_000)
            box.failed(box.ready.popleft(), now_ms)
        now_ms = box.next_ms(now_ms)
    assert tried == [0, 5, 15, 35, 75, 120], "the last try is when the time is up"
    assert (box.dropped, box.late) == (1, 0)


def test_when_a_destination_is_back_all_that_could_not_be_delivered_is_one_letter() -> None:
    box = Outbox(pace())
    for number, kind in enumerate("ABC"):
        now_ms = NOON_MS + number * 30_000
        box.tell(alert(kind, CRITICAL), now_ms)
        while box.ready:
            box.failed(box.ready.popleft(), now_ms)
            box.look(now_ms)
    assert box.late == 3
    box.tell(alert("B", CRITICAL), now_ms + 1)
    box.tell(alert("A", WARN), now_ms + 1)
    assert not box.ready, "what is no graver than what waits of its kind waits with it"
    box.look(now_ms + AGAIN_MS * 100)
    (letter,) = box.ready
    assert (words(letter), letter.is_late) == ("A*2 B*2 C", True)
    box.ready.clear()
    box.delivered(letter, now_ms)
    assert (box.late, box.dropped, box.next_ms(now_ms + HOUR_MS)) == (0, 0, None)


def test_where_each_has_its_own_letter_one_tries_whether_the_destination_is_back_and_none_blocks_the_others() -> None:
    box = Outbox(pace(group_ms=0))
    for kind in "ABC":
        box.tell(alert(kind), NOON_MS)
    box.failed(box.ready.popleft(), NOON_MS)
    assert not box.ready, "not one try for each while it is away"
    now_ms = NOON_MS + AGAIN_MS
    box.look(now_ms)
    assert [words(letter) for letter in box.ready] == ["A"]
    box.failed(box.ready.popleft(), now_ms)
    now_ms += 2 * AGAIN_MS
    box.look(now_ms)
    assert [words(letter) for letter in box.ready] == ["B"], "one that is refused for itself goes to the end"
    box.tell(alert("D", CRITICAL), now_ms)
    box.delivered(box.ready.popleft(), now_ms)
    box.look(now_ms)
    assert taken(box) == ["D", "C", "A"]


def test_what_is_too_old_goes_at_once_and_what_came_later_stays() -> None:
    box = Outbox(pace(group_ms=0, retry_ms=60_000))
    for kind in "ABC":
        box.tell(alert(kind), NOON_MS)
    box.failed(box.ready.popleft(), NOON_MS)
    box.tell(alert("D"), NOON_MS + 50_000)
    assert taken(box) == ["A", "D"], "one that is late, and the new one"
    box.failed(letter_of([alert("A")]), NOON_MS + 60_000)
    assert (box.dropped, box.late) == (3, 0), "B and C are not tried for a last time each"
    box.failed(letter_of([alert("D")]), NOON_MS + 60_000)
    box.look(NOON_MS + 80_000)
    assert (taken(box), box.dropped) == (["D"], 3)


def test_something_grave_is_tried_at_once_also_while_the_destination_is_away() -> None:
    box = Outbox(pace())
    box.tell(alert("A"), NOON_MS)
    box.failed(box.ready.popleft(), NOON_MS)
    box.tell(alert("A", CRITICAL), NOON_MS + 1)
    (letter,) = box.ready
    assert (words(letter), letter.severity) == ("A*2", CRITICAL)
    box.tell(alert("B", ERROR), NOON_MS + 2)
    box.failed(box.ready.popleft(), NOON_MS + 3)
    assert box.late == 1, "B waits for the end of the window as ever"
    box.look(NOON_MS + HOUR_MS // 2)
    assert taken(box) == ["A*2 B"]


def test_late_news_respects_the_quiet_hours() -> None:
    box = Outbox(pace(quiet=NIGHT, retry_ms=12 * HOUR_MS))
    evening = NOON_MS + 10 * HOUR_MS - 1_000  # 21:59:59
    box.tell(alert("A"), evening)
    box.failed(box.ready.popleft(), evening)
    box.look(evening + HOUR_MS)
    assert not box.ready
    assert box.next_ms(evening + HOUR_MS) == NOON_MS + 19 * HOUR_MS
    box.look(NOON_MS + 19 * HOUR_MS)
    assert taken(box) == ["A"]


def test_too_much_drops_the_least_grave_and_of_those_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_outbox, "WAITING_MAX", 3)
    box = Outbox(pace(group_ms=0))
    for kind, severity in (("A", WARN), ("B", ERROR), ("C", WARN), ("D", CRITICAL), ("E", INFO), ("F", ERROR)):
        box.tell(alert(kind, severity), NOON_MS)
    assert (taken(box), box.dropped) == (["B", "D", "F"], 3)
    night = Outbox(pace(quiet=NIGHT))
    for kind, severity in (("A", WARN), ("B", ERROR), ("C", WARN), ("D", ERROR), ("E", INFO)):
        night.tell(alert(kind, severity), NOON_MS + 11 * HOUR_MS)
    night.look(NOON_MS + 20 * HOUR_MS)
    assert (taken(night), night.dropped) == (["B D A"], 2)


STEPS = st.lists(
    st.tuples(
        st.sampled_from("ABCD"),
        st.sampled_from(list(Severity)),
        st.sampled_from((0, 1, 4_000, 20_000, 31_000, 700_000, 3 * HOUR_MS)),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(
    steps=STEPS,
    group_ms=st.sampled_from((0, 30_000)),
    retry_ms=st.sampled_from((0, 60_000, 48 * HOUR_MS)),
    quiet=st.sampled_from((None, NIGHT)),
)
def test_everything_is_delivered_once_or_counted_as_dropped(
    steps: list[tuple[str, Severity, int, bool]], group_ms: int, retry_ms: int, quiet: Quiet | None
) -> None:
    box, now_ms = Outbox(pace(group_ms=group_ms, retry_ms=retry_ms, quiet=quiet)), NOON_MS
    told: Counter[str] = Counter()
    heard: Counter[str] = Counter()
    is_away = False

    def carry() -> None:
        """Deliver what is ready, as the time is; nothing that should wait may be in it."""
        box.look(now_ms)
        while box.ready:
            letter = box.ready.popleft()
            assert [rank(each.severity) for each in letter.alerts] == sorted(
                (rank(each.severity) for each in letter.alerts), reverse=True
            )
            if quiet is not None and is_quiet(quiet, now_ms):
                assert all(not quiet.holds(each.severity) for each in letter.alerts)
            if is_away:
                box.failed(letter, now_ms)
            else:
                box.delivered(letter, now_ms)
                heard.update({each.type: each.times for each in letter.alerts})
                box.look(now_ms)

    def pass_by(ms: int) -> None:
        """Let *ms* pass, with a look at every moment at which something is due."""
        nonlocal now_ms
        until_ms = now_ms + ms
        while (next_ms := box.next_ms(now_ms)) is not None and next_ms <= until_ms:
            assert next_ms > now_ms
            now_ms = next_ms
            carry()
        now_ms = until_ms

    for kind, severity, ms, away in steps:
        is_away = away
        pass_by(ms)
        box.tell(Alert(kind, severity, "x", now_ms, now_ms), now_ms)
        told[kind] += 1
        carry()
    is_away = False
    pass_by(24 * HOUR_MS)
    assert box.next_ms(now_ms) is None, "a day later nothing waits any more"
    assert box.late == 0
    assert all(heard[kind] <= told[kind] for kind in told)
    if box.dropped == 0:
        assert heard == told
    else:
        assert heard.total() < told.total()
        assert retry_ms < 24 * HOUR_MS, "what is worth two days is not dropped within one"
