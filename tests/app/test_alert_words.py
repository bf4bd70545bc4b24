"""Who hears of what, and what a message says at three in the morning."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from starlette.routing import Route

from tieout.app.alert import ISSUES, TYPES, Alert, letter_of
from tieout.app.alert_rules import admits
from tieout.app.alert_settings import Rules
from tieout.app.alert_words import LINES_MAX, Words
from tieout.app.issue_words import GUIDANCE
from tieout.app.quiet_hours import Quiet
from tieout.app.worker_state import MarketState
from tieout.client.markets import MarketInfo
from tieout.store.controls import Lift
from tieout.store.runs import IssueType, Severity
from tieout.web.pages import incidents, markets, overview

WALLET = "0x" + "5a" * 20
RAIN, SNOW = "0x" + "c1" * 32, "0x" + "c2" * 32
AT_MS = 1_795_000_000_000  # 2026-11-18 11:06:40 UTC
INFO, WARN, ERROR, CRITICAL = Severity


def market(condition_id: str, slug: str, question: str) -> MarketInfo:
    return MarketInfo(
        condition_id, "v1", ("1", "2"), ("Yes", "No"), 10_000, 5_000_000, False, True, slug=slug, question=question
    )


MARKETS = {
    RAIN: MarketState(market(RAIN, "will-it-rain", "Will it\nrain?")),
    SNOW: MarketState(market(SNOW, "will-it-snow", "Will it snow?")),
}
WORDS = Words(WALLET, MARKETS, "https://desk.example", Quiet(22 * 60, 7 * 60, ZoneInfo("Europe/Berlin")))


def alert(kind: str = "POSITION_DRIFT", severity: Severity = ERROR, condition_id: str = "", **more: object) -> Alert:
    given: dict[str, object] = {"what": "2 is not 1", "at_ms": AT_MS, "first_at_ms": AT_MS, **more}
    return Alert(kind, severity, condition_id=condition_id, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "told", "silent"),
    [
        (Rules(), [alert(), alert("PAUSED", INFO)], [alert(severity=WARN)]),
        (Rules(issues_from=INFO, all_from=CRITICAL), [alert(severity=CRITICAL)], [alert(), alert("PAUSED", ERROR)]),
        (Rules(only_types=("PAUSED", "HALTED")), [alert("PAUSED")], [alert(), alert("ENDED", CRITICAL)]),
        (Rules(except_types=("PAUSED",)), [alert()], [alert("PAUSED", CRITICAL)]),
        (Rules(only_types=("PAUSED",), except_types=("PAUSED",)), [], [alert("PAUSED", CRITICAL)]),
        (
            Rules(only_markets=("will-it-rain",)),
            [alert(condition_id=RAIN), alert("HALTED", CRITICAL)],
            [alert(condition_id=SNOW), alert(condition_id="0xunknown")],
        ),
        (
            Rules(except_markets=(RAIN.upper().replace("0X", "0x"), "https://polymarket.com/event/x/will-it-snow")),
            [alert(condition_id="0xunknown"), alert()],
            [alert(condition_id=RAIN), alert(condition_id=SNOW)],
        ),
        (Rules(only_markets=("0xunknown",)), [alert(condition_id="0xunknown")], [alert(condition_id=RAIN)]),
    ],
)
def test_rules(rules: Rules, told: list[Alert], silent: list[Alert]) -> None:
    def hears(each: Alert) -> bool:
        known = MARKETS.get(each.condition_id)
        return admits(rules, each, known.market if known else None)

    assert [hears(each) for each in (*told, *silent)] == [True] * len(told) + [False] * len(silent)


def test_one_alert_says_all_that_a_person_needs() -> None:
    guidance = GUIDANCE[IssueType.POSITION_DRIFT]
    one = alert(
        condition_id=RAIN, times=3, first_at_ms=AT_MS - 600_000, what="the books hold 2,\nthe chain 1", issue_id=77
    )
    message = WORDS.message(letter_of([one]))
    assert message.title == "ERROR POSITION_DRIFT: Will it rain? (3 times)"
    assert message.text.split("\n") == [
        "the books hold 2, the chain 1",
        "",
        f"What it means: {guidance.happened}",
        f"What to do: {guidance.to_do}",
        f"Command: tieout issues --wallet {WALLET}",
        f"Desk: https://desk.example/w/{WALLET}/incident/77",
        f"Market: Will it rain? {RAIN}",
        f"Wallet: {WALLET}",
        "Time: 2026-11-18 11:06:40 UTC, 3 times since 2026-11-18 10:56:40 UTC",
        "Alert: ERROR POSITION_DRIFT LOGGED",
    ]
    assert message.severity is ERROR


def test_every_type_has_its_words_and_a_command() -> None:
    for kind in TYPES:
        text = WORDS.message(letter_of([alert(kind)])).text
        for words in ("What it means: ", "What to do: ", "Command: tieout ", WALLET):
            assert words in text, kind
        assert "Market" not in text, "it is about the whole wallet"
        assert (f"tieout issues --wallet {WALLET}" in text) is (kind in ISSUES)
    halted = WORDS.message(letter_of([alert("HALTED", CRITICAL, RAIN, lift=Lift.FORCE)])).text
    assert f"tieout resume --wallet {WALLET} --market {RAIN} --force --who YOU --why REASON" in halted


def test_links_lead_to_pages_that_the_desk_has() -> None:
    desk = f"/w/{WALLET}"
    pages = {
        f"{desk}/incident/77": alert(issue_id=77, condition_id=RAIN),
        f"{desk}/incidents": alert(),
        f"{desk}/market/{RAIN}": alert("PAUSED", condition_id=RAIN),
        desk: alert("ENDED", CRITICAL),
    }
    routes = [route for page in (incidents, markets, overview) for route in page.router.routes]
    for path, each in pages.items():
        message = WORDS.message(letter_of([each]))
        assert f"Desk: https://desk.example{path}\n" in message.text
        assert json.loads(message.body)["url"] == f"https://desk.example{path}"
        assert any(isinstance(route, Route) and route.path_regex.match(path) for route in routes)
    assert "Desk" not in Words(WALLET, MARKETS).message(letter_of([alert()])).text


def test_several_say_how_many_of_what_the_gravest_first() -> None:
    many = [alert(severity=WARN, kind="DATA_API_STALE", times=2)]
    many += [alert(condition_id=f"0x{number:064x}", what="x" * 5_000) for number in range(20)]
    many += [alert("HALTED", CRITICAL, SNOW, what='it said {"passphrase": "correct horse"}')]
    message = WORDS.message(letter_of(many, is_kept=True, is_late=True))
    assert message.title == "CRITICAL HALTED: Will it snow? and 21 more"
    lines = message.text.split("\n")
    assert lines[0] == "23 alerts: 1 CRITICAL HALTED, 20 ERROR POSITION_DRIFT, 2 WARN DATA_API_STALE"
    assert lines[2].startswith("CRITICAL HALTED [Will it snow?]: it said ")
    assert sum(line.startswith(("CRITICAL ", "ERROR ", "WARN ")) for line in lines) == LINES_MAX
    assert f"and {22 - LINES_MAX} more of other kinds or markets" in lines
    assert lines[-1] == "Held back in the quiet hours 22:00-07:00 Europe/Berlin. It could not be delivered before."
    assert "horse" not in message.text
    row = json.loads(message.body)
    assert (row["type"], row["severity"], row["times"], len(row["alerts"])) == ("SEVERAL", "CRITICAL", 23, 22)
    assert row["alerts"][0]["type"] == "HALTED"
    assert b"horse" not in message.body
    assert len(message.text) < 3_500, "most services take 4,000 characters, and cut what is behind"
