"""What people call markets and outcomes, in every form the venue tells it; and nothing where it tells none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.venue.titles import Title, titles

CONDITION = "0x" + "c0" * 32
YES, NO = ("1" * 70, "2" * 70)
BOTH = Title(CONDITION, "Will it end?", ((YES, "Yes"), (NO, "No")))


@pytest.mark.parametrize(
    "message",
    [
        {
            "conditionId": CONDITION.upper().replace("0X", "0x"),
            "question": "Will it end?",
            "outcomes": '["Yes", "No"]',
            "clobTokenIds": json.dumps([YES, NO]),
        },
        {
            "condition_id": CONDITION,
            "question": "Will it end?",
            "tokens": [{"token_id": YES, "outcome": "Yes"}, {"token_id": NO, "outcome": "No"}],
        },
    ],
)
def test_a_market_tells_its_question_and_all_outcomes_alone_in_lists_and_in_pages(message: object) -> None:
    for body in (message, [message], {"data": [message]}, {"markets": [message], "next_cursor": "x"}):
        assert list(titles(json.dumps(body).encode())) == [BOTH]


def test_a_row_of_either_index_tells_its_title_and_one_outcome() -> None:
    first = {"conditionId": CONDITION, "title": "Will it end?", "asset": NO, "outcome": "No", "outcomeIndex": 1}
    second = {"condition_id": CONDITION, "title": "Will it end?", "token_id": NO, "outcome": "No"}
    whole = {"conditionId": CONDITION, "title": "Will it end?", "asset": "", "outcome": "", "outcomeIndex": 999}
    for row in (first, second):
        assert list(titles(json.dumps(row).encode())) == [Title(CONDITION, "Will it end?", ((NO, "No"),))]
    assert list(titles(json.dumps(whole).encode())) == [Title(CONDITION, "Will it end?", ())]


def test_recorded_messages_tell_the_names_that_are_in_them(shared: Path) -> None:
    found = {
        path.stem: [title.title for title in titles(path.read_bytes())]
        for path in sorted((shared / "samples").glob("*.json"))
    }
    assert found["clob_market"]
    assert found["nt_gamma_market"]
    assert found["data_api_v2_positions"]
    assert found["nt_ws_user_trade"] == [], "a trade names its outcome, and not its market"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'{"conditionId": 5, "title": "x"}',
        b'{"conditionId": "0x1", "title": null}',
        b'{"conditionId": "0x1"}',
    ],
)
def test_what_tells_no_title_gives_none(body: bytes) -> None:
    assert list(titles(body)) == []


def test_outcomes_that_are_no_list_leave_the_title() -> None:
    for outcomes in ("{", 5, None, '"Yes"', [1, None]):
        row = {"conditionId": CONDITION, "question": "Will it end?", "outcomes": outcomes, "clobTokenIds": [YES, NO]}
        assert list(titles(json.dumps(row).encode())) == [Title(CONDITION, "Will it end?", ())]


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["conditionId", "title", "outcomes", "tokens", "data", "asset"]), inner)
    ),
    max_leaves=12,
)


@given(values)
def test_no_message_is_an_error(value: object) -> None:
    for title in titles(json.dumps(value).encode()):
        assert title.condition_id
        assert title.title
