"""What figures, times and words look like, without a browser."""

from __future__ import annotations

import pytest

from tieout.store.runs import Action, Issue, IssueType, Severity
from tieout.web.rendering import advice, environment, fact, plus, prose

NOW_MS = 1_796_000_000_000
DAY_MS = 86_400_000


def issue(action: Action, severity: Severity) -> Issue:
    return Issue(1, None, IssueType.ORPHAN_ORDER, severity, action, "", "", "", "", {}, 1, 1, 1, None, None)


def test_a_sentence_has_its_code_and_its_ids_and_no_markup_of_strangers() -> None:
    long = "0x" + "ab" * 32
    assert prose(f"run `a <b>` of {long} <i>") == (
        f'run <code>a &lt;b&gt;</code> of <span class="id" title="{long}">0xababab…abab</span> &lt;i&gt;'
    )
    assert f'href="/w/0x1/explain/{"7" * 40}"' in prose("7" * 40, "/w/0x1")
    assert prose("0xabc and 1796000000000") == "0xabc and 1796000000000"


@pytest.mark.parametrize(
    ("action", "severity", "said"),
    [
        (Action.CORRECTED, Severity.INFO, "Look. Nothing."),
        (Action.LOGGED, Severity.WARN, "Look. Wait. Hurry."),
        (Action.HALTED, Severity.INFO, "Look."),
    ],
)
def test_of_the_guidance_only_what_is_for_the_incident_is_said(action: Action, severity: Severity, said: str) -> None:
    assert advice("Look. CORRECTED: nothing. LOGGED: wait. WARN: hurry.", issue(action, severity)) == said


def test_guidance_that_has_no_part_for_the_incident_is_said_as_a_whole() -> None:
    text = "CORRECTED: nothing. LOGGED: wait."
    assert advice(text, issue(Action.HALTED, Severity.ERROR)) == text


def test_only_the_date_of_today_may_be_left_out() -> None:
    template = environment().from_string("{{ at|when }}")
    assert 'class="date today"' in template.render(at=NOW_MS, now_ms=NOW_MS)
    assert 'class="date"' in template.render(at=NOW_MS - DAY_MS, now_ms=NOW_MS)
    assert 'class="date"' in template.render(at=NOW_MS)


def test_more_shares_are_neither_good_nor_bad() -> None:
    assert plus(1_500_000) == '+<span class="num ">1.50<i>0000</i></span>'
    assert plus(-1) == '<span class="num ">−0.00<i>0001</i></span>'


def test_a_fact_in_a_line_keeps_words_and_shortens_ids() -> None:
    ids = [f"{letter * 36}" for letter in "abcd"]
    said = fact(
        f'{{"kind": "match_claimed", "status": "MATCHED_NOT_BROADCASTED", "trade_ids": {ids}}}'.replace("'", '"')
    )
    assert said.words == ("status MATCHED_NOT_BROADCASTED · trade ids aaaaaaaa…aaaa, bbbbbbbb…bbbb, cccccccc…cccc, …")
